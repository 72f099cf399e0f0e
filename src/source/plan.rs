//! A mapping -> the plan that the decoder follows: one trie of all pointers, and symbols for keys.
//!
//! Made once for each object. Leaves out: records.

use regex::Regex;

use super::tape::{NONE, Trie, Turn};
use super::value::Raw;
use crate::pipeline::{
    Base, Condition, Emit, Expr, Field, Level, Mapping, Part, Pointer, Read, Remember, Step, Test,
};
use crate::schema::Input;

pub(super) struct Plan<'d> {
    pub(super) trie: Trie,
    pub(super) unwrap: Vec<Path<'d>>,
    pub(super) keep: Vec<Check<'d>>,
    pub(super) drop: Vec<Check<'d>>,
    pub(super) remember: Vec<RememberPlan<'d>>,
    pub(super) emits: Vec<EmitPlan<'d>>,
    /// How much is remembered of a record.
    pub(super) memories: usize,
}

pub(super) struct BatchPlan<'d> {
    /// Leads somewhere in such a batch.
    pub(super) around: Path<'d>,
    /// Leads to the records.
    pub(super) inside: Path<'d>,
    pub(super) drop: Vec<Check<'d>>,
}

pub(super) struct EmitPlan<'d> {
    /// Each with whether what it starts from may stand for it.
    pub(super) explode: Vec<(Path<'d>, bool)>,
    pub(super) keep: Vec<Check<'d>>,
    pub(super) drop: Vec<Check<'d>>,
    pub(super) fields: Vec<FieldPlan<'d>>,
}

pub(super) struct RememberPlan<'d> {
    pub(super) by: FieldPlan<'d>,
    pub(super) memos: Vec<MemoPlan<'d>>,
}

pub(super) struct MemoPlan<'d> {
    /// The place of its memory among all.
    pub(super) memory: usize,
    /// A field's slot is the place of its name among all names.
    pub(super) elements: EmitPlan<'d>,
    pub(super) highest: Option<Path<'d>>,
    pub(super) ahead: bool,
}

pub(super) struct FieldPlan<'d> {
    pub(super) slot: usize,
    pub(super) input: Input,
    /// The column is `type`, whose unknown words have a reason of their own.
    pub(super) is_type: bool,
    /// The column is an id that is stored as it is: of others only keyed hashes are.
    pub(super) is_stored: bool,
    pub(super) rules: Vec<(Vec<Check<'d>>, Source<'d>)>,
}

