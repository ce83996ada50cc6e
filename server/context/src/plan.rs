//! The plan of one file: a window within a budget, laid out by a family.

use pilotlight_syntax::Snapshot;

use crate::{Anchor, Family, Order, Plan, window::Window};

/// Counts tokens as the loaded model would: `assist` implements it over the engine's tokenizer, tests by words.
pub trait TokenCounter {
    /// How many tokens `text` is when tokenised by itself.
    fn count(&self, text: &str) -> usize;
}

/// Tokens to spend on each side of the cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Before the cursor.
    pub prefix: usize,
    /// After it.
    pub suffix: usize,
}

impl Budget {
    /// Shares `total` tokens: four fifths before the cursor, which decides what comes next; one fifth after it, which decides where it must end.
    pub fn shared(total: usize) -> Self {
        Self { prefix: total - total / 5, suffix: total / 5 }
    }
}

/// What is planned for.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The file as the prompt names it: relative to the workspace, with forward slashes.
    pub path: &'a str,
    /// Its state.
    pub snapshot: &'a Snapshot,
    /// Byte offset of the cursor.
    pub cursor: usize,
    /// The last plan's anchor, so that this prompt begins as the cache has it.
    pub anchor: Option<&'a Anchor>,
}

/// Plans the prompt that asks `family`'s model for the text at the cursor. The same input gives the same plan.
pub fn plan(family: &Family, input: Input<'_>, budget: Budget, counter: &dyn TokenCounter) -> Plan {
    let Input { path, snapshot, cursor, anchor } = input;
    let cursor = cursor.min(snapshot.rope().len_bytes());
    let head = anchor.and_then(Anchor::head);
    let (anchor, typed) = match family.order {
        Order::Spm => {
            let window = Window::around(snapshot, cursor..cursor, budget, head, counter);
            (Anchor { window, at: cursor }, String::new())
        }
        Order::Psm => anchor
            .and_then(|anchor| Some((anchor.clone(), anchor.typed_since(snapshot, cursor, counter)?)))
            .unwrap_or_else(|| {
                // The line's start is a border between tokens whatever is typed on the line.
                let at = snapshot.line_at(cursor).start;
                let window = Window::around(snapshot, at..cursor, budget, head, counter);
                (Anchor { window, at }, snapshot.slice(at..cursor))
            }),
    };
    Plan { segments: (family.layout)(path, &anchor.window, &typed), anchor }
}
