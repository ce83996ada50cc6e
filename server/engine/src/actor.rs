//! The engine's handle, and the thread that owns the model.

mod clock;
mod job;
mod scheduler;
mod score;
mod turns;

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc as std_mpsc,
    },
};

use tokio::sync::{mpsc, watch};

use crate::{
    EngineError, EngineOptions, Event, Figures, PageFigures, Request, TimeLimits, Tokenizer,
    backend::{self, Backend},
    chat::Chat,
    checkpoint::Checkpoint,
    remote::Remote,
    shape,
    snapshot::{self, Store},
};
use clock::Clock;
use job::Job;
use scheduler::{Message, Scheduler};
pub use score::Score;

/// Where the weights are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelSource {
    /// The built-in model.
    Ember,
    /// A `.gguf` file.
    Gguf(PathBuf),
    /// A folder with `config.json`, `tokenizer.json` and `*.safetensors`, or with `params.json`, `tekken.json` and `consolidated.safetensors`.
    SafeTensors(PathBuf),
}

/// What was loaded.
#[derive(Clone, Debug)]
pub struct ModelInfo {
    /// The file's own name for it (`general.name`), or the file's.
    pub name: String,
    /// `llama`, `qwen2`, ...
    pub architecture: String,
    /// Number of weights.
    pub parameters: u64,
    /// Bytes of the weights as stored.
    pub bytes: u64,
    /// The longest sequence, in tokens.
    pub context_length: usize,
    /// As the file says, if it does.
    pub licence: Option<String>,
    /// The next-edit form that it was trained on, where the file says so (`pilotlight.edit_form`).
    pub edit_form: Option<String>,
    /// The way it is computed: `reference`, `cpu (avx512-vnni)`, ...
    pub backend: String,
    /// Beginning-of-text id, where the model wants one.
    pub bos: Option<u32>,
    /// Ids that end a text.
    pub eos: Vec<u32>,
}

/// A handle to the engine. `Clone` is cheap; the last handle's drop ends the engine's thread, and fails what is still in its queue.
#[derive(Clone, Debug)]
pub struct Engine {
    place: Place,
}

/// Where it computes.
#[derive(Clone, Debug)]
enum Place {
    Here(Arc<Resident>),
    There(Arc<Remote>),
}

#[derive(Debug)]
struct Resident {
    info: ModelInfo,
    chat: Result<Chat, String>,
    tokenizer: Arc<Tokenizer>,
    inbox: std_mpsc::Sender<Message>,
    clock: Clock,
    time_limits: TimeLimits,
    figures: Arc<Mutex<Figures>>,
    next_id: AtomicU64,
}

impl Engine {
    /// Loads the model with default options and starts the thread that owns it. Blocking.
    pub fn load(source: &ModelSource) -> Result<Self, EngineError> {
        Self::load_with(source, &EngineOptions::default())
    }

    /// Loads the model and starts the thread that owns it. Blocking. `options.model` is not looked at: see [`EngineOptions::source`].
    pub fn load_with(source: &ModelSource, options: &EngineOptions) -> Result<Self, EngineError> {
        options.check()?;
        let content = options.snapshot_place().map(|_| snapshot::content(source)).transpose()?;
        Self::of(Checkpoint::open(source)?, options, content, Clock::system())
    }

    /// Random weights in the shape of a well-known model (`pilotlight bench --random-weights`), stored as `dtype` says: what it says is nothing, but it says it in that model's time. Its tokens
    /// past the bytes have names and no text.
    pub fn with_random_weights(shape: &str, dtype: &str, options: &EngineOptions) -> Result<Self, EngineError> {
        options.check()?;
        let context_length = options.context_length;
        let decoder = shape::of_name(shape)?.decoder(dtype, context_length)?;
        let backend = backend::build(&decoder, context_length, options)?;
        let info = ModelInfo {
            name: format!("{shape} {dtype}, random weights"),
            architecture: decoder.config.family.name.to_owned(),
            parameters: decoder.parameters,
            bytes: decoder.bytes,
            context_length,
            licence: None,
            edit_form: None,
            backend: backend.name(),
            bos: None,
            eos: Vec::new(),
        };
        let tokenizer = Tokenizer::of_bytes((256..decoder.config.vocab as u32).map(|id| format!("<{id}>")));
        let chat = Err("random weights do not chat".to_owned());
        Self::start(backend, (tokenizer, chat), info, options, Clock::system(), None)
    }

