//! Choosing from logits.

use super::*;

fn words(memory: &Memory) -> Vec<u32> {
    read(memory).as_chunks().0.iter().map(|&b| u32::from_le_bytes(b)).collect()
}

#[test]
fn the_greatest_is_chosen_and_ties_go_to_the_lower() {
    let vocab = 3001;
    let mut logits = random(40, 3 * vocab);
    (logits[17], logits[2900], logits[40]) = (5.0, 5.0, f32::NAN);
    (logits[vocab + 2000], logits[vocab + 3]) = (9.0, 8.0);
    logits[2 * vocab..].fill(f32::NAN);
    let mut mask = vec![1; vocab];
    mask[2000] = 0;
    for device in devices() {
        let (l, m) = (device.floats(&logits).unwrap(), device.zeros(vocab).unwrap());
        m.write(0, &mask).unwrap();
        let choices = poisoned(&device, 12);
        let choose = Choose { logits: &l, mask: None, choices: &choices, rows: 3, vocab };
        choose_greedy(choose).unwrap();
        assert_eq!(words(&choices), [17, 2000, 0]);
        choose_greedy(Choose { mask: Some(&m), ..choose }).unwrap();
        assert_eq!(words(&choices), [17, 3, 0]);
        let (drafted, accepted) = (device.zeros(8).unwrap(), poisoned(&device, 4));
        for (draft, want) in [([17u32, 3], 2), ([17, 4], 1), ([1, 3], 0)] {
            drafted.write(0, &draft.map(u32::to_le_bytes).concat()).unwrap();
            accept(&choices, &drafted, 3, &accepted).unwrap();
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
            let choose = Choose { logits: &l, mask: None, choices: &choices, rows: 1, vocab };
            choose_sampled(choose, &u, temperature, top_k, top_p).unwrap();
            let (mut left, mut want) = (f64::from(uniform) * kept, 0);
            while want + 1 < cut && left >= weights[want] {
                left -= weights[want];
                want += 1;
            }
            assert_eq!(words(&choices), [order[want] as u32], "{uniform}");
        }
        let choose = Choose { logits: &l, mask: None, choices: &choices, rows: 1, vocab };
        assert!(choose_sampled(choose, &l, 0.0, 4, 1.0).is_err());
    }
}
