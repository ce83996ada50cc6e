//! The plan: a window of the open file within a budget, excerpts of the rest of the workspace, laid out by a family.

use pilotlight_syntax::Snapshot;

use crate::{
    Anchor, Excerpt, Family, Order, Plan, Surroundings,
    anchor::MOST_TYPED,
    planner,
    planner::Choice,
    secrets, sources,
    sources::Here,
    window::{Chunk, TOKEN_BYTES, Window},
};

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

/// The rest of the workspace, as a plan sees it.
#[derive(Clone, Copy, Debug)]
pub struct Repository<'a> {
    /// Names the workspace.
    pub name: &'a str,
    /// What there is to show.
    pub around: Surroundings<'a>,
    /// Tokens for all of it.
    pub budget: usize,
    /// The last plan's excerpts and its [`Plan::line_start`], of the same document.
    pub kept: Option<(&'a [Excerpt], usize)>,
}

/// Plans the prompt that asks `family`'s model for the text at the cursor, of the open file alone. The same input gives the same plan.
pub fn plan(family: &Family, input: Input<'_>, budget: Budget, counter: &dyn TokenCounter) -> Plan {
    plan_with(family, input, budget, None, counter)
}

/// As [`plan`], with excerpts of the rest of the workspace where there is a budget for them and the family knows how.
///
/// While a person types on one line (or behind a frozen anchor) the excerpts stay as they are, so that each keystroke costs what it did without them.
pub fn plan_with(
    family: &Family,
    input: Input<'_>,
    budget: Budget,
    repository: Option<Repository<'_>>,
    counter: &dyn TokenCounter,
) -> Plan {
    let Input { path, snapshot, cursor, anchor: last } = input;
    let cursor = cursor.min(snapshot.rope().len_bytes());
    let line_start = snapshot.line_at(cursor).start;
    let before = last.map(|anchor| &anchor.window);
    let (anchor, typed, frozen) = match family.order {
        Order::Spm => {
            let window = Window::around(snapshot, cursor..cursor, budget, before, counter);
            (Anchor { window, at: cursor }, String::new(), false)
        }
        Order::Psm => last
            .and_then(|anchor| Some((anchor.clone(), anchor.typed_since(snapshot, cursor, counter)?, true)))
            .unwrap_or_else(|| {
                // The line's start is a border between tokens whatever is typed on the line; but what stands behind the marker is in no budget.
                let at = if cursor - line_start <= MOST_TYPED * TOKEN_BYTES { line_start } else { cursor };
                let window = Window::around(snapshot, at..cursor, budget, before, counter);
                (Anchor { window, at }, snapshot.slice(at..cursor), false)
            }),
    };
    let (window, typed) = masked(snapshot, cursor, &anchor.window, &typed);
    let mut segments = (family.layout)(path, &window, &typed);
    let (mut excerpts, mut left_out) = (Vec::new(), Vec::new());
    if let (Some(with_excerpts), Some(repository)) = (family.with_excerpts, repository.filter(|it| it.budget > 0)) {
        let kept = repository.kept;
        (excerpts, left_out) = match kept {
            Some((kept, at)) if frozen || at == line_start => (kept.to_vec(), Vec::new()),
            _ => {
                let here = Here { path, snapshot, cursor, lines: lines_of(&anchor.window, &typed) };
                let candidates = sources::propose(&here, &repository.around, repository.budget);
                let choice = Choice {
                    candidates: &candidates,
                    kept: kept.map_or(&[], |(kept, _)| kept),
                    warm_tail: warm_tail(family.order, last, &anchor, counter),
                    budget: repository.budget,
                    window: &text_of(&window),
                };
                planner::choose(choice, counter)
            }
        };
        segments = with_excerpts(repository.name, &excerpts, segments);
    }
    Plan { segments, anchor, excerpts, line_start, left_out }
}

