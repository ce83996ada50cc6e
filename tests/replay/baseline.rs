//! The baseline: llama.vim's way of asking, against genuine llama-server.
//!
//! Written anew from what llama.vim (January 2026) does: 256 lines before and 64 behind the cursor, a ring of 16 chunks picked when buffers change or the
//! cursor travels and warmed up when the person rests, hints kept and found again up to 128 characters later, and, once a hint is shown, a request for
//! what follows it.

mod hints;
mod ring;
mod wire;

use std::time::Instant;

use anyhow::Result;

use crate::{
    dice::Dice,
    driver::{Answer, Cost, Part, Peer, View},
    editor::Edit,
};
use hints::Hints;
use ring::Ring;
use wire::{Completed, Prompt};
pub(crate) use wire::{Format, LlamaServer};

/// Lines of the document that are sent.
const PREFIX_LINES: usize = 256;
const SUFFIX_LINES: usize = 64;
/// Characters right of the cursor beyond which nothing is asked.
const MOST_RIGHT: usize = 8;
/// Milliseconds for decoding: the first request is short, the one ahead has time.
const FIRST_MS: u32 = 250;
const AHEAD_MS: u32 = 1000;

/// An editor with llama.vim.
pub(crate) struct LlamaVim {
    server: LlamaServer,
    ring: Ring,
    hints: Hints,
    dice: Dice,
    asked: usize,
    /// The prompt of the last request in the foreground.
    last: Option<Prompt>,
    /// Milliseconds of the plugin's own requests that are still to run when the next key comes: it waits for them.
    backlog: f64,
    /// Tokens that those requests computed.
    pub(crate) background: usize,
    /// Whether the document was changed since it was written.
    modified: bool,
}

impl LlamaVim {
    pub(crate) fn new(server: LlamaServer) -> Self {
        Self {
            server,
            ring: Ring::new(),
            hints: Hints::default(),
            dice: Dice::new(1),
            asked: 0,
            last: None,
            backlog: 0.0,
            background: 0,
            modified: false,
        }
    }

    fn next_dice(&mut self) -> Dice {
        self.asked += 1;
        self.dice.at(self.asked)
    }

    /// Picks a chunk around the cursor, where the buffer is as written.
    fn pick_here(&mut self, view: View<'_>) {
        let dice = self.next_dice();
        let lines = Lines::of(view);
        self.ring.pick(&lines.around(ring::CHUNK_LINES / 2), view.path, true, dice);
    }

    /// Picks chunks beyond the window when the cursor has travelled.
    fn pick_far(&mut self, view: View<'_>) {
        let lines = Lines::of(view);
        if self.ring.travelled(lines.line) {
            let above = lines.between(lines.line.saturating_sub(1024), lines.line.saturating_sub(PREFIX_LINES));
            let dice = self.next_dice();
            self.ring.pick(&above, view.path, false, dice);
            let first = lines.line + SUFFIX_LINES;
            let dice = self.next_dice();
            self.ring.pick(&lines.between(first, first + ring::CHUNK_LINES), view.path, false, dice);
        }
    }

    /// Asks for what follows the hint that is shown, if it is not known yet.
    async fn ask_ahead(&mut self, view: View<'_>, hint: &str) -> Result<()> {
        let mut text = view.text.to_owned();
        text.insert_str(view.cursor, hint);
        let ahead = View { text: &text, cursor: view.cursor + hint.len(), ..view };
        let prompt = Prompt::around(ahead, self.ring.extra());
        if self.hints.has(&prompt) {
            return Ok(());
        }
        let completed = self.server.complete(&prompt, AHEAD_MS).await?;
        self.hints.insert(&prompt, completed.content);
        self.background += completed.prefilled;
        self.backlog += completed.took;
        Ok(())
    }

    /// Where the cache ended, by what differs from the last prompt. Prefix first: whatever is typed stands before the suffix.
    fn broken(&self, prompt: &Prompt) -> Part {
        let Some(last) = &self.last else { return Part::Suffix };
        let top = |prompt: &Prompt| prompt.prefix.lines().next().map(str::to_owned);
        if last.extra != prompt.extra {
            Part::Extra
        } else if top(last) != top(prompt) {
            Part::Window
        } else {
            Part::Suffix
        }
    }
}

impl Peer for LlamaVim {
    async fn open(&mut self, path: &str, text: &str) -> Result<()> {
        self.modified = false;
        self.pick_here(View { path, text, cursor: 0 });
        Ok(())
    }

    async fn focus(&mut self, from: View<'_>, to: View<'_>) -> Result<()> {
        // A buffer with unwritten changes is not picked from; one that is left has been written in most editors' settings only by hand.
        if !self.modified {
            self.pick_here(from);
        }
        self.pick_here(to);
        self.modified = false;
        Ok(())
    }

    async fn change(&mut self, _edits: &[Edit], _view: View<'_>) -> Result<()> {
        self.modified = true;
        Ok(())
    }

