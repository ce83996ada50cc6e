//! How often daemons may fall before no other is started for a while.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use super::PAUSE;

/// After so many daemons that ended unasked within so long, something is wrong that another one does not mend: each of them may have brought the machine to the limit of its memory.
const FALLS: usize = 3;
pub(super) const LAPSE: Duration = Duration::from_secs(600);
/// From then on requests are refused for [`PAUSE`], four times as long after each further fall, and at most so long.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// When daemons ended unasked, the last [`LAPSE`] long.
#[derive(Default)]
pub(super) struct Falls(VecDeque<Instant>);

impl Falls {
    /// Takes in one more. Gives their number and how long there is to be no other daemon, where they are too many.
    pub(super) fn after(&mut self, now: Instant) -> Option<(usize, Duration)> {
        self.0.retain(|fall| now - *fall < LAPSE);
        self.0.push_back(now);
        let further = u32::try_from(self.0.len().checked_sub(FALLS)?).unwrap_or(u32::MAX);
        Some((self.0.len(), PAUSE.saturating_mul(4_u32.saturating_pow(further)).min(LONGEST_PAUSE)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn daemons_that_end_again_and_again_are_started_less_and_less() {
        let (begun, mut falls) = (Instant::now(), Falls::default());
        let mut ends =
            |seconds: u64| falls.after(begun + Duration::from_secs(seconds)).map(|(n, pause)| (n, pause.as_secs()));
        // Each lives for more than six seconds, as one does that loads a model until the memory is spent.
        assert_eq!(
            [ends(6), ends(13), ends(20), ends(30), ends(50)],
            [None, None, Some((3, 2)), Some((4, 8)), Some((5, 32))]
        );
        assert_eq!([ends(100), ends(300)], [Some((6, 128)), Some((7, 300))]);
        // Rare ones are accidents.
        assert_eq!([ends(1000), ends(1500), ends(2200)], [None; 3]);
    }
}
