//! A definition that is of another type now, over servers that answer by a script: the lines that use it are written anew, each to be looked at; what cannot be used is left, with the reason.

use serde_json::{Value, json};

use crate::{
    chat_actions::Person,
    client::{Buffer, TestServer},
    written_edits::Script,
};

const AREA: &str =
    "pub fn $0area(w: u32) -> u32 {\n    w\n}\n\nfn one() -> u32 {\n    let a = area(1);\n    a + area(2)\n}\n";
const TITLE: &str = "Carry this change to its 2 uses in 1 file, 2 of them to look at first";

fn fenced(text: &str) -> String {
    format!("```rust\n{text}\n```")
}

/// As a person does: `old` in the buffer becomes `new`.
fn change(server: &TestServer, buffer: &mut Buffer, old: &str, new: &str) {
    let at = buffer.text.find(old).unwrap();
    buffer.replace(server, at, at + old.len(), new);
    buffer.cursor = at;
}

/// The resolved action with this title.
async fn carried(server: &TestServer, actions: Vec<Value>, title: &str) -> Value {
    let found = actions.iter().find(|action| action["title"] == title);
    let action = found.unwrap_or_else(|| panic!("no {title:?} in {actions:?}")).clone();
    server.request("codeAction/resolve", action).await.unwrap()
}

/// What is told to be left.
async fn left(server: &mut TestServer) -> String {
    server.next("window/logMessage").await["message"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_use_what_gives_something_else_are_written_anew() {
    let answers = [fenced("    let a = area(1).unwrap_or_default();"), fenced("    a + area(2")];
    let mut person = Person::new("a.rs", AREA, &[&answers[0], &answers[1]]).await;
    change(&person.server, &mut person.buffer, "-> u32 {\n    w", "-> Option<u32> {\n    Some(w)");
    let actions = person.actions(json!([])).await;
    assert!(person.asked().is_empty(), "nothing is written for what is only offered");
    let resolved = carried(&person.server, actions, TITLE).await;
    let left = left(&mut person.server).await;
    let expected = person.buffer.text.replace("area(1);", "area(1).unwrap_or_default();");
    assert_eq!(person.made(&resolved["edit"]), expected);
    assert_eq!(resolved["edit"]["changeAnnotations"]["the model wrote these lines anew"]["needsConfirmation"], true);
    let why =
        "a.rs:7: it gives something else now: this may have to follow (what the model wrote would be a syntax error)";
    assert!(left.ends_with(why), "{left}");
    let asked = person.asked();
    assert_eq!(asked.len(), 2, "one question a place");
    let changed =
        "`area` in a.rs was `pub fn area(w: u32) -> u32` and is `pub fn area(w: u32) -> Option<u32>` now. Make these";
    for part in [changed, "The lines in question:\n```rust\n    let a = area(1);\n```"] {
        assert!(asked[0].contains(part), "{}", asked[0]);
    }
    person.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_another_file_uses() {
    let text = "pub struct Shape {\n    pub $0corner_count: u8,\n    pub name: String,\n}\n";
    let answer = fenced("    let n = shape.corner_count as u8;");
    let mut person = Person::new("geo.rs", text, &[&answer, &fenced("    shape.corner_count > 3_usize")]).await;
    let uses = "use crate::geo::Shape;\nfn many(shape: &Shape) -> bool {\n    let n = shape.corner_count;\n    shape.corner_count > 3\n}\n";
    let root = person.folder.path().canonicalize().unwrap();
    let other = Buffer::in_folder(&root, "user.rs", &format!("$0{uses}"));
    other.open(&person.server);
    change(&person.server, &mut person.buffer, "u8", "usize");
    let actions = person.actions(json!([])).await;
    let resolved = carried(&person.server, actions, TITLE).await;
    let edits = &resolved["edit"]["documentChanges"][0];
    assert_eq!(edits["textDocument"]["uri"], other.uri);
    let texts: Vec<_> = edits["edits"].as_array().unwrap().iter().map(|edit| edit["newText"].clone()).collect();
    assert_eq!(texts, ["    let n = shape.corner_count as u8;", "    shape.corner_count > 3_usize"]);
    person.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_rule_does_is_done_before_the_model_is_asked() {
    let fixture =
        AREA.replace("w: u32)", "w: u32, h: u32)").replace("area(1)", "area(1, 7)").replace("area(2)", "area(2, 7)");
    let answers = [fenced("    let a = area(1).unwrap_or(0);"), "I cannot.".to_owned(), "No.".to_owned()];
    let mut person = Person::new("a.rs", &fixture, &[&answers[0], &answers[1], &answers[2]]).await;
    let now = "w: u32) -> Option<u32> {\n    Some(w)";
    change(&person.server, &mut person.buffer, "w: u32, h: u32) -> u32 {\n    w", now);
    let actions = person.actions(json!([])).await;
    let resolved = carried(&person.server, actions, TITLE).await;
    let left = left(&mut person.server).await;
    let expected = person.buffer.text.replace("area(1, 7)", "area(1).unwrap_or(0)").replace("area(2, 7)", "area(2)");
    assert_eq!(person.made(&resolved["edit"]), expected, "the rule's edit stays where the model is of no use");
    assert!(left.contains("cannot be read, twice: expected one fenced block, found words alone"), "{left}");
    assert!(person.asked()[0].contains("```rust\n    let a = area(1);\n```"));
    person.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_fit_as_they_are_stay() {
    let same = [fenced("    let a = area(1);"), fenced("    a + area(2)")];
    let mut person = Person::new("a.rs", AREA, &[&same[0], &same[1]]).await;
    change(&person.server, &mut person.buffer, "w: u32", "w: u64");
    let actions = person.actions(json!([])).await;
    let resolved = carried(&person.server, actions, TITLE).await;
    let left = left(&mut person.server).await;
    assert_eq!(resolved["edit"]["documentChanges"], json!([]));
    assert_eq!(
        left.matches("`w` is of another type now: this may have to follow (the model leaves it as it is)").count(),
        2
    );
    person.close().await;
}

/// What becomes of the first lines that use `area` when it is made async, with a model that fills and says `answer`: their new text, and what it was asked.
async fn filled(fixture: &str, answer: &str) -> (String, Vec<String>) {
    let script = Script::new();
    let folder = tempfile::tempdir().unwrap();
    let (server, mut buffer) = script.with_open(&folder.path().canonicalize().unwrap(), fixture).await;
    change(&server, &mut buffer, "pub fn area", "pub async fn area");
    *script.answer.lock().unwrap() = (answer.to_owned(), "eos");
    let actions = buffer.actions(&server, buffer.text.find("area").unwrap()).await;
    let resolved = carried(&server, actions, TITLE).await;
    let new = resolved["edit"]["documentChanges"][0]["edits"][0]["newText"].as_str().unwrap().to_owned();
    server.close().await.unwrap();
    let asked = script.asked();
    (new, asked)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_only_fills_is_shown_what_the_lines_were() {
    let (new, asked) = filled(AREA, "let a = area(1).await;").await;
    assert_eq!(new, "    let a = area(1).await;");
    let told = "    // `area` in a.rs was `pub fn area(w: u32) -> u32` and is `pub async fn area(w: u32) -> u32` now. Before that, these lines were:\n    // let a = area(1);\n";
    assert!(asked.iter().any(|prompt| prompt.contains(told)), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_filled_in_has_the_line_ends_of_the_file() {
    let (new, _) = filled(&AREA.replace('\n', "\r\n"), "let a = area(1)\n        .await;").await;
    assert_eq!(new, "    let a = area(1)\r\n        .await;");
}
