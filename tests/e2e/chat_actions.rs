//! Code actions that want a model that chats: over a server that answers by a script, what is asked, what is made of the answers, and what is refused.

use std::{fs, path::Path};

use pilotlight_assist::Workspace;
use serde_json::{Value, json};

use crate::{
    actions::everything,
    client::{Buffer, Setup, TestServer, soon, uri},
    model_actions::refused_or_for_the_older_text,
    remote::assistant,
    scripts::{fault::FaultServer, talker},
};

/// What a script leaves unanswered.
const SILENCE: &str = "";

/// An editor with one open file in a folder, over a chat server that gives its answers one after the other.
pub(crate) struct Person {
    pub(crate) server: TestServer,
    script: FaultServer,
    pub(crate) buffer: Buffer,
    pub(crate) folder: tempfile::TempDir,
}

impl Person {
    pub(crate) async fn new(name: &str, fixture: &str, answers: &[&str]) -> Self {
        let mut capabilities = everything();
        capabilities["workspace"]["applyEdit"] = json!(true);
        capabilities["workspace"]["workspaceEdit"]["resourceOperations"] = json!(["create"]);
        capabilities["experimental"] = json!({ "pilotlight": { "asksInstruction": true } });
        Self::with(name, fixture, answers, capabilities).await
    }

    async fn with(name: &str, fixture: &str, answers: &[&str], capabilities: Value) -> Self {
        let answers: Vec<String> = answers.iter().map(|it| (*it).to_owned()).collect();
        let script = talker("stop", move |at| answers.get(at).filter(|text| *text != SILENCE).cloned());
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let assistant = assistant(&script.url()).for_client(Workspace::default());
        assistant.engine().await.unwrap();
        let server = TestServer::with(Setup { capabilities, assistant: Some(assistant), ..Setup::default() }).await;
        server.enters(&root);
        let mut buffer = Buffer::in_folder(&root, name, fixture);
        if name.ends_with(".py") {
            buffer.language = "python";
        }
        buffer.open(&server);
        Self { server, script, buffer, folder }
    }

    /// The last message of each conversation that the model was asked to go on with.
    pub(crate) fn asked(&self) -> Vec<String> {
        let asked = self.script.seen("/v1/chat/completions");
        let last =
            |body: &Value| body["messages"].as_array().unwrap().last().unwrap()["content"].as_str().unwrap().to_owned();
        asked.iter().map(|seen| last(&seen.body)).collect()
    }

    pub(crate) async fn actions(&self, diagnostics: Value) -> Vec<Value> {
        self.buffer.actions_for(&self.server, self.buffer.cursor, json!({ "diagnostics": diagnostics })).await
    }

    async fn action(&self, title: &str) -> Value {
        let actions = self.actions(json!([])).await;
        let found = actions.iter().find(|action| action["title"] == title);
        found.unwrap_or_else(|| panic!("no {title:?} in {actions:?}")).clone()
    }

    /// The text after the action of this title.
    async fn done(&self, title: &str) -> Result<String, String> {
        let action = self.action(title).await;
        let resolved = self.server.request("codeAction/resolve", action).await.map_err(|error| error.to_string())?;
        Ok(self.made(&resolved["edit"]))
    }

    /// The text after the edits of a `WorkspaceEdit` for it.
    pub(crate) fn made(&self, edit: &Value) -> String {
        self.buffer.made(edit).replace(['⟦', '⟧'], "")
    }

    pub(crate) async fn close(self) {
        self.server.close().await.unwrap();
    }
}

const ADD: &str = "use std::io;\n\n#[inline]\npub fn $0add(a: u32, b: u32) -> u32 {\n    return a + b;\n}\n";

