//! Where parts begin and end, and what their trees are.

#![allow(clippy::unwrap_used)]

use ropey::Rope;

use super::{Earlier, Part, Source};
use crate::{Change, Document, Language, Position, PositionEncoding, Snapshot, Span};

/// The part around `$0` in `text`.
fn part(language: Language, text: &str) -> Option<String> {
    let at = text.find("$0").unwrap();
    let text = text.replace("$0", "");
    let document = Document::open(language, 0, &text);
    let snapshot = document.snapshot();
    let known = snapshot.tree().map(|tree| Earlier { tree, edits: &[] });
    let source = Source { language, rope: &Rope::from_str(&text), only_newlines: true };
    let part = Part::around(source, known, at, Document::EDIT_DEADLINE)?;
    Some(text[part.range].to_owned())
}

#[test]
fn a_part_goes_from_item_to_item_and_holds_the_line_being_typed() {
    let text = "use a;\n\nfn one() {\n    1;\n\n    2;\n}\n\n/// Two.\nfn two() {\n    if $0x {\n}\n\nfn three() {}\n";
    assert_eq!(part(Language::Rust, text).unwrap(), "/// Two.\nfn two() {\n    if x {\n}\n\n");
    // At an item's own first line the one above belongs to it: what is typed there may still become a part of that.
    let text = "import a\n\ndef one():\n    pass\n\ndef$0\n\ndef three():\n    pass\n";
    assert_eq!(part(Language::Python, text).unwrap(), "def one():\n    pass\n\ndef\n\n");
}

#[test]
fn no_part_begins_in_a_string_or_a_comment() {
    let text = "def one():\n    '''\n\ntext at the margin\n\nmore\n    '''\n    pass$0\n\nx = 1\n";
    assert_eq!(part(Language::Python, text).unwrap(), text.replace("$0", "").replace("x = 1\n", ""));
}

#[test]
fn a_long_type_is_narrowed_to_members_where_these_parse_alone() {
    let member = |name: &str| format!("    fn {name}(&self) {{\n        call();\n    }}\n\n");
    let many = |from: usize| (from..from + 120).map(|i| member(&format!("m{i}"))).collect::<String>();
    let text = format!("impl X {{\n{}    fn here(&self) {{\n        $0\n    }}\n\n{}}}\n", many(0), many(200));
    assert_eq!(part(Language::Rust, &text).unwrap(), "    fn here(&self) {\n        \n    }\n\n");
    // The first and the last leave the braces of the type alone.
    let text = format!("impl X {{\n    fn here(&self) {{\n        $0\n    }}\n\n{}}}\n", many(200));
    assert_eq!(part(Language::Rust, &text).unwrap(), "    fn here(&self) {\n        \n    }\n\n");
    let text = format!("impl X {{\n{}    fn here(&self) {{\n        $0\n    }}\n}}\n", many(0));
    assert_eq!(part(Language::Rust, &text).unwrap(), "    fn here(&self) {\n        \n    }\n");
}

#[test]
fn a_type_longer_than_any_part_is_narrowed_to_members() {
    let member = |i: usize| format!("    int m{i}(int a) {{\n        return a + {i};\n    }}\n\n");
    let members = |range: std::ops::Range<usize>| range.map(member).collect::<String>();
    let here = "    int here() {\n        return $0;\n    }\n\n";
    let shown = here.replace("$0", "");
    let (many, few) = (4000, 3);
    // Amid it, near its beginning, near its end and behind its last member.
    for (above, below) in [(many, many), (few, many), (many, few)] {
        let text = format!("class All {{\n{}{here}{}}}\n\nclass Other {{}}\n", members(0..above), members(0..below));
        assert_eq!(part(Language::Java, &text).unwrap(), shown, "{above} {below}");
    }
    let text =
        format!("class All {{\n{}{}}}\n\nclass Other {{}}\n", members(0..many), here.trim_end().to_owned() + "\n");
    assert_eq!(part(Language::Java, &text).unwrap(), shown.trim_end().to_owned() + "\n");
    // Where a member is longer than a part as well, there is none.
    let long = format!("    int long() {{\n{}        x($0);\n    }}\n", "        call(1);\n".repeat(8000));
    assert_eq!(part(Language::Java, &format!("class All {{\n{}{long}\n{}}}\n", members(0..9), members(0..many))), None);
}

#[test]
fn where_no_item_begins_near_there_is_no_part() {
    let text = format!("fn all() {{\n{}$0\n}}\n", "    call(1, 2, 3);\n".repeat(4000));
    assert_eq!(part(Language::Rust, &text), None);
}

fn large() -> (String, u32) {
    let function = |i: usize| format!("fn f{i}(a: u32) -> u32 {{\n    let b = a + {i};\n    b\n}}\n\n");
    let text: String = (0..1000).map(function).collect();
    (text, 500 * 5 + 2)
}

fn insert(document: &mut Document, line: u32, character: u32, text: &str) {
    let at = Position { line, character };
    let change = Change { span: Some(Span { start: at, end: at }), text: text.into() };
    document.edit(1, &[change], PositionEncoding::Utf16).unwrap();
}

fn errors(snapshot: &Snapshot) -> usize {
    snapshot.syntax_errors(0..snapshot.rope().len_bytes())
}

#[test]
fn around_an_open_bracket_only_its_item_is_broken_and_a_trial_mends_it() {
    let (text, line) = large();
    let mut document = Document::open(Language::Rust, 0, &text);
    insert(&mut document, line, 0, "    if a > 1 {\n");
    let snapshot = document.snapshot();
    let cursor = snapshot.offset(Position { line, character: 14 }, PositionEncoding::Utf16).unwrap();
    let here = snapshot.around(cursor);
    let root = here.tree().unwrap().root_node();
    assert!(root.byte_range().len() < 200, "{:?}", root.byte_range());
    assert!(errors(&here) > 0);
    assert_eq!(errors(&here.with_replaced(cursor..cursor, "\n        return b;\n    }")), 0);
    // Elsewhere another part is taken, and the whole is still to be had.
    assert_eq!(errors(&snapshot.around(3)), 0);
    assert!(snapshot.tree().unwrap().root_node().has_error());
    assert_eq!(snapshot.tree().unwrap().root_node().byte_range().end, snapshot.rope().len_bytes());
}

#[test]
fn what_is_typed_reaches_the_part_and_the_whole() {
    let (text, line) = large();
    let mut document = Document::open(Language::Rust, 0, &text);
    for (i, c) in "    let c = vec![b];\n".chars().enumerate() {
        insert(&mut document, line, i as u32, &c.to_string());
    }
    let snapshot = document.snapshot();
    let at = snapshot.offset(Position { line, character: 19 }, PositionEncoding::Utf16).unwrap();
    assert_eq!(
        snapshot.around(at).statement_at(at - 4).map(|unit| snapshot.slice(unit.range)),
        Some("let c = vec![b];".into())
    );
    assert_eq!(errors(&snapshot.around(at)), 0);
    let fresh = Document::open(Language::Rust, 0, &snapshot.rope().to_string()).snapshot();
    let sexp = |snapshot: &Snapshot| snapshot.tree().unwrap().root_node().to_sexp();
    assert_eq!(sexp(&snapshot), sexp(&fresh));
}
