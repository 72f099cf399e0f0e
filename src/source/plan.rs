//! A mapping -> the plan that the decoder follows: one trie of all pointers, and symbols for keys.
//!
//! Made once for each object. Leaves out: records.

use regex::Regex;

use super::tape::{NONE, Trie, Turn};
use super::value::Raw;
use crate::pipeline::{Base, Condition, Emit, Expr, Mapping, Pointer, Read, Step, Test};
use crate::schema::Input;

pub(super) struct Plan<'d> {
    pub(super) trie: Trie,
    pub(super) keep: Vec<Check<'d>>,
    pub(super) drop: Vec<Check<'d>>,
    pub(super) emits: Vec<EmitPlan<'d>>,
    /// How much is remembered of a record.
    pub(super) memories: usize,
}

pub(super) struct EmitPlan<'d> {
    pub(super) explode: Vec<Path<'d>>,
    pub(super) keep: Vec<Check<'d>>,
    pub(super) drop: Vec<Check<'d>>,
    pub(super) fields: Vec<FieldPlan<'d>>,
}

pub(super) struct FieldPlan<'d> {
    pub(super) slot: usize,
    pub(super) input: Input,
    /// The column is `type`, whose unknown words have a reason of their own.
    pub(super) is_type: bool,
    pub(super) rules: Vec<(Vec<Check<'d>>, Source<'d>)>,
}

pub(super) enum Source<'d> {
    Constant(Raw<'d>),
    Read(&'d Read, Vec<Path<'d>>),
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
        let mut maker = Maker { trie: &trie, memories: 0, remembers: false };
        let keep = maker.checks(&mapping.keep);
        let drop = maker.checks(&mapping.drop);
        let mut emits = Vec::new();
        for emit in &mapping.emits {
            maker.remembers = !emit.explode.is_empty();
            emits.push(maker.emit(emit, slots));
        }
        let memories = maker.memories;
        Plan { trie, keep, drop, emits, memories }
    }
}

struct Maker<'t> {
    trie: &'t Trie,
    memories: usize,
    remembers: bool,
}

impl Maker<'_> {
    fn emit<'d>(&mut self, emit: &'d Emit, slots: &[&str]) -> EmitPlan<'d> {
        let mut fields = Vec::new();
        for (column, field) in &emit.fields {
            // Compiled pipelines name known columns only.
            let Some(slot) = slots.iter().position(|known| known == column) else { continue };
            let mut rules = Vec::new();
            for rule in &field.rules {
                let source = match &rule.value {
                    Expr::Constant(text) => Source::Constant(constant(text.as_deref())),
                    Expr::Read(read) => {
                        Source::Read(read, read.pointers.iter().map(|p| self.path(p)).collect())
                    }
                };
                rules.push((self.checks(&rule.when), source));
            }
            let is_type = column == "type";
            fields.push(FieldPlan { slot, input: Input::of(column), is_type, rules });
        }
        EmitPlan {
            explode: emit.explode.iter().map(|pointer| self.path(pointer)).collect(),
            keep: self.checks(&emit.keep),
            drop: self.checks(&emit.drop),
            fields,
        }
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
                Step::Json | Step::OwnKey | Step::OwnIndex => (),
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

/// The ways of all pointers, from the record on.
fn turns(mapping: &Mapping) -> Vec<Vec<Turn>> {
    let mut ways = Vec::new();
    conditions(&mapping.keep, &[], &mut ways);
    conditions(&mapping.drop, &[], &mut ways);
    for emit in &mapping.emits {
        for (level, pointer) in emit.explode.iter().enumerate() {
            let mut way = around(&emit.explode[..level], 0);
            extend(&mut way, pointer, &mut ways);
            way.push(Turn::Each);
            ways.push(way);
        }
        conditions(&emit.keep, &emit.explode, &mut ways);
        conditions(&emit.drop, &emit.explode, &mut ways);
        for rule in emit.fields.values().flat_map(|field| &field.rules) {
            conditions(&rule.when, &emit.explode, &mut ways);
            if let Expr::Read(read) = &rule.value {
                read.pointers.iter().for_each(|p| way(p, &emit.explode, &mut ways));
            }
        }
    }
    ways
}

fn conditions(list: &[Condition], explode: &[Pointer], ways: &mut Vec<Vec<Turn>>) {
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

fn way(pointer: &Pointer, explode: &[Pointer], ways: &mut Vec<Vec<Turn>>) {
    let mut way = match pointer.base {
        Base::Element => around(explode, 0),
        Base::Around(levels) => around(explode, levels),
        Base::Record => Vec::new(),
    };
    extend(&mut way, pointer, ways);
    ways.push(way);
}

/// The way to an element of the last level of `explode` but `levels`.
fn around(explode: &[Pointer], levels: usize) -> Vec<Turn> {
    let mut way = Vec::new();
    for pointer in &explode[..explode.len().saturating_sub(levels)] {
        extend(&mut way, pointer, &mut Vec::new());
        way.push(Turn::Each);
    }
    way
}

/// Goes a pointer's steps; a search for an element must also see what it searches by.
fn extend(way: &mut Vec<Turn>, pointer: &Pointer, ways: &mut Vec<Vec<Turn>>) {
    for step in &pointer.steps {
        match step {
            Step::Key(key) => way.push(Turn::Key(key.clone())),
            Step::Each => way.push(Turn::Each),
            Step::Json => way.push(Turn::Json),
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
