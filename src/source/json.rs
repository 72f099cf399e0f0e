//! One JSON object -> the raw values of the keys that feed a column.
//!
//! A single pass that checks the whole grammar of RFC 8259, follows nesting without recursion, and
//! keeps slices of the line: text is unescaped and numbers are read only where a column asks, so
//! decimals stay exact and message text is never copied. Escaped halves of surrogate pairs, which
//! shortened chat messages are full of, become U+FFFD. Leaves out: what values mean.

use std::borrow::Cow;

use super::keys::{Key, Keys};
use super::value::Raw;

/// The deepest nesting; the record itself is 1.
pub(super) const DEEPEST: usize = 64;
/// The most keys in one object.
pub(super) const MOST_KEYS: usize = 1_000;
/// The longest number, in bytes.
const LONGEST_NUMBER: usize = 40;

/// Why a line is not a record; when several are true, the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Flaw {
    TooDeep,
    NotJson,
    NotObject,
    TrailingData,
    TooManyKeys,
    NumberTooLong,
    DuplicateKey(String),
}

/// Reads the object `line` into `raws`, which `keys` maps names to.
pub(super) fn read<'a>(line: &'a str, keys: &mut Keys, raws: &mut [Raw<'a>]) -> Result<(), Flaw> {
    let mut scan = Scan::new(line);
    keys.begin();
    match scan.record(keys, raws) {
        Err(Flaw::NotJson) if is_too_deep(line.as_bytes()) => Err(Flaw::TooDeep),
        other => other,
    }
}

/// Is this text one JSON value?
pub(super) fn is_value(text: &str) -> bool {
    let mut scan = Scan::new(text);
    scan.space();
    let read = scan.value(0);
    scan.space();
    read.is_ok() && scan.at == scan.bytes.len()
}

/// The text of an escaped string whose escapes were checked by [`read`].
pub(super) fn unescape(escaped: &str) -> String {
    let mut text = String::with_capacity(escaped.len());
    each_piece(escaped, |piece| match piece {
        Piece::Text(part) => text.push_str(part),
        Piece::Char(char) => text.push(char),
    });
    text
}

/// How many Unicode scalar values [`unescape`] would give.
pub(super) fn unescaped_chars(escaped: &str) -> usize {
    let mut chars = 0;
    each_piece(escaped, |piece| {
        chars += match piece {
            Piece::Text(part) => part.chars().count(),
            Piece::Char(_) => 1,
        }
    });
    chars
}

