//! The daemon's side: it holds the lock, listens, serves whoever may connect, and ends when nobody needs it any more.

use std::{
    collections::BTreeMap,
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
    net::UnixStream,
    signal::unix::{SignalKind, signal},
    sync::watch,
    task::JoinSet,
    time::MissedTickBehavior,
};
use tokio_util::sync::CancellationToken;

use super::{
    folder::{self, Folder},
    hello::{self, Answer, Build, Handed, Hello, Want},
    link,
    place::Place,
    report::{Connection, Report},
};
use crate::{
    http, model,
    settings::{Behaviour, Settings},
};

/// How long the first words may take.
const GREETING: Duration = Duration::from_secs(5);
/// How long the clients' connections may take to end, when the daemon does.
const LAST_WORDS: Duration = Duration::from_secs(6);
/// Whoever started the daemon gets so long to connect, however short the idle time.
const FIRST_CLIENT: Duration = Duration::from_secs(10);
/// A daemon without a model gives its place up to whoever comes so long after its start, and not before: editors that start together are served by one.
const ANEW: Duration = Duration::from_secs(3);
/// Between two looks whether the socket is there: an editor that starts waits longer for one.
const LOOK: Duration = Duration::from_secs(2);

type Stream = BufReader<UnixStream>;

/// Runs the daemon until it is stopped or idle; at once, if there is one already.
pub(crate) async fn run(settings: Settings, log: Option<PathBuf>) -> Result<ExitCode> {
    // Away from the editor's process group and terminal. It fails for the leader of a group, which is not in the editor's.
    let _ = rustix::process::setsid();
    // Others must not be able to use the socket for a moment either: a client that looks just then would refuse it.
    rustix::process::umask(Mode::from_raw_mode(0o077));
    let folder = Folder::open()?;
    let key = folder::key(&settings.engine);
    let Some(place) = Place::take(folder.clone(), key.clone())? else {
        tracing::info!(key, "there is a daemon already");
        return Ok(ExitCode::SUCCESS);
    };
    let socket = place.socket().to_owned();
    let build = Build::own();
    tracing::info!(pid = std::process::id(), version = build.version, socket = %socket.display(), "listening");
    // Daemons that nobody uses any more leave their memory to this one.
    tokio::spawn(link::ask_others_to_yield(folder.clone(), socket.clone()));
    let mut host = Host {
        assistant: model::resident(&settings),
        // More than ages is no time that can be reckoned with.
        idle: Duration::from_secs(settings.daemon.idle_exit_seconds.min(u32::MAX.into())),
        settings,
        place,
        log,
        started: Instant::now(),
        clients: BTreeMap::new(),
        serving: JoinSet::new(),
        leave: CancellationToken::new(),
        http: JoinSet::new(),
        leave_http: CancellationToken::new(),
        http_state: watch::Sender::new(http::State::Opening),
        activity: Activity::default(),
        known: false,
        lost: false,
        leaving: Vec::new(),
    };
    host.open_http().await;
    host.serve().await
}

struct Host {
    assistant: Assistant,
    settings: Settings,
    place: Place,
    log: Option<PathBuf>,
    started: Instant,
    /// It ends after so long without anybody.
    idle: Duration,
    clients: BTreeMap<u64, Client>,
    /// One task a client; each ends with the client's number.
    serving: JoinSet<u64>,
    leave: CancellationToken,
    /// The one task of the HTTP surface, where there is to be one.
    http: JoinSet<()>,
    leave_http: CancellationToken,
    http_state: watch::Sender<http::State>,
    /// What is written by HTTP: who uses only that has no connection that stays.
    activity: Activity,
    /// Whether anybody ever came.
    known: bool,
    /// Whether its socket was lost and cannot be made again, as was told.
    lost: bool,
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
    /// Listens for HTTP where the settings say so. The first client is told what became of it, unless that takes long.
    async fn open_http(&mut self) {
        if !self.settings.http.listen.is_empty() {
            let (assistant, activity, state) = (self.assistant.clone(), self.activity.clone(), self.http_state.clone());
            self.http.spawn(http::hold(
                self.settings.http.clone(),
                assistant,
                activity,
                state,
                self.leave_http.clone(),
            ));
            let _ = tokio::time::timeout(GREETING / 20, self.http_state.subscribe().changed()).await;
        }
    }

