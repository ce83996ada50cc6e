//! What of the workspace a model is shown for a code action: definitions of what the lines use, without what is secret or excluded. Read off the prompts, over servers that answer by a script.

use std::{fs, path::Path};

use serde_json::json;

use crate::{chat_actions::Person, written_edits::Script};

const GEO: &str = "/// It has corners.\npub struct Shape {\n    pub corners: u32,\n}\n\npub fn unfold(shape: &Shape) -> u32 {\n    shape.corners * 2\n}\n";

/// The rest of a workspace, beside the file in question.
fn others(root: &Path) {
    fs::write(root.join("geo.rs"), GEO).unwrap();
    fs::write(root.join("keys.rs"), "pub const API_KEY: &str = \"ghp_0123456789abcdefghijABCDEFGHIJ012345\";\n")
        .unwrap();
    fs::write(root.join("other.rs"), "pub struct Shape {\n    pub private_thing: u8,\n}\n").unwrap();
    fs::write(root.join(".aiexclude"), "other.rs\n").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_chats_is_shown_what_the_lines_use() {
    let text = "use crate::geo::{Shape, unfold};\nuse crate::keys::API_KEY;\n\npub fn $0count(shape: &Shape) -> u32 {\n    send(API_KEY);\n    unfold(shape)\n}\n";
    let person = Person::new("a.rs", text, &["```\n/// Counts.\n```"]).await;
    others(&person.folder.path().canonicalize().unwrap());
    let actions = person.actions(json!([])).await;
    let action = actions.iter().find(|it| it["title"] == "Document `count`").unwrap().clone();
    person.server.request("codeAction/resolve", action).await.unwrap();
    let asked = &person.asked()[0];
    assert!(asked.starts_with("The file is a.rs.\n\nFrom "), "{asked}");
    for part in [
        "From geo.rs, for you to know:\n```rust\n",
        "pub struct Shape {",
        "pub fn unfold(shape: &Shape) -> u32",
        "pub const API_KEY",
    ] {
        assert!(asked.contains(part), "{part}: {asked}");
    }
    assert!(!asked.contains("ghp_0123") && !asked.contains("private_thing"), "{asked}");
    assert_eq!(asked.matches("unfold(shape)\n").count(), 1, "the file itself is not shown twice: {asked}");
    person.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_written_with_what_its_head_names() {
    let script = Script::new();
    *script.answer.lock().unwrap() = ("unfold(shape)".to_owned(), "eos");
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    others(&root);
    let text = "use crate::geo::{Shape, unfold};\n\npub fn count(shape: &Shape) -> u32 {$0}\n";
    let (server, buffer) = script.with_open(&root, text).await;
    let actions = buffer.actions(&server, buffer.cursor).await;
    let action = actions.iter().find(|it| it["title"] == "Write the body of `count`").unwrap().clone();
    server.request("codeAction/resolve", action).await.unwrap();
    let prompt = script.asked().pop().unwrap();
    assert!(prompt.contains("<|file_sep|>geo.rs\n") && prompt.contains("pub struct Shape {"), "{prompt}");
    assert!(!prompt.contains("private_thing"), "{prompt}");
    server.close().await.unwrap();
}
