//! A model that counts, by which tests see what the scheduler asks of a backend, and when.

use super::*;

/// A model that counts: after token t comes t + 1. It checks what it is asked against what its pages hold, and calls `before` at
/// each step, so that a test decides what happens there.
struct Counter {
    /// At each position, the whole sequence up to there: what its KV depends on.
    pages: Vec<Vec<Vec<u32>>>,
    logits: Vec<f32>,
    steps: Arc<Mutex<Vec<Vec<u32>>>>,
    before: Box<dyn FnMut() + Send>,
    abreast: usize,
}

/// The test's end of a `Counter`.
pub(super) struct Steps {
    taken: Arc<Mutex<Vec<Vec<u32>>>>,
    pub(super) permits: std_mpsc::Sender<()>,
}

/// On these the counter fails.
pub(super) const PANIC: u32 = 200;
pub(super) const ERROR: u32 = 195;
pub(super) const EOS: u32 = 0;
pub(super) const CONTEXT: usize = 64;

impl Steps {
    pub(super) fn allow(&self, n: usize) {
        (0..n).for_each(|_| self.permits.send(()).unwrap());
    }

    /// The tokens of each step so far.
    pub(super) fn taken(&self) -> Vec<Vec<u32>> {
        self.taken.lock().unwrap().clone()
    }

    /// Waits until this many steps have begun.
    pub(super) fn wait(&self, n: usize) {
        while self.taken.lock().unwrap().len() < n {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Counter {
    fn begin(&mut self, tokens: &[u32]) {
        self.steps.lock().unwrap().push(tokens.to_vec());
        self.logits.clear();
        (self.before)();
    }

    /// Appends the rows of logits.
    fn count(&mut self, pages: &[Page], position: usize, tokens: &[u32], logits: Logits) -> Result<(), EngineError> {
        assert!(!tokens.is_empty() && position + tokens.len() <= CONTEXT);
        assert!(!tokens.contains(&PANIC), "the counter met its number");
        let at = |position: usize| (pages[position / PAGE] as usize, position % PAGE);
        let mut sequence = match position.checked_sub(1).map(at) {
            Some((page, offset)) => self.pages[page][offset].clone(),
            None => vec![],
        };
        assert_eq!(sequence.len(), position);
        for earlier in 0..position {
            let (page, offset) = at(earlier);
            assert_eq!(self.pages[page][offset], sequence[..=earlier], "position {earlier} of {position}");
        }
        for &token in tokens {
            sequence.push(token);
            let (page, offset) = at(sequence.len() - 1);
            self.pages[page].truncate(offset);
            assert_eq!(self.pages[page].len(), offset);
            self.pages[page].push(sequence.clone());
        }
        if tokens.contains(&ERROR) {
            return Err(EngineError::Compute { backend: "counter", message: "no".into() });
        }
        for &token in &tokens[tokens.len() - logits.rows(tokens.len())..] {
            let mut row = vec![0.0; vocabulary().0.len()];
            row[token as usize + 1] = 5.0;
            self.logits.extend(row);
        }
        Ok(())
    }
}

impl Backend for Counter {
    fn name(&self) -> String {
        "counter".into()
    }

    fn pages(&self) -> usize {
        self.pages.len()
    }

    fn page_bytes(&self) -> usize {
        1000
    }

    fn context_length(&self) -> usize {
        CONTEXT
    }

    fn forward(
        &mut self,
        pages: &[Page],
        position: usize,
        tokens: &[u32],
        logits: Logits,
    ) -> Result<&[f32], EngineError> {
        self.begin(tokens);
        self.count(pages, position, tokens, logits)?;
        Ok(&self.logits)
    }

    fn abreast(&self) -> usize {
        self.abreast
    }

    fn decode(&mut self, sequences: &[Sequence<'_>], tokens: &[u32]) -> Result<&[f32], EngineError> {
        assert!((1..=self.abreast).contains(&sequences.len()) && sequences.len() == tokens.len());
        self.begin(tokens);
        for (sequence, &token) in sequences.iter().zip(tokens) {
            self.count(sequence.pages, sequence.position, &[token], Logits::Last)?;
        }
        Ok(&self.logits)
    }

    fn copy(&mut self, from: Page, to: Page, length: usize) -> Result<(), EngineError> {
        self.pages[to as usize] = self.pages[from as usize][..length].to_vec();
        Ok(())
    }
}

/// A counter whose steps wait for permits. Its clock counts seconds: one a step.
pub(super) fn counter(pages: usize) -> (Engine, Steps) {
    counter_with(pages, vec![EOS], TimeLimits { typing: 0, warming: 0, ..TimeLimits::default() })
}

pub(super) fn counter_with(pages: usize, eos: Vec<u32>, time_limits: TimeLimits) -> (Engine, Steps) {
    let (permits, permits_end) = std_mpsc::channel();
    let options = EngineOptions { time_limits, ..options() };
    let (engine, taken) = counting(pages, eos, &options, move || permits_end.recv().unwrap());
    (engine, Steps { taken, permits })
}

/// A counter that decodes so many sequences in one step, and the steps that it takes.
pub(super) fn counting_abreast(
    abreast: usize,
    pages: usize,
    eos: Vec<u32>,
    options: &EngineOptions,
    before: impl FnMut() + Send + 'static,
) -> (Engine, Arc<Mutex<Vec<Vec<u32>>>>) {
    let steps = Arc::new(Mutex::new(vec![]));
    let before = Box::new(before);
    let backend = Counter { pages: vec![vec![]; pages], logits: vec![], steps: Arc::clone(&steps), before, abreast };
    let gguf = LLAMA.gguf(Dtype::Q8_0);
    let checkpoint = Checkpoint::from_gguf(Path::new("tiny"), &gguf.bytes()).unwrap();
    let info = ModelInfo {
        name: "counter".into(),
        architecture: "counter".into(),
        parameters: 0,
        bytes: 0,
        context_length: CONTEXT,
        licence: None,
        edit_form: None,
        backend: "counter".into(),
        bos: None,
        eos,
    };
    let options = EngineOptions { prefill_chunk: 4, ..options.clone() };
    let counted = Arc::clone(&steps);
    let clock = Clock::of(move || Duration::from_secs(counted.lock().unwrap().len() as u64));
    let engine =
        Engine::start(Box::new(backend), (checkpoint.tokenizer, checkpoint.chat), info, &options, clock, None).unwrap();
    (engine, steps)
}

/// One sequence a step.
pub(super) fn counting(
    pages: usize,
    eos: Vec<u32>,
    options: &EngineOptions,
    before: impl FnMut() + Send + 'static,
) -> (Engine, Arc<Mutex<Vec<Vec<u32>>>>) {
    counting_abreast(1, pages, eos, options, before)
}
