//! The self-test of a loaded model: that its tokenizer is exact, that its prompt format fits, that it answers, and that it knows what every model of code knows.

mod ember;
mod known;

use pilotlight_context::{Budget, Input};
use pilotlight_engine::{Engine, Event, Request};
use pilotlight_syntax::{Document, Language};

use crate::{Assistant, model::Model};

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Check {
    /// What.
    pub name: &'static str,
    /// Whether it is as it should be.
    pub ok: bool,
    /// What was found.
    pub found: String,
}

/// Text with what tokenizers get wrong: tabs, CRLF, blank lines, accents, CJK, emoji of several code points, a look-alike of a marker.
const HARD_TEXT: &str = "fn naïve() {\r\n\tlet s = \"日本語 👩‍👩‍👧\";   \n\n\n  // <|file|> <|fim_prefix|> [SUFFIX]\n}\n";

const ASKED: &str = "fn add(left: i32, right: i32) -> i32 {\n    left + \n}\n";

impl Assistant {
    /// Runs the self-test; `Err` says why there is no model to test.
    pub async fn check(&self) -> Result<Vec<Check>, String> {
        let model = match self.model().await {
            Ok(model) => model,
            // One that chats and fills no holes still has to read.
            Err(reason) => {
                let engine = self.talker().await?;
                return if engine.ailing().is_none() { Ok(known::of_engine(engine).await) } else { Err(reason) };
            }
        };
        // Where the tokenizer is the server's there is none to test here.
        let own = model.engine.bytes_per_token().is_none().then(|| round_trip(model));
        let mut checks: Vec<_> = own.into_iter().chain([markers(model), answers(model).await]).collect();
        if model.engine.ailing().is_none() {
            checks.extend(known::of_engine(&model.engine).await);
            checks.extend(known::of_model(model).await);
        }
        Ok(checks)
    }

    /// Whether an engine of the built-in model says what is known of it: that this machine computes as it should, whatever model it is to serve.
    pub async fn check_ember(engine: &Engine) -> Check {
        ember::check(engine).await
    }
}

fn round_trip(model: &Model) -> Check {
    let tokenizer = model.engine.tokenizer();
    let ids = tokenizer.encode(HARD_TEXT);
    let back: Vec<u8> = ids.iter().flat_map(|&id| tokenizer.bytes(id).iter().copied()).collect();
    let specials = ids.iter().filter(|&&id| tokenizer.is_special(id)).count();
    Check {
        name: "tokenizer round trip",
        ok: back == HARD_TEXT.as_bytes() && specials == 0,
        found: format!("{} bytes in {} tokens, {specials} of them special (0 expected)", HARD_TEXT.len(), ids.len()),
    }
}

/// Each marker must be one special token of its own that no text becomes: a family whose markers are spelled out would be asked in a language that it
/// does not speak.
fn markers(model: &Model) -> Check {
    let family = model.encoder.family();
    let tokenizer = model.engine.tokenizer();
    let (mut named, mut wrong, mut seen) = (Vec::new(), Vec::new(), Vec::new());
    // A marker may be a stop too.
    let stops = family.stops.iter().filter(|stop| !family.markers.contains(stop));
    for marker in family.markers.iter().chain(stops) {
        let Some(id) = tokenizer.special(marker) else {
            wrong.push(format!("{marker} is missing"));
            continue;
        };
        named.push(format!("{marker} = {id}"));
        if seen.contains(&id) || !tokenizer.is_special(id) || !tokenizer.bytes(id).is_empty() {
            wrong.push(format!("{marker} is not a token of its own"));
        }
        if tokenizer.encode(marker).iter().any(|&id| tokenizer.is_special(id)) {
            wrong.push(format!("{marker} in a text becomes a marker"));
        }
        seen.push(id);
    }
    Check {
        name: "fill-in-the-middle markers",
        ok: wrong.is_empty(),
        found: format!("{} ({:?}): {}", family.name, family.order, [named, wrong].concat().join(", ")),
    }
}

async fn answers(model: &Model) -> Check {
    let snapshot = Document::open(Language::Rust, 0, ASKED).snapshot();
    let cursor = ASKED.find("+ ").map_or(0, |at| at + 2);
    let input = Input { path: "add.rs", snapshot: &snapshot, cursor, anchor: None };
    let plan = pilotlight_context::plan(model.encoder.family(), input, Budget::shared(256), &model.encoder);
    let prompt = model.encoder.encode(&plan);
    let mut events = model.engine.submit(Request {
        prompt: prompt.ids,
        heal: prompt.heal,
        max_tokens: 8,
        stop: model.encoder.stops(),
        ..Request::default()
    });
    let (mut bytes, mut end, mut finite) = (Vec::new(), "no end".to_owned(), true);
    while let Some(event) = events.recv().await {
        match event {
            Event::Prefilled(_) => {}
            Event::Token(token) => {
                finite &= token.logprob.is_finite() || model.engine.ailing().is_some();
                bytes.extend(token.bytes);
            }
            Event::Done(done) => end = format!("{:?}", done.finish),
            Event::Failed(message) => end = format!("failed: {message}"),
        }
    }
    let ok = finite && !end.starts_with("failed") && end != "no end";
    Check {
        name: "an answer",
        ok,
        found: format!("`left + ` goes on with {:?} ({end})", String::from_utf8_lossy(&bytes)),
    }
}
