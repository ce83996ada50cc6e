//! Whose turn the next step is.
//!
//! The most urgent class goes first. A request that was passed over for [`PATIENCE`] steps counts as one class more urgent, and so on up to typing; with the
//! step that it then gets its wait begins anew. So typing gives the lowest class one step in a few hundred and has the rest.
//!
//! Within a class a request keeps its turn to its end, but for [`TURN`] steps at most while others wait; then it is the turn of the session that was served
//! least recently, and of its oldest request. Where the backend decodes several sequences in one step, others of the class ride along; that costs them no turn.

use std::collections::HashMap;

use crate::Priority;

/// Steps that raise a waiting request by one class.
pub(super) const PATIENCE: u32 = 64;

/// Steps of a turn.
pub(super) const TURN: u32 = 64;

/// Steps of a turn where several sequences decode in one: who waits is soon past its prompt, and from then on rides along.
const SHARED_TURN: u32 = 2;

/// Sessions remembered though they have no request.
const REMEMBERED: usize = 1024;

/// A request's claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    id: u64,
    priority: Priority,
    session: u64,
    /// Steps that others got since it came or got one.
    passed: u32,
}

impl Standing {
    /// `id` is the request's own.
    pub(super) fn new(id: u64, priority: Priority, session: u64) -> Self {
        Self { id, priority, session, passed: 0 }
    }

    /// It got a step beside somebody else's turn.
    pub(super) fn served(&mut self) {
        self.passed = 0;
    }

    fn class(&self) -> u32 {
        (self.priority as u32 + self.passed / PATIENCE).min(Priority::Typing as u32)
    }
}

/// Who had the last turns.
#[derive(Debug)]
pub(super) struct Turns {
    /// Steps of one.
    length: u32,
    /// Counts turns.
    now: u64,
    /// Each session's last turn.
    last: HashMap<u64, u64>,
    /// The request whose turn it is, and the steps it has had.
    current: Option<(u64, u32)>,
}

impl Turns {
    /// `shared`: several sequences decode in one step.
    pub(super) fn new(shared: bool) -> Self {
        Self { length: if shared { SHARED_TURN } else { TURN }, now: 0, last: HashMap::new(), current: None }
    }

    /// Gives the next step to one of the requests, which are in order of arrival, and notes that the others were passed over.
    pub(super) fn next<'a>(&mut self, waiting: impl Iterator<Item = &'a mut Standing>) -> Option<usize> {
        let mut waiting: Vec<_> = waiting.collect();
        let class = waiting.iter().map(|standing| standing.class()).max()?;
        let going_on = |id: u64| self.current.is_some_and(|(current, steps)| current == id && steps < self.length);
        let (chosen, _) = (waiting.iter().enumerate())
            .filter(|(_, standing)| standing.class() == class)
            // `min_by_key` gives the first of equals: the oldest.
            .min_by_key(|(_, s)| (!going_on(s.id), self.last.get(&s.session).copied().unwrap_or(0)))?;
        let Standing { id, session, .. } = *waiting[chosen];
        match &mut self.current {
            Some((current, steps)) if *current == id && *steps < self.length => *steps += 1,
            _ => {
                self.now += 1;
                self.last.insert(session, self.now);
                self.current = Some((id, 1));
            }
        }
        for (i, standing) in waiting.iter_mut().enumerate() {
            standing.passed = if i == chosen { 0 } else { standing.passed.saturating_add(1) };
        }
        if self.last.len() > REMEMBERED {
            self.last.retain(|session, _| waiting.iter().any(|standing| standing.session == *session));
        }
        Some(chosen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requests of these priorities and sessions.
    fn waiting(all: impl IntoIterator<Item = (Priority, u64)>) -> Vec<Standing> {
        (0..).zip(all).map(|(id, (priority, session))| Standing::new(id, priority, session)).collect()
    }

    /// The requests that get the first `steps` steps, none ever ending.
    fn served(turns: &mut Turns, waiting: &mut [Standing], steps: u32) -> Vec<usize> {
        (0..steps).filter_map(|_| turns.next(waiting.iter_mut())).collect()
    }

    #[test]
    fn the_most_urgent_goes_first_and_the_oldest_of_equals() {
        let mut turns = Turns::new(false);
        let classes = [Priority::Warming, Priority::Action, Priority::Typing, Priority::Typing];
        let mut waiting = waiting(classes.map(|priority| (priority, 0)));
        assert_eq!(served(&mut turns, &mut waiting, 3), [2, 2, 2]);
        assert_eq!(served(&mut turns, &mut waiting[..2], 3), [1, 1, 1]);
    }

    #[test]
    fn nothing_starves_and_typing_has_nearly_all() {
        for priority in [Priority::Indexing, Priority::Warming, Priority::Refactor, Priority::NextEdit] {
            let mut waiting = waiting([(Priority::Typing, 1), (priority, 2)]);
            let served = served(&mut Turns::new(false), &mut waiting, 10_000);
            let low = served.iter().filter(|&&i| i == 1).count() as u32;
            let classes = Priority::Typing as u32 - priority as u32;
            // One step, then a wait of so many classes, and at most until typing's turn is over.
            let (most, least) = (10_000 / (classes * PATIENCE), 10_000 / (classes * PATIENCE + TURN + 1));
            assert!((least..=most).contains(&low), "{priority:?}: {low} of 10000, not {least} to {most}");
            assert!(served.windows(2).all(|pair| pair != [1, 1]), "{priority:?}");
        }
    }

    #[test]
    fn every_one_of_many_is_served() {
        let classes = [Priority::Indexing, Priority::Warming, Priority::Refactor, Priority::Typing];
        let mut waiting = waiting((0..40).map(|i| (classes[i % 4], i as u64)));
        let served = served(&mut Turns::new(false), &mut waiting, 20_000);
        for i in 0..waiting.len() {
            assert!(served.contains(&i), "{i} is never served");
        }
    }

    #[test]
    fn a_session_that_asks_much_gets_no_more_than_another() {
        let sessions = [1; 9].into_iter().chain([2, 3]);
        let mut waiting = waiting(sessions.map(|session| (Priority::Typing, session)));
        let mut steps = [0; 4];
        for i in served(&mut Turns::new(false), &mut waiting, 9 * TURN) {
            steps[waiting[i].session as usize] += 1;
        }
        assert_eq!(steps, [0, 3 * TURN, 3 * TURN, 3 * TURN]);
    }

    #[test]
    fn when_a_request_ends_the_session_served_least_recently_is_next() {
        let mut turns = Turns::new(false);
        let mut waiting = waiting([1, 1, 1, 2, 3, 3].map(|session| (Priority::Typing, session)));
        let mut order = vec![];
        // Each takes two steps.
        while let Some(i) = turns.next(waiting.iter_mut()) {
            assert_eq!(turns.next(waiting.iter_mut()), Some(i), "a turn is kept");
            order.push((waiting[i].session, waiting[i].id));
            waiting.remove(i);
        }
        assert_eq!(order, [(1, 0), (2, 3), (3, 4), (1, 1), (3, 5), (1, 2)]);
    }

    #[test]
    fn sessions_without_requests_are_forgotten_in_the_end() {
        let mut turns = Turns::new(false);
        for session in 0..5000 {
            turns.next([Standing::new(session, Priority::Typing, session)].iter_mut());
        }
        assert!(turns.last.len() <= REMEMBERED + 1);
    }
}
