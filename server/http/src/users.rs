//! Who asks: everybody with a token of their own has their own turn at the engine, their own quota and their own figures.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use pilotlight_assist::{Assistant, Report};
use serde::Serialize;

use crate::Failure;

/// What a user may ask for; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Quota {
    pub(crate) requests_per_minute: Option<u32>,
    /// Decoded tokens.
    pub(crate) tokens_per_minute: Option<u32>,
}

/// A user.
pub(crate) struct User {
    pub(crate) name: String,
    /// The engine as this user's: it shares its time between users.
    pub(crate) assistant: Assistant,
    requests: Option<Mutex<Bucket>>,
    tokens: Option<Mutex<Bucket>>,
    answered: AtomicU64,
    refused: AtomicU64,
    reused: AtomicU64,
    prefilled: AtomicU64,
    decoded: AtomicU64,
}

/// What a user has had.
#[derive(Debug, Serialize)]
pub(crate) struct Figures {
    pub(crate) name: String,
    pub(crate) answered: u64,
    /// For the quota.
    pub(crate) refused: u64,
    pub(crate) reused: u64,
    pub(crate) prefilled: u64,
    pub(crate) decoded: u64,
}

impl User {
    pub(crate) fn new(name: &str, quota: Quota, assistant: Assistant) -> Self {
        let bucket = |most: Option<u32>| most.map(|most| Mutex::new(Bucket::full(most, Instant::now())));
        let zero = || AtomicU64::new(0);
        Self {
            name: name.to_owned(),
            assistant,
            requests: bucket(quota.requests_per_minute),
            tokens: bucket(quota.tokens_per_minute),
            answered: zero(),
            refused: zero(),
            reused: zero(),
            prefilled: zero(),
            decoded: zero(),
        }
    }

    /// Lets one more request in.
    ///
    /// # Errors
    ///
    /// The quota is used up.
    pub(crate) fn admit(&self) -> Result<(), Failure> {
        let now = Instant::now();
        // Tokens are counted when they have been written: whoever is not in debt may ask.
        let quotas = [(&self.tokens, 0.0, "decoded tokens"), (&self.requests, 1.0, "requests")];
        for (bucket, count, what) in quotas {
            let Some(bucket) = bucket else { continue };
            let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(wait) = bucket.take(count, now) {
                self.refused.fetch_add(1, Ordering::Relaxed);
                let message = format!("{} may have {} {what} a minute, and has had them", self.name, bucket.most);
                return Err(Failure::too_many(message, wait));
            }
        }
        Ok(())
    }

    /// Counts what has been written.
    pub(crate) fn count(&self, report: &Report) {
        for (sum, count) in [
            (&self.answered, 1),
            (&self.reused, report.reused),
            (&self.prefilled, report.prefilled),
            (&self.decoded, report.decoded),
        ] {
            sum.fetch_add(count as u64, Ordering::Relaxed);
        }
        if let Some(tokens) = &self.tokens {
            tokens.lock().unwrap_or_else(PoisonError::into_inner).spend(report.decoded as f64, Instant::now());
        }
    }

    pub(crate) fn figures(&self) -> Figures {
        let of = |sum: &AtomicU64| sum.load(Ordering::Relaxed);
        Figures {
            name: self.name.clone(),
            answered: of(&self.answered),
            refused: of(&self.refused),
            reused: of(&self.reused),
            prefilled: of(&self.prefilled),
            decoded: of(&self.decoded),
        }
    }
}

/// A bucket that holds a minute's worth and fills evenly.
#[derive(Debug)]
struct Bucket {
    most: u32,
    level: f64,
    at: Instant,
}

impl Bucket {
    fn full(most: u32, now: Instant) -> Self {
        Self { most, level: f64::from(most), at: now }
    }

    /// Takes `count` if so much is there and the bucket is not in debt.
    ///
    /// # Errors
    ///
    /// How long it takes until it is.
    fn take(&mut self, count: f64, now: Instant) -> Result<(), Duration> {
        self.spend(0.0, now);
        // In debt is whoever has less than one left.
        let needed = count.max(1.0);
        if self.level >= needed {
            self.level -= count;
            return Ok(());
        }
        Err(Duration::from_secs_f64((needed - self.level) * 60.0 / f64::from(self.most.max(1))))
    }

    fn spend(&mut self, count: f64, now: Instant) {
        let minutes = now.saturating_duration_since(self.at).as_secs_f64() / 60.0;
        let most = f64::from(self.most);
        self.level = (self.level + minutes * most).min(most) - count;
        self.at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_a_minutes_worth_at_once_and_then_as_it_fills() {
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let mut bucket = Bucket::full(30, start);
        assert!((0..30).all(|_| bucket.take(1.0, start).is_ok()));
        assert_eq!(bucket.take(1.0, start), Err(Duration::from_secs(2)));
        assert_eq!(bucket.take(1.0, at(1)), Err(Duration::from_secs(1)));
        assert_eq!(bucket.take(1.0, at(2)), Ok(()));
        assert!((0..30).all(|_| bucket.take(1.0, at(1000)).is_ok()), "it holds no more than a minute's worth");
        assert!(bucket.take(1.0, at(1000)).is_err());
    }

    #[test]
    fn what_was_written_beyond_the_quota_is_a_debt() {
        let start = Instant::now();
        let mut bucket = Bucket::full(60, start);
        assert_eq!(bucket.take(0.0, start), Ok(()));
        bucket.spend(100.0, start);
        assert_eq!(bucket.take(0.0, start), Err(Duration::from_secs(41)));
        assert_eq!(bucket.take(0.0, start + Duration::from_secs(41)), Ok(()));
        // None at all is never.
        assert!(Bucket::full(0, start).take(1.0, start + Duration::from_secs(900)).is_err());
    }
}
