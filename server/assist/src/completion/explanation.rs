//! Why a completion is what it is: told by the log, `--json`, the status page and the editors.

/// How an answer came about. The log, `--json`, the status page and "why this suggestion" all show this.
#[derive(Clone, Debug, Default, serde::Deserialize, serde::Serialize)]
pub struct Explanation {
    /// Why nothing is shown, in words (`None` when something is).
    pub nothing_because: Option<String>,
    /// Whether the engine was not asked, because the person typed what the ghost text said, or came back to where it was shown.
    pub kept: bool,
    /// Whether the engine was not asked, because the answer was computed while the person read the ghost text that has now been accepted.
    pub foreseen: bool,
    /// Where the text stood before, if it is a line from a place like this one and not the model's.
    #[serde(default)]
    pub recalled: Option<RecalledReport>,
    /// The prompt's segments in order.
    pub segments: Vec<SegmentReport>,
    /// What might have stood in the prompt too, the most gain for its size first; empty where the last prompt's excerpts were kept as they were.
    #[serde(default)]
    pub left_out: Vec<LeftOutReport>,
    /// Prompt tokens found in the KV cache.
    pub reused: usize,
    /// Prompt tokens computed.
    pub prefilled: usize,
    /// Prompt tokens taken from another place of the cache: then the answer is approximate (`completion.answer-now`).
    #[serde(default)]
    pub moved: usize,
    /// Tokens decoded.
    pub decoded: usize,
    /// Of these, tokens that had been drafted and came with another's step.
    #[serde(default)]
    pub drafted: usize,
    /// The geometric mean of the decoded tokens' probabilities.
    pub confidence: Option<f32>,
    /// Milliseconds by stage.
    pub millis: Stages,
}

/// One segment of a prompt.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct SegmentReport {
    /// What it is: `header`, `prefix`, `suffix`, ...
    pub source: String,
    /// The file it comes from.
    pub path: String,
    /// The zero-based line it starts at.
    pub line: usize,
    /// Its size.
    pub tokens: usize,
    /// How much an excerpt was held to be worth, in names that the next lines need; `None` for the open file itself.
    #[serde(default)]
    pub gain: Option<f32>,
    /// Whether all of it was found in the KV cache.
    #[serde(default)]
    pub warm: bool,
}

/// Where a line that is offered again stands.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct RecalledReport {
    /// The file it comes from.
    pub path: String,
    /// The zero-based line there.
    pub line: usize,
    /// Whether some of its words are others there.
    #[serde(default)]
    pub renamed: bool,
    /// How often such a line is the right one.
    pub sureness: f32,
}

/// Something that does not stand in the prompt.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct LeftOutReport {
    /// As of a segment.
    pub source: String,
    /// The file it comes from.
    pub path: String,
    /// The zero-based line it starts at.
    pub line: usize,
    /// About its size.
    pub tokens: usize,
    /// As of a segment.
    pub gain: f32,
    /// Why it was left out.
    pub because: String,
}

/// Milliseconds by stage.
#[derive(Clone, Copy, Debug, Default, serde::Deserialize, serde::Serialize)]
pub struct Stages {
    /// Planning and tokenising.
    pub plan: f64,
    /// Waiting for the engine.
    pub queued: f64,
    /// The prompt's new tokens.
    pub prefill: f64,
    /// From the request to the first decoded token.
    pub first_token: f64,
    /// All decode steps.
    pub decode: f64,
    /// From the request to the answer.
    pub total: f64,
}
