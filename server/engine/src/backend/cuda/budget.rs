//! What a model takes of a GPU's memory, counted before anything is taken.

use pilotlight_kernels::cuda::{Choices, ExpertScratch, Format, KvShape, SPLIT_ROWS, Split, padded};

use super::{
    LOGIT_ROWS, PAGE, PASS,
    load::{expert_shape, format, stack_format},
};
use crate::{
    EngineError,
    config::DecoderConfig,
    decoder::{Decoder, Gated, Layer, Linear, Mlp},
    weights::Tensor,
};

/// Left to the driver, to others and to chance.
const RESERVE: u64 = 512 << 20;
/// The most that the pages' parts of split attention may take.
const MOST_SPLIT: usize = 512 << 20;

/// Bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Budget {
    pub(super) weights: u64,
    /// Buffers of a step.
    pub(super) scratch: u64,
    /// A page of the cache, all layers.
    pub(super) page: u64,
    /// Pages that one sequence needs, one to write to and one to copy from besides.
    pub(super) least_pages: u64,
}

/// The widths of a block's inner half besides the experts', each of which has a buffer: of a block without experts, and of what every token takes beside its experts.
pub(super) fn inner_widths(c: &DecoderConfig) -> impl Iterator<Item = usize> {
    let widths = c.experts.map_or([c.ffn, 0], |experts| [experts.leading_ffn, experts.shared]);
    widths.into_iter()
}

/// Rows whose attention is split over pages: as many as a batch of one token each at the least.
pub(super) fn split_rows(c: &DecoderConfig, pages: usize) -> usize {
    (MOST_SPLIT / Split::bytes(1, c.heads, pages, c.head_dim)).clamp(16, SPLIT_ROWS)
}

impl Budget {
    pub(super) fn new(decoder: &Decoder, context_length: usize) -> Self {
        let c = &decoder.config;
        let pages = context_length.div_ceil(PAGE);
        let (q, kv) = (c.heads * c.head_dim, c.kv_heads * c.head_dim);
        let row = 4 * c.hidden
            + 2 * padded(c.hidden)
            + 4 * (q + 2 * kv)
            + 2 * q
            + 2 * padded(q)
            + inner_widths(c).map(|width| 2 * padded(width)).sum::<usize>();
        let split = Split::bytes(split_rows(c, pages), c.heads, pages, c.head_dim);
        let shape = KvShape { layers: c.layers, pages: 1, kv_heads: c.kv_heads, head_dim: c.head_dim };
        Self {
            weights: decoder.matrices().map(bytes).sum::<u64>() + decoder.layers.iter().map(experts).sum::<u64>(),
            scratch: (PASS * row
                + 4 * LOGIT_ROWS * c.vocab
                + Choices::bytes(LOGIT_ROWS, c.vocab)
                + expert_shape(c).map_or(0, |shape| ExpertScratch::bytes(PASS, shape))
                + split) as u64,
            page: shape.bytes() as u64,
            least_pages: pages as u64 + 2,
        }
    }

    /// The pages that there is room for, and the pages that there are: half of what is left, or as many as the setting says; what of these has no room lies in the host's memory.
    pub(super) fn pages(self, free: u64, total: u64, kv_memory_mib: usize) -> Result<(usize, usize), EngineError> {
        let mib = |bytes: u64| bytes.div_ceil(1 << 20);
        let Self { weights, scratch, page, least_pages } = self;
        let left = free.saturating_sub(weights + scratch + RESERVE);
        let most = left / page.max(1);
        if most < least_pages {
            let message = format!(
                "the model does not fit the GPU: weights {} MiB + buffers {} MiB + a KV cache for one sequence {} MiB + {} MiB of reserve are {} MiB, \
                 and {} of its {} MiB are free; a smaller model, a more quantised one or a smaller `context-length` may",
                mib(weights),
                mib(scratch),
                mib(least_pages * page),
                mib(RESERVE),
                mib(weights + scratch + least_pages * page + RESERVE),
                mib(free),
                mib(total)
            );
            return Err(EngineError::Compute { backend: "cuda", message });
        }
        let pages = match kv_memory_mib {
            0 => most / 2,
            mib => (mib as u64).saturating_mul(1 << 20) / page.max(1),
        };
        let pages = pages.clamp(least_pages, u32::MAX.into());
        Ok((pages.min(most) as usize, pages as usize))
    }
}

fn bytes(tensor: &Tensor) -> u64 {
    in_format(tensor, format(tensor))
}

fn in_format(tensor: &Tensor, format: Format) -> u64 {
    match tensor.shape[..] {
        [rows, columns] => format.bytes(rows, columns) as u64,
        _ => 0,
    }
}

/// A layer's experts.
fn experts(layer: &Layer) -> u64 {
    let Mlp::Experts { experts, .. } = &layer.mlp else { return 0 };
    let of = |which: fn(&Gated) -> &Linear| -> u64 {
        let all: Vec<&Tensor> = experts.iter().map(|expert| &which(expert).weight).collect();
        let format = stack_format(&all);
        all.into_iter().map(|tensor| in_format(tensor, format)).sum()
    };
    of(|expert| &expert.gate) + of(|expert| &expert.up) + of(|expert| &expert.down)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const BUDGET: Budget = Budget { weights: 10 << 30, scratch: 1 << 30, page: 1 << 20, least_pages: 258 };

    #[test]
    fn the_cache_gets_half_of_what_is_left_or_what_was_asked_for() {
        let total = 24 << 30;
        assert_eq!(BUDGET.pages(20 << 30, total, 0).unwrap(), ((9 * 1024 - 512) / 2, (9 * 1024 - 512) / 2));
        assert_eq!(BUDGET.pages(20 << 30, total, 1000).unwrap(), (1000, 1000));
        // At least a sequence, on the device at most what is left.
        assert_eq!(BUDGET.pages(20 << 30, total, 1).unwrap(), (258, 258));
        assert_eq!(BUDGET.pages(20 << 30, total, 16 << 10).unwrap(), (9 * 1024 - 512, 16 << 10));
    }

    #[test]
    fn what_does_not_fit_is_refused_with_figures() {
        let error = BUDGET.pages(11 << 30, 12 << 30, 0).unwrap_err().to_string();
        for figure in [
            "weights 10240 MiB",
            "buffers 1024 MiB",
            "sequence 258 MiB",
            "512 MiB of reserve",
            "12034 MiB",
            "11264 of its 12288",
        ] {
            assert!(error.contains(figure), "{figure}: {error}");
        }
    }
}
