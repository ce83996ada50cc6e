//! A line from a place like the cursor's: a draft of what the model will say, and, where that is wanted, shown in its place where it is the better answer.

use pilotlight_context::{
    lines::is_closers,
    recall::{Guess, Recall},
};

use super::{
    Completion, CompletionId, CompletionRequest, Explanation, Last, Reach, RecalledReport, Surrounded, extent::Extent,
};

/// A guess for the rest of the cursor's line that could be shown.
pub(super) struct Recalled {
    /// As it would be shown.
    pub(super) completion: Completion,
    guess: Guess,
}

/// The best guess for the rest of the cursor's line, if there is one. `last` keeps what is remembered of the line.
pub(super) fn guess(request: &CompletionRequest, surrounded: &Surrounded<'_>, last: &mut Last) -> Option<Guess> {
    let (snapshot, cursor) = (&request.snapshot, request.cursor);
    let line = snapshot.line_at(cursor);
    if !is_closers(&snapshot.slice(cursor..line.end)) {
        return None;
    }
    let reading = surrounded.indexing.read(surrounded.roots.clone());
    let around = surrounded.around(&reading);
    last.recall = Recall::at(snapshot, cursor, &surrounded.path, Some(&around), &last.recall);
    drop(reading);
    last.recall.guess(snapshot.slice(line.start..cursor).trim_start())
}

impl Recalled {
    /// `guess` as it would be shown, if it may stand there.
    pub(super) fn of(request: &CompletionRequest, guess: Guess, reach: Reach) -> Option<Self> {
        let here = request.snapshot.around(request.cursor);
        let (range, text) = Extent::new(&here, request.cursor, reach).finish(&guess.rest, true).ok()?;
        Some(Self { completion: Completion { id: CompletionId(0), range, text }, guess })
    }

    /// Whether the model need not be asked.
    pub(super) fn is_certain(&self) -> bool {
        self.guess.is_certain()
    }

    /// Whether it is to be shown in the place of what the model wrote; where that is nothing to show, if it is right in a share of `least` cases.
    pub(super) fn is_better(
        &self,
        written: &Result<Completion, &'static str>,
        explanation: &Explanation,
        least: f32,
    ) -> bool {
        let likely = || explanation.confidence.map_or(0.0, |confidence| confidence.powf(explanation.decoded as f32));
        match written {
            // The model says the same, and may go on.
            Ok(written) if written.text.starts_with(&self.completion.text) => false,
            Ok(_) => self.guess.beats(likely()),
            Err(_) => self.guess.sureness >= least,
        }
    }

    pub(super) fn report(&self) -> RecalledReport {
        let Guess { of, sureness, .. } = &self.guess;
        RecalledReport { path: of.path.to_string(), line: of.line, renamed: of.renamed, sureness: *sureness }
    }
}
