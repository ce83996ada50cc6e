//! Choosing from logits.

use super::*;
use crate::cpu::Draw;

#[test]
fn the_greatest_is_chosen_and_ties_go_to_the_lower() {
    let vocab = 3001;
    let mut logits = random(40, 6 * vocab);
    (logits[17], logits[2900], logits[40]) = (5.0, 5.0, f32::NAN);
    (logits[vocab + 2000], logits[vocab + 3]) = (9.0, 8.0);
    logits[2 * vocab..3 * vocab].fill(f32::NAN);
    logits[4 * vocab + 7] = f32::INFINITY;
    let of = |allowed: &dyn Fn(usize) -> bool| {
        let mut bits = vec![0u32; vocab.div_ceil(32)];
        (0..vocab).filter(|&i| allowed(i)).for_each(|i| bits[i / 32] |= 1 << (i % 32));
        bits
    };
    let masks = [of(&|_| true), of(&|i| i != 2000), of(&|i| i == 2999 || i == 12), of(&|_| false)];
    let allowed = |row: usize, i: usize| masks.get(row).is_none_or(|mask| mask[i / 32] >> (i % 32) & 1 == 1);
    let want = |row: usize, mask: usize| {
        let all: Vec<(usize, f64)> = logits[row * vocab..][..vocab].iter().map(|x| f64::from(*x)).enumerate().collect();
        let left = all.into_iter().filter(|(i, x)| allowed(mask, *i) && !x.is_nan()).collect::<Vec<_>>();
        let best = left.iter().copied().reduce(|best, next| if next.1 > best.1 { next } else { best })?;
        let sum: f64 = left.iter().map(|(_, x)| (x - best.1).exp()).sum();
        best.1.is_finite().then(|| (best.0 as u32, -sum.ln()))
    };
    for device in devices() {
        let l = device.floats(&logits).unwrap();
        let choices = Choices::new(&device, 6, vocab).unwrap();
        masks.iter().enumerate().for_each(|(row, mask)| choices.mask(row, mask).unwrap());
        // (first wanted row, rows wanted, masked; the rows of logits at a time)
        for (first, rows, masked, at_a_time) in [(0, 6, 0, 6), (0, 6, 4, 6), (2, 3, 2, 6), (0, 6, 4, 2), (0, 1, 0, 1)] {
            let about = about(&device, &[(0, &[0])], &[1; 6], Wanted { first, rows, masked });
            for base in (0..6).step_by(at_a_time).take(if at_a_time == 1 { 1 } else { 6 }) {
                let some = poisoned(&device, 4 * at_a_time * vocab);
                some.write(0, &read(&l)[4 * base * vocab..][..4 * at_a_time * vocab]).unwrap();
                choose(&about, &some, at_a_time, base, &choices).unwrap();
            }
            let mut got = Vec::new();
            choices.read(rows, &mut got).unwrap();
            for (k, got) in got.into_iter().enumerate() {
                let want = want(first + k, if k < masked { k } else { usize::MAX });
                assert_eq!(got.map(|got| got.0), want.map(|want| want.0), "row {k} of {rows} from {first} on");
                if let (Some(got), Some(want)) = (got, want) {
                    assert!((f64::from(got.1) - want.1).abs() < 1e-5, "row {k}: {} {}", got.1, want.1);
                }
            }
        }
    }
}

/// Every draw is the CPU's, for every number; what is not drawn from stays the likeliest.
#[test]
fn what_is_drawn_is_what_the_cpu_draws() {
    let (vocab, rows) = (2100, 5);
    let mut logits: Vec<f32> = random(41, rows * vocab).iter().map(|x| x * 6.0).collect();
    // Ties across the parts of several warps; what is no number; one for all.
    logits[vocab..2 * vocab].iter_mut().for_each(|x| *x = x.round());
    (logits[17], logits[2 * vocab + 900], logits[3 * vocab + 1]) = (f32::NAN, f32::NEG_INFINITY, 60.0);
    logits[4 * vocab..].fill(-3.0);
    let mut mask = vec![0x5555_5555u32; vocab.div_ceil(32)];
    mask[60] = 0;
    let allowed = |row: usize, i: usize| row > 1 || mask[i / 32] >> (i % 32) & 1 == 1;
    let isa = crate::cpu::Isa::best();
    for device in devices() {
        let l = device.floats(&logits).unwrap();
        let choices = Choices::new(&device, rows, vocab).unwrap();
        (0..2).for_each(|row| choices.mask(row, &mask).unwrap());
        for (temperature, top_k, top_p) in [
            (0.8, 0, 0.9),
            (1.0, 0, 1.0),
            (1.0, 40, 0.7),
            (1.5, 0, 0.999),
            (0.3, 7, 1.0),
            (1.0, 1 << 20, 0.2),
            (0.0, 3, 0.5),
        ] {
            for number in [0, 1 << 61, 0x9e37_79b9_7f4a_7c15, u64::MAX] {
                let how = |row: usize| Draw { temperature, top_k, top_p, number: number ^ (row as u64) << 50 };
                let draws: Vec<Draw> = (0..rows).map(how).collect();
                let about = about(&device, &[(0, &[0])], &[1; 5], Wanted { first: 0, rows, masked: 2 });
                choices.draw(&draws).unwrap();
                choose(&about, &l, rows, 0, &choices).unwrap();
                draw(&about, &l, rows, 0, &choices).unwrap();
                let mut got = Vec::new();
                choices.read(rows, &mut got).unwrap();
                for (row, got) in got.into_iter().enumerate() {
                    let row_logits: Vec<f32> = (0..vocab)
                        .map(|i| if allowed(row, i) { logits[row * vocab + i] } else { f32::NEG_INFINITY })
                        .collect();
                    let best = crate::cpu::argmax(isa, &row_logits);
                    let want = match temperature {
                        0.0 => best as u32,
                        _ => crate::cpu::draw(isa, &row_logits, row_logits[best], &draws[row], &mut Vec::new()),
                    };
                    let (id, logprob) = got.unwrap();
                    assert_eq!(id, want, "row {row}, {:?}", draws[row]);
                    let sum: f64 = row_logits.iter().filter(|x| !x.is_nan()).map(|x| f64::from(*x).exp()).sum();
                    let want = f64::from(row_logits[id as usize]) - sum.ln();
                    assert!((f64::from(logprob) - want).abs() < 2e-5, "row {row}: {logprob} {want}");
                }
            }
        }
        assert!(choices.draw(&[Draw::GREEDY; 40]).is_err());
    }
}
