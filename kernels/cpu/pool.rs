//! A few threads that share the chunks of one op after another.
//!
//! The thread that calls [`Pool::run`] publishes an op and starts on its chunks; a helper that is awake joins by a compare-and-swap and
//! takes chunks too. When the chunks are gone the caller closes the op and waits only for helpers that have joined: one that the system
//! has not scheduled (a busy machine) holds nobody up. An op allocates nothing. Which worker computes a chunk never changes a result.
//!
//! Idle helpers spin for [`SPIN`], long enough for the next op of the same step, then park.

use std::{
    any::Any,
    cell::{Cell, UnsafeCell},
    marker::PhantomData,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::*},
    },
    thread::{JoinHandle, Thread},
    time::{Duration, Instant},
};

use super::Isa;

/// How long an idle helper spins before it parks.
const SPIN: Duration = Duration::from_micros(200);

/// The workers of one model. It is moved, not shared: one op at a time.
#[derive(Debug)]
pub struct Pool {
    state: Arc<State>,
    helpers: Vec<JoinHandle<()>>,
    isa: Isa,
    /// Ops may not overlap: the pool is `Send` but not `Sync`.
    alone: PhantomData<Cell<()>>,
}

/// Cores that this process may use, two threads of one core counted once: what compute-bound work is best split into.
pub fn physical_cores() -> usize {
    let logical = std::thread::available_parallelism().map_or(1, usize::from);
    // One line a processor: the processors that share its core. Absent outside Linux.
    let siblings = |cpu: usize| {
        std::fs::read_to_string(format!("/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")).ok()
    };
    // As in `0,2,4-7`: those that are switched off have no topology.
    let online = std::fs::read_to_string("/sys/devices/system/cpu/online").unwrap_or_default();
    let range = |text: &str| -> Option<std::ops::RangeInclusive<usize>> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        Some(first.parse().ok()?..=last.parse().ok()?)
    };
    let numbers = online.trim().split(',').filter_map(range).flatten();
    let cores: std::collections::BTreeSet<String> = numbers.filter_map(siblings).collect();
    // Fewer processors than the machine has (a container's limit) are taken for cores of their own.
    if cores.is_empty() { logical } else { logical.min(cores.len()) }
}

/// Lowers the calling thread's priority, for good: about a third of what others get where they want all, all where they want nothing. Not lower, for what is more urgent
/// waits for the step that runs. Only on Linux so far.
pub fn give_way() {
    // SAFETY: it takes a number and concerns the thread alone; where the system refuses, the priority stays.
    #[cfg(target_os = "linux")]
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS, 0, libc::getpriority(libc::PRIO_PROCESS, 0) + 5);
    }
}

type Job = *const (dyn Fn(usize) + Sync);

/// On a cache line of its own: neighbours are written by different threads.
#[repr(align(128))]
#[derive(Debug, Default)]
struct Line<T>(T);

#[derive(Debug)]
struct State {
    /// `epoch << 16 | joined << 1 | open`.
    ticket: Line<AtomicU64>,
    /// The next chunk to take.
    next: Line<AtomicUsize>,
    /// Helpers that have joined this op and are done with it.
    left: Line<AtomicUsize>,
    /// Written only while no op is open and no helper is joined.
    op: UnsafeCell<(Option<Job>, usize)>,
    stop: AtomicBool,
    parked: Box<[Line<AtomicBool>]>,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

// SAFETY: `op` is written by the caller alone, before the release store that opens an op, and read by helpers only between their
// acquiring join and their releasing `left`, for which the caller waits before it writes again. The job it points to is `Sync`.
unsafe impl Sync for State {}
// SAFETY: as above.
unsafe impl Send for State {}

const OPEN: u64 = 1;
const JOIN: u64 = 2;
const EPOCH: u64 = 1 << 16;

impl Pool {
    /// `workers` threads in all, the caller's included; at least 1, at most 4096.
    pub fn new(workers: usize) -> Self {
        Self::with_isa(workers, Isa::best())
    }

    /// The same whose helpers give way to what runs at normal priority. The caller does if it has called [`give_way`].
    pub fn giving_way(workers: usize) -> Self {
        Self::build(workers, Isa::best(), true)
    }

