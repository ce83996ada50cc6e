//! What a person sees of `pilotlight try`: the line being typed, the ghost text behind it, and what it cost.

use std::io::{IsTerminal, Write};

use super::summary::{Event, Report};

/// Columns for the line and its ghost text.
const WIDTH: usize = 76;

/// Writes to standard output; in colours where that is a terminal.
pub(super) struct View {
    colours: bool,
}

impl View {
    pub(super) fn new() -> Self {
        Self { colours: std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() }
    }

    pub(super) fn open(&self, file: &str, model: &str, characters: usize) {
        println!("Typing {characters} characters into {file}; ghost text by {model}, on this machine.");
        let (dim, plain) = self.dim();
        println!(
            "{dim}{:<WIDTH$}  {:>8}  {:>9} {:>7}{plain}",
            "typed, and what is suggested", "ms", "prefilled", "reused"
        );
    }

    /// One keystroke: `line` is the cursor's line up to the cursor.
    pub(super) fn keystroke(&self, line: &str, event: &Event) {
        let ghost = event.ghost.as_deref().unwrap_or_default();
        let first = ghost.lines().next().unwrap_or_default();
        let more = ghost.lines().count().saturating_sub(1);
        let more = if more > 0 { format!(" (+{more} lines)") } else { String::new() };
        let line = line.trim_end_matches(['\r', '\n']);
        let typed = last_columns(line, WIDTH * 2 / 3);
        let mark = if self.colours { "" } else { "|" };
        let room = WIDTH.saturating_sub(typed.chars().count() + mark.len());
        let shown: String = format!("{first}{more}").chars().take(room).collect();
        let fill = room - shown.chars().count();
        let (dim, plain) = self.dim();
        let cost = match (event.asked, &event.ghost) {
            (true, _) => format!("{:>8.1}  {:>9} {:>7}", event.ms, event.prefilled, event.reused),
            (false, Some(_)) => format!("{:>8.1}  {:>17}", event.ms, "as suggested"),
            (false, None) => format!("{:>8.1}  {:>17}", event.ms, "not asked"),
        };
        println!("{typed}{mark}{dim}{shown}{:fill$}  {cost}{plain}", "");
        // A person watches: nothing may wait in a buffer.
        let _ = std::io::stdout().flush();
    }

    pub(super) fn close(&self, report: &Report) {
        let summary = &report.summary;
        println!("\n{} keystrokes, ghost text after {} of them", summary.keystrokes, summary.shown);
        if let (Some(first), Some(p50), Some(p95)) = (summary.first_ms, summary.p50_ms, summary.p95_ms) {
            println!("  first ghost text    {first:.0} ms after the process started");
            println!("  keystroke to ghost  p50 {p50:.0} ms, p95 {p95:.0} ms");
        }
        println!(
            "  tokens prefilled    median {}, mean {:.1} a request; {:.1} % of the prompt came from the cache",
            summary.prefilled_median,
            summary.prefilled_mean,
            summary.reused_share * 100.0
        );
        println!(
            "  saved               {:.1} % of the key presses, had right words been accepted",
            summary.saved_share * 100.0
        );
        println!("  model               {}", summary.model);
    }

    fn dim(&self) -> (&'static str, &'static str) {
        if self.colours { ("\x1b[2m", "\x1b[0m") } else { ("", "") }
    }
}

/// The end of `line` that fits, tabs as four blanks.
fn last_columns(line: &str, columns: usize) -> String {
    let line: Vec<char> = line.replace('\t', "    ").chars().collect();
    line[line.len().saturating_sub(columns)..].iter().collect()
}
