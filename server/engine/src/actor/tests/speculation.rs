//! Speculation changes how fast a text comes, and nothing else.

use proptest::prelude::*;

use super::*;

/// A counter that speculates; its steps cost the same however many rows they have, so that all that is drafted is tried.
fn speculating(pages: usize) -> (Engine, Arc<Mutex<Vec<Vec<u32>>>>) {
    let time_limits = TimeLimits { typing: 0, ..TimeLimits::default() };
    counting(pages, vec![EOS], &EngineOptions { speculation: true, time_limits, ..options() }, || {})
}

#[test]
fn a_draft_that_is_right_saves_steps_and_one_that_is_wrong_changes_nothing() {
    let said: Vec<u32> = (41..61).collect();
    let other = [&said[..5], &[180, 181], &said[7..]].concat();
    for (draft, least_accepted, most_steps) in [(said.clone(), 15, 5), (other, 10, 10), ((90..110).collect(), 0, 20)] {
        let (engine, steps) = speculating(3);
        let answer = collect(engine.submit(Request { draft, ..request(&[40], 20) }));
        let done = answer.done();
        assert_eq!((answer.ids(), done.finish, done.decoded), (said.clone(), Finish::Length, 20));
        assert!(done.accepted >= least_accepted && done.accepted <= done.drafted, "{done:?}");
        assert_eq!(answer.tokens.iter().filter(|token| token.drafted).count(), done.accepted);
        assert!(steps.lock().unwrap().len() <= most_steps, "{} steps", steps.lock().unwrap().len());
        let figures = engine.figures().speculation;
        assert_eq!((figures.drafted, figures.accepted), (done.drafted as u64, done.accepted as u64));
        // What was accepted is in the cache, what was not is not: the counter would notice.
        let next: Vec<u32> = (40..61).chain([150]).collect();
        assert_eq!(collect(engine.submit(request(&next, 3))).counts(), (20, 2));
    }
}

/// A region of which a tenth changes, as its own draft: what the bench measures in time, counted in steps.
#[test]
fn a_rewrite_of_a_tenth_takes_a_third_of_the_steps() {
    let said: Vec<u32> = (41..101).collect();
    let draft = [&said[..30], &(180..186).collect::<Vec<_>>(), &said[36..]].concat();
    let (engine, steps) = speculating(3);
    let answer = collect(engine.submit(Request { draft, ..request(&[40], said.len()) }));
    assert_eq!(answer.ids(), said);
    let steps = steps.lock().unwrap().len();
    assert!(steps * 3 <= said.len(), "{steps} steps");
}

#[test]
fn what_was_said_before_is_drafted_and_cut_where_it_must_end() {
    let (engine, steps) = speculating(3);
    let stop = Request { stop: vec![52], ..request(&[40, 41], 30) };
    collect(engine.submit(request(&[40, 41], 15)));
    let before = steps.lock().unwrap().len();
    let answer = collect(engine.submit(stop));
    assert_eq!((answer.ids(), answer.done().finish), ((42..52).collect(), Finish::Stop));
    assert!(steps.lock().unwrap().len() - before <= 6, "11 without");
    let answer = collect(engine.submit(request(&[40, 41], 4)));
    assert_eq!((answer.ids(), answer.done().finish), ((42..46).collect(), Finish::Length));
    // Up to the context's end and no further.
    let full: Vec<u32> = (100..100 + CONTEXT as u32 - 3).collect();
    for _ in 0..2 {
        let answer = collect(engine.submit(request(&full, 30)));
        assert_eq!((answer.tokens.len(), answer.done().finish), (4, Finish::Length));
    }
    // A cancel between two tokens of one step.
    let asked = Request { draft: (41..61).collect(), ..request(&[40], 20) };
    let cancel = asked.cancel.clone();
    let (engine, _) =
        counting(2, vec![EOS], &EngineOptions { speculation: true, ..options() }, move || cancel.cancel());
    let answer = collect(engine.submit(asked));
    assert_eq!((answer.tokens.len(), answer.done().finish), (0, Finish::Cancelled));
}

/// Prompts cut from this room's own text.
fn excerpts(engine: &Engine, count: usize, tokens: usize) -> Vec<Vec<u32>> {
    let ids = engine.tokenizer().encode(include_str!("../scheduler.rs"));
    let step = (ids.len() - tokens) / count;
    (0..count).map(|i| ids[i * step..i * step + tokens].to_vec()).collect()
}

/// Every step takes the same time: what a draft seems to cost on a busy machine is not what is tested.
fn steady() -> Clock {
    let looks = AtomicU64::new(0);
    Clock::of(move || Duration::from_micros(looks.fetch_add(1, Ordering::Relaxed)))
}

/// A few; `tests/bench/rewrite` does the same with more and longer ones.
#[test]
fn ember_says_the_same_with_and_without_speculation() {
    let ember = |speculation| {
        let options = EngineOptions { speculation, ..EngineOptions::default() };
        Engine::of(Checkpoint::open(&ModelSource::Ember).unwrap(), &options, None, steady()).unwrap()
    };
    let (plain, speculating) = (ember(false), ember(true));
    let mut accepted = 0;
    for prompt in excerpts(&plain, 8, 200) {
        let expected = collect(plain.submit(request(&prompt, 24)));
        for draft in [vec![], expected.ids()] {
            let answer = collect(speculating.submit(Request { draft, ..request(&prompt, 24) }));
            assert_eq!(answer.ids(), expected.ids());
            let logprobs = |answer: &Answer| answer.tokens.iter().map(|token| token.logprob).collect::<Vec<_>>();
            assert_eq!((logprobs(&answer), answer.done().finish), (logprobs(&expected), expected.done().finish));
            accepted += answer.done().accepted;
        }
    }
    assert!(accepted > 20, "{accepted} accepted: speculation was not tried");
}

