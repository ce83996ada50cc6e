//! What `pilotlight try` types: a piece of a real file, taken out and typed back in key by key.

use pilotlight_assist::syntax::{Document, Language};

/// A real file with a hole, and the keys that fill it.
pub(super) struct Script {
    /// The file without the piece.
    pub(super) text: String,
    /// Where the piece was: a zero-based line, at its start.
    pub(super) line: usize,
    /// What each keystroke types. Enter brings the next line's indentation with it.
    pub(super) keys: Vec<String>,
}

impl Script {
    /// Takes at most `most` keystrokes' worth of lines out of `text`: the outlined items of the file's second half (where there is something to have learnt from), or else its lines.
    pub(super) fn of(language: Language, text: &str, most: usize) -> Self {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let from = first_line(language, text, lines.len());
        let mut keys = Vec::new();
        let mut taken = 0;
        for line in &lines[from..] {
            let line_keys = keys_of(line, keys.is_empty());
            if !keys.is_empty() && keys.len() + line_keys.len() > most {
                break;
            }
            keys.extend(line_keys);
            taken += 1;
        }
        // The last Enter would only bring an empty line; the hole's own newline stays in the file.
        while keys.last().is_some_and(|key| key.trim().is_empty()) {
            keys.pop();
        }
        let rest = lines[from + taken..].concat();
        Self { text: format!("{}\n{rest}", lines[..from].concat()), line: from, keys }
    }
}

/// The line at which the first outlined item of the second half begins.
fn first_line(language: Language, text: &str, lines: usize) -> usize {
    let snapshot = Document::open(language, 0, text).snapshot();
    let rope = snapshot.rope();
    let starts = snapshot.outline().into_iter().map(|item| rope.byte_to_line(item.range.start));
    starts.filter(|&line| line >= lines / 2).min().unwrap_or(lines / 2)
}

/// One key a character; a line's indentation comes with the Enter before it (`first`: there is none).
fn keys_of(line: &str, first: bool) -> Vec<String> {
    let body = line.trim_end_matches(['\n', '\r']);
    let code = body.trim_start();
    let indentation = &body[..body.len() - code.len()];
    let mut keys: Vec<String> = Vec::new();
    if !first {
        keys.push(format!("\n{indentation}"));
    } else if !indentation.is_empty() {
        keys.push(indentation.to_owned());
    }
    keys.extend(code.chars().map(String::from));
    keys
}
