//! The figures of `pilotlight try`: one event a request, and their summary.

use serde::Serialize;

/// One request for ghost text and its answer.
#[derive(Debug, Serialize)]
pub(super) struct Event {
    /// Counted from 1.
    pub(super) keystroke: usize,
    /// What the keystroke typed (Enter types the next line's indentation too, as an editor does).
    pub(super) typed: String,
    /// The ghost text on the screen after it.
    pub(super) ghost: Option<String>,
    /// Whether the engine was asked (it is not while the person types what the ghost text says).
    pub(super) asked: bool,
    /// Whether the keystroke typed on at the cursor on the same line, and the last request was answered.
    pub(super) extends: bool,
    /// Characters typed since the engine was last asked.
    pub(super) typed_since_asked: usize,
    /// From the keystroke to the answer.
    pub(super) ms: f64,
    /// Prompt tokens computed.
    pub(super) prefilled: usize,
    /// Prompt tokens found in the KV cache.
    pub(super) reused: usize,
    /// Tokens decoded.
    pub(super) decoded: usize,
    /// Why there is no ghost text.
    pub(super) nothing_because: Option<String>,
}

/// Everything that `--json` prints.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) summary: Summary,
    pub(super) events: Vec<Event>,
}

/// The figures of one run. Milliseconds run from the keystroke to the answer with ghost text; tokens are counted over the requests that asked the engine.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    pub(super) keystrokes: usize,
    /// Requests answered with ghost text.
    pub(super) shown: usize,
    /// From the start of the process to the first ghost text.
    pub(super) first_ms: Option<f64>,
    pub(super) p50_ms: Option<f64>,
    pub(super) p95_ms: Option<f64>,
    pub(super) prefilled_median: f64,
    pub(super) prefilled_mean: f64,
    /// Reused over all prompt tokens.
    pub(super) reused_share: f64,
    /// Key presses that accepting whole words of right ghost text would have saved, of all characters typed.
    pub(super) saved_share: f64,
    pub(super) model: String,
    pub(super) file: String,
}

impl Summary {
    /// `target` is the whole text that was typed, in the keystrokes of `events`.
    pub(super) fn new(events: &[Event], first_ms: Option<f64>, model: String, file: String) -> Self {
        let asked = || events.iter().filter(|event| event.asked);
        let mut shown: Vec<f64> = events.iter().filter(|event| event.ghost.is_some()).map(|event| event.ms).collect();
        let mut prefilled: Vec<f64> = asked().map(|event| event.prefilled as f64).collect();
        let reused: usize = asked().map(|event| event.reused).sum();
        let computed: usize = asked().map(|event| event.prefilled).sum();
        shown.sort_by(f64::total_cmp);
        prefilled.sort_by(f64::total_cmp);
        Self {
            keystrokes: events.len(),
            shown: shown.len(),
            first_ms,
            p50_ms: quantile(&shown, 0.5),
            p95_ms: quantile(&shown, 0.95),
            prefilled_median: quantile(&prefilled, 0.5).unwrap_or(0.0),
            // The sum of nothing is -0.
            prefilled_mean: prefilled.iter().fold(0.0, |sum, tokens| sum + tokens) / prefilled.len().max(1) as f64,
            reused_share: reused as f64 / (reused + computed).max(1) as f64,
            saved_share: saved_share(events),
            model,
            file,
        }
    }
}

/// Walks the typed text and takes, wherever ghost text is right, as many of its whole words as are right for one key press.
fn saved_share(events: &[Event]) -> f64 {
    let typed: Vec<char> = events.iter().flat_map(|event| event.typed.chars()).collect();
    let mut saved = 0;
    let mut at = 0;
    // Characters up to which accepted ghost text has brought the person.
    let mut reached = 0;
    for event in events {
        at += event.typed.chars().count();
        let Some(ghost) = event.ghost.as_deref().filter(|_| at >= reached) else { continue };
        let right = words_right(ghost, &typed[at..]);
        if right > 1 {
            saved += right - 1;
            reached = at + right;
        }
    }
    saved as f64 / typed.len().max(1) as f64
}

/// The length, in characters, of the longest beginning of `ghost` that ends with a word and is what was typed next.
fn words_right(ghost: &str, next: &[char]) -> usize {
    let ghost: Vec<char> = ghost.chars().collect();
    let common = ghost.iter().zip(next).take_while(|(a, b)| a == b).count();
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    (1..=common)
        .rev()
        .find(|&end| !(is_word(ghost[end - 1]) && ghost.get(end).or(next.get(end)).is_some_and(|&c| is_word(c))))
        .unwrap_or(0)
}

/// The `q` quantile of sorted figures, nearest rank.
fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let rank = (q * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(typed: &str, ghost: Option<&str>) -> Event {
        Event {
            keystroke: 0,
            typed: typed.to_owned(),
            ghost: ghost.map(str::to_owned),
            asked: true,
            extends: true,
            typed_since_asked: 1,
            ms: 1.0,
            prefilled: 1,
            reused: 9,
            decoded: 1,
            nothing_because: None,
        }
    }

    #[test]
    fn only_whole_right_words_count_and_each_accept_costs_a_key() {
        // `l`, then "et x" is offered and right: 4 characters for one key; while they would be typed, later ghosts do not count.
        let events =
            [event("l", Some("et x")), event("e", Some("t x")), event("t", None), event(" ", None), event("x", None)];
        assert!((saved_share(&events) - 3.0 / 5.0).abs() < 1e-9);
        // "xy" is only half right, and a word half right saves nothing.
        assert_eq!(words_right("xy", &['x', ' ']), 0);
        assert_eq!(words_right("foo(bar", &['f', 'o', 'o', '(', 'z']), 4);
        assert_eq!(words_right("fo", &['f', 'o', 'o']), 0);
    }

    #[test]
    fn quantiles_are_nearest_rank() {
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(quantile(&[1.0], 0.95), Some(1.0));
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 0.5), Some(2.0));
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 0.95), Some(4.0));
    }
}
