//! Line ends: a model is read as if it said `\n`, and what is written has the ends that the file has.

use pilotlight_syntax::Snapshot;

/// What ends the lines of a text: what ends its first one.
pub(crate) fn of(snapshot: &Snapshot) -> &'static str {
    let end = snapshot.line_at(0).end;
    if snapshot.slice(end..end + 2) == "\r\n" { "\r\n" } else { "\n" }
}

/// `text` with its lines ended by `\n`.
pub(crate) fn plain(text: &str) -> String {
    text.replace("\r\n", "\n")
}

/// `text` with its lines ended by `ends`.
pub(crate) fn written(text: &str, ends: &str) -> String {
    plain(text).replace('\n', ends)
}
