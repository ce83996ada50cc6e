//! Tests of `cuda`: the same as the CPU's, on the host emulator of the kernels, and on a GPU where there is one.

#![allow(clippy::unwrap_used)]

#[path = "../../../../../kernels/cuda/tests/devices.rs"]
mod devices;
mod warm;

use std::path::Path;

use pilotlight_kernels::{
    cpu::Isa,
    cuda::{Found, found},
};

use super::*;
use crate::{
    backend::{
        reference::Reference,
        testing::{self, A, B, CONTEXT, decoder, error, tokens},
    },
    checkpoint::Checkpoint,
    fixture::{
        LLAMA, QWEN2, Tiny,
        golden::{CASES, Golden},
    },
    weights::Dtype,
};

/// The emulator; and the GPU, where there is one.
pub(crate) fn devices() -> Vec<Device> {
    devices::devices(&[1])
}

/// As it is taken into use: on a GPU, without the products that it is proved not to sum as others. That they are proved is another test's.
fn on(device: &Device, decoder: &Decoder) -> Cuda {
    let mut cuda = Cuda::new(decoder, device.clone(), CONTEXT, 10, 10).unwrap();
    if !device.name().contains("emulat") {
        let _ = cuda.prove();
    }
    cuda
}

/// Tolerance: products' inputs are rounded to bfloat16 (each by at most 0.2 %), which the random weights of these models pass on undamped; weights that are widened are rounded as much.
const TOLERANCE: f64 = 0.03;

#[test]
fn agrees_with_the_reference() {
    for (tiny, dtype) in [
        (&LLAMA, Dtype::F32),
        (&LLAMA, Dtype::BF16),
        (&LLAMA, Dtype::Q8_0),
        (&LLAMA, Dtype::Q4_0),
        (&LLAMA, Dtype::Q5_0),
        (&QWEN2, Dtype::Q4_K),
        (&QWEN2, Dtype::Q6_K),
        (&QWEN2, Dtype::Q5_K),
    ] {
        let decoder = decoder(tiny, dtype);
        let tokens = tokens(&decoder, 70);
        let mut reference = Reference::new(&decoder, CONTEXT, 5, 1).unwrap();
        let want = reference.forward(&A, 0, &tokens, Logits::All).unwrap();
        for device in devices() {
            let mut cuda = on(&device, &decoder);
            let got = cuda.forward(&A, 0, &tokens, Logits::All).unwrap();
            assert_eq!(got.len(), want.len());
            let error = error(got, want);
            println!("{} {dtype} on {device:?}: {error:e}", tiny.architecture);
            assert!(error < TOLERANCE, "{} {dtype} on {device:?}: {error:e}", tiny.architecture);
        }
    }
}

/// Inputs rounded to 8-bit floats as a file of static scales prescribes: the reference's numbers, and the same bits however tokens are grouped; as bytes the same on the emulator, on a GPU nearly.
/// Tolerance: where the reference and bfloat16 are on two sides of a half, a rounding of up to 6 % goes the other way.
#[test]
fn inputs_of_eight_bits_agree_with_the_reference() {
    let decoder = crate::shape::of_name("spark").unwrap().decoder("fp8", CONTEXT).unwrap();
    assert!(decoder.rounds_inputs());
    let tokens = tokens(&decoder, 70);
    let logits = |decoder: &Decoder| {
        let mut reference = Reference::new(decoder, CONTEXT, 5, 1).unwrap();
        reference.forward(&A, 0, &tokens, Logits::All).unwrap().to_vec()
    };
    let (want, exact) = (logits(&decoder), logits(&decoder.without_input_scales()));
    let rounding = error(&want, &exact);
    for device in devices() {
        let mut cuda = on(&device, &decoder);
        let got = cuda.forward(&A, 0, &tokens, Logits::All).unwrap().to_vec();
        let (far, other) = (error(&got, &want), error(&got, &exact));
        println!("on {device:?}: {far:e} from the reference; without rounding {other:e}, which is {rounding:e} away");
        assert!(far < 0.06 && far < other, "on {device:?}: {far:e} {other:e}");
        let vocab = decoder.config.vocab;
        for i in [0, 40, 69] {
            let alone = cuda.forward(&A, i, &tokens[i..=i], Logits::Last).unwrap();
            assert!(alone == &got[i * vocab..][..vocab], "on {device:?}: token {i}");
        }
        device.set_wide_bytes(true);
        let bytes = cuda.forward(&B, 0, &tokens, Logits::All).unwrap();
        assert!(error(bytes, &got) < if device.name() == "host emulator" { 1e-9 } else { MOST_ERROR });
        device.set_wide_bytes(true);
        cuda.prove_bytes().unwrap();
        assert_eq!(device.wide_bytes(), device.wide());
        device.set_wide_bytes(false);
        // Products that are not asked to round do not.
        let plain = on(&device, &decoder.without_input_scales()).forward(&A, 0, &tokens, Logits::All).unwrap().to_vec();
        assert!(error(&plain, &exact) < TOLERANCE && error(&plain, &got) > 0.0);
    }
}