/// The tokens of the open file that the last plan left in the cache, if what stands before them stays: the common beginning in the order of the prompt.
fn warm_tail(order: Order, last: Option<&Anchor>, now: &Anchor, counter: &dyn TokenCounter) -> usize {
    let Some(last) = last else { return 0 };
    let in_order = |anchor: &Anchor| -> Vec<Chunk> {
        let (first, second) = match order {
            Order::Spm => (&anchor.window.suffix, &anchor.window.prefix),
            Order::Psm => (&anchor.window.prefix, &anchor.window.suffix),
        };
        first.iter().chain(second).cloned().collect()
    };
    let (last, now) = (in_order(last), in_order(now));
    let common = last.iter().zip(&now).take_while(|(last, now)| last == now);
    common.map(|(chunk, _)| counter.count(&chunk.text)).sum()
}

/// The lines that the window has, the end excluded.
fn lines_of(window: &Window, typed: &str) -> std::ops::Range<usize> {
    let count = |chunk: &Chunk| chunk.text.lines().count().max(1);
    let first = window.prefix.first().map_or(0, |chunk| chunk.line);
    let before = window.prefix.last().map_or(first, |chunk| chunk.line + count(chunk)) + typed.lines().count();
    first..window.suffix.last().map_or(before, |chunk| chunk.line + count(chunk)).max(before)
}

fn text_of(window: &Window) -> String {
    window.prefix.iter().chain(&window.suffix).map(|chunk| chunk.text.as_str()).collect()
}

/// The window and what was typed, with every secret masked at its length. The cursor may stand inside of one, and the window may begin inside of one: these lines are
/// looked at whole.
fn masked(snapshot: &Snapshot, cursor: usize, window: &Window, typed: &str) -> (Window, String) {
    let mut window = window.clone();
    let mut typed = typed.to_owned();
    let line = snapshot.line_at(cursor);
    let text = snapshot.slice(line.clone());
    for secret in secrets::secrets(&text) {
        let (start, end) = (line.start + secret.start, line.start + secret.end);
        // What stands left of the cursor ends the prefix, or what was typed; what stands right of it begins the suffix.
        let left = end.min(cursor).saturating_sub(start);
        let gap = cursor.saturating_sub(end);
        let last =
            if typed.is_empty() { window.prefix.last_mut().map(|chunk| &mut chunk.text) } else { Some(&mut typed) };
        if let Some(last) = last {
            mask_before_end(last, gap, left);
        }
        let right = end.saturating_sub(start.max(cursor));
        let skip = start.saturating_sub(cursor);
        if let Some(first) = window.suffix.first_mut()
            && snapshot.slice(cursor..line.end).len() >= skip + right
            && first.text.starts_with(&snapshot.slice(cursor..cursor + skip + right))
        {
            mask_after_start(&mut first.text, skip, right);
        }
    }
    // A line that is longer than the budget is cut, perhaps between a secret and the name that tells of it.
    let bytes = window.prefix.iter().map(|chunk| chunk.text.len()).sum::<usize>() + typed.len();
    if let (Some(begin), Some(first)) = (cursor.checked_sub(bytes), window.prefix.first_mut()) {
        let line = snapshot.line_at(begin);
        let whole = if begin > line.start { snapshot.slice(line.clone()) } else { String::new() };
        for secret in secrets::secrets(&whole) {
            let start = (line.start + secret.start).max(begin) - begin;
            let end = (line.start + secret.end).saturating_sub(begin).min(first.text.len());
            mask_after_start(&mut first.text, start, end.saturating_sub(start));
        }
    }
    let mask = |text: &mut String| {
        if let std::borrow::Cow::Owned(masked) = secrets::masked(text) {
            *text = masked;
        }
    };
    window.prefix.iter_mut().chain(&mut window.suffix).for_each(|chunk| mask(&mut chunk.text));
    mask(&mut typed);
    (window, typed)
}

/// Masks `count` bytes that end `gap` bytes before the end of `text`.
fn mask_before_end(text: &mut String, gap: usize, count: usize) {
    let Some(end) = text.len().checked_sub(gap) else { return };
    let start = end.saturating_sub(count);
    if text.is_char_boundary(start) && text.is_char_boundary(end) {
        text.replace_range(start..end, &"*".repeat(end - start));
    }
}

/// Masks `count` bytes from byte `skip` of `text` on.
fn mask_after_start(text: &mut String, skip: usize, count: usize) {
    if text.is_char_boundary(skip) && text.is_char_boundary(skip + count) {
        text.replace_range(skip..skip + count, &"*".repeat(count));
    }
}
