//! Tests of `reference`.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use serde::Deserialize;

use super::*;
use crate::{
    ModelSource,
    checkpoint::Checkpoint,
    fixture::{
        LLAMA, QWEN2, Tiny,
        golden::{CASES, Golden},
    },
    weights::Dtype,
};

fn reference(decoder: &Decoder) -> Reference {
    Reference::new(decoder, 512, 16, 1).unwrap()
}

/// Pages of two sequences.
const A: [Page; 8] = [0, 1, 2, 3, 4, 5, 6, 7];
const B: [Page; 8] = [15, 8, 14, 9, 13, 10, 12, 11];

fn gguf(tiny: &Tiny, dtype: Dtype) -> Decoder {
    Checkpoint::from_gguf(Path::new("tiny.gguf"), &tiny.gguf(dtype).bytes()).unwrap().decoder
}

/// The largest difference, relative to the largest number.
fn difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    let largest = b.iter().fold(0f32, |m, x| m.max(x.abs()));
    a.iter().zip(b).fold(0f32, |m, (a, b)| m.max((a - b).abs())) / largest
}

fn argmax(row: &[f32]) -> u32 {
    (0u32..).zip(row).max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0
}

fn greedy(model: &mut Reference, prompt: &[u32], n: usize) -> Vec<u32> {
    let mut next = argmax(model.forward(&A, 0, prompt, Logits::Last).unwrap());
    let mut out = vec![next];
    while out.len() < n {
        let position = prompt.len() + out.len() - 1;
        next = argmax(model.forward(&A, position, &[next], Logits::Last).unwrap());
        out.push(next);
    }
    out
}

const TOKENS: [u32; 20] = [1, 40, 41, 295, 33, 290, 102, 200, 201, 40, 41, 60, 61, 62, 250, 251, 252, 32, 5, 288];

/// At every position, in one prefill, step by step, and in both formats.
#[test]
fn agrees_with_transformers() {
    for case in CASES {
        let golden = Golden::read(case);
        let sequence = golden.sequence();
        let gguf = Checkpoint::from_gguf(Path::new("golden.gguf"), &golden.gguf(Dtype::F32).bytes()).unwrap();
        for (format, checkpoint) in [("safetensors", golden.open(Dtype::F32)), ("gguf", gguf)] {
            if case == "llama-llama3" && format == "gguf" {
                continue; // Its frequencies come as a tensor there: `divided_frequencies`.
            }
            let mut model = reference(&checkpoint.decoder);
            let vocab = checkpoint.decoder.config.vocab;
            let prefill = model.forward(&A, 0, &sequence, Logits::All).unwrap().to_vec();
            assert_eq!(prefill.len(), golden.logits.len(), "{case}");
            for (row, expected) in golden.logits.chunks(vocab).enumerate() {
                let error = difference(&prefill[row * vocab..(row + 1) * vocab], expected);
                assert!(error < 1e-3, "{case} from {format}: row {row} differs by {error}");
                let step = model.forward(&B, row, &sequence[row..=row], Logits::Last).unwrap();
                let error = difference(step, expected);
                assert!(error < 1e-3, "{case} from {format}: step {row} differs by {error}");
            }
            println!("{case} from {format}: {:e}", difference(&prefill, &golden.logits));
            assert_eq!(greedy(&mut model, &golden.prompt, golden.greedy.len()), golden.greedy, "{case} from {format}");
        }
    }
}

/// What `train/export.py` of ember writes.
#[derive(Deserialize)]
struct EmberGolden {
    cases: Vec<EmberCase>,
}

#[derive(Deserialize)]
struct EmberCase {
    prefix: String,
    prompt: Vec<u32>,
    top_ids: Vec<u32>,
    top_logits: Vec<f32>,
    greedy: Vec<u32>,
}

#[test]
fn agrees_with_the_network_that_trained_ember() {
    let golden = include_str!("../../../../ember/weights/golden.json");
    let golden: EmberGolden = serde_json::from_str(golden).unwrap();
    let ember = Checkpoint::open(&ModelSource::Ember).unwrap();
    let prefix = ember.tokenizer.special("<|prefix|>").unwrap();
    let mut model = reference(&ember.decoder);
    assert!(golden.cases.len() >= 5);
    for case in golden.cases {
        let start = case.prompt.iter().rposition(|&id| id == prefix).unwrap() + 1;
        assert_eq!(ember.tokenizer.encode(&case.prefix), case.prompt[start..], "{:?}", case.prefix);
        let logits = model.forward(&A, 0, &case.prompt, Logits::Last).unwrap();
        let top: Vec<f32> = case.top_ids.iter().map(|&id| logits[id as usize]).collect();
        assert_eq!(argmax(logits), case.top_ids[0]);
        assert!(difference(&top, &case.top_logits) < 1e-4, "{top:?} {:?}", case.top_logits);
        assert_eq!(greedy(&mut model, &case.prompt, case.greedy.len()), case.greedy);
    }
}