/// Every family, past its window and its first context.
#[test]
fn every_family_agrees_with_the_reference() {
    for case in CASES {
        let golden = Golden::read(case);
        let sequence = golden.sequence();
        let decoder =
            Checkpoint::from_gguf(Path::new("golden.gguf"), &golden.gguf(Dtype::Q8_0).bytes()).unwrap().decoder;
        let mut reference = Reference::new(&decoder, CONTEXT, 5, 1).unwrap();
        let want = reference.forward(&A, 0, &sequence, Logits::All).unwrap();
        for device in devices() {
            let error = error(on(&device, &decoder).forward(&A, 0, &sequence, Logits::All).unwrap(), want);
            println!("{case} on {device:?}: {error:e}");
            assert!(error < TOLERANCE, "{case} on {device:?}: {error:e}");
        }
    }
}

/// Graphs and launches, split and whole attention, few and many rows: a warm cache is a cold run's.
#[test]
fn the_same_bits_however_tokens_are_grouped() {
    // More than are split over pages, and fewer.
    for (tiny, dtype, count) in [(&LLAMA, Dtype::Q8_0, 140), (&QWEN2, Dtype::Q4_K, 70), (&LLAMA, Dtype::BF16, 70)] {
        let decoder = decoder(tiny, dtype);
        let vocab = decoder.config.vocab;
        let tokens = tokens(&decoder, count);
        for device in devices() {
            let want = on(&device, &decoder).forward(&A, 0, &tokens, Logits::All).unwrap().to_vec();
            let mut cuda = on(&device, &decoder);
            for group in [5, 16, 40] {
                for (i, some) in tokens.chunks(group).enumerate() {
                    let (position, last) = (i * group, i * group + some.len() - 1);
                    let got = cuda.forward(&B, position, some, Logits::Last).unwrap();
                    assert_eq!(
                        got,
                        &want[last * vocab..][..vocab],
                        "{dtype} on {device:?}: groups of {group}, row {last}"
                    );
                }
            }
            // Token by token over what the groups have stored.
            for i in [0, 63, 64, count - 1] {
                let got = cuda.forward(&B, i, &tokens[i..=i], Logits::Last).unwrap();
                assert_eq!(got, &want[i * vocab..][..vocab], "{dtype} on {device:?}: token {i}");
            }
            // A draft's verification: rows of a few tokens at once.
            let got = cuda.forward(&B, 60, &tokens[60..69], Logits::Tail(5)).unwrap();
            assert_eq!(got, &want[64 * vocab..69 * vocab], "{dtype} on {device:?}: verification");
            assert!(cuda.graphs.len() > 3, "{} graphs", cuda.graphs.len());
        }
    }
}

/// An expert's tokens are those of the step: few or many, with others or alone.
#[test]
fn experts_give_the_same_bits_however_tokens_are_grouped() {
    // A router's alone; with an MLP that computes every token, and a first block without experts.
    for case in ["qwen3moe", "deepseek"] {
        let gguf = Golden::read(case).gguf(Dtype::Q8_0).bytes();
        let decoder = Checkpoint::from_gguf(Path::new("golden.gguf"), &gguf).unwrap().decoder;
        let (vocab, tokens) = (decoder.config.vocab, tokens(&decoder, 75));
        for device in devices() {
            let want = on(&device, &decoder).forward(&A, 0, &tokens, Logits::All).unwrap().to_vec();
            let mut cuda = on(&device, &decoder);
            for (i, some) in tokens.chunks(11).enumerate() {
                let got = cuda.forward(&B, i * 11, some, Logits::All).unwrap();
                assert_eq!(got, &want[i * 11 * vocab..][..got.len()], "{device:?}: from token {} on", i * 11);
            }
            for i in [0, 40, 74] {
                let got = cuda.forward(&B, i, &tokens[i..=i], Logits::Last).unwrap();
                assert_eq!(got, &want[i * vocab..][..vocab], "{device:?}: token {i}");
            }
        }
    }
}

