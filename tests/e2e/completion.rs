//! `textDocument/inlineCompletion`, and why.

use pilotlight_assist::{Options as AssistOptions, options::CompletionOptions};
use serde_json::{Value, json};

use crate::{
    client::{Buffer, Setup, TestServer, check},
    model,
};

#[tokio::test]
async fn ghost_text_at_the_cursor() {
    assert_eq!(check("a.rs", "fn f() {\n    let x =$0\n}\n").await, "fn f() {\n    let x =⟦ 1;⟧\n}\n");
    assert_eq!(check("a.txt", "f($0").await, "f(⟦);⟧");
    assert_eq!(check("a.txt", "é@$0").await, "é@⟦𝄞!⟧");
    assert_eq!(check("a.txt", "no chain begins here: $0").await, "no chain begins here: ⟦1;⟧");
    assert_eq!(check("a.txt", "x$0").await, "nothing");
}

#[tokio::test]
async fn an_item_says_all_that_an_editor_needs() {
    let server = TestServer::start().await;
    let buffer = Buffer::new("a.txt", "\né =$0");
    buffer.open(&server);
    let item = buffer.ghost(&server).await;
    let at = json!({ "line": 1, "character": 3 });
    let id = item["command"]["arguments"][0].as_u64().unwrap();
    assert_eq!(
        item,
        json!({
            "insertText": " 1;",
            "filterText": " 1;",
            "range": { "start": at, "end": at },
            "command": { "title": "Accept suggestion", "command": "pilotlight.accept", "arguments": [id] },
        })
    );
    server.close().await.unwrap();
}

#[tokio::test]
async fn typing_what_it_says_keeps_it_without_the_engine() {
    let server = TestServer::start().await;
    let mut buffer = Buffer::new("a.txt", "x =$0");
    buffer.open(&server);
    let first = buffer.ghost(&server).await;
    let why = buffer.why(&server).await;
    assert_eq!(why["kept"], false);
    assert!(why["prefilled"].as_u64().unwrap() > 0, "{why}");
    buffer.type_text(&server, " 1");
    let rest = buffer.ghost(&server).await;
    assert_eq!(buffer.with(&rest), "x = 1⟦;⟧");
    assert_eq!(rest["command"]["arguments"], first["command"]["arguments"]);
    let why = buffer.why(&server).await;
    assert_eq!((&why["kept"], &why["prefilled"], &why["decoded"]), (&json!(true), &json!(0), &json!(0)));
    server.close().await.unwrap();
}

#[tokio::test]
async fn the_model_sees_no_returns_and_what_it_writes_has_the_documents() {
    for markers in [model::EMBER, model::QWEN] {
        let mut asked = Vec::new();
        for end in ["\n", "\r\n"] {
            let server = TestServer::with(Setup { markers, ..Setup::default() }).await;
            let text = "fn a() {\n    b();\n}\n\n\nfn f() {$0\n\nfn c() {\n    d();\n}\n";
            let mut buffer = Buffer::new("a.rs", &text.replace('\n', end));
            buffer.open(&server);
            assert_eq!(buffer.ghost(&server).await["insertText"], format!("{end}}}"));
            let mut whys = vec![buffer.why(&server).await];
            buffer.type_text(&server, end);
            assert_eq!(buffer.ghost(&server).await["insertText"], "}");
            assert_eq!(buffer.why(&server).await["kept"], true);
            buffer.type_text(&server, &format!("    b();{end}    let x ="));
            assert_eq!(buffer.ghost(&server).await["insertText"], " 1;");
            whys.push(buffer.why(&server).await);
            let counts = whys.iter().map(|why| {
                let segments = why["segments"].as_array().unwrap();
                let tokens: Vec<u64> = segments.iter().map(|segment| segment["tokens"].as_u64().unwrap()).collect();
                (tokens, why["prefilled"].clone(), why["reused"].clone())
            });
            asked.push(counts.collect::<Vec<_>>());
            server.close().await.unwrap();
        }
        assert_eq!(asked[0], asked[1]);
    }
}

