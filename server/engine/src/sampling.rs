//! From logits to the next token.

use pilotlight_kernels::cpu::{Draw, Isa, argmax, draw, log_softmax_at};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use crate::Sampling;

/// Chooses tokens for one request; carries its random state.
pub(crate) struct Sampler {
    isa: Isa,
    way: Way,
    /// Scratch: ids and weights of the candidates.
    candidates: Vec<(u32, u32)>,
}

enum Way {
    Greedy,
    TopP { temperature: f32, top_p: f32, random: Box<StdRng> },
}

impl Sampler {
    /// Refuses parameters out of range, in words.
    pub(crate) fn new(sampling: &Sampling) -> Result<Self, String> {
        let way = match *sampling {
            Sampling::Greedy => Way::Greedy,
            Sampling::TopP { temperature, top_p, seed } => {
                if !(temperature.is_finite() && temperature > 0.0) {
                    return Err(format!("temperature: expected a number above 0, found {temperature}"));
                }
                if !(top_p > 0.0 && top_p <= 1.0) {
                    return Err(format!("top_p: expected a number above 0 and up to 1, found {top_p}"));
                }
                match (1.0 / temperature).is_finite() {
                    true => Way::TopP { temperature, top_p, random: Box::new(StdRng::seed_from_u64(seed)) },
                    false => Way::Greedy,
                }
            }
        };
        Ok(Self { isa: Isa::best(), way, candidates: Vec::new() })
    }

    /// The next token and its log probability under the unmodified softmax; `None` where no logit is a number.
    pub(crate) fn choose(&mut self, logits: &[f32]) -> Option<(u32, f32)> {
        let (best, top) = most_likely(self.isa, logits)?;
        let id = match &mut self.way {
            Way::Greedy => best,
            Way::TopP { temperature, top_p, random } => {
                let how = Draw { temperature: *temperature, top_k: 0, top_p: *top_p, number: random.random() };
                draw(self.isa, logits, top, &how, &mut self.candidates)
            }
        };
        Some((id, log_softmax_at(self.isa, logits, id as usize)))
    }

    /// How the next `rows` tokens would be drawn, for whoever draws them in its place; nothing where the most likely ones are taken. [`Sampler::drawn`] is to be told of each that counts.
    pub(crate) fn draws(&self, rows: usize, to: &mut Vec<Draw>) {
        let Way::TopP { temperature, top_p, random } = &self.way else { return };
        let mut random = random.clone();
        let how = |number| Draw { temperature: *temperature, top_k: 0, top_p: *top_p, number };
        to.extend((0..rows).map(|_| how(random.random())));
    }

    /// One was.
    pub(crate) fn drawn(&mut self) {
        if let Way::TopP { random, .. } = &mut self.way {
            let _: u64 = random.random();
        }
    }

    /// As [`Sampler::choose`], among the tokens that `fits` allows; `None` where none of these has a number. The probability is that among these.
    pub(crate) fn choose_among(&mut self, logits: &[f32], fits: impl Fn(u32) -> bool) -> Option<(u32, f32)> {
        let masked = (0u32..).zip(logits).map(|(id, &x)| if fits(id) { x } else { f32::NEG_INFINITY });
        let masked: Vec<f32> = masked.collect();
        self.choose(&masked)
    }
}

/// Where a token stands among all: how many are likelier, its log probability, and the likeliest. `None` where the logits are no numbers.
pub(crate) fn standing(logits: &[f32], id: u32) -> Option<(usize, f32, u32)> {
    let isa = Isa::best();
    let own = *logits.get(id as usize).filter(|x| x.is_finite())?;
    let (best, _) = most_likely(isa, logits)?;
    if logits.iter().any(|x| x.is_nan()) {
        return None;
    }
    let before = |(other, &x): (u32, &f32)| x > own || (x == own && other < id);
    let rank = (0u32..).zip(logits).filter(|&pair| before(pair)).count();
    Some((rank, log_softmax_at(isa, logits, id as usize), best))
}

