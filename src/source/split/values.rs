//! JSON values that are not lines: one after the other, or inside one array or object.
//!
//! In an array or object a record is everything between two delimiters, so that a missing comma
//! is in a record and gets refused with it; in an object it begins with its key. A line feed inside
//! a string is no JSON and ends the record: a lost quote costs a piece, not the rest. An array or
//! object that never closes refuses the object, because nobody can tell how much is missing.

use std::io::Read;

use memchr::{memchr, memchr_iter, memchr3};

use super::{Cut, Ends, Record, Splitter};
use crate::error::{Error, ErrorKind, Result};

/// How often a value that never closes may cost a second look; from then on lines are records.
const SECOND_LOOKS: u32 = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Layout {
    /// Values one after the other, or an array.
    Sequence,
    /// The elements of an array, or of several.
    Array,
    /// The members of an object, or of several.
    Object,
}

/// Where in its layout a splitter stands.
pub(in super::super) struct Values {
    layout: Layout,
    /// Inside the array or object.
    open: bool,
    /// There was one, or a first value.
    opened: bool,
    /// A record was given out and its delimiter not yet read.
    delimiter_due: bool,
    unclosed: u32,
}

impl Values {
    pub(in super::super) fn new(layout: Layout) -> Self {
        Values { layout, open: false, opened: false, delimiter_due: false, unclosed: 0 }
    }
}

/// A search for the end of a record; goes on over pieces of it.
#[derive(Default)]
struct Search {
    depth: usize,
    in_string: bool,
    escaped: bool,
    begun: bool,
}

/// Why a search stopped, and before which byte.
enum Found {
    End(usize),
    /// The line feed inside a string.
    Torn(usize),
}

impl<R: Read> Splitter<R> {
    /// The next record; None after the last.
    pub(in super::super) fn next_value(
        &mut self,
        values: &mut Values,
    ) -> Result<Option<Record<'_>>> {
        if !self.enter(values)? {
            return Ok(None);
        }
        let outside = values.layout != Layout::Sequence && !values.open;
        if outside || values.unclosed >= SECOND_LOOKS {
            return self.next(Ends::Line);
        }
        let mut search = Search::default();
        let mut searched = 0;
        loop {
            let pending = &self.buffer[self.start..self.end];
            let all = pending.len();
            match search.run(&pending[searched..], values.layout) {
                Some(Found::End(at)) if searched + at <= self.longest => {
                    values.delimiter_due = values.layout != Layout::Sequence;
                    return Ok(Some(self.give(searched + at, Cut::Whole)));
                }
                Some(Found::Torn(at)) if searched + at <= self.longest => {
                    return Ok(Some(self.give(searched + at, Cut::OpenQuote)));
                }
                Some(_) => return self.too_long(values, true).map(Some),
                None if all > self.longest => return self.too_long(values, false).map(Some),
                None if self.ended => return self.unfinished(values, &search).map(Some),
                None => searched = all,
            }
            self.fill()?;
        }
    }

    /// Skips white space and structure up to the first byte of a record; false at the end.
    fn enter(&mut self, values: &mut Values) -> Result<bool> {
        let (open, close) = match values.layout {
            Layout::Sequence => (None, None),
            Layout::Array => (Some(b'['), b']'.into()),
            Layout::Object => (Some(b'{'), b'}'.into()),
        };
        loop {
            if self.start == self.end {
                self.fill()?;
                if self.ended && self.start == self.end {
                    return if values.open { Err(never_closed()) } else { Ok(false) };
                }
                continue;
            }
            let byte = Some(self.buffer[self.start]);
            match byte {
                Some(b' ' | b'\t' | b'\r' | b'\n') => (),
                _ if !values.open && open.is_some() && byte == open => {
                    (values.open, values.opened, values.delimiter_due) = (true, true, false);
                }
                _ if values.open && byte == close => values.open = false,
                Some(b',') if values.open && values.delimiter_due => values.delimiter_due = false,
                Some(b'[') if values.layout == Layout::Sequence && !values.opened => {
                    values.layout = Layout::Array;
                    return self.enter(values);
                }
                _ if open.is_some() && !values.opened => return Err(other_layout(values.layout)),
                _ => {
                    values.opened = true;
                    return Ok(true);
                }
            }
            self.skip(1);
        }
    }

    /// A record that does not end before the object does.
    fn unfinished(&mut self, values: &mut Values, search: &Search) -> Result<Record<'_>> {
        if values.layout != Layout::Sequence {
            return Err(never_closed());
        }
        let all = self.end - self.start;
        // A bare word may end with the object.
        if search.depth == 0 && !search.in_string {
            return Ok(self.give(all, Cut::Whole));
        }
        values.unclosed += 1;
        let line = memchr(b'\n', &self.buffer[self.start..self.end]).unwrap_or(all);
        Ok(self.give(line, Cut::OpenQuote))
    }

    /// Skips a record over the limit; `ends` says that its end is in sight.
    fn too_long(&mut self, values: &mut Values, ends: bool) -> Result<Record<'_>> {
        let pending = &self.buffer[self.start..self.end];
        if let Some(line) = memchr(b'\n', pending)
            && values.layout == Layout::Sequence
            && line <= self.longest
            && !ends
        {
            // More likely a bracket that nothing closes than a value this long.
            values.unclosed += 1;
            return Ok(self.give(line, Cut::OpenQuote));
        }
        values.delimiter_due = values.layout != Layout::Sequence;
        self.skip_value(values.layout)
    }

    fn skip_value(&mut self, layout: Layout) -> Result<Record<'_>> {
        self.compact();
        let (offset, line) = (self.offset, self.line);
        let mut search = Search::default();
        let mut length = 0;
        loop {
            let block = &self.buffer[self.start..self.end];
            let found = search.run(block, layout);
            let taken = match found {
                Some(Found::End(at) | Found::Torn(at)) => at,
                None => block.len(),
            };
            self.line += memchr_iter(b'\n', &block[..taken]).count() as u64;
            self.start += taken;
            length += taken as u64;
            if found.is_some() || self.ended {
                break;
            }
            // The beginning stays, and the rest is read over.
            (self.start, self.end) = (self.longest, self.longest);
            self.fill()?;
        }
        self.offset = offset + length;
        Ok(Record { bytes: &self.buffer[..self.longest], offset, length, line, cut: Cut::TooLong })
    }

    /// Gives out the next `length` bytes, and what they are.
    fn give(&mut self, length: usize, cut: Cut) -> Record<'_> {
        let (from, offset, line) = (self.start, self.offset, self.line);
        self.skip(length);
        let bytes = self.buffer[from..from + length].trim_ascii_end();
        Record { bytes, offset, length: bytes.len() as u64, line, cut }
    }

    fn skip(&mut self, length: usize) {
        let skipped = &self.buffer[self.start..self.start + length];
        self.line += memchr_iter(b'\n', skipped).count() as u64;
        self.start += length;
        self.offset += length as u64;
    }
}