pub(super) enum Source<'d> {
    Constant(Raw<'d>),
    /// What is found there, or remembered: the places of memory and name.
    Read(&'d Read, Vec<Path<'d>>, Vec<(usize, usize)>),
    /// The parts, and what stands between them.
    Join(Vec<Source<'d>>, &'d str),
    /// The first of these that finds a value, as it is.
    First(Vec<Path<'d>>),
}

pub(super) enum Check<'d> {
    All(Vec<Check<'d>>),
    Any(Vec<Check<'d>>),
    Not(Box<Check<'d>>),
    /// And where it remembers its answer: what it asks of the record is the same for every event.
    Holds(Path<'d>, Trial<'d>, Option<usize>),
}

pub(super) enum Trial<'d> {
    Exists,
    In(&'d [String]),
    Matches(&'d Regex),
    SameAs(Path<'d>),
    AtLeast(f64),
    Below(f64),
}

/// A pointer whose keys are symbols.
pub(super) struct Path<'d> {
    pub(super) pointer: &'d Pointer,
    pub(super) hops: Vec<Hop<'d>>,
    /// Where it remembers what it found: a pointer into the record finds the same in every event.
    pub(super) memory: Option<usize>,
}

pub(super) enum Hop<'d> {
    Key { symbol: u32, index: u32 },
    Each,
    Where { symbol: u32, is: &'d str },
}

impl<'d> Plan<'d> {
    /// `slots` are the kind's columns, each at its slot.
    pub(super) fn new(mapping: &'d Mapping, slots: &[&str]) -> Self {
        let trie = Trie::new(&turns(mapping));
        let names = names(mapping);
        let mut maker = Maker { trie: &trie, names: &names, memories: 0, remembers: false };
        let unwrap = mapping.unwrap.iter().map(|pointer| maker.path(pointer)).collect();
        let keep = maker.checks(&mapping.keep);
        let drop = maker.checks(&mapping.drop);
        let memories = mapping.remember.iter().enumerate();
        let remember = memories.map(|(at, memory)| maker.remember(at, memory)).collect();
        let mut emits = Vec::new();
        for emit in &mapping.emits {
            maker.remembers = !emit.explode.is_empty();
            emits.push(maker.emit(emit, slots));
        }
        let memories = maker.memories;
        Plan { trie, unwrap, keep, drop, remember, emits, memories }
    }

    /// What reads a record no further than its batches ask.
    pub(super) fn of_batches(mapping: &'d Mapping) -> (Self, Vec<BatchPlan<'d>>) {
        let mut ways = Vec::new();
        for batch in &mapping.batches {
            way(&batch.pointer, &[], &mut ways);
            conditions(&batch.drop, &[], &mut ways);
        }
        let trie = Trie::new(&ways);
        let names = names(mapping);
        let mut maker = Maker { trie: &trie, names: &names, memories: 0, remembers: false };
        let mut batches = Vec::new();
        for batch in &mapping.batches {
            let (mut around, inside) = (maker.path(&batch.pointer), maker.path(&batch.pointer));
            let first = around.hops.iter().position(|hop| matches!(hop, Hop::Each));
            around.hops.truncate(first.unwrap_or(around.hops.len()));
            batches.push(BatchPlan { around, inside, drop: maker.checks(&batch.drop) });
        }
        let (unwrap, keep, drop, remember, emits) = Default::default();
        let plan = Plan { trie, unwrap, keep, drop, remember, emits, memories: 0 };
        (plan, batches)
    }
}

struct Maker<'t> {
    trie: &'t Trie,
    /// Of what is remembered, each with the place of its memory.
    names: &'t [(&'t str, usize)],
    memories: usize,
    remembers: bool,
}

impl Maker<'_> {
    fn remember<'d>(&mut self, memory: usize, remember: &'d Remember) -> RememberPlan<'d> {
        let by = self.field(0, "by", &remember.by);
        let mut memos = Vec::new();
        for memo in &remember.from {
            self.remembers = !memo.elements.explode.is_empty();
            let names: Vec<&str> = self.names.iter().map(|(name, _)| *name).collect();
            let elements = self.emit(&memo.elements, &names);
            let highest = memo.highest.as_ref().map(|pointer| self.path(pointer));
            memos.push(MemoPlan { memory, elements, highest, ahead: memo.ahead });
        }
        RememberPlan { by, memos }
    }

    fn emit<'d>(&mut self, emit: &'d Emit, slots: &[&str]) -> EmitPlan<'d> {
        let mut fields = Vec::new();
        for (column, field) in &emit.fields {
            // Compiled pipelines name known columns only.
            let Some(slot) = slots.iter().position(|known| known == column) else { continue };
            fields.push(self.field(slot, column, field));
        }
        EmitPlan {
            explode: emit.explode.iter().map(|l| (self.path(&l.pointer), l.or_self)).collect(),
            keep: self.checks(&emit.keep),
            drop: self.checks(&emit.drop),
            fields,
        }
    }

    fn field<'d>(&mut self, slot: usize, column: &str, field: &'d Field) -> FieldPlan<'d> {
        let mut rules = Vec::new();
        for rule in &field.rules {
            let source = match &rule.value {
                Expr::Constant(text) => Source::Constant(constant(text.as_deref())),
                Expr::Read(read) => {
                    let place = |name: &String| self.names.iter().position(|(n, _)| n == name);
                    let known = read.remembered.iter().filter_map(place);
                    let remembered = known.map(|at| (self.names[at].1, at)).collect();
                    Source::Read(read, self.paths(&read.pointers), remembered)
                }
                Expr::Join(join) => {
                    let part = |part: &'d Part| match part {
                        Part::Constant(text) => Source::Constant(constant(Some(text))),
                        Part::Read(pointers) => Source::First(self.paths(pointers)),
                    };
                    Source::Join(join.parts.iter().map(part).collect(), &join.with)
                }
            };
            rules.push((self.checks(&rule.when), source));
        }
        let is_type = column == "type";
        let is_stored = ["event_id", "contact_id"].contains(&column);
        FieldPlan { slot, input: Input::of(column), is_type, is_stored, rules }
    }

    fn checks<'d>(&mut self, conditions: &'d [Condition]) -> Vec<Check<'d>> {
        conditions.iter().map(|condition| self.check(condition)).collect()
    }

    fn check<'d>(&mut self, condition: &'d Condition) -> Check<'d> {
        match condition {
            Condition::All(inner) => Check::All(self.checks(inner)),
            Condition::Any(inner) => Check::Any(self.checks(inner)),
            Condition::Not(inner) => Check::Not(Box::new(self.check(inner))),
            Condition::Holds { pointer, test } => {
                let trial = match test {
                    Test::Exists => Trial::Exists,
                    Test::In(words) => Trial::In(words),
                    Test::Matches(regex) => Trial::Matches(regex),
                    Test::SameAs(other) => Trial::SameAs(self.path(other)),
                    Test::AtLeast(low) => Trial::AtLeast(*low),
                    Test::Below(high) => Trial::Below(*high),
                };
                let same = matches!(test, Test::SameAs(other) if other.base != Base::Record);
                let memory = self.memory(pointer.base == Base::Record && !same);
                Check::Holds(self.path(pointer), trial, memory)
            }
        }
    }

    fn paths<'d>(&mut self, pointers: &'d [Pointer]) -> Vec<Path<'d>> {
        pointers.iter().map(|pointer| self.path(pointer)).collect()
    }

    fn path<'d>(&mut self, pointer: &'d Pointer) -> Path<'d> {
        let mut hops = Vec::new();
        for step in &pointer.steps {
            match step {
                Step::Key(key) => {
                    let index = key.parse().unwrap_or(NONE);
                    hops.push(Hop::Key { symbol: self.trie.symbol(key), index });
                }
                Step::Each => hops.push(Hop::Each),
                Step::Where { key, is } => {
                    hops.push(Hop::Where { symbol: self.trie.symbol(key), is });
                }
                // The trie has read the text already, and a name is no step.
                Step::Json | Step::JsonOrText | Step::OwnKey | Step::OwnIndex => (),
            }
        }
        let memory = self.memory(pointer.base == Base::Record && !hops.is_empty());
        Path { pointer, hops, memory }
    }

    /// A place to remember something of the record, where that is worth it.
    fn memory(&mut self, of_record: bool) -> Option<usize> {
        let remembers = self.remembers && of_record;
        self.memories += usize::from(remembers);
        remembers.then(|| self.memories - 1)
    }
}

