//! Choosing from logits.

use super::*;

fn words(memory: &Memory) -> Vec<u32> {
    read(memory).as_chunks().0.iter().map(|&b| u32::from_le_bytes(b)).collect()
}

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
        let chosen = device.zeros(12).unwrap();
        chosen.write(0, &[17u32, 3, 0].map(u32::to_le_bytes).concat()).unwrap();
        let (drafted, accepted) = (device.zeros(8).unwrap(), poisoned(&device, 4));
        for (draft, want) in [([17u32, 3], 2), ([17, 4], 1), ([1, 3], 0)] {
            drafted.write(0, &draft.map(u32::to_le_bytes).concat()).unwrap();
            accept(&chosen, &drafted, 3, &accepted).unwrap();
            assert_eq!(words(&accepted), [want]);
        }
    }
}

#[test]
fn a_draw_is_of_the_likeliest_that_make_up_top_p() {
    let vocab = 1000;
    let logits = random(41, vocab);
    let (temperature, top_k, top_p) = (0.7, 20, 0.8);
    let mut order: Vec<usize> = (0..vocab).collect();
    order.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]).then(a.cmp(&b)));
    let weights: Vec<f64> = order[..top_k]
        .iter()
        .map(|&i| (f64::from(logits[i] - logits[order[0]]) / f64::from(temperature)).exp())
        .collect();
    let all: f64 = weights.iter().sum();
    let mut cut = 0;
    let mut kept = 0.0;
    while kept < f64::from(top_p) * all {
        kept += weights[cut];
        cut += 1;
    }
    assert!(cut > 3 && cut < top_k, "a cut in the midst: {cut}");
    for device in devices() {
        let l = device.floats(&logits).unwrap();
        let choices = poisoned(&device, 4);
        for i in 0..8 {
            let uniform = (i as f32 + 0.5) / 8.0;
            let u = device.floats(&[uniform]).unwrap();
            let sample = Sample { logits: &l, mask: None, choices: &choices, rows: 1, vocab };
            choose_sampled(sample, &u, temperature, top_k, top_p).unwrap();
            let (mut left, mut want) = (f64::from(uniform) * kept, 0);
            while want + 1 < cut && left >= weights[want] {
                left -= weights[want];
                want += 1;
            }
            assert_eq!(words(&choices), [order[want] as u32], "{uniform}");
        }
        let sample = Sample { logits: &l, mask: None, choices: &choices, rows: 1, vocab };
        assert!(choose_sampled(sample, &l, 0.0, 4, 1.0).is_err());
    }
}
