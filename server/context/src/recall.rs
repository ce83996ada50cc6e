//! What was written in places like the cursor's, here and in the files of the workspace that are most like it: the line there is a guess for the line here, and no model is asked.
//!
//! Much of code is written again as it was written before (Hindle and others, "On the naturalness of software", 2012), and a small model knows nothing of what this workspace repeats. A place is
//! like another by the words of the lines above and below it. Pure, as all of this room.

use std::{collections::HashMap, ops::Range, sync::Arc};

use pilotlight_syntax::{Snapshot, index::words};

use crate::{Surroundings, secrets, sources::similar};

/// Lines that are compared, the nearest first, and what each counts when it is the same. These and the numbers below rank the right line first most often in the places of 19 packages (the
/// likelihood of a conditional logit). One of them, handlebars, is also measured; without it the numbers are the same to within a tenth.
const ABOVE: [f32; 3] = [2.0, 2.0, 1.0];
const BELOW: [f32; 2] = [3.5, 2.0];
/// What it counts besides that the line above is the very same,
const SAME: f32 = 1.2;
/// that the line is as much deeper than the one above as the cursor is,
const STEP: f32 = 1.1;
/// and that it stands in the open file; less with the logarithm of the distance in lines.
const OWN: f32 = 2.4;
const AWAY: f32 = 0.21;
/// Lines on each side of the cursor among which the compared ones are.
const NEAR: usize = 32;
/// Lines of the open file on each side of the cursor that are looked through.
const REACH: usize = 4000;
/// A guess so sure is better than anything that a small model says.
const CERTAIN: f32 = 0.8;
/// Lines remembered of a place: those that begin with what will have been typed are among them, or are no good guesses.
const MOST: usize = 256;

/// A line that may be written at the cursor.
#[derive(Clone, Debug, PartialEq)]
pub struct Recollection {
    /// All of the line but its indentation.
    pub text: Arc<str>,
    /// Where it stands: the file as a prompt names it,
    pub path: Arc<str>,
    /// and the zero-based line.
    pub line: usize,
    /// How much the places are alike; more than 10 for a place that has the same lines around it.
    pub alike: f32,
}

/// What is remembered of one place, the most alike first. Typing on the cursor's line leaves it as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recall {
    place: Place,
    lines: Arc<[Recollection]>,
}

/// The best guess for a line of which some was typed.
#[derive(Clone, Debug, PartialEq)]
pub struct Guess {
    /// What is left to write.
    pub rest: String,
    /// Where it comes from.
    pub of: Recollection,
    /// How often such a guess is the right line: 0 to 1.
    pub sureness: f32,
}

/// What tells a place: the lines around it that are not blank, the nearest first, and its indentation over the line above.
#[derive(Clone, Debug, Default, PartialEq)]
struct Place {
    above: Vec<String>,
    below: Vec<String>,
    step: isize,
}

impl Place {
    fn of(snapshot: &Snapshot, cursor: usize) -> Self {
        let rope = snapshot.rope();
        let line = rope.byte_to_line(cursor);
        let whole = |line: usize| Some(rope.line(line).to_string()).filter(|text| !text.trim().is_empty());
        let above: Vec<String> = (line.saturating_sub(NEAR)..line).rev().filter_map(whole).take(ABOVE.len()).collect();
        let below = (line + 1..(line + 1 + NEAR).min(rope.len_lines())).filter_map(whole).take(BELOW.len());
        let depth = indentation(&snapshot.slice(snapshot.line_at(cursor)));
        Self {
            step: above.first().map_or(0, |above| depth as isize - indentation(above) as isize),
            above: above.iter().map(|text| text.trim().to_owned()).collect(),
            below: below.map(|text| text.trim().to_owned()).collect(),
        }
    }
}

/// A line that is not blank.
struct Line<'t> {
    text: &'t str,
    indentation: usize,
    number: usize,
    /// Its words' hashes, in order, each once.
    words: Vec<u64>,
}

impl Recall {
    /// What is remembered at `cursor`. `last` is what was remembered there or elsewhere, and is all there is to do if it was there. `path` names the open file.
    pub fn at(snapshot: &Snapshot, cursor: usize, path: &str, around: Option<&Surroundings<'_>>, last: &Self) -> Self {
        let place = Place::of(snapshot, cursor);
        if place == last.place {
            return last.clone();
        }
        let rope = snapshot.rope();
        let line = rope.byte_to_line(cursor);
        let (first, end) = (line.saturating_sub(REACH), (line + 1 + REACH).min(rope.len_lines()));
        let between =
            |lines: Range<usize>| snapshot.slice(rope.line_to_byte(lines.start)..rope.line_to_byte(lines.end));
        let own = (between(first..line), between((line + 1).min(end)..end));
        let asked = Asked::of(&place);
        let mut found = Found::default();
        let path: Arc<str> = path.into();
        for part in [lines(&own.0, first), lines(&own.1, line + 1)] {
            asked.look(&part, &mut found, &path, |number| OWN - AWAY * (number.abs_diff(line) as f32).ln_1p());
        }
        if let Some(around) = around {
            let text = [&place.above[..place.above.len().min(2)], &place.below[..place.below.len().min(1)]]
                .concat()
                .join("\n");
            for id in similar::files(around, &similar::rare_words(around, &text)) {
                if around.file != Some(id)
                    && let Some(file) = around.index.file(id)
                    && let Some(text) = around.texts.text(id)
                {
                    asked.look(&lines(&text, 0), &mut found, &file.path.as_ref().into(), |_| 0.0);
                }
            }
        }
        Self { place, lines: found.best() }
    }