/// A walk over text; `at` is the byte that comes next.
pub(super) struct Scan<'a> {
    text: &'a str,
    bytes: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Scan<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Scan { text, bytes: text.as_bytes(), at: 0 }
    }

    fn record(&mut self, keys: &mut Keys, raws: &mut [Raw<'a>]) -> Result<(), Flaw> {
        self.space();
        if self.peek() != Some(b'{') {
            self.value(0)?;
            return Err(Flaw::NotObject);
        }
        self.at += 1;
        let duplicate = self.members(keys, raws)?;
        self.space();
        if self.at < self.bytes.len() {
            return Err(Flaw::TrailingData);
        }
        duplicate.map_or(Ok(()), |name| Err(Flaw::DuplicateKey(name)))
    }

    /// The members up to the closing brace; gives the first duplicate key.
    fn members(&mut self, keys: &mut Keys, raws: &mut [Raw<'a>]) -> Result<Option<String>, Flaw> {
        let mut duplicate = None;
        let mut position = 0;
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(None);
        }
        loop {
            let name = self.name()?;
            self.space();
            let raw = self.value(1)?;
            match keys.key(position, name.as_bytes()) {
                Some(Key::Known(slot)) => raws[slot] = raw,
                Some(key) if raw != Raw::Absent => keys.present(key),
                Some(_) => (),
                None if duplicate.is_none() => duplicate = Some(name.into_owned()),
                None => (),
            }
            position += 1;
            if position > MOST_KEYS {
                return Err(Flaw::TooManyKeys);
            }
            if self.closes(b'}')? {
                return Ok(duplicate);
            }
        }
    }

    /// A key and its colon.
    pub(super) fn name(&mut self) -> Result<Cow<'a, str>, Flaw> {
        self.space();
        let (text, escaped) = self.string()?;
        self.space();
        self.expect(b':')?;
        Ok(if escaped { Cow::Owned(unescape(text)) } else { Cow::Borrowed(text) })
    }

    /// After a value: true at `close`, false after a comma.
    pub(super) fn closes(&mut self, close: u8) -> Result<bool, Flaw> {
        self.space();
        let next = self.peek();
        self.at += 1;
        match next {
            Some(b',') => Ok(false),
            Some(byte) if byte == close => Ok(true),
            _ => Err(Flaw::NotJson),
        }
    }

    /// A value inside `depth` objects and arrays.
    pub(super) fn value(&mut self, depth: usize) -> Result<Raw<'a>, Flaw> {
        match self.peek() {
            Some(b'"') => {
                let (text, escaped) = self.string()?;
                Ok(if escaped { Raw::Escaped(text) } else { Raw::Text(text) })
            }
            Some(b'{' | b'[') => {
                self.skip_nested(depth)?;
                Ok(Raw::Nested)
            }
            Some(b't') => self.literal("true", Raw::Bool(true)),
            Some(b'f') => self.literal("false", Raw::Bool(false)),
            Some(b'n') => self.literal("null", Raw::Absent),
            _ => self.number().map(Raw::Number),
        }
    }

    /// Checks an array or object and everything in it.
    fn skip_nested(&mut self, outer: usize) -> Result<(), Flaw> {
        // By level: what closes it, and its keys so far.
        let mut levels = [(0_u8, 0_usize); DEEPEST];
        let mut depth = outer;
        loop {
            let open = self.peek().ok_or(Flaw::NotJson)?;
            let nests = matches!(open, b'{' | b'[');
            if nests {
                self.at += 1;
                if depth >= DEEPEST {
                    return Err(Flaw::TooDeep);
                }
                levels[depth] = (if open == b'{' { b'}' } else { b']' }, 0);
                depth += 1;
                self.space();
            } else {
                self.value(depth)?;
            }
            // Close what ends here, then stand before the next value.
            let mut fresh = nests;
            loop {
                let (close, keys) = &mut levels[depth - 1];
                let closed = if fresh && self.peek() == Some(*close) {
                    self.at += 1;
                    true
                } else {
                    !fresh && self.closes(*close)?
                };
                fresh = false;
                if closed {
                    depth -= 1;
                    if depth == outer {
                        return Ok(());
                    }
                    continue;
                }
                if *close == b'}' {
                    *keys += 1;
                    if *keys > MOST_KEYS {
                        return Err(Flaw::TooManyKeys);
                    }
                    self.name()?;
                }
                self.space();
                break;
            }
        }
    }

    /// A string's text between its quotes, and whether it holds escapes.
    pub(super) fn string(&mut self) -> Result<(&'a str, bool), Flaw> {
        self.expect(b'"')?;
        let start = self.at;
        let mut escaped = false;
        loop {
            self.at = next_special(self.bytes, self.at);
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                _ => return Err(Flaw::NotJson),
            }
        }
        let text = &self.text[start..self.at];
        self.at += 1;
        Ok((text, escaped))
    }

    fn escape(&mut self) -> Result<(), Flaw> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => {
                let digits = self.bytes.get(self.at + 2..self.at + 6).ok_or(Flaw::NotJson)?;
                if !digits.iter().all(u8::is_ascii_hexdigit) {
                    return Err(Flaw::NotJson);
                }
                self.at += 6;
            }
            _ => return Err(Flaw::NotJson),
        }
        Ok(())
    }

    fn number(&mut self) -> Result<&'a str, Flaw> {
        let start = self.at;
        self.skip(b'-');
        if !self.skip(b'0') {
            self.digits()?;
        }
        if self.skip(b'.') {
            self.digits()?;
        }
        if self.skip(b'e') || self.skip(b'E') {
            if !self.skip(b'+') {
                self.skip(b'-');
            }
            self.digits()?;
        }
        if self.at - start > LONGEST_NUMBER {
            return Err(Flaw::NumberTooLong);
        }
        Ok(&self.text[start..self.at])
    }

    fn digits(&mut self) -> Result<(), Flaw> {
        let count = self.bytes[self.at..].iter().take_while(|b| b.is_ascii_digit()).count();
        self.at += count;
        if count == 0 { Err(Flaw::NotJson) } else { Ok(()) }
    }

    fn literal(&mut self, word: &str, raw: Raw<'a>) -> Result<Raw<'a>, Flaw> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(Flaw::NotJson);
        }
        self.at += word.len();
        Ok(raw)
    }

    pub(super) fn expect(&mut self, byte: u8) -> Result<(), Flaw> {
        if self.skip(byte) { Ok(()) } else { Err(Flaw::NotJson) }
    }

    fn skip(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(super) fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek() {
            self.at += 1;
        }
    }
}

