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
fn what_looks_like_another_thing_is_no_change_of_name() {
    let rust = |before: &str, after: &str| seen(Language::Rust, before, after);
    let fields = |fields: &str| format!("struct A {{ {fields} }}\n");
    assert_eq!(rust(&fields("a: u8, z: u8"), &fields("b: u16, z: u8")), [""; 0], "its type is another too");
    assert_eq!(rust(&fields("a: u8"), &fields("b: u8, c: u8")), [""; 0], "which of the two?");
    assert_eq!(rust(&fields("a: Count"), &fields("b: Count, c: Count")), ["field A.a -> b"], "what is in its place");
    assert_eq!(rust(&fields("a: u8, b: u8"), &fields("x: u8, y: u8")), ["field A.a -> x", "field A.b -> y"]);
    assert_eq!(rust("const MOST: u8 = 1;\n", "const LEAST: u8 = 2;\n"), [""; 0], "its value is another too");
    let of_trait = "impl From<u8> for A {\n    fn from(n: u8) -> Self { Self { n, m: n + 1 } }\n}\n";
    let own = "impl A {\n    fn new(n: u8, k: u8) -> Self { Self { n, m: n + 1 } }\n}\n";
    assert_eq!(rust(of_trait, own), [""; 0], "a trait asked for it");
    let gives = |head: &str| format!("fn {head} {{ let start = now(); run(n); start.elapsed() }}\n");
    assert_eq!(rust(&gives("timed(n: u8) -> Time"), &gives("edit(n: u8) -> Text")), [""; 0], "it gives something else");
    assert_eq!(
        rust(&gives("timed(n: u8) -> Time"), &gives("took(n: u8, m: u8) -> Time")),
        ["function timed -> took (0 new)"]
    );
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

#[test]
fn types_that_are_others() {
    let seen = |language: Language, before: &str, after: &str| {
        let state = |text: &str| Document::open(language, 0, text).snapshot();
        let shown = |it: DefinitionChange| {
            it.shape.map(|shape| format!("{}: {}: {} -> {}", it.old_name, shape.what, shape.old, shape.new))
        };
        differences(&state(before), &state(after)).into_iter().filter_map(shown).collect::<Vec<_>>()
    };
    let rust = "struct A { x: u8 }\nimpl A {\n    fn get(&self, a: u8) -> u8 { self.x }\n}\nconst C: u8 = 1;\n";
    let check = |old: &str, new: &str| seen(Language::Rust, rust, &rust.replace(old, new));
    assert_eq!(check("x: u8", "x: u16"), ["x: it is of another type: struct A { x: u8 } -> struct A { x: u16 }"]);
    assert_eq!(
        check("a: u8", "a: u16"),
        ["get: `a` is of another type: fn get(&self, a: u8) -> u8 -> fn get(&self, a: u16) -> u8"]
    );
    assert_eq!(
        check("-> u8", "-> Result<u8>"),
        ["get: it gives something else: fn get(&self, a: u8) -> u8 -> fn get(&self, a: u8) -> Result<u8>"]
    );
    assert_eq!(
        check("fn get", "async fn get"),
        ["get: it is to be awaited: fn get(&self, a: u8) -> u8 -> async fn get(&self, a: u8) -> u8"]
    );
    assert_eq!(check("const C: u8", "const C: u16"), ["C: it is of another type: const C: u8 = 1 -> const C: u16 = 1"]);
    assert_eq!(check("{ self.x }", "{ self.x + 1 }"), [""; 0], "a body alone");
    assert_eq!(check("a: u8)", "a: u8, b: u8)"), [""; 0], "a parameter more");
    let python = "class A:\n    n: int = 0\n\ndef f(a: int) -> int: return a\n";
    let check = |old: &str, new: &str| seen(Language::Python, python, &python.replace(old, new)).len();
    assert_eq!((check("n: int", "n: str"), check("-> int", "-> str"), check("def f", "async def f")), (1, 1, 1));
    assert_eq!((check("return a", "return 1"), check("a: int", "a:  int")), (0, 0));
    let typescript = "interface A { n: number }\nfunction f(a: string): number { return 1 }\n";
    let check = |old: &str, new: &str| seen(Language::TypeScript, typescript, &typescript.replace(old, new)).len();
    assert_eq!((check("n: number", "n: string"), check("): number", "): Promise<number>")), (1, 1));
    let go = "package a\n\ntype A struct{ N int }\n\nfunc F(a int) int { return a }\n";
    let check = |old: &str, new: &str| seen(Language::Go, go, &go.replace(old, new)).len();
    assert_eq!(
        (check("N int", "N string"), check(") int {", ") (int, error) {"), check("return a", "return 1")),
        (1, 1, 0)
    );
}

#[test]
fn a_formatter_changes_no_type() {
    for (language, before, after) in [
        (Language::Python, "def f(a:int)->int: return a\n", "def f(a: int) -> int: return a\n"),
        (Language::Python, "def f(a: Dict[str,int], b: 'A'): pass\n", "def f(a: Dict[str, int], b: \"A\"): pass\n"),
        (Language::Python, "def f() -> Dict[str, int]: pass\n", "def f() -> Dict[\n    str, int\n]: pass\n"),
        (
            Language::TypeScript,
            "function f(a: 'a'|'b'): {a:string} {}\n",
            "function f(a: \"a\" | \"b\"): { a: string } {}\n",
        ),
        (
            Language::TypeScript,
            "function f(a: 'a' | 'b', c: { d: A; e: B }) {}\n",
            "function f(\n  a:\n    | \"a\"\n    | \"b\",\n  c: {\n    d: A,\n    e: B,\n  },\n) {}\n",
        ),
        (Language::TypeScript, "function f(c: { d: () => A, e: B }) {}\n", "function f(c: { d: () => A; e: B }) {}\n"),
        (Language::Rust, "fn f(a:&[u8;4])->Result<A,B>{}\n", "fn f(a: &[u8; 4]) -> Result<A, B> {}\n"),
        (Language::Rust, "fn f() -> Result<A, B> {}\n", "fn f() -> Result<\n    A,\n    B,\n> {}\n"),
        (Language::Rust, "struct A { x:Map<u8,u8> }\n", "struct A {\n    x: Map<u8, u8>,\n}\n"),
    ] {
        assert_eq!(seen(language, before, after), [""; 0], "{after}");
    }
    let of = |old: &str, new: &str| {
        seen(Language::Rust, &format!("fn f(a: {old}) {{}}\n"), &format!("fn f(a: {new}) {{}}\n"))
    };
    assert_eq!((of("(A,)", "(A)").len(), of("[u8; 4]", "[u8; 8]").len(), of("mut A", "mutA").len()), (1, 1, 1));
}
