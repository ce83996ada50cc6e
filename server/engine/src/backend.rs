//! A way to compute the decoder: one step over one sequence, whose keys and values (KV) lie in pages.

pub mod cpu;
pub mod cuda;
pub mod reference;
mod room;
#[cfg(test)]
mod testing;

pub use pilotlight_kernels::cpu::PAGE;
use pilotlight_kernels::{
    cpu::{Draw, KvDtype, KvLayer},
    cuda::{Device, Found, found},
};

use crate::{EngineError, EngineOptions, KvChoice, decoder::Decoder, options::BackendChoice};

/// Which rows of logits a step gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logits {
    /// None: more of the prompt is to come.
    None,
    /// Those after the last token.
    Last,
    /// Those after each of the last so many tokens.
    Tail(usize),
    /// Those after each token.
    All,
}

impl Logits {
    /// The rows wanted of a step of so many tokens: the last ones.
    pub(crate) fn rows(self, tokens: usize) -> usize {
        match self {
            Self::None => 0,
            Self::Last => 1,
            Self::Tail(rows) => rows.min(tokens),
            Self::All => tokens,
        }
    }
}

/// A page of the KV cache: room for [`PAGE`] positions, in every layer.
pub type Page = u32;

/// A sequence, and the position at which its next token stands.
#[derive(Clone, Copy, Debug)]
pub struct Sequence<'a> {
    /// Its pages, in order.
    pub pages: &'a [Page],
    /// Tokens before.
    pub position: usize,
}

/// The token after a row, and its log probability; none where no allowed logit is a finite number.
pub type Choice = Option<(u32, f32)>;

/// A decoder with the keys and values (KV) of many sequences, in pages that sequences may share.
///
/// It knows no tokens and no lengths: whoever drives it says which pages a sequence has and at which position the new tokens stand, and what stood
/// there before is forgotten. Truncation therefore costs nothing and needs no call.
pub trait Backend: Send {
    /// The way it is computed: `reference`, `cpu (avx512-vnni)`, ...
    fn name(&self) -> String;

    /// Number of pages.
    fn pages(&self) -> usize;

    /// Bytes of a page, all layers together.
    fn page_bytes(&self) -> usize;

    /// The longest sequence, in tokens.
    fn context_length(&self) -> usize;

    /// Runs `tokens` at positions `position..` of the sequence whose pages these are, and stores their KV there. The KV of `0..position` must have been stored by
    /// earlier steps. Gives the wanted rows of logits, row-major `[rows, vocab]`; the slice is valid until the next step.
    ///
    /// `tokens` is not empty, each id is below the vocabulary's size, `position + tokens.len()` is at most `context_length()`, and there are pages for as many:
    /// the caller has checked. After an error what is stored at `position..` is not to be trusted.
    fn forward(
        &mut self,
        pages: &[Page],
        position: usize,
        tokens: &[u32],
        logits: Logits,
    ) -> Result<&[f32], EngineError>;

    /// How many sequences [`Backend::decode`] takes in one step.
    fn abreast(&self) -> usize {
        1
    }

