//! Records of any shape -> the raw values of events, by a [`Plan`].
//!
//! [`Mapper::read`] puts what the plan asks for on the tape; [`Mapper::keeps`] and
//! [`Mapper::each_event`] then look at the tape alone. Leaves out: types, which are the column's
//! matter, and accounting.

mod fields;

use std::borrow::Cow;
use std::cell::{Cell, RefCell};

use bumpalo::Bump;
use chrono_tz::Tz;

use super::keys::Keys;
use super::plan::{Check, EmitPlan, Hop, MemoPlan, Path, Plan, Trial};
use super::privacy::UserHasher;
use super::recall::Recall;
use super::tape::{self, Held, Inside, NONE, Node, Shape, Span};
use super::value::Raw;
use super::{Bad, SLOTS, json, made};
use crate::error::Result;
use crate::pipeline::{Base, Mapping, Step};

/// The most events that one record may hold.
const MOST_EVENTS: usize = 20_000;
/// JSON in text in JSON in text.
const MOST_ROUNDS: usize = 8;

/// What reads one object's records.
pub(super) struct Mapper<'d> {
    pub(super) plan: Plan<'d>,
    tape: Vec<Node>,
    inside: Inside,
    memory: Vec<Cell<Option<u32>>>,
    /// For texts that are no record of the object themselves.
    inner: Keys,
    recall: RefCell<Recall>,
    hasher: &'d UserHasher,
    /// Of times without an offset.
    zone: Option<Tz>,
}

/// The element at hand and those around it: nodes, the record first.
type Levels<'l> = &'l [usize];

/// What a pointer leads to.
#[derive(Clone, Copy)]
pub(super) enum Spot {
    Value(usize),
    Name(usize),
    Index(usize),
}

impl<'d> Mapper<'d> {
    pub(super) fn new(
        mapping: &'d Mapping,
        slots: &[&str],
        zone: Option<Tz>,
        hasher: &'d UserHasher,
    ) -> Self {
        Mapper::of_plan(Plan::new(mapping, slots), zone, hasher)
    }

    pub(super) fn of_plan(plan: Plan<'d>, zone: Option<Tz>, hasher: &'d UserHasher) -> Self {
        let memory = vec![Cell::new(None); plan.memories];
        let inner = Keys::new(&plan.trie.roots());
        let (tape, inside, recall) = (Vec::new(), Vec::new(), RefCell::default());
        Mapper { plan, tape, inside, memory, inner, recall, zone, hasher }
    }

