//! How likely the model finds a text that is given: what a self-test reads.

use super::scheduler::Scheduler;
use crate::{EngineError, backend::Logits, cache::Branch, sampling::standing};

/// What the model thought of one token of a given text, having read those before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// The token.
    pub id: u32,
    /// Tokens that were thought likelier: 0 for the first choice.
    pub rank: usize,
    /// The natural logarithm of its probability.
    pub logprob: f32,
    /// The first choice.
    pub best: u32,
}

impl Scheduler {
    /// Scores all tokens but the first, `chunk` of them a step. Nothing is taken from the cache, and nothing is left there.
    pub(super) fn score(&mut self, tokens: &[u32], chunk: usize) -> Result<Vec<Score>, EngineError> {
        let (chunk, mut branch) = (chunk.max(1), Branch::default());
        let scores = self.score_in(&mut branch, tokens, chunk);
        self.cache.release(branch, 0.0);
        scores
    }

    fn score_in(&mut self, branch: &mut Branch, tokens: &[u32], chunk: usize) -> Result<Vec<Score>, EngineError> {
        let room = |_| EngineError::Compute { backend: "cache", message: "it has no room for a text to score".into() };
        self.cache.reserve(branch, tokens.len()).map_err(room)?;
        let (mut scores, mut position) = (Vec::with_capacity(tokens.len()), 0);
        // The last token has nothing behind it.
        for some in tokens[..tokens.len().saturating_sub(1)].chunks(chunk) {
            let logits = self.backend.forward(branch.pages(), position, some, Logits::All)?;
            let next = &tokens[position + 1..];
            for (row, &id) in logits.chunks_exact(logits.len() / some.len()).zip(next) {
                let Some((rank, logprob, best)) = standing(row, id) else {
                    let message = format!("the logits behind token {} are no numbers", scores.len() + 1);
                    return Err(EngineError::Compute { backend: "score", message });
                };
                scores.push(Score { id, rank, logprob, best });
            }
            position += some.len();
        }
        Ok(scores)
    }
}
