//! Several sequences in one step.

use super::*;

/// Time does not matter: the counter's clock goes on by a second a step.
fn patient() -> EngineOptions {
    EngineOptions { time_limits: TimeLimits { typing: 0, warming: 0, ..TimeLimits::default() }, ..options() }
}

/// The same words whether they decode alone or together, and fewer steps.
#[test]
fn requests_of_a_class_decode_together() {
    let (begin, begun) = std_mpsc::channel::<()>();
    let mut wait = Some(begun);
    let (engine, steps) = counting_abreast(3, 8, vec![EOS], &patient(), move || {
        // The first step waits until all have been asked.
        if let Some(begun) = wait.take() {
            begun.recv().unwrap();
        }
    });
    let ask = |first: u32, session: u64| engine.submit(Request { session, ..request(&[first], 12) });
    let answers: Vec<_> = (0..4).map(|i| ask(40 + 20 * i, u64::from(i))).collect();
    let warming = Request { priority: Priority::Warming, ..request(&[150], 2) };
    let warming = engine.submit(warming);
    begin.send(()).unwrap();
    for (i, answer) in (0..).zip(answers) {
        let first = 41 + 20 * i;
        assert_eq!(collect(answer).ids(), (first..first + 12).collect::<Vec<_>>());
    }
    assert_eq!(collect(warming).ids(), [151, 152]);
    let steps = steps.lock().unwrap();
    let most = steps.iter().map(Vec::len).max().unwrap();
    let alone = 4 * 12 + 2;
    assert_eq!(most, 3, "{steps:?}");
    assert!(steps.len() < alone * 2 / 3, "{} steps, {alone} alone: {steps:?}", steps.len());
    // Warming joins nobody.
    assert!(steps.iter().all(|step| step.len() == 1 || step.iter().all(|&token| token < 150)), "{steps:?}");
}

#[test]
fn one_that_is_cancelled_or_ends_leaves_the_others_as_they_are() {
    let cancel = CancellationToken::new();
    let (trip, mut met) = (cancel.clone(), 0);
    let (engine, steps) = counting_abreast(4, 8, vec![EOS, 86], &patient(), move || {
        met += 1;
        if met == 30 {
            trip.cancel();
        }
    });
    let long = engine.submit(request(&[40], 40));
    let short = engine.submit(Request { session: 1, ..request(&[80], 40) });
    let gone = engine.submit(Request { session: 2, cancel, ..request(&[90], 40) });
    let dropped = engine.submit(Request { session: 3, ..request(&[120], 40) });
    drop(dropped);
    assert_eq!(collect(long).ids(), (41..81).collect::<Vec<_>>());
    let short = collect(short);
    assert_eq!((short.ids(), short.done().finish), ((81..86).collect(), Finish::Stop));
    let gone = collect(gone);
    assert_eq!(gone.done().finish, Finish::Cancelled);
    assert_eq!(gone.ids(), (91..).take(gone.tokens.len()).collect::<Vec<_>>());
    assert!(steps.lock().unwrap().iter().any(|step| step.len() > 1));
    assert_eq!(engine.figures().cache.in_use, 0);
}

/// An error in a step ends all of whom it was, and nobody else.
#[test]
fn an_error_is_told_to_all_of_the_step() {
    let (begin, begun) = std_mpsc::channel::<()>();
    let mut wait = Some(begun);
    let (engine, _) = counting_abreast(2, 8, vec![EOS], &patient(), move || {
        if let Some(begun) = wait.take() {
            begun.recv().unwrap();
        }
    });
    let wrong = engine.submit(request(&[ERROR - 15], 40));
    let beside = engine.submit(Request { session: 1, ..request(&[40], 40) });
    begin.send(()).unwrap();
    assert_eq!(collect(wrong).failure(), "counter: no");
    assert_eq!(collect(beside).failure(), "counter: no");
    assert_eq!(collect(engine.submit(request(&[60], 2))).ids(), [61, 62]);
}

/// The processor really computes them together: each answer is the one it gives alone.
#[test]
fn the_processor_gives_each_the_answer_that_it_gives_alone() {
    let engine = tiny(&options());
    let prompt = |i: u32| (0..30 + 7 * i).map(|n| 3 + (n * (i + 5)) % 200).collect::<Vec<u32>>();
    let alone: Vec<_> = (0..6).map(|i| collect(tiny(&options()).submit(request(&prompt(i), 60))).ids()).collect();
    let answers: Vec<_> =
        (0..6).map(|i| engine.submit(Request { session: u64::from(i), ..request(&prompt(i), 60) })).collect();
    for (alone, together) in alone.iter().zip(answers) {
        assert_eq!(&collect(together).ids(), alone);
    }
}
