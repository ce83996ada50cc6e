//! What the engine is asked and what it answers.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// One sequence to continue.
#[derive(Clone, Debug)]
pub struct Request {
    /// Token ids, markers included. Must not be empty.
    pub prompt: Vec<u32>,
    /// Token healing: the text that is decoded must begin with these bytes (empty for any text). They are the bytes of tokens that the caller took off the prompt's end because
    /// the person may not have finished typing them; the decoded tokens spell them again, as the tokenizer would have with what follows.
    pub heal: Vec<u8>,
    /// The most tokens to decode; 0 prefills only.
    pub max_tokens: usize,
    /// Ids that end the text; they are not handed out. The model's own end ids always end it.
    pub stop: Vec<u32>,
    /// How the next token is chosen.
    pub sampling: Sampling,
    /// Who goes first.
    pub priority: Priority,
    /// Names who asks, a workspace say: among requests of one priority the session that was served least recently goes first.
    pub session: u64,
    /// What is expected to be said, more or less: the text that a rewrite starts from. It makes the answer faster where it is right and changes nothing else.
    pub draft: Vec<u32>,
    /// How likely it is to be said as it stands: 0 to 1. Guesses have a record of their own, so that they do not take the trust that drafts have earned.
    pub draft_chance: f32,
    /// Whether to answer at once where most of what is missing is in the cache at other positions or behind another text: approximately, and [`Prefill::moved`] says so. Later
    /// requests find nothing of it; ask again without, in the background, so that they find the prompt.
    pub answer_now: bool,
    /// Looked at before each decode step and prefill chunk, and before a token is handed out.
    pub cancel: CancellationToken,
}

/// A prefill of nothing, greedy, for a person who types: the prompt is what must be said.
impl Default for Request {
    fn default() -> Self {
        Self {
            prompt: Vec::new(),
            heal: Vec::new(),
            max_tokens: 0,
            stop: Vec::new(),
            sampling: Sampling::Greedy,
            priority: Priority::Typing,
            session: 0,
            draft: Vec::new(),
            draft_chance: 1.0,
            answer_now: false,
            cancel: CancellationToken::new(),
        }
    }
}

/// How the next token is chosen.
#[derive(Clone, Debug, PartialEq)]
pub enum Sampling {
    /// The most likely token; ties go to the lowest id.
    Greedy,
    /// Softmax at `temperature`, cut to the smallest set of total probability `top_p`.
    TopP {
        /// > 0.
        temperature: f32,
        /// In (0, 1].
        top_p: f32,
        /// The same seed and prompt give the same tokens.
        seed: u64,
    },
}

/// Who goes first; `Typing` preempts all others. What has waited long is raised for a step, so that nothing starves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Priority {
    Indexing,
    Warming,
    Refactor,
    Action,
    NextEdit,
    Typing,
}

/// What comes back, in this order: one `Prefilled`, any number of `Token`s, one `Done`. A failure ends the stream with `Failed`.
#[derive(Clone, Debug)]
pub enum Event {
    /// The prompt is in the cache.
    Prefilled(Prefill),
    /// One decoded token.
    Token(Token),
    /// The end.
    Done(Done),
    /// The end, for a reason a person should read.
    Failed(String),
}

/// What the prompt cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prefill {
    /// Prompt tokens whose KV was found in the cache.
    pub reused: usize,
    /// Prompt tokens computed now. `reused + moved + prefilled` is the prompt's length; at least 1 is always computed (its logits are needed).
    pub prefilled: usize,
    /// Prompt tokens whose KV was taken from another place of the cache: more than 0 only for [`Request::answer_now`], and then the answer is approximate.
    pub moved: usize,
    /// From the request's arrival at the engine to the start of its prefill.
    pub queued: Duration,
    /// The prefill itself.
    pub took: Duration,
}

/// One decoded token; from a server, one piece of text, of a token mostly.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    /// Its id; 0 from a server, which gives text.
    pub id: u32,
    /// Its bytes: may end inside a UTF-8 character.
    pub bytes: Vec<u8>,
    /// Natural logarithm of its probability under the unmodified softmax (while healing: among the tokens that fit); NaN where a server does not tell it.
    pub logprob: f32,
    /// Whether it had been drafted, and came for less than a step of its own.
    pub drafted: bool,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    /// Why.
    pub finish: Finish,
    /// Tokens decoded; the stop token and what heals are not counted.
    pub decoded: usize,
    /// Tokens that were drafted and computed on trial.
    pub drafted: usize,
    /// Those of them that were what the model chose.
    pub accepted: usize,
    /// Time in decode steps.
    pub took: Duration,
}

/// Why decoding ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// A stop id.
    Stop,
    /// `max_tokens`, or the context is full.
    Length,
    /// The token was tripped or the receiver dropped.
    Cancelled,
    /// It took longer than its priority's time limit (setting `engine.time-limits`).
    TimeLimit,
}
