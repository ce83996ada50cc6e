//! What it gains that several requests decode in one step: `tests/bench/together`, or `cargo run --release -p pilotlight-engine --example together -- [MODEL [TOKENS]]`. Prints one JSON document.
//!
//! 1, 2, 4 and 8 requests with prompts of their own ask at once for the same number of tokens; the prompts are in the cache before it counts. The time until all are answered, against so many times that of one alone, is
//! the gain; and each must say what it says alone. Rounds of all counts in turn, so that they meet the same machine; medians.
//!
//! MODEL is `ember`, or `random:SHAPE:DTYPE`, which says nothing in the time of a larger model.

#[path = "shared/answers.rs"]
mod answers;

use std::{path::Path, time::Instant};

use answers::{read, sources};
use pilotlight_engine::{Engine, EngineOptions, Request, Sampling, TimeLimits};
use serde_json::json;

const COUNTS: [usize; 4] = [1, 2, 4, 8];
const ROUNDS: usize = 5;
/// Tokens of a prompt.
const PROMPT: usize = 256;

type Failed = Box<dyn std::error::Error>;

fn main() -> Result<(), Failed> {
    let mut args = std::env::args().skip(1);
    let model = args.next().unwrap_or("ember".into());
    let tokens: usize = args.next().map_or(Ok(64), |n| n.parse())?;
    let options = EngineOptions {
        model: model.clone(),
        // What is drafted would hide what is shared.
        speculation: false,
        context_length: 1024,
        time_limits: TimeLimits { typing: 0, ..TimeLimits::default() },
        ..EngineOptions::default()
    };
    let engine = match model.strip_prefix("random:").and_then(|it| it.split_once(':')) {
        Some((shape, dtype)) => Engine::with_random_weights(shape, dtype, &options)?,
        None => Engine::load_with(&options.source()?, &options)?,
    };
    let text = sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")))?;
    let ids = engine.tokenizer().encode(&text);
    let most = COUNTS[COUNTS.len() - 1];
    let step = ids.len().saturating_sub(PROMPT + 100) / most;
    // Drawn, so that a text does not end before its time.
    let request = |i: usize, max_tokens| Request {
        prompt: ids[i * step + 100..i * step + 100 + PROMPT].to_vec(),
        max_tokens,
        sampling: Sampling::TopP { temperature: 1.0, top_p: 1.0, seed: i as u64 },
        session: i as u64,
        ..Request::default()
    };
    let mut alone = Vec::new();
    for i in 0..most {
        alone.push(read(engine.submit(request(i, tokens)))?.0);
    }
    let mut seconds = vec![Vec::new(); COUNTS.len()];
    for _ in 0..ROUNDS {
        for (&count, seconds) in COUNTS.iter().zip(&mut seconds) {
            let requests: Vec<_> = (0..count).map(|i| request(i, tokens)).collect();
            let began = Instant::now();
            // All are asked before the first answer is read.
            let asked: Vec<_> = requests.into_iter().map(|request| engine.submit(request)).collect();
            let said = asked.into_iter().map(|events| Ok(read(events)?.0)).collect::<Result<Vec<_>, Failed>>()?;
            seconds.push(began.elapsed().as_secs_f64());
            if said != alone[..count] {
                return Err(format!("{count} at once say something else than alone").into());
            }
        }
    }
    let said: Vec<usize> = alone.iter().map(Vec::len).collect();
    let mut one = 0.0;
    let rows = COUNTS.iter().zip(&mut seconds).map(|(&count, seconds)| {
        seconds.sort_by(f64::total_cmp);
        let each = said[..count].iter().sum::<usize>() as f64 / seconds[ROUNDS / 2];
        if count == 1 {
            one = each;
        }
        let round = |value: f64| (value * 100.0).round() / 100.0;
        json!({ "requests": count, "tokens_per_second": round(each), "times_one_alone": round(each / one) })
    });
    let rows: Vec<_> = rows.collect();
    let info = engine.info();
    println!("{:#}", json!({ "model": info.name, "backend": info.backend, "tokens": said, "at_once": rows }));
    Ok(())
}
