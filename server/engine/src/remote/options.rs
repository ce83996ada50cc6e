//! Settings of the remote engine.

use std::path::PathBuf;

/// An existing server in the model's place.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct RemoteOptions {
    /// The server's address, such as `http://127.0.0.1:8080`; empty for a model in this process. What is completed is sent there, secrets masked. While it does not answer, the
    /// built-in model does.
    pub url: String,
    /// What it speaks; `auto` asks it.
    pub kind: RemoteKind,
    /// The model to ask it for; empty for the first that it names.
    pub model: String,
    /// Who writes the fill-in-the-middle prompt: `server` (prefix and suffix are sent as they are), the name of a format such as `qwen2.5-coder` (it is written here), or `auto`: here
    /// where the server can be asked for the format's special tokens, else the server.
    pub format: String,
    /// Whether its model does what it is told (`/v1/chat/completions`). Where nothing is said: if llama.cpp, vLLM or Ollama tell of a chat template, and Mistral's; of another server's it is
    /// not known, so no.
    pub chat: Option<bool>,
    /// The environment variable that holds the key; empty for none. (A key itself is never a setting.)
    pub key_env: String,
    /// The file that holds the key, on one line; looked at where the variable is not set.
    pub key_file: Option<PathBuf>,
    /// Tokens of its context; 0 for what the server says, or 8192 where it says nothing.
    pub context_length: usize,
    /// The model's `tokenizer.json`, `tekken.json` or `.gguf` file on this machine: then prompts are counted and (to llama.cpp and vLLM) sent as exact tokens. Without one, tokens are
    /// counted by the bytes that the server's own figures say they have.
    pub tokenizer: Option<PathBuf>,
    /// Seconds to wait for a connection.
    #[schemars(range(min = 1))]
    pub connect_seconds: u64,
    /// Seconds without a sign of life after which a request has failed.
    #[schemars(range(min = 1))]
    pub stall_seconds: u64,
}

/// What a server speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RemoteKind {
    /// Whatever it answers to.
    #[default]
    Auto,
    /// llama.cpp's server: `/completion`, `/infill`.
    LlamaCpp,
    /// vLLM: `/v1/completions` with token ids.
    Vllm,
    /// Any other server with OpenAI's `/v1/completions`.
    Openai,
    /// Mistral: `/v1/fim/completions`.
    Mistral,
    /// Ollama: `/api/generate`.
    Ollama,
}

impl RemoteKind {
    /// As a person knows it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Auto => "a",
            Self::LlamaCpp => "llama.cpp",
            Self::Vllm => "vLLM",
            Self::Openai => "OpenAI-compatible",
            Self::Mistral => "Mistral",
            Self::Ollama => "Ollama",
        }
    }
}

impl Default for RemoteOptions {
    fn default() -> Self {
        Self {
            url: String::new(),
            kind: RemoteKind::Auto,
            model: String::new(),
            format: "auto".into(),
            chat: None,
            key_env: String::new(),
            key_file: None,
            context_length: 0,
            tokenizer: None,
            connect_seconds: 3,
            stall_seconds: 15,
        }
    }
}
