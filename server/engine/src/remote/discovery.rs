//! What a server is, which model it has, and which special tokens its vocabulary knows.

use std::collections::BTreeMap;

use futures::future::join_all;
use serde_json::{Value, json};

use super::{
    Client, Failure, Remedy, RemoteKind, RemoteOptions,
    prompt::{ASSISTANT_PART, PREFIX_PART, SUFFIX_PART, SYSTEM_PART, USER_PART},
};

/// Questions under way at once. A server like llama.cpp's has a handful of threads and keeps one for each connection that is kept alive: with more, the rest wait for these to be given up.
const AT_ONCE: usize = 2;
/// Where neither the server nor the settings say.
const USUAL_CONTEXT: usize = 8192;

/// A server, asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) kind: RemoteKind,
    /// As it is to be named in requests.
    pub(crate) model: String,
    /// Tokens of its context.
    pub(crate) context: usize,
    /// Special tokens that its vocabulary has, with their ids where it tells them.
    pub(crate) specials: BTreeMap<String, Option<u32>>,
    /// Whether it writes the prompt from prefix and suffix.
    pub(crate) server_writes: bool,
    /// Whether its model chats.
    pub(crate) chats: bool,
}

impl Found {
    /// The id of a special token.
    pub(crate) fn id(&self, name: &str) -> Option<u32> {
        self.specials.get(name).copied().flatten()
    }

    /// Names for prompts: the vocabulary's, or those of the two parts; and those of messages.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = match self.server_writes {
            true => vec![PREFIX_PART.to_owned(), SUFFIX_PART.to_owned()],
            false => self.specials.keys().cloned().collect(),
        };
        if self.chats {
            names.extend([SYSTEM_PART, USER_PART, ASSISTANT_PART].map(str::to_owned));
        }
        names
    }
}

/// A path that is there when the server can be asked, and costs it nothing.
pub(crate) async fn alive(client: &Client, kind: RemoteKind) -> Result<(), Failure> {
    let path = match kind {
        RemoteKind::LlamaCpp => "/health",
        RemoteKind::Ollama => "/api/version",
        _ => "/v1/models",
    };
    client.get(path).await.map(drop)
}

/// Asks the server. `markers` are the special tokens that a prompt may want.
pub(crate) async fn discover(client: &Client, options: &RemoteOptions, markers: &[&str]) -> Result<Found, Failure> {
    let kind = match options.kind {
        RemoteKind::Auto => kind(client).await?,
        kind => kind,
    };
    let mut found = match kind {
        RemoteKind::LlamaCpp => llama_cpp(client, options, markers).await?,
        RemoteKind::Ollama => ollama(client, options, markers).await?,
        RemoteKind::Mistral => mistral(options),
        kind => openai(client, kind, options, markers).await?,
    };
    found.chats = options.chat.unwrap_or(found.chats);
    if options.context_length > 0 {
        found.context = options.context_length;
    }
    Ok(found)
}

/// Whether a path is not there, as opposed to a server that is not there or does not let us in.
fn lacks(failure: &Failure) -> bool {
    matches!(failure.status, Some(404 | 405 | 501)) || (failure.status.is_none() && !failure.is_ailing())
}

async fn kind(client: &Client) -> Result<RemoteKind, Failure> {
    if client.host().ends_with("mistral.ai") {
        return Ok(RemoteKind::Mistral);
    }
    let probe = async |path: &str| match client.get(path).await {
        Ok(value) => Ok(Some(value)),
        Err(failure) if lacks(&failure) => Ok(None),
        Err(failure) => Err(failure),
    };
    if probe("/props").await?.is_some_and(|props| props.get("default_generation_settings").is_some()) {
        return Ok(RemoteKind::LlamaCpp);
    }
    if probe("/api/version").await?.is_some_and(|version| version["version"].is_string()) {
        return Ok(RemoteKind::Ollama);
    }
    match probe("/v1/models").await? {
        Some(models) if models.pointer("/data/0/owned_by").is_some_and(|owner| owner == "vllm") => Ok(RemoteKind::Vllm),
        Some(models) if models["data"].is_array() => Ok(RemoteKind::Openai),
        _ => Err(Failure::lasting(
            "it answers to none of /props (llama.cpp), /api/version (Ollama) and /v1/models (vLLM, OpenAI-compatible)",
        )),
    }
}