    /// The same as [`Pool::new`] with kernels for `isa`. Panics when this machine lacks it.
    pub fn with_isa(workers: usize, isa: Isa) -> Self {
        Self::build(workers, isa, false)
    }

    fn build(workers: usize, isa: Isa, gives_way: bool) -> Self {
        assert!(isa.is_available(), "this machine has no {isa}");
        let helpers = workers.clamp(1, 4096) - 1;
        let state = Arc::new(State {
            ticket: Line::default(),
            next: Line::default(),
            left: Line::default(),
            op: UnsafeCell::new((None, 0)),
            stop: AtomicBool::new(false),
            parked: (0..helpers).map(|_| Line::default()).collect(),
            panic: Mutex::new(None),
        });
        let start = |index: usize| {
            let state = Arc::clone(&state);
            std::thread::Builder::new().name(format!("kernels-{}", index + 1)).spawn(move || {
                if gives_way {
                    give_way();
                }
                state.help(index);
            })
        };
        // A thread that the system refuses is one fewer: results do not depend on it.
        let helpers = (0..helpers).map_while(|index| start(index).ok()).collect();
        Self { state, helpers, isa, alone: PhantomData }
    }

    /// Threads that share an op, the caller's included.
    pub fn workers(&self) -> usize {
        self.helpers.len() + 1
    }

    /// What kernels run in it.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// Calls `job` once for each of `0..chunks`, on all workers, and returns when all calls are done. A panic in a job is passed on.
    pub fn run(&self, chunks: usize, job: &(dyn Fn(usize) + Sync)) {
        if chunks <= 1 || self.helpers.is_empty() {
            (0..chunks).for_each(job);
            return;
        }
        let state = &*self.state;
        // SAFETY: only the lifetime changes; no helper keeps the pointer past `close`.
        let erased = unsafe { std::mem::transmute::<*const (dyn Fn(usize) + Sync + '_), Job>(job) };
        // SAFETY: no op is open, nobody is joined: see `State`.
        unsafe { *state.op.get() = (Some(erased), chunks) };
        state.next.0.store(0, Relaxed);
        state.left.0.store(0, Relaxed);
        let epoch = state.ticket.0.load(Relaxed) / EPOCH + 1;
        state.ticket.0.store(epoch * EPOCH + OPEN, SeqCst);
        for (helper, parked) in self.helpers.iter().zip(&state.parked) {
            if parked.0.load(SeqCst) {
                helper.thread().unpark();
            }
        }
        let guard = Close(state);
        state.take_chunks(job, chunks);
        drop(guard);
        let panic = state.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.state.stop.store(true, SeqCst);
        self.helpers.iter().map(JoinHandle::thread).for_each(Thread::unpark);
        for helper in self.helpers.drain(..) {
            // Its jobs' panics were caught: there is nothing to learn here.
            let _ = helper.join();
        }
    }
}

/// Closes the op, on a panic too: the job must not be dropped while a helper runs it.
struct Close<'a>(&'a State);

impl Drop for Close<'_> {
    fn drop(&mut self) {
        let joined = (self.0.ticket.0.fetch_and(!OPEN, AcqRel) % EPOCH / JOIN) as usize;
        let mut spins = 0u32;
        while self.0.left.0.load(Acquire) != joined {
            spins += 1;
            // The helper may have lost its processor to another program: give it ours.
            if spins.is_multiple_of(4096) { std::thread::yield_now() } else { std::hint::spin_loop() }
        }
    }
}

impl State {
    fn take_chunks(&self, job: &(dyn Fn(usize) + Sync), chunks: usize) {
        loop {
            let chunk = self.next.0.fetch_add(1, Relaxed);
            if chunk >= chunks {
                return;
            }
            job(chunk);
        }
    }