fn constant(text: Option<&str>) -> Raw<'_> {
    text.map_or(Raw::Absent, Raw::Cell)
}

/// Names of what is remembered, each with the place of its memory.
fn names(mapping: &Mapping) -> Vec<(&str, usize)> {
    let mut names = Vec::new();
    for (at, memory) in mapping.remember.iter().enumerate() {
        let keys = memory.from.iter().flat_map(|memo| memo.elements.fields.keys());
        names.extend(keys.map(|name| (name.as_str(), at)));
    }
    names.sort_unstable();
    names.dedup();
    names
}

/// The ways of all pointers, from the record on.
fn turns(mapping: &Mapping) -> Vec<Vec<Turn>> {
    let mut ways = Vec::new();
    conditions(&mapping.keep, &[], &mut ways);
    conditions(&mapping.drop, &[], &mut ways);
    let memos = mapping.remember.iter().flat_map(|remember| &remember.from);
    for memo in memos.clone() {
        memo.highest.iter().for_each(|p| way(p, &memo.elements.explode, &mut ways));
    }
    for emit in memos.map(|memo| &memo.elements).chain(&mapping.emits) {
        for memory in &mapping.remember {
            of_field(&memory.by, &emit.explode, &mut ways);
        }
        for (at, level) in emit.explode.iter().enumerate() {
            for mut way in around(&emit.explode[..at], 0) {
                extend(&mut way, &level.pointer, &mut ways);
                way.push(Turn::Each);
                ways.push(way);
            }
        }
        conditions(&emit.keep, &emit.explode, &mut ways);
        conditions(&emit.drop, &emit.explode, &mut ways);
        emit.fields.values().for_each(|field| of_field(field, &emit.explode, &mut ways));
    }
    unwrapped(&mapping.unwrap, ways)
}

