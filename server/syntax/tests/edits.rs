//! Properties: whatever edits arrive, the rope holds the client's text, and the incremental tree is the tree of a whole parse.
//!
//! The second holds without exception for a tree without an error, and for a document that is parsed anew. What tree-sitter reuses of a broken tree
//! decides where it mends the text, and may keep an error that the text no longer has (tree-sitter/tree-sitter#1444 and #4001 are kin). Of
//! broken texts as `how_often_the_tree_of_a_broken_text_differs` makes them 57 in 9,324 were mended elsewhere (Java 28, none in Python, Go,
//! TypeScript and TSX). Such a tree is held to what every tree must be: every node in its parent and behind the one before, rows and columns of
//! the text, and brackets where the text has them.

#![allow(clippy::unwrap_used, missing_docs)]

#[path = "edits/client.rs"]
mod client;
#[path = "edits/corpus.rs"]
mod corpus;
#[path = "edits/tree.rs"]
mod tree;

use client::Client;
use pilotlight_syntax::{Change, Document, Language, Position, PositionEncoding, Span};
use proptest::prelude::*;

/// One change, in fractions of whatever the text is by then.
#[derive(Clone, Debug)]
enum Step {
    /// Replace the `length` bytes (or so) at `at`/65536 of the text.
    Replace { at: u16, length: usize, with: Piece },
    /// To the line's end, by a character that lies `excess` behind it.
    ToLineEnd { at: u16, excess: u32, with: Piece },
    /// The whole text, for itself with something before it.
    Whole { with: Piece },
    /// A line that is not there: the batch must be refused.
    Outside { line: u32 },
    /// An end before its start: the batch must be refused.
    Reversed { at: u16 },
}

