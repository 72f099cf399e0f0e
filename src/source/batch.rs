//! Batches -> the records that they hold.
//!
//! What ships logs often makes batches of them: a list of texts, each of them a record. Each becomes
//! a record with its own place and its own end in the accounting, so that one that is wrong costs
//! only itself. Leaves out: what the records say.

use super::keys::Keys;
use super::mapped::{Mapper, Spot, is_absent};
use super::plan::{BatchPlan, Plan};
use super::privacy::UserHasher;
use super::split::Record;
use super::{made, text_of};
use crate::pipeline::Mapping;

/// What opens one object's batches.
pub(super) struct Opener<'d> {
    mapper: Mapper<'d>,
    batches: Vec<BatchPlan<'d>>,
    keys: Keys,
}

/// What a record turned out to be.
pub(super) enum Opened {
    /// No batch.
    Bare,
    /// A batch that is to be left out.
    LeftOut,
    Holds(Vec<Inner>),
}

/// A record that was found in a batch.
pub(super) struct Inner {
    text: String,
    /// Where it begins in the batch and how long it is there, in bytes.
    from: u64,
    length: u64,
}

impl Inner {
    /// The record, whose place is inside its batch.
    pub(super) fn record<'r>(&'r self, batch: &Record<'_>) -> Record<'r> {
        let (offset, line) = (batch.offset + self.from, batch.line);
        Record { offset, length: self.length, line, ..Record::text(&self.text) }
    }
}

impl<'d> Opener<'d> {
    /// None where the mapping knows no batches.
    pub(super) fn new(mapping: &'d Mapping, hasher: &'d UserHasher) -> Option<Self> {
        let (plan, batches) = Plan::of_batches(mapping);
        let keys = Keys::new(&plan.trie.roots());
        let mapper = Mapper::of_plan(plan, None, hasher);
        (!batches.is_empty()).then_some(Opener { mapper, batches, keys })
    }

    /// A record that cannot be read is no batch: what reads it next says what is wrong with it.
    pub(super) fn open(&mut self, record: &Record<'_>) -> Opened {
        let read = text_of(record).and_then(|text| self.mapper.read(text, false, &mut self.keys));
        let Ok(text) = read else { return Opened::Bare };
        for batch in &self.batches {
            if !self.mapper.leads(&batch.around, &text) {
                continue;
            }
            if self.mapper.any_holds(&batch.drop, &text) {
                return Opened::LeftOut;
            }
            let mut found = Vec::new();
            self.mapper.spots(&batch.inside, &[0], &text, &mut |spot| {
                found.extend(self.inner(spot, &text));
                false
            });
            return Opened::Holds(found);
        }
        Opened::Bare
    }

    fn inner(&self, spot: Spot, text: &str) -> Option<Inner> {
        let Spot::Value(at) = spot else { return None };
        let span = self.mapper.span(at);
        let raw = span.raw(text);
        let held = match span.nested(text) {
            "" if is_absent(raw) => return None,
            "" => made::text_of(raw)?.into_owned(),
            nested => nested.to_owned(),
        };
        let (from, to) = span.place();
        Some(Inner { text: held, from, length: to - from })
    }
}
