//! What any model of code knows, whatever its weights: a damaged file, positions that are rotated wrongly, another prompt format, a step that is computed wrongly show here.
//!
//! The limits lie between what a sound ember reaches and what it does when it is damaged as a loader or a converter may damage a model (`tests/cli/doctor.rs`); a model that completes usefully is far on the good
//! side. What is only a little worse than it should be, a rough quantisation say, is told by the figures and passes.

use pilotlight_context::{Budget, Input, Piece, Segment, Source};
use pilotlight_engine::{Engine, Event, Request, Score};
use pilotlight_syntax::{Document, Language};

use super::Check;
use crate::model::Model;

/// Code as there is much of.
const CODE: &str = "\
import os
import sys


def read_lines(path):
    with open(path) as file:
        return [line.strip() for line in file]


def main():
    if len(sys.argv) != 2:
        print('usage: count FILE')
        sys.exit(1)
    lines = read_lines(sys.argv[1])
    for line in lines:
        if not line:
            continue
        print(line)
    print(len(lines))


if __name__ == '__main__':
    main()
";

/// Names that nobody has used: what comes next, the second time, can only be known by looking back to what came next the first time.
const STRANGE: &str = "\
zorvex_pluma = quindle(41, brastok)
mifflor.tewkan(7, zorvex_pluma)
return ostrel(hadwick, 19)
";

/// A hole up to the end of its line, with a name that only what stands behind it tells.
struct Hole {
    path: &'static str,
    before: &'static str,
    middle: &'static str,
    after: &'static str,
}

const HOLES: [Hole; 2] = [
    Hole {
        path: "report.py",
        before: "def report(rows):\n    total = 0\n    for row in rows:\n        ",
        middle: "vendor_margin = row.price - row.cost\n",
        after: "        total += vendor_margin\n        print(vendor_margin)\n        store(vendor_margin)\n    return total\n",
    },
    Hole {
        path: "queue.py",
        before: "class Queue:\n    def __init__(self):\n        self.",
        middle: "parcels = []\n",
        after: "\n    def push(self, parcel):\n        self.parcels.append(parcel)\n\n    def size(self):\n        return len(self.parcels)\n",
    },
];

/// Tokens in a step of a text that is read at once.
const CHUNK: usize = 64;
/// Tokens that are read one by one, to compare.
const STEPS: usize = 32;

/// Bits for a byte of [`CODE`]. Ember needs 1.15, and from 1.75 on where it is damaged badly; of models with more weights than [`SMALL`] no public one of code is known that needs more than 1.
const MOST_BITS: f64 = 1.6;
const MOST_BITS_OF_LARGE: f64 = 1.5;
const SMALL: u64 = 100_000_000;
/// Of the bits for the same tokens in another order. Ember: 0.30; damaged badly: from 0.9 on.
const MOST_OF_SHUFFLED: f64 = 0.75;
/// What [`STRANGE`] costs the second time, of what it cost the first. Ember: 0.09; with its positions rotated in the other style or at quite other frequencies from 0.76 on.
const MOST_OF_FIRST: f64 = 0.5;
/// Nats that the own text behind the holes is worth against another. Ember: 37; damaged badly: below 9.
const LEAST_GAIN: f64 = 10.0;
/// Nats by which exchanged markers may do better. Ember hardly looks at them; whoever does loses much by an exchange.
const MOST_OF_EXCHANGED: f64 = 3.0;
/// Two ways to compute the same may differ by so many nats.
const MOST_APART: f32 = 1e-3;

/// What can be asked of every engine that is here.
pub(super) async fn of_engine(engine: &Engine) -> Vec<Check> {
    let reading = reading(engine).await.map(|reading| reading.judge(engine.info().parameters));
    vec![
        verdict("knows code", reading),
        verdict("looks back", looking_back(engine).await.map(|it| it.judge())),
        verdict("step by step as at once", steps(engine).await),
    ]
}

