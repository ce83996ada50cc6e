//! What is written in a form is read back as it was; what is not in it is refused, and nothing panics.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

/// `text` with the replacements made.
fn applied(text: &str, all: &[Replacement]) -> String {
    let mut out = text.to_owned();
    all.iter().rev().for_each(|it| out.replace_range(it.range.clone(), &it.text));
    out
}

fn found(result: Result<impl std::fmt::Debug, Unreadable>) -> String {
    result.unwrap_err().found
}

#[test]
fn one_block_is_read_and_nothing_else() {
    assert_eq!(block("Here:\n```rust\nfn a() {}\n\n  b\n```\nDone.").unwrap(), "fn a() {}\n\n  b");
    assert_eq!(block("````\n/// ```\n```\n````").unwrap(), "/// ```\n```");
    assert_eq!(block("<think>```\nno\n```</think>\n```\nyes\n```").unwrap(), "yes");
    assert_eq!(block("```\n```").unwrap(), "");
    assert_eq!(found(block("fn a() {}")), "words alone");
    assert_eq!(found(block(" \n")), "nothing");
    assert_eq!(found(block("```\na\n")), "one that is not closed");
    assert_eq!(found(block("```\na\n```\n```\nb\n```")), "2 of them");
}

const TEXT: &str = "a\nb\nc\nb\n";

fn made(reply: &str) -> Result<String, Unreadable> {
    edits(reply, TEXT).map(|all| applied(TEXT, &all))
}

#[test]
fn search_and_replace() {
    let one = "<<<<<<< SEARCH\nb\nc\n=======\nx\n>>>>>>> REPLACE\n";
    assert_eq!(made(one).unwrap(), "a\nx\nb\n");
    assert_eq!(made(&format!("{one}words\n<<<<<<< SEARCH\na\n=======\n>>>>>>> REPLACE\n")).unwrap(), "x\nb\n");
    assert_eq!(
        found(made("<<<<<<< SEARCH\nb\n=======\nx\n>>>>>>> REPLACE")),
        "lines (`b`, …) that stand 2 times in the text"
    );
    assert_eq!(
        found(made("<<<<<<< SEARCH\nbc\n=======\nx\n>>>>>>> REPLACE")),
        "lines (`bc`, …) that stand 0 times in the text"
    );
    assert_eq!(found(made("<<<<<<< SEARCH\na\n=======\nx")), "a block that is not closed");
    assert_eq!(found(made("<<<<<<< SEARCH\na\n>>>>>>> REPLACE")), "`>>>>>>> REPLACE` before `=======`");
    assert_eq!(found(made("<<<<<<< SEARCH\n=======\nx\n>>>>>>> REPLACE")), "a block that searches for nothing");
    assert_eq!(found(made("<<<<<<< SEARCH\na\n=======\na\n>>>>>>> REPLACE")), "some that change nothing");
    assert_eq!(found(made(&format!("{one}{one}"))), "two that change the same lines");
    assert_eq!(found(made("I would rather not.")), "something else");
}

#[test]
fn unified_diffs() {
    assert_eq!(made("--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n-a\n+x\n b\n").unwrap(), "x\nb\nc\nb\n");
    // The wrong line is no matter where there is one place only; of several the right line decides.
    assert_eq!(made("@@ -9,1 +9,1 @@\n-a\n+x\n").unwrap(), "x\nb\nc\nb\n");
    assert_eq!(made("@@ -4 +4 @@\n-b\n+x\n").unwrap(), "a\nb\nc\nx\n");
    assert_eq!(made("@@ -1,0 +2,1 @@\n+x\n").unwrap(), "a\nx\nb\nc\nb\n");
    assert_eq!(applied("-- \n", &edits("@@ -1,1 +1,1 @@\n--- \n+++ \n", "-- \n").unwrap()), "++ \n", "no header");
    assert_eq!(found(made("@@ -3,1 +3,1 @@\n-b\n+x\n")), "lines (`b`, …) that stand 2 times in the text");
    // Wrong counts are no matter either.
    assert_eq!(made("```diff\n@@ -1,2 +1,2 @@\n-a\n+x\n```\n\nDone.\n").unwrap(), "x\nb\nc\nb\n");
    assert_eq!(found(made("```diff\n@@ -1,1 +1,1 @@\n-a\n+x\n")), "a diff that breaks off");
    assert_eq!(found(made("@@ -1,1 +1,1 @@\n a\n")), "the hunk `@@ -1,1 +1,1 @@`");
    assert_eq!(found(made("@@ here @@\n-a\n+x\n")), "the hunk `@@ here @@`");
}

