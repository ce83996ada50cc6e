//! What goes over the wire to llama-server, and the server's process.

use std::{
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::{PREFIX_LINES, SUFFIX_LINES, ring::Chunk};
use crate::driver::{Part, View};

/// The batch that llama.vim's authors recommend; `/infill` shares it between prefix and suffix, three to one.
const BATCH: usize = 1024;
const PREDICT: usize = 128;
/// How long the server may take to load.
const LOADING: Duration = Duration::from_secs(120);

/// How a prompt reaches the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// `/infill`, as llama.vim asks: `extra PRE prefix SUF suffix MID`. The model's file must name the three markers.
    Infill,
    /// Ember has no marker behind the prefix, and `/infill` cannot do without one. The prompt is put together as `/infill --spm-infill` would
    /// (`extra SUF suffix PRE prefix`, shared and cut likewise: the suffix gets what a quarter of the batch leaves beside the cursor's line), less that marker, and goes
    /// to `/completion`.
    Ember,
}

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Prompt {
    pub(super) extra: Vec<Chunk>,
    /// Whole lines before the cursor's.
    pub(super) prefix: String,
    /// The cursor's line up to the cursor.
    pub(super) middle: String,
    /// The rest of it, and lines behind.
    pub(super) suffix: String,
    /// The cursor's line's indentation.
    pub(super) indent: usize,
}

impl Prompt {
    /// The window around the cursor. A line of nothing but blanks is asked for from its start.
    pub(super) fn around(view: View<'_>, extra: Vec<Chunk>) -> Self {
        let start = view.text[..view.cursor].rfind('\n').map_or(0, |newline| newline + 1);
        let end = view.text[view.cursor..].find('\n').map_or(view.text.len(), |newline| view.cursor + newline);
        let blank = view.text[start..end].trim().is_empty();
        let (middle, right) =
            if blank { ("", "") } else { (&view.text[start..view.cursor], &view.text[view.cursor..end]) };
        let before: Vec<&str> = view.text[..start].split_terminator('\n').collect();
        let after = view.text.get(end + 1..).unwrap_or_default().split_terminator('\n');
        let after: Vec<&str> = after.take(SUFFIX_LINES).collect();
        Self {
            extra,
            prefix: format!("{}\n", before[before.len().saturating_sub(PREFIX_LINES)..].join("\n")),
            middle: middle.to_owned(),
            suffix: format!("{right}\n{}\n", after.join("\n")),
            indent: middle.len() - middle.trim_start().len(),
        }
    }
}

/// An answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Completed {
    pub(super) content: String,
    pub(super) prefilled: usize,
    pub(super) reused: usize,
    pub(super) decoded: usize,
    /// Milliseconds from the request to the answer.
    pub(super) took: f64,
    /// Milliseconds of it spent on decoding.
    pub(super) decoding: f64,
    /// Where the cache ended, if this format tells.
    pub(super) broken: Option<Part>,
}

/// A running llama-server; ended when dropped.
pub(crate) struct LlamaServer {
    process: Child,
    address: String,
    http: reqwest::Client,
    format: Format,
    context: usize,
}

impl LlamaServer {
    /// Starts `binary` with `model`, as llama.vim's manual says for a machine without a GPU.
    pub(crate) async fn start(binary: &Path, model: &Path, format: Format, threads: usize, log: &Path) -> Result<Self> {
        // The port is free now; nobody else on this machine asks for one in between, and if so the server says it.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let log = std::fs::File::create(log).with_context(|| log.display().to_string())?;
        let process = Command::new(binary)
            .arg("--model")
            .arg(model)
            .args(["--host", "127.0.0.1", "--port", &port.to_string(), "--threads", &threads.to_string()])
            .args(["--parallel", "1", "--ctx-size", "4096", "--batch-size", &BATCH.to_string()])
            .args(["--ubatch-size", &BATCH.to_string(), "--cache-reuse", "256"])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .with_context(|| binary.display().to_string())?;
        let http = reqwest::Client::new();
        let mut server = Self { process, address: format!("http://127.0.0.1:{port}"), http, format, context: 0 };
        server.wait().await?;
        let properties: Value = server.http.get(format!("{}/props", server.address)).send().await?.json().await?;
        let context = properties.pointer("/default_generation_settings/n_ctx").and_then(Value::as_u64);
        server.context = context.context("/props without n_ctx")? as usize;
        Ok(server)
    }

