//! Prefill and decode speed of a model: `cargo run --release -p pilotlight-engine --example speed -- MODEL [THREADS [PROMPT_TOKENS]]`.
//!
//! MODEL is what the setting `engine.model` takes. The text decoded is printed too: speed of nonsense is no speed.

use std::time::Instant;

use pilotlight_engine::{BackendChoice, Engine, EngineOptions, Event, Request};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let mut options = EngineOptions { model: args.next().unwrap_or("ember".into()), ..EngineOptions::default() };
    options.threads = args.next().map_or(Ok(0), |n| n.parse())?;
    let length: usize = args.next().map_or(Ok(1024), |n| n.parse())?;
    if std::env::var_os("REFERENCE").is_some() {
        options.backend = BackendChoice::Reference;
    }

    let start = Instant::now();
    let engine = Engine::load_with(&options.source()?, &options)?;
    let info = engine.info();
    println!(
        "{}: {} {:.1} M weights, {:.1} MB, {}, loaded in {:.0} ms",
        info.name,
        info.architecture,
        info.parameters as f64 / 1e6,
        info.bytes as f64 / 1e6,
        info.backend,
        start.elapsed().as_secs_f64() * 1e3
    );
    let mut prompt: Vec<u32> = info.bos.into_iter().collect();
    let text = include_str!("../src/cache.rs");
    prompt.extend(engine.tokenizer().encode(text).into_iter().cycle().take(length - prompt.len()));

    for run in ["cold", "warm"] {
        let mut events = engine.submit(Request { prompt: prompt.clone(), max_tokens: 64, ..Request::default() });
        let mut decoded = Vec::new();
        while let Some(event) = events.blocking_recv() {
            match event {
                Event::Prefilled(p) => println!(
                    "{run}: prefilled {} (reused {}) in {:.1} ms: {:.0} tokens/s",
                    p.prefilled,
                    p.reused,
                    p.took.as_secs_f64() * 1e3,
                    p.prefilled as f64 / p.took.as_secs_f64()
                ),
                Event::Token(token) => decoded.extend(token.bytes),
                Event::Done(done) => println!(
                    "{run}: decoded {} in {:.1} ms: {:.0} tokens/s, {:?}",
                    done.decoded,
                    done.took.as_secs_f64() * 1e3,
                    done.decoded.saturating_sub(1) as f64 / done.took.as_secs_f64(),
                    done.finish
                ),
                Event::Failed(message) => return Err(message.into()),
            }
        }
        println!("{run}: {:?}", String::from_utf8_lossy(&decoded));
    }
    Ok(())
}
