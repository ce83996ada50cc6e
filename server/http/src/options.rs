//! This room's settings.

/// The HTTP surface, for tools that speak to llama.cpp, OpenAI, Mistral or Ollama servers (Zed among them). The user's alone to set.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Options {
    /// Where the resident daemon listens, such as `127.0.0.1:8012`; empty: nowhere. Beyond this machine a token is asked for.
    pub listen: String,
    /// A file of tokens: `TOKEN` or `USER TOKEN` a line, with the user's quota behind it (`requests-per-minute=N`, `tokens-per-minute=N`), `#` for comments. Who sends none of them as a bearer token is refused.
    pub tokens: Option<std::path::PathBuf>,
    /// The largest request in bytes.
    #[schemars(range(min = 1024))]
    pub body_limit_bytes: usize,
    /// The longest that one answer may take, in seconds.
    #[schemars(range(min = 1))]
    pub time_limit_seconds: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { listen: String::new(), tokens: None, body_limit_bytes: 8 << 20, time_limit_seconds: 120 }
    }
}
