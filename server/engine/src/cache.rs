//! Which tokens each KV slot holds, and which slot a sequence should use.
//!
//! Reuse is exact: a slot serves a sequence as far as their tokens are the same. A few slots let several documents stay warm.

/// A place in the backend's KV cache.
pub(crate) type Slot = usize;

/// Names whoever is using a slot.
pub(crate) type Owner = u64;

/// The tokens of every slot. The backend holds exactly the KV of these.
#[derive(Debug)]
pub(crate) struct Cache {
    slots: Vec<Entry>,
    clock: u64,
}

#[derive(Debug, Default)]
struct Entry {
    tokens: Vec<u32>,
    /// A request in progress; its slot is not given away while another is free.
    owner: Option<Owner>,
    used: u64,
}

/// What to do to serve a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placement {
    /// The slot to use.
    pub(crate) slot: Slot,
    /// The slot whose first `reused` positions are to be copied there first.
    pub(crate) copy_from: Option<Slot>,
    /// Tokens of the sequence that need not be computed.
    pub(crate) reused: usize,
    /// The request that loses its slot and must start over.
    pub(crate) evicted: Option<Owner>,
}

impl Cache {
    pub(crate) fn new(slots: usize) -> Self {
        Self { slots: (0..slots).map(|_| Entry::default()).collect(), clock: 0 }
    }

    /// Finds a place for `sequence`, and marks it as `owner`'s; `evictable` says which owners may lose theirs, and which of them
    /// first (the smallest). The last token is never reused: its logits are needed.
    ///
    /// The slot with the longest common prefix is continued in place if that prefix is at least half of either: then it is the same
    /// text, edited. Otherwise the prefix is copied into the slot that has been unused for longest, so that a shared header does not
    /// make two documents overwrite each other.
    pub(crate) fn place<Rank: Ord>(
        &mut self,
        sequence: &[u32],
        owner: Owner,
        evictable: impl Fn(Owner) -> Option<Rank>,
    ) -> Option<Placement> {
        let common = |entry: &Entry| {
            let same = entry.tokens.iter().zip(sequence).take_while(|(a, b)| a == b).count();
            same.min(sequence.len().saturating_sub(1))
        };
        let (source, reused) = (0..self.slots.len())
            .map(|slot| (slot, common(&self.slots[slot])))
            .max_by_key(|&(slot, reused)| (reused, self.slots[slot].owner.is_none(), self.slots[slot].used))?;

        let entry = &self.slots[source];
        let edited = 2 * reused >= entry.tokens.len().min(sequence.len());
        let (slot, evicted) = if entry.owner.is_none() && edited { (source, None) } else { self.victim(evictable)? };
        let copy_from = (slot != source && reused > 0).then_some(source);
        self.clock += 1;
        let kept = self.slots[source].tokens[..reused].to_vec();
        self.slots[slot] = Entry { tokens: kept, owner: Some(owner), used: self.clock };
        Some(Placement { slot, copy_from, reused, evicted })
    }

    /// The slot to overwrite: the free one unused for longest, else the evictable owner's of the smallest rank.
    fn victim<Rank: Ord>(&self, evictable: impl Fn(Owner) -> Option<Rank>) -> Option<(Slot, Option<Owner>)> {
        let free = (0..self.slots.len()).filter(|&slot| self.slots[slot].owner.is_none());
        if let Some(slot) = free.min_by_key(|&slot| (!self.slots[slot].tokens.is_empty(), self.slots[slot].used)) {
            return Some((slot, None));
        }
        let owned = (0..self.slots.len()).filter_map(|slot| Some((slot, self.slots[slot].owner?)));
        let ranked = owned.filter_map(|(slot, owner)| Some((evictable(owner)?, slot, owner)));
        let (_, slot, owner) = ranked.min_by(|a, b| a.0.cmp(&b.0))?;
        Some((slot, Some(owner)))
    }