#[tokio::test]
async fn after_a_slip_it_is_there_again_without_the_engine() {
    let server = TestServer::start().await;
    let mut buffer = Buffer::new("a.txt", "x =$0");
    buffer.open(&server);
    let first = buffer.ghost(&server).await;
    buffer.type_text(&server, "q");
    let at = buffer.text.len() - 1;
    buffer.ghost(&server).await;
    assert_eq!(buffer.why(&server).await["kept"], false);
    buffer.replace(&server, at, at + 1, "");
    let again = buffer.ghost(&server).await;
    assert_eq!(again, first);
    let why = buffer.why(&server).await;
    assert_eq!((&why["kept"], &why["prefilled"], &why["decoded"]), (&json!(true), &json!(0), &json!(0)));
    server.close().await.unwrap();
}

#[tokio::test]
async fn the_answer_goes_on_from_what_the_menu_has_selected() {
    let server = TestServer::start().await;
    let buffer = Buffer::new("a.txt", "v.pu$0 rest");
    buffer.open(&server);
    let ask = async |text: &str, start: u32, end: u32| {
        let at = |character: u32| json!({ "line": 0, "character": character });
        let mut params = buffer.here();
        params["context"]["selectedCompletionInfo"] =
            json!({ "range": { "start": at(start), "end": at(end) }, "text": text });
        let items = server.request("textDocument/inlineCompletion", params).await.unwrap();
        buffer.with(items.get(0).unwrap_or(&Value::Null))
    };
    // Without a selection the model would go on from `pu`.
    assert_eq!(buffer.with(&buffer.ghost(&server).await), "v.pu⟦sh();⟧ rest");
    assert_eq!(ask("put(", 2, 4).await, "v.⟦put();⟧ rest");
    assert_eq!(ask("push", 2, 4).await, "v.⟦push();⟧ rest");
    assert_eq!(ask("put_x", 2, 4).await, "nothing");
    assert_eq!(ask("push", 0, 1).await, "nothing");
    assert_eq!(
        buffer.why(&server).await["nothing_because"],
        "selectedCompletionInfo: its range is not on the cursor's line around the cursor"
    );
    // The document itself was never changed.
    buffer.save(&server);
    server.close().await.unwrap();
}

#[tokio::test]
async fn a_version_that_is_not_the_documents_is_not_answered_with_guesses() {
    let server = TestServer::start().await;
    let buffer = Buffer::new("a.txt", "x =$0");
    buffer.open(&server);
    let later = Buffer { version: 5, ..buffer.clone() };
    assert_eq!(later.ghost(&server).await, Value::Null);
    assert_eq!(
        buffer.why(&server).await["nothing_because"],
        "asked for version 5 of the document, which is at version 1 here"
    );
    // The specification's own parameters have none.
    let mut params = buffer.here();
    params["textDocument"] = buffer.named();
    assert_eq!(server.request("textDocument/inlineCompletion", params).await.unwrap().as_array().unwrap().len(), 1);
    server.close().await.unwrap();
}

#[tokio::test]
async fn a_position_outside_the_document_is_an_error() {
    let server = TestServer::start().await;
    let buffer = Buffer::new("a.txt", "x =$0");
    buffer.open(&server);
    let mut params = buffer.here();
    params["position"] = json!({ "line": 7, "character": 0 });
    let error = server.request("textDocument/inlineCompletion", params.clone()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "textDocument/inlineCompletion: file:///work/a.txt: line 7 (counted from 0) is outside the document, which has 1 lines (-32602)"
    );
    // Past the line's end is the line's end (LSP 3.17, `Position`).
    params["position"] = json!({ "line": 0, "character": 70 });
    let items = server.request("textDocument/inlineCompletion", params).await.unwrap();
    assert_eq!(buffer.with(&items[0]), "x =⟦ 1;⟧");
    server.close().await.unwrap();
}

#[tokio::test]
async fn explanations_are_found_by_id_by_document_and_by_time() {
    let server = TestServer::start().await;
    let (one, two) = (Buffer::new("a.txt", "x =$0"), Buffer::new("b.txt", "longer, so that it has more tokens ($0"));
    one.open(&server);
    two.open(&server);
    let id = one.ghost(&server).await["command"]["arguments"][0].clone();
    two.ghost(&server).await;
    let explain = async |params: Value| server.request("pilotlight/explain", params).await.unwrap();
    let (first, second) = (one.why(&server).await, two.why(&server).await);
    assert_ne!(first["prefilled"], second["prefilled"]);
    assert_eq!(explain(json!({ "id": id })).await, first);
    assert_eq!(explain(json!({})).await, second);
    assert_eq!(explain(json!({ "id": 123_456 })).await, Value::Null);
    assert_eq!(explain(json!({ "textDocument": { "uri": "file:///no" } })).await, Value::Null);
    let tokens: u64 = first["segments"].as_array().unwrap().iter().map(|s| s["tokens"].as_u64().unwrap()).sum();
    assert_eq!(tokens, first["prefilled"].as_u64().unwrap() + first["reused"].as_u64().unwrap());
    server.close().await.unwrap();
}