impl Search {
    /// Goes over the next piece of a record.
    fn run(&mut self, piece: &[u8], layout: Layout) -> Option<Found> {
        let mut at = 0;
        while at < piece.len() {
            if self.in_string {
                match self.string(piece, &mut at) {
                    true => return Some(Found::Torn(at)),
                    false => continue,
                }
            }
            let byte = piece[at];
            if let Some(end) = self.ends_before(byte, layout) {
                return Some(Found::End(at + end));
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => (),
            }
            self.begun = true;
            at += 1;
        }
        None
    }

    /// Whether the record ends at this byte outside strings, and with how many more bytes.
    fn ends_before(&self, byte: u8, layout: Layout) -> Option<usize> {
        let ends = match (layout, self.depth) {
            (Layout::Array, 0) => matches!(byte, b',' | b']'),
            (Layout::Object, 0) => matches!(byte, b',' | b'}'),
            (Layout::Sequence, 0) => {
                self.begun && matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'{' | b'[')
            }
            (Layout::Sequence, 1) if matches!(byte, b'}' | b']') => return Some(1),
            _ => false,
        };
        ends.then_some(0)
    }

    /// Goes on inside a string; true where a line feed tears it.
    fn string(&mut self, piece: &[u8], at: &mut usize) -> bool {
        if std::mem::take(&mut self.escaped) {
            // What an escape hides, unless it is a line feed.
            if piece[*at] == b'\n' {
                return true;
            }
            *at += 1;
            return false;
        }
        let Some(step) = memchr3(b'"', b'\\', b'\n', &piece[*at..]) else {
            *at = piece.len();
            return false;
        };
        *at += step;
        match piece[*at] {
            b'\n' => return true,
            b'\\' => self.escaped = true,
            _ => self.in_string = false,
        }
        *at += 1;
        false
    }
}

fn never_closed() -> Error {
    Error::new(ErrorKind::Input, "truncated_object: its list of records is never closed")
        .remedy("deliver it again; it was cut off, or a bracket or quote in it is lost")
}

fn other_layout(layout: Layout) -> Error {
    let (name, first) =
        if layout == Layout::Array { ("json-array", '[') } else { ("json-object", '{') };
    Error::new(ErrorKind::Input, format!("bad_layout: the object does not begin with `{first}`"))
        .remedy(format!("`records: {name}` does not fit it; see docs/mapping.md for the others"))
}
