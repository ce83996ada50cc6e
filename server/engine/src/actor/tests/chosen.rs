//! Choices by the backend: the same answers as from its logits.

use super::*;
use crate::{
    backend::{Choice, cpu::Cpu},
    sampling::Sampler,
};
use pilotlight_kernels::cpu::KvDtype;

/// A backend that chooses as one on a device does, and counts what it was asked for.
struct Chooser {
    inner: Cpu,
    chosen: Vec<Choice>,
    asked: Arc<Mutex<Asked>>,
}

#[derive(Default)]
struct Asked {
    choices: usize,
    logits: usize,
    masked: usize,
    together: usize,
}

const MOST: usize = 16;

impl Backend for Chooser {
    fn name(&self) -> String {
        self.inner.name()
    }

    fn pages(&self) -> usize {
        self.inner.pages()
    }

    fn page_bytes(&self) -> usize {
        self.inner.page_bytes()
    }

    fn context_length(&self) -> usize {
        self.inner.context_length()
    }

    fn forward(
        &mut self,
        pages: &[Page],
        position: usize,
        tokens: &[u32],
        logits: Logits,
    ) -> Result<&[f32], EngineError> {
        self.asked.lock().unwrap().logits += usize::from(logits != Logits::Tail(0));
        self.inner.forward(pages, position, tokens, logits)
    }

    fn abreast(&self) -> usize {
        self.inner.abreast()
    }

    fn decode(&mut self, sequences: &[Sequence<'_>], tokens: &[u32]) -> Result<&[f32], EngineError> {
        self.asked.lock().unwrap().logits += 1;
        self.inner.decode(sequences, tokens)
    }

    fn chooses(&self) -> usize {
        MOST
    }

    fn choose(
        &mut self,
        sequences: &[Sequence<'_>],
        tokens: &[u32],
        rows: usize,
        masks: &[Vec<u32>],
    ) -> Result<&[Choice], EngineError> {
        assert!((1..=MOST).contains(&rows) && masks.len() <= rows);
        {
            let mut asked = self.asked.lock().unwrap();
            asked.choices += 1;
            asked.masked += masks.len();
            asked.together += usize::from(sequences.len() > 1);
        }
        let logits = match sequences {
            [one] => self.inner.forward(one.pages, one.position, tokens, Logits::Tail(rows))?,
            _ => self.inner.decode(sequences, tokens)?,
        };
        let mut sampler = Sampler::new(&Sampling::Greedy).unwrap();
        self.chosen.clear();
        for (row, logits) in logits.chunks_exact(logits.len() / rows).enumerate() {
            let fits = |id: u32| masks.get(row).is_none_or(|mask| mask[id as usize / 32] >> (id % 32) & 1 == 1);
            self.chosen.push(sampler.choose_among(logits, fits));
        }
        Ok(&self.chosen)
    }

    fn copy(&mut self, from: Page, to: Page, length: usize) -> Result<(), EngineError> {
        self.inner.copy(from, to, length)
    }
}

/// The tiny model, whose choices are made by its backend or from logits.
fn engine(chooses: bool) -> (Engine, Arc<Mutex<Asked>>) {
    let checkpoint = Checkpoint::from_gguf(Path::new("tiny.gguf"), &LLAMA.gguf(Dtype::F32).bytes()).unwrap();
    let asked = Arc::default();
    let cpu = Cpu::new(&checkpoint.decoder, 256, 40, 1, KvDtype::F16).unwrap();
    let backend: Box<dyn Backend> = match chooses {
        true => Box::new(Chooser { inner: cpu, chosen: vec![], asked: Arc::clone(&asked) }),
        false => Box::new(cpu),
    };
    let info = ModelInfo {
        name: "tiny".into(),
        architecture: "llama".into(),
        parameters: 0,
        bytes: 0,
        context_length: 256,
        licence: None,
        edit_form: None,
        backend: "cpu".into(),
        bos: None,
        eos: vec![],
    };
    let options = EngineOptions { speculation: true, ..options() };
    let parts = (checkpoint.tokenizer, checkpoint.chat);
    (Engine::start(backend, parts, info, &options, Clock::system(), None).unwrap(), asked)
}

#[test]
fn the_answers_are_the_same_whoever_chooses() {
    let ((with, asked), (without, _)) = (engine(true), engine(false));
    let prompt = with.tokenizer().encode("fn main() {\n    let x = 1;\n    let y = 1;\n");
    let sampling = Sampling::TopP { temperature: 0.8, top_p: 0.9, seed: 3 };
    let plain = request(&prompt, 24);
    let said = collect(without.submit(plain.clone())).ids();
    // As a draft what is going to be said, with and without bytes that are prescribed, so that some rows of a verification have masks and others none.
    let requests = [
        plain.clone(),
        Request { draft: said.clone(), ..plain.clone() },
        Request { heal: b"  ret".to_vec(), ..plain.clone() },
        Request { heal: b"  ret".to_vec(), draft: with.tokenizer().encode("  return x;\n"), ..plain.clone() },
        Request { sampling, ..plain },
    ];
    for request in requests {
        let what = format!("{:?} {:?} {:?}", request.heal, request.draft, request.sampling);
        let (got, want) = (collect(with.submit(request.clone())), collect(without.submit(request)));
        assert_eq!(got.ids(), want.ids(), "{what}");
        for (got, want) in got.tokens.iter().zip(&want.tokens) {
            assert_eq!(got.logprob, want.logprob, "{what}");
        }
    }
    let asked = asked.lock().unwrap();
    assert!(asked.choices > 4 && asked.masked > 3, "{} choices, {} masks", asked.choices, asked.masked);
    assert!(asked.logits > 0, "what is drawn by chance is drawn from logits");
}

#[test]
fn sequences_that_decode_together_are_chosen_for_together() {
    let ((with, asked), (without, _)) = (engine(true), engine(false));
    let requests: Vec<Request> = (0..3)
        .map(|i| {
            let prompt = with.tokenizer().encode(&"let mut n = 0; ".repeat(i + 1));
            // The last is to spell something out for more than its first token.
            let heal = if i == 2 { b"return wherever".to_vec() } else { vec![] };
            Request { session: i as u64, heal, ..request(&prompt, 40) }
        })
        .collect();
    let answers: Vec<_> = requests.iter().map(|request| with.submit(request.clone())).collect();
    for (got, request) in answers.into_iter().zip(requests) {
        assert_eq!(collect(got).ids(), collect(without.submit(request)).ids());
    }
    assert!(asked.lock().unwrap().together > 0);
}
