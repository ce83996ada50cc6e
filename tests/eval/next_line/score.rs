//! How good a written line is.

use anyhow::{Result, ensure};
use serde_json::Value;
use similar::TextDiff;

use crate::package::Hidden;

/// How far a share may be from the committed one: two lines of some hundred turn over where another processor rounds otherwise.
const TOLERANCE: f64 = 0.02;

/// What was written in the place of the hidden line.
#[derive(Clone)]
pub(crate) struct Line {
    pub(crate) text: String,
    /// Of the model; 0 for a baseline.
    pub(crate) tokens: usize,
    /// Whether it came to the end of the line, or of all it had to say.
    pub(crate) ended: bool,
    /// The geometric mean of its tokens' probabilities; of a baseline 0.
    pub(crate) confidence: f32,
}

/// Sums over lines.
#[derive(Clone, Debug, Default)]
pub(crate) struct Score {
    lines: usize,
    exact: usize,
    similarity: f64,
    valid: usize,
    ended: usize,
    tokens: usize,
}

impl Score {
    /// Of one line, of which `truth` stood there: exact but for blanks at the end; similar by the share of characters in common; valid where the file has no more syntax errors
    /// with it than with what stood there.
    pub(crate) fn of(hidden: &Hidden, truth: &str, line: Line) -> Self {
        let text = line.text.trim_end();
        let errors = |text: &str| {
            let with = hidden.snapshot.with_replaced(hidden.cursor..hidden.cursor, text);
            with.syntax_errors(0..with.rope().len_bytes())
        };
        Self {
            lines: 1,
            exact: usize::from(text == truth),
            similarity: f64::from(TextDiff::from_chars(text, truth).ratio()),
            valid: usize::from(errors(text) <= errors(truth)),
            ended: usize::from(line.ended),
            tokens: line.tokens,
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.lines += other.lines;
        self.exact += other.exact;
        self.similarity += other.similarity;
        self.valid += other.valid;
        self.ended += other.ended;
        self.tokens += other.tokens;
    }

    pub(crate) fn lines(&self) -> usize {
        self.lines
    }

    pub(crate) fn exact(&self) -> f64 {
        self.share(self.exact as f64)
    }

    pub(crate) fn similarity(&self) -> f64 {
        self.share(self.similarity)
    }

    pub(crate) fn valid(&self) -> f64 {
        self.share(self.valid as f64)
    }

    pub(crate) fn ended(&self) -> f64 {
        self.share(self.ended as f64)
    }

    pub(crate) fn tokens(&self) -> f64 {
        self.share(self.tokens as f64)
    }

    fn share(&self, sum: f64) -> f64 {
        share(sum, self.lines)
    }
}

/// `sum` over `of`, in thousandths.
pub(crate) fn share(sum: f64, of: usize) -> f64 {
    (sum / of.max(1) as f64 * 1000.0).round() / 1000.0
}

/// That two tables of the same lines say the same.
pub(crate) fn same(found: &Value, expected: &Value) -> Result<()> {
    ensure!(found["holes"] == expected["holes"], "{} lines, expected {}", found["holes"], expected["holes"]);
    let figures = ["next_line_exact", "next_line_exact_file_only", "edit_similarity", "valid", "ended_the_line"];
    let recalling = ["next_line_exact", "next_line_exact_file_only", "recalled", "recalled_exact"];
    let all =
        figures.map(|name| format!("/{name}")).into_iter().chain(recalling.map(|name| format!("/with_recall/{name}")));
    for name in all {
        let figure = |table: &Value| table.pointer(&name).and_then(Value::as_f64).unwrap_or(f64::NAN);
        let (found, expected) = (figure(found), figure(expected));
        let near = (found - expected).abs() <= TOLERANCE;
        ensure!(near, "{name}: {found}, expected {expected} as committed (tests/eval/next_line/run makes it anew)");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_table_is_the_same_within_what_rounding_does() {
        let table = |exact: f64, holes: usize| {
            let recall = json!({ "next_line_exact": 0.2, "next_line_exact_file_only": 0.1, "recalled": 0.3, "recalled_exact": 0.6 });
            json!({ "holes": holes, "next_line_exact": exact, "next_line_exact_file_only": 0.1, "edit_similarity": 0.3, "valid": 0.9, "ended_the_line": 1.0, "with_recall": recall })
        };
        assert!(same(&table(0.11, 96), &table(0.1, 96)).is_ok());
        let error = same(&table(0.2, 96), &table(0.1, 96)).unwrap_err().to_string();
        assert!(error.starts_with("/next_line_exact: 0.2, expected 0.1"), "{error}");
        assert!(same(&table(0.1, 95), &table(0.1, 96)).is_err());
        assert!(same(&json!({ "holes": 96 }), &table(0.1, 96)).is_err());
    }
}