#[tokio::test]
async fn where_the_cursor_rests_the_first_completion_finds_its_prompt_computed() {
    let completion = CompletionOptions { look_ahead_always: true, ..CompletionOptions::default() };
    let server = TestServer::with(Setup {
        assist: AssistOptions { completion, ..AssistOptions::default() },
        ..Setup::default()
    })
    .await;
    let text = "a line above\nanother line above\nx =$0\na line below\n";
    let buffer = Buffer::new("a.txt", text);
    buffer.open(&server);
    server.notify(
        "pilotlight/didMoveCursor",
        json!({ "textDocument": { "uri": buffer.uri }, "position": { "line": 2, "character": 3 } }),
    );
    let engine = server.assistant.engine().await.unwrap();
    while engine.figures().requests.completed == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    buffer.ghost(&server).await;
    let why = buffer.why(&server).await;
    assert_eq!(why["prefilled"], 1, "{why}");
    let resting = server.assistant.predictions().resting;
    assert_eq!((resting.made, resting.used), (1, 1));
    server.close().await.unwrap();
}

#[tokio::test]
async fn who_stops_typing_finds_the_window_anchored_where_they_are() {
    let completion = CompletionOptions { look_ahead_always: true, ..CompletionOptions::default() };
    let server = TestServer::with(Setup {
        assist: AssistOptions { completion, ..AssistOptions::default() },
        markers: model::QWEN,
        ..Setup::default()
    })
    .await;
    let mut buffer = Buffer::new("a.txt", "a line above\n$0\na line below\n");
    buffer.open(&server);
    buffer.ghost(&server).await;
    let typed = "what is typed\nstands behind the middle\nx =";
    for line in typed.split_inclusive('\n') {
        buffer.type_text(&server, line);
        buffer.ghost(&server).await;
    }
    let behind = |why: &Value| {
        let segments = why["segments"].as_array().unwrap();
        segments.iter().find(|segment| segment["source"] == "typed").map(|segment| segment["tokens"].as_u64().unwrap())
    };
    let why = buffer.why(&server).await;
    // A byte is a token; the last is healed, and so no longer of the prompt.
    assert_eq!(behind(&why), Some(typed.len() as u64 - 1), "{why}");
    assert!(why["prefilled"].as_u64().unwrap() <= 4, "the anchor held: {why}");
    while server.assistant.predictions().resting.made < 1 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let engine = server.assistant.engine().await.unwrap();
    while engine.figures().requests.waiting > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    buffer.type_text(&server, "=");
    let ghost = buffer.ghost(&server).await;
    assert_eq!(ghost["insertText"], " 1;");
    let why = buffer.why(&server).await;
    assert_eq!(behind(&why), Some("x =".len() as u64), "{why}");
    assert!(why["prefilled"].as_u64().unwrap() <= 2, "it was computed while nothing was typed: {why}");
    assert_eq!(server.assistant.predictions().resting.used, 1);
    server.close().await.unwrap();
}

