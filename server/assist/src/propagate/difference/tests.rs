//! Which changes are seen, and which are none.

#![allow(clippy::unwrap_used)]

use pilotlight_syntax::{Document, Language};

use super::*;

fn seen(language: Language, before: &str, after: &str) -> Vec<String> {
    let state = |text: &str| Document::open(language, 0, text).snapshot();
    let shown = |change: DefinitionChange| {
        let of = change.container.map_or(String::new(), |of| format!("{of}."));
        let parameters = change.parameters.map_or(String::new(), |it| {
            let from: Vec<String> =
                it.from.iter().map(|from| from.map_or("new".to_owned(), |from| from.to_string())).collect();
            format!(" ({})", from.join(" "))
        });
        format!("{} {of}{} -> {}{parameters}", change.kind.name(), change.old_name, change.new_name)
    };
    differences(&state(before), &state(after)).into_iter().map(shown).collect()
}

#[test]
fn names_and_parameters() {
    let before = "struct A { x: u8, y: u16 }\nimpl A {\n    fn get(&self, a: u8, b: u16) -> u8 { self.x }\n}\nfn free(a: u8) {}\nconst C: u8 = 1;\n";
    let rust = |old: &str, new: &str| seen(Language::Rust, before, &before.replace(old, new));
    assert_eq!(rust("y: u16 }", "z: u16 }"), ["field A.y -> z"]);
    assert_eq!(rust("get", "fetch"), ["method A.get -> fetch"]);
    assert_eq!(rust("a: u8, b: u16", "b: u16, a: u8"), ["method A.get -> get (1 0)"]);
    assert_eq!(rust("a: u8, b", "b"), ["method A.get -> get (1)"]);
    assert_eq!(rust("free(a: u8)", "freed(a: u8, n: u8)"), ["function free -> freed (0 new)"]);
    assert_eq!(rust("free(a: u8)", "free(n: u8)"), ["function free -> free (0)"]);
    assert_eq!(rust("const C", "const D"), ["constant C -> D"]);
    assert_eq!(rust("struct A", "struct B"), ["struct A -> B"]);
    assert_eq!(rust("a: u8) {}", "a: u8) { a; }"), [""; 0]);
    assert_eq!(rust("fn free(a: u8) {}\n", ""), [""; 0], "what is gone has no uses to carry");
    assert_eq!(rust("fn free(a: u8) {}\n", "fn free(a: u8) {}\nfn other() { todo() }\n"), [""; 0]);
}

#[test]
fn something_else_in_its_place_is_no_change_of_name() {
    let before = "def a(x):\n    one()\n    two()\n    three()\n\ndef z():\n    pass\n";
    let after = "def b(y, w):\n    four()\n    five()\n    six()\n\ndef z():\n    pass\n";
    assert_eq!(seen(Language::Python, before, after), [""; 0]);
    let after = "def b(x, y):\n    one()\n    two()\n    four()\n\ndef z():\n    pass\n";
    assert_eq!(seen(Language::Python, before, after), ["function a -> b (0 new)"]);
}

#[test]
fn of_several_of_one_name_the_right_one_is_seen() {
    let before =
        "package a\n\nfunc (a A) Error() string { return \"a\" }\n\nfunc (b B) Error() string { return \"b\" }\n";
    assert_eq!(seen(Language::Go, before, &before.replace("(a A) Error", "(a A) Text")), ["method A.Error -> Text"]);
    assert_eq!(seen(Language::Go, before, &before.replace("(b B) Error", "(b B) Text")), ["method B.Error -> Text"]);
}

#[test]
fn a_class_and_its_member_at_once() {
    let before = "class A {\n  x: number = 1;\n  f(a: string) {}\n}\n";
    let after = "class B {\n  y: number = 1;\n  f(a: string) {}\n}\n";
    assert_eq!(seen(Language::TypeScript, before, after), ["class A -> B", "field B.x -> y"]);
}

#[test]
fn a_definition_is_found_by_its_name() {
    let text = "package a\n\ntype A struct{ X int }\n\nfunc (a *A) F() {}\n";
    let state = Document::open(Language::Go, 0, text).snapshot();
    let at = rename(&state, text.find("F()").unwrap() + 1, "G").unwrap();
    assert_eq!(
        (at.kind, at.container.as_deref(), &*at.old_name, &*at.new_name),
        (DefinitionKind::Method, Some("A"), "F", "G")
    );
    assert_eq!(rename(&state, text.find("X int").unwrap(), "Y").unwrap().container.as_deref(), Some("A"));
    assert!(rename(&state, 0, "Y").is_none());
}
