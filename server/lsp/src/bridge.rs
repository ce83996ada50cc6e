//! A client's connection to a daemon that may end before it does.
//!
//! Messages are passed on as they are, in their order. Of the client's side the bridge remembers what a new daemon must be told ([`memory`]); of the daemon's, which
//! requests it owes an answer. When the daemon ends, each of these is answered once, by an error that says "ask again"; the next daemon is told what the last one
//! knew; and the client notices nothing else.

mod envelope;
mod falls;
mod memory;

use std::{
    borrow::Cow,
    collections::{HashMap, VecDeque},
    io,
    time::Duration,
};

use futures::{StreamExt, future::BoxFuture};
use serde_json::{Value, json, value::RawValue};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadHalf},
    time::Instant,
};
use tokio_util::{bytes::Bytes, codec::FramedRead};
use tower_lsp::{
    gen_lsp_types::MessageType,
    jsonrpc::{Error, ErrorCode, Id, Response},
};

use crate::{
    LAST_WORDS, flatten,
    wire::{Frames, Outgoing, refusal},
};
use envelope::Envelope;
use falls::{Falls, LAPSE};
use memory::{AGAIN, Memory};

/// What a daemon says before it ends in good order: the next request may start another, and nothing need be done before.
pub(crate) const FAREWELL: &str = "$/pilotlight/farewell";

/// What a daemon says of a document whose changes are carried: `{ uri, version, text }`, the state that counts as carried.
pub(crate) const SETTLED: &str = "$/pilotlight/settled";

/// After a daemon that could not be reached requests are refused for so long.
const PAUSE: Duration = Duration::from_secs(2);
/// LSP's `ServerCancelled`: the client may ask again.
const SERVER_CANCELLED: i64 = -32802;

/// Passes on between one client and the daemons that `connect` reaches (`link` is the first), until the client says `exit` or goes away.
///
/// `connect` starts a daemon where there is none; its error is told to the client.
///
/// # Errors
///
/// Reading from or writing to the client failed, or it said `exit` without `shutdown`.
pub async fn bridge<R, W, S, C>(read: R, write: W, link: S, connect: C) -> io::Result<()>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    C: FnMut() -> BoxFuture<'static, Result<S, String>>,
{
    let (client, mut writer) = Outgoing::start(write);
    let mut bridge = Bridge {
        client,
        connect,
        memory: Memory::new(),
        owed: HashMap::new(),
        begun: Vec::new(),
        link: Link::Down { until: Instant::now() },
        shut_down: false,
        falls: Falls::default(),
        told: None,
    };
    bridge.go_up(link);
    let ended = tokio::select! {
        ended = bridge.run(FramedRead::new(read, Frames::default())) => ended,
        written = &mut writer => return flatten(written),
    };
    let _ = tokio::time::timeout(LAST_WORDS, bridge.hear_out()).await;
    drop(bridge);
    let written = tokio::time::timeout(LAST_WORDS, writer).await;
    ended.and(written.map_or(Ok(()), flatten))
}

struct Bridge<S, C> {
    client: Outgoing,
    connect: C,
    memory: Memory,
    /// Requests of the client that have no answer yet, with their methods.
    owed: HashMap<Id, String>,
    /// The tokens of progress that the daemon has begun and not ended.
    begun: Vec<Value>,
    link: Link<S>,
    shut_down: bool,
    falls: Falls,
    /// Why there is no daemon, as the client was told; nothing once one has answered.
    told: Option<String>,
}

enum Link<S> {
    Up(Up<S>),
    /// What the client said since waits for the new daemon.
    Coming {
        connecting: BoxFuture<'static, Result<S, String>>,
        waiting: VecDeque<Bytes>,
    },
    /// Nothing is under way; the next request (but none before `until`) asks for a daemon.
    Down {
        until: Instant,
    },
}

struct Up<S> {
    frames: FramedRead<ReadHalf<S>, Frames>,
    outgoing: Outgoing,
    farewell: bool,
    /// Until the daemon knows the client: what it complains of until then, the client was told by the one before.
    catching_up: bool,
}

/// What happens next.
enum Event<S> {
    Client(Option<Result<Bytes, String>>),
    Daemon(Option<Bytes>),
    Connected(Result<S, String>),
}

