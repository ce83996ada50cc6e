//! This project's side of tests/bench/vs_llama_cpp: loads a model once and times the steps that standard input asks for.
//!
//! ```text
//! steps MODEL.gguf THREADS CONTEXT
//! -> ready BYTES of the weights, BYTES of a token's keys and values
//! <- TOKENS DEPTH MILLISECONDS        a step of TOKENS at DEPTH, run for so long, at least once; before it once untimed if it is small
//! -> median and least milliseconds, runs
//! <- 0 0 MILLISECONDS                 memory read for so long by as many threads
//! -> median and best bytes a second, 0
//! ```

use std::io::{BufRead as _, Write as _};

use pilotlight_engine::{
    BackendChoice, EngineOptions,
    bench::{Reader, Stand},
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, threads, context] = &arguments[..] else {
        return Err("usage: steps MODEL.gguf THREADS CONTEXT".into());
    };
    let (threads, context) = (threads.parse()?, context.parse()?);
    let options = EngineOptions {
        model: model.clone(),
        threads,
        backend: BackendChoice::Cpu,
        context_length: context,
        kv_memory_mib: 1,
        ..EngineOptions::default()
    };
    let mut stand = Stand::model(&options, context)?;
    let mut out = std::io::stdout().lock();
    let reader = Reader::new(threads);
    writeln!(out, "ready {} {}", stand.bytes, stand.kv_bytes_per_token)?;
    out.flush()?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let numbers = line.split_whitespace().map(str::parse).collect::<Result<Vec<usize>, _>>()?;
        let [tokens, depth, milliseconds] = numbers[..] else {
            return Err(format!("expected TOKENS DEPTH MILLISECONDS, found `{line}`").into());
        };
        if tokens == 0 {
            let (median, best) = reader.bandwidth(milliseconds as u64);
            writeln!(out, "{median} {best} 0")?;
            out.flush()?;
            continue;
        }
        let (median, least, runs) = stand.time(tokens, depth, milliseconds as u64, 1)?;
        writeln!(out, "{:.6} {:.6} {runs}", median * 1e3, least * 1e3)?;
        out.flush()?;
    }
    Ok(())
}
