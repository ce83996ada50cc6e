//! Tests of `document`.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::{Position, TooLarge};

fn span(start: (u32, u32), end: (u32, u32)) -> Option<Span> {
    let at = |(line, character)| Position { line, character };
    Some(Span { start: at(start), end: at(end) })
}

fn change(start: (u32, u32), end: (u32, u32), text: &str) -> Change {
    Change { span: span(start, end), text: text.to_owned() }
}

fn text(document: &Document) -> String {
    document.snapshot().rope().to_string()
}

#[test]
fn a_batch_applies_in_order_and_older_snapshots_stay() {
    let mut document = Document::open(Language::Rust, 1, "fn a() {}\n");
    let before = document.snapshot();
    let changes = [change((0, 3), (0, 4), "long_name"), change((0, 16), (0, 16), " let é = \"𝄞\"; ")];
    document.edit(2, &changes, PositionEncoding::Utf16).unwrap();
    let after = document.snapshot();
    assert_eq!(after.rope().to_string(), "fn long_name() { let é = \"𝄞\"; }\n");
    assert_eq!((after.version(), after.revision()), (2, 1));
    assert!(!after.tree().unwrap().root_node().has_error());
    assert_eq!(before.rope().to_string(), "fn a() {}\n");
    assert_eq!(before.tree().unwrap().root_node().end_byte(), 10);
    assert_eq!((before.version(), before.revision()), (1, 0));
}

#[test]
fn a_bad_change_refuses_the_whole_batch() {
    let mut document = Document::open(Language::Rust, 1, "fn a() {}\n");
    let sexp = document.snapshot().tree().unwrap().root_node().to_sexp();
    let changes = [change((0, 0), (0, 2), "struct"), change((7, 0), (7, 0), "x")];
    let error = document.edit(2, &changes, PositionEncoding::Utf16).unwrap_err();
    assert_eq!(error.to_string(), "line 7 (counted from 0) is outside the document, which has 2 lines");
    let reversed = [change((0, 0), (0, 2), "struct"), change((0, 4), (0, 1), "x")];
    let error = document.edit(2, &reversed, PositionEncoding::Utf16).unwrap_err();
    assert!(matches!(error, EditError::Position(PositionError::Reversed { .. })), "{error}");
    let now = document.snapshot();
    assert_eq!((now.version(), now.revision()), (1, 0));
    assert_eq!(now.rope().to_string(), "fn a() {}\n");
    assert_eq!(now.tree().unwrap().root_node().to_sexp(), sexp);
}

#[test]
fn the_whole_text_can_be_replaced_amid_a_batch() {
    let mut document = Document::open(Language::Python, 1, "x = 1\n");
    let changes =
        [change((0, 0), (0, 1), "y"), Change { span: None, text: "a\r\nb".into() }, change((1, 0), (1, 1), "c")];
    document.edit(5, &changes, PositionEncoding::Utf8).unwrap();
    assert_eq!(text(&document), "a\r\nc");
    assert_eq!(document.snapshot().tree().unwrap().root_node().named_child_count(), 2);
}

#[test]
fn plain_text_is_edited_without_a_tree() {
    let mut document = Document::open(Language::Plain, 1, "");
    document.edit(2, &[change((0, 0), (0, 0), "hello")], PositionEncoding::Utf32).unwrap();
    assert_eq!(text(&document), "hello");
    assert!(document.snapshot().tree().is_none());
    assert_eq!(document.snapshot().syntax_errors(0..5), 0);
}

#[test]
fn a_trial_leaves_the_document_alone() {
    let document = Document::open(Language::Rust, 1, "fn a() {\n    \n}\n");
    let snapshot = document.snapshot();
    let good = snapshot.with_replaced(13..13, "b();");
    let bad = snapshot.with_replaced(13..13, "b(;");
    assert_eq!(snapshot.rope().to_string(), "fn a() {\n    \n}\n");
    assert_eq!(good.rope().to_string(), "fn a() {\n    b();\n}\n");
    assert_eq!(good.syntax_errors(0..usize::MAX), 0);
    assert!(bad.syntax_errors(0..usize::MAX) > 0);
    // Into the empty document too, and over its end.
    let empty = Document::open(Language::Rust, 1, "").snapshot();
    let trial = empty.with_replaced(3..99, "struct A;");
    assert_eq!(trial.tree().unwrap().root_node().to_sexp(), "(source_file (struct_item name: (type_identifier)))");
}

