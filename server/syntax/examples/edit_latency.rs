//! How long one keystroke's edit takes in a 10,000-line Rust file, until there is a snapshot with the tree around the cursor, and how long it
//! then takes to have the tree of the whole file, at every eighth: p50, p99 and the worst, by what is typed. In time as the clock on
//! the wall has it and (on Unix) in processor time, which a busy machine changes less.
//!
//! `cargo run --release -p pilotlight-syntax --example edit_latency`

#[path = "edit_latency/trace.rs"]
mod trace;

use std::time::{Duration, Instant};

use pilotlight_syntax::{Change, Document, EditError, Language, Position, PositionEncoding, Snapshot};

fn main() -> Result<(), EditError> {
    let text = trace::text();
    let start = Instant::now();
    let mut document = Document::open(Language::Rust, 0, &text);
    println!("{}; opened in {:.1?}", trace::describe(&document.snapshot()), start.elapsed());
    println!(
        "{:<16} {:>6}   {:>32}   {:>32}   {:>32}",
        "", "", "edit (wall)", "edit (processor)", "whole tree (processor)"
    );
    let head = "p50        p99      worst";
    println!("{:<16} {:>6}   {head:>32}   {head:>32}   {head:>32}", "typed", "edits");
    let places = trace::places(&text, 24);
    let mut all: [Vec<Duration>; 3] = Default::default();
    for typing in trace::TYPING {
        let mut times: [Vec<Duration>; 3] = Default::default();
        for (number, change) in places.iter().flat_map(|&place| trace::edits(place, typing.text)).enumerate() {
            let (wall, busy) = (Instant::now(), processor_time());
            let snapshot = edit(&mut document, &change)?;
            times[0].push(wall.elapsed());
            times[1].push(processor_time().saturating_sub(busy));
            // Somebody looks at the outline when the person pauses.
            if number % 8 == 7 {
                let busy = processor_time();
                snapshot.tree();
                times[2].push(processor_time().saturating_sub(busy));
            }
        }
        for (all, times) in all.iter_mut().zip(&times) {
            all.extend(times);
        }
        println!("{:<16} {:>6}   {}", typing.name, times[0].len(), times.map(quantiles).join("   "));
    }
    println!("{:<16} {:>6}   {}", "all", all[0].len(), all.map(quantiles).join("   "));
    let same = document.snapshot().rope() == &*text;
    println!("the text is what it was: {same}; {}", trace::describe(&document.snapshot()));
    Ok(())
}

/// One edit, and the tree around it.
fn edit(document: &mut Document, change: &Change) -> Result<Snapshot, EditError> {
    document.edit(1, std::slice::from_ref(change), PositionEncoding::Utf16)?;
    let snapshot = document.snapshot();
    let position = change.span.map_or(Position { line: 0, character: 0 }, |span| span.start);
    let here = snapshot.around(snapshot.offset(position, PositionEncoding::Utf16)?);
    assert!(here.tree().is_some(), "no tree at {position:?}");
    Ok(snapshot)
}

fn quantiles(mut times: Vec<Duration>) -> String {
    times.sort();
    let at = |share: usize| format!("{:.1?}", times[(times.len() * share / 100).min(times.len() - 1)]);
    format!("{:>10} {:>10} {:>10}", at(50), at(99), at(100))
}

/// Of this thread.
fn processor_time() -> Duration {
    #[cfg(unix)]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::try_from(time).unwrap_or_default()
    }
    #[cfg(not(unix))]
    Duration::ZERO
}