#[tokio::test]
async fn an_answer_at_once_says_so_and_is_made_good_in_the_background() {
    let completion = CompletionOptions { answer_now: true, look_ahead: false, ..CompletionOptions::default() };
    let server = TestServer::with(Setup {
        assist: AssistOptions { completion, ..AssistOptions::default() },
        ..Setup::default()
    })
    .await;
    let above: String = (0..40).map(|n| format!("line {n} of some text\n")).collect();
    let mut buffer = Buffer::new("a.txt", &format!("{above}x =$0\nbelow it\n"));
    buffer.open(&server);
    let first = buffer.ghost(&server).await;
    assert_eq!(buffer.why(&server).await["moved"], 0);
    let engine = server.assistant.engine().await.unwrap();
    let ended = || {
        let requests = engine.figures().requests;
        requests.completed + requests.cancelled
    };
    while ended() < 1 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    // What follows is another text: so is the prompt, from its first tokens on.
    let (cursor, below) = (buffer.cursor, buffer.text.find("below").unwrap());
    buffer.replace(&server, below, below + 5, "and much more below");
    buffer.cursor = cursor;
    let now = buffer.ghost(&server).await;
    assert_eq!(now["insertText"], first["insertText"]);
    let why = buffer.why(&server).await;
    let count = |name: &str| why[name].as_u64().unwrap();
    assert!(count("moved") > 400 && count("prefilled") < 100, "{why}");
    while ended() < 3 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    buffer.type_text(&server, "x");
    buffer.ghost(&server).await;
    let why = buffer.why(&server).await;
    assert_eq!((&why["moved"], &why["prefilled"]), (&json!(0), &json!(1)), "{why}");
    server.close().await.unwrap();
}

#[tokio::test]
async fn what_others_report_near_the_cursor_is_shown_to_the_model() {
    let completion = CompletionOptions { repository_tokens: Some(400), ..CompletionOptions::default() };
    let server = TestServer::with(Setup {
        assist: AssistOptions { completion, ..AssistOptions::default() },
        ..Setup::default()
    })
    .await;
    let buffer = Buffer::new("a.txt", "one\ntwo\nx =$0\n");
    buffer.open(&server);
    let at = |line: u32| json!({ "start": { "line": line, "character": 0 }, "end": { "line": line, "character": 3 } });
    let report = |diagnostics: Value| {
        let params = json!({ "textDocument": { "uri": buffer.uri }, "diagnostics": diagnostics });
        server.notify("pilotlight/didChangeDiagnostics", params);
    };
    let shown = async || {
        buffer.ghost(&server).await;
        let why = buffer.why(&server).await;
        let segments = why["segments"].as_array().unwrap().clone();
        segments.into_iter().find(|it| it["source"] == "diagnostic").map(|it| it["tokens"].as_u64().unwrap())
    };
    report(json!([
        { "range": at(1), "severity": 1, "message": "two is not defined\nand more" },
        { "range": at(90), "message": "far away" },
    ]));
    let tokens = shown().await.unwrap();
    // A byte is a token: the near one, its first line, by its number.
    assert!(tokens >= "2: two is not defined\n".len() as u64 && tokens < 60, "{tokens}");
    server.close().await.unwrap();
}

#[tokio::test]
async fn a_cursor_outside_the_document_is_told_of_and_nothing_is_computed() {
    let mut server = TestServer::start().await;
    let buffer = Buffer::new("a.txt", "x =$0");
    buffer.open(&server);
    server.notify(
        "pilotlight/didMoveCursor",
        json!({ "textDocument": { "uri": buffer.uri }, "position": { "line": 7, "character": 0 } }),
    );
    let complaint = server.next("window/logMessage").await["message"].as_str().unwrap().to_owned();
    assert!(complaint.contains("didMoveCursor") && complaint.contains("line 7"), "{complaint}");
    buffer.ghost(&server).await;
    assert_eq!(server.assistant.predictions().resting, pilotlight_assist::Prediction::default());
    server.close().await.unwrap();
}

#[tokio::test]
async fn what_is_switched_off_says_so() {
    let completion = CompletionOptions { disabled_languages: vec!["rust".to_owned()], ..CompletionOptions::default() };
    let assist = AssistOptions { completion, ..AssistOptions::default() };
    let server = TestServer::with(Setup { assist, ..Setup::default() }).await;
    let buffer = Buffer::new("a.rs", "fn f() { let x =$0 }");
    buffer.open(&server);
    assert_eq!(buffer.ghost(&server).await, Value::Null);
    let why = buffer.why(&server).await["nothing_because"].as_str().unwrap().to_owned();
    assert!(why.contains("switched off for rust"), "{why}");
    server.close().await.unwrap();
}

/// A function, and the beginning of one like it.
const LIKE: &str = "fn users(app: &mut App) {\n    let handler = load(\"users\");\n    app.register(handler);\n    app.enable_logging();\n}\n";
const BEGUN: &str =
    "\nfn orders(app: &mut App) {\n    let handler = load(\"orders\");\n    app.re$0\n    app.enable_logging();\n}\n";