#[test]
fn truncation_sharing_copies_and_pages_that_were_away_leave_no_trace() {
    let decoder = decoder(&LLAMA, Dtype::Q8_0);
    let tokens = tokens(&decoder, 100);
    for device in devices() {
        let mut cuda = on(&device, &decoder);
        let want = cuda.forward(&A, 0, &tokens[..90], Logits::Last).unwrap().to_vec();
        // Go on, go back, go on elsewhere.
        cuda.forward(&A, 90, &tokens[90..], Logits::None).unwrap();
        assert_eq!(cuda.forward(&A, 80, &tokens[80..90], Logits::Last).unwrap(), want);
        // A sequence that shares a page and has a copy of another's head.
        cuda.copy(A[1], B[1], 85 - PAGE).unwrap();
        assert_eq!(cuda.forward(&[A[0], B[1]], 85, &tokens[85..90], Logits::Last).unwrap(), want);
        // Out to the host and back to another place.
        let mut bytes = Vec::new();
        assert!(cuda.export(A[0], &mut bytes) && bytes.len() == cuda.page_bytes());
        assert!(cuda.import(B[3], &bytes));
        assert_eq!(cuda.forward(&[B[3], B[1]], 85, &tokens[85..90], Logits::Last).unwrap(), want);
    }
}

/// Biases, head norms, learned positions, windows, temperature: one token each of several sequences at once is what each gives alone.
#[test]
fn sequences_that_decode_together_get_the_bits_that_they_get_alone() {
    for case in CASES {
        let golden = Golden::read(case);
        let decoder =
            Checkpoint::from_gguf(Path::new("golden.gguf"), &golden.gguf(Dtype::Q8_0).bytes()).unwrap().decoder;
        for device in devices() {
            testing::sequences_that_decode_together_get_the_bits_that_they_get_alone(
                case,
                &golden.sequence(),
                &mut on(&device, &decoder),
                &mut on(&device, &decoder),
            );
        }
    }
}

#[test]
fn keys_that_are_moved_are_turned_to_their_new_place() {
    for tiny in [LLAMA, QWEN2] {
        let decoder = decoder(&Tiny { layers: 1, ..tiny }, Dtype::F32);
        let tokens = tokens(&decoder, 200);
        for device in devices() {
            let mut cuda = on(&device, &decoder);
            testing::keys_that_are_moved_are_turned_to_their_new_place(tiny.architecture, &tokens, &mut cuda, 5e-3);
            // Not onto themselves, not past the sequence's pages.
            assert!(cuda.shift((A[0], 10), &A, 20, 30, 10).is_err());
            assert!(cuda.shift((B[0], 0), &A[..1], 50, 30, 10).is_err());
        }
    }
}

