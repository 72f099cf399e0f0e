//! One JSON record -> those of its values that a mapping asks for.
//!
//! A [`Trie`] of all the mapping's pointers walks with the bytes: what no pointer leads to is checked
//! for its grammar and skipped, what one leads to becomes a [`Node`]. Nodes lie in the order of the
//! text and hold positions, so that one list serves all records and nothing is copied. A branch is
//! as deep as the longest pointer, whatever the record nests. Leaves out: what values mean.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::json::{self, DEEPEST, Flaw, MOST_KEYS, Scan};
use super::keys::{Key, Keys};
use super::value::Raw;

/// Stands for no symbol, and for no node.
pub(super) const NONE: u32 = u32::MAX;

/// A step of a pointer, as far as it decides what to read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Turn {
    Key(String),
    Each,
    Json,
    /// JSON, or a text like any other.
    JsonOrText,
}

/// Every way that pointers take through a record.
#[derive(Debug)]
pub(super) struct Trie {
    /// The first is the record.
    branches: Vec<Branch>,
    /// All keys; a key's position is its symbol.
    symbols: Vec<String>,
}

#[derive(Debug, Default)]
struct Branch {
    keys: Vec<Wanted>,
    /// Where every other member or element leads.
    each: Option<usize>,
    /// How often text here is to be read as JSON.
    json: u8,
    /// Text here must be JSON.
    must: bool,
}

#[derive(Debug)]
struct Wanted {
    name: Box<[u8]>,
    symbol: u32,
    /// The name as an array's position.
    index: Option<u32>,
    child: usize,
}

impl Trie {
    pub(super) fn new(paths: &[Vec<Turn>]) -> Self {
        let mut trie = Trie { branches: Vec::new(), symbols: Vec::new() };
        trie.branch(paths.iter().map(Vec::as_slice).collect());
        trie
    }

    /// The number of a key that some pointer names.
    pub(super) fn symbol(&self, key: &str) -> u32 {
        let found = self.symbols.iter().position(|symbol| symbol == key);
        found.map_or(NONE, |at| at as u32)
    }

    pub(super) fn name(&self, symbol: u32) -> Option<&str> {
        self.symbols.get(symbol as usize).map(String::as_str)
    }

    /// The record's own keys; their positions are the slots of its [`Keys`].
    pub(super) fn roots(&self) -> Vec<&str> {
        self.branches[0].keys.iter().filter_map(|key| self.name(key.symbol)).collect()
    }

    /// The symbol of the record's key in that slot.
    pub(super) fn root_symbol(&self, slot: usize) -> u32 {
        self.branches[0].keys.get(slot).map_or(NONE, |key| key.symbol)
    }

    /// Does any text hold JSON?
    pub(super) fn reads_json(&self) -> bool {
        self.branches.iter().any(|branch| branch.json > 0)
    }

    /// Adds the branch that these paths go on from.
    fn branch(&mut self, paths: BTreeSet<&[Turn]>) -> usize {
        let mut branch = Branch::default();
        let mut open: Vec<(&[Turn], u8)> = paths.into_iter().map(|path| (path, 0)).collect();
        let (mut names, mut each) = (BTreeSet::new(), BTreeSet::new());
        let mut steps = Vec::new();
        while let Some((path, json)) = open.pop() {
            match path.split_first() {
                Some((Turn::Json, rest)) => {
                    branch.must = true;
                    open.push((rest, json + 1));
                }
                Some((Turn::JsonOrText, rest)) => open.push((rest, json + 1)),
                Some((Turn::Each, rest)) => _ = each.insert(rest),
                Some((Turn::Key(name), rest)) => {
                    names.insert(name.clone());
                    steps.push((name, rest));
                }
                None => (),
            }
            branch.json = branch.json.max(json);
        }
        let at = self.branches.len();
        self.branches.push(branch);
        for name in names {
            let named = steps.iter().filter(|(step, _)| **step == name).map(|(_, rest)| *rest);
            let child = self.branch(named.chain(each.iter().copied()).collect());
            let wanted = Wanted {
                name: name.as_bytes().into(),
                symbol: self.intern(&name),
                index: name.parse().ok().filter(|index: &u32| index.to_string() == name),
                child,
            };
            self.branches[at].keys.push(wanted);
        }
        if !each.is_empty() {
            self.branches[at].each = Some(self.branch(each));
        }
        at
    }

    fn intern(&mut self, name: &str) -> u32 {
        match self.symbol(name) {
            NONE => {
                self.symbols.push(name.to_owned());
                self.symbols.len() as u32 - 1
            }
            symbol => symbol,
        }
    }
}

impl Branch {
    fn is_leaf(&self) -> bool {
        self.keys.is_empty() && self.each.is_none()
    }

    fn member(&self, name: &[u8]) -> (u32, Option<usize>) {
        for key in &self.keys {
            if *key.name == *name {
                return (key.symbol, Some(key.child));
            }
        }
        (NONE, self.each)
    }

    fn element(&self, index: u32) -> Option<usize> {
        let named = self.keys.iter().find(|key| key.index == Some(index));
        named.map(|key| key.child).or(self.each)
    }
}

