//! Who is served next, and what ends a request early: cancelling, time limits, turns between sessions.

use super::*;

#[test]
fn cancelling_ends_a_request_at_the_next_step_wherever_it_is() {
    let (engine, steps) = counter(2);
    let running = request(&[40, 41, 42, 43, 44, 45, 46, 47], 9);
    let queued = request(&[60], 9);
    let (stop_running, stop_queued) = (running.cancel.clone(), queued.cancel.clone());
    let (running, queued) = (engine.submit(running), engine.submit(queued));
    let after = engine.submit(request(&[80], 1));
    steps.wait(1);
    stop_running.cancel();
    stop_queued.cancel();
    steps.allow(100);
    for answer in [collect(running), collect(queued)] {
        assert_eq!((answer.done().finish, answer.tokens.len()), (Finish::Cancelled, 0));
        assert!(answer.prefill.is_none());
    }
    assert_eq!(collect(after).ids(), [81]);
    assert_eq!(steps.taken(), [&[40, 41, 42, 43][..], &[80]]);
    // What the cancelled one computed is of use.
    assert_eq!(collect(engine.submit(request(&[40, 41, 42, 43, 44], 1))).counts(), (4, 1));
}

#[test]
fn no_token_follows_a_cancel_whatever_the_step() {
    // Three chunks of prompt, then a token a step, the third chunk's included.
    let prompt: Vec<u32> = (40..50).collect();
    for step in 1..10usize {
        let asked = request(&prompt, 6);
        let (cancel, mut taken) = (asked.cancel.clone(), 0);
        let (engine, steps) = counting(1, vec![EOS], &options(), move || {
            taken += 1;
            if taken == step {
                cancel.cancel();
            }
        });
        let answer = collect(engine.submit(asked));
        let expected = step.saturating_sub(3).min(6);
        assert_eq!(answer.tokens.len(), expected, "cancelled in step {step}");
        if step <= 8 {
            assert_eq!((answer.done().finish, answer.done().decoded), (Finish::Cancelled, expected));
            assert_eq!(steps.lock().unwrap().len(), step);
        }
    }
}

