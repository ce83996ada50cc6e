//! Code that is much like the code around the cursor, by its words and their parts: BM25 (Robertson and Zaragoza 2009) over the index's inverted lists, then over the chunks of the best files.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use pilotlight_syntax::index::{FileId, words};

use super::{Here, OWN, Proposals, Surroundings, names};
use crate::Source;

/// Lines around the cursor that are searched for.
const ABOVE: usize = 28;
const BELOW: usize = 8;
/// Lines of a chunk.
const CHUNK: usize = 16;
/// Words that so many files have say nothing, and are not followed: this bounds the time.
const MOST_FILES: usize = 400;
/// Files whose chunks are looked at, and chunks proposed.
const BEST_FILES: usize = 16;
const BEST_CHUNKS: usize = 20;
/// Chunks whose names may be needed.
const MOST_CHUNKS: usize = 60;
/// The gain of the chunk that is most alike. Measured (tests/eval/context): code that is like this code names what comes next about as often as a definition does, and more of it.
const MOST_GAIN: f32 = 2.0;
/// What is so much less alike than the best is like everything else.
const LEAST_ALIKE: f32 = 0.35;
/// BM25's saturation and its share of length.
const K1: f32 = 1.2;
const B: f32 = 0.75;

/// Words and what each tells: the logarithm of how rare it is.
pub(crate) type Words = BTreeMap<String, f32>;

/// A stretch of a file that is like the code around the cursor; the likest of all is so by 1.
pub(super) struct Chunk<'t> {
    pub(super) alike: f32,
    file: FileId,
    first: usize,
    pub(super) text: &'t str,
}

pub(super) fn propose(
    here: &Here<'_>,
    around: &Surroundings<'_>,
    line: usize,
    budget: usize,
    proposals: &mut Proposals,
) {
    let query = query(here, around, line);
    let texts: Vec<(FileId, Arc<str>)> =
        files(around, &query, |_| true).into_iter().filter_map(|id| Some((id, around.texts.text(id)?))).collect();
    let mut chunks: Vec<Chunk<'_>> = Vec::new();
    for (file, text) in &texts {
        let own = around.file == Some(*file);
        for (first, text) in chunks_of(text) {
            let alike = score(text, &query);
            if alike > 0.0 && !(own && here.shows(first..first + CHUNK)) {
                chunks.push(Chunk { alike, file: *file, first, text });
            }
        }
    }
    chunks.sort_by(|left, right| {
        right.alike.total_cmp(&left.alike).then_with(|| (left.file, left.first).cmp(&(right.file, right.first)))
    });
    chunks.truncate(MOST_CHUNKS);
    let top = chunks.first().map_or(1.0, |chunk| chunk.alike);
    chunks.iter_mut().for_each(|chunk| chunk.alike /= top);
    for chunk in chunks.iter().take(BEST_CHUNKS).filter(|chunk| chunk.alike > LEAST_ALIKE) {
        if let Some(file) = around.index.file(chunk.file) {
            let own = if around.file == Some(chunk.file) { OWN } else { 1.0 };
            let gain = own * MOST_GAIN * chunk.alike.powi(2);
            proposals.add(Source::Similar, &file.path, chunk.first, chunk.text.to_owned(), gain);
        }
    }
    names::propose(around, &chunks, &query, budget, proposals);
}

/// The words around the cursor and what each tells.
fn query(here: &Here<'_>, around: &Surroundings<'_>, line: usize) -> Words {
    let rope = here.snapshot.rope();
    let first = rope.line_to_byte(line.saturating_sub(ABOVE));
    let end = rope.line_to_byte((line + BELOW + 1).min(rope.len_lines()));
    rare_words(around, &here.snapshot.slice(first..end))
}

/// The words of a text that the workspace has, and what each tells: the logarithm of how rare it is.
pub(crate) fn rare_words(around: &Surroundings<'_>, text: &str) -> Words {
    let all = around.len() as f32;
    let mut query = BTreeMap::new();
    for word in words::words(text, 256) {
        let files = around.files_with(&word);
        if files > 0 {
            let rare = (1.0 + (all - files as f32 + 0.5) / (files as f32 + 0.5)).ln();
            query.insert(word, rare);
        }
    }
    query
}

/// The files that have most of what is searched for, the best first, of those whose paths are wanted.
pub(crate) fn files(around: &Surroundings<'_>, query: &Words, wanted: impl Fn(&str) -> bool) -> Vec<FileId> {
    let mut scores: HashMap<FileId, f32> = HashMap::new();
    for (word, rare) in query {
        if around.files_with(word) <= MOST_FILES {
            for id in around.containing(word) {
                *scores.entry(id).or_default() += rare;
            }
        }
    }
    scores.retain(|id, _| around.index.file(*id).is_some_and(|file| wanted(&file.path)));
    let mut best: Vec<(FileId, f32)> = scores.into_iter().collect();
    best.sort_by(|left, right| right.1.total_cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
    best.into_iter().take(BEST_FILES).map(|(id, _)| id).collect()
}

/// Stretches of at most [`CHUNK`] lines that end at blank lines where there are some, each with its first line.
fn chunks_of(text: &str) -> Vec<(usize, &str)> {
    let mut chunks = Vec::new();
    let (mut start, mut first, mut at) = (0, 0, 0);
    let mut blank: Option<(usize, usize)> = None;
    for (line, content) in text.split_inclusive('\n').enumerate() {
        if line - first >= CHUNK {
            let (end, next) = blank.filter(|(_, next)| next - first > CHUNK / 3).unwrap_or((at, line));
            chunks.push((first, &text[start..end]));
            (start, first, blank) = (end, next, None);
        }
        at += content.len();
        if content.trim().is_empty() {
            blank = Some((at, line + 1));
        }
    }
    if at > start {
        chunks.push((first, &text[start..at]));
    }
    chunks
}

fn score(chunk: &str, query: &Words) -> f32 {
    let mut counts: BTreeMap<&str, f32> = BTreeMap::new();
    let mut length = 0;
    words::identifiers(chunk, |word| {
        length += 1;
        if query.contains_key(word) {
            *counts.entry(word).or_default() += 1.0;
        }
    });
    // Chunks are all about as long; a usual one has three words a line.
    let long = 1.0 - B + B * length as f32 / (3 * CHUNK) as f32;
    counts.iter().map(|(word, count)| query[*word] * count * (K1 + 1.0) / (count + K1 * long)).sum()
}
