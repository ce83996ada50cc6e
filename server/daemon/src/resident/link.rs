//! The side of those who use a daemon: finding it, starting it where there is none, and asking it things.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use tokio::{
    io::{AsyncWriteExt, BufReader},
    net::UnixStream,
    process::{Child, Command},
    time::Instant,
};

use super::{
    folder::{self, Folder},
    hello::{self, Answer, Build, Handed, Hello, Want},
};
use crate::{
    advice,
    settings::{Loaded, Settings},
};

/// How long a daemon may take until it listens; it loads its model afterwards.
const START: Duration = Duration::from_secs(10);
/// How long it may take to answer the first words.
const GREETING: Duration = Duration::from_secs(5);
/// Between two looks.
const POLL: Duration = Duration::from_millis(5);
/// Before one more is started: the one that has the place may not listen yet, or have lost its socket.
const ANOTHER: Duration = Duration::from_millis(100);

pub(crate) type Stream = BufReader<UnixStream>;

/// The way to the one daemon for these settings.
pub(crate) struct Link {
    folder: Folder,
    key: String,
    /// The binary that is started where there is no daemon, as it was when this process was.
    binary: PathBuf,
    settings: Settings,
    handed: Handed,
    /// The person has had the notices and the hint.
    told: AtomicBool,
}

/// What came of knocking.
enum Knock {
    Welcome(Stream),
    /// Nobody is there.
    Nobody,
    /// Somebody is, but not for long: try again.
    Leaving,
}

impl Link {
    /// # Errors
    ///
    /// There is no safe place for a socket.
    pub(crate) fn new(loaded: &Loaded) -> Result<Arc<Self>> {
        // Asked first: it is what this process is, whatever the file becomes.
        Build::own();
        let mut settings = loaded.settings.clone();
        settings.engine.model = whole_path(&settings.engine.model);
        // The daemon's folder is another.
        let remote = &mut settings.engine.remote;
        for file in [&mut remote.key_file, &mut remote.tokenizer].into_iter().flatten() {
            *file = std::path::absolute(&*file).unwrap_or_else(|_| file.clone());
        }
        Ok(Arc::new(Self {
            folder: Folder::open()?,
            key: folder::key(&settings.engine),
            binary: hello::own_binary(),
            handed: Handed {
                user: serde_json::to_value(settings.behaviour())?,
                command_line: loaded.command_line.clone(),
                notices: loaded.notices.clone(),
                hint: advice::larger_model(&settings.engine),
            },
            settings,
            told: AtomicBool::new(false),
        }))
    }

    /// Connects to the daemon, which is started if there is none.
    ///
    /// # Errors
    ///
    /// The socket is not to be trusted, or no daemon could be started or answers.
    pub(crate) async fn connect(&self) -> Result<Stream> {
        let deadline = Instant::now() + START;
        let mut child: Option<Child> = None;
        // The log's end before this: what stands there already is about others.
        let log = log_length();
        loop {
            match self.knock().await? {
                Knock::Welcome(stream) => return Ok(stream),
                Knock::Leaving => {}
                Knock::Nobody => {
                    // One that finds another in its place ends at once and well.
                    let ended = child.as_mut().and_then(|child| child.try_wait().ok().flatten());
                    match ended {
                        Some(status) if !status.success() => bail!("the daemon ended with {status}{}", last_words(log)),
                        Some(_) => {
                            child = None;
                            tokio::time::sleep(ANOTHER).await;
                            continue;
                        }
                        None => {}
                    }
                    if child.is_none() {
                        child = Some(self.start().await?);
                    }
                }
            }
            ensure!(Instant::now() < deadline, "no daemon listened within {} s{}", START.as_secs(), last_words(log));
            tokio::time::sleep(POLL).await;
        }
    }

    async fn knock(&self) -> Result<Knock> {
        self.folder.check()?;
        let socket = self.folder.socket(&self.key);
        let Some(mut stream) = open(&socket).await? else { return Ok(Knock::Nobody) };
        let mut handed = self.handed.clone();
        if self.told.load(Ordering::Relaxed) {
            handed = Handed { notices: Vec::new(), hint: None, ..handed };
        }
        let hello = Hello { want: Want::Lsp, build: Build::own(), settings: handed };
        match ask(&mut stream, &hello, &socket).await? {
            Some(Answer::Welcome { pid, build }) => {
                self.told.store(true, Ordering::Relaxed);
                let log = folder::log_path().unwrap_or_default();
                tracing::info!(pid, version = build.version, log = %log.display(), "connected to the daemon");
                Ok(Knock::Welcome(stream))
            }
            Some(Answer::Retired { build }) => {
                tracing::info!(version = build.version, "the daemon gives its place up");
                Ok(Knock::Leaving)
            }
            Some(Answer::Refused { why }) => bail!("the daemon refused this client: {why}"),
            Some(other) => bail!("the daemon answered something else than was asked: {other:?}"),
            None => Ok(Knock::Leaving),
        }
    }

