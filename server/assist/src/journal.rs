//! What was asked and what became of it, of all clients: for the status page. Nothing of it leaves the memory of this process by itself.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde::Serialize;

use crate::{
    Acceptance, CompletionId,
    completion::{Explanation, Stages},
};

/// Answers kept whole.
const RECENT: usize = 60;
/// Completions of which it is remembered what language they were in.
const OFFERED: usize = 1024;
/// Clients whose names are remembered.
const CLIENTS: usize = 1024;
/// One point of the course of time.
const STEP: Duration = Duration::from_secs(10);
/// Half an hour of them.
const STEPS: usize = 180;
/// Upper ends of the histograms' classes, in milliseconds; one more class has what is above.
pub const CLASSES: [f64; 12] = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0];

/// See the module.
#[derive(Debug)]
pub struct Journal {
    // A std mutex: held to count and to copy, never across an await.
    inner: Mutex<Inner>,
}

/// One answer.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Seconds since 1970.
    pub at: u64,
    /// Who asked: a project's name, or who a token belongs to.
    pub client: String,
    /// By which wire: `editor`, or a path of the HTTP surface.
    pub wire: String,
    /// LSP's `languageId`, where it is known.
    pub language: String,
    /// The file, where one is named.
    pub path: String,
    /// How it came about; why there is nothing to show.
    pub why: Explanation,
}

/// What became of the completions of one language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Uptake {
    /// Handed to an editor.
    pub offered: u64,
    /// Taken whole.
    pub taken: u64,
    /// Of which a part was taken, and not the whole.
    pub in_part: u64,
    /// Dismissed.
    pub dismissed: u64,
}

/// Tokens and answers of ten seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Point {
    /// Answers.
    pub answers: u64,
    /// Prompt tokens found in the KV cache.
    pub reused: u64,
    /// Prompt tokens computed.
    pub prefilled: u64,
    /// Tokens decoded.
    pub decoded: u64,
}

/// Everything, as of now.
#[derive(Clone, Debug, Serialize)]
pub struct Account {
    /// The last answers, the newest first.
    pub recent: Vec<Entry>,
    /// By language.
    pub languages: BTreeMap<String, Uptake>,
    /// Seconds that one of `course` is of.
    pub step_seconds: u64,
    /// The last half hour, the newest last.
    pub course: Vec<Point>,
    /// How many answers took so long in each stage, by [`CLASSES`].
    pub stages: BTreeMap<&'static str, Vec<u64>>,
    /// Names of the clients, by what the engine calls them.
    #[serde(skip)]
    pub clients: HashMap<u64, String>,
}

#[derive(Debug)]
struct Inner {
    recent: VecDeque<Entry>,
    languages: BTreeMap<String, Uptake>,
    /// The newest is at the end.
    offered: VecDeque<Offered>,
    began: Instant,
    course: VecDeque<Point>,
    /// Steps since the beginning that `course` has seen.
    steps: u64,
    stages: BTreeMap<&'static str, Vec<u64>>,
    clients: HashMap<u64, String>,
}

#[derive(Debug)]
struct Offered {
    id: CompletionId,
    language: String,
    in_part: bool,
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            inner: Mutex::new(Inner {
                recent: VecDeque::new(),
                languages: BTreeMap::new(),
                offered: VecDeque::new(),
                began: Instant::now(),
                course: VecDeque::from([Point::default()]),
                steps: 0,
                stages: BTreeMap::new(),
                clients: HashMap::new(),
            }),
        }
    }
}

impl Journal {
    /// Counts an answer to the client that the engine calls `session`; `completion` is what an editor was handed, if it was one.
    pub fn answered(&self, session: u64, entry: Entry, completion: Option<CompletionId>) {
        let mut inner = self.inner();
        let point = inner.point();
        point.answers += 1;
        point.reused += entry.why.reused as u64;
        point.prefilled += entry.why.prefilled as u64;
        point.decoded += entry.why.decoded as u64;
        // What was there already took no stage.
        if entry.why.reused + entry.why.prefilled > 0 {
            inner.measure(&entry.why.millis, entry.why.decoded);
        }
        if inner.clients.len() >= CLIENTS {
            inner.clients.clear();
        }
        inner.clients.insert(session, entry.client.clone());
        if let Some(id) = completion {
            inner.offer(id, &entry.language);
        }
        if inner.recent.len() == RECENT {
            inner.recent.pop_back();
        }
        inner.recent.push_front(entry);
    }

    /// Counts what became of a completion; unknown ones are passed over.
    pub(crate) fn became(&self, id: CompletionId, what: Acceptance) {
        let inner = &mut *self.inner();
        let Some(at) = inner.offered.iter().rposition(|offered| offered.id == id) else { return };
        let uptake = inner.languages.entry(inner.offered[at].language.clone()).or_default();
        match what {
            Acceptance::Shown => return,
            Acceptance::Partial { .. } => {
                // Word by word it is still one.
                uptake.in_part += u64::from(!std::mem::replace(&mut inner.offered[at].in_part, true));
                return;
            }
            Acceptance::Whole => {
                uptake.taken += 1;
                uptake.in_part -= u64::from(inner.offered[at].in_part);
            }
            Acceptance::Dismissed => uptake.dismissed += u64::from(!inner.offered[at].in_part),
        }
        inner.offered.remove(at);
    }