impl<S, C> Bridge<S, C>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    C: FnMut() -> BoxFuture<'static, Result<S, String>>,
{
    async fn run<R: AsyncRead + Unpin>(&mut self, mut client: FramedRead<R, Frames>) -> io::Result<()> {
        loop {
            let event = match &mut self.link {
                Link::Up(up) => tokio::select! {
                    frame = client.next() => Event::Client(from_client(frame)?),
                    frame = up.frames.next() => Event::Daemon(from_daemon(frame)),
                },
                Link::Coming { connecting, .. } => tokio::select! {
                    frame = client.next() => Event::Client(from_client(frame)?),
                    connected = connecting => Event::Connected(connected),
                },
                Link::Down { .. } => Event::Client(from_client(client.next().await)?),
            };
            match event {
                Event::Client(None) => return Ok(()),
                Event::Client(Some(Err(malformed))) => {
                    self.client.send(&refusal(Id::Null, ErrorCode::ParseError, malformed));
                }
                Event::Client(Some(Ok(body))) => {
                    let method = Envelope::open(&body).and_then(|envelope| envelope.method.map(Cow::into_owned));
                    self.shut_down |= method.as_deref() == Some("shutdown");
                    let exit = method.as_deref() == Some("exit");
                    if let Link::Coming { waiting, .. } = &mut self.link
                        && !exit
                    {
                        waiting.push_back(body);
                        continue;
                    }
                    self.client_says(body);
                    if exit {
                        let before = io::Error::other("the client said `exit` without `shutdown`");
                        return if self.shut_down { Ok(()) } else { Err(before) };
                    }
                }
                Event::Daemon(Some(body)) => self.daemon_says(&body),
                Event::Daemon(None) => self.daemon_ended(),
                Event::Connected(Ok(stream)) => self.go_up(stream),
                Event::Connected(Err(why)) => self.stay_down(&why, PAUSE),
            }
        }
    }

    /// The client has said all: what the daemon still answers is passed on, until it closes the link.
    async fn hear_out(&mut self) {
        let Link::Up(up) = &mut self.link else { return };
        // The writer ends, everything written, when nobody can say any more, and with it this side of the link.
        up.outgoing = Outgoing::closed();
        while let Link::Up(up) = &mut self.link
            && let Some(body) = from_daemon(up.frames.next().await)
        {
            self.daemon_says(&body);
        }
    }

    /// Remembers what must be remembered, and passes the message on if there is somebody.
    fn client_says(&mut self, body: Bytes) {
        let Some(envelope) = Envelope::open(&body) else { return self.to_daemon(&body) };
        if envelope.is_response() {
            return self.to_daemon(&body);
        }
        let (id, method) = (envelope.id(), envelope.method.as_deref().unwrap_or_default());
        let Some(id) = id else {
            self.memory.hear(method, envelope.params, &body);
            return self.to_daemon(&body);
        };
        match self.link {
            Link::Up(_) => {}
            // Nothing is left to be shut down.
            Link::Down { .. } if method == "shutdown" => return self.answer_nothing(id),
            Link::Down { until } if Instant::now() < until => return self.ask_again(id, method),
            Link::Down { .. } | Link::Coming { .. } => {
                let connecting = (self.connect)();
                self.link = Link::Coming { connecting, waiting: VecDeque::from([body]) };
                return;
            }
        }
        self.memory.hear(method, envelope.params, &body);
        self.owed.insert(id, method.to_owned());
        self.to_daemon(&body);
    }

    fn to_daemon(&self, body: &[u8]) {
        if let Link::Up(up) = &self.link {
            // Where nobody reads any more, the end of the stream says so.
            up.outgoing.frame(body);
        }
    }

    fn daemon_says(&mut self, body: &[u8]) {
        let Link::Up(up) = &mut self.link else { return };
        let envelope = Envelope::open(body);
        let id = envelope.as_ref().and_then(Envelope::id);
        match envelope.as_ref().and_then(|envelope| envelope.method.as_deref()) {
            Some(FAREWELL) => {
                up.farewell = true;
                return;
            }
            Some(SETTLED) => return self.memory.settled(envelope.and_then(|envelope| envelope.params)),
            Some("window/logMessage") if up.catching_up => return,
            Some("$/progress") => self.follow(envelope.and_then(|envelope| envelope.params)),
            Some(_) => {}
            None if matches!(&id, Some(Id::String(again)) if again == AGAIN) => {
                up.catching_up = false;
                return;
            }
            None => {
                self.told = None;
                if id.and_then(|id| self.owed.remove(&id)).as_deref() == Some("initialize") {
                    self.memory.agree(body);
                }
            }
        }
        self.client.frame(body);
    }

