//! Which lines are hidden.

use std::collections::BTreeMap;

use pilotlight_assist::syntax::{Language, index::FileId};

use crate::{dice::Dice, package::Package};

/// Characters of a line that are not blank, at least; and all of them, at most.
const LEAST: usize = 8;
const MOST: usize = 160;

/// A language, the package's number, and lines of its files.
type Drawn = (&'static str, usize, Vec<(FileId, usize)>);

/// `most` lines of each language, drawn evenly from the files of its packages: the same for everyone who has the same packages.
pub(crate) fn drawn(packages: &[Package], most: usize) -> Vec<Drawn> {
    let mut by_language: BTreeMap<&'static str, Vec<usize>> = BTreeMap::new();
    for (at, package) in packages.iter().enumerate() {
        by_language.entry(main_language(package)).or_default().push(at);
    }
    let mut drawn = Vec::new();
    for (language, of) in by_language {
        for (number, &at) in of.iter().enumerate() {
            // What does not divide evenly goes to the first ones.
            let share = most / of.len() + usize::from(number < most % of.len());
            drawn.push((language, at, lines(&packages[at], language, share)));
        }
    }
    drawn
}

/// What most of a package's text is written in.
fn main_language(package: &Package) -> &'static str {
    let mut sizes: BTreeMap<&'static str, usize> = BTreeMap::new();
    for (id, text) in &package.texts {
        let language = package.index.file(*id).map_or(Language::Plain, |file| file.facts.language);
        if language != Language::Plain {
            *sizes.entry(language.id()).or_default() += text.len();
        }
    }
    sizes.into_iter().max_by_key(|(_, size)| *size).map_or("none", |(language, _)| language)
}

fn lines(package: &Package, language: &str, most: usize) -> Vec<(FileId, usize)> {
    let of_language = |id: &FileId| package.index.file(*id).is_some_and(|file| file.facts.language.id() == language);
    let files: Vec<FileId> = package.texts.keys().copied().filter(of_language).collect();
    let dice = Dice::new(17).on(&package.name);
    let mut found = Vec::new();
    for number in 0..most * 40 {
        if found.len() == most || files.is_empty() {
            break;
        }
        let id = files[dice.at(number).below(files.len())];
        let lines: Vec<&str> = package.texts[&id].lines().collect();
        let line = dice.at(number).on("line").below(lines.len());
        let fits =
            |text: &str| text.chars().filter(|c| !c.is_whitespace()).count() >= LEAST && text.chars().count() <= MOST;
        if lines.get(line).is_some_and(|text| fits(text)) && !found.contains(&(id, line)) {
            found.push((id, line));
        }
    }
    found
}