#[tokio::test(flavor = "multi_thread")]
async fn documentation_is_put_before_attributes() {
    let person =
        Person::new("a.rs", ADD, &["Sure:\n```rust\n/// Adds two numbers.\n///\n/// Without a check.\n```"]).await;
    let text = person.done("Document `add`").await.unwrap();
    let expected = "/// Adds two numbers.\n///\n/// Without a check.\n#[inline]\npub fn add";
    assert_eq!(text, person.buffer.text.replace("#[inline]\npub fn add", expected));
    let asked = &person.asked()[0];
    for part in ["The file is a.rs.", "```rust\npub fn add(a: u32", "use std::io;", "a `///` comment"] {
        assert!(asked.contains(part), "{part}: {asked}");
    }
    person.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn documentation_with_code_in_it_is_refused() {
    let answer = "```\n/// Adds.\nfn evil() {}\n```";
    let person = Person::new("a.rs", ADD, &[answer, answer]).await;
    let error = person.done("Document `add`").await.unwrap_err();
    let expected = "nothing is changed: the model's answer cannot be read, twice: expected a comment alone, found code in it (-32803)";
    assert!(error.ends_with(expected), "{error}");
    person.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_cannot_be_read_is_asked_for_again_once() {
    let good = "```rust\n#[inline]\npub fn add(a: u32, b: u32) -> u32 {\n    a + b\n}\n```";
    let person = Person::new("a.rs", ADD, &["It is simple already.", &good.replace("#[inline]\n", "")]).await;
    let text = person.done("Simplify `add`").await.unwrap();
    assert_eq!(text, person.buffer.text.replace("    return a + b;\n", "    a + b\n"));
    let asked = person.asked();
    assert_eq!(asked.len(), 2);
    assert!(asked[1].starts_with("That cannot be used: expected one fenced block, found words alone."), "{}", asked[1]);
    person.close().await;

    let person = Person::new("a.rs", ADD, &["No.", "```\nno", good]).await;
    let error = person.done("Simplify `add`").await.unwrap_err();
    assert!(
        error.contains("cannot be read, twice: expected one fenced block, found one that is not closed"),
        "{error}"
    );
    assert_eq!(person.asked().len(), 2, "and not a third time");
    person.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_dropped_and_told() {
    let person = Person::new("a.rs", ADD, &["```rust\npub fn add(a: u32, b: u32) -> u32 {\n    a + (b\n}\n```"]).await;
    let error = person.done("Simplify `add`").await.unwrap_err();
    assert!(error.contains("nothing is changed: `") && error.contains("would be a syntax error"), "{error}");
    person.close().await;
    let gone = "```rust\npub fn sum(a: u32, b: u32) -> u32 {\n    a + b\n}\n```";
    let person = Person::new("a.rs", ADD, &[gone, gone]).await;
    let error = person.done("Simplify `add`").await.unwrap_err();
    assert!(error.contains("found one that does not define `add` any more"), "{error}");
    person.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_diagnostic_is_fixed() {
    let answer = "<<<<<<< SEARCH\n    return a + b;\n=======\n    return a.wrapping_add(b);\n>>>>>>> REPLACE";
    let person = Person::new("a.rs", ADD, &[answer]).await;
    assert!(person.actions(json!([])).await.iter().all(|action| action["kind"] != "quickfix"));
    let range = json!({ "start": { "line": 4, "character": 11 }, "end": { "line": 4, "character": 16 } });
    let diagnostics = json!([{ "range": range, "message": "this may overflow\nhelp: wrap" }]);
    let actions = person.actions(diagnostics.clone()).await;
    let fix = actions.iter().find(|action| action["kind"] == "quickfix").unwrap();
    assert_eq!((&fix["title"], &fix["diagnostics"]), (&json!("Fix: this may overflow"), &diagnostics));
    let resolved = person.server.request("codeAction/resolve", fix.clone()).await.unwrap();
    assert_eq!(person.made(&resolved["edit"]), person.buffer.text.replace("a + b;", "a.wrapping_add(b);"));
    let asked = &person.asked()[0];
    assert!(asked.contains("- line 5 (`return a + b;`): this may overflow\nhelp: wrap"), "{asked}");
    person.close().await;
}

/// Neovim hands a server nothing of what others report but by our own notification.
#[tokio::test(flavor = "multi_thread")]
async fn a_diagnostic_that_was_reported_before_is_fixed() {
    let answer = "<<<<<<< SEARCH\n    return a + b;\n=======\n    return a.wrapping_add(b);\n>>>>>>> REPLACE";
    let mut capabilities = everything();
    // As its plugin says it, too.
    capabilities["workspace"]["workspaceEdit"]["changeAnnotationSupport"] = Value::Null;
    let fixture = ADD.replace("$0", "").replace("return", "ret$0urn");
    let mut person = Person::with("a.rs", &fixture, &[answer], capabilities).await;
    let report = |person: &Person, lines: &[u32]| {
        let said = |line| json!({ "range": { "start": { "line": line, "character": 0 }, "end": { "line": line, "character": 0 } }, "severity": 2, "message": format!("of line {line}\nand more") });
        let diagnostics: Vec<Value> = lines.iter().map(said).collect();
        let params = json!({ "textDocument": { "uri": person.buffer.uri }, "diagnostics": diagnostics });
        person.server.notify("pilotlight/didChangeDiagnostics", params);
    };
    let fixes = async |person: &Person| {
        let actions = person.actions(json!([])).await;
        actions.into_iter().filter(|action| action["kind"] == "quickfix").collect::<Vec<_>>()
    };
    report(&person, &[3, 99]);
    assert_eq!(fixes(&person).await, [Value::Null; 0], "none of this line");
    report(&person, &[3, 4, 99]);
    // What was reported moves with its line.
    let cursor = person.buffer.cursor;
    person.buffer.replace(&person.server, 0, 0, "\n");
    assert_eq!(fixes(&person).await, [Value::Null; 0], "none at the top");
    person.buffer.cursor = cursor + 1;
    let [fix] = &fixes(&person).await[..] else { panic!("one fix") };
    assert_eq!(fix["title"], "Fix: of line 4");
    let resolved = person.server.request("codeAction/resolve", fix.clone()).await.unwrap();
    assert_eq!(person.made(&resolved["edit"]), person.buffer.text.replace("a + b;", "a.wrapping_add(b);"));
    assert!(person.asked()[0].contains("- line 6 (`return a + b;`): of line 4\nand more"), "{:?}", person.asked());
    person.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tests_go_beside_the_code() {
    let test = "```rust\n#[test]\nfn adds() {\n    assert_eq!(add(1, 2), 3);\n}\n```";
    let person = Person::new("a.rs", ADD, &[test]).await;
    let text = person.done("Add tests of `add`").await.unwrap();
    let module = "\n#[cfg(test)]\nmod tests {\n    use super::*;\n\n    #[test]\n    fn adds() {\n        assert_eq!(add(1, 2), 3);\n    }\n}\n";
    assert_eq!(text, person.buffer.text.clone() + module);
    person.close().await;

    // In Python in a file of their own, which is made.
    let test = "```python\nfrom a import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n```";
    let person = Person::new("a.py", "def $0add(a, b):\n    return a + b\n", &[test, test]).await;
    let action = person.action("Add tests of `add`").await;
    let resolved = person.server.request("codeAction/resolve", action).await.unwrap();
    let file = uri(&person.folder.path().canonicalize().unwrap().join("test_a.py"));
    let changes = &resolved["edit"]["documentChanges"];
    assert_eq!((&changes[0]["kind"], &changes[0]["uri"]), (&json!("create"), &json!(file)));
    assert_eq!(changes[1]["textDocument"], json!({ "uri": file, "version": null }));
    let expected = "from a import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n";
    assert_eq!(changes[1]["edits"][0]["newText"], expected);
    assert!(!Path::new(&person.folder.path().join("test_a.py")).exists(), "the client makes it");
    person.close().await;

    // Where the client makes none, and where such a file is excluded, nothing is done.
    let person = Person::with("a.py", "def $0add(a, b):\n    return a + b\n", &[test], everything()).await;
    let error = person.done("Add tests of `add`").await.unwrap_err();
    assert!(error.contains("test_a.py would have to be created"), "{error}");
    assert!(person.asked().is_empty(), "before a model is asked");
    person.close().await;
    let person = Person::new("a.py", "def $0add(a, b):\n    return a + b\n", &[test]).await;
    fs::write(person.folder.path().join(".aiexclude"), "test_*\n").unwrap();
    let error = person.done("Add tests of `add`").await.unwrap_err();
    assert!(error.contains(".aiexclude") && person.asked().is_empty(), "{error}");
    person.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instruction_is_followed() {
    let mut person = Person::new("a.rs", ADD, &["```\n    b + a\n```"]).await;
    let action = person.action("Rewrite `add` by an instruction…").await;
    assert_eq!(action["command"]["command"], "pilotlight.rewrite");
    let range = json!({ "start": { "line": 4, "character": 2 }, "end": { "line": 4, "character": 9 } });
    let arguments = json!([person.buffer.uri, range, "the other way round"]);
    let command = json!({ "command": "pilotlight.rewrite", "arguments": arguments });
    assert_eq!(person.server.request("workspace/executeCommand", command).await, Ok(Value::Null));
    let sent = person.server.next("workspace/applyEdit").await;
    assert_eq!(person.made(&sent["edit"]), person.buffer.text.replace("return a + b;", "b + a"));
    assert!(person.asked()[0].contains("the other way round"));
    person.close().await;

    // With nothing selected, in a body: the function around. Outside of all there is none.
    let whole = "```\npub fn add(a: u32, b: u32) -> u32 {\n    b + a\n}\n```";
    let mut person = Person::new("a.rs", ADD, &[whole]).await;
    let action = person.action("Rewrite `add` by an instruction…").await;
    let rewrite = |person: &Person, line: u32| {
        let at = json!({ "line": line, "character": 0 });
        let arguments = json!([person.buffer.uri, { "start": at, "end": at }, "the other way round"]);
        json!({ "command": "pilotlight.rewrite", "arguments": arguments })
    };
    let command = rewrite(&person, 4);
    assert_eq!(person.server.request("workspace/executeCommand", command).await, Ok(Value::Null));
    let sent = person.server.next("workspace/applyEdit").await;
    assert_eq!(person.made(&sent["edit"]), person.buffer.text.replace("return a + b;", "b + a"));
    let command = rewrite(&person, 1);
    let error = person.server.request("workspace/executeCommand", command).await.unwrap_err().to_string();
    assert!(error.contains("there is no function here: select the lines"), "{error}");
    // Without one, and from a client that knows nothing of it.
    let command = json!({ "command": "pilotlight.rewrite", "arguments": action["command"]["arguments"] });
    let error = person.server.request("workspace/executeCommand", command).await.unwrap_err().to_string();
    assert!(error.contains("expected the arguments [uri, range, instruction]"), "{error}");
    person.close().await;
    let person = Person::with("a.rs", ADD, &[], everything()).await;
    assert!(person.actions(json!([])).await.iter().all(|action| action["command"].is_null()));
    person.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_called_like_credentials_is_shown_to_no_model() {
    let person = Person::new("a.rs", ADD, &["```\nC=3\n```"]).await;
    let secret = Buffer { uri: "untitled:/ws/.env".to_owned(), ..Buffer::new("", "A=1\nB=2$0\n") };
    secret.open(&person.server);
    let range = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 1, "character": 3 } });
    let command = json!({ "command": "pilotlight.rewrite", "arguments": [secret.uri, range, "another"] });
    let error = person.server.request("workspace/executeCommand", command).await.unwrap_err().to_string();
    assert!(error.contains("credentials") && person.asked().is_empty(), "{error}");
    person.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_with_a_secret_are_not_shown_and_so_not_rewritten() {
    let text = "def $0near():\n    password = 'aK9xQ2mZ7pL4vB8n'\n    return password\n";
    let person = Person::new("a.py", text, &["```\nx\n```"]).await;
    let error = person.done("Simplify `near`").await;
    let error = match error {
        Err(error) => error,
        Ok(text) => panic!("{text}"),
    };
    assert!(error.contains("what looks like a password or a key stands in these lines"), "{error}");
    assert!(person.asked().is_empty());
    person.close().await;
    // A fix is asked with all lines.
    let text = format!("password = 'aK9xQ2mZ7pL4vB8n'\n\n{}", "def near():\n    return$0 1\n");
    let person = Person::new("a.py", &text, &[]).await;
    let range = json!({ "start": { "line": 3, "character": 4 }, "end": { "line": 3, "character": 8 } });
    let fixes = person.actions(json!([{ "range": range, "message": "no" }])).await;
    let fix = fixes.iter().find(|action| action["kind"] == "quickfix").unwrap().clone();
    let error = person.server.request("codeAction/resolve", fix).await.unwrap_err().to_string();
    assert!(
        error.contains("stands in this file, which is shown whole for this, and") && !error.contains("choose"),
        "{error}"
    );
    assert!(person.asked().is_empty());
    person.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_moves_on_or_a_person_who_gives_up_gets_nothing() {
    let good = "```rust\npub fn add(a: u32, b: u32) -> u32 {\n    a + b\n}\n```";
    let mut person = Person::new("a.rs", ADD, &[SILENCE, good]).await;
    let action = person.action("Simplify `add`").await;
    let resolving = person.server.ask("codeAction/resolve", action.clone());
    soon(async {
        while person.asked().is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    drop(resolving);
    let engine = person.server.assistant.engine().await.unwrap().clone();
    soon(async {
        while engine.figures().requests.cancelled == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let resolving = person.server.ask("codeAction/resolve", action);
    person.buffer.type_text(&person.server, " ");
    refused_or_for_the_older_text(soon(resolving).await, &person.buffer);
    person.close().await;
}
