//! What the bridge adds: the same messages by turns to `pilotlight lsp` (a bridge and its daemon) and to `pilotlight lsp --standalone`, in one run.
//!
//! `cargo run --release -p pilotlight --example bridge_latency -- BINARY [ROUNDS]`
#![allow(clippy::unwrap_used)]

use std::{path::Path, process::Stdio, time::Instant};

use pilotlight_lsp::client::Client;
use serde_json::{Value, json};
use tokio::process::{Child, Command};

/// A line of code to type, again and again.
const TYPED: &str = "let total = items.iter().map(|item| item.price).sum();";

struct Editor {
    client: Client,
    process: Child,
    version: i32,
}

impl Editor {
    async fn start(binary: &str, home: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(binary);
        command.arg("lsp").args(arguments).env("PILOTLIGHT_RUNTIME_DIR", home.join("run")).env("XDG_STATE_HOME", home);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut process = command.spawn().unwrap();
        let client = Client::new(process.stdout.take().unwrap(), process.stdin.take().unwrap());
        let capabilities = json!({ "textDocument": { "inlineCompletion": {} } });
        client.request("initialize", json!({ "capabilities": capabilities })).await.unwrap();
        client.notify("initialized", json!({})).await.unwrap();
        let document = json!({ "uri": "file:///a.rs", "languageId": "rust", "version": 0, "text": "fn f() {\n\n}\n" });
        client.notify("textDocument/didOpen", json!({ "textDocument": document })).await.unwrap();
        let editor = Self { client, process, version: 0 };
        // The model is there after this.
        editor.ask(0).await;
        editor
    }

    async fn status(&self) {
        let params = json!({ "command": "pilotlight.status", "arguments": [] });
        self.client.request("workspace/executeCommand", params).await.unwrap();
    }

    async fn key(&mut self, column: usize, text: &str, removed: usize) {
        self.version += 1;
        let at = |character: usize| json!({ "line": 1, "character": character });
        let change = json!({ "range": { "start": at(column), "end": at(column + removed) }, "text": text });
        let document = json!({ "uri": "file:///a.rs", "version": self.version });
        let params = json!({ "textDocument": document, "contentChanges": [change] });
        self.client.notify("textDocument/didChange", params).await.unwrap();
    }

    async fn ask(&self, column: usize) -> Value {
        let params = json!({
            "textDocument": { "uri": "file:///a.rs" },
            "position": { "line": 1, "character": column },
            "context": { "triggerKind": 2 },
        });
        self.client.request("textDocument/inlineCompletion", params).await.unwrap()
    }

    async fn close(mut self) {
        self.client.request("shutdown", Value::Null).await.unwrap();
        self.client.notify("exit", Value::Null).await.unwrap();
        self.process.wait().await.unwrap();
    }
}

fn quantile(times: &mut [f64], share: f64) -> f64 {
    times.sort_by(f64::total_cmp);
    times[((times.len() - 1) as f64 * share) as usize]
}

fn report(what: &str, bridged: &mut [f64], alone: &mut [f64]) -> Value {
    let mut row = |share: f64| {
        let (bridged, alone) = (quantile(bridged, share), quantile(alone, share));
        json!({ "bridge_us": bridged.round(), "standalone_us": alone.round(), "added_us": (bridged - alone).round(), "ratio": bridged / alone })
    };
    json!({ "what": what, "p50": row(0.5), "p95": row(0.95) })
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let binary = arguments.next().expect("the path of the pilotlight binary");
    let rounds: usize = arguments.next().map_or(2000, |rounds| rounds.parse().unwrap());
    let home = tempfile::Builder::new().prefix("pl-").tempdir().unwrap();
    let mut editors =
        [Editor::start(&binary, home.path(), &[]).await, Editor::start(&binary, home.path(), &["--standalone"]).await];
    let mut status = [Vec::new(), Vec::new()];
    let mut keystroke = [Vec::new(), Vec::new()];
    for round in 0..rounds {
        let column = round % TYPED.len();
        for turn in 0..2 {
            let which = (turn + round) % 2;
            let editor = &mut editors[which];
            let begun = Instant::now();
            editor.status().await;
            status[which].push(begun.elapsed().as_secs_f64() * 1e6);
            if column == 0 && round > 0 {
                editor.key(0, "", TYPED.len()).await;
            }
            let begun = Instant::now();
            editor.key(column, &TYPED[column..=column], 0).await;
            editor.ask(column + 1).await;
            keystroke[which].push(begun.elapsed().as_secs_f64() * 1e6);
        }
    }
    let [bridged, alone] = &mut status;
    let mut figures = vec![report("an answer that needs no engine", bridged, alone)];
    let [bridged, alone] = &mut keystroke;
    figures.push(report("a keystroke and its answer", bridged, alone));
    println!("{:#}", json!({ "rounds": rounds, "figures": figures }));
    for editor in editors {
        editor.close().await;
    }
    let stop = Command::new(&binary).arg("stop").env("PILOTLIGHT_RUNTIME_DIR", home.path().join("run")).output();
    stop.await.unwrap();
}