/// A prompt made from the one before it, as a person's keystrokes make it.
#[derive(Clone, Debug)]
enum Edit {
    Append(Vec<u32>),
    Cut(prop::sample::Index),
    Replace(prop::sample::Index, u32),
    /// Go on with what was decoded.
    Accept,
    /// Another document.
    Switch(Vec<u32>),
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let token = || SPECIALS as u32..296;
    let edit = prop_oneof![
        4 => prop::collection::vec(token(), 1..6).prop_map(Edit::Append),
        2 => any::<prop::sample::Index>().prop_map(Edit::Cut),
        2 => (any::<prop::sample::Index>(), token()).prop_map(|(at, token)| Edit::Replace(at, token)),
        2 => Just(Edit::Accept),
        1 => prop::collection::vec(token(), 5..40).prop_map(Edit::Switch),
    ];
    prop::collection::vec(edit, 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever is in the cache, a warm engine says what a fresh one says.
    #[test]
    fn warm_equals_cold(reference in any::<bool>(), start in prop::collection::vec(SPECIALS as u32..296, 10..40), edits in edits()) {
        thread_local!(static MODEL: bytes::Bytes = SMALL.gguf(Dtype::F32).bytes());
        let backend = if reference { BackendChoice::Reference } else { BackendChoice::Auto };
        let options = EngineOptions { backend, ..options() };
        let fresh = || {
            let checkpoint = Checkpoint::from_gguf(Path::new("small"), &MODEL.with(bytes::Bytes::clone)).unwrap();
            Engine::of(checkpoint, &options, None, steady()).unwrap()
        };
        let warm = fresh();
        let mut prompt = start;
        let mut said: Vec<u32> = vec![];
        for edit in std::iter::once(Edit::Append(vec![60])).chain(edits) {
            match edit {
                Edit::Append(tokens) => prompt.extend(tokens),
                Edit::Cut(at) => prompt.truncate(at.index(prompt.len()).max(1)),
                Edit::Replace(at, token) => { let at = at.index(prompt.len()); prompt[at] = token; }
                Edit::Accept => prompt.extend(&said),
                Edit::Switch(other) => prompt = other,
            }
            prompt.truncate(SMALL.context_length - 6);
            let answer = collect(warm.submit(request(&prompt, 6)));
            let cold = collect(fresh().submit(request(&prompt, 6)));
            prop_assert_eq!(answer.ids(), cold.ids());
            let (warm_reused, prefilled) = answer.counts();
            prop_assert_eq!(warm_reused + prefilled, prompt.len());
            prop_assert_eq!(cold.counts(), (0, prompt.len()));
            said = answer.ids();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever is drafted, with whatever masks, stops and sampling, speculation says what plain decoding says.
    #[test]
    fn speculation_changes_nothing(
        prompt in prop::collection::vec(SPECIALS as u32..296, 10..60),
        draft in prop::collection::vec(SPECIALS as u32..296, 0..30),
        right in 0..30usize,
        heal in prop::sample::select(vec!["", " ret", "in", "    x"]),
        stop in prop::collection::vec(SPECIALS as u32..296, 0..30),
        seed in prop::option::of(0..3u64),
        max_tokens in 0..40usize,
    ) {
        thread_local!(static MODEL: bytes::Bytes = SMALL.gguf(Dtype::Q8_0).bytes());
        let engine = |speculation| {
            let checkpoint = Checkpoint::from_gguf(Path::new("small"), &MODEL.with(bytes::Bytes::clone)).unwrap();
            Engine::of(checkpoint, &EngineOptions { speculation, kv_memory_mib: 1, ..options() }, None, steady()).unwrap()
        };
        let sampling = seed.map_or(Sampling::Greedy, |seed| Sampling::TopP { temperature: 0.3, top_p: 0.9, seed });
        let asked = || Request { heal: heal.into(), stop: stop.clone(), sampling: sampling.clone(), ..request(&prompt, max_tokens) };
        let plain = collect(engine(false).submit(asked()));
        let speculating = engine(true);
        // A draft that is right at first, one of nothing, and then with what was said before in mind.
        let draft: Vec<u32> = plain.ids().into_iter().take(right).chain(draft).collect();
        for draft in [draft, vec![], plain.ids(), vec![]] {
            let answer = collect(speculating.submit(Request { draft, ..asked() }));
            prop_assert_eq!(answer.ids(), plain.ids());
            prop_assert_eq!((answer.done().finish, answer.done().decoded), (plain.done().finish, plain.done().decoded));
            let same = answer.tokens.iter().zip(&plain.tokens).all(|(a, b)| a.logprob.to_bits() == b.logprob.to_bits());
            prop_assert!(same);
        }
    }
}
