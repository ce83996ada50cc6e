//! The daemon's side: it holds the lock, listens, serves whoever may connect, and ends when nobody needs it any more.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use futures::FutureExt as _;
use pilotlight_assist::{Assistant, Status, Workspace, options::overlay};
use pilotlight_http::Activity;
use rustix::fs::Mode;
use tokio::{
    io::BufReader,
    net::{UnixListener, UnixStream},
    signal::unix::{SignalKind, signal},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{
    folder::{self, Folder},
    hello::{self, Answer, Build, Handed, Hello, Want},
    link,
    report::{Connection, Report},
};
use crate::{
    http::Http,
    model,
    settings::{Behaviour, Settings},
};

/// How long the first words may take.
const GREETING: Duration = Duration::from_secs(5);
/// How long the clients' connections may take to end, when the daemon does.
const LAST_WORDS: Duration = Duration::from_secs(6);
/// Whoever started the daemon gets so long to connect, however short the idle time.
const FIRST_CLIENT: Duration = Duration::from_secs(10);

type Stream = BufReader<UnixStream>;

/// Runs the daemon until it is stopped or idle; at once, if there is one already.
pub(crate) async fn run(settings: Settings, log: Option<PathBuf>) -> Result<ExitCode> {
    // Away from the editor's process group and terminal. It fails for the leader of a group, which is not in the editor's.
    let _ = rustix::process::setsid();
    // Others must not be able to use the socket for a moment either: a client that looks just then would refuse it.
    rustix::process::umask(Mode::from_raw_mode(0o077));
    let folder = Folder::open()?;
    let key = folder::key(&settings.engine);
    let lock = folder.lock_file(&key)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => {
            tracing::info!(key, "there is a daemon already");
            return Ok(ExitCode::SUCCESS);
        }
        Err(fs::TryLockError::Error(error)) => return Err(error).context("the daemon's lock"),
    }
    let socket = folder.socket(&key);
    if folder::check_socket(&socket)? {
        // Who had it is dead: the lock was free.
        fs::remove_file(&socket).with_context(|| socket.display().to_string())?;
    }
    let listener = UnixListener::bind(&socket).with_context(|| format!("{}: cannot listen", socket.display()))?;
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o600))?;
    let build = Build::own();
    tracing::info!(pid = std::process::id(), version = build.version, socket = %socket.display(), "listening");
    // Daemons that nobody uses any more leave their memory to this one.
    tokio::spawn(link::ask_others_to_yield(folder.clone(), socket.clone()));
    let host = Host {
        assistant: model::resident(&settings),
        settings,
        folder,
        key,
        socket,
        lock: Some(lock),
        log,
        started: Instant::now(),
        clients: BTreeMap::new(),
        serving: JoinSet::new(),
        leave: CancellationToken::new(),
        activity: Activity::default(),
        known: false,
        leaving: Vec::new(),
    };
    host.open_http().await;
    host.serve(listener).await
}

struct Host {
    assistant: Assistant,
    settings: Settings,
    folder: Folder,
    key: String,
    socket: PathBuf,
    /// Held while the daemon's place is its own.
    lock: Option<fs::File>,
    log: Option<PathBuf>,
    started: Instant,
    clients: BTreeMap<u64, Client>,
    /// One task a client; each ends with the client's number.
    serving: JoinSet<u64>,
    leave: CancellationToken,
    /// What is written by HTTP: who uses only that has no connection that stays.
    activity: Activity,
    /// Whether anybody ever came.
    known: bool,
    /// Those who asked for the end: their connections are closed by it.
    leaving: Vec<Stream>,
}

struct Client {
    pid: Option<i32>,
    build: Build,
    since: Instant,
    assistant: Assistant,
}

impl Host {
    /// Listens for HTTP where the settings say so. What is wrong with that leaves the editors alone.
    async fn open_http(&self) {
        if self.settings.http.listen.is_empty() {
            return;
        }
        match Http::open(self.settings.http.clone()).await {
            Ok(http) => {
                let (assistant, activity, leave) = (self.assistant.clone(), self.activity.clone(), self.leave.clone());
                tracing::info!(listen = self.settings.http.listen, "listening for HTTP");
                tokio::spawn(http.serve(assistant, activity, leave.cancelled_owned()));
            }
            Err(error) => tracing::error!(error = format!("{error:#}"), "no HTTP; editors are served"),
        }
    }