    async fn serve(mut self) -> Result<ExitCode> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut greetings = JoinSet::new();
        let mut next = 0;
        let idle = self.idle;
        let mut idle_at = Instant::now() + idle.max(FIRST_CLIENT);
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while self.leaving.is_empty() {
            let because = tokio::select! {
                accepted = self.place.accept() => {
                    match accepted {
                        Ok(stream) => _ = greetings.spawn(greeting(stream)),
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
                    if self.is_left() { "another daemon has its place" } else { continue }
                }
                Some(ended) = self.serving.join_next() => {
                    self.forget(ended.ok());
                    idle_at = Instant::now() + idle;
                    if self.is_left() { "its last client has left" } else { continue }
                }
                Some(_) = self.http.join_next() => {
                    if self.is_left() { "its last answer by HTTP is given" } else { continue }
                }
                _ = look.tick() => {
                    self.mend();
                    if self.is_left() { "another daemon has its place" } else { continue }
                }
                () = tokio::time::sleep_until(idle_at.into()), if self.clients.is_empty() => {
                    let used = self.used_until().unwrap_or(idle_at);
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
        self.end().await;
        Ok(ExitCode::SUCCESS)
    }

    /// Says what there is to say to a first word. A line fits into a fresh socket's buffer, so nobody can hold this up.
    async fn answer(&mut self, number: u64, hello: Result<Hello, String>, mut stream: Stream) {
        let answer = match &hello {
            Err(why) => Answer::Refused { why: why.clone() },
            Ok(Hello { want: Want::Lsp, build, .. }) => self.welcome(build),
            Ok(Hello { want: Want::Status, .. }) => Answer::Status(Box::new(self.report())),
            // Two that start at the same moment do not send each other away.
            Ok(Hello { want: Want::Yield, .. }) if self.is_used() || !self.known => Answer::Staying,
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
            self.retire("a newer daemon takes over");
        } else if self.assistant.lacks_model() && self.started.elapsed() >= ANEW {
            self.retire("it has no model, and the next daemon tries again");
        }
        if self.place.is_given_up() {
            Answer::Retired { build }
        } else {
            Answer::Welcome { pid: std::process::id(), build }
        }
    }

    /// Whether another daemon has the place, and nobody is served here any more.
    fn is_left(&self) -> bool {
        self.place.is_given_up() && self.clients.is_empty() && self.http.is_empty()
    }

    /// Whether somebody needs it: an editor, or whoever asked by HTTP not long ago.
    fn is_used(&self) -> bool {
        !self.clients.is_empty() || self.used_until().is_some_and(|until| until > Instant::now())
    }

    /// Until when what was written by HTTP keeps it.
    fn used_until(&self) -> Option<Instant> {
        self.activity.last().map(|last| last + self.idle.max(Duration::from_secs(1)))
    }

    /// Gives the place up, and with it the HTTP surface's port.
    fn retire(&mut self, because: &str) {
        if self.place.is_given_up() {
            return;
        }
        self.place.give_up();
        self.leave_http.cancel();
        tracing::info!(clients = self.clients.len(), because, "retired: this daemon ends with its last client");
    }

    /// Sees to it that the daemon can be found.
    fn mend(&mut self) {
        if let Some(Err(error)) = self.log.as_deref().map(folder::cut_log) {
            tracing::debug!(%error, "the log is long, and stays so");
        }
        let mended = self.place.mend();
        let lost = mended.is_err();
        if let (Err(error), false) = (mended, self.lost) {
            tracing::warn!(error = format!("{error:#}"), "nobody new can connect");
        }
        self.lost = lost;
        if self.place.is_given_up() {
            self.leave_http.cancel();
        }
    }

    fn take(&mut self, number: u64, hello: Hello, stream: Stream) {
        let Handed { user, command_line, mut notices, hint } = hello.settings;
        // A newer or older client's settings may have other names than ours: what is not known is told, the rest holds.
        let (behaviour, told) = overlay(&Behaviour::default(), &user, "config.toml");
        notices.extend(told);
        if let http::State::Failed(why) = &*self.http_state.borrow() {
            notices.push(format!("{why}. Editors are served, HTTP is not"));
        }
        let assistant = self.assistant.for_client(Workspace::new(behaviour.assist(), []));
        let pid = stream.get_ref().peer_cred().ok().and_then(|peer| peer.pid());
        tracing::info!(number, pid, version = hello.build.version, "a client");
        let client = Client { pid, build: hello.build, since: Instant::now(), assistant: assistant.clone() };
        self.known = true;
        self.clients.insert(number, client);
        let settings = pilotlight_lsp::Settings { lsp: behaviour.lsp, command_line, notices, hint, bridged: true };
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
            socket: self.place.socket().to_owned(),
            model,
            state,
            connections: connections.collect(),
            workspaces,
            memory_bytes: memory(),
            http: (!self.settings.http.listen.is_empty()).then(|| self.http_state.borrow().to_string()),
            idle_exit_seconds: self.settings.daemon.idle_exit_seconds,
            retired: self.place.is_given_up(),
            log: self.log.clone(),
            figures: self.assistant.engine().now_or_never().and_then(Result::ok).map(|engine| engine.figures()),
            predictions: self.assistant.predictions(),
        }
    }

    /// Takes no more clients, answers what was asked, says farewell.
    async fn end(self) {
        let Self { assistant, place, leave, leave_http, mut serving, mut http, .. } = self;
        // From here on another may take it.
        drop(place);
        leave.cancel();
        leave_http.cancel();
        let all = async {
            while serving.join_next().await.is_some() {}
            while http.join_next().await.is_some() {}
        };
        if tokio::time::timeout(LAST_WORDS, all).await.is_err() {
            tracing::warn!("a client's connection did not end in time");
        }
        model::save(&assistant).await;
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