    /// As [`Backend::forward`] of one token for each of several sequences, no page of which is another's last; their weights are read once. Gives the
    /// row of logits of each, the same bits that a step of its own would have given.
    fn decode(&mut self, sequences: &[Sequence<'_>], tokens: &[u32]) -> Result<&[f32], EngineError> {
        match (sequences, tokens) {
            ([one], [_]) => self.forward(one.pages, one.position, tokens, Logits::Last),
            _ => {
                let message = format!("{} sequences in one step: expected 1", sequences.len());
                Err(EngineError::Compute { backend: "one sequence a step", message })
            }
        }
    }

    /// The most rows that [`Backend::choose`] gives; 0 where the caller is to choose from logits.
    fn chooses(&self) -> usize {
        0
    }

    /// As [`Backend::forward`] of one sequence's next tokens, or [`Backend::decode`] of several, but gives instead of the last `rows` rows of logits the token after
    /// each and its log probability, chosen where the logits are. Of several sequences all rows are wanted.
    ///
    /// The first rows may have masks, a bit for each token: 1 for what is allowed. The probability is then that among these. The first rows may be drawn from
    /// (the log probability is that at temperature 1); of the others the most likely token is taken.
    fn choose(
        &mut self,
        _sequences: &[Sequence<'_>],
        _tokens: &[u32],
        _rows: usize,
        _masks: &[Vec<u32>],
        _draws: &[Draw],
    ) -> Result<&[Choice], EngineError> {
        Err(EngineError::Compute { backend: "this backend", message: "it leaves the choice to the caller".into() })
    }

    /// Whether [`Backend::shift`] does anything.
    fn shifts(&self) -> bool {
        false
    }

    /// Copies the KV of `length` positions of page `from`, from its position `offset` on, to `position..` of the sequence whose pages these are, with the keys turned by as many
    /// positions as they are moved (`by`). Not what a computation there would give: what the tokens attended to stays that of the old place.
    fn shift(
        &mut self,
        _from: (Page, usize),
        _pages: &[Page],
        _position: usize,
        _length: usize,
        _by: isize,
    ) -> Result<(), EngineError> {
        Err(EngineError::Compute { backend: "this backend", message: "it moves no keys".into() })
    }

    /// Whether the steps to come are nobody's to wait for: they then give way to other programs, where that is possible.
    fn set_background(&mut self, _background: bool) {}

    /// Copies the KV of the first `length` positions of page `from` to page `to`.
    fn copy(&mut self, from: Page, to: Page, length: usize) -> Result<(), EngineError>;

    /// Appends a page's content, [`Backend::page_bytes`] bytes; `false` where this backend cannot.
    fn export(&self, _page: Page, _to: &mut Vec<u8>) -> bool {
        false
    }

    /// Takes over what [`Backend::export`] gave; `false` where this backend cannot.
    fn import(&mut self, _page: Page, _from: &[u8]) -> bool {
        false
    }
}

/// What was found of a GPU, in words.
pub fn gpu() -> String {
    match found() {
        Found::Device(name) => format!("{name}; it computes what its memory has room for (never tried on a GPU yet)"),
        Found::NoDevice(why) => format!("no CUDA device ({why}); the processor is used"),
        Found::NoLibrary => "no CUDA device (no NVIDIA driver); the processor is used".into(),
    }
}

/// The backend that the options ask for.
pub fn build(
    decoder: &Decoder,
    context_length: usize,
    options: &EngineOptions,
) -> Result<Box<dyn Backend>, EngineError> {
    let exact;
    let decoder = match options.fp8_inputs {
        true => decoder,
        false => {
            exact = decoder.without_input_scales();
            &exact
        }
    };
    let threads = options.thread_count();
    let c = &decoder.config;
    let pages = |kv| options.pages(c.layers * KvLayer::page_bytes(kv, c.kv_heads, c.head_dim), context_length);
    let reference = || -> Result<Box<dyn Backend>, EngineError> {
        room::check("reference", 4 * decoder.parameters)?;
        Ok(Box::new(reference::Reference::new(decoder, context_length, pages(KvDtype::F32), threads)?))
    };
    let cpu = || -> Result<Box<dyn Backend>, EngineError> {
        let kv = match options.kv_dtype {
            KvChoice::F16 => KvDtype::F16,
            KvChoice::Bf16 => KvDtype::BF16,
            KvChoice::Q8_0 => KvDtype::Q8_0,
        };
        room::check("cpu", cpu::Cpu::weights(decoder))?;
        Ok(Box::new(cpu::Cpu::new(decoder, context_length, pages(kv), threads, kv)?))
    };
    let cuda = || -> Result<Box<dyn Backend>, EngineError> {
        let device = Device::first()?;
        Ok(Box::new(cuda::Cuda::with_options(decoder, device, context_length, options)?))
    };
    match options.backend {
        BackendChoice::Reference => return reference(),
        BackendChoice::Cpu => return cpu(),
        BackendChoice::Cuda => return cuda(),
        BackendChoice::Auto => {}
    }
    if !matches!(found(), Found::NoLibrary) {
        match cuda::Cuda::supports(decoder).map_err(|why| EngineError::Compute { backend: "cuda", message: why }) {
            Ok(()) => match cuda() {
                Ok(cuda) => return Ok(cuda),
                Err(error) => tracing::warn!(%error, "the GPU is not used; the processor computes this model"),
            },
            Err(error) => tracing::info!(%error, "the GPU is not used; the processor computes this model"),
        }
    }
    match cpu::Cpu::supports(decoder) {
        Ok(()) => cpu(),
        Err(why) => {
            tracing::warn!(why, "the slow reference backend computes this model");
            reference()
        }
    }
}