/// The first quote, backslash or control character at or after `from`; the end if there is none.
fn next_special(bytes: &[u8], mut from: usize) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    // Eight bytes at once: each term has the high bit of every byte that matches, and perhaps of
    // bytes after the first match, which does not matter because only the first is asked for.
    while let Some(block) = bytes.get(from..from + 8).and_then(|b| b.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*block);
        let zero = |x: u64| x.wrapping_sub(ONES) & !x;
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let quote = zero(word ^ (ONES * u64::from(b'"')));
        let backslash = zero(word ^ (ONES * u64::from(b'\\')));
        let found = (control | quote | backslash) & HIGH;
        if found != 0 {
            return from + found.trailing_zeros() as usize / 8;
        }
        from += 8;
    }
    let rest = bytes[from..].iter().position(|b| matches!(b, b'"' | b'\\' | 0..0x20));
    rest.map_or(bytes.len(), |step| from + step)
}

/// Whether brackets nest too deep, in a line whose grammar is wrong somewhere.
pub(super) fn is_too_deep(bytes: &[u8]) -> bool {
    let (mut depth, mut in_string, mut at) = (0_usize, false, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'"' => in_string = !in_string,
            b'\\' if in_string => at += 1,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => (),
        }
        if depth > DEEPEST {
            return true;
        }
        at += 1;
    }
    false
}

enum Piece<'a> {
    Text(&'a str),
    Char(char),
}

fn each_piece<'a>(mut rest: &'a str, mut take: impl FnMut(Piece<'a>)) {
    while let Some(at) = rest.find('\\') {
        if at > 0 {
            take(Piece::Text(&rest[..at]));
        }
        let (char, length) = escaped_char(&rest[at..]);
        take(Piece::Char(char));
        rest = &rest[at + length..];
    }
    if !rest.is_empty() {
        take(Piece::Text(rest));
    }
}

/// The character that an escape at the start of `text` stands for, and the escape's length.
fn escaped_char(text: &str) -> (char, usize) {
    let char = match text.as_bytes().get(1) {
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return escaped_unicode(text),
        Some(&other) => char::from(other),
        None => char::REPLACEMENT_CHARACTER,
    };
    (char, 2.min(text.len()))
}