/// Ten thousand requests from several threads, each cancelled at some moment: before it is sent, in the model's own thread, at any time from outside, at its first token, or by
/// dropping the receiver. Each gets one answer, in order, and nothing stays held.
#[test]
fn ten_thousand_cancelled_requests_leave_nothing_behind() {
    use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
    const THREADS: u64 = 4;
    const EACH: u64 = 2500;
    // What the model's thread cancels during its steps.
    let marked = Arc::new(Mutex::new(Vec::<CancellationToken>::new()));
    let (in_step, mut random) = (Arc::clone(&marked), StdRng::seed_from_u64(99));
    let options = EngineOptions { time_limits: TimeLimits { typing: 0, ..TimeLimits::default() }, ..options() };
    let (engine, _) = counting(3, vec![EOS], &options, move || {
        let mut marked = in_step.lock().unwrap();
        if !marked.is_empty() && random.random_bool(0.5) {
            let i = random.random_range(0..marked.len());
            marked.swap_remove(i).cancel();
        }
    });
    let answered: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (engine, marked) = (engine.clone(), &marked);
                scope.spawn(move || {
                    let mut random = StdRng::seed_from_u64(thread);
                    let (mut under_way, mut answered) = (vec![], 0);
                    for _ in 0..EACH {
                        let (length, first) = (random.random_range(1..40), 40 + 20 * random.random_range(0..3));
                        let prompt: Vec<u32> = (first..first + length).collect();
                        let priority = [Priority::Indexing, Priority::Warming, Priority::Action, Priority::Typing]
                            [random.random_range(0..4)];
                        let session = random.random_range(0..5);
                        let asked = Request { priority, session, ..request(&prompt, random.random_range(0..30)) };
                        let cancel = asked.cancel.clone();
                        let way = random.random_range(0..5);
                        match way {
                            0 => cancel.cancel(),
                            1 => marked.lock().unwrap().push(cancel.clone()),
                            _ => {}
                        }
                        let mut events = engine.submit(asked);
                        match way {
                            2 => drop(events),
                            3 => {
                                // At its first event; what came before the cancel is looked at with the rest.
                                let mut seen = vec![];
                                seen.extend(events.blocking_recv());
                                cancel.cancel();
                                under_way.push((seen, events, cancel));
                            }
                            _ => under_way.push((vec![], events, cancel)),
                        }
                        if under_way.len() > 20 {
                            let i = random.random_range(0..under_way.len());
                            let (seen, events, cancel) = under_way.swap_remove(i);
                            cancel.cancel();
                            answered += usize::from(ends_once(seen, events));
                        }
                    }
                    for (seen, events, cancel) in under_way {
                        cancel.cancel();
                        answered += usize::from(ends_once(seen, events));
                    }
                    answered
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    // A fifth dropped their receivers, and have no answer that could be seen.
    assert!((7700..8300).contains(&answered), "{answered}");
    // A last request is behind all others: then all are over.
    collect(engine.submit(Request { priority: Priority::Indexing, ..request(&[41], 1) }));
    let figures = engine.figures();
    assert_eq!((figures.requests.waiting, figures.cache.in_use), (0, 0));
    let requests = &figures.requests;
    let ended = requests.completed + requests.cancelled + requests.timed_out;
    assert_eq!((ended, requests.failed), (THREADS * EACH + 1, 0), "{requests:?}");
    assert!(requests.cancelled > THREADS * EACH / 2, "{requests:?}");
}

/// Whether these and what follows are the events of one answer: one `Prefilled` before any token, one end, nothing after it.
fn ends_once(seen: Vec<Event>, mut events: mpsc::UnboundedReceiver<Event>) -> bool {
    let mut all = seen;
    all.extend(std::iter::from_fn(|| events.blocking_recv()));
    let tokens = all.iter().filter(|event| matches!(event, Event::Token(_))).count();
    let prefilled = all.iter().position(|event| matches!(event, Event::Prefilled(_)));
    assert!(prefilled == Some(0) || (prefilled.is_none() && tokens == 0), "{all:?}");
    assert_eq!(all.len(), tokens + usize::from(prefilled.is_some()) + 1, "{all:?}");
    match all.last() {
        Some(Event::Done(done)) => assert_eq!(done.decoded, tokens),
        other => panic!("{other:?}"),
    }
    true
}

#[test]
fn a_request_that_overstays_its_class_ends_and_says_so() {
    let limits = TimeLimits { typing: 5, warming: 0, ..TimeLimits::default() };
    let (engine, steps) = counter_with(2, vec![EOS], limits);
    steps.allow(100);
    // A second a step: the first token comes with the first, and the sixth is the last that begins in time.
    let late = collect(engine.submit(request(&[40], 30)));
    assert_eq!((late.done().finish, late.tokens.len(), late.done().decoded), (Finish::TimeLimit, 6, 6));
    // Another class may take longer.
    let warming = collect(engine.submit(Request { priority: Priority::Warming, ..request(&[60], 30) }));
    assert_eq!((warming.done().finish, warming.tokens.len()), (Finish::Length, 30));
    // The wait counts.
    let (engine, steps) = counter_with(2, vec![EOS], TimeLimits { typing: 5, ..TimeLimits::default() });
    let (first, second) = (engine.submit(request(&[90], 4)), engine.submit(request(&[120], 9)));
    steps.allow(100);
    assert_eq!(collect(first).done().finish, Finish::Length);
    let second = collect(second);
    assert!(second.done().finish == Finish::TimeLimit && second.tokens.len() < 6, "{second:?}");
    assert_eq!((engine.figures().requests.timed_out, engine.figures().cache.in_use), (1, 0));
}

#[test]
fn sessions_take_turns() {
    let (engine, steps) = counter(8);
    let of = |session, first| engine.submit(Request { session, ..request(&[first], 2) });
    // The first is under way when the others come; session 1 has been served last then.
    let mut answers = vec![of(1, 40)];
    steps.wait(1);
    answers.extend([of(1, 50), of(1, 60), of(2, 70)]);
    steps.allow(100);
    answers.into_iter().for_each(|answer| assert_eq!(collect(answer).tokens.len(), 2));
    let firsts: Vec<u32> = steps.taken().iter().map(|tokens| tokens[0]).collect();
    assert_eq!(firsts, [40, 41, 70, 71, 50, 51, 60, 61]);
}

#[test]
fn low_work_is_not_starved_by_endless_typing() {
    let (engine, steps) = counter(8);
    let low = engine.submit(Request { priority: Priority::Warming, session: 9, ..request(&[200 - 50], 2) });
    steps.wait(1);
    // A completion always waits.
    let typing: Vec<_> = (0..20).map(|i| engine.submit(request(&[40 + i], 40))).collect();
    steps.allow(900);
    assert_eq!(collect(low).tokens.len(), 2);
    let taken = steps.taken();
    let typed = taken.iter().skip(1).take_while(|tokens| tokens[0] != 151).count();
    assert!((256..=256 + 64).contains(&typed), "{typed} steps of typing between two of warming");
    typing.into_iter().for_each(|answer| assert_eq!(collect(answer).tokens.len(), 40));
}
