//! What a snapshot saves after a restart: `cargo run --release -p pilotlight-engine --example restart -- [MODEL [TOKENS]]`.
//!
//! An engine answers a prompt, saves and ends; another one begins with what it left. Both are asked for one token of the same prompt; the medians of five rounds.

use std::time::Instant;

use pilotlight_engine::{Engine, EngineOptions, Event, Request};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let folder = tempfile::tempdir()?;
    let model = args.next().unwrap_or("ember".into());
    let length: usize = args.next().map_or(Ok(1024), |n| n.parse())?;
    let warm = EngineOptions { model, snapshot_folder: Some(folder.path().into()), ..EngineOptions::default() };
    let cold = EngineOptions { snapshot_folder: None, ..warm.clone() };
    let first = Engine::load_with(&warm.source()?, &warm)?;
    let ids = first.tokenizer().encode(include_str!("../src/actor/scheduler.rs"));
    let prompt: Vec<u32> = first.info().bos.into_iter().chain(ids.into_iter().cycle()).take(length).collect();
    ask(&first, &prompt)?;
    let start = Instant::now();
    println!("saved {} bytes in {:.1} ms", first.save()?, start.elapsed().as_secs_f64() * 1e3);

    let mut medians = Vec::new();
    for (name, options) in [("cold", &cold), ("after a restart", &warm)] {
        let (mut loads, mut answers, mut counts) = (Vec::new(), Vec::new(), (0, 0));
        for _ in 0..5 {
            let start = Instant::now();
            let engine = Engine::load_with(&options.source()?, options)?;
            loads.push(start.elapsed().as_secs_f64() * 1e3);
            let start = Instant::now();
            counts = ask(&engine, &prompt)?;
            answers.push(start.elapsed().as_secs_f64() * 1e3);
        }
        let median = |all: &mut Vec<f64>| {
            all.sort_by(f64::total_cmp);
            all[all.len() / 2]
        };
        let (load, answer) = (median(&mut loads), median(&mut answers));
        println!(
            "{name}: loaded in {load:.1} ms; reused {}, computed {}; first token after {answer:.2} ms",
            counts.0, counts.1
        );
        medians.push(answer);
    }
    println!("{:.1} times faster", medians[0] / medians[1]);
    Ok(())
}

/// Prompt tokens reused and computed, once the first token is there.
fn ask(engine: &Engine, prompt: &[u32]) -> Result<(usize, usize), String> {
    let mut events = engine.submit(Request { prompt: prompt.to_vec(), max_tokens: 1, ..Request::default() });
    let mut counts = (0, 0);
    loop {
        match events.blocking_recv() {
            Some(Event::Prefilled(prefill)) => counts = (prefill.reused, prefill.prefilled),
            Some(Event::Token(_)) => {}
            Some(Event::Done(_)) => return Ok(counts),
            Some(Event::Failed(message)) => return Err(message),
            None => return Err("no end".into()),
        }
    }
}