    /// `content` is a hash of the model's files, where there is to be a snapshot.
    fn of(
        checkpoint: Checkpoint,
        options: &EngineOptions,
        content: Option<Vec<u8>>,
        clock: Clock,
    ) -> Result<Self, EngineError> {
        let config = &checkpoint.decoder.config;
        let context_length = config.context_length.min(options.context_length);
        let backend = backend::build(&checkpoint.decoder, context_length, options)?;
        let info = ModelInfo {
            name: checkpoint.name,
            architecture: config.family.name.to_owned(),
            parameters: checkpoint.decoder.parameters,
            bytes: checkpoint.decoder.bytes,
            context_length,
            licence: checkpoint.licence,
            edit_form: checkpoint.edit_form,
            backend: backend.name(),
            bos: checkpoint.bos,
            eos: checkpoint.eos,
        };
        let store = options.snapshot_place().zip(content).map(|((folder, bytes), content)| {
            let key = snapshot::key(&content, config, &checkpoint.tokenizer, &info.backend, options);
            Store::new(folder, key, bytes, checkpoint.tokenizer.vocab_size())
        });
        let chat = checkpoint.chat;
        Self::start(backend, (checkpoint.tokenizer, chat), info, options, clock, store)
    }

    fn start(
        backend: Box<dyn Backend>,
        (tokenizer, chat): (Tokenizer, Result<Chat, String>),
        info: ModelInfo,
        options: &EngineOptions,
        clock: Clock,
        store: Option<Store>,
    ) -> Result<Self, EngineError> {
        let (inbox, requests) = std_mpsc::channel();
        let tokenizer = Arc::new(tokenizer);
        let mut scheduler =
            Scheduler::new(backend, tokenizer.clone(), info.eos.clone(), options, clock.clone(), requests);
        if let Some(store) = store {
            scheduler.restore(store);
        }
        let figures = scheduler.figures();
        std::thread::Builder::new()
            .name("pilotlight-engine".into())
            .spawn(move || scheduler.run())
            .map_err(|e| EngineError::Stopped(format!("its thread could not be started: {e}")))?;
        let time_limits = options.time_limits.clone();
        let next_id = AtomicU64::new(0);
        let resident = Resident { info, chat, tokenizer, inbox, clock, time_limits, figures, next_id };
        Ok(Self { place: Place::Here(Arc::new(resident)) })
    }