/// What greedy decoding fetches is what it would have found in the logits: alone, in a draft's verification, past a graph's rows, of several sequences, under masks.
#[test]
fn choices_are_those_of_the_logits() {
    let decoder = decoder(&QWEN2, Dtype::Q4_K);
    let vocab = decoder.config.vocab;
    let tokens = tokens(&decoder, 80);
    let mut sampler = crate::sampling::Sampler::new(&crate::Sampling::Greedy).unwrap();
    let mask = |of: &dyn Fn(usize) -> bool| {
        let mut mask = vec![0u32; vocab.div_ceil(32)];
        (0..vocab).filter(|&id| of(id)).for_each(|id| mask[id / 32] |= 1 << (id % 32));
        mask
    };
    for device in devices() {
        let mut cuda = on(&device, &decoder);
        let logits = cuda.forward(&A, 0, &tokens, Logits::All).unwrap().to_vec();
        let mut want = |row: usize, fits: &dyn Fn(usize) -> bool| {
            sampler.choose_among(&logits[row * vocab..][..vocab], |id| fits(id as usize)).unwrap()
        };
        let same = |got: &[Choice], want: &[(u32, f32)]| {
            assert_eq!(got.len(), want.len());
            for (got, want) in got.iter().zip(want) {
                let got = got.unwrap();
                assert_eq!(got.0, want.0);
                assert!((got.1 - want.1).abs() < 1e-4, "{got:?} {want:?}");
            }
        };
        let at = |position| [Sequence { pages: &A, position }];
        let odd = |id: usize| id % 2 == 1;
        for (start, end, rows) in [(79, 80, 1), (70, 80, 7), (40, 80, 16), (78, 80, 2)] {
            let all: Vec<_> = (end - rows..end).map(|row| want(row, &|_| true)).collect();
            same(cuda.choose(&at(start), &tokens[start..end], rows, &[], &[]).unwrap(), &all);
            let masked: Vec<_> = (end - rows..end)
                .enumerate()
                .map(|(i, row)| if i == 0 { want(row, &odd) } else { want(row, &|_| true) })
                .collect();
            same(cuda.choose(&at(start), &tokens[start..end], rows, &[mask(&odd)], &[]).unwrap(), &masked);
        }
        assert_eq!(cuda.choose(&at(79), &tokens[79..], 1, &[mask(&|_| false)], &[]).unwrap(), [None]);
        // Some drawn, some not, as a graph and past one; the CPU's draws of the same logits.
        let how = |number| Draw { temperature: 0.9, top_k: 0, top_p: 0.9, number };
        let draws = [how(1 << 62), Draw::GREEDY, how(0xdead_beef << 32), how(u64::MAX)];
        for start in [75, 40] {
            let (mut scratch, isa) = (Vec::new(), Isa::best());
            let all: Vec<_> = (76..80)
                .zip(draws)
                .map(|(row, draw)| {
                    let best = want(row, &|_| true);
                    let of_row = &logits[row * vocab..][..vocab];
                    match draw == Draw::GREEDY {
                        true => best,
                        false => {
                            let id = pilotlight_kernels::cpu::draw(
                                isa,
                                of_row,
                                of_row[best.0 as usize],
                                &draw,
                                &mut scratch,
                            );
                            (id, best.1 + of_row[id as usize] - of_row[best.0 as usize])
                        }
                    }
                })
                .collect();
            same(cuda.choose(&at(start), &tokens[start..80], 4, &[], &draws).unwrap(), &all);
        }
        assert!(cuda.choose(&at(0), &tokens, LOGIT_ROWS + 1, &[], &[]).is_err());
        // Two branches of one sequence.
        cuda.copy(A[1], B[0], 10).unwrap();
        let two = [Sequence { pages: &A, position: 79 }, Sequence { pages: &[A[0], B[0]], position: 74 }];
        let all = [want(79, &|_| true), want(74, &odd)];
        let masks = [mask(&|_| true), mask(&odd)];
        same(cuda.choose(&two, &[tokens[79], tokens[74]], 2, &masks, &[]).unwrap(), &all);
    }
}

/// Ten pages on a device that has room for four: what comes back is what went.
#[test]
fn pages_that_the_device_has_no_room_for_come_back() {
    let decoder = decoder(&LLAMA, Dtype::Q8_0);
    let vocab = decoder.config.vocab;
    let tokens = tokens(&decoder, 150);
    let other: Vec<u32> = tokens.iter().rev().copied().collect();
    for device in devices() {
        let mut all = on(&device, &decoder);
        let mut some = Cuda::new(&decoder, device.clone(), CONTEXT, 4, 10).unwrap();
        assert_eq!((some.pages(), some.page_bytes()), (10, all.page_bytes()));
        let wanted = |cuda: &mut Cuda| {
            let mut got = cuda.forward(&A, 0, &tokens, Logits::Last).unwrap().to_vec();
            got.extend(cuda.forward(&B, 0, &other, Logits::Last).unwrap());
            got.extend(cuda.forward(&A, 149, &tokens[149..], Logits::Last).unwrap());
            // Two sequences of three pages each: one after the other where there is room for four.
            let two = [Sequence { pages: &A, position: 149 }, Sequence { pages: &B, position: 149 }];
            let last = [tokens[149], other[149]];
            got.extend(cuda.decode(&two, &last).unwrap());
            let mut odd = vec![0xaaaa_aaaa_u32; vocab.div_ceil(32)];
            odd[0] |= 1;
            let masks = [vec![u32::MAX; vocab.div_ceil(32)], odd];
            got.extend(cuda.choose(&two, &last, 2, &masks, &[]).unwrap().iter().map(|chosen| chosen.unwrap().0 as f32));
            cuda.copy(A[0], 9, 64).unwrap();
            cuda.copy(A[1], 3, 40).unwrap();
            got.extend(cuda.forward(&[9, 3], 100, &tokens[100..103], Logits::Last).unwrap());
            cuda.shift((A[0], 10), &B, 70, 50, 60).unwrap();
            got.extend(cuda.forward(&B, 120, &tokens[..3], Logits::Last).unwrap());
            let mut bytes = Vec::new();
            (0..10).for_each(|page| assert!(cuda.export(page, &mut bytes)));
            (bytes.len(), got)
        };
        let (want, got) = (wanted(&mut all), wanted(&mut some));
        assert!(want == got, "{device:?}");
        assert_eq!(all.places.spilled, 0);
        assert!(some.places.spilled > 6, "{} went", some.places.spilled);
        // Away and back through the snapshot's door.
        let mut bytes = Vec::new();
        assert!(some.export(A[2], &mut bytes) && some.import(7, &bytes));
        let alone = some.forward(&[A[0], A[1], 7], 149, &tokens[149..], Logits::Last).unwrap().to_vec();
        assert_eq!(alone, all.forward(&A, 149, &tokens[149..], Logits::Last).unwrap());
        assert!(!some.import(10, &bytes) && !some.export(10, &mut bytes));
        let error = some.forward(&A, 250, &tokens[..10], Logits::Last).unwrap_err().to_string();
        assert!(error.contains("more than the 4 pages"), "{error}");
    }
}

