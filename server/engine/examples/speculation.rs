//! Whether speculation says what plain decoding says, and what it saves: `cargo run --release -p pilotlight-engine --example speculation -- [PROMPTS [MODEL [TOKENS]]]`.
//!
//! Prompts are cut at as many places of this crate's own sources. Each is decoded plainly; with what the prompt and earlier outputs let expect; and with a draft: the
//! plain answer with every twelfth token replaced, as a rewrite would have it. Any difference is an error.

#[path = "shared/answers.rs"]
mod answers;

use std::path::Path;

use answers::{Sum, ask, sources};
use pilotlight_engine::{Engine, EngineOptions, Request};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let prompts: usize = args.next().map_or(Ok(1000), |n| n.parse())?;
    let options = EngineOptions { model: args.next().unwrap_or("ember".into()), ..EngineOptions::default() };
    let tokens: usize = args.next().map_or(Ok(48), |n| n.parse())?;
    let engine = |speculation| -> Result<Engine, Box<dyn std::error::Error>> {
        Ok(Engine::load_with(&options.source()?, &EngineOptions { speculation, ..options.clone() })?)
    };
    let (plain, speculating) = (engine(false)?, engine(true)?);
    let text = sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")))?;
    let ids = plain.tokenizer().encode(&text);
    let length = 300;
    let step = ids.len().saturating_sub(length) / prompts.max(1);

    let (mut base, mut found, mut drafted) = (Sum::default(), Sum::default(), Sum::default());
    for i in 0..prompts {
        let mut prompt: Vec<u32> = plain.info().bos.into_iter().collect();
        prompt.extend(&ids[i * step..i * step + length - i % 17]);
        let request = |draft| Request { prompt: prompt.clone(), max_tokens: tokens, draft, ..Request::default() };
        let (expected, done) = ask(&plain, request(vec![]))?;
        base.add(done);
        let mut draft: Vec<u32> = expected.iter().map(|(id, _)| *id).collect();
        draft.iter_mut().skip(6).step_by(12).for_each(|id| *id = 100);
        for (draft, sum) in [(vec![], &mut found), (draft, &mut drafted)] {
            let (said, done) = ask(&speculating, request(draft))?;
            if said != expected {
                return Err(format!("prompt {i}: plain {expected:?}, speculating {said:?}").into());
            }
            sum.add(done);
        }
    }
    println!(
        "{}, {prompts} prompts of {length} tokens, {tokens} decoded: the same tokens and probabilities",
        options.model
    );
    for (name, sum) in [("plain", &base), ("from the text at hand", &found), ("with a draft, 1 of 12 wrong", &drafted)]
    {
        println!(
            "  {name:<28} {:7.3} ms a token, {:4.2}x; drafted {}, accepted {} ({:.0} % of all tokens)",
            sum.time.as_secs_f64() * 1e3 / sum.decoded as f64,
            base.time.as_secs_f64() / sum.time.as_secs_f64(),
            sum.drafted,
            sum.accepted,
            100.0 * sum.accepted as f64 / sum.decoded as f64,
        );
    }
    Ok(())
}
