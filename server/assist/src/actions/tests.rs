//! Where actions are offered, and the holes that they are.

#![allow(clippy::unwrap_used)]

use pilotlight_syntax::{Document, Language};

mod scripted;

use super::{
    answer::documented,
    holes::{Hole, is_open_still},
    *,
};

const FILLS: Abilities = Abilities { fills: true, chats: false };

/// The titles of what is offered at `$0`.
fn offered(language: Language, fixture: &str) -> Vec<String> {
    found(language, fixture).into_iter().map(|(action, occasion, _)| action.offered(&occasion).title).collect()
}

fn found(language: Language, fixture: &str) -> Vec<(&'static Action, Target, Snapshot)> {
    let at = fixture.find("$0").unwrap();
    let snapshot = Document::open(language, 0, &fixture.replacen("$0", "", 1)).snapshot();
    let line = snapshot.line_at(at);
    let occasions = snapshot.occasions(line);
    let here =
        |action: &'static Action| Some((action, action.find(&snapshot, &occasions, &(at..at), &[])?, snapshot.clone()));
    table().filter(|action| action.is_for(FILLS)).filter_map(here).collect()
}

/// The text around the one hole at `$0` as the model is shown it: the hole is `⟦⟧`, or `⟦…⟧` where a whole body is to be written.
fn hole(language: Language, fixture: &str) -> String {
    let found = found(language, fixture);
    let [(_, target, snapshot)] = &found[..] else { panic!("{fixture}: expected one action, found {found:?}") };
    let occasion = target.occasion.as_ref().unwrap();
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
        (Rust, "fn a() {\n    todo!()$0 // First b.\n}\n", "fn a() {\n    // First b.\n    ⟦…⟧\n}\n"),
        (Rust, "fn a() { todo!();$0 /* b */ }\n", "fn a() {\n    /* b */\n    ⟦…⟧\n}\n"),
        (
            Rust,
            "fn a() {\n    // A.\n    todo!()$0; // B.\n    // C.\n}\n",
            "fn a() {\n    // A.\n    // B.\n    // C.\n    ⟦…⟧\n}\n",
        ),
        (Python, "def a():\n    raise NotImplementedError$0  # first b\n", "def a():\n    # first b\n    ⟦…⟧\n"),
        (Python, "def a(): raise NotImplementedError$0  # first b\nb()\n", "def a():\n    # first b\n    ⟦…⟧\nb()\n"),
        (Rust, "fn a() {$0}\r\n", "fn a() {\r\n    ⟦…⟧\r\n}\r\n"),
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

/// Whether what stands at `$0` has still to be written where `text` is written there.
fn is_open_with(language: Language, fixture: &str, text: &str) -> bool {
    let found = found(language, fixture);
    let [(_, target, snapshot)] = &found[..] else { panic!("{fixture}: expected one action, found {found:?}") };
    let occasion = target.occasion.as_ref().unwrap();
    let Hole { range, before, after, .. } = Hole::of(snapshot, &snapshot.occasions(occasion.range.clone()), occasion);
    is_open_still(&snapshot.with_replaced(range, &format!("{before}{text}{after}")), occasion)
}

#[test]
fn a_comment_or_another_placeholder_is_nothing_written() {
    use Language::{Java, Python, Rust};
    let python = "# total_price is what it costs\ndef later(cart):$0\n    pass\n\n\nx = 1\n";
    let documented = "def a():\n  \"\"\"Adds.\"\"\"$0\n";
    let among = "fn a() {\n    let x = $0todo!();\n    x\n}\n";
    for (language, fixture, text, expected) in [
        (Python, python, "# total_price is what it costs", true),
        (Python, "def later(cart):$0\n    pass\n", "# total_price is what it costs", true),
        (Python, python, "raise NotImplementedError", true),
        (Python, python, "raise NotImplementedError('later')", true),
        (Python, "class A:\n    def a(self):\n        raise NotImplementedError$0\n", "pass", true),
        (Python, documented, "pass", true),
        (Python, documented, "# Adds.", true),
        (Rust, "fn a() {$0}\n", "todo!()", true),
        (Rust, "fn a() {$0}\n", "// Adds.", true),
        (Rust, among, "unimplemented!()", true),
        (Java, "class A {\n    int a() {$0 }\n}\n", "throw new UnsupportedOperationException();", true),
        (Python, python, "return total_price(cart)", false),
        (Python, python, "# later\n    return total_price(cart)", false),
        (Python, python, "if cart:\n        raise NotImplementedError\n    return 1", false),
        (Python, documented, "return 1", false),
        (Rust, "fn a() {$0}\n", "b();\n    todo!()", false),
        (Rust, among, "1", false),
        (Rust, among, "b(todo!())", false),
    ] {
        assert_eq!(is_open_with(language, fixture, text), expected, "{fixture} {text}");
    }
}

#[test]
fn what_is_written_is_not_offered_to_be_written() {
    assert_eq!(offered(Language::Rust, "fn a() {$0\n    b();\n}\n"), [""; 0]);
    assert_eq!(offered(Language::Rust, "fn a() {}\n\n$0\n"), [""; 0]);
    assert_eq!(offered(Language::Python, "def area($0self): ...\n"), ["Write the body of `area`"]);
    assert_eq!(offered(Language::Plain, "fn a() {$0}\n"), [""; 0]);
    let nothing = table().filter(|action| action.is_for(Abilities { fills: false, chats: false }));
    assert_eq!(nothing.count(), 0, "a model that does not fill in the middle is asked for nothing");
}

#[test]
fn ids_are_names_of_one_action() {
    let ids: Vec<&str> = table().map(|action| action.id).collect();
    let different: std::collections::HashSet<_> = ids.iter().collect();
    assert_eq!(different.len(), ids.len());
    assert!(ids.iter().all(|id| id.chars().all(|c| c.is_ascii_lowercase() || c == '-')), "{ids:?}");
}

/// The document with documentation of what is at `$0`, or what is against it.
fn with_documentation(language: Language, fixture: &str, text: &str) -> String {
    let at = fixture.find("$0").unwrap();
    let snapshot = Document::open(language, 0, &fixture.replacen("$0", "", 1)).snapshot();
    let occasions = snapshot.occasions(snapshot.line_at(at));
    let chats = |action: &&Action| action.id.starts_with("document");
    let target = table().filter(chats).find_map(|action| action.find(&snapshot, &occasions, &(at..at), &[]));
    match documented(&snapshot, &target.unwrap(), text) {
        Ok(edit) => snapshot.with_replaced(edit.range, &edit.text).rope().to_string(),
        Err(unreadable) => unreadable.found,
    }
}

#[test]
fn documentation_stands_where_the_language_wants_it() {
    use Language::{Go, JavaScript, Python, Rust, TypeScript};
    for (language, fixture, text, expected) in [
        (
            Rust,
            "// x\n#[a]\n#[b(\n    c\n)]\nfn $0a() { b() }\n",
            "/// A.",
            "// x\n/// A.\n#[a]\n#[b(\n    c\n)]\nfn a() { b() }\n",
        ),
        (
            Rust,
            "impl A {\n    fn $0a() { b() }\n}\n",
            "/// A.\n///\n/// B.",
            "impl A {\n    /// A.\n    ///\n    /// B.\n    fn a() { b() }\n}\n",
        ),
        (Rust, "struct $0A;\n", "/// A.", "/// A.\nstruct A;\n"),
        (
            Python,
            "@d\ndef $0a():\n    b()\n",
            "\"\"\"A.\n\n    More.\n\"\"\"",
            "@d\ndef a():\n    \"\"\"A.\n\n        More.\n    \"\"\"\n    b()\n",
        ),
        (Python, "class $0A:\n    x = 1\n", "\"\"\"A.\"\"\"", "class A:\n    \"\"\"A.\"\"\"\n    x = 1\n"),
        (Python, "def $0a(): b()\n", "\"\"\"A.\"\"\"", "no line of its own for it"),
        (Python, "class $0A: pass\n", "\"\"\"A.\"\"\"", "no line of its own for it"),
        (
            Python,
            "class $0A:  # note\n    def b(self):\n        c()\n",
            "\"\"\"A.\"\"\"",
            "class A:  # note\n    \"\"\"A.\"\"\"\n    def b(self):\n        c()\n",
        ),
        (
            Python,
            "x\r\nclass $0A:\r\n    x = 1\r\n",
            "\"\"\"A.\"\"\"",
            "x\r\nclass A:\r\n    \"\"\"A.\"\"\"\n    x = 1\r\n",
        ),
        (Go, "package a\n\nfunc $0A() { b() }\n", "// A does.", "package a\n\n// A does.\nfunc A() { b() }\n"),
        (
            JavaScript,
            "class A {\n  $0a() { b(); }\n}\n",
            "/**\n * A.\n */",
            "class A {\n  /**\n   * A.\n   */\n  a() { b(); }\n}\n",
        ),
        (TypeScript, "export interface $0A {}\n", "/** A. */", "/** A. */\nexport interface A {}\n"),
        (Rust, "fn $0a() { b() }\n", "fn evil() {}", "code in it"),
        (TypeScript, "function $0a() { b(); }\n", "/** Doc. */\nimport x from \"y\"; // needed", "code in it"),
        (TypeScript, "function $0a() { b(); }\n", "/** A. */ evil(); /** B. */", "code in it"),
        (TypeScript, "function $0a() { b(); }\n", "\"use strict\"", "code in it"),
        (JavaScript, "function $0a() { b(); }\n/* c */\n", "/** A.", "one without an end"),
        (TypeScript, "function $0a() { b(); }\n", "/** Ä – é. */", "/** Ä – é. */\nfunction a() { b(); }\n"),
        (Python, "def $0a():\n    b()\n", "\"\"\"A.\"\"\" + evil()", "code in it"),
        (Python, "def $0a():\n    b()\n", "\"\"\"A.\"\"\"\nevil()", "code in it"),
    ] {
        assert_eq!(with_documentation(language, fixture, text), expected, "{fixture}");
    }
}