    /// How many tokens a slot holds.
    pub(crate) fn len(&self, slot: Slot) -> usize {
        self.slots[slot].tokens.len()
    }

    /// Slots of requests in progress.
    pub(crate) fn in_use(&self) -> usize {
        self.slots.iter().filter(|entry| entry.owner.is_some()).count()
    }

    /// Notes that the backend has stored these tokens after the slot's last.
    pub(crate) fn extend(&mut self, slot: Slot, tokens: &[u32]) {
        self.clock += 1;
        let entry = &mut self.slots[slot];
        entry.tokens.extend_from_slice(tokens);
        entry.used = self.clock;
    }

    /// The request is over; what it computed stays for the next.
    pub(crate) fn release(&mut self, slot: Slot) {
        self.slots[slot].owner = None;
    }

    /// The backend failed: the slot holds nothing.
    pub(crate) fn forget(&mut self, slot: Slot) {
        self.slots[slot] = Entry::default();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn place(cache: &mut Cache, owner: Owner, sequence: &[u32]) -> Placement {
        let placement = cache.place(sequence, owner, Some).unwrap();
        cache.extend(placement.slot, &sequence[placement.reused..]);
        placement
    }

    /// As `place`, and the request is over at once.
    fn run(cache: &mut Cache, sequence: &[u32]) -> Placement {
        let placement = place(cache, 0, sequence);
        cache.release(placement.slot);
        placement
    }

    #[test]
    fn an_extension_continues_in_place_and_computes_only_what_is_new() {
        let mut cache = Cache::new(2);
        let first = run(&mut cache, &[1, 2, 3, 4]);
        assert_eq!(first.reused, 0);
        let next = run(&mut cache, &[1, 2, 3, 4, 5]);
        assert_eq!((next.slot, next.reused, next.copy_from), (first.slot, 4, None));
        // The same again: the last token is computed for its logits.
        assert_eq!(run(&mut cache, &[1, 2, 3, 4, 5]).reused, 4);
        // Truncation: a shorter one of the same.
        assert_eq!(run(&mut cache, &[1, 2, 3]).reused, 2);
    }

    #[test]
    fn two_documents_with_a_common_header_keep_both() {
        let mut cache = Cache::new(2);
        let a: Vec<u32> = [9, 9].into_iter().chain(100..120).collect();
        let b: Vec<u32> = [9, 9].into_iter().chain(200..220).collect();
        let first = run(&mut cache, &a);
        let placed = run(&mut cache, &b);
        assert_eq!((placed.reused, placed.copy_from), (2, Some(first.slot)));
        assert_eq!(run(&mut cache, &a).reused, a.len() - 1);
        assert_eq!(run(&mut cache, &b).reused, b.len() - 1);
    }

    #[test]
    fn the_slot_unused_for_longest_is_overwritten() {
        let mut cache = Cache::new(3);
        for document in [1, 2, 3, 1, 4] {
            run(&mut cache, &[document; 10]);
        }
        assert_eq!(run(&mut cache, &[1; 10]).reused, 9);
        assert_eq!(run(&mut cache, &[3; 10]).reused, 9);
        assert_eq!(run(&mut cache, &[2; 10]).reused, 0);
    }

    #[test]
    fn a_request_in_progress_keeps_its_slot_while_another_is_free() {
        let mut cache = Cache::new(2);
        let busy = place(&mut cache, 7, &[1, 2, 3, 4]);
        let other = place(&mut cache, 8, &[1, 2, 3, 4, 5]);
        assert_ne!(busy.slot, other.slot);
        assert_eq!((other.reused, other.copy_from, other.evicted), (4, Some(busy.slot), None));
        // Both are taken now: the one of the smallest rank is evicted, and only if it may be.
        assert_eq!(cache.place(&[6], 9, |_| None::<u64>), None);
        assert_eq!(cache.place(&[6], 9, Some).unwrap().evicted, Some(7));
    }
}
