//! Frees what is left of large texts away from the way of a keystroke: a tree of 10,000 lines takes 20 ms to free.

use std::sync::{
    LazyLock,
    mpsc::{self, SyncSender},
};

use crate::Snapshot;

/// A few at most wait to be freed; more are freed by whoever leaves them.
static LEAVINGS: LazyLock<Option<SyncSender<Snapshot>>> = LazyLock::new(|| {
    let (leave, left) = mpsc::sync_channel(16);
    let thread = std::thread::Builder::new().name("leavings".into());
    let started = thread.spawn(move || left.into_iter().for_each(drop::<Snapshot>));
    started.is_ok().then_some(leave)
});

/// Lets `snapshot` go, on another thread where there can be one.
pub(crate) fn leave(snapshot: Snapshot) {
    if let Some(leave) = &*LEAVINGS {
        let _ = leave.try_send(snapshot);
    }
}
