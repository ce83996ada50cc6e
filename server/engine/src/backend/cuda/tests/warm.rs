//! What a step that was computed before asks for: no memory, of either side.

use super::*;
use crate::allocations::of_this_thread;

/// Steps that a person waits for, of a shape that there was before: neither the device nor this machine is asked for memory, nothing is recorded, no kernel is launched by itself, and what
/// is copied is the step, its masks, and what comes back. (The emulator's own memory is C++'s, which nobody counts.)
#[test]
fn a_warm_step_takes_no_memory_and_records_nothing() {
    fn done<T>(result: Result<T, EngineError>) {
        assert!(result.is_ok());
    }
    let experts = Golden::read("qwen3moe").gguf(Dtype::Q8_0).bytes();
    let experts = Checkpoint::from_gguf(Path::new("golden.gguf"), &experts).unwrap().decoder;
    for (what, decoder) in [("qwen2 q4_k", decoder(&QWEN2, Dtype::Q4_K)), ("experts", experts)] {
        let (tokens, words) = (tokens(&decoder, 200), decoder.config.vocab.div_ceil(32));
        let [mask, short] = [[vec![u32::MAX; words]], [vec![u32::MAX; words - 1]]];
        for device in devices() {
            let mut cuda = on(&device, &decoder);
            let at = |position| [Sequence { pages: &A, position }];
            type Work<'a> = dyn Fn(&mut Cuda, usize) + 'a;
            // Each at token `i`, with the copies that it may make.
            let decoded = |cuda: &mut Cuda, i: usize| done(cuda.forward(&A, i, &tokens[i..i + 1], Logits::Last));
            let chosen = |cuda: &mut Cuda, i: usize| done(cuda.choose(&at(i), &tokens[i..i + 1], 1, &[], &[]));
            let keystroke = |cuda: &mut Cuda, i: usize| done(cuda.choose(&at(i), &tokens[i..i + 3], 1, &mask, &[]));
            let masked = |cuda: &mut Cuda, i: usize| done(cuda.choose(&at(i), &tokens[i..i + 3], 1, &short, &[]));
            let verified = |cuda: &mut Cuda, i: usize| done(cuda.choose(&at(i), &tokens[i..i + 8], 8, &[], &[]));
            let by_logits = |cuda: &mut Cuda, i: usize| done(cuda.forward(&A, i, &tokens[i..i + 16], Logits::Tail(8)));
            let how = Draw { temperature: 0.9, top_k: 0, top_p: 0.9, number: 1 << 63 };
            let drawn = |cuda: &mut Cuda, i: usize| done(cuda.choose(&at(i), &tokens[i..i + 1], 1, &[], &[how]));
            let several = |cuda: &mut Cuda, i: usize| {
                let two = [Sequence { pages: &A, position: i }, Sequence { pages: &B, position: i - 60 }];
                done(cuda.choose(&two, &tokens[..2], 2, &[], &[]));
            };
            let chunk = |cuda: &mut Cuda, i: usize| done(cuda.forward(&A, i, &tokens[i..i + 100], Logits::None));
            let works: [(&str, &Work<'_>, u64); 9] = [
                ("a token", &decoded, 2),
                ("the choice after a token", &chosen, 2),
                ("a token drawn", &drawn, 3),
                ("a keystroke", &keystroke, 3),
                ("a keystroke, its mask short", &masked, 4),
                ("a draft's verification", &verified, 2),
                ("a verification by logits", &by_logits, 2),
                ("two sequences", &several, 2),
                ("a prompt's chunk", &chunk, 1),
            ];
            done(cuda.forward(&A, 0, &tokens, Logits::None));
            done(cuda.forward(&B, 0, &tokens[..20], Logits::None));
            for (step, work, copies) in works {
                (70..72).for_each(|i| work(&mut cuda, i));
                let (graphs, before, memory) = (cuda.graphs.len(), device.asked(), of_this_thread());
                work(&mut cuda, 75);
                let (after, allocated) = (device.asked(), of_this_thread() - memory);
                let what = format!("{what}, {step}, on {device:?}");
                assert_eq!(allocated, 0, "{what}: allocations on the host");
                assert_eq!(after.allocations, before.allocations, "{what}: allocations on the device");
                assert_eq!((after.recordings, cuda.graphs.len()), (before.recordings, graphs), "{what}: recordings");
                assert_eq!(after.copies - before.copies, copies, "{what}: copies");
                let (launches, graphs) = (after.launches - before.launches, after.graphs - before.graphs);
                // More tokens than a graph is for go launch by launch.
                assert!(if step == "a prompt's chunk" { graphs == 0 } else { (launches, graphs) == (0, 1) }, "{what}");
            }
        }
    }
    // Pages that come and go lie in what others lay in.
    let decoder = decoder(&LLAMA, Dtype::Q8_0);
    let tokens = tokens(&decoder, 150);
    for device in devices() {
        let mut cuda = Cuda::new(&decoder, device.clone(), CONTEXT, 4, 10).unwrap();
        let both = |cuda: &mut Cuda| {
            for pages in [&A, &B] {
                cuda.forward(pages, 140, &tokens[140..141], Logits::Last).unwrap();
            }
        };
        (0..3).for_each(|_| both(&mut cuda));
        let (spilled, before, memory) = (cuda.places.spilled, device.asked(), of_this_thread());
        both(&mut cuda);
        assert!(cuda.places.spilled >= spilled + 4, "{} went", cuda.places.spilled - spilled);
        assert_eq!(of_this_thread(), memory, "on {device:?}: allocations on the host");
        assert_eq!(device.asked().allocations, before.allocations, "on {device:?}: allocations on the device");
    }
}
