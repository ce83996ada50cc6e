//! Odd texts; what occasions there are is shown by the fixtures of `queries/*/test`.

#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use super::{Occasion, OccasionKind};
use crate::{Document, Language, Snapshot};

fn state(language: Language, text: &str) -> Snapshot {
    let snapshot = Document::open(language, 0, text).snapshot();
    assert!(snapshot.tree().is_some());
    snapshot
}

/// What there is at `marker`, in words.
fn at(snapshot: &Snapshot, marker: &str) -> Vec<String> {
    let at = snapshot.rope().to_string().find(marker).unwrap();
    let said = |it: Occasion| {
        let is = |said: bool, word: &str| if said { format!(" {word}") } else { String::new() };
        let name = it.name.unwrap_or_default();
        format!("{} {name}{}{}", it.kind.name(), is(it.is_documented, "documented"), is(it.is_empty, "empty"))
    };
    snapshot.occasions(at..at).into_iter().map(said).collect()
}

#[test]
fn a_body_as_deep_as_a_sum_is_long() {
    let sum = "0 + 1\n".to_owned() + &"    + 1\n".repeat(50_000);
    let snapshot = state(Language::Rust, &format!("fn sum() -> u32 {{\n    {sum}}}\n"));
    assert_eq!(at(&snapshot, "sum()"), ["function sum"]);
    let chain = "    .next()\n".repeat(2000);
    let snapshot = state(Language::TypeScript, &format!("function chain() {{\n    it\n{chain}}}\n"));
    assert_eq!(at(&snapshot, "chain()"), ["function chain"]);
}

#[test]
fn thousands_of_documented_functions_take_no_time() {
    let function = |i: usize| format!("/// One.\n///\n/// Two.\nfn f{i}() {{\n    todo!();\n}}\n\n");
    let snapshot = state(Language::Rust, &(0..5000).map(function).collect::<String>());
    let inside = |i: usize| format!("    def f{i}(self):\n        '''One.'''\n        pass\n\n");
    let python = format!("class All:\n{}", (0..5000).map(inside).collect::<String>());
    let python = state(Language::Python, &python);
    Language::Rust.warm();
    Language::Python.warm();
    let begun = Instant::now();
    assert_eq!(at(&snapshot, "f4000()"), ["function f4000 documented empty"]);
    assert_eq!(at(&python, "f4000(")[1..], ["function f4000 documented empty"]);
    let all = snapshot.occasions(0..usize::MAX);
    assert_eq!(all.iter().filter(|it| it.kind == OccasionKind::Function && it.is_documented).count(), 5000);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[test]
fn documentation_belongs_to_what_follows_it_with_nothing_between() {
    let text = "/// A.\n#[inline]\nfn a() {}\n\n/// Far.\n\nfn b() {}\n\n/// C.\nstruct C;\nfn d() {}\n";
    let snapshot = state(Language::Rust, text);
    assert_eq!(at(&snapshot, "fn a"), ["function a documented empty"]);
    assert_eq!(at(&snapshot, "fn b"), ["function b empty"]);
    assert_eq!(at(&snapshot, "fn d"), ["function d empty"]);
}
