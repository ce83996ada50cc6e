//! How many drafted tokens are worth a step: as many as make the most tokens a second, by the chance that they are right and by what a step of so many rows costs.
//! Both are learned from the steps themselves. It decides over speed alone, never over what is said.

use std::time::Duration;

use super::MOST;

/// How well a draft fits: drafts of one strength share their record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Strength(usize);

impl Strength {
    const COUNT: usize = 8;

    /// The caller's own, which is said as it stands in so many cases as it thinks.
    pub(crate) fn of_draft(chance: f32) -> Self {
        Self(match chance {
            0.9.. => 7,
            0.3.. => 6,
            _ => 5,
        })
    }

    /// The chance of a token before there is a record, towards which a record that is not used fades: a caller knows what it says.
    fn unknown(self) -> f64 {
        match self.0 {
            7 => 0.95,
            6 => 0.8,
            _ => 0.5,
        }
    }

    /// Found by a match of so many tokens.
    pub(crate) fn of_match(length: usize) -> Self {
        Self(match length {
            0..=2 => 0,
            3..=4 => 1,
            5..=8 => 2,
            9..=16 => 3,
            _ => 4,
        })
    }
}

/// Rows of a step whose cost is known.
const ROWS: usize = MOST + 1;

/// What a row adds to a step, as a share of a step of one, before it has been measured.
const ROW: f64 = 0.1;

/// See the module.
#[derive(Debug)]
pub(crate) struct Gate {
    /// The chance that a drafted token is right if those before it were.
    chances: [f64; Strength::COUNT],
    /// Seconds of a step of `i + 1` rows, once measured.
    costs: [Option<f64>; ROWS],
}

impl Default for Gate {
    fn default() -> Self {
        Self { chances: std::array::from_fn(|at| Strength(at).unknown()), costs: [None; ROWS] }
    }
}

impl Gate {
    /// How many of `drafted` tokens to compute with `rows` that must be computed anyway.
    pub(crate) fn worth(&mut self, strength: Strength, drafted: usize, rows: usize) -> usize {
        let chance = self.chances[strength.0];
        let most = drafted.min(ROWS.saturating_sub(rows));
        let mut best = (0, 1.0 / self.cost(rows));
        let (mut gain, mut all) = (1.0, 1.0);
        for count in 1..=most {
            all *= chance;
            gain += all;
            let rate = gain / self.cost(rows + count);
            if rate > best.1 {
                best = (count, rate);
            }
        }
        if best.0 == 0 && most > 0 {
            // So that what was bad once is tried again some day.
            self.chances[strength.0] += 0.001 * (strength.unknown() - chance);
        }
        best.0
    }

    /// Of so many drafted tokens so many were right.
    pub(crate) fn verified(&mut self, strength: Strength, drafted: usize, right: usize) {
        let outcomes = std::iter::repeat_n(1.0, right).chain((right < drafted).then_some(0.0));
        let chance = &mut self.chances[strength.0];
        outcomes.for_each(|outcome| *chance += 0.05 * (outcome - *chance));
    }

    /// A step of so many rows took this long.
    pub(crate) fn took(&mut self, rows: usize, time: Duration) {
        let Some(cost) = rows.checked_sub(1).and_then(|i| self.costs.get_mut(i)) else { return };
        let time = time.as_secs_f64();
        // A step that something else held up says little.
        *cost = Some(cost.map_or(time, |known| known + 0.1 * (time.min(4.0 * known) - known)));
    }

    /// Seconds of a step of so many rows: measured, or from the nearest measured ones.
    fn cost(&self, rows: usize) -> f64 {
        let known = |rows: usize| self.costs.get(rows - 1).copied().flatten().map(|cost| (rows as f64, cost));
        let less = (1..=rows.min(ROWS)).rev().find_map(known);
        let more = (rows..=ROWS).find_map(known);
        let rows = rows as f64;
        match (less, more) {
            (Some((a, low)), Some((b, high))) if b > a => low + (high - low) * (rows - a) / (b - a),
            (Some((_, cost)), Some(_)) => cost,
            // As if a row cost so much of a step of one.
            (Some((a, cost)), None) | (None, Some((a, cost))) => cost * (1.0 + ROW * rows) / (1.0 + ROW * a),
            (None, None) => 1.0 + ROW * rows,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: Strength = Strength(2);

    /// A gate that knows what steps cost, in milliseconds.
    fn gate(cost: impl Fn(usize) -> u64) -> Gate {
        let mut gate = Gate::default();
        (1..=ROWS).for_each(|rows| gate.took(rows, Duration::from_millis(cost(rows))));
        gate
    }

    #[test]
    fn drafts_that_are_right_are_made_longer_and_wrong_ones_are_left_out() {
        let mut gate = gate(|rows| 10 + rows as u64);
        (0..100).for_each(|_| gate.verified(ANY, 8, 8));
        assert_eq!(gate.worth(ANY, MOST, 1), MOST);
        assert_eq!(gate.worth(ANY, 3, 1), 3, "no more than there are");
        assert_eq!(gate.worth(ANY, MOST, 12), ROWS - 12, "nor than rows");
        (0..100).for_each(|_| gate.verified(ANY, 8, 0));
        assert_eq!(gate.worth(ANY, MOST, 1), 0);
        // Another strength has its own record, so a guess that was wrong says nothing of what a caller knows.
        assert!(gate.worth(Strength(3), MOST, 1) > 0);
        (0..100).for_each(|_| gate.verified(Strength::of_draft(0.5), 8, 0));
        assert_eq!(gate.worth(Strength::of_draft(0.5), MOST, 1), 0);
        assert!(gate.worth(Strength::of_draft(0.1), MOST, 1) > 0);
        assert!(gate.worth(Strength::of_draft(1.0), MOST, 1) > gate.worth(Strength::of_draft(0.1), MOST, 1));
    }

    #[test]
    fn what_costs_as_much_as_it_gains_is_left_out() {
        // Rows as dear as steps: nothing is gained. Free rows: everything is.
        assert_eq!(gate(|rows| 10 * rows as u64).worth(ANY, MOST, 1), 0);
        assert_eq!(gate(|_| 10).worth(ANY, MOST, 1), MOST);
        // A cliff past four rows.
        assert_eq!(gate(|rows| if rows <= 4 { 10 } else { 40 }).worth(ANY, MOST, 1), 3);
    }

    #[test]
    fn a_bad_record_fades() {
        let mut gate = gate(|rows| 10 + rows as u64);
        (0..100).for_each(|_| gate.verified(ANY, 1, 0));
        let tries = (0..1000).filter(|_| {
            let worth = gate.worth(ANY, MOST, 1);
            gate.verified(ANY, worth, 0);
            worth > 0
        });
        assert!((5..100).contains(&tries.count()));
    }

    #[test]
    fn costs_between_measured_ones_are_interpolated() {
        let mut gate = Gate::default();
        gate.took(2, Duration::from_secs(2));
        gate.took(4, Duration::from_secs(6));
        assert_eq!((gate.cost(2), gate.cost(3), gate.cost(4)), (2.0, 4.0, 6.0));
        assert!(gate.cost(8) > 6.0 && gate.cost(1) < 2.0);
        gate.took(100, Duration::from_secs(1));
    }
}