#[tokio::test]
async fn a_line_from_a_place_like_this_one_is_there_without_the_model() {
    let server = TestServer::start().await;
    let buffer = Buffer::new("a.rs", &format!("{LIKE}{BEGUN}"));
    buffer.open(&server);
    assert_eq!(buffer.ghost(&server).await["insertText"], "gister(handler);");
    let why = buffer.why(&server).await;
    assert_eq!((&why["recalled"]["path"], &why["recalled"]["line"]), (&json!("a.rs"), &json!(2)), "{why}");
    assert_eq!((&why["prefilled"], &why["decoded"]), (&json!(0), &json!(0)), "the model was not asked");
    server.close().await.unwrap();

    let completion = CompletionOptions { recall: Some(false), ..CompletionOptions::default() };
    let assist = AssistOptions { completion, ..AssistOptions::default() };
    let server = TestServer::with(Setup { assist, ..Setup::default() }).await;
    buffer.open(&server);
    assert_eq!(buffer.ghost(&server).await, Value::Null, "the model says nothing here");
    assert_eq!(buffer.why(&server).await["recalled"], Value::Null);
    server.close().await.unwrap();
}

#[tokio::test]
async fn a_line_that_is_half_as_sure_stands_back_behind_what_the_model_is_surer_of() {
    let server = TestServer::start().await;
    // Of two lines that begin alike neither is sure; the model is certain of `1;`, and of nothing behind `q`.
    let file = |begun: &str| format!("b = 2\na = 1\nx = 22\n\nb = 2\na = 3\nx = 33\n\nb = 2\na = 4\n{begun}\n");
    let buffer = Buffer::new("a.txt", &file("x =$0"));
    buffer.open(&server);
    assert_eq!(buffer.ghost(&server).await["insertText"], " 1;");
    assert_eq!(buffer.why(&server).await["recalled"], Value::Null);
    server.close().await.unwrap();
}

#[tokio::test]
async fn where_the_model_is_asked_a_line_from_a_place_like_this_one_is_its_draft() {
    let completion = CompletionOptions { recall: Some(false), ..CompletionOptions::default() };
    let assist = AssistOptions { completion, ..AssistOptions::default() };
    // The model says what it would say without; what was drafted rightly comes with another token's step.
    for (there, drafted) in [("x = 1;", 3), ("y = 7;", 1), ("z()", 0)] {
        let server = TestServer::with(Setup { assist: assist.clone(), ..Setup::default() }).await;
        let buffer = Buffer::new("a.txt", &format!("first()\n{there}\nlast()\n\nfirst()\nx =$0\nlast()\n"));
        buffer.open(&server);
        assert_eq!(buffer.ghost(&server).await["insertText"], " 1;");
        let why = buffer.why(&server).await;
        assert_eq!((&why["recalled"], &why["drafted"]), (&Value::Null, &json!(drafted)), "{there}: {why}");
        server.close().await.unwrap();
    }
}

#[tokio::test]
async fn inside_of_a_word_the_model_is_asked_by_key_only() {
    let server = TestServer::start().await;
    let buffer = Buffer::new("a.txt", "x = lo$0ve");
    buffer.open(&server);
    assert_eq!(buffer.ghost(&server).await, Value::Null);
    assert_eq!(buffer.why(&server).await["nothing_because"], "the cursor is inside a word");
    let engine = server.assistant.engine().await.unwrap();
    assert_eq!(engine.figures().requests.completed, 0);
    server.close().await.unwrap();
}

#[tokio::test]
async fn an_answer_as_long_as_the_context_leaves_half_of_it_to_the_text() {
    let completion = CompletionOptions { max_tokens: 16384, ..CompletionOptions::default() };
    let server = TestServer::with(Setup {
        assist: AssistOptions { completion, ..AssistOptions::default() },
        ..Setup::default()
    })
    .await;
    let buffer = Buffer::new("a.txt", "some text\nx =$0");
    buffer.open(&server);
    assert_eq!(buffer.ghost(&server).await["insertText"], " 1;");
    let why = buffer.why(&server).await;
    let prefix: u64 = why["segments"].as_array().unwrap().iter().map(|it| it["tokens"].as_u64().unwrap()).sum();
    assert!(prefix > 10, "{why}");
    server.close().await.unwrap();
}
