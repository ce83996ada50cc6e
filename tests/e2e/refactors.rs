//! A thousand refactors with the documents edited under them: no edit is lost, none is made in a text that it is not for, every request is answered.

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use crate::{
    actions::{everything, server},
    client::{Buffer, TestServer, soon},
};

const ROUNDS: usize = 1000;

struct Editor {
    server: TestServer,
    /// The definition, and two files of uses.
    buffers: Vec<Buffer>,
    marks: usize,
    dice: StdRng,
}

impl Editor {
    /// An edit of the person's, somewhere: a comment of its own in a line of its own.
    fn scribble(&mut self) {
        let at = self.dice.random_range(0..self.buffers.len());
        let buffer = &mut self.buffers[at];
        let starts: Vec<usize> = buffer.text.match_indices('\n').map(|(at, _)| at + 1).collect();
        let start = starts[self.dice.random_range(0..starts.len())];
        let mark = format!("// {}\n", mark(self.marks));
        buffer.replace(&self.server, start, start, &mark);
        self.marks += 1;
    }

    fn maybe_scribble(&mut self) {
        if self.dice.random_bool(0.3) {
            self.scribble();
        }
    }

    fn ask(&self, method: &str, params: Value) -> pilotlight_lsp::client::Pending {
        self.server.ask(method, params)
    }

    fn actions(&self, name: &str) -> pilotlight_lsp::client::Pending {
        let buffer = &self.buffers[0];
        let params = buffer.asking(buffer.text.find(name).unwrap(), json!({ "diagnostics": [] }));
        self.ask("textDocument/codeAction", params)
    }

    /// Makes an edit as an editor does: all of it where every version is the current one, else nothing. Whether it was made.
    fn apply(&mut self, edit: &Value, old: &str) -> bool {
        let changes = edit["documentChanges"].as_array().unwrap();
        let uris: Vec<String> = self.buffers.iter().map(|buffer| buffer.uri.clone()).collect();
        let buffer = |uri: &Value| uris.iter().position(|known| known == uri).unwrap();
        let current = |change: &Value| {
            let document = &change["textDocument"];
            document["version"] == self.buffers[buffer(&document["uri"])].version
        };
        if !changes.iter().all(current) {
            return false;
        }
        for change in changes {
            let at = buffer(&change["textDocument"]["uri"]);
            let buffer = &mut self.buffers[at];
            // From the end, so that the places before stay where they are.
            for edit in change["edits"].as_array().unwrap().iter().rev() {
                let (start, end) = (buffer.offset(&edit["range"]["start"]), buffer.offset(&edit["range"]["end"]));
                assert_eq!(&buffer.text[start..end], old, "an edit for another text");
                buffer.replace(&self.server, start, end, edit["newText"].as_str().unwrap());
            }
        }
        true
    }
}

fn mark(number: usize) -> String {
    format!("mark-{number:04}-")
}

fn name(round: usize) -> String {
    format!("compute_step_{round}")
}

#[tokio::test]
async fn a_thousand_refactors_under_edits() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let first = name(0);
    let texts = [
        ("geo.rs", format!("\npub fn $0{first}(a: u8, b: u16) -> u8 {{ a }}\nfn own() {{ {first}(1, 2); }}\n")),
        ("lib.rs", format!("mod geo;\nuse geo::{first};$0\nfn one() {{ {first}(1, 2); geo::{first}(3, 4); }}\n")),
        ("two.rs", format!("\nfn two() {{ crate::geo::{first}(5, {first}(6, 7)); }}\nuse crate::geo::{first};$0\n")),
    ];
    let buffers = texts.map(|(file, text)| Buffer::in_folder(&root, file, &text));
    let server = server(&root, everything()).await;
    buffers.iter().for_each(|buffer| buffer.open(&server));
    let mut editor = Editor { server, buffers: buffers.into(), marks: 0, dice: StdRng::seed_from_u64(10) };
    let (mut made, mut refused, mut stale, mut cancelled) = (0, 0, 0, 0);
    for round in 0..ROUNDS {
        let (old, new) = (name(round), name(round + 1));
        let at = editor.buffers[0].text.find(&old).unwrap();
        let buffer = &mut editor.buffers[0];
        buffer.replace(&editor.server, at, at + old.len(), &new);
        let mut done = false;
        for attempt in 0.. {
            assert!(attempt < 20, "round {round} comes to no end");
            // Undisturbed in the end: it must work then.
            let disturbed = attempt < 3;
            let actions = editor.actions(&new);
            if disturbed && editor.dice.random_bool(0.1) {
                drop(actions);
                cancelled += 1;
                continue;
            }
            if disturbed {
                editor.maybe_scribble();
            }
            let Ok(actions) = soon(actions).await else {
                refused += 1;
                assert!(disturbed, "refused though nothing moved");
                continue;
            };
            let Some(action) = actions.as_array().unwrap().first().cloned() else {
                refused += 1;
                assert!(disturbed, "nothing is offered though nothing moved");
                continue;
            };
            if disturbed {
                editor.maybe_scribble();
            }
            let resolved = editor.ask("codeAction/resolve", action);
            if disturbed {
                editor.maybe_scribble();
            }
            match soon(resolved).await {
                Ok(action) if editor.apply(&action["edit"], &old) => {
                    done = true;
                    made += 1;
                }
                Ok(_) => stale += 1,
                Err(_) => refused += 1,
            }
            assert!(done || disturbed, "refused though nothing moved");
            if done {
                let carried = json!({ "command": "pilotlight.carried", "arguments": [editor.buffers[0].uri] });
                soon(editor.ask("workspace/executeCommand", carried)).await.unwrap();
                break;
            }
        }
    }
    let all: String = editor.buffers.iter().map(|buffer| buffer.text.as_str()).collect();
    assert_eq!(all.matches(&format!("{}(", name(ROUNDS))).count(), 6);
    assert_eq!(all.matches("compute_step_").count(), 8, "none is left behind");
    for number in 0..editor.marks {
        assert_eq!(all.matches(&mark(number)).count(), 1, "the person's edit {number}");
    }
    // The server complains if its text is another than ours.
    editor.buffers.iter().for_each(|buffer| buffer.save(&editor.server));
    eprintln!(
        "made {made}, refused {refused}, for an older text {stale}, cancelled {cancelled}, edits {}",
        editor.marks
    );
    assert_eq!(made, ROUNDS);
    assert!(refused > 0 && cancelled > 0 && editor.marks > 100, "the edits came in between");
    editor.server.close().await.unwrap();
}
