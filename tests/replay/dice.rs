//! Chance that is a function of the place: the same seed, place and question give the same answer whatever was asked before.
//!
//! A completion that is accepted skips places; with a stream of random numbers everything after it would be typed differently.

/// A seed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(mix(seed))
    }

    /// Other dice, for `place`.
    pub(crate) fn at(self, place: usize) -> Self {
        Self(mix(self.0 ^ (place as u64).wrapping_mul(0xD6E8_FEB8_6659_FD93)))
    }

    /// Other dice, for a question.
    pub(crate) fn on(self, question: &str) -> Self {
        question.bytes().fold(self, |dice, byte| dice.at(usize::from(byte)))
    }

    /// In [0, 1).
    pub(crate) fn share(self) -> f64 {
        (mix(self.0) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True so often.
    pub(crate) fn chance(self, probability: f64) -> bool {
        self.share() < probability
    }

    /// In `0..bound`; 0 where there is nothing to choose from.
    pub(crate) fn below(self, bound: usize) -> usize {
        (self.share() * bound as f64) as usize
    }

    /// `items` in another order.
    pub(crate) fn shuffled<T>(self, items: Vec<T>) -> Vec<T> {
        let mut keyed: Vec<(u64, T)> =
            items.into_iter().enumerate().map(|(index, item)| (mix(self.at(index).0), item)).collect();
        keyed.sort_by_key(|(key, _)| *key);
        keyed.into_iter().map(|(_, item)| item).collect()
    }
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
fn mix(state: u64) -> u64 {
    let mut mixed = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