    async fn ask(&mut self, view: View<'_>) -> Result<Answer> {
        let asked = Instant::now();
        let millis = || asked.elapsed().as_secs_f64() * 1e3;
        let mut prompt = Prompt::around(view, self.ring.extra());
        if let Some(hint) = self.hints.find(&prompt) {
            let ghost = rendered(&hint, view);
            let took = millis();
            if let Some(ghost) = &ghost {
                self.ask_ahead(view, &ghost.text).await?;
            }
            return Ok(Answer { ghost, cost: None, took });
        }
        let right = view.text[view.cursor..].lines().next().unwrap_or_default();
        if right.len() > MOST_RIGHT || self.hints.has(&prompt) {
            return Ok(Answer { ghost: None, cost: None, took: millis() });
        }
        let dice = self.next_dice();
        self.ring.evict_like(&Lines::of(view).around(ring::CHUNK_LINES / 2), dice);
        prompt.extra = self.ring.extra();
        let Completed { content, prefilled, reused, decoded, took, decoding, broken } =
            self.server.complete(&prompt, FIRST_MS).await?;
        let took = std::mem::take(&mut self.backlog) + took;
        let cost = Cost {
            prefilled,
            reused,
            decoded,
            first_token: took - decoding,
            broken: broken.unwrap_or_else(|| self.broken(&prompt)),
        };
        self.hints.insert(&prompt, content.clone());
        self.last = Some(prompt);
        self.pick_far(view);
        let ghost = rendered(&content, view);
        if let Some(ghost) = &ghost {
            self.ask_ahead(view, &ghost.text).await?;
        }
        Ok(Answer { ghost, cost: Some(cost), took })
    }

    async fn accepted(&mut self, _taken: &Edit) -> Result<()> {
        Ok(())
    }

    async fn saved(&mut self, view: View<'_>) -> Result<()> {
        self.modified = false;
        self.pick_here(view);
        Ok(())
    }

    async fn idle(&mut self, milliseconds: u32, away: bool) -> Result<()> {
        // Once a second a queued chunk is taken in: in normal mode, or after three seconds without a move.
        let seconds = if away { milliseconds / 1000 } else { milliseconds.saturating_sub(2000) / 1000 };
        for _ in 0..seconds {
            if self.ring.take_in() {
                let warmed = self.server.warm(&self.ring.extra()).await?;
                self.background += warmed.prefilled;
                self.backlog += warmed.took;
            }
        }
        self.backlog = (self.backlog - f64::from(milliseconds)).max(0.0);
        Ok(())
    }

    async fn close(&mut self, _path: &str) -> Result<()> {
        Ok(())
    }
}

/// A document's lines and the cursor's.
struct Lines<'a> {
    lines: Vec<&'a str>,
    /// The cursor's, from 0.
    line: usize,
}

impl<'a> Lines<'a> {
    fn of(view: View<'a>) -> Self {
        Self { lines: view.text.split('\n').collect(), line: view.text[..view.cursor].matches('\n').count() }
    }

    fn between(&self, first: usize, end: usize) -> Vec<&'a str> {
        let end = end.min(self.lines.len());
        self.lines[first.min(end)..end].to_vec()
    }

    fn around(&self, reach: usize) -> Vec<&'a str> {
        self.between(self.line.saturating_sub(reach), self.line + reach + 1)
    }
}

/// What is shown of a completion: nothing where it says what stands there already.
fn rendered(content: &str, view: View<'_>) -> Option<Edit> {
    let lines = Lines::of(view);
    let start = view.text[..view.cursor].rfind('\n').map_or(0, |newline| newline + 1);
    let left = &view.text[start..view.cursor];
    let right = view.text[view.cursor..].lines().next().unwrap_or_default();
    let mut content = content.trim_end_matches('\n');
    if left.trim().is_empty() && right.trim().is_empty() {
        // The request left the blanks out, so the answer begins with them.
        let blank = (content.len() - content.trim_start_matches([' ', '\t']).len()).min(left.len());
        content = &content[blank..];
    }
    let told: Vec<&str> = content.split('\n').collect();
    let below = lines.between(lines.line + 1, lines.lines.len());
    let repeats_below = told[0].is_empty() && told.len() > 1 && below.starts_with(&told[1..]);
    let next: Vec<&str> = below.iter().copied().skip_while(|line| line.trim().is_empty()).collect();
    let is_next = next.first().is_some_and(|line| *line == format!("{left}{}", told[0]))
        && match told.len() {
            1 => true,
            2 => next.get(1).is_some_and(|line| line.starts_with(told[1])),
            _ => next[1..].starts_with(&told[1..]),
        };
    let repeats = repeats_below || is_next || (told.len() == 1 && content == right);
    (!content.is_empty() && !repeats).then(|| Edit { range: view.cursor..view.cursor, text: content.to_owned() })
}