async fn llama_cpp(client: &Client, options: &RemoteOptions, markers: &[&str]) -> Result<Found, Failure> {
    let props = client.get("/props").await?;
    let context = props.pointer("/default_generation_settings/n_ctx").and_then(Value::as_u64);
    let name = ["model_alias", "model_path"]
        .into_iter()
        .find_map(|key| Some(props[key].as_str()?).filter(|it| !it.is_empty()));
    let model = if options.model.is_empty() { stem(name.unwrap_or("unnamed")) } else { options.model.clone() };
    let mut specials = BTreeMap::new();
    for some in markers.chunks(AT_ONCE) {
        let asked = some.iter().map(async |marker| {
            let ids = async |parse: bool| {
                let body = json!({ "content": marker, "add_special": false, "parse_special": parse });
                let told = client.ask("/tokenize", &body).await?;
                Ok::<_, Failure>(told["tokens"].as_array().cloned().unwrap_or_default())
            };
            let [id] = &ids(true).await?[..] else { return Ok(None) };
            // What is one token as plain text, too, is no special one.
            let special = ids(false).await? != [id.clone()];
            Ok(id.as_u64().filter(|_| special).map(|id| ((*marker).to_owned(), Some(id as u32))))
        });
        let told: Result<Vec<_>, Failure> = join_all(asked).await.into_iter().collect();
        specials.extend(told?.into_iter().flatten());
    }
    let server_writes = writes(options, !specials.is_empty());
    let chats = props["chat_template"].as_str().is_some_and(|template| !template.trim().is_empty());
    Ok(Found { kind: RemoteKind::LlamaCpp, model, context: size(context), specials, server_writes, chats })
}

async fn openai(
    client: &Client,
    mut kind: RemoteKind,
    options: &RemoteOptions,
    markers: &[&str],
) -> Result<Found, Failure> {
    let models = client.get("/v1/models").await?;
    let all: Vec<&Value> = models["data"].as_array().into_iter().flatten().collect();
    let named = |value: &&&Value| options.model.is_empty() || value["id"] == options.model.as_str();
    let entry = match all.iter().find(named) {
        Some(entry) => entry,
        None => {
            let known: Vec<_> = all.iter().filter_map(|value| value["id"].as_str()).take(8).collect();
            let expected = if options.model.is_empty() { "a model" } else { &options.model };
            return Err(Failure::lasting(format!("expected it to have {expected}, found {}", known.join(", "))));
        }
    };
    let model = entry["id"].as_str().unwrap_or_default().to_owned();
    let context = entry["max_model_len"].as_u64();
    let mut specials = believed(options, markers);
    if kind == RemoteKind::Vllm {
        match told(client, &model, markers).await {
            Ok(told) => specials = told,
            // It is not vLLM's: of such servers nobody knows the tokens, and most take a suffix.
            Err(failure) if lacks(&failure) || failure.remedy == Remedy::Other => {
                let failure = failure.message;
                tracing::warn!(
                    failure,
                    "it tells no tokens as vLLM does: it is asked as any other server of OpenAI's shape"
                );
                kind = RemoteKind::Openai;
            }
            Err(failure) => return Err(failure),
        }
    }
    let mut chats = false;
    if kind == RemoteKind::Vllm {
        // It writes the prompt of a conversation, unless the model has no template. (Of other servers nothing tells but an answer, which may cost.)
        let body = json!({ "model": model, "messages": [{ "role": "user", "content": "x" }] });
        chats = match client.ask("/tokenize", &body).await {
            Ok(told) => told["tokens"].is_array(),
            Err(failure) if lacks(&failure) || matches!(failure.status, Some(400..=499)) => false,
            Err(failure) => return Err(failure),
        };
    }
    // vLLM has no `suffix`.
    let server_writes = writes(options, !specials.is_empty() || kind == RemoteKind::Vllm);
    Ok(Found { kind, model, context: size(context), specials, server_writes, chats })
}

