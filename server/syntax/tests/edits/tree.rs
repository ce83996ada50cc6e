//! What a tree looks like, and what every tree of a text must hold to.

use std::{fmt::Write, ops::Range};

use pilotlight_syntax::Document;
use tree_sitter::{Point, TreeCursor};

/// Every node, visible or not by name, in order: depth, field, kind, bytes, rows and columns.
pub(crate) fn shape(document: &Document) -> String {
    let mut text = String::new();
    each(document, |cursor| {
        let node = cursor.node();
        let missing = if node.is_missing() { " missing" } else { "" };
        let (depth, field, range) = (cursor.depth(), cursor.field_name().unwrap_or("-"), node.range());
        let (bytes, start, end) = (node.byte_range(), range.start_point, range.end_point);
        writeln!(text, "{depth} {field} {}{missing} {bytes:?} {start} {end}", node.kind()).unwrap();
    });
    text
}

/// Holds the tree of a broken text to: an error is in it; it goes to the text's end; every node lies in its parent and behind the one before;
/// rows and columns are those of its bytes; a node named for a bracket is one.
pub(crate) fn assert_sound(document: &Document, text: &str) {
    let snapshot = document.snapshot();
    let root = snapshot.tree().unwrap().root_node();
    assert!(root.has_error(), "no error in the tree of {text:?}");
    assert!(text[root.end_byte()..].trim().is_empty(), "the tree ends at {} of {text:?}", root.end_byte());
    let mut line_starts = vec![0];
    line_starts.extend(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1));
    let point = |byte: usize| {
        let row = line_starts.partition_point(|&start| start <= byte) - 1;
        Point { row, column: byte - line_starts[row] }
    };
    let mut around: Vec<Range<usize>> = Vec::new();
    let mut before = 0;
    each(document, |cursor| {
        let (node, depth) = (cursor.node(), cursor.depth() as usize);
        around.truncate(depth);
        if let Some(parent) = around.last() {
            assert!(
                parent.start <= node.start_byte() && node.end_byte() <= parent.end,
                "{node:?} is not in {parent:?} of {text:?}"
            );
        }
        assert!(node.start_byte() >= before, "{node:?} begins before {before} in {text:?}");
        before = node.start_byte();
        assert_eq!((node.start_position(), node.end_position()), (point(node.start_byte()), point(node.end_byte())));
        if matches!(node.kind(), "(" | ")" | "[" | "]" | "{" | "}") && !node.is_missing() {
            assert_eq!(&text[node.byte_range()], node.kind(), "in {text:?}");
        }
        around.push(node.byte_range());
    });
}

fn each(document: &Document, mut visit: impl FnMut(&TreeCursor)) {
    let snapshot = document.snapshot();
    let tree = snapshot.tree().unwrap();
    let mut cursor = tree.walk();
    loop {
        visit(&cursor);
        if cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return;
            }
        }
    }
}