    async fn serve(mut self, listener: UnixListener) -> Result<ExitCode> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut greetings = JoinSet::new();
        let mut next = 0;
        let idle = Duration::from_secs(self.settings.daemon.idle_exit_seconds);
        let mut idle_at = Instant::now() + idle.max(FIRST_CLIENT);
        while self.leaving.is_empty() {
            let because = tokio::select! {
                accepted = listener.accept() => {
                    match accepted {
                        Ok((stream, _)) => _ = greetings.spawn(greeting(stream)),
                        Err(error) => {
                            // Too many open files, at worst: others may close some.
                            tracing::warn!(%error, "a connection was not accepted");
                            tokio::time::sleep(Duration::from_millis(100)).await;
                        }
                    }
                    continue;
                }
                Some(greeted) = greetings.join_next() => {
                    if let Ok(Some((hello, stream))) = greeted {
                        next += 1;
                        self.answer(next, hello, stream).await;
                    }
                    if self.is_retired() && self.clients.is_empty() { "a newer daemon has its place" } else { continue }
                }
                Some(ended) = self.serving.join_next() => {
                    self.forget(ended.ok());
                    idle_at = Instant::now() + idle;
                    if self.is_retired() && self.clients.is_empty() { "its last client has left" } else { continue }
                }
                () = tokio::time::sleep_until(idle_at.into()), if self.clients.is_empty() => {
                    let used = self.activity.last().map_or(idle_at, |last| last + idle.max(Duration::from_secs(1)));
                    if used > Instant::now() {
                        idle_at = used;
                        continue;
                    }
                    "nobody needed it for a while"
                }
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            };
            tracing::info!(because, "ending");
            break;
        }
        self.end(listener).await;
        Ok(ExitCode::SUCCESS)
    }

    /// Says what there is to say to a first word. A line fits into a fresh socket's buffer, so nobody can hold this up.
    async fn answer(&mut self, number: u64, hello: Result<Hello, String>, mut stream: Stream) {
        let answer = match &hello {
            Err(why) => Answer::Refused { why: why.clone() },
            Ok(Hello { want: Want::Lsp, build, .. }) => self.welcome(build),
            Ok(Hello { want: Want::Status, .. }) => Answer::Status(Box::new(self.report())),
            // Two that start at the same moment do not send each other away.
            Ok(Hello { want: Want::Yield, .. }) if !self.clients.is_empty() || !self.known => Answer::Staying,
            Ok(Hello { want: Want::Stop | Want::Yield, .. }) => {
                Answer::Leaving { pid: std::process::id(), build: Build::own(), clients: self.clients.len() }
            }
        };
        let said = tokio::time::timeout(GREETING, hello::write(&mut stream, &answer)).await;
        if !matches!(said, Ok(Ok(()))) {
            return;
        }
        match answer {
            Answer::Leaving { .. } => self.leaving.push(stream),
            Answer::Welcome { .. } => {
                if let Ok(hello) = hello {
                    self.take(number, hello, stream);
                }
            }
            _ => {}
        }
    }

    fn welcome(&mut self, caller: &Build) -> Answer {
        let build = Build::own();
        if *caller > build {
            self.retire();
        }
        if self.is_retired() { Answer::Retired { build } } else { Answer::Welcome { pid: std::process::id(), build } }
    }

    fn is_retired(&self) -> bool {
        self.lock.is_none()
    }

    /// Gives the place up. The socket goes on under another name, for `status` and `stop`.
    fn retire(&mut self) {
        let retired = self.folder.retired_socket(&self.key);
        match fs::rename(&self.socket, &retired) {
            Ok(()) => self.socket = retired,
            Err(error) => tracing::warn!(%error, "the socket cannot be renamed"),
        }
        tracing::info!(clients = self.clients.len(), "a newer daemon takes over; this one ends with its last client");
        self.lock = None;
    }

    fn take(&mut self, number: u64, hello: Hello, stream: Stream) {
        let Handed { user, command_line, mut notices, hint } = hello.settings;
        // A newer or older client's settings may have other names than ours: what is not known is told, the rest holds.
        let (behaviour, told) = overlay(&Behaviour::default(), &user, "config.toml");
        notices.extend(told);
        let assistant = self.assistant.for_client(Workspace::new(behaviour.assist(), []));
        let pid = stream.get_ref().peer_cred().ok().and_then(|peer| peer.pid());
        tracing::info!(number, pid, version = hello.build.version, "a client");
        let client = Client { pid, build: hello.build, since: Instant::now(), assistant: assistant.clone() };
        self.known = true;
        self.clients.insert(number, client);
        let settings = pilotlight_lsp::Settings { lsp: behaviour.lsp, command_line, notices, hint };
        let leave = self.leave.clone();
        self.serving.spawn(async move {
            let (read, write) = tokio::io::split(stream);
            let served = tokio::spawn(pilotlight_lsp::serve(assistant, settings, leave, read, write)).await;
            match served {
                Ok(Ok(())) => tracing::info!(number, "the client has left"),
                Ok(Err(error)) => tracing::info!(number, %error, "the client has left"),
                Err(panic) => tracing::error!(number, %panic, "serving the client failed"),
            }
            number
        });
    }

    fn forget(&mut self, ended: Option<u64>) {
        if let Some(number) = ended {
            self.clients.remove(&number);
        }
    }

    fn report(&self) -> Report {
        let (model, state) = match &*self.assistant.status().borrow() {
            Status::Loading { model } => (model.clone(), "loading".to_owned()),
            Status::Ready { model } => (model.clone(), "ready".to_owned()),
            Status::Busy { model } => (model.clone(), "busy".to_owned()),
            Status::Degraded { model, message } => (model.clone(), message.clone()),
            Status::Failed { message } => (self.settings.engine.model.clone(), message.clone()),
        };
        let folders = |client: &Client| -> Vec<PathBuf> {
            client.assistant.workspace().folders.iter().map(|folder| folder.root.clone()).collect()
        };
        let connections = self.clients.values().map(|client| Connection {
            pid: client.pid,
            version: client.build.version.clone(),
            seconds: client.since.elapsed().as_secs(),
            workspaces: folders(client),
        });
        let mut workspaces: Vec<_> = self.clients.values().flat_map(folders).collect();
        workspaces.sort();
        workspaces.dedup();
        Report {
            pid: std::process::id(),
            version: Build::own().version,
            uptime_seconds: self.started.elapsed().as_secs(),
            socket: self.socket.clone(),
            model,
            state,
            connections: connections.collect(),
            workspaces,
            memory_bytes: memory(),
            idle_exit_seconds: self.settings.daemon.idle_exit_seconds,
            retired: self.is_retired(),
            log: self.log.clone(),
            figures: self.assistant.engine().now_or_never().and_then(Result::ok).map(|engine| engine.figures()),
            predictions: self.assistant.predictions(),
        }
    }

    /// Takes no more clients, answers what was asked, says farewell.
    async fn end(mut self, listener: UnixListener) {
        if let Err(error) = fs::remove_file(&self.socket) {
            tracing::warn!(%error, socket = %self.socket.display(), "the socket was not there any more");
        }
        drop(listener);
        // From here on another may take the place.
        self.lock = None;
        self.leave.cancel();
        let all = async { while self.serving.join_next().await.is_some() {} };
        if tokio::time::timeout(LAST_WORDS, all).await.is_err() {
            tracing::warn!("a client's connection did not end in time");
        }
        model::save(&self.assistant).await;
        tracing::info!("ended");
    }
}

