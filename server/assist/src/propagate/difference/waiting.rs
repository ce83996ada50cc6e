//! The changes of a document that still wait when one of them has been carried: they are named, and stay to be seen.

use std::ops::Range;

use pilotlight_syntax::{Document, Snapshot};

use super::{Comparison, DefinitionChange, State};

/// The names of all `changes` but the one that is carried, as they are called once it is.
pub fn still_waiting(changes: &[DefinitionChange], carried: &DefinitionChange) -> Vec<String> {
    let others = changes.iter().filter(|change| change.name_range != carried.name_range);
    let container = |change: &DefinitionChange| match &change.container {
        Some(of) if *of == carried.old_name => Some(carried.new_name.clone()),
        of => of.clone(),
    };
    others.map(|change| name(change, container(change))).collect()
}

/// The names of changes that wait while others are settled that rename nothing these are in.
pub(crate) fn names(changes: &[&DefinitionChange]) -> Vec<String> {
    changes.iter().map(|change| name(change, change.container.clone())).collect()
}

/// A change by what it does, wherever it stands.
fn name(change: &DefinitionChange, container: Option<String>) -> String {
    let parameters = change.parameters.iter().flat_map(|it| &it.new.parameters).map(|it| &*it.name);
    let (old, new) = (&change.old_name, &change.new_name);
    format!("{}.{old} {new}({})", container.unwrap_or_default(), parameters.collect::<Vec<_>>().join(", "))
}

/// The text `new`, with the definitions whose changes since `old` are named in `waiting` as they were: of what has changed, that alone is seen from there.
pub(crate) fn settled(old: &Snapshot, new: &Snapshot, waiting: &[String]) -> Snapshot {
    let compared = Comparison::new(old, new);
    let Comparison { before, after, .. } = &compared;
    let mut undone: Vec<(Range<usize>, String)> = Vec::new();
    for (from, to, change) in compared.changed() {
        if !waiting.contains(&name(&change, change.container.clone())) {
            continue;
        }
        let (was, is) = (&before.items[from], &after.items[to]);
        undone.push((is.name_range.clone(), was.name.clone()));
        let (earlier, later) = (before.signature_head(from), after.signature_head(to));
        match (earlier, later) {
            (Some(earlier), Some(later)) if change.parameters.is_some() || change.shape.is_some() => {
                undone.push((later, old.slice(earlier)));
                if change.shape.is_some() {
                    // `async` stands before the name.
                    let lead = was.range.start..was.name_range.start;
                    undone.push((is.range.start..is.name_range.start, old.slice(lead)));
                }
            }
            (None, None) if change.shape.is_some() => {
                undone.push((is.name_range.end..is.range.end, before.rest(from)));
            }
            _ => {}
        }
    }
    undone.sort_by_key(|(range, _)| (range.start, range.end));
    let mut text = new.rope().to_string();
    let mut start = text.len();
    for (range, old) in undone.into_iter().rev() {
        if range.start <= range.end && range.end <= start {
            start = range.start;
            text.replace_range(range, &old);
        }
    }
    Document::open(new.language(), 0, &text).snapshot()
}

impl State<'_> {
    /// Of a function: its parameters, and what it gives.
    fn signature_head(&self, at: usize) -> Option<Range<usize>> {
        let item = &self.items[at];
        let list = self.sites.signature(&item.name_range)?.list.clone();
        let rest = self.snapshot.slice(list.end..item.range.end.max(list.end));
        Some(list.start..list.end + self.head_end(&rest))
    }
}
