//! Tokens chosen by the backend: the same answers as from its logits. On the emulator, and on a GPU where there is one.

use pilotlight_kernels::cuda::Device;

use super::*;
use crate::backend::cuda::{Cuda, tests::devices};

/// The tiny model, whose tokens are chosen by its backend or from logits.
fn engine(device: &Device, chooses: bool) -> Engine {
    let checkpoint = Checkpoint::from_gguf(Path::new("tiny.gguf"), &LLAMA.gguf(Dtype::Q8_0).bytes()).unwrap();
    let mut cuda = Cuda::new(&checkpoint.decoder, device.clone(), 256, 40, 40).unwrap();
    if !chooses {
        cuda.chooses = 0;
    }
    let info = ModelInfo {
        name: "tiny".into(),
        architecture: "llama".into(),
        parameters: 0,
        bytes: 0,
        context_length: 256,
        licence: None,
        edit_form: None,
        backend: "cuda".into(),
        bos: None,
        eos: vec![],
    };
    let options = EngineOptions { speculation: true, ..options() };
    let parts = (checkpoint.tokenizer, checkpoint.chat);
    Engine::start(Box::new(cuda), parts, info, &options, Clock::system(), None).unwrap()
}

/// Whose tokens are chosen by the backend, and whose from logits: each on a device of its own, of each kind.
fn both() -> impl Iterator<Item = [(Device, Engine); 2]> {
    devices().into_iter().zip(devices()).map(|(with, without)| {
        let engines = [engine(&with, true), engine(&without, false)];
        let [chosen, from_logits] = engines;
        [(with, chosen), (without, from_logits)]
    })
}

#[test]
fn the_answers_are_the_same_whoever_chooses() {
    for [(device, with), (plain_device, without)] in both() {
        let prompt = with.tokenizer().encode("fn main() {\n    let x = 1;\n    let y = 1;\n");
        let sampling = Sampling::TopP { temperature: 0.8, top_p: 0.9, seed: 3 };
        let plain = request(&prompt, 10);
        let drawn = Request { sampling, ..plain.clone() };
        let said = |request: &Request| collect(without.submit(request.clone())).ids();
        // As a draft what is going to be said, with and without bytes that are prescribed, so that some rows of a verification have masks and others none.
        let requests = [
            plain.clone(),
            Request { draft: said(&plain), ..plain.clone() },
            Request { heal: b"  ret".to_vec(), ..plain.clone() },
            Request { heal: b"  ret".to_vec(), draft: with.tokenizer().encode("  return x;\n"), ..plain },
            drawn.clone(),
            Request { draft: said(&drawn), ..drawn.clone() },
            Request { heal: b"  ret".to_vec(), ..drawn },
        ];
        for request in requests {
            let what = format!("{:?} {:?} {:?}", request.heal, request.draft, request.sampling);
            let (got, want) = (collect(with.submit(request.clone())), collect(without.submit(request)));
            assert_eq!(got.ids(), want.ids(), "{what}");
            for (got, want) in got.tokens.iter().zip(&want.tokens) {
                assert!((got.logprob - want.logprob).abs() < 1e-4, "{what}: {} {}", got.logprob, want.logprob);
            }
        }
        let (tokens, logits) = (device.asked().fetched, plain_device.asked().fetched);
        assert!(8 * tokens < logits, "{tokens} bytes fetched, {logits} of logits");
    }
}

#[test]
fn sequences_that_decode_together_are_chosen_for_together() {
    for [(device, with), (plain_device, without)] in both() {
        let requests: Vec<Request> = (0..4)
            .map(|i| {
                let prompt = with.tokenizer().encode(&"let mut n = 0; ".repeat(i + 1));
                // One is to spell something out for more than its first token; one draws.
                let heal = if i == 2 { b"return wherever".to_vec() } else { vec![] };
                let sampling = match i {
                    1 => Sampling::TopP { temperature: 1.0, top_p: 0.95, seed: 9 },
                    _ => Sampling::Greedy,
                };
                Request { session: i as u64, heal, sampling, ..request(&prompt, 16) }
            })
            .collect();
        let answers: Vec<_> = requests.iter().map(|request| with.submit(request.clone())).collect();
        for (got, request) in answers.into_iter().zip(requests) {
            assert_eq!(collect(got).ids(), collect(without.submit(request)).ids());
        }
        let (together, alone) = (device.asked(), plain_device.asked());
        let steps = [together, alone].map(|asked| asked.graphs);
        assert!(steps[0] < steps[1], "{steps:?} graphs run together and alone");
    }
}