    /// The engine over the server that `options.remote` names. Blocking: asks it what it is. `markers` are the special tokens that prompts may want; which of them
    /// its vocabulary has, [`Engine::tokenizer`] tells.
    pub fn connect(options: &EngineOptions, markers: &[&'static str]) -> Result<Self, EngineError> {
        Ok(Self { place: Place::There(Arc::new(Remote::connect(options, markers)?)) })
    }

    /// What was loaded.
    pub fn info(&self) -> &ModelInfo {
        match &self.place {
            Place::Here(resident) => &resident.info,
            Place::There(remote) => &remote.info,
        }
    }

    /// Its tokenizer; where [`Engine::bytes_per_token`] says so, one of bytes in the place of the server's.
    pub fn tokenizer(&self) -> &Arc<Tokenizer> {
        match &self.place {
            Place::Here(resident) => &resident.tokenizer,
            Place::There(remote) => remote.tokenizer(),
        }
    }

    /// How its model chats.
    ///
    /// # Errors
    ///
    /// Why it does not, in words.
    pub fn chat(&self) -> Result<&Chat, String> {
        match &self.place {
            Place::Here(resident) => resident.chat.as_ref().map_err(Clone::clone),
            Place::There(remote) => remote.chat.as_ref().map_err(Clone::clone),
        }
    }

    /// For a server whose tokenizer is not here: about how many bytes of a prompt are one of its tokens. Else prompts are exact.
    pub fn bytes_per_token(&self) -> Option<f32> {
        match &self.place {
            Place::Here(_) => None,
            Place::There(remote) => remote.bytes_per_token(),
        }
    }

    /// Follows why a server does not serve, in words; `None` for one that does, and for the resident engine.
    pub fn ailing(&self) -> Option<watch::Receiver<Option<String>>> {
        match &self.place {
            Place::Here(_) => None,
            Place::There(remote) => Some(remote.ailing()),
        }
    }

    /// Whether it fills holes: a server that is to write the prompts may turn out not to.
    pub fn fills(&self) -> bool {
        match &self.place {
            Place::Here(_) => true,
            Place::There(remote) => remote.fills(),
        }
    }

    /// Whether the first bytes of an answer can be prescribed ([`Request::heal`]).
    pub fn heals(&self) -> bool {
        matches!(self.place, Place::Here(_))
    }

    /// Whether a draft makes an answer faster ([`Request::draft`]).
    pub fn takes_drafts(&self) -> bool {
        matches!(self.place, Place::Here(_))
    }

    /// What it has done and holds, as of the last step.
    pub fn figures(&self) -> Figures {
        match &self.place {
            Place::Here(resident) => resident.figures.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            Place::There(remote) => remote.figures(),
        }
    }

    /// The pages of its KV cache, as of the end of the step under way. Blocking. A server shows none.
    pub fn map(&self) -> Result<Vec<PageFigures>, EngineError> {
        let Place::Here(resident) = &self.place else { return Ok(Vec::new()) };
        let (answer, map) = std_mpsc::channel();
        let stopped = || EngineError::Stopped("its thread is gone".into());
        resident.inbox.send(Message::Map(answer)).map_err(|_| stopped())?;
        map.recv().map_err(|_| stopped())
    }

    /// How likely the model finds each token of a text but the first, read in steps of `chunk` tokens. Blocking, and between two steps of all other requests: for a self-test.
    /// The cache has no part in it.
    ///
    /// # Errors
    ///
    /// A server cannot be asked; the text is longer than the context; the logits are no numbers.
    pub fn score(&self, tokens: &[u32], chunk: usize) -> Result<Vec<Score>, EngineError> {
        let Place::Here(resident) = &self.place else {
            return Err(EngineError::Compute { backend: "a server", message: "it is not asked to score texts".into() });
        };
        job::check_tokens("text", tokens, resident.info.context_length, resident.tokenizer.vocab_size())
            .map_err(|message| EngineError::Compute { backend: "score", message })?;
        let (answer, scores) = std_mpsc::channel();
        let stopped = || EngineError::Stopped("its thread is gone".into());
        resident.inbox.send(Message::Score(tokens.to_vec(), chunk, answer)).map_err(|_| stopped())?;
        scores.recv().map_err(|_| stopped())?
    }

    /// Writes the snapshot that a restart begins with, at the end of the step under way. Blocking. Gives its bytes; 0 where there is none to write.
    pub fn save(&self) -> Result<u64, EngineError> {
        let Place::Here(resident) = &self.place else { return Ok(0) };
        let (answer, saved) = std_mpsc::channel();
        let stopped = || EngineError::Stopped("its thread is gone".into());
        resident.inbox.send(Message::Save(answer)).map_err(|_| stopped())?;
        saved.recv().map_err(|_| stopped())?
    }

    /// Queues a request. Events arrive in order; dropping the receiver cancels.
    pub fn submit(&self, request: Request) -> mpsc::UnboundedReceiver<Event> {
        let resident = match &self.place {
            Place::Here(resident) => resident,
            Place::There(remote) => return remote.submit(request),
        };
        let (events, receiver) = mpsc::unbounded_channel();
        let Resident { info, tokenizer, inbox, clock, time_limits, next_id, .. } = &**resident;
        if let Err(refusal) = job::check(&request, info.context_length, tokenizer.vocab_size()) {
            // The receiver is in our hands: it cannot be closed.
            let _ = events.send(Event::Failed(refusal));
            return receiver;
        }
        let (id, limit) = (next_id.fetch_add(1, Ordering::Relaxed), time_limits.of(request.priority));
        let job = Job::new(id, request, events, clock.now(), limit);
        if let Err(std_mpsc::SendError(Message::Job(job))) = inbox.send(Message::Job(Box::new(job))) {
            job.end(Event::Failed(EngineError::Stopped("its thread is gone".into()).to_string()));
        }
        receiver
    }
}

#[cfg(test)]
mod tests;
