//! Figures by hand, and that a dearer cache is noticed.
#![allow(clippy::unwrap_used)]

use super::*;

fn record(key: &str, cause: Cause, prefilled: usize) -> Record {
    Record {
        session: 0,
        language: "rs".into(),
        key: key.into(),
        cause,
        prefilled,
        reused: 100,
        decoded: 5,
        shown: cause != Cause::First,
        took: prefilled as f64,
        first_token: (cause != Cause::Kept).then_some(1.0),
    }
}

fn run(records: Vec<Record>) -> Run {
    let setting = Setting {
        peer: "pilotlight".into(),
        model: "m".into(),
        model_sha256: "0".into(),
        backend: "b".into(),
        threads: 1,
        seed: 1,
        per_session: 10,
        human_pace: false,
        look_ahead: false,
        recall: false,
        background_tokens: 0,
    };
    Run { setting, records }
}

fn sample() -> Run {
    run(vec![
        record("jump", Cause::First, 400),
        record("character", Cause::Appended, 2),
        record("character", Cause::Kept, 0),
        record("character", Cause::TailRetokenised, 10),
    ])
}

#[test]
fn the_figures_are_those_of_the_records() {
    let figures = Figures::of(&sample());
    assert_eq!(figures.prefilled_per_keystroke, Spread { median: 2.0, mean: 103.0, p99: 400.0 });
    assert_eq!(figures.prefilled_per_typed_character, Spread { median: 2.0, mean: 4.0, p99: 10.0 });
    assert_eq!(figures.hit_rate.all, 0.5);
    assert_eq!(figures.hit_rate.by_cause[&Cause::TailRetokenised], Share { share: 0.25, prefilled_mean: 10.0 });
    assert_eq!(figures.latency_ms, Latency { p50: 2.0, p95: 10.0, p99: 10.0 });
    assert_eq!(figures.computed_latency_ms.p50, 2.0);
}

#[test]
fn equal_runs_agree_and_more_than_chance_is_seen() {
    let before = Counters::of(&sample());
    assert_eq!(Counters::of(&sample()).differences(&before), Vec::<String>::new());
    let mut dearer = sample();
    dearer.records[1].prefilled += 2;
    assert_eq!(Counters::of(&dearer).differences(&before), Vec::<String>::new());
    dearer.records[1].prefilled += 3;
    assert_eq!(Counters::of(&dearer).differences(&before).len(), 1);
}

#[test]
fn on_another_backend_only_what_costs_more_counts() {
    let mut committed = Counters::of(&sample());
    committed.setting.backend = "other".into();
    assert_eq!(Counters::of(&sample()).differences(&committed), Vec::<String>::new());
    let mut dearer = sample();
    for record in &mut dearer.records {
        record.prefilled += 30;
    }
    assert_eq!(Counters::of(&dearer).differences(&committed).len(), 2, "median and mean; the p99 is within a tenth");
}