    async fn wait(&mut self) -> Result<()> {
        let began = Instant::now();
        while began.elapsed() < LOADING {
            if let Some(status) = self.process.try_wait()? {
                bail!("llama-server ended at once: {status}");
            }
            if let Ok(answer) = self.http.get(format!("{}/health", self.address)).send().await
                && answer.status().is_success()
            {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("llama-server did not load its model within {LOADING:?}")
    }

    /// Asks for the text at the cursor, decoding for `most_ms` at the most (once a line is done).
    pub(super) async fn complete(&self, prompt: &Prompt, most_ms: u32) -> Result<Completed> {
        let request = json!({
            "id_slot": 0,
            "n_predict": PREDICT,
            "n_indent": prompt.indent,
            "top_k": 40,
            "top_p": 0.9,
            "samplers": ["top_k", "top_p", "infill"],
            "seed": 1,
            "stream": false,
            "cache_prompt": true,
            "t_max_prompt_ms": 500,
            "t_max_predict_ms": most_ms,
        });
        self.ask(request, prompt).await
    }

    /// Has the extra context computed, and nothing else.
    pub(super) async fn warm(&self, chunks: &[Chunk]) -> Result<Completed> {
        let request = json!({
            "id_slot": 0, "n_predict": 0, "temperature": 0.0, "samplers": [], "stream": false, "cache_prompt": true,
            "t_max_prompt_ms": 1, "t_max_predict_ms": 1,
        });
        let empty = Prompt {
            extra: chunks.to_vec(),
            prefix: String::new(),
            middle: String::new(),
            suffix: String::new(),
            indent: 0,
        };
        self.ask(request, &empty).await
    }

    async fn ask(&self, mut request: Value, prompt: &Prompt) -> Result<Completed> {
        match self.format {
            Format::Infill => {
                request["input_prefix"] = json!(prompt.prefix);
                request["input_suffix"] = json!(prompt.suffix);
                request["input_extra"] = extra(&prompt.extra);
                request["prompt"] = json!(prompt.middle);
                self.post("/infill", &request).await
            }
            Format::Ember => {
                let (ids, [extra, suffix, prefix]) = self.ember(prompt).await?;
                request["prompt"] = json!(ids);
                let mut completed = self.post("/completion", &request).await?;
                let ends = [(extra, Part::Extra), (suffix, Part::Suffix), (prefix, Part::Prefix)];
                let part = ends.into_iter().find(|(end, _)| completed.reused <= *end).map(|(_, part)| part);
                completed.broken = Some(part.unwrap_or(Part::Tail));
                Ok(completed)
            }
        }
    }

    /// Ember's prompt as ids, shared and cut as `/infill` does; and where its extra context, its suffix, and its prefix end.
    async fn ember(&self, prompt: &Prompt) -> Result<(Vec<u64>, [usize; 3])> {
        const BOS: u64 = 1;
        const FILE: u64 = 2;
        const SUFFIX: u64 = 3;
        const PREFIX: u64 = 4;
        let mut before = Vec::new();
        for chunk in &prompt.extra {
            before.push(FILE);
            before.extend(self.tokens(&format!("{}\n{}\n", chunk.path, chunk.lines.join("\n"))).await?);
        }
        before.push(FILE);
        before.extend(self.tokens("filename\n").await?);
        let room = self.context.saturating_sub(BATCH + 2 * PREDICT);
        let middle = self.tokens(&prompt.middle).await?;
        let prefix = self.tokens(&prompt.prefix).await?;
        let mut suffix = self.tokens(&prompt.suffix).await?;
        suffix.truncate((BATCH / 4).saturating_sub(2 + middle.len()));
        let mut ids = vec![BOS];
        ids.extend(&before[before.len().saturating_sub(room)..]);
        let extra = ids.len();
        ids.push(SUFFIX);
        ids.extend(suffix);
        let suffix = ids.len();
        ids.push(PREFIX);
        ids.extend(&prefix[prefix.len().saturating_sub(3 * (BATCH / 4))..]);
        let prefix = ids.len();
        ids.extend(middle);
        Ok((ids, [extra, suffix, prefix]))
    }

    async fn tokens(&self, text: &str) -> Result<Vec<u64>> {
        let request = json!({ "content": text, "add_special": false, "parse_special": false });
        let answer: Value =
            self.http.post(format!("{}/tokenize", self.address)).json(&request).send().await?.json().await?;
        let tokens = answer.get("tokens").and_then(Value::as_array).context("/tokenize without tokens")?;
        tokens.iter().map(|token| token.as_u64().context("a token that is no number")).collect()
    }

    async fn post(&self, path: &str, request: &Value) -> Result<Completed> {
        let asked = Instant::now();
        let answer = self.http.post(format!("{}{path}", self.address)).json(request).send().await?;
        let status = answer.status();
        let answer: Value = answer.json().await?;
        let took = asked.elapsed().as_secs_f64() * 1e3;
        ensure!(status.is_success(), "llama-server's {path}: {status}: {answer}");
        let timing =
            |name: &str| answer.pointer(&format!("/timings/{name}")).and_then(Value::as_f64).unwrap_or_default();
        Ok(Completed {
            content: answer["content"].as_str().unwrap_or_default().to_owned(),
            prefilled: timing("prompt_n") as usize,
            reused: timing("cache_n") as usize,
            decoded: timing("predicted_n") as usize,
            took,
            broken: None,
            decoding: timing("predicted_ms"),
        })
    }
}

impl Drop for LlamaServer {
    fn drop(&mut self) {
        // It may have ended by itself; either way there is nothing left to do about it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn extra(chunks: &[Chunk]) -> Value {
    chunks
        .iter()
        .map(|chunk| json!({ "filename": chunk.path, "text": format!("{}\n", chunk.lines.join("\n")) }))
        .collect()
}