/// The same ways inside each envelope besides.
fn unwrapped(envelopes: &[Pointer], ways: Vec<Vec<Turn>>) -> Vec<Vec<Turn>> {
    let mut all = ways.clone();
    for pointer in envelopes {
        let mut inside = Vec::new();
        extend(&mut inside, pointer, &mut all);
        all.extend(ways.iter().map(|way| [inside.as_slice(), way].concat()));
        all.push(inside);
    }
    all
}

fn of_field(field: &Field, explode: &[Level], ways: &mut Vec<Vec<Turn>>) {
    for rule in &field.rules {
        conditions(&rule.when, explode, ways);
        match &rule.value {
            Expr::Read(read) => read.pointers.iter().for_each(|p| way(p, explode, ways)),
            Expr::Join(join) => {
                for part in &join.parts {
                    if let Part::Read(pointers) = part {
                        pointers.iter().for_each(|p| way(p, explode, ways));
                    }
                }
            }
            Expr::Constant(_) => (),
        }
    }
}

fn conditions(list: &[Condition], explode: &[Level], ways: &mut Vec<Vec<Turn>>) {
    for condition in list {
        match condition {
            Condition::All(inner) | Condition::Any(inner) => conditions(inner, explode, ways),
            Condition::Not(inner) => conditions(std::slice::from_ref(inner), explode, ways),
            Condition::Holds { pointer, test } => {
                way(pointer, explode, ways);
                if let Test::SameAs(other) = test {
                    way(other, explode, ways);
                }
            }
        }
    }
}

fn way(pointer: &Pointer, explode: &[Level], ways: &mut Vec<Vec<Turn>>) {
    let bases = match pointer.base {
        Base::Element => around(explode, 0),
        Base::Around(levels) => around(explode, levels),
        Base::Record => vec![Vec::new()],
    };
    for mut way in bases {
        extend(&mut way, pointer, ways);
        ways.push(way);
    }
}

/// The ways to an element of the last level of `explode` but `levels`: one, unless elements before it
/// may stand for themselves.
fn around(explode: &[Level], levels: usize) -> Vec<Vec<Turn>> {
    let mut ways = vec![Vec::new()];
    for level in &explode[..explode.len().saturating_sub(levels)] {
        let selves = if level.or_self { ways.clone() } else { Vec::new() };
        for way in &mut ways {
            extend(way, &level.pointer, &mut Vec::new());
            way.push(Turn::Each);
        }
        ways.extend(selves);
    }
    ways
}

/// Goes a pointer's steps; a search for an element must also see what it searches by.
fn extend(way: &mut Vec<Turn>, pointer: &Pointer, ways: &mut Vec<Vec<Turn>>) {
    for step in &pointer.steps {
        match step {
            Step::Key(key) => way.push(Turn::Key(key.clone())),
            Step::Each => way.push(Turn::Each),
            Step::Json => way.push(Turn::Json),
            Step::JsonOrText => way.push(Turn::JsonOrText),
            Step::Where { key, .. } => {
                way.push(Turn::Each);
                let mut searched = way.clone();
                searched.push(Turn::Key(key.clone()));
                ways.push(searched);
            }
            Step::OwnKey | Step::OwnIndex => (),
        }
    }
}
