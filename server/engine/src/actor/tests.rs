//! Tests of `actor`.

#![allow(clippy::unwrap_used)]

mod chosen;
mod counter;
mod moved;
mod speculation;
mod together;
mod turns;

use std::{
    path::Path,
    sync::{Mutex, mpsc as std_mpsc},
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use self::counter::*;
use super::*;
use crate::{
    BackendChoice, Done, Finish, Prefill, Priority, Sampling, Token,
    backend::{Logits, PAGE, Page, Sequence},
    fixture::{LLAMA, SMALL, SPECIALS, vocabulary},
    weights::Dtype,
};

fn request(prompt: &[u32], max_tokens: usize) -> Request {
    Request { prompt: prompt.to_vec(), max_tokens, ..Request::default() }
}

/// Everything a request gave.
#[derive(Debug)]
struct Answer {
    prefill: Option<Prefill>,
    tokens: Vec<Token>,
    last: Event,
}

impl Answer {
    fn ids(&self) -> Vec<u32> {
        self.tokens.iter().map(|token| token.id).collect()
    }

    fn done(&self) -> Done {
        match &self.last {
            Event::Done(done) => *done,
            other => panic!("{other:?}"),
        }
    }

    fn failure(&self) -> &str {
        match &self.last {
            Event::Failed(message) => message,
            other => panic!("{other:?}"),
        }
    }

    fn counts(&self) -> (usize, usize) {
        let prefill = self.prefill.unwrap();
        (prefill.reused, prefill.prefilled)
    }
}

/// Waits for the end, and holds the order of events: one `Prefilled`, tokens, exactly one last event, nothing after it.
fn collect(mut events: mpsc::UnboundedReceiver<Event>) -> Answer {
    let (mut prefill, mut tokens, mut last) = (None, vec![], None);
    while let Some(event) = events.blocking_recv() {
        assert!(last.is_none(), "{event:?} after {last:?}");
        match event {
            Event::Prefilled(p) => assert!(prefill.replace(p).is_none() && tokens.is_empty()),
            Event::Token(token) => {
                assert!(prefill.is_some());
                tokens.push(token);
            }
            end => last = Some(end),
        }
    }
    Answer { prefill, tokens, last: last.expect("a last event") }
}

/// The tiny model, really computed.
fn tiny(options: &EngineOptions) -> Engine {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tiny.gguf");
    LLAMA.gguf(Dtype::F32).write(&path);
    Engine::load_with(&ModelSource::Gguf(path), options).unwrap()
}

fn options() -> EngineOptions {
    EngineOptions { threads: 1, prefill_chunk: 16, speculation: false, ..EngineOptions::default() }
}

#[test]
fn a_request_streams_and_ends() {
    let engine = tiny(&options());
    let prompt: Vec<u32> = engine.tokenizer().encode("fn main() {\n    let x = 1;\n");
    let answer = collect(engine.submit(request(&prompt, 5)));
    assert_eq!(answer.counts(), (0, prompt.len()));
    assert_eq!((answer.done().finish, answer.done().decoded, answer.tokens.len()), (Finish::Length, 5, 5));
    for token in &answer.tokens {
        assert_eq!(token.bytes, engine.tokenizer().bytes(token.id));
        assert!(token.logprob < 0.0 && token.logprob > -20.0);
    }
    let info = engine.info();
    assert_eq!((info.name.as_str(), info.architecture.as_str()), ("tiny llama", "llama"));
    assert_eq!((info.bos, &info.eos[..], info.licence.as_deref()), (Some(1), &[0][..], Some("MIT")));
    assert_eq!(info.edit_form, None, "it was trained on none");
    assert_eq!(info.parameters * 4, info.bytes);
}

#[test]
fn what_is_computed_is_exactly_what_is_new() {
    let (engine, steps) = counter(2);
    steps.allow(100);
    let prompt: Vec<u32> = (40..50).collect();
    let answer = collect(engine.submit(request(&prompt, 3)));
    assert_eq!((answer.ids(), answer.counts()), (vec![50, 51, 52], (0, 10)));
    assert_eq!(steps.taken(), [&[40, 41, 42, 43][..], &[44, 45, 46, 47], &[48, 49], &[50], &[51]]);

    // What was decoded and then typed is there already, but for the last token, which was never fed.
    let typed: Vec<u32> = (40..54).collect();
    let answer = collect(engine.submit(request(&typed, 1)));
    assert_eq!((answer.ids(), answer.counts()), (vec![54], (12, 2)));
    assert_eq!(steps.taken()[5..], [[52, 53]]);

    // Backspace.
    let answer = collect(engine.submit(request(&typed[..11], 1)));
    assert_eq!((answer.ids(), answer.counts()), (vec![51], (10, 1)));

    // The same text, edited in the middle.
    let edited: Vec<u32> = typed[..8].iter().copied().chain([90, 91]).collect();
    let answer = collect(engine.submit(request(&edited, 1)));
    assert_eq!((answer.ids(), answer.counts()), (vec![92], (8, 2)));
    // Prefill only.
    let answer = collect(engine.submit(request(&edited, 0)));
    assert_eq!((answer.ids(), answer.counts(), answer.done().finish), (vec![], (9, 1), Finish::Length));
}

/// Whoever asks while a step is computed is answered, or accepted: no lock is held across it.
#[test]
fn nobody_waits_for_a_step() {
    let (engine, steps) = counter(2);
    let answer = engine.submit(request(&[40, 41], 1));
    steps.wait(1);
    let (told, telling) = std_mpsc::channel();
    let others = engine.clone();
    std::thread::spawn(move || {
        others.figures();
        drop(others.submit(request(&[60], 1)));
        told.send(()).unwrap();
    });
    // The step waits for its permit as long as this takes: only a lock could make this fail.
    telling.recv_timeout(Duration::from_secs(60)).expect("figures and a place in the queue while a step is computed");
    assert_eq!(steps.taken().len(), 1);
    steps.allow(100);
    assert_eq!(collect(answer).ids(), [42]);
}

#[test]
fn decoding_ends_at_a_stop_id_at_the_models_own_end_and_at_the_contexts() {
    let (engine, steps) = counter(2);
    steps.allow(1000);
    let answer = collect(engine.submit(Request { stop: vec![53, 55], ..request(&[50], 10) }));
    assert_eq!((answer.ids(), answer.done().finish, answer.done().decoded), (vec![51, 52], Finish::Stop, 2));
    // The end id needs no mention.
    let (engine, steps) = counter(2);
    steps.allow(1000);
    let last = vocabulary().0.len() as u32 - 2;
    let wraps = collect(engine.submit(request(&[last - 1], 2)));
    assert_eq!(wraps.ids(), [last, last + 1]);
    // A prompt that fills the context leaves room for one token, which is not fed back.
    let full: Vec<u32> = (100..100 + CONTEXT as u32).collect();
    let answer = collect(engine.submit(request(&full, 10)));
    assert_eq!((answer.ids(), answer.done().finish), (vec![100 + CONTEXT as u32], Finish::Length));
    let answer = collect(engine.submit(request(&full[..CONTEXT - 2], 10)));
    assert_eq!((answer.tokens.len(), answer.done().finish), (3, Finish::Length));
}

#[test]
fn the_models_own_end_ends_it() {
    // A model whose end id is what the counter says next.
    let (engine, steps) = counter_with(1, vec![42], TimeLimits::default());
    steps.allow(9);
    let answer = collect(engine.submit(request(&[40], 10)));
    assert_eq!((answer.ids(), answer.done().finish), (vec![41], Finish::Stop));
}

#[test]
fn what_cannot_be_served_is_refused_with_figures() {
    let (engine, _steps) = counter(1);
    let top_p = |temperature, top_p| Sampling::TopP { temperature, top_p, seed: 0 };
    for (bad, words) in [
        (request(&[], 1), &["empty"][..]),
        (request(&[50; 65], 1), &["65 tokens", "at most 64"]),
        (request(&[50, 296], 1), &["token 296", "below 296"]),
        (Request { sampling: top_p(0.0, 1.0), ..request(&[50], 1) }, &["temperature", "found 0"]),
        (Request { sampling: top_p(1.0, 2.0), ..request(&[50], 1) }, &["top_p", "found 2"]),
    ] {
        let answer = collect(engine.submit(bad));
        for word in words {
            assert!(answer.failure().contains(word), "{} lacks {word}", answer.failure());
        }
    }
}

#[test]
fn typing_overtakes_between_two_steps_and_the_other_goes_on_where_it_was() {
    let (engine, steps) = counter(2);
    let refactor = Request { priority: Priority::Refactor, ..request(&[40, 41, 42, 43, 44, 45, 46, 47, 48], 2) };
    let refactor = engine.submit(refactor);
    steps.wait(1); // In its first chunk.
    let typing = engine.submit(request(&[60], 2));
    let warming = engine.submit(Request { priority: Priority::Warming, ..request(&[80], 1) });
    steps.allow(100);
    let typing = collect(typing);
    let refactor = collect(refactor);
    let warming = collect(warming);
    assert_eq!(steps.taken(), [&[40, 41, 42, 43][..], &[60], &[61], &[44, 45, 46, 47], &[48], &[49], &[80]]);
    assert_eq!((typing.ids(), refactor.ids(), warming.ids()), (vec![61, 62], vec![49, 50], vec![81]));
    assert_eq!(refactor.counts(), (0, 9));
}

#[test]
fn equals_are_served_in_order_of_arrival() {
    let (engine, steps) = counter(4);
    let answers: Vec<_> = (0..4).map(|i| engine.submit(request(&[40 + 10 * i], 2))).collect();
    steps.allow(100);
    answers.into_iter().for_each(|answer| assert_eq!(collect(answer).tokens.len(), 2));
    let firsts: Vec<u32> = steps.taken().iter().map(|tokens| tokens[0]).collect();
    assert_eq!(firsts, [40, 41, 50, 51, 60, 61, 70, 71]);
}

#[test]
fn a_preempted_request_that_loses_its_slot_starts_over_and_says_the_same() {
    let (engine, steps) = counter(1);
    let low = engine.submit(Request { priority: Priority::Warming, ..request(&[40, 41, 42, 43, 44], 3) });
    steps.allow(2); // Two chunks.
    steps.wait(3); // In its first decode step.
    let typing = engine.submit(request(&[60], 1));
    steps.allow(100);
    assert_eq!(collect(typing).ids(), [61]);
    let low = collect(low);
    assert_eq!((low.ids(), low.counts()), (vec![45, 46, 47], (0, 5)));
    // Its prompt and what it had decoded were computed again, in chunks.
    assert_eq!(steps.taken()[3..], [&[60][..], &[40, 41, 42, 43], &[44, 45, 46]]);
}

#[test]
fn a_dropped_receiver_cancels() {
    let (engine, steps) = counter(2);
    let dropped = engine.submit(request(&[40], 50));
    steps.allow(2);
    steps.wait(3);
    drop(dropped);
    steps.allow(100);
    assert_eq!(collect(engine.submit(request(&[80], 1))).ids(), [81]);
    assert!(steps.taken().len() <= 5, "{:?}", steps.taken());
}

#[test]
fn a_failed_step_fails_one_request_and_what_it_stored_is_not_trusted() {
    let (engine, steps) = counter(2);
    steps.allow(100);
    let failed = collect(engine.submit(request(&[40, 41, 42, 43, 44, ERROR], 1)));
    assert!(failed.failure().contains("counter: no"));
    // The first chunk was stored, the second was not.
    let next = collect(engine.submit(request(&[40, 41, 42, 43, 44, 45], 1)));
    assert_eq!((next.ids(), next.counts()), (vec![46], (4, 2)));
}

#[test]
fn a_panic_fails_every_request_then_and_later_and_hangs_none() {
    let (engine, steps) = counter(2);
    let streaming = engine.submit(Request { priority: Priority::Warming, ..request(&[40], 50) });
    steps.allow(3);
    steps.wait(4);
    let bad = engine.submit(request(&[PANIC], 1));
    let queued = engine.submit(request(&[60], 1));
    steps.allow(2);
    for answer in [bad, queued, streaming, engine.submit(request(&[70], 1))] {
        let answer = collect(answer);
        assert!(answer.failure().contains("the engine has stopped"), "{}", answer.failure());
        assert!(answer.failure().contains("the counter met its number"), "{}", answer.failure());
    }
}

#[test]
fn dropping_the_last_handle_ends_the_thread_and_answers_what_waits() {
    let (engine, steps) = counter(1);
    let other = engine.clone();
    let waiting = engine.submit(request(&[40], 50));
    steps.wait(1);
    drop(engine);
    steps.allow(2);
    steps.wait(3); // One handle is left: it goes on.
    drop(other);
    steps.permits.send(()).unwrap();
    let answer = collect(waiting);
    assert!(answer.failure().contains("closed"), "{}", answer.failure());
    while steps.permits.send(()).is_ok() {
        std::thread::sleep(Duration::from_millis(1)); // Until the backend is dropped.
    }
}

#[test]
fn healing_prescribes_the_first_bytes() {
    let engine = tiny(&options());
    let prompt = engine.tokenizer().encode("fn main() {");
    let answer = collect(engine.submit(Request { heal: b"  ret".to_vec(), ..request(&prompt, 6) }));
    let text: Vec<u8> = answer.tokens.iter().flat_map(|token| token.bytes.clone()).collect();
    assert!(text.starts_with(b"  ret") || b"  ret".starts_with(&text), "{text:?}");
    assert!(text.len() >= 5);
}

#[test]
fn sampling_is_repeatable_and_differs_by_seed() {
    let engine = tiny(&options());
    let prompt = engine.tokenizer().encode("let a = b;\n");
    let sample = |seed| {
        let sampling = Sampling::TopP { temperature: 1.0, top_p: 0.95, seed };
        collect(engine.submit(Request { sampling, ..request(&prompt, 20) })).ids()
    };
    assert_eq!(sample(1), sample(1));
    assert_ne!(sample(1), sample(2));
}

/// Most of its tokens have no text.
#[test]
fn tokens_without_text_are_counted() {
    let options = EngineOptions { context_length: 64, threads: 1, ..EngineOptions::default() };
    let engine = Engine::with_random_weights("spark", "q8_0", &options).unwrap();
    let answer = collect(engine.submit(request(&[1, 2, 3], 8)));
    assert_eq!((answer.tokens.len(), answer.done().decoded), (8, 8));
}