    /// Takes note of progress: a client shows what was begun until it is told of the end.
    fn follow(&mut self, params: Option<&RawValue>) {
        let mut params: Value = params.and_then(|params| serde_json::from_str(params.get()).ok()).unwrap_or_default();
        let token = params["token"].take();
        match params["value"]["kind"].as_str() {
            Some("begin") => self.begun.push(token),
            Some("end") => self.begun.retain(|begun| *begun != token),
            _ => {}
        }
    }

    fn go_up(&mut self, stream: S) {
        let (read, write) = tokio::io::split(stream);
        let (outgoing, _) = Outgoing::start(write);
        for body in self.memory.replay() {
            outgoing.frame(&body);
        }
        let frames = FramedRead::new(read, Frames::default());
        let up = Up { frames, outgoing, farewell: false, catching_up: self.memory.agreed };
        if let Link::Coming { waiting, .. } = std::mem::replace(&mut self.link, Link::Up(up)) {
            for body in waiting {
                self.client_says(body);
            }
        }
    }

    /// The daemon is gone: what it owed is answered here, and after an accident the next one is started at once, so that it is warm by the next key.
    fn daemon_ended(&mut self) {
        let Link::Up(up) = &self.link else { return };
        let farewell = up.farewell;
        for token in std::mem::take(&mut self.begun) {
            self.client.notify("$/progress", json!({ "token": token, "value": { "kind": "end" } }));
        }
        let too_often = if farewell { None } else { self.falls.after(Instant::now()) };
        self.settle(too_often.is_none());
        // After `settle` only `initialize` can still be owed.
        if farewell && self.owed.is_empty() {
            tracing::info!("the daemon was stopped; the next request starts another");
            self.link = Link::Down { until: Instant::now() };
            self.falls = Falls::default();
        } else if let Some((falls, pause)) = too_often {
            let why = format!(
                "the daemon has ended {falls} times within {} minutes: its log says why (`pilotlight status` names it), unless the system ended it for want of memory; \
                 no other is started for {} s",
                LAPSE.as_secs() / 60,
                pause.as_secs()
            );
            self.stay_down(&why, pause);
        } else if !self.shut_down {
            tracing::warn!("the daemon ended unexpectedly; another is started");
            self.link = Link::Coming { connecting: (self.connect)(), waiting: VecDeque::new() };
        }
    }

    /// There is no daemon, and there will be none soon: what waits is answered, and the client is told why nothing is suggested.
    fn stay_down(&mut self, why: &str, pause: Duration) {
        tracing::error!(why, "no daemon");
        // Once: the client asks every few seconds.
        if self.told.as_deref() != Some(why) {
            self.told = Some(why.to_owned());
            let message = format!("Pilotlight: {why}. Suggestions are off for now; editing goes on");
            self.client.notify("window/showMessage", json!({ "type": MessageType::Error, "message": message }));
        }
        let down = Link::Down { until: Instant::now() + pause };
        if let Link::Coming { waiting, .. } = std::mem::replace(&mut self.link, down) {
            for body in waiting {
                self.client_says(body);
            }
        }
        self.settle(false);
    }

    /// Answers what is owed; but an unanswered `initialize` is asked of the next daemon if there is one `to_come`.
    fn settle(&mut self, to_come: bool) {
        let owed = std::mem::take(&mut self.owed);
        for (id, method) in owed {
            match method.as_str() {
                "initialize" if to_come => _ = self.owed.insert(id, method),
                "shutdown" => self.answer_nothing(id),
                _ => self.ask_again(id, &method),
            }
        }
    }

    fn answer_nothing(&self, id: Id) {
        self.client.send(&Response::from_ok(id, Value::Null));
    }

    fn ask_again(&self, id: Id, method: &str) {
        let error = Error {
            code: ErrorCode::ServerError(SERVER_CANCELLED),
            message: format!("`{method}`: the daemon ended before it answered; ask again").into(),
            data: Some(json!({ "retriggerRequest": true })),
        };
        self.client.send(&Response::from_error(id, error));
    }
}

/// The next message of the client; the outer error ends the bridge, the inner one is the client's to read.
fn from_client<E: ToString>(frame: Option<io::Result<Result<Bytes, E>>>) -> io::Result<Option<Result<Bytes, String>>> {
    Ok(frame.transpose()?.map(|frame| frame.map_err(|malformed| malformed.to_string())))
}

/// The next message of the daemon; what is unreadable ends the link.
fn from_daemon<E>(frame: Option<io::Result<Result<Bytes, E>>>) -> Option<Bytes> {
    frame?.ok()?.ok()
}

#[cfg(test)]
mod tests;