    /// The best guess for the line of which `typed` stands there (without its indentation), if there is one.
    pub fn guess(&self, typed: &str) -> Option<Guess> {
        let mut fitting = self.lines.iter().filter_map(|of| {
            let rest = of.text.strip_prefix(typed).filter(|rest| !rest.trim().is_empty())?;
            Some((rest, of))
        });
        let (rest, of) = fitting.find(|(_, of)| secrets::secrets(&of.text).is_empty())?;
        let next = fitting.next().map_or(0.0, |(_, next)| next.alike);
        let sureness = sureness(of.alike, of.alike - next, rest);
        Some(Guess { rest: rest.to_owned(), of: of.clone(), sureness })
    }
}

impl Guess {
    /// Whether it need not be asked what a model would write.
    pub fn is_certain(&self) -> bool {
        self.sureness >= CERTAIN
    }

    /// Whether it is better than a text that is right in a share of `likely` cases, by what the model makes of it: the product of its tokens' probabilities.
    pub fn beats(&self, likely: f32) -> bool {
        self.sureness > likely
    }
}

/// How often a guess is right: by how much its place is alike, by how much more than the next other guess's, and by what is left to write. A logistic regression over 2,857 guesses in 14 packages
/// that are no part of what is measured, with nothing, 3 and 8 characters typed; of the guesses held to be right in 8 of 10 cases or more, 92 % were.
fn sureness(alike: f32, margin: f32, rest: &str) -> f32 {
    let long = rest.len().min(40) as f32;
    let odds = -3.2 + 0.233 * alike + 0.49 * margin - 0.042 * long;
    1.0 / (1.0 + (-odds).exp())
}

/// A place's lines, ready to be compared.
struct Asked {
    above: Vec<(String, Vec<u64>)>,
    below: Vec<(String, Vec<u64>)>,
    step: isize,
}

/// The best score of each text.
#[derive(Default)]
struct Found(HashMap<Arc<str>, Recollection>);

impl Asked {
    fn of(place: &Place) -> Self {
        let with_words = |texts: &[String]| texts.iter().map(|text| (text.clone(), words_of(text))).collect();
        Self { above: with_words(&place.above), below: with_words(&place.below), step: place.step }
    }

    /// Scores every line of `lines`, which follow each other in a file; `nearness` is added to those that are like at all.
    fn look(&self, lines: &[Line<'_>], found: &mut Found, path: &Arc<str>, nearness: impl Fn(usize) -> f32) {
        for (at, line) in lines.iter().enumerate().skip(1) {
            let mut alike = 0.0;
            for (distance, ((text, words), worth)) in self.above.iter().zip(ABOVE).enumerate() {
                if let Some(other) = at.checked_sub(distance + 1).map(|at| &lines[at]) {
                    alike += worth * similarity(other, text, words);
                    if distance == 0 && other.text == text {
                        alike += SAME;
                    }
                }
            }
            for (distance, ((text, words), worth)) in self.below.iter().zip(BELOW).enumerate() {
                if let Some(other) = lines.get(at + distance + 1) {
                    alike += worth * similarity(other, text, words);
                }
            }
            if alike > 0.0 {
                if line.indentation as isize - lines[at - 1].indentation as isize == self.step {
                    alike += STEP;
                }
                found.add(line, path, alike + nearness(line.number));
            }
        }
    }
}

impl Found {
    fn add(&mut self, line: &Line<'_>, path: &Arc<str>, alike: f32) {
        match self.0.get_mut(line.text) {
            Some(known) if known.alike >= alike => {}
            Some(known) => {
                known.path = path.clone();
                (known.line, known.alike) = (line.number, alike);
            }
            None => {
                let text: Arc<str> = line.text.into();
                self.0.insert(text.clone(), Recollection { text, path: path.clone(), line: line.number, alike });
            }
        }
    }

    fn best(self) -> Arc<[Recollection]> {
        let mut found: Vec<Recollection> = self.0.into_values().collect();
        found.sort_by(|left, right| right.alike.total_cmp(&left.alike).then_with(|| left.text.cmp(&right.text)));
        found.truncate(MOST);
        found.into()
    }
}

/// The share of words in common; all of them in a line that is the same.
fn similarity(line: &Line<'_>, text: &str, words: &[u64]) -> f32 {
    if line.text == text {
        return 1.0;
    }
    let common = line.words.iter().filter(|word| words.binary_search(word).is_ok()).count();
    if common == 0 { 0.0 } else { common as f32 / (line.words.len() + words.len() - common) as f32 }
}

/// The lines of `text` that are not blank; its first one is line `first` of its file.
fn lines(text: &str, first: usize) -> Vec<Line<'_>> {
    let whole = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    whole
        .map(|(number, line)| {
            let text = line.trim();
            Line { text, indentation: indentation(line), number: first + number, words: words_of(text) }
        })
        .collect()
}

/// Leading blanks, in characters.
fn indentation(line: &str) -> usize {
    line.chars().take_while(|c| c.is_whitespace() && *c != '\n').count()
}

fn words_of(text: &str) -> Vec<u64> {
    let mut found = Vec::new();
    words::identifiers(text, |word| found.push(hash(word)));
    found.sort_unstable();
    found.dedup();
    found
}

/// FNV-1a, 64 bits: the same on every machine.
fn hash(word: &str) -> u64 {
    word.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}
