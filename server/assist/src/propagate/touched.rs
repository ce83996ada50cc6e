//! Calls that have been changed by hand since their document was settled: what they give is not told by the old parameters any more.

use std::{cell::OnceCell, ops::Range, time::Duration};

use similar::{DiffOp, TextDiff};

use super::view::View;

/// Why such a call is to be looked at.
pub(super) const BY_HAND: &str = "it was changed by hand";

/// More time than this is not spent on comparing two states.
const TIME: Duration = Duration::from_millis(500);

/// A text as it was when it was settled, and what has become of its lines.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    pub(super) text: Option<String>,
    lines: OnceCell<Vec<DiffOp>>,
}

impl Earlier {
    pub(super) fn new(text: Option<String>) -> Self {
        Self { text, lines: OnceCell::new() }
    }
}

impl View {
    /// Whether the call with these bytes is another than when the text was settled.
    pub(super) fn is_by_hand(&self, call: Range<usize>, name: &str) -> bool {
        let Some(earlier) = &self.earlier.text else { return false };
        let line = |at: usize| self.snapshot.rope().byte_to_line(at);
        let lines = line(call.start)..line(call.end) + 1;
        let operations = self.earlier.lines.get_or_init(|| {
            let mut comparison = TextDiff::configure();
            comparison.timeout(TIME).diff_lines(earlier, &self.text).ops().to_vec()
        });
        let here = |operation: &&DiffOp| {
            let of = operation.new_range();
            of.start < lines.end && lines.start < of.end
        };
        let changed = operations.iter().filter(here).filter(|operation| !matches!(operation, DiffOp::Equal { .. }));
        let (mut old, mut new) = (Vec::new(), lines.clone());
        let mut same = true;
        for operation in changed {
            same = false;
            old.extend(earlier.split('\n').skip(operation.old_range().start).take(operation.old_range().len()));
            new = new.start.min(operation.new_range().start)..new.end.max(operation.new_range().end);
        }
        if same {
            return false;
        }
        // Something else was changed beside it: it is the only one there, and was there.
        let calls = self.sites.calls.iter().filter(|it| self.text[it.name.clone()] == *name);
        let alone = calls.filter(|it| new.contains(&line(it.name.start))).count() < 2;
        !alone || old.join("\n").matches(&self.text[call]).count() != 1
    }
}