    /// A helper's life.
    fn help(&self, index: usize) {
        let mut seen = 0;
        while let Some(ticket) = self.wait(index, seen) {
            seen = ticket / EPOCH;
            if self.ticket.0.compare_exchange(ticket, ticket + JOIN, AcqRel, Relaxed).is_err() {
                // Closed, or another helper joined first: look again.
                seen -= 1;
                continue;
            }
            // SAFETY: joined, so the op stays as it is until `left` counts us.
            if let (Some(job), chunks) = unsafe { *self.op.get() } {
                // SAFETY: the caller keeps the job alive until then, too.
                let job = unsafe { &*job };
                if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.take_chunks(job, chunks))) {
                    *self.panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(panic);
                }
            }
            self.left.0.fetch_add(1, Release);
        }
    }

    /// Waits for an open op newer than `seen`; `None` when the pool is dropped.
    fn wait(&self, index: usize, seen: u64) -> Option<u64> {
        let parked = &self.parked[index].0;
        let mut idle_since: Option<Instant> = None;
        loop {
            for _ in 0..64 {
                let ticket = self.ticket.0.load(Acquire);
                if ticket & OPEN != 0 && ticket / EPOCH > seen {
                    return Some(ticket);
                }
                std::hint::spin_loop();
            }
            if self.stop.load(Relaxed) {
                return None;
            }
            if idle_since.get_or_insert_with(Instant::now).elapsed() < SPIN {
                continue;
            }
            // Said before the last look, as the caller opens before it looks who is parked: one of the two sees the other.
            parked.store(true, SeqCst);
            loop {
                let ticket = self.ticket.0.load(SeqCst);
                if (ticket & OPEN != 0 && ticket / EPOCH > seen) || self.stop.load(SeqCst) {
                    break;
                }
                std::thread::park();
            }
            parked.store(false, SeqCst);
            idle_since = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chunk_once_op_after_op() {
        for workers in [1, 2, 3, 5] {
            let pool = Pool::new(workers);
            assert_eq!(pool.workers(), workers);
            for op in 0..2000 {
                let chunks = op % 17;
                let counts: Vec<AtomicUsize> = (0..chunks).map(|_| AtomicUsize::new(0)).collect();
                pool.run(chunks, &|chunk| {
                    counts[chunk].fetch_add(1, Relaxed);
                });
                assert!(counts.iter().all(|c| c.load(Relaxed) == 1), "op {op} of {workers} workers");
                if op % 500 == 0 {
                    // Long enough that the helpers park.
                    std::thread::sleep(4 * SPIN);
                }
            }
        }
    }

    #[test]
    fn cores_are_no_more_than_processors() {
        let logical = std::thread::available_parallelism().map_or(1, usize::from);
        assert!((1..=logical).contains(&physical_cores()));
    }

    #[test]
    fn helpers_take_part() {
        let pool = Pool::new(2);
        let other = AtomicBool::new(false);
        let caller = std::thread::current().id();
        let start = Instant::now();
        while !other.load(Relaxed) {
            assert!(start.elapsed() < Duration::from_secs(20), "the helper never came");
            pool.run(64, &|_| {
                if std::thread::current().id() != caller {
                    other.store(true, Relaxed);
                }
                std::thread::sleep(Duration::from_micros(50));
            });
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn helpers_give_way() {
        // SAFETY: it only reads.
        let priority = || unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) };
        let mine = priority();
        for (pool, lower) in [(Pool::new(2), 0), (Pool::giving_way(2), 5)] {
            let (caller, seen) = (std::thread::current().id(), Mutex::new(None));
            let start = Instant::now();
            while seen.lock().is_ok_and(|seen| seen.is_none()) {
                assert!(start.elapsed() < Duration::from_secs(20), "the helper never came");
                pool.run(64, &|_| {
                    if std::thread::current().id() != caller {
                        *seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(priority());
                    }
                    std::thread::sleep(Duration::from_micros(50));
                });
            }
            let seen = seen.into_inner().unwrap_or_else(PoisonError::into_inner);
            assert_eq!(seen, Some((mine + lower).min(19)));
        }
        assert_eq!(priority(), mine);
    }

    #[test]
    fn a_panic_is_passed_on_and_the_pool_lives() {
        let pool = Pool::new(3);
        for _ in 0..20 {
            let outcome = catch_unwind(AssertUnwindSafe(|| pool.run(40, &|chunk| assert!(chunk != 23, "chunk 23"))));
            assert!(outcome.is_err());
            let sum = AtomicUsize::new(0);
            pool.run(10, &|chunk| {
                sum.fetch_add(chunk, Relaxed);
            });
            assert_eq!(sum.into_inner(), 45);
        }
    }
}