/// Reads a first word; a bad one is to be answered, `None` is of somebody who may not connect or has gone.
async fn greeting(stream: UnixStream) -> Option<(Result<Hello, String>, Stream)> {
    if let Err(error) = may_connect(&stream) {
        tracing::warn!(%error, "refused");
        return None;
    }
    let mut stream = BufReader::new(stream);
    match tokio::time::timeout(GREETING, hello::read(&mut stream)).await {
        Ok(Ok(Some(hello))) => Some((Ok(hello), stream)),
        Ok(Ok(None)) | Err(_) => None,
        Ok(Err(error)) => Some((Err(format!("{error:#}")), stream)),
    }
}

fn may_connect(stream: &UnixStream) -> Result<()> {
    let peer = stream.peer_cred().context("who connects is not known")?;
    ensure!(peer.uid() == folder::user(), "a connection of user {}, expected one of {}", peer.uid(), folder::user());
    Ok(())
}

/// Resident memory of this process in bytes; 0 where the system does not say.
fn memory() -> u64 {
    let (Ok(pid), Ok(mut system)) = (sysinfo::get_current_pid(), sysinfo::System::new()) else { return 0 };
    let memory = sysinfo::ProcessRefreshKind::nothing().with_memory();
    system.refresh_processes_specifics(sysinfo::ProcessesToUpdate::Some(&[pid]), true, memory);
    system.process(pid).map_or(0, sysinfo::Process::memory)
}
