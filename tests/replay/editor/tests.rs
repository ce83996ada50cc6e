//! What the simulated editor does by itself, shown by fixtures (`|` is the cursor), and that undo and edits are exact.
#![allow(clippy::unwrap_used)]

use super::*;

fn open(marked: &str, style: &str) -> Editor {
    let cursors: Vec<usize> = marked.match_indices('|').enumerate().map(|(index, (at, _))| at - index).collect();
    let mut editor = Editor::open(marked.replace('|', ""), Style::of(style));
    editor.press(&Key::Goto(cursors));
    editor
}

fn shown(editor: &Editor) -> String {
    let mut text = editor.text.clone();
    for &cursor in editor.cursors.iter().rev() {
        text.insert(cursor, '|');
    }
    text
}

/// Presses `keys` (`\n` is Enter, `<` Backspace, `^` Undo) in a Rust file unless `style` says otherwise.
fn check(style: &str, before: &str, keys: &str, after: &str) {
    let mut editor = open(before, style);
    let mut mirror = editor.text.clone();
    for key in keys.chars() {
        let key = match key {
            '\n' => Key::Enter,
            '<' => Key::Backspace,
            '^' => Key::Undo,
            '\t' => Key::Tab,
            typed => Key::Char(typed),
        };
        for edit in editor.press(&key) {
            mirror.replace_range(edit.range, &edit.text);
        }
        assert_eq!(mirror, editor.text, "the edits of {key:?} do not lead to the editor's text");
    }
    assert_eq!(shown(&editor), after);
}

#[test]
fn brackets_and_quotes_are_closed_and_typed_over() {
    check("rs", "|", "f(", "f(|)");
    check("rs", "|", "f()", "f()|");
    check("rs", "|", "f([1])", "f([1])|");
    check("rs", "|", "x(\"a", "x(\"a|\")");
    check("rs", "|", "x(\"a\")", "x(\"a\")|");
    check("rs", "|", "&'a", "&'a|");
    check("rs", "|word", "(", "(|word");
    check("py", "|", "'''", "'''|");
    check("py", "|", "f'", "f'|");
    check("rs", "|", "\"\\\"", "\"\\\"|\"");
}

#[test]
fn a_closer_that_was_there_is_not_typed_over() {
    check("rs", "f(|)", ")", "f()|)");
}

#[test]
fn enter_indents_and_opens_blocks() {
    check("rs", "    a|", "\n", "    a\n    |");
    check("rs", "    if x |", "{\n", "    if x {\n        |\n    }");
    check("py", "    if x:|", "\n", "    if x:\n        |");
    check("go", "\ta|", "{\n", "\ta{\n\t\t|\n\t}");
    check("rs", "    a|", "\n\nb", "    a\n\n    b|");
}

#[test]
fn backspace_takes_pairs_and_levels() {
    check("rs", "|", "f(<", "f|");
    check("rs", "    a\n        |", "<", "    a\n    |");
    check("rs", "    a\n  x|", "<", "    a\n  |");
    check("rs", "é|", "<", "|");
}

#[test]
fn undo_takes_words_and_single_steps() {
    check("rs", "|", "one two^", "one |");
    check("rs", "|", "one two^^", "|");
    check("rs", "a|", "\n^", "a|");
    check("rs", "|", "f(x^", "|");
    check("rs", "ab|", "<<^", "ab|");
}

#[test]
fn several_cursors_type_the_same() {
    check("rs", "fo|(); fo|; fo|", "o1<2", "foo2|(); foo2|; foo2|");
    check("rs", "fo|(); fo|; fo|", "o^", "fo|(); fo|; fo|");
}
