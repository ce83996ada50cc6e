//! Documents: what is typed is what the server has, and what goes wrong is told, never guessed at.

use serde_json::json;

use crate::client::{Buffer, TestServer};

#[tokio::test]
async fn edits_make_the_text() {
    let server = TestServer::start().await;
    let mut buffer = Buffer::new("a.rs", "fn f() {\r\n    let é = \"𝄞\";\r\n$0}\r\n");
    buffer.open(&server);
    buffer.type_text(&server, "    let x =\r\n");
    let quote = buffer.text.find("𝄞").unwrap();
    buffer.replace(&server, quote, quote + 4, "ab\ncd");
    buffer.replace(&server, 0, 0, "// 𝄞\n");
    buffer.replace(&server, 3, 7, "");
    buffer.save(&server);
    buffer.cursor = buffer.text.find("let x =").unwrap() + 7;
    let item = buffer.ghost(&server).await;
    assert_eq!(buffer.with(&item), "// \nfn f() {\r\n    let é = \"ab\ncd\";\r\n    let x =⟦ 1;⟧\r\n}\r\n");
    server.close().await.unwrap();
}

#[tokio::test]
async fn half_a_surrogate_pair_in_an_edit_is_no_lost_edit() {
    let server = TestServer::start().await;
    let mut buffer = Buffer::new("a.txt", "a$0");
    buffer.open(&server);
    // As an editor in JavaScript may write it; no string of Rust can have it.
    let changes =
        r#"[{"range":{"start":{"line":0,"character":1},"end":{"line":0,"character":1}},"text":"\ud83d b ="}]"#;
    let document = json!({ "uri": buffer.uri, "version": 2 });
    let body = format!(
        r#"{{"jsonrpc":"2.0","method":"textDocument/didChange","params":{{"textDocument":{document},"contentChanges":{changes}}}}}"#
    );
    server.client.write(format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    buffer.text = "a\u{FFFD} b =".to_owned();
    (buffer.version, buffer.cursor) = (2, buffer.text.len());
    buffer.type_text(&server, " ");
    assert_eq!(buffer.with(&buffer.ghost(&server).await), "a\u{FFFD} b = ⟦1;⟧");
    server.close().await.unwrap();
}

#[tokio::test]
async fn several_changes_in_one_notification_are_applied_one_after_another() {
    let server = TestServer::start().await;
    let mut buffer = Buffer::new("a.txt", "abc$0");
    buffer.open(&server);
    let at = |character: u32| json!({ "line": 0, "character": character });
    let insert =
        |character: u32, text: &str| json!({ "range": { "start": at(character), "end": at(character) }, "text": text });
    let changes = json!([insert(0, "x"), insert(4, "y"), { "text": "12" }, insert(1, "z"), insert(3, "=")]);
    server.notify(
        "textDocument/didChange",
        json!({ "textDocument": { "uri": buffer.uri, "version": 2 }, "contentChanges": changes }),
    );
    buffer.text = "1z2=".to_owned();
    buffer.version = 2;
    buffer.cursor = 4;
    buffer.save(&server);
    assert_eq!(buffer.with(&buffer.ghost(&server).await), "1z2=⟦ 1;⟧");
    server.close().await.unwrap();
}

#[tokio::test]
async fn what_is_not_open_is_told() {
    let mut server = TestServer::start().await;
    let mut buffer = Buffer::new("a.txt", "x =$0");
    let complaint = "file:///work/a.txt is not open: send textDocument/didOpen first";
    buffer.type_text(&server, "y");
    assert_eq!(server.complaint().await, complaint);
    buffer.save(&server);
    assert_eq!(server.complaint().await, complaint);
    buffer.close(&server);
    assert_eq!(server.complaint().await, complaint);
    buffer.ghost_error(&server, complaint).await;
    buffer.open(&server);
    buffer.open(&server);
    assert_eq!(server.complaint().await, "file:///work/a.txt was open already: its text is replaced");
    buffer.close(&server);
    buffer.ghost_error(&server, complaint).await;
    server.close().await.unwrap();
}

#[tokio::test]
async fn an_edit_outside_the_document_puts_completions_off_until_the_text_is_whole_again() {
    for mend in ["change", "save", "reopen"] {
        let mut server = TestServer::start().await;
        let mut buffer = Buffer::new("a.txt", "x =$0");
        buffer.open(&server);
        let before = buffer.clone();
        let at = |line: u32| json!({ "line": line, "character": 0 });
        let change = |range, text: &str| {
            let document = json!({ "uri": before.uri, "version": 2 });
            json!({ "textDocument": document, "contentChanges": [{ "range": range, "text": text }] })
        };
        server.notify("textDocument/didChange", change(json!({ "start": at(3), "end": at(4) }), "boom"));
        let complaint = server.complaint().await;
        assert!(
            complaint.starts_with("file:///work/a.txt: an edit cannot be applied (line 3 ")
                && complaint.contains("which has 1 lines"),
            "{complaint}"
        );
        // Edits that could be applied are left out too: what they refer to is another text. Once is told, not for each.
        server.notify("textDocument/didChange", change(json!({ "start": at(0), "end": at(0) }), "oops"));
        buffer.version = 1;
        assert_eq!(buffer.ghost(&server).await, json!(null));
        let why = buffer.why(&server).await["nothing_because"].as_str().unwrap().to_owned();
        assert!(why.starts_with("the text here is out of sync with the editor's: line 3 "), "{why}");

        buffer.text = "y(".to_owned();
        buffer.cursor = 2;
        match mend {
            "change" => {
                buffer.version = 3;
                let document = json!({ "uri": buffer.uri, "version": 3 });
                let changes = json!([{ "range": { "start": at(9), "end": at(9) }, "text": "lost" }, { "text": "y(" }]);
                server.notify("textDocument/didChange", json!({ "textDocument": document, "contentChanges": changes }));
            }
            "save" => buffer.save(&server),
            _ => {
                buffer.close(&server);
                buffer.open(&server);
            }
        }
        assert_eq!(buffer.with(&buffer.ghost(&server).await), "y(⟦);⟧", "{mend}");
        server.close().await.unwrap();
    }
}

#[tokio::test]
async fn an_edit_that_cannot_be_read_is_no_replacement_of_the_whole_text() {
    for range in [
        json!("0:1"),
        json!({ "start": { "line": 0, "character": 0 } }),
        json!({ "start": { "line": -1, "character": 0 }, "end": { "line": 0, "character": 0 } }),
    ] {
        let mut server = TestServer::start().await;
        let buffer = Buffer::new("a.txt", "x =$0");
        buffer.open(&server);
        let changes = json!([{ "range": range, "text": "gone" }]);
        server.notify(
            "textDocument/didChange",
            json!({ "textDocument": { "uri": buffer.uri, "version": 2 }, "contentChanges": changes }),
        );
        let complaint = server.complaint().await;
        assert!(complaint.contains("an edit cannot be applied"), "{complaint}");
        assert_eq!(buffer.ghost(&server).await, json!(null));
        // The old text is untouched.
        buffer.save(&server);
        assert_eq!(buffer.with(&buffer.ghost(&server).await), "x =⟦ 1;⟧");
        server.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_text_that_went_another_way_in_silence_is_found_when_it_is_saved() {
    let mut server = TestServer::start().await;
    let mut buffer = Buffer::new("a.txt", "x =$0");
    buffer.open(&server);
    buffer.save(&server);
    // A client with a bug: it changes its text and does not say so.
    buffer.text = "y(".to_owned();
    buffer.cursor = 2;
    buffer.save(&server);
    assert_eq!(
        server.complaint().await,
        "file:///work/a.txt: the text that was saved is not the one that the edits made; the saved one is taken"
    );
    assert_eq!(buffer.with(&buffer.ghost(&server).await), "y(⟦);⟧");
    server.close().await.unwrap();
}

#[tokio::test]
async fn a_file_too_large_for_completions_says_so_and_edits_go_on() {
    let server = TestServer::start().await;
    let mut buffer = Buffer::new("a.rs", &format!("{}\n$0", "x".repeat(2_000_000)));
    buffer.open(&server);
    buffer.type_text(&server, "let y =");
    assert_eq!(buffer.ghost(&server).await, json!(null));
    let why = buffer.why(&server).await["nothing_because"].as_str().unwrap().to_owned();
    assert!(why.contains("completions are off"), "{why}");
    buffer.save(&server);
    server.close().await.unwrap();
}

#[tokio::test]
async fn languages_are_known_by_name_or_by_the_file() {
    // In Rust the brace must be closed; as plain text any text will do.
    let server = TestServer::start().await;
    for (name, language, errors) in [("a.rs", "rust", true), ("b.rs", "unheard-of", true), ("c.rs", "plaintext", false)]
    {
        let buffer = Buffer { language, ..Buffer::new(name, "fn f() { (((((.$0 }\n") };
        buffer.open(&server);
        let item = buffer.ghost(&server).await;
        assert_eq!(item.is_null(), errors, "{name} {language}: {item}");
    }
    server.close().await.unwrap();
}
