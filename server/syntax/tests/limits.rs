//! Bad and huge input: bounded time and memory, typed errors, and a document that stays as it was.
//!
//! The bounds on time are far above what was measured: they catch a hang or a square, not a slow machine.

#![allow(clippy::unwrap_used, missing_docs)]

use std::time::{Duration, Instant};

use pilotlight_syntax::{
    Change, Document, EditError, Language, Position, PositionEncoding, PositionError, Snapshot, Span, TooLarge,
};

const UTF16: PositionEncoding = PositionEncoding::Utf16;

fn at(line: u32, character: u32) -> Position {
    Position { line, character }
}

fn change(start: Position, end: Position, text: &str) -> Change {
    Change { span: Some(Span { start, end }), text: text.to_owned() }
}

fn within<T>(limit: Duration, what: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    let time = start.elapsed();
    println!("{what}: {time:.1?}");
    assert!(time < limit, "{what} took {time:?}");
    result
}

/// Asks everything of a snapshot that a keystroke asks.
fn ask(snapshot: &Snapshot, offset: usize) {
    let _ = snapshot.in_comment_or_string(offset);
    let _ = snapshot.statement_at(offset);
    let _ = snapshot.syntax_errors(0..usize::MAX);
    let _ = snapshot.position(offset, UTF16);
    let _ = snapshot.with_replaced(offset..offset, "x").statement_at(offset);
}

#[test]
fn a_file_of_50_megabytes_is_kept_as_plain_text() {
    let line = "let value = compute(1, 2, 3); // é𝄞\n";
    let lines = 50 * 1024 * 1024 / line.len();
    let text = line.repeat(lines);
    let mut document = within(Duration::from_secs(20), "open", || Document::open(Language::Rust, 1, &text));
    let before = document.snapshot();
    assert!(before.tree().is_none());
    assert_eq!(before.too_large(), Some(TooLarge::File { bytes: text.len() }));
    assert!(before.rope().capacity() < text.len() * 2, "{} bytes for {}", before.rope().capacity(), text.len());
    let middle = lines as u32 / 2;
    within(Duration::from_secs(5), "100 edits", || {
        for version in 0..100 {
            document.edit(version, &[change(at(middle, 4), at(middle, 4), "x")], UTF16).unwrap();
        }
    });
    let after = document.snapshot();
    let offset = after.offset(at(middle, 4), UTF16).unwrap();
    assert_eq!(after.slice(offset..offset + 101), "x".repeat(100) + "v");
    assert_eq!(after.rope().len_bytes(), text.len() + 100);
    within(Duration::from_secs(5), "ask", || ask(&after, offset));
    // Cut down to a normal size, it is parsed.
    document.edit(100, &[change(at(2, 0), at(lines as u32, 0), "")], UTF16).unwrap();
    assert_eq!(document.snapshot().too_large(), None);
    assert_eq!(document.snapshot().tree().unwrap().root_node().named_child_count(), 4);
}

#[test]
fn a_file_past_the_parse_limit_is_edited_and_completed_as_plain_text() {
    let text = "let value = 1;\n".repeat(Document::PARSE_LIMIT / 15 + 1);
    let snapshot = Document::open(Language::Rust, 1, &text).snapshot();
    assert!(snapshot.tree().is_none());
    assert_eq!(snapshot.too_large(), None);
}

#[test]
fn one_line_of_2_megabytes_is_kept_as_plain_text() {
    let text = "f(𝄞);".repeat(2 * 1024 * 1024 / 8);
    let mut document = within(Duration::from_secs(5), "open", || Document::open(Language::JavaScript, 1, &text));
    assert!(document.snapshot().tree().is_none());
    let reason = document.snapshot().too_large().unwrap();
    assert_eq!(reason.to_string(), "the file has 1 line(s) of more than 100000 bytes, and completions are off then");
    // 6 units of UTF-16 to each 8 bytes.
    let character = 6 * 100_000;
    within(Duration::from_secs(5), "100 edits", || {
        for version in 0..100 {
            document.edit(version, &[change(at(0, character), at(0, character + 1), "gg")], UTF16).unwrap();
        }
    });
    let after = document.snapshot();
    assert_eq!(after.offset(at(0, character), UTF16), Ok(800_000));
    assert_eq!(after.position(800_000, UTF16), at(0, character));
    assert_eq!(after.rope().len_bytes(), text.len() + 100);
    within(Duration::from_secs(5), "ask", || ask(&after, 800_000));
}