/// The special tokens that a server of vLLM's has.
async fn told(client: &Client, model: &str, markers: &[&str]) -> Result<BTreeMap<String, Option<u32>>, Failure> {
    let mut specials = BTreeMap::new();
    for some in markers.chunks(AT_ONCE) {
        let asked = some.iter().map(async |marker| {
            let body = json!({ "model": model, "prompt": marker, "add_special_tokens": false });
            let told = client.ask("/tokenize", &body).await?;
            let [id] = &told["tokens"].as_array().cloned().unwrap_or_default()[..] else { return Ok(None) };
            Ok(id.as_u64().map(|id| ((*marker).to_owned(), Some(id as u32))))
        });
        let told: Result<Vec<_>, Failure> = join_all(asked).await.into_iter().collect();
        specials.extend(told?.into_iter().flatten());
    }
    Ok(specials)
}

fn mistral(options: &RemoteOptions) -> Found {
    let model = if options.model.is_empty() { "codestral-latest" } else { &options.model }.to_owned();
    let (specials, server_writes, chats) = (BTreeMap::new(), true, true);
    Found { kind: RemoteKind::Mistral, model, context: 32768, specials, server_writes, chats }
}

async fn ollama(client: &Client, options: &RemoteOptions, markers: &[&str]) -> Result<Found, Failure> {
    let mut model = options.model.clone();
    if model.is_empty() {
        let tags = client.get("/api/tags").await?;
        let first = tags.pointer("/models/0/name").and_then(Value::as_str);
        model = first.ok_or_else(|| Failure::lasting("expected a model, found none: `ollama pull` one"))?.to_owned();
    }
    let shown = client.ask("/api/show", &json!({ "model": model, "verbose": true })).await?;
    let info = &shown["model_info"];
    let architecture = info["general.architecture"].as_str().unwrap_or_default();
    let context = info[format!("{architecture}.context_length")].as_u64();
    let mut specials = believed(options, markers);
    if let Some(tokens) = info["tokenizer.ggml.tokens"].as_array().filter(|tokens| !tokens.is_empty()) {
        let known = tokens.iter().enumerate().filter_map(|(id, token)| Some((token.as_str()?, id as u32)));
        let wanted = known.filter(|(token, _)| markers.contains(token));
        specials = wanted.map(|(token, id)| (token.to_owned(), Some(id))).collect();
    }
    let server_writes = writes(options, !specials.is_empty());
    // It takes memory for all of what is asked for.
    let context = size(context).min(USUAL_CONTEXT);
    // A base model's template is the prompt alone.
    let template = shown["template"].as_str().unwrap_or_default();
    let chats = template.contains(".Messages") || template.contains(".System");
    Ok(Found { kind: RemoteKind::Ollama, model, context, specials, server_writes, chats })
}

/// A format that is named is believed where the server cannot be asked for its tokens.
fn believed(options: &RemoteOptions, markers: &[&str]) -> BTreeMap<String, Option<u32>> {
    let named = !matches!(options.format.as_str(), "auto" | "server");
    markers.iter().filter(|_| named).map(|marker| ((*marker).to_owned(), None)).collect()
}

fn writes(options: &RemoteOptions, can_be_written_here: bool) -> bool {
    match options.format.as_str() {
        "auto" => !can_be_written_here,
        format => format == "server",
    }
}

fn size(context: Option<u64>) -> usize {
    context.filter(|&n| n > 0).and_then(|n| usize::try_from(n).ok()).unwrap_or(USUAL_CONTEXT)
}

fn stem(path: &str) -> String {
    let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
    file.strip_suffix(".gguf").unwrap_or(file).to_owned()
}