#[test]
fn slices_are_clamped() {
    let snapshot = Document::open(Language::Plain, 0, "aé𝄞").snapshot();
    assert_eq!(snapshot.slice(0..2), "a");
    assert_eq!(snapshot.slice(2..99), "é𝄞");
    #[allow(clippy::reversed_empty_ranges)]
    let reversed = 5..1;
    assert_eq!(snapshot.slice(reversed), "");
}

#[test]
fn tree_sitter_rows_end_at_newlines_alone() {
    // A lone `\r` ends a line for LSP and not for tree-sitter; the edited tree must keep tree-sitter's rows.
    let mut document = Document::open(Language::Rust, 1, "struct A;\rstruct B;\nstruct C;\n");
    document.edit(2, &[change((1, 7), (1, 8), "Bee")], PositionEncoding::Utf16).unwrap();
    let snapshot = document.snapshot();
    assert_eq!(snapshot.rope().to_string(), "struct A;\rstruct Bee;\nstruct C;\n");
    let whole = Document::open(Language::Rust, 1, &snapshot.rope().to_string()).snapshot();
    let (found, expected) = (snapshot.tree().unwrap().root_node(), whole.tree().unwrap().root_node());
    for row in 0..3 {
        assert_eq!(found.named_child(row).unwrap().range(), expected.named_child(row).unwrap().range());
    }
}

#[test]
fn a_long_line_turns_the_tree_off_and_on_again() {
    let mut document = Document::open(Language::Rust, 1, "struct A;\r");
    let long = format!("// {}", "x".repeat(Document::LINE_LIMIT));
    document.edit(2, &[change((1, 0), (1, 0), &long)], PositionEncoding::Utf8).unwrap();
    assert!(document.snapshot().tree().is_none());
    assert_eq!(document.snapshot().too_large(), Some(TooLarge::Line { lines: 1 }));
    // The `\n` becomes a part of the `\r` in front of the long line; then the line is cut in two.
    let middle = (Document::LINE_LIMIT / 2) as u32;
    document.edit(3, &[change((1, 0), (1, 0), "\n")], PositionEncoding::Utf8).unwrap();
    assert_eq!(document.snapshot().too_large(), Some(TooLarge::Line { lines: 1 }));
    document.edit(4, &[change((1, middle), (1, middle), "\n// ")], PositionEncoding::Utf8).unwrap();
    assert_eq!(document.snapshot().too_large(), None);
    assert!(!document.snapshot().tree().unwrap().root_node().has_error());
    // And joined again.
    let end = document.snapshot().position(usize::MAX, PositionEncoding::Utf8);
    document.edit(5, &[change((1, middle), (2, 3), ""), change((0, 0), (0, 0), "\n")], PositionEncoding::Utf8).unwrap();
    assert_eq!(end.line, 2);
    assert_eq!(document.snapshot().too_large(), Some(TooLarge::Line { lines: 1 }));
    assert!(document.snapshot().tree().is_none());
}

#[test]
fn half_a_pair_that_stays_is_one_unit() {
    let edited = |start, end, with: &str| {
        let mut document = Document::open(Language::Rust, 1, "let a = \"😀\"; call();");
        document.edit(2, &[change((0, start), (0, end), with)], PositionEncoding::Utf16).unwrap();
        document
    };
    let mut document = edited(10, 11, "");
    document.edit(3, &[change((0, 18), (0, 18), "X")], PositionEncoding::Utf16).unwrap();
    assert_eq!(text(&document), "let a = \"\u{FFFD}\"; call(X);");
    assert_eq!(text(&edited(9, 10, "b")), "let a = \"b\u{FFFD}\"; call();");
    assert_eq!(text(&edited(10, 10, "b")), "let a = \"\u{FFFD}b\u{FFFD}\"; call();");
    assert_eq!(text(&edited(8, 12, "")), "let a = ; call();");
    assert_eq!(text(&edited(9, 11, "é")), "let a = \"é\"; call();");
}
