//! How long one keystroke's edit takes in a 10,000-line Rust file: p50, p99 and the worst, by what is typed.
//!
//! `cargo run --release -p pilotlight-syntax --example edit_latency`

#[path = "../benches/edit_10k/trace.rs"]
mod trace;

use std::time::{Duration, Instant};

use pilotlight_syntax::{Change, Document, EditError, Language, PositionEncoding, Snapshot};

fn main() -> Result<(), EditError> {
    let text = trace::text();
    let start = Instant::now();
    let mut document = Document::open(Language::Rust, 0, &text);
    println!("{}; opened in {:.1?}", trace::describe(&document.snapshot()), start.elapsed());
    println!("{:<16} {:>6} {:>10} {:>10} {:>10}   worst at", "typed", "edits", "p50", "p99", "worst");
    let places = trace::places(&text, 24);
    for typing in trace::TYPING {
        let mut times = Vec::new();
        for &place in &places {
            for change in trace::edits(place, typing.text) {
                let (time, after) = timed(&mut document, &change)?;
                times.push((time, change, after.tree().is_some()));
            }
        }
        times.sort_by_key(|(time, ..)| *time);
        let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)].0;
        let (worst, change, parsed) = &times[times.len() - 1];
        let (position, parsed) = (change.span.map(|span| span.start), if *parsed { "" } else { " (ran out of time)" });
        let what = format!("{:?} at {position:?}{parsed}", change.text);
        println!("{:<16} {:>6} {:>10.1?} {:>10.1?} {worst:>10.1?}   {what}", typing.name, times.len(), at(50), at(99));
    }
    let same = document.snapshot().rope() == &*text;
    println!("the text is what it was: {same}; {}", trace::describe(&document.snapshot()));
    Ok(())
}

fn timed(document: &mut Document, change: &Change) -> Result<(Duration, Snapshot), EditError> {
    let start = Instant::now();
    document.edit(1, std::slice::from_ref(change), PositionEncoding::Utf16)?;
    let snapshot = document.snapshot();
    Ok((start.elapsed(), snapshot))
}
