//! What is being written now, and when something last was: a daemon that people use only by HTTP must not think itself idle.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

/// See the module. `Clone` is cheap, and is the same activity.
#[derive(Clone, Debug, Default)]
pub struct Activity {
    // A std mutex: held to count and to copy, never across an await.
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    next: u64,
    tasks: BTreeMap<u64, Task>,
    last: Option<Instant>,
}

/// A text that is being written.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    /// Who asked.
    pub(crate) client: String,
    /// By which path.
    pub(crate) wire: String,
    /// The most tokens to decode.
    pub(crate) max_tokens: usize,
    /// Tokens decoded so far.
    pub(crate) decoded: usize,
}

impl Activity {
    /// When something was last written: now, while something is; `None` before the first.
    pub fn last(&self) -> Option<Instant> {
        let inner = self.inner();
        if inner.tasks.is_empty() { inner.last } else { Some(Instant::now()) }
    }

    /// Counts a text until what is returned is dropped.
    pub(crate) fn begin(&self, task: Task) -> Ticket {
        let mut inner = self.inner();
        inner.next += 1;
        let number = inner.next;
        inner.tasks.insert(number, task);
        Ticket { activity: self.clone(), number }
    }

    /// What is being written, the oldest first, by number.
    pub(crate) fn tasks(&self) -> Vec<(u64, Task)> {
        self.inner().tasks.iter().map(|(number, task)| (*number, task.clone())).collect()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A text's place among those that are being written.
#[derive(Debug)]
pub(crate) struct Ticket {
    activity: Activity,
    number: u64,
}

impl Ticket {
    pub(crate) fn decoded(&self, tokens: usize) {
        if let Some(task) = self.activity.inner().tasks.get_mut(&self.number) {
            task.decoded = tokens;
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut inner = self.activity.inner();
        inner.tasks.remove(&self.number);
        inner.last = Some(Instant::now());
    }
}
