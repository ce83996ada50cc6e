//! What a draft saves where a tenth of a region's lines change, and that it changes nothing: `tests/bench/rewrite`, or
//! `cargo run --release -p pilotlight-engine --example rewrite -- [MODEL [REGIONS [TOKENS]]]`. Prints one JSON document.
//!
//! A rewrite is a model's answer that is, mostly, the region that it starts from. Here the answer comes first: a prompt is answered plainly, and the region is that answer with every tenth line replaced by another one. Then
//! the same is asked again with the region as the draft. The answer must be the same, token by token and probability by probability. So what is measured is the true time of the true answer, whatever the model is worth;
//! only the order of cause and effect is turned round. It is drawn (temperature 0.8, a seed each), for the most likely text of a small model soon goes in circles, in which every place looks like every other.
//!
//! MODEL is one that says something (`ember`: prompts are cut from this crate's sources), or `random:SHAPE:DTYPE`, which says nothing in the time of a larger model: there a line is twelve tokens.

#[path = "shared/answers.rs"]
mod answers;

use std::{path::Path, time::Duration};

use answers::{read, sources};
use pilotlight_engine::{Done, Engine, EngineOptions, Request, Sampling, TimeLimits};
use serde_json::json;

/// One line of so many is another.
const CHANGED: usize = 10;
/// Tokens of a line where there are none.
const LINE: usize = 12;
/// Tokens of a prompt.
const PROMPT: usize = 300;

type Failed = Box<dyn std::error::Error>;

/// Of several answers.
#[derive(Default)]
struct Sum {
    decoded: usize,
    accepted: usize,
    time: Duration,
}

impl Sum {
    fn add(&mut self, done: Done) {
        self.decoded += done.decoded;
        self.accepted += done.accepted;
        self.time += done.took;
    }
}

fn main() -> Result<(), Failed> {
    let mut args = std::env::args().skip(1);
    let model = args.next().unwrap_or("ember".into());
    let regions: usize = args.next().map_or(Ok(100), |n| n.parse())?;
    let tokens: usize = args.next().map_or(Ok(320), |n| n.parse())?;
    let random = model.strip_prefix("random:").and_then(|it| it.split_once(':'));
    let engine = |speculation| -> Result<Engine, Failed> {
        let options = EngineOptions {
            model: model.clone(),
            speculation,
            context_length: 1024,
            // However long it takes.
            time_limits: TimeLimits { typing: 0, ..TimeLimits::default() },
            ..EngineOptions::default()
        };
        Ok(match random {
            Some((shape, dtype)) => Engine::with_random_weights(shape, dtype, &options)?,
            None => Engine::load_with(&options.source()?, &options)?,
        })
    };
    let (plain, speculating) = (engine(false)?, engine(true)?);
    let tokenizer = plain.tokenizer();
    let text = sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")))?;
    let ids = match random {
        // Any tokens: these spread over the whole vocabulary.
        Some(_) => (0..20_000u64)
            .map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as u32 % tokenizer.vocab_size() as u32)
            .collect(),
        None => tokenizer.encode(&text),
    };
    let lines: Vec<&str> = text.lines().filter(|line| line.trim().len() > 8).collect();
    let step = ids.len().saturating_sub(PROMPT) / regions.max(1);

    let (mut base, mut found, mut drafted) = (Sum::default(), Sum::default(), Sum::default());
    let (mut all, mut changed, mut skipped) = (0, 0, 0);
    for i in 0..regions {
        let mut prompt: Vec<u32> = plain.info().bos.into_iter().collect();
        prompt.extend(&ids[i * step..i * step + PROMPT]);
        let sampling = Sampling::TopP { temperature: 0.8, top_p: 1.0, seed: i as u64 };
        let request = |draft| Request {
            prompt: prompt.clone(),
            max_tokens: tokens,
            sampling: sampling.clone(),
            draft,
            ..Request::default()
        };
        let (expected, done) = read(plain.submit(request(vec![])))?;
        let answer: Vec<u32> = expected.iter().map(|(id, _)| *id).collect();
        // The answer's lines, and what may stand in their place. Its own tokens: drawn ones are not always those that the tokenizer would make of their text, as a trained model's are.
        let (own, others): (Vec<Vec<u32>>, Vec<Vec<u32>>) = if random.is_some() {
            let chunks = |ids: &[u32]| ids.chunks(LINE).map(<[u32]>::to_vec).collect();
            (chunks(&answer), chunks(&ids[i * 131..]))
        } else {
            let other = |line: &&str| tokenizer.encode(&format!("{line}\n"));
            let own = answer.split_inclusive(|id| tokenizer.bytes(*id).contains(&b'\n')).map(<[u32]>::to_vec).collect();
            (own, lines.iter().skip(i * 131 % lines.len()).take(tokens).map(other).collect())
        };
        // A region of a few lines has no tenth.
        if own.len() < CHANGED {
            skipped += 1;
            continue;
        }
        let region: Vec<Vec<u32>> = own
            .iter()
            .enumerate()
            .map(|(at, line)| match others.get(at) {
                Some(other) if at % CHANGED == CHANGED / 2 => other.clone(),
                _ => line.clone(),
            })
            .collect();
        all += region.len();
        changed += region.iter().zip(&own).filter(|(new, old)| new != old).count();
        base.add(done);
        for (draft, sum) in [(vec![], &mut found), (region.concat(), &mut drafted)] {
            let (said, done) = read(speculating.submit(request(draft)))?;
            if said != expected {
                return Err(format!("region {i}: plain {expected:?}, drafted {said:?}").into());
            }
            sum.add(done);
        }
    }
    let row = |sum: &Sum| {
        let decoded = sum.decoded.max(1) as f64;
        json!({
            "ms_a_token": round(sum.time.as_secs_f64() * 1e3 / decoded),
            "times_plain": round(base.time.as_secs_f64() / sum.time.as_secs_f64().max(1e-9)),
            "steps_saved": round(sum.accepted as f64 / decoded),
        })
    };
    let report = json!({
        "model": plain.info().name,
        "backend": plain.info().backend,
        "bytes": plain.info().bytes,
        "regions": regions - skipped,
        "regions_without_ten_lines": skipped,
        "lines": all,
        "lines_changed": changed,
        "tokens": base.decoded,
        "plain": row(&base),
        "from_the_text_at_hand": row(&found),
        "region_as_draft": row(&drafted),
    });
    println!("{report:#}");
    Ok(())
}

fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