#[test]
fn both_formats_and_rope_layouts_agree() {
    for tiny in [LLAMA, QWEN2] {
        let folder = tempfile::tempdir().unwrap();
        tiny.folder(folder.path(), &tiny.config_json(), Dtype::F32, 1);
        let open = Checkpoint::open(&ModelSource::SafeTensors(folder.path().into())).unwrap();
        let expected = reference(&open.decoder).forward(&A, 0, &TOKENS, Logits::All).unwrap().to_vec();
        let mut model = reference(&gguf(&tiny, Dtype::F32));
        let error = difference(model.forward(&A, 0, &TOKENS, Logits::All).unwrap(), &expected);
        assert!(error < 1e-5, "{}: {error}", tiny.architecture);
    }
}

#[test]
fn every_dtype_is_within_its_tolerance() {
    for tiny in [LLAMA, QWEN2] {
        let expected = reference(&gguf(&tiny, Dtype::F32)).forward(&A, 0, &TOKENS, Logits::All).unwrap().to_vec();
        // Bounds on both sides: an error of zero would mean that the weights were not stored in that type at all.
        for (dtype, least, most) in [
            (Dtype::F16, 1e-6, 2e-3),
            (Dtype::BF16, 1e-4, 2e-2),
            (Dtype::Q8_0, 1e-4, 3e-2),
            (Dtype::Q6_K, 1e-3, 8e-2),
            (Dtype::Q5_K, 2e-3, 0.15),
            (Dtype::Q4_K, 5e-3, 0.3),
            (Dtype::Q5_0, 2e-3, 0.2),
            (Dtype::Q4_0, 5e-3, 0.4),
        ] {
            let mut model = reference(&gguf(&tiny, dtype));
            let error = difference(model.forward(&A, 0, &TOKENS, Logits::All).unwrap(), &expected);
            assert!((least..most).contains(&error), "{} {dtype}: {error}", tiny.architecture);
        }
    }
}

#[test]
fn bf16_safetensors_load() {
    let folder = tempfile::tempdir().unwrap();
    QWEN2.folder(folder.path(), &QWEN2.config_json(), Dtype::BF16, 3);
    let open = Checkpoint::open(&ModelSource::SafeTensors(folder.path().into())).unwrap();
    let expected = reference(&gguf(&QWEN2, Dtype::F32)).forward(&A, 0, &TOKENS, Logits::Last).unwrap().to_vec();
    let error = difference(reference(&open.decoder).forward(&A, 0, &TOKENS, Logits::Last).unwrap(), &expected);
    assert!((1e-4..2e-2).contains(&error), "{error}");
}

#[test]
fn chunks_and_single_steps_agree_with_one_prefill() {
    for tiny in [LLAMA, QWEN2] {
        let mut model = reference(&gguf(&tiny, Dtype::F32));
        let vocab = tiny.vocab();
        let whole = model.forward(&A, 0, &TOKENS, Logits::All).unwrap().to_vec();
        for chunk in [1, 3, 7] {
            for (i, tokens) in TOKENS.chunks(chunk).enumerate() {
                let at = i * chunk;
                let logits = model.forward(&B, at, tokens, Logits::All).unwrap();
                let error = difference(logits, &whole[at * vocab..(at + tokens.len()) * vocab]);
                assert!(error < 1e-5, "{} in chunks of {chunk} at {at}: {error}", tiny.architecture);
            }
        }
    }
}

#[test]
fn a_position_forgets_what_came_after_it_and_a_copy_stands_alone() {
    let mut model = reference(&gguf(&LLAMA, Dtype::F32));
    let expected = model.forward(&A, 0, &TOKENS, Logits::Last).unwrap().to_vec();
    // Another continuation of the first ten, longer, in the copy; then the original's again, in both.
    model.copy(A[0], B[0], 10).unwrap();
    model.forward(&B, 10, &[77; 90], Logits::None).unwrap();
    for pages in [A, B] {
        let again = model.forward(&pages, 10, &TOKENS[10..], Logits::Last).unwrap();
        assert!(difference(again, &expected) < 1e-5);
    }
    assert!(model.forward(&A, TOKENS.len(), &[9], Logits::None).unwrap().is_empty());
}

#[test]
fn sequences_share_a_page() {
    let mut model = reference(&gguf(&LLAMA, Dtype::F32));
    let tokens: Vec<u32> = (0..100).map(|i| 40 + i * 7 % 200).collect();
    let expected = model.forward(&A, 0, &tokens, Logits::Last).unwrap().to_vec();
    let again = model.forward(&[A[0], B[1]], 64, &tokens[64..], Logits::Last).unwrap();
    assert!(difference(again, &expected) < 1e-5);
}