/// The largest logit and its first place; NaNs are passed over. `None` where it is no number.
fn most_likely(isa: Isa, logits: &[f32]) -> Option<(u32, f32)> {
    let best = argmax(isa, logits);
    let top = *logits.get(best)?;
    top.is_finite().then_some((best as u32, top))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_token_stands_behind_all_that_are_likelier() {
        let (rank, logprob, best) = standing(&[1.0, 3.0, 3.0, 0.0], 2).unwrap();
        // Of equals the first is the choice.
        assert_eq!((rank, best), (1, 1));
        let sum: f32 = [1.0f32, 3.0, 3.0, 0.0].iter().map(|x| x.exp()).sum();
        assert!((logprob - (3.0 - sum.ln())).abs() < 1e-6);
        assert_eq!(standing(&[1.0, f32::NAN], 0), None);
        assert_eq!(standing(&[1.0, f32::NEG_INFINITY], 1), None);
        assert_eq!(standing(&[1.0], 1), None);
    }

    fn top_p(temperature: f32, top_p: f32, seed: u64) -> Sampler {
        Sampler::new(&Sampling::TopP { temperature, top_p, seed }).unwrap()
    }

    #[test]
    fn greedy_takes_the_lowest_id_of_a_tie_and_passes_over_nan() {
        let mut greedy = Sampler::new(&Sampling::Greedy).unwrap();
        assert_eq!(greedy.choose(&[f32::NAN, 1.0, 3.0, 3.0]).unwrap().0, 2);
        assert_eq!(greedy.choose(&[f32::NAN, f32::NAN]), None);
        let (_, logprob) = greedy.choose(&[0.0, 0.0, 0.0, 0.0]).unwrap();
        assert!((logprob - 0.25f32.ln()).abs() < 1e-6);
    }

    #[test]
    fn whoever_draws_draws_the_same() {
        let logits: Vec<f32> = (0..300).map(|i| (i as f32 * 0.7).sin() * 3.0).collect();
        let (mut own, mut told, mut draws) = (top_p(0.8, 0.9, 5), top_p(0.8, 0.9, 5), Vec::new());
        for taken in [3, 1, 2] {
            draws.clear();
            told.draws(3, &mut draws);
            for how in &draws[..taken] {
                let id = draw(Isa::best(), &logits, most_likely(Isa::best(), &logits).unwrap().1, how, &mut Vec::new());
                assert_eq!(own.choose(&logits).unwrap().0, id);
                told.drawn();
            }
        }
        let mut none = Vec::new();
        Sampler::new(&Sampling::Greedy).unwrap().draws(2, &mut none);
        assert!(none.is_empty());
    }

    #[test]
    fn draws_follow_the_softmax_inside_the_nucleus() {
        // Probabilities 1/2, 1/4, 1/8, 1/8; a nucleus of 0.7 holds the first two, renormalised to 2/3 and 1/3.
        let logits = [0.5f32, 0.25, 0.125, 0.125].map(f32::ln);
        let mut sampler = top_p(1.0, 0.7, 7);
        let mut counts = [0; 4];
        for _ in 0..30_000 {
            counts[sampler.choose(&logits).unwrap().0 as usize] += 1;
        }
        assert_eq!(counts[2..], [0, 0]);
        assert!((19_600..20_400).contains(&counts[0]), "{counts:?}");
        // Temperature 1/2 squares the probabilities: 4/5 and 1/5 of the first two.
        let mut sampler = top_p(0.5, 0.9, 7);
        let first = (0..30_000).filter(|_| sampler.choose(&logits[..2]).unwrap().0 == 0).count();
        assert!((23_600..24_400).contains(&first), "{first}");
    }

    #[test]
    fn next_to_no_temperature_is_the_likeliest() {
        for temperature in [f32::from_bits(1), f32::MIN_POSITIVE, 1e-20] {
            assert_eq!(top_p(temperature, 0.9, 7).choose(&[0.0, 1.0, 3.0, 2.0]).unwrap().0, 2, "{temperature:e}");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_tokens_and_another_does_not() {
        let logits: Vec<f32> = (0..100).map(|i| (i as f32 * 0.7).sin()).collect();
        let draw = |seed| {
            let mut sampler = top_p(1.0, 1.0, seed);
            (0..50).map(|_| sampler.choose(&logits).unwrap().0).collect::<Vec<_>>()
        };
        assert_eq!(draw(3), draw(3));
        assert_ne!(draw(3), draw(4));
    }

    #[test]
    fn parameters_out_of_range_are_refused() {
        for (temperature, top_p) in [(0.0, 1.0), (-1.0, 1.0), (f32::NAN, 1.0), (1.0, 0.0), (1.0, 1.1), (1.0, f32::NAN)]
        {
            assert!(Sampler::new(&Sampling::TopP { temperature, top_p, seed: 0 }).is_err());
        }
    }
}
