//! What a model writes, as text.

/// Decoded bytes as text: whole characters only.
#[derive(Debug, Default)]
pub(crate) struct Decoded {
    pub(crate) text: String,
    /// Bytes to come that stand before the cursor already.
    healing: usize,
    /// The start of a character whose end has not come yet: 3 bytes at most.
    partial: Vec<u8>,
    logprobs: f32,
    /// All but those that only spell again what stands before the cursor.
    pub(crate) tokens: usize,
}

impl Decoded {
    /// Of a prompt whose last `healing` bytes the model writes again.
    pub(crate) fn behind(healing: usize) -> Self {
        Self { healing, ..Self::default() }
    }

    /// Takes one token in.
    pub(crate) fn push(&mut self, bytes: &[u8], logprob: f32) {
        let healed = self.healing.min(bytes.len());
        if self.healing > 0 && healed == bytes.len() {
            self.healing -= healed;
            return;
        }
        self.healing = 0;
        self.logprobs += logprob;
        self.tokens += 1;
        self.partial.extend_from_slice(&bytes[healed..]);
        while !self.partial.is_empty() {
            let (whole, bad) = match std::str::from_utf8(&self.partial) {
                Ok(_) => (self.partial.len(), 0),
                Err(error) => (error.valid_up_to(), error.error_len().unwrap_or(0)),
            };
            self.text.push_str(&String::from_utf8_lossy(&self.partial[..whole]));
            self.partial.drain(..whole + bad);
            if bad == 0 {
                break;
            }
        }
    }

    /// Whether the model spelled a marker of its prompt format out as text; it and what follows is cut.
    pub(crate) fn has_marker(&mut self, markers: &[&str]) -> bool {
        let found = markers.iter().filter_map(|marker| self.text.find(marker)).min();
        found.inspect(|&at| self.text.truncate(at)).is_some()
    }

    /// The geometric mean of the tokens' probabilities; `None` where a server does not tell them.
    pub(crate) fn confidence(&self) -> Option<f32> {
        (self.tokens > 0 && !self.logprobs.is_nan()).then(|| (self.logprobs / self.tokens as f32).exp())
    }
}
