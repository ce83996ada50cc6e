//! Where actions are offered, and the holes that they are.

#![allow(clippy::unwrap_used)]

use pilotlight_syntax::{Document, Language};

use super::{holes::Hole, *};

const FILLS: Abilities = Abilities { fills: true };

/// The titles of what is offered at `$0`.
fn offered(language: Language, fixture: &str) -> Vec<String> {
    found(language, fixture).into_iter().map(|(action, occasion, _)| action.offered(&occasion).title).collect()
}

fn found(language: Language, fixture: &str) -> Vec<(&'static Action, Occasion, Snapshot)> {
    let at = fixture.find("$0").unwrap();
    let snapshot = Document::open(language, 0, &fixture.replacen("$0", "", 1)).snapshot();
    let line = snapshot.line_at(at);
    let occasions = snapshot.occasions(line);
    let here =
        |action: &'static Action| Some((action, action.find(&snapshot, &occasions, &(at..at))?, snapshot.clone()));
    table().filter(|action| action.is_for(FILLS)).filter_map(here).collect()
}

/// The text around the one hole at `$0` as the model is shown it: the hole is `⟦⟧`, or `⟦…⟧` where a whole body is to be written.
fn hole(language: Language, fixture: &str) -> String {
    let found = found(language, fixture);
    let [(_, occasion, snapshot)] = &found[..] else { panic!("expected one action, found {found:?}") };
    let Hole { range, before, after, is_body } =
        Hole::of(snapshot, &snapshot.occasions(occasion.range.clone()), occasion);
    let all = snapshot.rope().to_string();
    let mark = if is_body { "⟦…⟧" } else { "⟦⟧" };
    format!("{}{before}{mark}{after}{}", &all[..range.start], &all[range.end..])
}

#[test]
fn an_empty_body_is_a_hole_with_its_lines() {
    use Language::{Go, JavaScript, Python, Rust, Tsx};
    for (language, fixture, expected) in [
        (Rust, "fn a() -> u32 {$0}\n", "fn a() -> u32 {\n    ⟦…⟧\n}\n"),
        (Rust, "impl A {\n  fn a(&self) {\n  $0}\n}\n", "impl A {\n  fn a(&self) {\n    ⟦…⟧\n  }\n}\n"),
        (Rust, "fn $0a() { todo!() }\n", "fn a() {\n    ⟦…⟧\n}\n"),
        (Rust, "fn a() {\n    // Adds.\n    $0todo!()\n}\n", "fn a() {\n    // Adds.\n    ⟦…⟧\n}\n"),
        (Rust, "fn a() {\n    // Adds.$0\n}\n", "fn a() {\n    // Adds.\n    ⟦…⟧\n}\n"),
        (Python, "def a():$0\n    pass\n", "def a():\n    ⟦…⟧\n"),
        (Python, "def a(): $0...\n", "def a():\n    ⟦…⟧\n"),
        (Python, "def a():\n  \"\"\"Adds.\"\"\"$0\n", "def a():\n  \"\"\"Adds.\"\"\"\n  ⟦…⟧\n"),
        (Python, "class A:\n\tdef a(self):\n\t\traise $0NotImplementedError\n", "class A:\n\tdef a(self):\n\t\t⟦…⟧\n"),
        (JavaScript, "const a = () => {$0};\n", "const a = () => {\n  ⟦…⟧\n};\n"),
        (Tsx, "function A() {\n    throw new Error('TODO$0');\n}\n", "function A() {\n    ⟦…⟧\n}\n"),
        (Go, "func A() int {\n\tpanic(\"not implemented\")$0\n}\n", "func A() int {\n\t⟦…⟧\n}\n"),
    ] {
        assert_eq!(hole(language, fixture), expected, "{fixture}");
    }
}

#[test]
fn a_placeholder_among_other_code_is_a_hole_of_its_own() {
    use Language::{Python, Rust};
    for (language, fixture, expected) in [
        (Rust, "fn a() {\n    let x = $0todo!();\n    x\n}\n", "fn a() {\n    let x = ⟦⟧;\n    x\n}\n"),
        (Rust, "fn a() {\n    b();\n    todo!(\"c\")$0;\n}\n", "fn a() {\n    b();\n    ⟦⟧\n}\n"),
        (Python, "def a():\n    b()\n    raise NotImplementedError(\"c\")$0\n", "def a():\n    b()\n    ⟦⟧\n"),
    ] {
        assert_eq!(hole(language, fixture), expected, "{fixture}");
    }
}

#[test]
fn what_is_written_is_not_offered_to_be_written() {
    assert_eq!(offered(Language::Rust, "fn a() {$0\n    b();\n}\n"), [""; 0]);
    assert_eq!(offered(Language::Rust, "fn a() {}\n\n$0\n"), [""; 0]);
    assert_eq!(offered(Language::Python, "def area($0self): ...\n"), ["Write the body of `area`"]);
    assert_eq!(offered(Language::Plain, "fn a() {$0}\n"), [""; 0]);
    let nothing = table().filter(|action| action.is_for(Abilities { fills: false }));
    assert_eq!(nothing.count(), 0, "a model that does not fill in the middle is asked for nothing");
}

#[test]
fn ids_are_names_of_one_action() {
    let ids: Vec<&str> = table().map(|action| action.id).collect();
    let different: std::collections::HashSet<_> = ids.iter().collect();
    assert_eq!(different.len(), ids.len());
    assert!(ids.iter().all(|id| id.chars().all(|c| c.is_ascii_lowercase() || c == '-')), "{ids:?}");
}
