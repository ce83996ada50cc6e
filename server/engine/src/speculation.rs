//! Lossless speculation: tokens that are likely to come are drafted from text at hand and computed together with the next one.
//!
//! A drafted token counts only where the model itself chooses it, from the same logits that it would have had alone (the backends' rows do not depend on how many
//! are computed together), so the answer is that of plain decoding, token for token, whatever the sampling. What it saves is time: reading
//! the weights once for several tokens. Leviathan et al., Fast inference from transformers via speculative decoding (2023); Saxena, Prompt lookup decoding (2023).

mod drafter;
mod gate;

pub(crate) use drafter::{Drafter, Script};
pub(crate) use gate::{Gate, Strength};

/// Drafted tokens of a step at most: a text that is said again comes in runs of dozens, and where rows are dear the gate takes fewer.
pub(crate) const MOST: usize = 31;