#[test]
fn line_ends_of_every_kind_stay_as_they_were() {
    let mut document = Document::open(Language::Python, 1, "if a:\r\n    b()\r\n\r\nc()\r\n");
    document.edit(2, &[change(at(1, 7), at(1, 99), "\r\n    d()")], UTF16).unwrap();
    let snapshot = document.snapshot();
    assert_eq!(snapshot.rope().to_string(), "if a:\r\n    b()\r\n    d()\r\n\r\nc()\r\n");
    assert_eq!(snapshot.syntax_errors(0..usize::MAX), 0);
    assert_eq!(snapshot.position(15, UTF16), at(1, 7), "between \\r and \\n is the line's end");
    // The two halves of a `\r\n` put together by two edits are one line end.
    let mut document = Document::open(Language::Plain, 1, "a\rb");
    document.edit(2, &[change(at(1, 0), at(1, 0), "\n")], UTF16).unwrap();
    assert_eq!(document.snapshot().rope().to_string(), "a\r\nb");
    assert_eq!(document.snapshot().position(3, UTF16), at(1, 0));
}

#[test]
fn ten_thousand_nested_brackets() {
    const DEPTH: usize = 10_000;
    for language in Language::PARSED {
        for (open, close) in
            [("(", ")"), ("{", "}"), ("[", "]"), ("(", ""), ("{", ""), ("[{(", ""), ("", "}"), ("<", "")]
        {
            let text = format!("{}1{}\n", open.repeat(DEPTH), close.repeat(DEPTH));
            let what = format!("{} {open}1{close}", language.id());
            within(Duration::from_secs(20), &what, || {
                let mut document = Document::open(language, 1, &text);
                let inside = (open.len() * DEPTH) as u32;
                document.edit(2, &[change(at(0, inside), at(0, inside + 1), "a")], UTF16).unwrap();
                document.edit(3, &[change(at(0, 0), at(0, 1), "")], UTF16).unwrap();
                let snapshot = document.snapshot();
                ask(&snapshot, inside as usize);
                let _ = snapshot.outline();
                let _ = snapshot.scopes();
                assert_eq!(snapshot.rope().len_bytes(), text.len() - 1);
            });
        }
    }
}

#[test]
fn ranges_that_do_not_lie_in_the_document() {
    let text = "fn a() {}\n";
    for language in [Language::Rust, Language::Plain] {
        let mut document = Document::open(language, 7, text);
        for (start, end, error) in [
            (at(2, 0), at(2, 0), PositionError::Line { line: 2, lines: 2 }),
            (at(0, 0), at(9, 0), PositionError::Line { line: 9, lines: 2 }),
            (at(u32::MAX, u32::MAX), at(u32::MAX, u32::MAX), PositionError::Line { line: u32::MAX, lines: 2 }),
            (at(0, 5), at(0, 4), PositionError::Reversed { start: at(0, 5), end: at(0, 4) }),
            (at(1, 0), at(0, 9), PositionError::Reversed { start: at(1, 0), end: at(0, 9) }),
        ] {
            let changes = [change(at(0, 0), at(0, 0), "pub "), change(start, end, "x")];
            assert_eq!(document.edit(8, &changes, UTF16), Err(EditError::Position(error)));
            let snapshot = document.snapshot();
            assert_eq!((snapshot.version(), snapshot.revision()), (7, 0));
            assert_eq!(snapshot.rope().to_string(), text);
        }
        // A character past the line's end is its end, however far.
        document.edit(8, &[change(at(0, 9), at(0, u32::MAX), " // b")], UTF16).unwrap();
        assert_eq!(document.snapshot().rope().to_string(), "fn a() {} // b\n");
        // Questions are clamped.
        ask(&document.snapshot(), usize::MAX);
        assert_eq!(document.snapshot().position(usize::MAX, UTF16), at(1, 0));
    }
}

#[test]
fn an_empty_document_and_odd_characters() {
    for language in Language::PARSED {
        ask(&Document::open(language, 0, "").snapshot(), 0);
        let text = "\u{FEFF}a\0b\u{2028}𝄞\r";
        let mut document = Document::open(language, 0, text);
        ask(&document.snapshot(), 4);
        document.edit(1, &[change(at(0, 1), at(0, 2), "")], UTF16).unwrap();
        assert_eq!(document.snapshot().rope().to_string(), "\u{FEFF}\0b\u{2028}𝄞\r");
    }
}
