//! `textDocument/completion`: for editors without ghost text, and only for them.

use std::sync::{Mutex, mpsc as gate};

use pilotlight_assist::{CompletionRequest, DocumentId, Trigger, syntax::Language};
use pilotlight_lsp::{CompletionMenu, Options};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::{
    client::{Buffer, Setup, TestServer},
    remote,
    scripts::fault::{FaultServer, event, open, say},
};

async fn start(inline: bool, completion_menu: CompletionMenu) -> TestServer {
    let server = unready(inline, completion_menu, None).await;
    server.assistant.engine().await.unwrap();
    server
}

async fn unready(inline: bool, completion_menu: CompletionMenu, gate: Option<gate::Receiver<()>>) -> TestServer {
    let capabilities = if inline { json!({ "textDocument": { "inlineCompletion": {} } }) } else { json!({}) };
    let options = Options { completion_menu, ..Options::default() };
    TestServer::with(Setup { capabilities, options, gate, ..Setup::default() }).await
}

async fn menu(server: &TestServer, buffer: &Buffer) -> Value {
    let params = json!({
        "textDocument": buffer.named(),
        "position": buffer.position(buffer.cursor),
        "context": { "triggerKind": 1 },
    });
    // On a busy machine it may be late: then it is there for the next key.
    for _ in 0..5 {
        let list = server.request("textDocument/completion", params.clone()).await.unwrap();
        let late = buffer.why(server).await["nothing_because"].as_str().is_some_and(|why| why.contains("menu waits"));
        if !late {
            return list;
        }
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    }
    panic!("the model has nothing in ten seconds");
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

#[tokio::test]
async fn a_menu_does_not_wait_for_a_model_that_is_loading() {
    let (opens, waits) = gate::channel();
    let server = unready(false, CompletionMenu::Auto, Some(waits)).await;
    let buffer = Buffer::new("a.txt", "x =$0");
    buffer.open(&server);
    let list = menu(&server, &buffer).await;
    assert_eq!((&list["items"], &list["isIncomplete"]), (&json!([]), &json!(true)));
    drop(opens);
    server.assistant.engine().await.unwrap();
    assert_eq!(buffer.with(&menu(&server, &buffer).await["items"][0]), "x =⟦ 1;⟧");
    server.close().await.unwrap();
}

#[tokio::test]
async fn what_takes_longer_than_a_menu_waits_is_there_for_the_next_key() {
    let (let_go, held) = gate::channel::<()>();
    let held = Mutex::new(held);
    let far = FaultServer::start(move |seen, stream| {
        let body = match seen.path.as_str() {
            "/props" => r#"{"default_generation_settings":{"n_ctx":2048},"model_path":"far.gguf"}"#,
            "/tokenize" => r#"{"tokens":[1,2]}"#,
            "/infill" => {
                // Until it is let go.
                let _ = held.lock().unwrap().recv();
                open(stream);
                event(stream, r#"{"content":" 1;","stop":false}"#);
                event(stream, r#"{"content":"","stop":true}"#);
                return;
            }
            _ => "{}",
        };
        say(stream, 200, "", body);
    });
    let assistant = remote::assistant(&far.url());
    let options = Options { completion_menu: CompletionMenu::Auto, ..Options::default() };
    let setup = Setup { capabilities: json!({}), options, assistant: Some(assistant), ..Setup::default() };
    let server = TestServer::with(setup).await;
    server.assistant.engine().await.unwrap();
    let buffer = Buffer::opened(&server, "a.txt", "x =$0");
    let params = json!({ "textDocument": buffer.named(), "position": buffer.position(buffer.cursor) });
    let list = server.request("textDocument/completion", params).await.unwrap();
    assert_eq!((&list["items"], &list["isIncomplete"]), (&json!([]), &json!(true)));
    let why = buffer.why(&server).await;
    assert_eq!(why["nothing_because"], "it takes longer than a menu waits", "{why}");
    drop(let_go);
    let account = || server.assistant.journal().account();
    while account().recent.is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(account().recent[0].why.nothing_because, None, "it went on");
    // Nobody was handed it until it is asked for again.
    let offered = || account().languages.values().map(|uptake| uptake.offered).sum::<u64>();
    assert_eq!(offered(), 0);
    assert_eq!(buffer.with(&menu(&server, &buffer).await["items"][0]), "x =⟦ 1;⟧");
    assert_eq!(offered(), 1);
    server.close().await.unwrap();
}

#[tokio::test]
async fn what_comes_too_late_is_offered_when_it_is_asked_for_again() {
    let server = start(false, CompletionMenu::Auto).await;
    let document = DocumentId::from("a");
    server.assistant.open(document.clone(), None, Language::Plain, 1, "x =");
    let snapshot = server.assistant.snapshot(&document).unwrap();
    let request = CompletionRequest { document, cursor: 3, snapshot, trigger: Trigger::Invoked };
    for (waits, offered) in [(false, 0), (true, 1)] {
        let outcome = server.assistant.complete_while(request.clone(), CancellationToken::new(), move || waits).await;
        assert_eq!(outcome.completion.unwrap().text, " 1;");
        let languages = server.assistant.journal().account().languages;
        assert_eq!(languages.values().map(|uptake| uptake.offered).sum::<u64>(), offered);
    }
    server.close().await.unwrap();
}
