//! Bytes -> records, without a copy and without trusting a single one of them.
//!
//! A record is a line, in CSV a row whose quotes may hold line ends, or (in `values`) a JSON value
//! among others. Memory is bounded: a record
//! over the limit is skipped to its end and reported with its true length. A quote that nothing closes
//! costs one line, not the rest of the object. Offsets count from the start of the unpacked
//! object. Leaves out: what a record says.

mod values;

use std::io::Read;

use memchr::{memchr, memchr_iter};

use super::csv;
use super::unpack::Unpacked;
use crate::error::Result;
pub(super) use values::{Layout, Values};

/// The longest record, in bytes.
pub(super) const LONGEST: usize = 1 << 20;
/// The longest JSON value that may be a whole batch of records.
pub(super) const LONGEST_BATCH: usize = 16 << 20;
/// Unpacked bytes asked for at once.
const BLOCK: usize = 1 << 20;
const BOM: &[u8] = b"\xef\xbb\xbf";

/// What ends a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    /// A line feed.
    Line,
    /// A line feed outside quotes, between cells with this delimiter.
    Row(u8),
}

/// What is wrong with the cut itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    Whole,
    /// `bytes` holds as many bytes as a record may have, and not the rest.
    TooLong,
    /// A quote was opened and never closed; `bytes` is the line it was opened on, or in JSON what
    /// was read until the line's end.
    OpenQuote,
}

/// One record, without its line end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a> {
    pub(super) bytes: &'a [u8],
    /// Of the first byte in the unpacked object.
    pub(super) offset: u64,
    /// In bytes; that of `bytes` unless the record is too long.
    pub(super) length: u64,
    /// 1-based.
    pub(super) line: u64,
    pub(super) cut: Cut,
}

impl<'a> Record<'a> {
    /// A row that was written as text; its number stands for its place.
    pub(super) fn row(text: &'a str, number: u64) -> Self {
        let length = text.len() as u64;
        Record { offset: number, length, line: number + 1, ..Record::text(text) }
    }

    /// A text that was found in another record, whose place is put in by the caller.
    pub(super) fn text(text: &'a str) -> Self {
        let cut = if text.len() > LONGEST { Cut::TooLong } else { Cut::Whole };
        let bytes = &text.as_bytes()[..text.len().min(LONGEST)];
        Record { bytes, offset: 0, length: 0, line: 0, cut }
    }

    /// Nothing but white space.
    pub(super) fn is_blank(&self) -> bool {
        self.cut == Cut::Whole && self.bytes.trim_ascii().is_empty()
    }
}

/// Cuts an object into records.
pub(super) struct Splitter<R: Read> {
    object: Unpacked<R>,
    /// The longest record, in bytes.
    longest: usize,
    buffer: Vec<u8>,
    /// `buffer[start..end]` is read and not yet given out.
    start: usize,
    end: usize,
    ended: bool,
    /// Of `buffer[start]`.
    offset: u64,
    line: u64,
    bom: bool,
}

impl<R: Read> Splitter<R> {
    /// Reads the first block and skips a byte order mark.
    pub(super) fn new(object: Unpacked<R>) -> Result<Self> {
        let buffer = vec![0; LONGEST + BLOCK];
        let mut splitter = Splitter {
            object,
            longest: LONGEST,
            buffer,
            start: 0,
            end: 0,
            ended: false,
            offset: 0,
            line: 1,
            bom: false,
        };
        while splitter.end < BOM.len() && !splitter.ended {
            splitter.fill()?;
        }
        if splitter.buffer[..splitter.end].starts_with(BOM) {
            splitter.bom = true;
            splitter.start = BOM.len();
            splitter.offset = BOM.len() as u64;
        }
        Ok(splitter)
    }

    /// The same for records of up to so many bytes.
    pub(super) fn up_to(mut self, longest: usize) -> Self {
        self.longest = longest;
        self
    }

    /// Whether the object began with a byte order mark.
    pub(super) fn had_bom(&self) -> bool {
        self.bom
    }