fn escaped_unicode(text: &str) -> (char, usize) {
    let unit = |from: usize| {
        let is_escape = text.get(from..from + 2) == Some("\\u");
        let digits = text.get(from + 2..from + 6).filter(|_| is_escape)?;
        u32::from_str_radix(digits, 16).ok()
    };
    let first = unit(0).unwrap_or(0xfffd);
    if (0xd800..0xdc00).contains(&first)
        && let Some(second) = unit(6).filter(|second| (0xdc00..0xe000).contains(second))
    {
        let scalar = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        return (char::from_u32(scalar).unwrap_or(char::REPLACEMENT_CHARACTER), 12);
    }
    (char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), 6.min(text.len()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn flaw(line: &str) -> Option<Flaw> {
        let mut raws = [Raw::Absent; 2];
        read(line, &mut Keys::new(&["a", "b"]), &mut raws).err()
    }

    #[test]
    fn text_is_what_it_was() {
        let mut raws = [Raw::Absent; 2];
        let line = r#"{"a":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\ud83d\ud83dx\ude00","b":1}"#;
        read(line, &mut Keys::new(&["a", "b"]), &mut raws).unwrap();
        let Raw::Escaped(text) = raws[0] else { panic!("{raws:?}") };
        let shown = unescape(text);
        assert_eq!(shown, "\"\\/\u{8}\u{c}\n\r\té😀\u{fffd}\u{fffd}x\u{fffd}");
        assert_eq!(unescaped_chars(text), shown.chars().count());
    }

    fn json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            Just("true".to_owned()),
            any::<f64>().prop_filter("JSON", |f| f.is_finite()).prop_map(|f| format!("{f:e}")),
            any::<i64>().prop_map(|n| n.to_string()),
            any::<String>().prop_map(|s| serde_json::to_string(&s).unwrap()),
        ];
        leaf.prop_recursive(4, 20, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4)
                    .prop_map(|v| format!("[{}]", v.join(" , "))),
                prop::collection::btree_map("[a-c\\\\\"é]{0,3}", inner, 0..4).prop_map(|m| {
                    let member = |(k, v): (&String, &String)| {
                        format!("{} :{v}", serde_json::to_string(k).unwrap())
                    };
                    format!("{{{}}}", m.iter().map(member).collect::<Vec<_>>().join(","))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn takes_what_serde_json_takes(text in json()) {
            let expected = if text.starts_with('{') { None } else { Some(Flaw::NotObject) };
            prop_assert_eq!(flaw(&text), expected);
        }

        #[test]
        fn refuses_what_serde_json_refuses(
            text in json(),
            at in any::<prop::sample::Index>(),
            put in prop::sample::select(vec!["", "\"", "{", "}", "[", "]", ",", ":", "\\", "0", "-", ".", "e", "\u{1}", "n"]),
        ) {
            let bounds: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
            let from = bounds[at.index(bounds.len())];
            let rest = text[from..].chars().next().map_or(0, char::len_utf8);
            let text = format!("{}{put}{}", &text[..from], &text[from + rest..]);
            let ours = flaw(&text);
            match serde_json::from_str::<serde_json::Value>(&text) {
                Ok(value) => prop_assert_ne!(ours == Some(Flaw::NotJson), true, "{} {:?}", text, value),
                // Half a surrogate pair and a number beyond f64 are grammar to us.
                Err(error) if error.to_string().contains("surrogate") => (),
                Err(error) if error.to_string().contains("out of range") => (),
                Err(error) if error.to_string().contains("hex escape") => (),
                Err(error) => prop_assert!(ours.is_some(), "{} {}", text, error),
            }
        }

        #[test]
        fn strings_round_trip(text in any::<String>()) {
            let line = format!("{{\"a\":{}}}", serde_json::to_string(&text).unwrap());
            let mut raws = [Raw::Absent; 2];
            read(&line, &mut Keys::new(&["a", "b"]), &mut raws).unwrap();
            match raws[0] {
                Raw::Text(plain) => prop_assert_eq!(plain, text),
                Raw::Escaped(escaped) => prop_assert_eq!(unescape(escaped), text),
                ref other => prop_assert!(false, "{:?}", other),
            }
        }

        #[test]
        fn specials_are_found(bytes in prop::collection::vec(any::<u8>(), 0..40), from in 0..10_usize) {
            let from = from.min(bytes.len());
            let naive = bytes[from..].iter().position(|b| matches!(b, b'"' | b'\\' | 0..0x20));
            prop_assert_eq!(next_special(&bytes, from), naive.map_or(bytes.len(), |n| from + n));
        }
    }
}
