//! The engine over an existing server: the same requests and events, and somebody else computes.
//!
//! Prompts come as token ids, as for the resident engine. Where the model's tokenizer is not here the ids are those of bytes and of markers by name, and
//! what is sent is text between the server's own special tokens. The text that a server tokenises has no spelled-out special token in it.
//!
//! A server that does not answer is *ailing*: [`crate::Engine::ailing`] says why, requests are still tried, and it is asked in growing intervals whether it is back.

mod answer;
mod client;
mod discovery;
mod failure;
mod health;
mod lines;
pub(crate) mod options;
mod prompt;
mod wire;

#[cfg(test)]
pub(crate) mod tests;

use std::{
    collections::HashMap,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU32, Ordering},
        mpsc as std_mpsc,
    },
};

use tokio::sync::{mpsc, watch};

use crate::{
    EngineError, EngineOptions, Event, Figures, ModelInfo, Request, TimeLimits, Tokenizer, chat::Chat,
    weights::gguf::Gguf,
};
use client::Client;
use discovery::{Found, discover};
use failure::{Failure, Remedy};
pub use options::{RemoteKind, RemoteOptions};
pub(crate) use prompt::{ASSISTANT_PART, SYSTEM_PART, USER_PART};
pub use prompt::{PREFIX_PART, SUFFIX_PART};

/// Bytes of code that a token has, before a server has told how many it counts.
const BYTES_PER_TOKEN: f32 = 3.0;

/// A server, and the thread that talks to it.
#[derive(Debug)]
pub(crate) struct Remote {
    pub(crate) info: ModelInfo,
    pub(crate) chat: Result<Chat, String>,
    link: Arc<Link>,
    inbox: mpsc::UnboundedSender<(Request, mpsc::UnboundedSender<Event>)>,
}

/// What requests share.
#[derive(Debug)]
struct Link {
    client: Client,
    options: RemoteOptions,
    markers: Vec<&'static str>,
    tokenizer: Arc<Tokenizer>,
    /// Whether `tokenizer` is the model's own.
    exact: bool,
    names: HashMap<u32, String>,
    found: RwLock<Arc<Found>>,
    /// Why it does not serve; `None` while it does.
    ailing: watch::Sender<Option<String>>,
    /// Whether it has not said (501) that it cannot write the prompts of its model.
    fills: AtomicBool,
    /// How often it began to ail since it last served a request.
    falls: AtomicU32,
    figures: Mutex<Figures>,
    /// An f32's bits.
    bytes_per_token: AtomicU32,
    time_limits: TimeLimits,
}

impl Remote {
    /// Asks the server what it is. Blocking. `markers` are the special tokens that prompts may want.
    pub(crate) fn connect(options: &EngineOptions, markers: &[&'static str]) -> Result<Self, EngineError> {
        let (remote, markers) = (options.remote.clone(), markers.to_vec());
        let time_limits = options.time_limits.clone();
        let client = Client::new(&remote)?;
        let own = remote.tokenizer.as_deref().map(tokenizer).transpose()?;
        if client.is_open() {
            tracing::warn!(url = client.url(), "what is sent can be read on the way: the address is not https");
        }
        // Without what an address may have of secrets.
        let url = client.url().to_owned();
        let (told, connected) = std_mpsc::sync_channel(1);
        let (inbox, mut requests) = mpsc::unbounded_channel();
        let serve = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = match runtime {
                Ok(runtime) => runtime,
                Err(error) => return drop(told.send(Err(Failure::lasting(error.to_string())))),
            };
            runtime.block_on(async move {
                let found = discover(&client, &remote, &markers).await;
                let made = found.and_then(|found| Link::new(client, remote, markers, own, found, time_limits));
                let Ok(link) = made.map(Arc::new).inspect_err(|failure| drop(told.send(Err(failure.clone())))) else {
                    return;
                };
                if told.send(Ok(Arc::clone(&link))).is_err() {
                    return;
                }
                while let Some((request, events)) = requests.recv().await {
                    tokio::spawn(answer::serve(Arc::clone(&link), request, events));
                }
            });
        };
        let failed = |message: String| EngineError::Remote { url: url.clone(), message };
        std::thread::Builder::new().name("pilotlight-remote".into()).spawn(serve).map_err(|e| failed(e.to_string()))?;
        let link = connected.recv().map_err(|_| failed("its thread has ended".into()))?;
        let link = link.map_err(|failure| failed(failure.message))?;
        Ok(Self { info: link.info(), chat: link.chat(), link, inbox })
    }

    pub(crate) fn tokenizer(&self) -> &Arc<Tokenizer> {
        &self.link.tokenizer
    }

