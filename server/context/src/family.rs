//! The fill-in-the-middle families: a table, one file an entry. What differs between them is data and one layout function.

pub mod codegemma;
pub mod codellama;
pub mod codestral;
pub mod deepseek;
pub mod ember;
pub mod granite;
pub mod mellum;
pub mod qwen;
pub mod seed_coder;
pub mod server;
pub mod starcoder;
pub mod starcoder2;

use crate::{
    Excerpt, Piece, Segment, SegmentId, Source,
    window::{Chunk, Window},
};

/// A family of models that were trained on one fill-in-the-middle format.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// As `doctor` names it.
    pub name: &'static str,
    /// Which side of the cursor the model reads first.
    pub order: Order,
    /// Every special token the layout uses. A tokenizer that lacks one, or splits it, does not belong to the family.
    pub markers: &'static [&'static str],
    /// Special tokens of models that have the family's markers and were not trained on its format. A tokenizer with one does not belong to the family.
    pub foreign: &'static [&'static str],
    /// Special tokens that end the middle, beside the model's own end tokens.
    pub stops: &'static [&'static str],
    /// What is done about the word that the cursor may stand in.
    pub partial_words: PartialWords,
    /// Lays a window out as a prompt for the file `path`; `typed` is what was typed since the window was cut (always empty for [`Order::Spm`]).
    pub layout: fn(path: &str, window: &Window, typed: &str) -> Vec<Segment>,
    /// Puts excerpts of other files into the layout of one, as the family was trained on; `repository` names the workspace. `None`: it was not trained on any.
    pub with_excerpts: Option<WithExcerpts>,
    /// Excerpts get one part in so many of the prompt's tokens where no setting says; `None`: none, because it was measured not to help, or was not measured.
    pub repository_share: Option<usize>,
    /// Whether lines from places like the cursor's ([`crate::recall`]) are worth more than what its models know, where no setting says.
    pub recalls: bool,
}

/// See [`Family::with_excerpts`].
pub type WithExcerpts = fn(repository: &str, excerpts: &[Excerpt], file: Vec<Segment>) -> Vec<Segment>;

/// What most families are like: prefix first, healed, of single files. An entry says what is unlike.
const PLAIN: Family = Family {
    name: "",
    order: Order::Psm,
    markers: &[],
    foreign: &[],
    stops: &[],
    partial_words: PartialWords::Heal,
    layout: |_, _, _| Vec::new(),
    with_excerpts: None,
    repository_share: None,
    recalls: false,
};

/// The order of the sides in the prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Suffix, prefix, middle: what is typed is appended to the prompt.
    Spm,
    /// Prefix, suffix, middle.
    Psm,
}

/// What is done about a word that is cut by the cursor: its tokens are not those of the whole word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartialWords {
    /// The model was trained on middles that begin inside a word.
    Trained,
    /// Token healing: the prompt's last token is taken off, and the model must spell its bytes again.
    Heal,
}

/// Every family known here, in the order they are tried.
pub static FAMILIES: &[Family] = &[
    ember::FAMILY,
    qwen::FAMILY,
    codegemma::FAMILY,
    granite::FAMILY,
    starcoder2::FAMILY,
    mellum::FAMILY,
    starcoder::FAMILY,
    deepseek::FAMILY,
    seed_coder::FAMILY,
    codellama::FAMILY,
    codestral::FAMILY,
    server::FAMILY,
];

/// No family's markers are all in the vocabulary.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("no fill-in-the-middle format fits this tokenizer: {}", .misfits.iter().map(|(family, misfit)| format!("{family} {misfit}")).collect::<Vec<_>>().join("; "))]
pub struct UnknownFamily {
    /// For each family, why the vocabulary is not its own.
    pub misfits: Vec<(&'static str, Misfit)>,
}

/// Why a vocabulary is not a family's.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Misfit {
    /// A marker is not one special token of the vocabulary.
    #[error("needs {0}")]
    Lacks(&'static str),
    /// The vocabulary is that of models that were not trained on the format.
    #[error("has no {0}")]
    Foreign(&'static str),
}

impl Family {
    /// The first family all of whose markers `is_special` knows as one special token each. Never guesses: with no such family there is no completion.
    pub fn detect(is_special: impl Fn(&str) -> bool) -> Result<&'static Family, UnknownFamily> {
        let mut misfits = Vec::new();
        for family in FAMILIES {
            let lacks = family.markers.iter().chain(family.stops).find(|marker| !is_special(marker));
            let foreign = || family.foreign.iter().find(|marker| is_special(marker));
            match lacks.map(|marker| Misfit::Lacks(marker)).or_else(|| foreign().map(|marker| Misfit::Foreign(marker)))
            {
                None => return Ok(family),
                // That a server could write the prompt says nothing about a vocabulary.
                Some(_) if family.name == server::FAMILY.name => {}
                Some(misfit) => misfits.push((family.name, misfit)),
            }
        }
        Err(UnknownFamily { misfits })
    }
}

/// `[prefix]P[suffix]S[middle]`, and what was typed since behind it.
fn prefix_first(path: &str, window: &Window, typed: &str, [prefix, suffix, middle]: [&'static str; 3]) -> Vec<Segment> {
    side(Source::Prefix, path, prefix, &window.prefix)
        .chain(side(Source::Suffix, path, suffix, &window.suffix))
        .chain([
            segment(Source::Footer, path, 0, vec![Piece::Marker(middle)]),
            segment(Source::Typed, path, 0, vec![Piece::Text(typed.to_owned())]),
        ])
        .collect()
}

/// `[suffix]S[prefix]P`, and the middle's marker where there is one.
fn suffix_first(
    path: &str,
    window: &Window,
    suffix: &'static str,
    prefix: &'static str,
    middle: Option<&'static str>,
) -> Vec<Segment> {
    let footer = middle.map(|middle| segment(Source::Footer, path, 0, vec![Piece::Marker(middle)]));
    side(Source::Suffix, path, suffix, &window.suffix)
        .chain(side(Source::Prefix, path, prefix, &window.prefix))
        .chain(footer)
        .collect()
}

/// What opens a prompt.
fn header(path: &str, pieces: Vec<Piece>) -> Segment {
    segment(Source::Header, path, 0, pieces)
}

/// The path of the file that a layout is of.
fn path_of(file: &[Segment]) -> String {
    file.first().map(|first| first.id.path.clone()).unwrap_or_default()
}

fn segment(source: Source, path: &str, line: usize, pieces: Vec<Piece>) -> Segment {
    Segment { id: SegmentId { source, path: path.to_owned(), line }, pieces }
}

/// One segment a chunk, `opening` before the first; the opening alone where there is no chunk.
fn side<'a>(
    source: Source,
    path: &'a str,
    opening: &'static str,
    chunks: &'a [Chunk],
) -> impl Iterator<Item = Segment> + 'a {
    let bare = chunks.is_empty().then(|| segment(source, path, 0, vec![Piece::Marker(opening)]));
    let chunked = chunks.iter().enumerate().map(move |(index, chunk)| {
        let marker = (index == 0).then_some(Piece::Marker(opening));
        segment(source, path, chunk.line, marker.into_iter().chain([Piece::Text(chunk.text.clone())]).collect())
    });
    bare.into_iter().chain(chunked)
}
