//! Fixes: what a compiler or a linter says is wrong, mended in its file.

use super::{Action, Answer, How, When};

/// See the module.
pub(super) static ACTIONS: [Action; 1] = [Action {
    id: "fix",
    title: "Fix: {}",
    when: When::Diagnostics,
    how: How::Ask(
        |_| Some("Mend what the diagnostics say, with as few changes as that takes.".to_owned()),
        Answer::Edits,
    ),
}];