/// A value, and what leads to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    /// After its last descendant.
    pub(super) end: u32,
    /// Of its key, if a pointer names that.
    pub(super) symbol: u32,
    /// 0-based among its siblings.
    pub(super) index: u32,
    pub(super) name: Span,
    pub(super) value: Span,
}

/// A piece of the record's text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) shape: Shape,
    from: u32,
    to: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Absent,
    True,
    False,
    Number,
    Text,
    Escaped,
    Cell,
    QuotedCell,
    List,
    Map,
}

impl Span {
    pub(super) const NOTHING: Span = Span { shape: Shape::Absent, from: 0, to: 0 };

    /// A string with its quotes: where it begins and ends.
    pub(super) fn quoted(self) -> (usize, usize) {
        ((self.from as usize).saturating_sub(1), self.to as usize + 1)
    }

    pub(super) fn raw(self, text: &str) -> Raw<'_> {
        let piece = || text.get(self.from as usize..self.to as usize).unwrap_or_default();
        match self.shape {
            Shape::Absent => Raw::Absent,
            Shape::True => Raw::Bool(true),
            Shape::False => Raw::Bool(false),
            Shape::Number => Raw::Number(piece()),
            Shape::Text => Raw::Text(piece()),
            Shape::Escaped => Raw::Escaped(piece()),
            Shape::Cell => Raw::Cell(piece()),
            Shape::QuotedCell => Raw::QuotedCell(piece()),
            Shape::List | Shape::Map => Raw::Nested,
        }
    }

    /// Where it begins and ends, in bytes.
    pub(super) fn place(self) -> (u64, u64) {
        (self.from.into(), self.to.into())
    }

    /// A list or an object as it is written; empty for other values.
    pub(super) fn nested(self, text: &str) -> &str {
        match self.shape {
            Shape::List | Shape::Map => {
                text.get(self.from as usize..self.to as usize).unwrap_or_default()
            }
            _ => "",
        }
    }

    /// Where a raw value lies in the text that it is a piece of.
    fn of(raw: Raw<'_>, text: &str) -> Span {
        let place = |shape, piece: &str| {
            let from = (piece.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
            Span { shape, from: from as u32, to: (from + piece.len()) as u32 }
        };
        match raw {
            Raw::Bool(true) => Span { shape: Shape::True, ..Span::NOTHING },
            Raw::Bool(false) => Span { shape: Shape::False, ..Span::NOTHING },
            Raw::Number(piece) => place(Shape::Number, piece),
            Raw::Text(piece) => place(Shape::Text, piece),
            Raw::Escaped(piece) => place(Shape::Escaped, piece),
            Raw::Cell(piece) => place(Shape::Cell, piece),
            Raw::QuotedCell(piece) => place(Shape::QuotedCell, piece),
            _ => Span::NOTHING,
        }
    }
}

/// A text that holds JSON.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    pub(super) node: u32,
    /// How often it is to be read.
    pub(super) times: u8,
    /// It is a fault if it does not.
    pub(super) must: bool,
}

pub(super) type Inside = Vec<Held>;

/// Reads a record onto `tape`; a `keyed` one begins with its name and a colon.
pub(super) fn read(
    text: &str,
    trie: &Trie,
    keyed: bool,
    keys: &mut Keys,
    tape: &mut Vec<Node>,
    inside: &mut Inside,
) -> Result<(), Flaw> {
    tape.clear();
    inside.clear();
    keys.begin();
    let scan = Scan::new(text);
    let mut reader = Reader { text, scan, trie, tape, inside, duplicate: None };
    match reader.record(keyed, keys) {
        Err(Flaw::NotJson) if json::is_too_deep(text.as_bytes()) => Err(Flaw::TooDeep),
        other => other,
    }
}

/// A record of cells, such as a row of CSV: a map of what [`cell`] adds.
pub(super) fn begin_row(tape: &mut Vec<Node>) {
    tape.clear();
    let value = Span { shape: Shape::Map, ..Span::NOTHING };
    tape.push(Node { end: 1, symbol: NONE, index: 0, name: Span::NOTHING, value });
}

pub(super) fn cell(text: &str, symbol: u32, raw: Raw<'_>, tape: &mut Vec<Node>) {
    let index = tape.len() as u32 - 1;
    let value = Span::of(raw, text);
    tape.push(Node { end: index + 2, symbol, index, name: Span::NOTHING, value });
    tape[0].end = index + 2;
}

struct Reader<'a, 't> {
    text: &'a str,
    scan: Scan<'a>,
    trie: &'t Trie,
    tape: &'t mut Vec<Node>,
    inside: &'t mut Inside,
    duplicate: Option<String>,
}

impl<'a, 't> Reader<'a, 't> {
    fn record(&mut self, keyed: bool, keys: &mut Keys) -> Result<(), Flaw> {
        self.scan.space();
        let mut name = Span::NOTHING;
        if keyed {
            name = self.name()?.0;
            self.scan.space();
        }
        let root = &self.trie.branches[0];
        let nested = match self.scan.peek() {
            Some(b'{') => true,
            Some(b'[') => root.each.is_some() || root.keys.iter().any(|key| key.index.is_some()),
            _ => false,
        };
        if !nested {
            self.scan.value(0)?;
            return Err(Flaw::NotObject);
        }
        self.value(0, NONE, 0, name, 0, Some(keys))?;
        self.scan.space();
        if self.scan.peek().is_some() {
            return Err(Flaw::TrailingData);
        }
        self.duplicate.take().map_or(Ok(()), |name| Err(Flaw::DuplicateKey(name)))
    }

