//! `$/progress`: of the workspace's index, and of what was asked for.

use std::{
    convert::Infallible,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use pilotlight_assist::IndexProgress;
use serde_json::{Value, json};

use crate::{session::Session, wire::Outgoing};

/// A bar that moves more often is not read.
const STEP: Duration = Duration::from_millis(250);
const TOKEN: &str = "pilotlight/index";

/// Numbers the tokens that we create.
static CREATED: AtomicU64 = AtomicU64::new(0);

/// `$/progress` of one request, from when there is something to show until it is dropped, however the request ends.
pub(crate) struct Progress<'a> {
    session: &'a Session,
    token: Option<Value>,
    title: &'static str,
    shown: AtomicBool,
    begun: Instant,
    /// Milliseconds since then at which something was last reported.
    reported: AtomicU64,
}

impl<'a> Progress<'a> {
    /// Under the client's `token`, if it gave one.
    pub(crate) fn begin(session: &'a Session, token: Option<Value>, title: &'static str) -> Self {
        let (shown, reported) = (AtomicBool::new(false), AtomicU64::new(0));
        Self { session, token, title, shown, begun: Instant::now(), reported }
    }

    /// The same, under a token of ours where the client gave none and shows such.
    pub(crate) fn begin_or_create(session: &'a Session, token: Option<Value>, title: &'static str) -> Self {
        let shows = session.profile.get().is_some_and(|profile| profile.progress);
        let create = || {
            let token = json!(format!("pilotlight/action/{}", CREATED.fetch_add(1, Ordering::Relaxed)));
            create(&session.outgoing, &token, &token);
            token
        };
        Self::begin(session, token.or_else(|| shows.then(create)), title)
    }

    /// Shows that work has begun, once.
    pub(crate) fn show(&self) {
        if !self.shown.swap(true, Ordering::Relaxed) {
            self.tell(json!({ "kind": "begin", "title": self.title }));
        }
    }

    /// Shows how far it is; now and then, for who reads it.
    pub(crate) fn report(&self, message: &str) {
        let now = self.begun.elapsed().as_millis() as u64;
        let last = self.reported.load(Ordering::Relaxed);
        if now >= last + STEP.as_millis() as u64 {
            self.reported.store(now, Ordering::Relaxed);
            self.tell(json!({ "kind": "report", "message": message }));
        }
    }

    fn tell(&self, value: Value) {
        if let Some(token) = &self.token {
            self.session.outgoing.notify("$/progress", json!({ "token": token, "value": value }));
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if self.shown.load(Ordering::Relaxed) {
            self.tell(json!({ "kind": "end" }));
        }
    }
}

/// Asks the client for a bar. Its answer says nothing that matters.
fn create(outgoing: &Outgoing, id: &Value, token: &Value) {
    let method = "window/workDoneProgress/create";
    outgoing.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": { "token": token } }));
}

/// Tells the client how far its own folders are, from `initialized` on. What is done within a step is not worth a bar.
pub(crate) fn follow(session: &Session) -> impl Future<Output = Infallible> + use<> {
    let mut progress = session.assistant.indexing();
    let assistant = session.assistant.clone();
    let (initialized, outgoing, profile) =
        (session.initialized.clone(), session.outgoing.clone(), session.profile.clone());
    async move {
        initialized.cancelled().await;
        if !profile.get().is_some_and(|profile| profile.progress) {
            return std::future::pending().await;
        }
        let tell = |value: Value| outgoing.notify("$/progress", json!({ "token": TOKEN, "value": value }));
        let mut begun = 0u64;
        let mut open = false;
        loop {
            tokio::time::sleep(STEP).await;
            let now = progress.borrow_and_update().clone();
            let root = match &now {
                Some(IndexProgress::Running { root, .. } | IndexProgress::Done { root, .. }) => Some(root),
                None => None,
            };
            let own = root.is_some_and(|root| assistant.workspace().folders.iter().any(|folder| folder.root == *root));
            match now {
                Some(IndexProgress::Running { done, total, .. }) if own => {
                    if !open {
                        begun += 1;
                        let id = format!("{TOKEN}/{begun}");
                        create(&outgoing, &json!(id), &json!(TOKEN));
                        tell(json!({ "kind": "begin", "title": "Pilotlight: indexing", "percentage": 0 }));
                        open = true;
                    }
                    let percentage = (done * 100).checked_div(total).unwrap_or(0);
                    tell(json!({ "kind": "report", "message": format!("{done} files"), "percentage": percentage }));
                }
                Some(IndexProgress::Done { files, .. }) if own && open => {
                    tell(json!({ "kind": "end", "message": format!("{files} files") }));
                    open = false;
                }
                _ => {}
            }
            if progress.changed().await.is_err() {
                // The assistant is gone, and nothing will change any more.
                return std::future::pending().await;
            }
        }
    }
}