    pub(crate) fn figures(&self) -> Figures {
        self.link.figures().clone()
    }

    /// See [`crate::Engine::ailing`].
    pub(crate) fn ailing(&self) -> watch::Receiver<Option<String>> {
        self.link.ailing.subscribe()
    }

    /// See [`crate::Engine::fills`].
    pub(crate) fn fills(&self) -> bool {
        self.link.fills.load(Ordering::Relaxed)
    }

    /// See [`crate::Engine::bytes_per_token`].
    pub(crate) fn bytes_per_token(&self) -> Option<f32> {
        (!self.link.exact).then(|| self.link.bytes_per_token())
    }

    pub(crate) fn submit(&self, request: Request) -> mpsc::UnboundedReceiver<Event> {
        let (events, receiver) = mpsc::unbounded_channel();
        if let Err(mpsc::error::SendError((_, events))) = self.inbox.send((request, events)) {
            // The receiver is in our hands: it cannot be closed.
            let _ = events.send(Event::Failed(EngineError::Stopped("its thread is gone".into()).to_string()));
        }
        receiver
    }
}

impl Link {
    fn new(
        client: Client,
        options: RemoteOptions,
        markers: Vec<&'static str>,
        own: Option<Tokenizer>,
        found: Found,
        time_limits: TimeLimits,
    ) -> Result<Self, Failure> {
        let exact = own.is_some();
        if exact && found.server_writes {
            return Err(Failure::lasting(
                "remote.tokenizer is of no use where the server writes the prompt: expected remote.format to name a format",
            ));
        }
        let tokenizer = Arc::new(own.unwrap_or_else(|| Tokenizer::of_bytes(found.names())));
        Ok(Self {
            names: tokenizer.special_names(),
            found: RwLock::new(Arc::new(found)),
            ailing: watch::Sender::new(None),
            fills: AtomicBool::new(true),
            falls: AtomicU32::new(0),
            figures: Mutex::default(),
            bytes_per_token: AtomicU32::new(BYTES_PER_TOKEN.to_bits()),
            client,
            options,
            markers,
            tokenizer,
            exact,
            time_limits,
        })
    }

    fn info(&self) -> ModelInfo {
        let found = self.found();
        ModelInfo {
            name: found.model.clone(),
            architecture: "remote".into(),
            parameters: 0,
            bytes: 0,
            context_length: found.context,
            licence: None,
            edit_form: None,
            backend: self.name(),
            bos: None,
            eos: Vec::new(),
        }
    }

    /// How it is talked to, or why it is not.
    fn chat(&self) -> Result<Chat, String> {
        if let Some(chat) = Chat::of_parts(&self.tokenizer) {
            return Ok(chat);
        }
        let because = match self.found().chats {
            true => "its prompts are written here, with remote.tokenizer",
            false => "it tells of no chat template (engine.remote.chat = true says that there is one)",
        };
        Err(format!("{} is not asked to chat: {because}", self.name()))
    }

    /// As a person knows it.
    fn name(&self) -> String {
        format!("the {} server at {}", self.found().kind.name(), self.client.url())
    }

    fn found(&self) -> Arc<Found> {
        self.found.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn figures(&self) -> std::sync::MutexGuard<'_, Figures> {
        self.figures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn bytes_per_token(&self) -> f32 {
        f32::from_bits(self.bytes_per_token.load(Ordering::Relaxed))
    }

    /// Takes in how many tokens the server counted in `bytes` of text. What is counted with stays as it is for small differences: windows are cut by it, and a
    /// window that moves is a cache that misses.
    fn learn(&self, bytes: usize, tokens: usize) {
        if self.exact || tokens < 64 {
            return;
        }
        let (now, told) = (self.bytes_per_token(), (bytes as f32 / tokens as f32).clamp(1.0, 8.0));
        if (told / now - 1.0).abs() > 0.2 {
            self.bytes_per_token.store(told.to_bits(), Ordering::Relaxed);
        }
    }

    /// About how many tokens a prompt of `ids` has.
    fn tokens(&self, ids: usize) -> usize {
        if self.exact { ids } else { (ids as f32 / self.bytes_per_token()).ceil() as usize }
    }
}

/// A tokenizer by itself, from whichever file holds it.
fn tokenizer(path: &Path) -> Result<Tokenizer, EngineError> {
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gguf")) {
        return Tokenizer::from_gguf(&Gguf::open(path)?);
    }
    let text = std::fs::read(path).map_err(|source| EngineError::Io { path: path.into(), source })?;
    let tekken = path.file_name().is_some_and(|name| name.to_string_lossy().contains("tekken"));
    if tekken { Tokenizer::from_tekken(path, &text) } else { Tokenizer::from_json(path, &text) }
}
