#![allow(clippy::unwrap_used)]

use tokio_util::sync::CancellationToken;

use super::*;
use crate::{Done, Finish, Prefill, Priority, Sampling, Token, fixture::LLAMA, weights::Dtype};

fn request(prompt: &[u32], max_tokens: usize) -> Request {
    Request {
        prompt: prompt.to_vec(),
        heal: vec![],
        max_tokens,
        stop: vec![],
        sampling: Sampling::Greedy,
        priority: Priority::Typing,
        cancel: CancellationToken::new(),
    }
}

fn tiny() -> Engine {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tiny.gguf");
    LLAMA.gguf(Dtype::F32).write(&path);
    let options = EngineOptions { threads: 1, prefill_chunk: 16, ..EngineOptions::default() };
    Engine::load_with(&ModelSource::Gguf(path), &options).unwrap()
}

/// Everything a request gave.
struct Answer {
    prefill: Option<Prefill>,
    tokens: Vec<Token>,
    last: Event,
}

fn collect(mut events: mpsc::UnboundedReceiver<Event>) -> Answer {
    let (mut prefill, mut tokens, mut last) = (None, vec![], None);
    while let Some(event) = events.blocking_recv() {
        assert!(last.is_none(), "{event:?} after {last:?}");
        match event {
            Event::Prefilled(p) => assert!(prefill.replace(p).is_none() && tokens.is_empty()),
            Event::Token(token) => tokens.push(token),
            end => last = Some(end),
        }
    }
    Answer { prefill, tokens, last: last.expect("exactly one last event") }
}

#[test]
fn a_request_streams_and_ends() {
    let engine = tiny();
    let prompt: Vec<u32> = engine.tokenizer().encode("fn main() {\n    let x = 1;\n");
    let answer = collect(engine.submit(request(&prompt, 5)));
    let prefill = answer.prefill.unwrap();
    assert_eq!((prefill.reused, prefill.prefilled), (0, prompt.len()));
    assert!(matches!(answer.last, Event::Done(Done { finish: Finish::Length, decoded: 5, .. })));
    assert_eq!(answer.tokens.len(), 5);
    for token in &answer.tokens {
        assert_eq!(token.bytes, engine.tokenizer().bytes(token.id));
        assert!(token.logprob < 0.0 && token.logprob > -20.0);
    }
}