    /// Starts the daemon: its settings by its standard input, its log in a file, nothing else in common with this process.
    async fn start(&self) -> Result<Child> {
        let log = folder::log_path().and_then(|path| {
            folder::open_log(&path).inspect_err(|error| tracing::warn!(%error, path = %path.display(), "no log")).ok()
        });
        // A binary that was deleted or replaced can still be run by the kernel's name for it; a new one in its place is better.
        let gone = self.binary.is_absolute() && !self.binary.exists();
        let binary = if gone { Path::new("/proc/self/exe") } else { self.binary.as_path() };
        let mut command = Command::new(binary);
        command.args(["daemon", "--handed"]).current_dir("/").stdin(Stdio::piped()).stdout(Stdio::null());
        command.stderr(log.map_or_else(Stdio::null, Stdio::from));
        let mut child = command.spawn().with_context(|| format!("{} cannot be started", binary.display()))?;
        let settings = serde_json::to_vec(&self.settings)?;
        if let Some(mut stdin) = child.stdin.take() {
            // One that ends before it reads says why in the log.
            let _ = stdin.write_all(&settings).await;
        }
        Ok(child)
    }
}

/// A path that means the same in every folder; `ember` is none.
fn whole_path(model: &str) -> String {
    match std::fs::canonicalize(model) {
        Ok(path) if model != "ember" => path.display().to_string(),
        _ => model.to_owned(),
    }
}

fn log_length() -> u64 {
    folder::log_path().and_then(|path| std::fs::metadata(path).ok()).map_or(0, |log| log.len())
}

/// The log's last line, for a message, where one was written behind byte `from`.
fn last_words(from: u64) -> String {
    let Some(path) = folder::log_path() else { return String::new() };
    let text = std::fs::read(&path).unwrap_or_default();
    // A long one was put aside meanwhile: all of the new one is new.
    let from = usize::try_from(from).ok().filter(|&from| from <= text.len()).unwrap_or(0);
    let text = String::from_utf8_lossy(&text[from..]);
    match text.lines().rfind(|line| !line.trim().is_empty()) {
        Some(line) => format!("; its log, {}, ends with: {line}", path.display()),
        None => format!("; it wrote nothing into its log, {} (is the disk full?)", path.display()),
    }
}

/// Connects to a socket that is ours alone. `None`: nobody listens.
async fn open(socket: &Path) -> Result<Option<Stream>> {
    if !folder::check_socket(socket)? {
        return Ok(None);
    }
    // Whoever listened may end at any moment of this.
    let found = match UnixStream::connect(socket).await {
        Ok(stream) => stream.peer_cred().map(|peer| (stream, peer.uid())),
        Err(error) => Err(error),
    };
    let (stream, owner) = match found {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            return Err(error).with_context(|| socket.display().to_string());
        }
        Err(error) => {
            tracing::debug!(%error, socket = %socket.display(), "nobody listens");
            return Ok(None);
        }
    };
    let user = folder::user();
    ensure!(owner == user, "{}: user {owner} listens there, expected {user}; nothing is sent", socket.display());
    Ok(Some(BufReader::new(stream)))
}

/// Says the first words and hears the answer. `None`: it ended before it answered.
async fn ask(stream: &mut Stream, hello: &Hello, socket: &Path) -> Result<Option<Answer>> {
    let talk = async {
        match hello::write(&mut *stream, hello).await {
            Ok(()) => hello::read(&mut *stream).await,
            Err(_) => Ok(None),
        }
    };
    let late = |stream: &Stream| {
        let pid = stream.get_ref().peer_cred().ok().and_then(|peer| peer.pid());
        let who = pid.map_or_else(String::new, |pid| format!("process {pid} gave "));
        anyhow!("{}: {who}no answer within {} s", socket.display(), GREETING.as_secs())
    };
    let answered = tokio::time::timeout(GREETING, talk).await;
    match answered.map_err(|_| late(stream))? {
        Ok(answer) => Ok(answer),
        // The other side ended in the middle.
        Err(error) if error.downcast_ref::<std::io::Error>().is_some() => Ok(None),
        Err(error) => Err(error).with_context(|| socket.display().to_string()),
    }
}

/// Asks every daemon in the user's folder, all at once; those that are there, with their answers or with why there is none. The streams are open still.
pub(crate) async fn ask_all(want: Want) -> Result<Vec<Result<(Answer, Stream)>>> {
    let Some(folder) = Folder::find()? else { return Ok(Vec::new()) };
    let sockets = folder.sockets()?;
    let answers = futures::future::join_all(sockets.iter().map(|socket| ask_one(socket, want))).await;
    Ok(answers.into_iter().filter_map(Result::transpose).collect())
}

async fn ask_one(socket: &Path, want: Want) -> Result<Option<(Answer, Stream)>> {
    let Some(mut stream) = open(socket).await? else { return Ok(None) };
    let hello = Hello { want, build: Build::own(), settings: Handed::default() };
    Ok(ask(&mut stream, &hello, socket).await?.map(|answer| (answer, stream)))
}

/// Asks the other daemons in `folder` to end if they have no client.
pub(crate) async fn ask_others_to_yield(folder: Folder, own: PathBuf) {
    for socket in folder.sockets().unwrap_or_default().into_iter().filter(|socket| *socket != own) {
        match ask_one(&socket, Want::Yield).await {
            Ok(answer) => tracing::debug!(socket = %socket.display(), ?answer, "asked to yield"),
            Err(error) => tracing::debug!(socket = %socket.display(), %error, "not asked to yield"),
        }
    }
}