    /// A key and its colon: where it lies, and its text.
    fn name(&mut self) -> Result<(Span, Cow<'a, str>), Flaw> {
        self.scan.space();
        let (piece, escaped) = self.scan.string()?;
        self.scan.space();
        self.scan.expect(b':')?;
        let raw = if escaped { Raw::Escaped(piece) } else { Raw::Text(piece) };
        let name = if escaped { Cow::Owned(json::unescape(piece)) } else { Cow::Borrowed(piece) };
        Ok((Span::of(raw, self.text), name))
    }

    /// A value that a pointer leads to, and what pointers lead to in it.
    fn value(
        &mut self,
        branch: usize,
        symbol: u32,
        index: u32,
        name: Span,
        depth: usize,
        keys: Option<&mut Keys>,
    ) -> Result<(), Flaw> {
        let (at, from) = (self.tape.len(), self.scan.at as u32);
        let shape = match self.scan.peek() {
            Some(b'{') => Shape::Map,
            Some(b'[') => Shape::List,
            _ => Shape::Absent,
        };
        let mut node = Node { end: 0, symbol, index, name, value: Span { shape, from, to: from } };
        let wanted = &self.trie.branches[branch];
        if shape == Shape::Absent || wanted.is_leaf() {
            let raw = self.scan.value(depth)?;
            if shape == Shape::Absent {
                node.value = Span::of(raw, self.text);
            } else {
                node.value.to = self.scan.at as u32;
            }
            if wanted.json > 0 && matches!(raw, Raw::Text(_) | Raw::Escaped(_)) {
                let (times, must) = (wanted.json, wanted.must);
                self.inside.push(Held { node: at as u32, times, must });
            }
            self.tape.push(node);
        } else {
            if depth >= DEEPEST {
                return Err(Flaw::TooDeep);
            }
            self.tape.push(node);
            self.scan.at += 1;
            match shape {
                Shape::Map => self.members(wanted, depth + 1, keys)?,
                _ => self.elements(wanted, depth + 1)?,
            }
            self.tape[at].value.to = self.scan.at as u32;
        }
        self.tape[at].end = self.tape.len() as u32;
        Ok(())
    }

    /// The members up to the closing brace; `keys` knows those of the record itself.
    fn members(
        &mut self,
        branch: &'t Branch,
        depth: usize,
        mut keys: Option<&mut Keys>,
    ) -> Result<(), Flaw> {
        let first = self.tape.len();
        let mut count = 0;
        self.scan.space();
        if self.scan.peek() == Some(b'}') {
            self.scan.at += 1;
            return Ok(());
        }
        loop {
            let (span, name) = self.name()?;
            self.scan.space();
            let key = keys.as_mut().map(|keys| keys.key(count, name.as_bytes()));
            let (symbol, child) = match key {
                Some(Some(Key::Known(slot))) => {
                    let wanted = &branch.keys[slot];
                    (wanted.symbol, Some(wanted.child))
                }
                Some(_) => (NONE, branch.each),
                None => branch.member(name.as_bytes()),
            };
            let again = key == Some(None) || (symbol != NONE && self.seen(first, symbol));
            if again && self.duplicate.is_none() {
                self.duplicate = Some(name.into_owned());
            }
            let before = self.tape.len();
            match child {
                Some(child) => self.value(child, symbol, count as u32, span, depth, None)?,
                None => {
                    let raw = self.scan.value(depth)?;
                    if let (Some(keys), Some(Some(key))) = (keys.as_mut(), key)
                        && raw != Raw::Absent
                    {
                        keys.present(key);
                    }
                }
            }
            debug_assert!(child.is_none() || self.tape.len() > before);
            count += 1;
            if count > MOST_KEYS {
                return Err(Flaw::TooManyKeys);
            }
            if self.scan.closes(b'}')? {
                return Ok(());
            }
        }
    }

    /// Was there a sibling of that key, from node `first` on?
    fn seen(&self, first: usize, symbol: u32) -> bool {
        let mut at = first;
        while let Some(node) = self.tape.get(at) {
            if node.symbol == symbol {
                return true;
            }
            at = node.end as usize;
        }
        false
    }

    fn elements(&mut self, branch: &'t Branch, depth: usize) -> Result<(), Flaw> {
        self.scan.space();
        if self.scan.peek() == Some(b']') {
            self.scan.at += 1;
            return Ok(());
        }
        for index in 0.. {
            self.scan.space();
            match branch.element(index) {
                Some(child) => self.value(child, NONE, index, Span::NOTHING, depth, None)?,
                None => _ = self.scan.value(depth)?,
            }
            if self.scan.closes(b']')? {
                break;
            }
        }
        Ok(())
    }
}