    /// What is known now.
    pub fn account(&self) -> Account {
        let mut inner = self.inner();
        inner.point();
        Account {
            recent: inner.recent.iter().cloned().collect(),
            languages: inner.languages.clone(),
            step_seconds: STEP.as_secs(),
            course: inner.course.iter().cloned().collect(),
            stages: inner.stages.clone(),
            clients: inner.clients.clone(),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// The point of time that is now.
    fn point(&mut self) -> &mut Point {
        let steps = self.began.elapsed().as_secs() / STEP.as_secs();
        for _ in 0..(steps - self.steps).min(STEPS as u64) {
            self.course.push_back(Point::default());
        }
        self.steps = steps;
        let old = self.course.len().saturating_sub(STEPS);
        self.course.drain(..old);
        // There is always one: it begins with one and keeps the newest.
        let last = self.course.len() - 1;
        &mut self.course[last]
    }

    fn measure(&mut self, millis: &Stages, decoded: usize) {
        let Stages { plan, queued, prefill, first_token, decode, total } = *millis;
        let of_text = [("first token", first_token), ("decode", decode)];
        let of_text = of_text.into_iter().filter(|_| decoded > 0);
        for (stage, took) in
            [("plan", plan), ("queued", queued), ("prefill", prefill), ("total", total)].into_iter().chain(of_text)
        {
            let classes = self.stages.entry(stage).or_insert_with(|| vec![0; CLASSES.len() + 1]);
            classes[CLASSES.partition_point(|&end| end < took)] += 1;
        }
    }

    /// A completion that is handed out again, as it is typed along, is still one.
    fn offer(&mut self, id: CompletionId, language: &str) {
        if self.offered.iter().any(|offered| offered.id == id) {
            return;
        }
        if self.offered.len() == OFFERED {
            self.offered.pop_front();
        }
        self.offered.push_back(Offered { id, language: language.to_owned(), in_part: false });
        self.languages.entry(language.to_owned()).or_default().offered += 1;
    }
}

/// Seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(language: &str, reused: usize, prefilled: usize, prefill: f64) -> Entry {
        let millis = Stages { prefill, total: prefill, ..Stages::default() };
        let why = Explanation { reused, prefilled, millis, ..Explanation::default() };
        let (client, wire) = ("p".to_owned(), "editor".to_owned());
        Entry { at: 1, client, wire, language: language.to_owned(), path: String::new(), why }
    }

    #[test]
    fn what_became_of_completions_is_counted_by_language_each_once() {
        let journal = Journal::default();
        let id = CompletionId;
        for n in [1, 1, 2, 3, 4] {
            journal.answered(0, entry(if n == 4 { "lua" } else { "rust" }, 0, 0, 0.0), Some(id(n)));
        }
        journal.answered(0, entry("rust", 0, 0, 0.0), None);
        for (n, what) in [
            (1, Acceptance::Shown),
            (1, Acceptance::Partial { bytes: 2 }),
            (1, Acceptance::Partial { bytes: 4 }),
            (1, Acceptance::Whole),
            (1, Acceptance::Whole),
            (2, Acceptance::Partial { bytes: 1 }),
            (2, Acceptance::Dismissed),
            (4, Acceptance::Dismissed),
            (9, Acceptance::Whole),
        ] {
            journal.became(id(n), what);
        }
        let languages = journal.account().languages;
        assert_eq!(languages["rust"], Uptake { offered: 3, taken: 1, in_part: 1, dismissed: 0 });
        assert_eq!(languages["lua"], Uptake { offered: 1, taken: 0, in_part: 0, dismissed: 1 });
    }

    #[test]
    fn tokens_and_times_are_counted_and_the_oldest_answers_go() {
        let journal = Journal::default();
        for n in 0..RECENT as u64 + 5 {
            journal.answered(n % 2, Entry { at: n, ..entry("c", 10, 2, 1.0 + n as f64) }, None);
        }
        let kept = Explanation { kept: true, ..Explanation::default() };
        journal.answered(3, Entry { why: kept, client: "q".into(), ..entry("c", 0, 0, 0.0) }, None);
        let account = journal.account();
        assert_eq!(account.recent.len(), RECENT);
        assert_eq!((account.recent[0].client.as_str(), account.recent[1].at), ("q", RECENT as u64 + 4));
        let sum = |of: fn(&Point) -> u64| account.course.iter().map(of).sum::<u64>();
        assert_eq!((sum(|p| p.answers), sum(|p| p.reused), sum(|p| p.prefilled)), (66, 650, 130));
        // 1 ms; 2 ms; 3 to 5; 6 to 10; 11 to 20; 21 to 50; 51 to 65.
        assert_eq!(account.stages["prefill"], [1, 1, 3, 5, 10, 30, 15, 0, 0, 0, 0, 0, 0]);
        assert!(!account.stages.contains_key("decode"), "nothing was decoded");
        assert_eq!(account.clients.len(), 3);
    }
}
