//! What `pilotlight try` types: a piece of a real file, taken out and typed back in key by key.

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
    /// Takes at most `most` keystrokes' worth of lines out of `text`, of the first one what fits: from the first thing that begins in its second half, where there is something to have learnt from.
    pub(super) fn of(text: &str, most: usize) -> Self {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let from = first_line(&lines);
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
        keys.truncate(most);
        let rest = lines[from + taken..].concat();
        Self { text: format!("{}\n{rest}", lines[..from].concat()), line: from, keys }
    }
}

/// The first line of the second half that begins something: not indented, after a blank line.
fn first_line(lines: &[&str]) -> usize {
    let half = lines.len() / 2;
    let begins = |&line: &usize| {
        line > 0 && lines[line - 1].trim().is_empty() && lines[line].starts_with(|c: char| !c.is_whitespace())
    };
    (half..lines.len()).find(begins).unwrap_or(half)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_the_keys_into_the_hole_gives_the_file_back() {
        let text = "use a;\n\nfn f() {\n    g();\n}\n\nfn h() {\n\tif x {\n\t\ty();\n\t}\n}\n\nfn last() {}\n";
        assert_eq!(Script::of(text, 3).keys.len(), 3);
        for most in [20, 1000] {
            let script = Script::of(text, most);
            let mut lines: Vec<&str> = script.text.split_inclusive('\n').collect();
            let typed = script.keys.concat();
            let hole = format!("{typed}\n");
            assert_eq!(lines[script.line], "\n");
            lines[script.line] = &hole;
            let whole = lines.concat();
            // The blank lines that end the piece are not typed.
            assert_eq!(whole.replace("\n\n", "\n"), text.replace("\n\n", "\n"), "{most} keys");
        }
    }

    #[test]
    fn any_file_can_be_typed() {
        for text in ["", "x", "\n\n\n", "    indented\n"] {
            assert!(Script::of(text, 10).keys.len() <= 10);
        }
    }
}