    /// Puts a record on the tape; what it gives is the text that the tape is of.
    pub(super) fn read<'r>(
        &mut self,
        text: &'r str,
        keyed: bool,
        keys: &mut Keys,
    ) -> std::result::Result<Cow<'r, str>, Bad> {
        self.forget();
        tape::read(text, &self.plan.trie, keyed, keys, &mut self.tape, &mut self.inside)?;
        if self.inside.is_empty() { Ok(Cow::Borrowed(text)) } else { self.open(text, keyed) }
    }

    /// Puts a row on the tape whose cells `fill` gives with their slots.
    pub(super) fn read_row<'r>(
        &mut self,
        text: &'r str,
        fill: impl FnOnce(&mut dyn FnMut(usize, Raw<'r>)) -> std::result::Result<(), Bad>,
    ) -> std::result::Result<Cow<'r, str>, Bad> {
        self.forget();
        let trie = &self.plan.trie;
        if trie.reads_json() {
            // Cells that hold JSON are rare enough to be written as text once more.
            let mut row = serde_json::Map::new();
            fill(&mut |slot, raw| {
                if let (Some(name), Some(cell)) =
                    (trie.name(trie.root_symbol(slot)), made::text_of(raw))
                {
                    row.insert(name.to_owned(), cell.into_owned().into());
                }
            })?;
            let text = serde_json::Value::Object(row).to_string();
            return self.reread(text, false).map(Cow::Owned);
        }
        let tape = &mut self.tape;
        tape::begin_row(tape);
        fill(&mut |slot, raw| tape::cell(text, trie.root_symbol(slot), raw, tape))?;
        Ok(Cow::Borrowed(text))
    }

    fn forget(&mut self) {
        self.memory.iter().for_each(|found| found.set(None));
    }

    /// Reads a text that was made here, and what it holds inside.
    fn reread(&mut self, text: String, keyed: bool) -> std::result::Result<String, Bad> {
        let (tape, inside) = (&mut self.tape, &mut self.inside);
        tape::read(&text, &self.plan.trie, keyed, &mut self.inner, tape, inside)?;
        if self.inside.is_empty() {
            return Ok(text);
        }
        self.open(&text, keyed).map(Cow::into_owned)
    }

    /// Writes JSON in place of the texts that hold it, until none is left to be opened.
    fn open<'r>(&mut self, text: &str, keyed: bool) -> std::result::Result<Cow<'r, str>, Bad> {
        // Values that were opened already, by where they begin, and how often.
        let mut opened: Vec<(usize, u8)> = Vec::new();
        let mut text = text.to_owned();
        for _ in 0..MOST_ROUNDS {
            let mut next = String::with_capacity(text.len());
            let (mut from, mut now, mut changed) = (0, Vec::new(), false);
            let mut earlier = opened.iter().copied().peekable();
            let inside: Vec<_> = self
                .inside
                .iter()
                .filter_map(|held| Some((self.tape.get(held.node as usize)?, *held)))
                .collect();
            for (node, Held { times, must, .. }) in inside {
                let (start, end) = node.value.quoted();
                while let Some((at, count)) = earlier.next_if(|(at, _)| *at < start) {
                    now.push((next.len() + at - from, count));
                }
                let count = earlier.next_if(|(at, _)| *at == start).map_or(0, |(_, count)| count);
                let held = made::text_of(node.value.raw(&text)).unwrap_or_default();
                next.push_str(&text[from..start]);
                now.push((next.len(), count + 1));
                from = end;
                if count >= times || held.is_empty() {
                    next.push_str(&text[start..end]);
                    continue;
                }
                if !json::is_value(&held) {
                    if !must {
                        next.push_str(&text[start..end]);
                        continue;
                    }
                    let name = self.plan.trie.name(node.symbol).unwrap_or("@json");
                    return Err(Bad::field("bad_json", name));
                }
                next.push_str(held.trim());
                changed = true;
            }
            now.extend(earlier.map(|(at, count)| (next.len() + at - from, count)));
            next.push_str(&text[from..]);
            if !changed {
                return Ok(Cow::Owned(text));
            }
            (text, opened) = (next, now);
            let (tape, inside) = (&mut self.tape, &mut self.inside);
            tape::read(&text, &self.plan.trie, keyed, &mut self.inner, tape, inside)?;
            if self.inside.is_empty() {
                return Ok(Cow::Owned(text));
            }
        }
        Err(Bad::new("too_deep"))
    }

    /// Whether a pointer into the record leads to any value, be it an empty list.
    pub(super) fn leads(&self, path: &Path, text: &str) -> bool {
        self.first(path, &[0], text).is_some()
    }

    /// Whether one of these conditions on the record holds.
    pub(super) fn any_holds(&self, checks: &[Check], text: &str) -> bool {
        checks.iter().any(|check| self.holds(check, &[0], text))
    }

    /// Where a value of the record lies.
    pub(super) fn span(&self, at: usize) -> Span {
        self.tape[at].value
    }

    /// Whether the record passes the mapping's own filter.
    pub(super) fn keeps(&self, text: &str) -> bool {
        self.passes(&self.plan.keep, &self.plan.drop, &[self.record(text)], text)
    }

    /// The record: what is delivered, or what it wraps.
    fn record(&self, text: &str) -> usize {
        let inner =
            self.plan.unwrap.iter().find_map(|path| match self.first(path, &[0], text)? {
                Spot::Value(at) if self.tape[at].value.shape == Shape::Map => Some(at),
                _ => None,
            });
        inner.unwrap_or(0)
    }

    /// Gives the values of each event to `take`, which says whether it wants more. Texts that are
    /// put together from others are kept in `made`.
    pub(super) fn each_event<'r>(
        &self,
        text: &'r str,
        made: &'r Bump,
        take: &mut dyn FnMut([Raw<'r>; SLOTS]) -> Result<bool>,
    ) -> Result<std::result::Result<(), Bad>>
    where
        'd: 'r,
    {
        let mut found = Vec::new();
        let memos = self.plan.remember.iter().flat_map(|memory| &memory.memos);
        let memos = memos.map(|memo| (&memo.elements, Some(memo)));
        for (emit, memo) in memos.chain(self.plan.emits.iter().map(|emit| (emit, None))) {
            let mut elements = Vec::new();
            if let Err(bad) = self.explode(emit, &mut vec![self.record(text)], text, &mut elements)
            {
                return Ok(Err(bad));
            }
            found.push((emit, memo, elements));
        }
        let mut steps = Vec::new();
        for (emit, memo, elements) in &found {
            let each = elements.chunks_exact(emit.explode.len() + 1);
            steps.extend(each.map(|levels| (levels, *emit, *memo)));
        }
        if !self.plan.remember.is_empty() {
            // What is left behind is for those that stand later in the record.
            let waits = |memo: Option<&MemoPlan>| memo.is_none_or(|memo| !memo.ahead);
            steps.sort_by_key(|(levels, _, memo)| (waits(*memo), levels.last().copied()));
        }
        let mut count = 0;
        for (levels, emit, memo) in steps {
            if !self.passes(&emit.keep, &emit.drop, levels, text) {
                continue;
            }
            if let Some(memo) = memo {
                self.leave(memo, levels, (text, made));
                continue;
            }
            count += 1;
            if count > MOST_EVENTS {
                return Ok(Err(Bad::new("too_many_events")));
            }
            let mut raws = [Raw::Absent; SLOTS];
            for field in &emit.fields {
                raws[field.slot] = self.field(field, levels, (text, made));
            }
            if !take(raws)? {
                return Ok(Ok(()));
            }
        }
        Ok(Ok(()))
    }

    /// Collects the elements of the innermost level, each with those around it.
    fn explode(
        &self,
        emit: &EmitPlan<'d>,
        levels: &mut Vec<usize>,
        text: &str,
        elements: &mut Vec<usize>,
    ) -> std::result::Result<(), Bad> {
        let Some((path, or_self)) = emit.explode.get(levels.len() - 1) else {
            elements.extend_from_slice(levels);
            return Ok(());
        };
        let Some(Spot::Value(list)) = self.first(path, levels, text) else {
            if *or_self {
                levels.push(levels[levels.len() - 1]);
                self.explode(emit, levels, text, elements)?;
                levels.pop();
            }
            return Ok(());
        };
        let node = &self.tape[list];
        match node.value.shape {
            Shape::List | Shape::Map => (),
            _ if is_absent(node.value.raw(text)) => return Ok(()),
            _ => {
                return Err(Bad::field(
                    &format!("bad_type:{}", path.pointer),
                    &path.pointer.to_string(),
                ));
            }
        }
        let end = node.end as usize;
        let mut child = list + 1;
        while child < end {
            levels.push(child);
            self.explode(emit, levels, text, elements)?;
            levels.pop();
            child = self.tape[child].end as usize;
        }
        Ok(())
    }

    fn passes(&self, keep: &[Check], drop: &[Check], levels: Levels, text: &str) -> bool {
        keep.iter().all(|check| self.holds(check, levels, text))
            && !drop.iter().any(|check| self.holds(check, levels, text))
    }

    fn holds(&self, check: &Check, levels: Levels, text: &str) -> bool {
        match check {
            Check::All(inner) => inner.iter().all(|check| self.holds(check, levels, text)),
            Check::Any(inner) => inner.iter().any(|check| self.holds(check, levels, text)),
            Check::Not(inner) => !self.holds(inner, levels, text),
            Check::Holds(path, trial, memory) => {
                let memory = memory.and_then(|memory| self.memory.get(memory));
                if let Some(known) = memory.and_then(Cell::get) {
                    return known != 0;
                }
                let mut holds = false;
                self.spots(path, levels, text, &mut |spot| {
                    let raw = self.raw(spot, text);
                    holds = !is_absent(raw) && self.passes_trial(raw, trial, levels, text);
                    holds
                });
                if let Some(memory) = memory {
                    memory.set(Some(u32::from(holds)));
                }
                holds
            }
        }
    }

    fn passes_trial(&self, raw: Raw, trial: &Trial, levels: Levels, text: &str) -> bool {
        let number = || made::text_of(raw).and_then(|text| text.trim().parse::<f64>().ok());
        match trial {
            Trial::Exists => true,
            Trial::In(words) => {
                made::text_of(raw).is_some_and(|t| words.iter().any(|word| *word == t))
            }
            Trial::Matches(regex) => made::text_of(raw).is_some_and(|text| regex.is_match(&text)),
            Trial::SameAs(path) => {
                let other = self.first_raw(path, levels, text).and_then(made::text_of);
                other.is_some() && made::text_of(raw) == other
            }
            Trial::AtLeast(low) => number().is_some_and(|n| n >= *low),
            Trial::Below(high) => number().is_some_and(|n| n < *high),
        }
    }

    fn first_raw<'r>(&self, path: &Path, levels: Levels, text: &'r str) -> Option<Raw<'r>> {
        self.first(path, levels, text).map(|spot| self.raw(spot, text))
    }

    /// The first value there that is not absent.
    fn first(&self, path: &Path, levels: Levels, text: &str) -> Option<Spot> {
        if let Some(known) = self.remembered(path) {
            return known;
        }
        let mut found = None;
        self.spots(path, levels, text, &mut |spot| {
            let is_value = !is_absent(self.raw(spot, text));
            found = is_value.then_some(spot);
            is_value
        });
        self.remember(path, found);
        found
    }

    fn last_raw<'r>(&self, path: &Path, levels: Levels, text: &'r str) -> Option<Raw<'r>> {
        let mut found = self.remembered(path);
        if found.is_none() {
            let mut last = None;
            self.spots(path, levels, text, &mut |spot| {
                last = if is_absent(self.raw(spot, text)) { last } else { Some(spot) };
                false
            });
            self.remember(path, last);
            found = Some(last);
        }
        found.flatten().map(|spot| self.raw(spot, text))
    }

    fn remembered(&self, path: &Path) -> Option<Option<Spot>> {
        let at = self.memory.get(path.memory?)?.get()?;
        Some((at != NONE).then_some(Spot::Value(at as usize)))
    }

    fn remember(&self, path: &Path, found: Option<Spot>) {
        let at = match found {
            Some(Spot::Value(at)) => at as u32,
            None => NONE,
            Some(_) => return,
        };
        if let Some(cell) = path.memory.and_then(|memory| self.memory.get(memory)) {
            cell.set(Some(at));
        }
    }

    fn raw<'r>(&self, spot: Spot, text: &'r str) -> Raw<'r> {
        match spot {
            Spot::Value(at) => self.tape[at].value.raw(text),
            Spot::Name(at) => self.tape[at].name.raw(text),
            Spot::Index(at) => Raw::Made(i64::from(self.tape[at].index)),
        }
    }

    /// Every place that a pointer leads to, until `take` has enough.
    pub(super) fn spots(
        &self,
        path: &Path,
        levels: Levels,
        text: &str,
        take: &mut dyn FnMut(Spot) -> bool,
    ) {
        let level = match path.pointer.base {
            Base::Element => levels.len() - 1,
            Base::Around(around) => (levels.len() - 1).saturating_sub(around),
            Base::Record => 0,
        };
        let base = levels[level];
        match path.pointer.steps.first() {
            // What a record is wrapped in has the key, if anything has.
            Some(Step::OwnKey) => _ = take(Spot::Name(if level == 0 { 0 } else { base })),
            Some(Step::OwnIndex) => _ = take(Spot::Index(base)),
            _ => _ = self.go(base, &path.hops, text, take),
        }
    }

    /// Goes the hops from a node; true when `take` has enough.
    fn go(&self, at: usize, hops: &[Hop], text: &str, take: &mut dyn FnMut(Spot) -> bool) -> bool {
        let Some((hop, rest)) = hops.split_first() else { return take(Spot::Value(at)) };
        let node = &self.tape[at];
        let is_list = node.value.shape == Shape::List;
        let mut child = at + 1;
        while child < node.end as usize {
            let next = &self.tape[child];
            let (hits, is_only) = match hop {
                Hop::Each => (true, false),
                Hop::Key { index, .. } if is_list => (next.index == *index, true),
                Hop::Key { symbol, .. } => (next.symbol == *symbol, true),
                Hop::Where { symbol, is } => (self.has(child, *symbol, is, text), true),
            };
            if hits {
                let enough = self.go(child, rest, text, take);
                if enough || is_only {
                    return enough;
                }
            }
            child = next.end as usize;
        }
        false
    }

    /// Does a child of that key have that text?
    fn has(&self, at: usize, symbol: u32, is: &str, text: &str) -> bool {
        let mut child = at + 1;
        while child < self.tape[at].end as usize {
            let node = &self.tape[child];
            if node.symbol == symbol {
                return made::text_of(node.value.raw(text)).is_some_and(|text| text == is);
            }
            child = node.end as usize;
        }
        false
    }
}

/// Null, missing or empty text.
pub(super) fn is_absent(raw: Raw) -> bool {
    matches!(raw, Raw::Absent | Raw::Text("") | Raw::Cell(""))
}
