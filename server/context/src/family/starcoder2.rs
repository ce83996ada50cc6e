//! StarCoder2's format (arXiv 2402.19173, section 4.4): `<fim_prefix>P<fim_suffix>S<fim_middle>`, then the middle, then `<file_sep>` or `<|endoftext|>`.
//!
//! With other files: `<repo_name>R(<file_sep>PATH\nTEXT)*<file_sep><fim_prefix>PATH\nP…`.

use super::{Family, PLAIN, header, path_of, prefix_first};
use crate::{Excerpt, Piece, Segment, Source, window::Window};

/// The table's entry.
pub const FAMILY: Family = Family {
    name: "starcoder2",
    markers: &["<fim_prefix>", "<fim_suffix>", "<fim_middle>"],
    stops: &["<file_sep>", "<repo_name>", "<|endoftext|>"],
    layout,
    with_excerpts: Some(with_excerpts),
    repository_share: Some(3),
    ..PLAIN
};

fn layout(path: &str, window: &Window, typed: &str) -> Vec<Segment> {
    prefix_first(path, window, typed, ["<fim_prefix>", "<fim_suffix>", "<fim_middle>"])
}

fn with_excerpts(repository: &str, excerpts: &[Excerpt], mut file: Vec<Segment>) -> Vec<Segment> {
    if excerpts.is_empty() {
        return file;
    }
    let path = path_of(&file);
    if let Some(first) = file.iter_mut().find(|part| part.id.source == Source::Prefix) {
        // The path belongs to the prefix there.
        first.pieces.insert(1, Piece::Text(format!("{path}\n")));
    }
    let opening = header(&path, vec![Piece::Marker("<repo_name>"), Piece::Text(repository.to_owned())]);
    let files = excerpts.iter().map(|excerpt| excerpt.as_file("<file_sep>"));
    let own = header(&path, vec![Piece::Marker("<file_sep>")]);
    std::iter::once(opening).chain(files).chain([own]).chain(file).collect()
}
