//! One edit in a 10,000-line Rust file: the batch applied, the tree parsed anew, the snapshot taken. Goal: p99 at most 1 ms.
//!
//! criterion says the mean; `cargo run --release -p pilotlight-syntax --example edit_latency` says p50, p99 and the worst.

#![allow(missing_docs)]

#[path = "edit_10k/trace.rs"]
#[allow(dead_code)]
mod trace;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use pilotlight_syntax::{Document, Language, PositionEncoding};

fn edit_10k(criterion: &mut Criterion) {
    let text = trace::text();
    let mut group = criterion.benchmark_group("edit_10k");
    for typing in trace::TYPING {
        let mut document = Document::open(Language::Rust, 0, &text);
        let edits: Vec<_> =
            trace::places(&text, 8).into_iter().flat_map(|place| trace::edits(place, typing.text)).collect();
        let mut next = edits.iter().cycle();
        group.bench_function(typing.name, |bencher| {
            bencher.iter(|| {
                let change = next.next().expect("a cycle does not end");
                document
                    .edit(1, std::slice::from_ref(change), PositionEncoding::Utf16)
                    .expect("the edits lie in the text");
                black_box(document.snapshot())
            });
        });
    }
    group.finish();

    let snapshot = Document::open(Language::Rust, 0, &text).snapshot();
    let at = snapshot.offset(trace::places(&text, 2)[1], PositionEncoding::Utf16).expect("a place in the text");
    criterion.bench_function("trial_10k/with_replaced", |bencher| {
        bencher.iter(|| black_box(snapshot.with_replaced(at..at, "\n        let total = values.len();")));
    });
    let trial = snapshot.with_replaced(at..at, "\n        let total = values.len();");
    criterion.bench_function("trial_10k/statement_at", |bencher| bencher.iter(|| black_box(trial.statement_at(at))));
    criterion.bench_function("trial_10k/in_comment_or_string", |bencher| {
        bencher.iter(|| black_box(trial.in_comment_or_string(at)));
    });
    criterion.bench_function("trial_10k/syntax_errors", |bencher| {
        bencher.iter(|| black_box(trial.syntax_errors(0..usize::MAX)));
    });
}

criterion_group!(benches, edit_10k);
criterion_main!(benches);
