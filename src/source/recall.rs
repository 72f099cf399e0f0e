//! What elements of an object leave behind for those after them.
//!
//! Bounded: of the owners that something is remembered for, the oldest are forgotten first.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};

/// The most owners at a time.
const MOST_OWNERS: usize = 1 << 16;

/// The memory, and whose the part of it is.
type Owner<'o> = (usize, Cow<'o, str>);

#[derive(Default)]
pub(super) struct Recall {
    owners: HashMap<(usize, String), Owned>,
    /// In the order in which they came.
    order: VecDeque<(usize, String)>,
}

#[derive(Default)]
pub(super) struct Owned {
    /// By the number of the name.
    values: Vec<Option<String>>,
    /// The highest number that asked for it so far.
    best: Option<f64>,
}

impl Recall {
    pub(super) fn get(&self, owner: &Owner<'_>, name: usize) -> Option<&str> {
        let owner = (owner.0, owner.1.as_ref().to_owned());
        self.owners.get(&owner)?.values.get(name)?.as_deref()
    }

    /// What is remembered for `owner`, to be changed.
    pub(super) fn of(&mut self, owner: &Owner<'_>) -> &mut Owned {
        let owner = (owner.0, owner.1.as_ref().to_owned());
        if !self.owners.contains_key(&owner) {
            if self.order.len() >= MOST_OWNERS
                && let Some(oldest) = self.order.pop_front()
            {
                self.owners.remove(&oldest);
            }
            self.order.push_back(owner.clone());
        }
        self.owners.entry(owner).or_default()
    }
}

impl Owned {
    /// Is this number higher than those before it? It then counts as the highest.
    pub(super) fn beats(&mut self, number: f64) -> bool {
        let beats = self.best.is_none_or(|best| number > best);
        if beats {
            self.best = Some(number);
        }
        beats
    }

    /// None forgets.
    pub(super) fn set(&mut self, name: usize, value: Option<&str>) {
        if self.values.len() <= name {
            self.values.resize(name + 1, None);
        }
        self.values[name] = value.map(str::to_owned);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten_first() {
        let of = |owner: usize| (0, Cow::Owned(owner.to_string()));
        let mut recall = Recall::default();
        for owner in 0..=MOST_OWNERS {
            recall.of(&of(owner)).set(1, Some("x"));
        }
        assert_eq!(recall.get(&of(0), 1), None);
        assert_eq!(recall.get(&of(1), 1), Some("x"));
        assert_eq!(recall.get(&of(1), 0), None);
        assert_eq!(recall.owners.len(), recall.order.len());
        recall.of(&of(1)).set(1, None);
        assert_eq!(recall.get(&of(1), 1), None);
    }

    #[test]
    fn only_a_higher_number_replaces() {
        let mut owned = Owned::default();
        assert_eq!(
            [0.5, 0.5, 0.4, 0.9].map(|number| owned.beats(number)),
            [true, false, false, true]
        );
    }
}