    /// The next record; None after the last.
    pub(super) fn next(&mut self, ends: Ends) -> Result<Option<Record<'_>>> {
        let mut searched = 0;
        loop {
            let pending = &self.buffer[self.start..self.end];
            let all = pending.len();
            let (found, quote_open) = match ends {
                Ends::Line => (memchr(b'\n', &pending[searched..]).map(|at| searched + at), false),
                Ends::Row(delimiter) => csv::row_end(pending, delimiter),
            };
            match found {
                Some(length) if length <= self.longest + 1 => {
                    return Ok(Some(self.take(ends, length, 1)));
                }
                Some(_) => break,
                None if all > self.longest + 1 => break,
                None if self.ended && all == 0 => return Ok(None),
                None if self.ended && quote_open => break,
                None if self.ended => return Ok(Some(self.take(ends, all, 0))),
                None => searched = all,
            }
            self.fill()?;
        }
        self.first_line().map(Some)
    }

    /// Gives out `length` bytes and drops `terminator` more.
    fn take(&mut self, ends: Ends, length: usize, terminator: usize) -> Record<'_> {
        let from = self.start;
        let raw = &self.buffer[from..from + length];
        let bytes = raw.strip_suffix(b"\r").unwrap_or(raw);
        let too_long = bytes.len() > self.longest;
        let (offset, line) = (self.offset, self.line);
        self.start += length + terminator;
        self.offset += (length + terminator) as u64;
        if matches!(ends, Ends::Row(_)) {
            self.line += memchr_iter(b'\n', raw).count() as u64;
        }
        self.line += terminator as u64;
        Record {
            bytes: &bytes[..bytes.len().min(self.longest)],
            offset,
            length: bytes.len() as u64,
            line,
            cut: if too_long { Cut::TooLong } else { Cut::Whole },
        }
    }

    /// The way out of a record that is too long, or that a stray quote holds open: its first
    /// physical line is given out as bad and reading goes on after it.
    fn first_line(&mut self) -> Result<Record<'_>> {
        let pending = &self.buffer[self.start..self.end];
        let all = pending.len();
        match memchr(b'\n', pending) {
            Some(length) => {
                let mut record = self.take(Ends::Line, length, 1);
                if record.cut == Cut::Whole {
                    record.cut = Cut::OpenQuote;
                }
                Ok(record)
            }
            None if all > self.longest + 1 => self.skip_line(),
            None => {
                let mut record = self.take(Ends::Line, all, 0);
                record.cut = Cut::OpenQuote;
                Ok(record)
            }
        }
    }

    /// Reads on to the end of a line that does not fit the buffer, keeping its beginning.
    fn skip_line(&mut self) -> Result<Record<'_>> {
        self.compact();
        let (offset, line, longest) = (self.offset, self.line, self.longest);
        let mut length = self.end as u64;
        let mut last = self.buffer[self.end - 1];
        let terminated = loop {
            self.end = longest;
            if self.ended {
                break false;
            }
            self.fill()?;
            let block = &self.buffer[longest..self.end];
            if let Some(at) = memchr(b'\n', block) {
                length += at as u64;
                last = if at > 0 { block[at - 1] } else { last };
                self.start = longest + at + 1;
                break true;
            }
            length += block.len() as u64;
            last = block.last().copied().unwrap_or(last);
        };
        if !terminated {
            self.start = longest;
        }
        self.offset = offset + length + u64::from(terminated);
        self.line += u64::from(terminated);
        length -= u64::from(last == b'\r');
        let bytes = &self.buffer[..longest];
        Ok(Record { bytes, offset, length, line, cut: Cut::TooLong })
    }

    fn fill(&mut self) -> Result<()> {
        if self.end == self.buffer.len() {
            self.compact();
        }
        if self.end == self.buffer.len() {
            let room = (2 * self.end).min(self.longest + BLOCK);
            self.buffer.resize(room, 0);
        }
        let read = self.object.read(&mut self.buffer[self.end..])?;
        self.end += read;
        self.ended = read == 0;
        Ok(())
    }

    fn compact(&mut self) {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
    }
}