/// What can be asked of one whose prompt format is known.
pub(super) async fn of_model(model: &Model) -> Vec<Check> {
    let (holes, warmth) = (holes(model).await.map(|it| it.judge()), warmth(model).await);
    vec![verdict("fills a hole", holes), verdict("warm as cold", warmth)]
}

fn verdict(name: &'static str, found: Result<(bool, String), String>) -> Check {
    let (ok, found) = found.unwrap_or_else(|error| (false, error));
    Check { name, ok, found }
}

/// Bits for a byte.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) own: f64,
    pub(super) shuffled: f64,
}

impl Reading {
    fn judge(self, weights: u64) -> (bool, String) {
        let Self { own, shuffled } = self;
        let most = if weights < SMALL { MOST_BITS } else { MOST_BITS_OF_LARGE };
        let ok = own <= most && own <= MOST_OF_SHUFFLED * shuffled;
        let limits = format!("at most {most}, and {MOST_OF_SHUFFLED} of that");
        (ok, format!("{own:.2} bits for a byte of Python, {shuffled:.2} with its tokens in another order ({limits})"))
    }
}

pub(super) async fn reading(engine: &Engine) -> Result<Reading, String> {
    let code = engine.tokenizer().encode(CODE);
    let mut shuffled = code.clone();
    // Any order will do, as long as it is always the same.
    for i in (1..shuffled.len()).rev() {
        shuffled.swap(i, (i * 7919 + 13) % (i + 1));
    }
    let bits = async |tokens: &[u32]| {
        let scores = score(engine, &behind_start(engine, tokens), CHUNK).await?;
        let read = &scores[scores.len().saturating_sub(tokens.len() - 1)..];
        let bytes: usize = read.iter().map(|score| engine.tokenizer().bytes(score.id).len()).sum();
        Ok::<_, String>(nats(read) / std::f64::consts::LN_2 / bytes.max(1) as f64)
    };
    Ok(Reading { own: bits(&code).await?, shuffled: bits(&shuffled).await? })
}

/// Nats for a token of [`STRANGE`].
#[derive(Clone, Copy, Debug)]
pub(super) struct LookingBack {
    pub(super) first: f64,
    pub(super) second: f64,
    /// Tokens that were the first choice the second time, and all.
    pub(super) copied: (usize, usize),
}

impl LookingBack {
    fn judge(self) -> (bool, String) {
        let Self { first, second, copied: (right, all) } = self;
        let ok = second <= MOST_OF_FIRST * first;
        let found = format!("strange names cost {first:.2} nats a token and {second:.2} the second time");
        (ok, format!("{found} (at most {MOST_OF_FIRST} of it); {right} of {all} were the first choice then"))
    }
}

pub(super) async fn looking_back(engine: &Engine) -> Result<LookingBack, String> {
    let strange = engine.tokenizer().encode(STRANGE);
    let all = strange.len();
    let scores = score(engine, &behind_start(engine, &[&strange[..], &strange].concat()), CHUNK).await?;
    let (before, again) = scores.split_at(scores.len() - all);
    let first = &before[before.len() - (all - 1)..];
    let copied = again.iter().filter(|score| score.rank == 0).count();
    let mean = |scores: &[Score]| nats(scores) / scores.len().max(1) as f64;
    Ok(LookingBack { first: mean(first), second: mean(again), copied: (copied, all) })
}

/// Whether reading one by one is reading at once.
async fn steps(engine: &Engine) -> Result<(bool, String), String> {
    let mut tokens = behind_start(engine, &engine.tokenizer().encode(CODE));
    tokens.truncate(STEPS + 1);
    let (at_once, one_by_one) = (score(engine, &tokens, CHUNK).await?, score(engine, &tokens, 1).await?);
    let same = at_once.iter().zip(&one_by_one).filter(|(a, b)| a.best == b.best).count();
    let apart = apart(at_once.iter().zip(&one_by_one).map(|(a, b)| (a.logprob, b.logprob)));
    let ok = same == tokens.len() - 1 && apart <= MOST_APART;
    Ok((ok, format!("{same} of {STEPS} tokens the same, probabilities {apart:e} nats apart (at most {MOST_APART:e})")))
}

