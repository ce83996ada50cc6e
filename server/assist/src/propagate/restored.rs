//! The changed file with the old names put back in the head of the definition, so that everything resolves as it did.

use std::ops::Range;

use pilotlight_syntax::{Language, Parameter};

use super::DefinitionChange;

/// See the module. Its bytes are those of the old text where nothing else has changed.
#[derive(Debug)]
pub(super) struct Restored {
    pub(super) text: String,
    /// Parameters that have another name now: where the old one stands, and the new one.
    pub(super) parameters: Vec<(Range<usize>, String)>,
    /// Where old names stand, and how long what was there is.
    places: Vec<(Range<usize>, usize)>,
}

impl Restored {
    /// Of the text as it is `now`.
    pub(super) fn new(now: &str, language: Language, change: &DefinitionChange) -> Self {
        let mut names = vec![(change.name_range.clone(), change.old_name.as_str(), None)];
        let renamed = change.parameters.iter().flat_map(|parameters| parameters.pairs());
        names.extend(renamed.filter_map(|(old, new)| {
            // In Go a parameter may have a type alone.
            let unnamed = |it: &Parameter| language == Language::Go && it.type_text.as_ref() == Some(&it.name);
            if unnamed(old) || unnamed(new) {
                return None;
            }
            let (was, is) = (name(&old.name)?, name(&new.name)?);
            let range = new.range.end.checked_sub(is.len())?..new.range.end;
            (now.get(range.clone()) == Some(is)).then_some((range, was, Some(is)))
        }));
        names.sort_by_key(|(range, ..)| range.start);
        let mut restored = Self { text: String::new(), parameters: Vec::new(), places: Vec::new() };
        let mut end = 0;
        for (range, old, parameter) in names {
            if now[range.clone()] == *old {
                continue;
            }
            restored.text += &now[end..range.start];
            let place = restored.text.len()..restored.text.len() + old.len();
            restored.text += old;
            end = range.end;
            restored.parameters.extend(parameter.map(|new| (place.clone(), new.to_owned())));
            restored.places.push((place, range.len()));
        }
        restored.text += &now[end..];
        restored
    }

    /// Where byte `at` of the restored text is now.
    pub(super) fn now(&self, at: usize) -> usize {
        let before = self.places.iter().take_while(|(place, _)| place.end <= at);
        before.fold(at, |at, (place, len)| at + len - place.len())
    }

    /// Whether an old name stands in these bytes that is not there now.
    pub(super) fn holds(&self, range: &Range<usize>) -> bool {
        self.places.iter().any(|(place, _)| range.start < place.end && place.start < range.end)
    }
}

/// The name of a parameter that is no other pattern.
fn name(pattern: &str) -> Option<&str> {
    let name = pattern.trim_start_matches("mut ").trim_start();
    (!name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '$'))).then_some(name)
}
