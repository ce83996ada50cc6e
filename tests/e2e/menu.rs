//! `textDocument/completion`: for editors without ghost text, and only for them.

use pilotlight_lsp::{CompletionMenu, Options};
use serde_json::{Value, json};

use crate::client::{Buffer, Setup, TestServer};

async fn start(inline: bool, completion_menu: CompletionMenu) -> TestServer {
    let capabilities = if inline { json!({ "textDocument": { "inlineCompletion": {} } }) } else { json!({}) };
    let options = Options { completion_menu, ..Options::default() };
    TestServer::with(Setup { capabilities, options, ..Setup::default() }).await
}

async fn menu(server: &TestServer, buffer: &Buffer) -> Value {
    let params = json!({
        "textDocument": buffer.named(),
        "position": buffer.position(buffer.cursor),
        "context": { "triggerKind": 1 },
    });
    server.request("textDocument/completion", params).await.unwrap()
}

#[tokio::test]
async fn the_menu_is_for_editors_without_ghost_text() {
    for (inline, setting, offered) in [
        (false, CompletionMenu::Auto, true),
        (true, CompletionMenu::Auto, false),
        (true, CompletionMenu::Always, true),
        (false, CompletionMenu::Never, false),
    ] {
        let server = start(inline, setting).await;
        assert_eq!(server.initialized["capabilities"]["completionProvider"].is_object(), offered);
        assert_eq!(server.initialized["capabilities"]["inlineCompletionProvider"], true);
        let buffer = Buffer::new("a.txt", "x =$0");
        buffer.open(&server);
        // Also where it asks all the same.
        let list = menu(&server, &buffer).await;
        assert_eq!(list["items"].as_array().unwrap().len(), usize::from(offered), "{inline} {setting:?}");
        server.close().await.unwrap();
    }
}

#[tokio::test]
async fn an_item_replaces_the_word_that_it_is_matched_with() {
    let server = start(false, CompletionMenu::Auto).await;
    let buffer = Buffer::new("a.txt", "é v.pu$0 rest");
    buffer.open(&server);
    let list = menu(&server, &buffer).await;
    assert_eq!(list["isIncomplete"], true);
    let item = &list["items"][0];
    assert_eq!(buffer.with(item), "é v.⟦push();⟧ rest");
    let id = item["command"]["arguments"][0].as_u64().unwrap();
    let at = |character: u32| json!({ "line": 0, "character": character });
    assert_eq!(
        *item,
        json!({
            "label": "push();",
            "kind": 1,
            "detail": "pilotlight",
            "sortText": "\u{10ffff}",
            "filterText": "push();",
            "insertTextFormat": 1,
            "insertTextMode": 1,
            "textEdit": { "range": { "start": at(4), "end": at(6) }, "newText": "push();" },
            "command": { "title": "Accept suggestion", "command": "pilotlight.accept", "arguments": [id] },
        })
    );
    server.close().await.unwrap();
}

#[tokio::test]
async fn several_lines_are_one_line_in_the_menu() {
    let server = start(false, CompletionMenu::Auto).await;
    let buffer = Buffer::new("a.rs", "struct S {$0\n");
    buffer.open(&server);
    let list = menu(&server, &buffer).await;
    let item = &list["items"][0];
    assert_eq!(buffer.with(item), "struct S {⟦\n}⟧\n");
    assert_eq!(item["label"], "}");
    assert_eq!(item["documentation"]["value"], "\n}");
    server.close().await.unwrap();
}
