//! Answers at once from keys and values of another place.

use super::*;

fn prompts() -> (Vec<u32>, Vec<u32>) {
    let text = (0..300u32).map(|i| 40 + (i * i * 13 + i * 5) % 200);
    let with = |head: std::ops::Range<u32>| head.chain(text.clone()).collect();
    (with(40..60), with(100..140))
}

#[test]
fn an_answer_at_once_says_that_it_is_one_and_leaves_no_trace() {
    let engine = tiny(&options());
    let (old, new) = prompts();
    let cold = collect(tiny(&options()).submit(request(&new, 20)));
    collect(engine.submit(request(&old, 4)));
    let held = engine.figures().cache;
    let now = collect(engine.submit(Request { answer_now: true, ..request(&new, 20) }));
    let prefill = now.prefill.unwrap();
    assert!(prefill.moved > 200 && prefill.prefilled < 130, "{prefill:?}");
    assert_eq!(prefill.reused + prefill.moved + prefill.prefilled, new.len());
    assert_eq!(now.done().decoded, 20);
    let after = engine.figures().cache;
    assert_eq!((after.in_use, after.pages_used, after.tokens), (0, held.pages_used, held.tokens));
    // Asked exactly, all of it is computed, and the answer is a cold engine's.
    let exact = collect(engine.submit(request(&new, 20)));
    assert_eq!(exact.counts(), (0, new.len()));
    assert_eq!(exact.ids(), cold.ids());
    // From then on there is nothing to move.
    let again = collect(engine.submit(Request { answer_now: true, ..request(&new, 20) }));
    assert_eq!((again.counts(), again.prefill.unwrap().moved), ((new.len() - 1, 1), 0));
    assert_eq!(again.ids(), cold.ids());
}

#[test]
fn little_is_computed_and_what_cannot_be_moved_too() {
    let engine = tiny(&options());
    let (old, new) = prompts();
    collect(engine.submit(request(&old[..80], 1)));
    let short = collect(engine.submit(Request { answer_now: true, ..request(&new[..100], 1) }));
    assert_eq!((short.counts(), short.prefill.unwrap().moved), ((0, 100), 0));
    let (engine, _) = counting(8, vec![EOS], &options(), || ());
    let counted = collect(engine.submit(Request { answer_now: true, ..request(&[40, 41], 2) }));
    assert_eq!(counted.ids(), [42, 43]);
}

/// Where there is no room for a copy the prompt is computed.
#[test]
fn a_full_cache_is_no_failure() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tiny.gguf");
    LLAMA.gguf(Dtype::F32).write(&path);
    // As little as there may be: one sequence of 512 positions.
    let engine = Engine::load_with(&ModelSource::Gguf(path), &EngineOptions { kv_memory_mib: 1, ..options() }).unwrap();
    let (old, new) = prompts();
    let cold = collect(engine.submit(request(&new, 8)));
    for _ in 0..3 {
        collect(engine.submit(request(&old, 8)));
        let now = collect(engine.submit(Request { answer_now: true, ..request(&new, 8) }));
        assert_eq!(now.done().decoded, 8);
        let exact = collect(engine.submit(request(&new, 8)));
        assert_eq!(exact.ids(), cold.ids());
    }
    assert_eq!(engine.figures().cache.in_use, 0);
}