#[test]
fn lines_are_told_by_their_words_whatever_ends_them() {
    let text = "a\r\nb\r\nc\r\nb\r\n";
    let made = |reply: &str| edits(reply, text).map(|all| applied(text, &all));
    let one = "<<<<<<< SEARCH\nb\nc\n=======\nx\n>>>>>>> REPLACE\n";
    assert_eq!(made(one).unwrap(), "a\r\nx\r\nb\r\n");
    assert_eq!(made(&one.replace('\n', "\r\n")).unwrap(), "a\r\nx\r\nb\r\n");
    assert_eq!(made("<<<<<<< SEARCH\na\n=======\n>>>>>>> REPLACE").unwrap(), "b\r\nc\r\nb\r\n");
    assert_eq!(made("@@ -4 +3 @@\n-b\n").unwrap(), "a\r\nb\r\nc\r\n");
    assert_eq!(made("@@ -1,0 +2,1 @@\n+x\n").unwrap(), "a\r\nx\nb\r\nc\r\nb\r\n");
    assert_eq!(found(made("<<<<<<< SEARCH\na\nb\n=======\na\nb\n>>>>>>> REPLACE")), "some that change nothing");
    assert_eq!(applied("a\r\nb", &edits("<<<<<<< SEARCH\nb\n=======\n>>>>>>> REPLACE", "a\r\nb").unwrap()), "a");
}

#[test]
fn thoughts_without_an_end_are_no_answer() {
    assert_eq!(found(block("<think>\nPerhaps\n```\nno\n```\n")), "nothing");
}

/// Lines that hold none of the marks.
fn lines() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[a-c `{}\\-+ ]{0,6}", 0..12)
}

proptest! {
    #[test]
    fn a_block_is_read_back(text in "(?s)[a-z`~\n é]{0,80}") {
        let expected = text.strip_suffix('\n').unwrap_or(&text);
        prop_assert_eq!(block(&fenced(&text, Language::Rust)).unwrap(), expected);
    }

    #[test]
    fn a_diff_of_two_texts_makes_the_second_of_the_first(old in lines(), new in lines()) {
        let (old, new) = (old.join("\n") + "\n", new.join("\n") + "\n");
        prop_assume!(old != new);
        let reply = similar::TextDiff::from_lines(&old, &new).unified_diff().to_string();
        // Its headers may be wrong (similar's are at times): then places that look the same cannot be told apart.
        match edits(&reply, &old) {
            Ok(all) => prop_assert_eq!(applied(&old, &all), new),
            Err(unreadable) => prop_assert!(unreadable.found.contains(" times in the text"), "{unreadable}"),
        }
    }

    #[test]
    fn a_block_replaces_what_it_names_or_is_refused(text in lines(), at in 0usize..12, count in 1usize..4, new in lines()) {
        let whole = text.join("\n");
        let old: Vec<&str> = text.iter().skip(at).take(count).map(String::as_str).collect();
        prop_assume!(!old.is_empty());
        let new: Vec<&str> = new.iter().map(String::as_str).collect();
        let body = |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
        let reply = format!("{SEARCH}\n{}{DIVIDER}\n{}{REPLACE}\n", body(&old), body(&new));
        let mut expected: Vec<&str> = text.iter().map(String::as_str).collect();
        expected.splice(at..at + old.len(), new);
        if let Ok(all) = edits(&reply, &whole) {
            prop_assert_eq!(applied(&whole, &all), expected.join("\n"));
        }
    }

    #[test]
    fn whatever_comes_nothing_panics(reply in "(?s)([<>=@`+\\- ,0-9a-b\n]|<<<<<<< SEARCH\n|=======\n|>>>>>>> REPLACE\n|@@ -1,2 \\+1,2 @@\n){0,60}", text in "(?s)[ab\n]{0,12}") {
        let _ = block(&reply);
        if let Ok(all) = edits(&reply, &text) {
            prop_assert!(all.iter().all(|it| text.get(it.range.clone()).is_some()));
        }
    }
}