/// What is put in.
#[derive(Clone, Debug)]
enum Piece {
    Literal(&'static str),
    /// A copy of the text itself: `length` bytes at `at`/65536.
    Copy {
        at: u16,
        length: usize,
    },
}

const LITERALS: [&str; 44] = [
    "", "", "", "a", "x1", " ", "\n", "\r\n", "\r", "\n\n", "\t", "    ", ";", ",", ":", ".", "(", ")", "{", "}", "[",
    "]", "<", ">", "\"", "'", "`", "'''", "//", "/*", "*/", "#", "=", "=>", "\\", "é", "𝄞", "\u{2028}", "漢字",
    "return ", "if a:\n", "b();\n", "${", "0",
];

fn piece() -> impl Strategy<Value = Piece> {
    prop_oneof![
        3 => (0..LITERALS.len()).prop_map(|index| Piece::Literal(LITERALS[index])),
        1 => (any::<u16>(), 1..60usize).prop_map(|(at, length)| Piece::Copy { at, length }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let length = prop_oneof![3 => Just(0usize), 3 => 1..4usize, 2 => 4..80usize];
    prop_oneof![
        20 => (any::<u16>(), length, piece()).prop_map(|(at, length, with)| Step::Replace { at, length, with }),
        2 => (any::<u16>(), 0..9u32, piece()).prop_map(|(at, excess, with)| Step::ToLineEnd { at, excess, with }),
        1 => piece().prop_map(|with| Step::Whole { with }),
        1 => (0..3u32).prop_map(|line| Step::Outside { line }),
        1 => any::<u16>().prop_map(|at| Step::Reversed { at }),
    ]
}

fn batches() -> impl Strategy<Value = Vec<Vec<Step>>> {
    prop::collection::vec(prop::collection::vec(step(), 1..4), 1..9)
}

fn encoding() -> impl Strategy<Value = PositionEncoding> {
    prop_oneof![Just(PositionEncoding::Utf16), Just(PositionEncoding::Utf8), Just(PositionEncoding::Utf32)]
}

/// The change that `step` means for `client`, which is brought to its result; `Err` with a change that must be refused.
fn change(client: &mut Client, step: &Step, encoding: PositionEncoding) -> Result<Change, Change> {
    let copy = |client: &Client, piece: &Piece| match *piece {
        Piece::Literal(text) => text.to_owned(),
        Piece::Copy { at, length } => {
            let start = client.offset(at);
            client.text()[start..client.boundary(start + length)].to_owned()
        }
    };
    match step {
        Step::Replace { at, length, with } => {
            let start = client.offset(*at);
            let end = client.boundary(start + length).max(start);
            let span = Span { start: client.position(start, encoding), end: client.position(end, encoding) };
            let text = copy(client, with);
            client.replace(start..end, &text);
            Ok(Change { span: Some(span), text })
        }
        Step::ToLineEnd { at, excess, with } => {
            let start = client.offset(*at);
            let position = client.position(start, encoding);
            let end = client.line_end(position.line);
            let character = client.position(end, encoding).character + excess;
            let text = copy(client, with);
            client.replace(start..end, &text);
            Ok(Change { span: Some(Span { start: position, end: Position { character, ..position } }), text })
        }
        Step::Whole { with } => {
            let text = copy(client, with) + client.text();
            client.replace(0..client.text().len(), &text);
            Ok(Change { span: None, text })
        }
        Step::Outside { line } => {
            let at = Position { line: client.lines() + line, character: 0 };
            Err(Change { span: Some(Span { start: at, end: at }), text: "x".into() })
        }
        Step::Reversed { at } => {
            let line = client.position(client.offset(*at), encoding).line;
            let (start, end) = (Position { line, character: 5 }, Position { line, character: 1 });
            Err(Change { span: Some(Span { start, end }), text: "x".into() })
        }
    }
}

/// Applies a batch to both sides, and compares their texts.
fn apply(document: &mut Document, client: &mut Client, steps: &[Step], encoding: PositionEncoding) {
    let before = client.clone();
    let changes: Vec<_> = steps.iter().map(|step| change(client, step, encoding)).collect();
    let valid = changes.iter().all(Result::is_ok);
    let changes: Vec<Change> = changes.into_iter().map(|change| change.unwrap_or_else(|refused| refused)).collect();
    let result = document.edit(1, &changes, encoding);
    assert_eq!(result.is_ok(), valid, "{result:?} of {changes:?}");
    if !valid {
        *client = before;
    }
    assert_eq!(document.snapshot().rope().to_string(), client.text());
}

/// Compares the incremental tree with that of a whole parse.
fn compare(document: &Document, client: &Client) {
    let language = document.snapshot().language();
    let whole = Document::open(language, 0, client.text());
    if document.snapshot().tree().unwrap().root_node().has_error() {
        tree::assert_sound(document, client.text());
    } else {
        assert_eq!(tree::shape(document), tree::shape(&whole), "of {:?}", client.text());
    }
    let mut anew = document.clone();
    anew.reparse();
    assert_eq!(tree::shape(&anew), tree::shape(&whole), "of {:?}", client.text());
}

fn check(language: Language, pick: usize, batches: &[Vec<Step>], encoding: PositionEncoding) {
    let text = &corpus::of(language)[pick];
    let mut client = Client::new(text);
    let mut document = Document::open(language, 0, text);
    for steps in batches {
        apply(&mut document, &mut client, steps, encoding);
        compare(&document, &client);
    }
    // Back to the snippet by one edit of what differs, not of everything: that is an incremental parse from a broken tree.
    let now = client.text().to_owned();
    let (start, end) = client.difference(text);
    let span = Span { start: client.position(start, encoding), end: client.position(end, encoding) };
    let put = text[start..text.len() - (now.len() - end)].to_owned();
    document.edit(2, &[Change { span: Some(span), text: put }], encoding).unwrap();
    client.replace(0..now.len(), text);
    assert_eq!(document.snapshot().rope().to_string(), client.text());
    compare(&document, &client);
}

/// A line is taken out and typed again, a character an edit.
fn check_typing(language: Language, pick: usize, line: usize, encoding: PositionEncoding) {
    let text = &corpus::of(language)[pick];
    let mut client = Client::new(text);
    let mut document = Document::open(language, 0, text);
    let line = line as u32 % client.lines();
    let (start, end) = (client.line_start(line), client.line_end(line));
    let typed = text[start..end].to_owned();
    let mut edit = |document: &mut Document, range: std::ops::Range<usize>, text: &str| {
        let span = Span { start: client.position(range.start, encoding), end: client.position(range.end, encoding) };
        document.edit(1, &[Change { span: Some(span), text: text.to_owned() }], encoding).unwrap();
        client.replace(range, text);
        compare(document, &client);
    };
    edit(&mut document, start..end, "");
    for (at, character) in typed.char_indices() {
        edit(&mut document, start + at..start + at, character.encode_utf8(&mut [0; 4]));
    }
    assert_eq!(document.snapshot().rope().to_string(), *text);
}

/// A text too long to be parsed whole at every edit is parsed anew all the same, while it is not too long for that.
#[test]
fn what_is_parsed_in_parts_is_parsed_anew_too() {
    for language in [Language::Cpp, Language::Python, Language::TypeScript] {
        for snippet in corpus::of(language) {
            let text = snippet.repeat(Document::WHOLE_LIMIT / snippet.len() + 1);
            assert!(text.len() < Document::REPARSE_LIMIT);
            let brackets = text.match_indices(['(', ')', '{', '}', '[', ']']).map(|(at, _)| at);
            for at in brackets.step_by(7).take(12) {
                let (mut client, mut document) = (Client::new(&text), Document::open(language, 0, &text));
                for (range, typed) in [(at..at + 1, ""), (at / 2..at / 2, "(")] {
                    let range = client.boundary(range.start)..client.boundary(range.end);
                    let [start, end] = [range.start, range.end].map(|at| client.position(at, PositionEncoding::Utf8));
                    let change = Change { span: Some(Span { start, end }), text: typed.into() };
                    document.edit(1, &[change], PositionEncoding::Utf8).unwrap();
                    client.replace(range, typed);
                    compare(&document, &client);
                }
            }
        }
    }
}

macro_rules! properties {
    ($($name:ident: $language:ident),*) => {
        $(mod $name {
            use super::*;

            proptest! {
                #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

                #[test]
                fn random_edits(pick in 0..corpus::SNIPPETS, batches in batches(), encoding in encoding()) {
                    check(Language::$language, pick, &batches, encoding);
                }

                #[test]
                fn typing(pick in 0..corpus::SNIPPETS, line in 0..200usize, encoding in encoding()) {
                    check_typing(Language::$language, pick, line, encoding);
                }
            }
        })*
    };
}

properties! {
    rust: Rust, python: Python, javascript: JavaScript, typescript: TypeScript, tsx: Tsx, go: Go, c: C, cpp: Cpp, java: Java
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_edits_of_plain_text(text in "[a-z é𝄞\u{2028}\r\n]{0,80}", batches in batches(), encoding in encoding()) {
        let mut client = Client::new(&text);
        let mut document = Document::open(Language::Plain, 0, &text);
        for steps in &batches {
            apply(&mut document, &mut client, steps, encoding);
        }
    }
}

#[test]
#[ignore = "a measurement: cargo test -p pilotlight-syntax --test edits -- --ignored --nocapture"]
fn how_often_the_tree_of_a_broken_text_differs() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    for language in Language::PARSED {
        let mut runner = TestRunner::deterministic();
        let (mut broken, mut differ) = (0, 0);
        for _ in 0..400 {
            let strategy = (0..corpus::SNIPPETS, prop::collection::vec(step(), 1..9), encoding());
            let (pick, steps, encoding) = strategy.new_tree(&mut runner).unwrap().current();
            let mut client = Client::new(&corpus::of(language)[pick]);
            let mut document = Document::open(language, 0, client.text());
            for step in steps {
                apply(&mut document, &mut client, &[step], encoding);
                let whole = Document::open(language, 0, client.text());
                broken += usize::from(whole.snapshot().tree().unwrap().root_node().has_error());
                differ += usize::from(tree::shape(&document) != tree::shape(&whole));
            }
        }
        println!("{}: {differ} of {broken} broken texts", language.id());
    }
}