/// What the scheduler asks for when a request is cancelled between two chunks, and what comes after.
#[test]
fn a_pass_that_nobody_wants_logits_of_can_be_left_and_taken_up_again() {
    let decoder = decoder(&LLAMA, Dtype::Q8_0);
    let tokens = tokens(&decoder, 60);
    for device in devices() {
        let want = on(&device, &decoder).forward(&A, 0, &tokens, Logits::Last).unwrap().to_vec();
        let mut cuda = on(&device, &decoder);
        cuda.forward(&A, 0, &tokens[..40], Logits::None).unwrap();
        assert_eq!(cuda.forward(&A, 20, &tokens[20..], Logits::Last).unwrap(), want);
        assert!(cuda.forward(&A[..1], 60, &tokens, Logits::Last).is_err(), "too few pages are refused");
        assert_eq!(cuda.forward(&A, 59, &tokens[59..], Logits::Last).unwrap(), want, "and nothing is lost by it");
    }
}

#[test]
fn a_device_is_proved_before_it_is_used() {
    let mut decoder = decoder(&LLAMA, Dtype::Q8_0);
    for device in devices() {
        on(&device, &decoder).prove().unwrap();
    }
    // Weights that make no numbers are seen.
    decoder.output_norm.weight.bytes = f32::NAN.to_le_bytes().repeat(decoder.config.hidden).into();
    assert!(on(&devices()[0], &decoder).prove().unwrap_err().to_string().contains("no numbers"));
}

#[test]
fn emulated_what_is_not_proved_is_measured_as_it_is_named() {
    let device = Device::emulated(&devices::emulator(), 1).unwrap();
    let mut decoder = crate::shape::of_name("spark").unwrap().decoder("fp8", CONTEXT).unwrap();
    decoder.output_norm.weight.bytes = f32::NAN.to_le_bytes().repeat(decoder.config.hidden).into();
    decoder.output_norm.weight.dtype = Dtype::F32;
    let mut cuda = on(&device, &decoder);
    assert!(cuda.take_into_use(false).is_err());
    assert!(!device.wide() && !device.wide_bytes());
    cuda.take_into_use(true).unwrap();
    assert!(device.wide() && device.wide_bytes());
}

#[test]
fn emulated_what_is_counted_is_what_is_taken() {
    let decoder = decoder(&QWEN2, Dtype::Q4_K);
    let device = Device::emulated(&devices::emulator(), 0).unwrap();
    let budget = Budget::new(&decoder, CONTEXT);
    let cuda = on(&device, &decoder);
    let s = &cuda.step;
    let taken = [&s.x, &s.normed, &s.q, &s.k, &s.v, &s.turned, &s.attended, &s.gated, &s.shared, &s.logits]
        .map(cuda::Memory::bytes)
        .iter()
        .sum::<usize>()
        + Choices::bytes(LOGIT_ROWS, decoder.config.vocab);
    let split = Split::bytes(s.split.rows, decoder.config.heads, s.layout.pages, decoder.config.head_dim);
    assert_eq!(budget.scratch, (taken + split) as u64);
    assert_eq!(budget.page, cuda.page_bytes() as u64);
    let of = |p: &load::Projection| p.weight.bytes() as u64;
    let layers = cuda.model.layers.iter().map(|l| {
        let load::Mlp::Gated(load::Inner { gate, up, down }) = &l.mlp else { panic!("a gated MLP") };
        [&l.q, &l.k, &l.v, &l.o, gate, up, down].map(of).iter().sum::<u64>()
    });
    assert_eq!(budget.weights, layers.sum::<u64>() + cuda.model.embedding.bytes() as u64, "tied weights once");
}
