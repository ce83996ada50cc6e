//! Codestral's format (mistral-common's `encode_fim`): `<s>[SUFFIX]S[PREFIX]P`, then the middle, then `</s>`. Other files stand at the head of the
//! prefix, each behind `+++++ PATH`.
//!
//! Suffix first and no middle marker: a keystroke is a pure append. Mistral's later vocabularies (Devstral, Ministral) carry the markers too, but
//! nothing says that those models were trained on them: `[SYSTEM_PROMPT]` tells them apart.

use super::{Family, Order, PLAIN, header, path_of, suffix_first};
use crate::{Excerpt, Piece, Segment, Source, window::Window};

/// The table's entry.
pub const FAMILY: Family = Family {
    name: "codestral",
    order: Order::Spm,
    markers: &["<s>", "[SUFFIX]", "[PREFIX]"],
    foreign: &["[SYSTEM_PROMPT]"],
    stops: &["</s>"],
    layout,
    with_excerpts: Some(with_excerpts),
    repository_share: Some(3),
    ..PLAIN
};

fn layout(path: &str, window: &Window, _typed: &str) -> Vec<Segment> {
    let opening = header(path, vec![Piece::Marker("<s>")]);
    std::iter::once(opening).chain(suffix_first(path, window, "[SUFFIX]", "[PREFIX]", None)).collect()
}

fn with_excerpts(_repository: &str, excerpts: &[Excerpt], file: Vec<Segment>) -> Vec<Segment> {
    if excerpts.is_empty() {
        return file;
    }
    let path = path_of(&file);
    let mut files = excerpts
        .iter()
        .map(|excerpt| Segment {
            id: excerpt.id.clone(),
            pieces: vec![Piece::Text(format!("+++++ {}\n{}", excerpt.id.path, excerpt.text))],
        })
        .chain([header(&path, vec![Piece::Text(format!("+++++ {path}\n"))])])
        .collect::<Vec<_>>();
    let mut out = Vec::new();
    for mut part in file {
        if part.id.source == Source::Prefix && !files.is_empty() {
            // They stand between the marker and the file's own text.
            let opening = Segment { id: part.id.clone(), pieces: part.pieces.drain(..1).collect() };
            out.push(opening);
            out.append(&mut files);
        }
        if !part.pieces.is_empty() {
            out.push(part);
        }
    }
    out
}
