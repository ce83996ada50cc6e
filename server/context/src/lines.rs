//! What a line is: closers, what ends something, what says something; and how lines end in a prompt.

use std::borrow::Cow;

/// Whether `text` is only what editors close by themselves and what may follow it: brackets, quotes, `;`, `,`, `:`, `>` and blanks.
pub fn is_closers(text: &str) -> bool {
    text.chars().all(|c| matches!(c, ')' | ']' | '}' | '"' | '\'' | '`' | ';' | ',' | ':' | '>') || c.is_whitespace())
}

/// Whether a line only ends what lines above it have begun, by brackets or by a word: `}`, `end`, `</div>`, `#endif`.
pub fn closes(line: &str) -> bool {
    let word = line.trim_end_matches(|c: char| !c.is_alphanumeric());
    is_closers(line)
        || ["</", "/>", "#endif"].iter().any(|closing| line.starts_with(closing))
        || matches!(word, "end" | "fi" | "done" | "esac" | "endif" | "endfor" | "endforeach" | "endwhile" | "endswitch")
}

/// Whether a line says something: who writes it a second time repeats it. Closers and words as short as `else:` are told again anywhere.
pub fn tells(line: &str) -> bool {
    const SHORT: usize = 5;
    line.len() > SHORT && !closes(line)
}

/// `text` with its lines ended by `\n`, as models read them whatever the file has.
pub fn plain(text: &str) -> Cow<'_, str> {
    if text.contains("\r\n") { text.replace("\r\n", "\n").into() } else { text.into() }
}