/// Nats in all holes.
#[derive(Clone, Debug)]
struct Holes {
    /// The middle's, for a token of it.
    middle: f64,
    /// What it costs more behind another hole's text.
    gain: f64,
    /// And with the markers of prefix and suffix exchanged.
    exchanged: f64,
    /// How many tokens are thought likelier than each hole's end.
    ends: Vec<usize>,
}

impl Holes {
    fn judge(&self) -> (bool, String) {
        let Self { middle, gain, exchanged, ends } = self;
        let ok = *gain >= LEAST_GAIN && *exchanged >= -MOST_OF_EXCHANGED;
        let found =
            format!("{middle:.2} nats a token; what stands behind it is worth {gain:.1} nats (at least {LEAST_GAIN})");
        let markers = format!("its markers {exchanged:.1} against exchanged ones (at least -{MOST_OF_EXCHANGED})");
        (ok, format!("{found}, {markers}; ranks of the end {ends:?}"))
    }
}

async fn holes(model: &Model) -> Result<Holes, String> {
    let (mut own, mut tokens, mut other, mut exchanged, mut ends) = (0.0, 0, 0.0, 0.0, Vec::new());
    for (at, hole) in HOLES.iter().enumerate() {
        let (prompt, middle, sides) = asked(model, hole, hole.after);
        let ids = model.engine.info().eos.iter().copied().chain(model.encoder.stops());
        let mut end = usize::MAX;
        for stop in ids {
            let scores = score(&model.engine, &[&prompt[..], &middle, &[stop]].concat(), CHUNK).await?;
            let (before, last) = scores.split_at(scores.len() - 1);
            if end == usize::MAX {
                own += nats(&before[before.len() - middle.len()..]);
                tokens += middle.len();
            }
            end = end.min(last[0].rank);
        }
        ends.push(end);
        let cost = async |prompt: &[u32], middle: &[u32]| {
            let scores = score(&model.engine, &[prompt, middle].concat(), CHUNK).await?;
            Ok::<_, String>(nats(&scores[scores.len() - middle.len()..]))
        };
        let (strange, same, _) = asked(model, hole, HOLES[(at + 1) % HOLES.len()].after);
        other += cost(&strange, &same).await?;
        let swapped = |id: u32| match sides {
            Some([prefix, suffix]) if id == prefix => suffix,
            Some([prefix, suffix]) if id == suffix => prefix,
            _ => id,
        };
        exchanged += cost(&prompt.into_iter().map(swapped).collect::<Vec<_>>(), &middle).await?;
    }
    Ok(Holes { middle: own / tokens as f64, gain: other - own, exchanged: exchanged - own, ends })
}

/// The prompt of a hole with `after` behind it, the middle's tokens, and the markers of prefix and suffix.
fn asked(model: &Model, hole: &Hole, after: &str) -> (Vec<u32>, Vec<u32>, Option<[u32; 2]>) {
    let snapshot = Document::open(Language::Python, 0, &format!("{}\n{after}", hole.before)).snapshot();
    let input = Input { path: hole.path, snapshot: &snapshot, cursor: hole.before.len(), anchor: None };
    let plan = pilotlight_context::plan(model.encoder.family(), input, Budget::shared(512), &model.encoder);
    let prompt = model.encoder.encode(&plan);
    let tokenizer = model.engine.tokenizer();
    let middle = [&prompt.heal[..], hole.middle.as_bytes()].concat();
    let marker = |source: Source| {
        let mut of_source = plan.segments.iter().filter(|segment: &&Segment| segment.id.source == source);
        match of_source.next()?.pieces.first()? {
            Piece::Marker(name) => tokenizer.special(name),
            Piece::Text(_) => None,
        }
    };
    let sides = marker(Source::Prefix).zip(marker(Source::Suffix)).map(|(prefix, suffix)| [prefix, suffix]);
    (prompt.ids, tokenizer.encode(&String::from_utf8_lossy(&middle)), sides)
}

