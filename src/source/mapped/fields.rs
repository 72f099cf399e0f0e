//! What feeds a column of an event, and what elements leave behind.

use std::borrow::Cow;

use bumpalo::Bump;

use super::super::made;
use super::super::plan::{FieldPlan, MemoPlan, Path, Source};
use super::super::privacy::Purpose;
use super::super::value::Raw;
use super::{Levels, Mapper};
use crate::pipeline::Take;

impl<'d> Mapper<'d> {
    pub(super) fn field<'r>(
        &self,
        field: &FieldPlan<'d>,
        levels: Levels,
        (text, made): (&'r str, &'r Bump),
    ) -> Raw<'r>
    where
        'd: 'r,
    {
        let chosen = field.rules.iter().find(|(when, _)| {
            when.is_empty() || when.iter().all(|check| self.holds(check, levels, text))
        });
        match chosen {
            None => Raw::Absent,
            Some((_, Source::Read(read, paths, remembered))) => {
                let found = paths.iter().find_map(|path| match read.take {
                    Take::First => self.first_raw(path, levels, text),
                    Take::Last => self.last_raw(path, levels, text),
                });
                let recalled = || {
                    remembered.iter().find_map(|&(memory, name)| {
                        let owner = self.owner(memory, levels, (text, made))?;
                        let recall = self.recall.borrow();
                        recall.get(&owner, name).map(|value| Raw::Cell(made.alloc_str(value)))
                    })
                };
                let found = found.or_else(recalled).unwrap_or(Raw::Absent);
                let found = match &read.extract {
                    Some(regex) => made::extract(regex, found, made),
                    None => found,
                };
                made::value(read, found, field, self.zone)
            }
            Some((_, Source::Join(parts, with))) => {
                let mut joined = String::new();
                for (at, part) in parts.iter().enumerate() {
                    let Some(piece) = made::text_of(self.plain(part, levels, text)) else {
                        return Raw::Absent;
                    };
                    joined.push_str(if at > 0 { with } else { "" });
                    joined.push_str(&piece);
                }
                if field.is_stored {
                    let hash = self.hasher.pseudonym(Purpose::Line, joined.as_bytes());
                    return Raw::Cell(made.alloc_str(hash.as_str()));
                }
                Raw::Cell(made.alloc_str(&joined))
            }
            Some((_, plain)) => self.plain(plain, levels, text),
        }
    }

    /// A constant, or a value as it is.
    fn plain<'r>(&self, source: &Source<'d>, levels: Levels, text: &'r str) -> Raw<'r>
    where
        'd: 'r,
    {
        match source {
            Source::Constant(raw) => *raw,
            Source::First(paths) => {
                let found = paths.iter().find_map(|path| self.first_raw(path, levels, text));
                found.unwrap_or(Raw::Absent)
            }
            Source::Read(..) | Source::Join(..) => Raw::Absent,
        }
    }

    /// Remembers what an element leaves behind.
    pub(super) fn leave<'r>(
        &self,
        memo: &MemoPlan<'d>,
        levels: Levels,
        (text, made): (&'r str, &'r Bump),
    ) where
        'd: 'r,
    {
        let Some(owner) = self.owner(memo.memory, levels, (text, made)) else { return };
        let value = |field| made::text_of(self.field(field, levels, (text, made)));
        let values: Vec<_> = memo.elements.fields.iter().map(|f| (f.slot, value(f))).collect();
        let number = |path: &Path<'d>| {
            made::text_of(self.first_raw(path, levels, text)?)?.parse::<f64>().ok()
        };
        let highest = memo.highest.as_ref().map(number);
        let mut recall = self.recall.borrow_mut();
        let owned = recall.of(&owner);
        let replaces = |number: Option<f64>| number.is_some_and(|number| owned.beats(number));
        if !highest.is_none_or(replaces) {
            return;
        }
        values.iter().for_each(|(name, value)| owned.set(*name, value.as_deref()));
    }

    /// Whose what an element leaves behind is, and what it may recall.
    fn owner<'r>(
        &self,
        memory: usize,
        levels: Levels,
        at: (&'r str, &'r Bump),
    ) -> Option<(usize, Cow<'r, str>)>
    where
        'd: 'r,
    {
        let by = &self.plan.remember.get(memory)?.by;
        made::text_of(self.field(by, levels, at)).map(|text| (memory, text))
    }
}
