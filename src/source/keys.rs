//! The keys of records: which column each feeds, and which were seen that feed none.
//!
//! Records of one object mostly have the same keys in the same order, so each position remembers
//! its last key and a lookup is one comparison of bytes. Memory is bounded whatever the records
//! say: names beyond the bound are counted together. Leaves out: values.

use std::collections::{BTreeMap, HashMap};

use xxhash_rust::xxh3::xxh3_128;

/// Unknown names that are told apart.
const REMEMBERED: usize = 1_000;
/// The longest unknown name that is remembered, in bytes.
const LONGEST_NAME: usize = 128;
/// What the other unknown names are counted under.
const OTHER: &str = "(other)";

/// A key of the record at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// Feeds the slot.
    Known(usize),
    /// Feeds nothing; counted under its name.
    Unknown(usize),
    /// Feeds nothing and is not remembered.
    Stray,
}

/// The keys of the objects' records so far.
pub(super) struct Keys {
    /// The known names, in the order of their slots, then unknown ones as they came.
    names: Vec<Name>,
    index: HashMap<Box<[u8]>, usize>,
    known: usize,
    /// By position in a record: the name seen there last.
    order: Vec<usize>,
    record: u64,
    /// Unknown names with a value in the record at hand.
    present: Vec<usize>,
    strays: Vec<u128>,
    stray_present: bool,
    other: u64,
}

struct Name {
    bytes: Box<[u8]>,
    /// The last record that had it.
    record: u64,
    count: u64,
}

impl Keys {
    /// `known[i]` feeds slot `i`.
    pub(super) fn new(known: &[&str]) -> Self {
        let names: Vec<Name> = known.iter().map(|name| Name::new(name.as_bytes())).collect();
        let index = names.iter().enumerate().map(|(at, name)| (name.bytes.clone(), at)).collect();
        Keys {
            names,
            index,
            known: known.len(),
            order: Vec::new(),
            record: 0,
            present: Vec::new(),
            strays: Vec::new(),
            stray_present: false,
            other: 0,
        }
    }

    /// Forgets the keys of the record before.
    pub(super) fn begin(&mut self) {
        self.record += 1;
        self.present.clear();
        self.strays.clear();
        self.stray_present = false;
    }

    /// The key at 0-based `position` in the record; None if the record had it before.
    pub(super) fn key(&mut self, position: usize, name: &[u8]) -> Option<Key> {
        let at = match self.order.get(position) {
            Some(&at) if *self.names[at].bytes == *name => at,
            _ => match self.find(name) {
                Some(at) => {
                    if position < self.order.len() {
                        self.order[position] = at;
                    } else if position == self.order.len() {
                        self.order.push(at);
                    }
                    at
                }
                None => return self.stray(name),
            },
        };
        let name = &mut self.names[at];
        if name.record == self.record {
            return None;
        }
        name.record = self.record;
        Some(if at < self.known { Key::Known(at) } else { Key::Unknown(at) })
    }

    /// The key has a value in this record.
    pub(super) fn present(&mut self, key: Key) {
        match key {
            Key::Known(_) => (),
            Key::Unknown(at) => self.present.push(at),
            Key::Stray => self.stray_present = true,
        }
    }

    /// The record at hand was decoded: its unknown keys count.
    pub(super) fn count(&mut self) {
        for &at in &self.present {
            self.names[at].count += 1;
        }
        self.other += u64::from(self.stray_present);
    }

    /// How many decoded records had a value for each unknown name.
    pub(super) fn unknown(self) -> BTreeMap<String, u64> {
        let mut unknown = BTreeMap::new();
        for name in self.names.into_iter().skip(self.known).filter(|name| name.count > 0) {
            unknown.insert(String::from_utf8_lossy(&name.bytes).into_owned(), name.count);
        }
        if self.other > 0 {
            *unknown.entry(OTHER.to_owned()).or_default() += self.other;
        }
        unknown
    }

    fn find(&mut self, name: &[u8]) -> Option<usize> {
        if let Some(&at) = self.index.get(name) {
            return Some(at);
        }
        let at = self.names.len();
        if !is_telling(name) || at >= self.known + REMEMBERED {
            return None;
        }
        self.names.push(Name::new(name));
        self.index.insert(name.into(), at);
        Some(at)
    }

    fn stray(&mut self, name: &[u8]) -> Option<Key> {
        let hash = xxh3_128(name);
        if self.strays.contains(&hash) {
            return None;
        }
        self.strays.push(hash);
        Some(Key::Stray)
    }
}

/// Is it a name somebody gave to a field? Other keys are data, such as an address or a number that
/// a record is filed under, and may be a person's: they are counted and not repeated.
fn is_telling(name: &[u8]) -> bool {
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.$:/ ".contains(byte);
    let begins = |byte: &u8| byte.is_ascii_alphabetic() || b"_$".contains(byte);
    name.len() <= LONGEST_NAME && name.first().is_some_and(begins) && name.iter().all(fits)
}

impl Name {
    fn new(bytes: &[u8]) -> Self {
        Name { bytes: bytes.into(), record: 0, count: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_a_guess_and_never_an_answer() {
        let mut keys = Keys::new(&["a", "b"]);
        for record in [&["a", "b", "x"], &["x", "a", "b"], &["b", "y", "a"]] {
            keys.begin();
            for (position, name) in record.iter().enumerate() {
                let key = keys.key(position, name.as_bytes()).unwrap();
                match *name {
                    "a" => assert_eq!(key, Key::Known(0)),
                    "b" => assert_eq!(key, Key::Known(1)),
                    _ => assert!(matches!(key, Key::Unknown(_))),
                }
                keys.present(key);
            }
            assert_eq!(keys.key(3, b"a"), None);
            keys.count();
        }
        assert_eq!(keys.unknown(), BTreeMap::from([("x".to_owned(), 2), ("y".to_owned(), 1)]));
    }

    #[test]
    fn keys_that_are_data_are_counted_and_not_repeated() {
        let mut keys = Keys::new(&["a"]);
        for name in ["anna@example.com", "46701234567", "+46 70 123", "", "ü", "utm_source"] {
            keys.begin();
            let key = keys.key(0, name.as_bytes()).unwrap();
            assert_eq!(keys.key(1, name.as_bytes()), None);
            keys.present(key);
            keys.count();
        }
        let counts = [("(other)".to_owned(), 5), ("utm_source".to_owned(), 1)];
        assert_eq!(keys.unknown(), BTreeMap::from(counts));
    }

    #[test]
    fn names_without_end_stay_bounded() {
        let mut keys = Keys::new(&[]);
        for n in 0..5_000 {
            keys.begin();
            let key = keys.key(0, format!("k{n}").as_bytes()).unwrap();
            assert_eq!(keys.key(1, format!("k{n}").as_bytes()), None);
            keys.present(key);
            keys.count();
        }
        assert_eq!(keys.unknown()[OTHER], 4_000);
    }
}