/// Whether a warm cache says what a cold one says: the same question twice.
async fn warmth(model: &Model) -> Result<(bool, String), String> {
    let (prompt, ..) = asked(model, &HOLES[1], HOLES[1].after);
    let cold = answer(&model.engine, &prompt, 8).await?;
    let warm = answer(&model.engine, &prompt, 8).await?;
    let apart = apart(cold.logprobs.iter().copied().zip(warm.logprobs.iter().copied()));
    let same = cold.ids == warm.ids && apart <= MOST_APART;
    let found = format!("{} tokens of the prompt reused, the answer {apart:e} nats apart", warm.reused);
    let other = if cold.ids == warm.ids { "" } else { " and of other tokens" };
    Ok((same && warm.reused > cold.reused, found + other))
}

/// A greedy answer.
pub(super) struct Answer {
    pub(super) ids: Vec<u32>,
    pub(super) logprobs: Vec<f32>,
    reused: usize,
}

pub(super) async fn answer(engine: &Engine, prompt: &[u32], max_tokens: usize) -> Result<Answer, String> {
    let mut events = engine.submit(Request { prompt: prompt.to_vec(), max_tokens, ..Request::default() });
    let mut answer = Answer { ids: Vec::new(), logprobs: Vec::new(), reused: 0 };
    while let Some(event) = events.recv().await {
        match event {
            Event::Prefilled(prefill) => answer.reused = prefill.reused,
            Event::Token(token) => {
                answer.ids.push(token.id);
                answer.logprobs.push(token.logprob);
            }
            Event::Done(_) => return Ok(answer),
            Event::Failed(message) => return Err(message),
        }
    }
    Err("the engine gave no end".to_owned())
}

/// Behind the token that the model wants before every text.
fn behind_start(engine: &Engine, tokens: &[u32]) -> Vec<u32> {
    engine.info().bos.into_iter().chain(tokens.iter().copied()).collect()
}

async fn score(engine: &Engine, tokens: &[u32], chunk: usize) -> Result<Vec<Score>, String> {
    let (engine, tokens) = (engine.clone(), tokens.to_vec());
    let scored = tokio::task::spawn_blocking(move || engine.score(&tokens, chunk)).await;
    scored.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
}

fn nats(scores: &[Score]) -> f64 {
    -scores.iter().map(|score| f64::from(score.logprob)).sum::<f64>()
}

fn apart(pairs: impl Iterator<Item = (f32, f32)>) -> f32 {
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_for_what_they_stand_for() {
        // A large model that reads as a small one does is not well.
        let reading = Reading { own: 1.55, shuffled: 3.4 };
        assert!(reading.judge(SMALL - 1).0 && !reading.judge(SMALL).0);
        assert!(Reading { own: 0.5, shuffled: 3.0 }.judge(SMALL).0);
        // Few bits say nothing where another order costs as few.
        assert!(!Reading { own: 1.0, shuffled: 1.1 }.judge(SMALL).0);
        // NaN is never well.
        assert!(!Reading { own: f64::NAN, shuffled: f64::NAN }.judge(1).0);

        let well = Holes { middle: 0.3, gain: 30.0, exchanged: 12.0, ends: vec![0, 0] };
        assert!(well.judge().0);
        assert!(!Holes { gain: 1.0, ..well.clone() }.judge().0, "what stands behind the hole is not looked at");
        assert!(!Holes { exchanged: -12.0, ..well }.judge().0, "the markers are each other's");
        assert!(!LookingBack { first: 6.0, second: 5.9, copied: (0, 50) }.judge().0);
        assert!(LookingBack { first: 6.0, second: 0.4, copied: (49, 50) }.judge().0);
    }
}
