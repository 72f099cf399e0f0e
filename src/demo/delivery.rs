//! From lines to files: arrival days, late lines, repeated lines, broken lines, gzip.
//!
//! A file holds what arrived on one UTC date, in order of arrival. Lines wait in piles by that
//! date; a pile is written as soon as nothing more can join it, so memory holds about two days.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::{Compression, GzBuilder};

use super::calendar::{Calendar, DAY, HOUR, utc_date};
use super::chance::Chance;
use super::line::Line;
use super::truth::Tally;
use crate::error::{Result, io_error};

/// Shares of all lines. A broken line is one line more: what it was made from is there too.
const LATE: f64 = 0.003;
const REPEATED: f64 = 0.004;
const REDELIVERED: f64 = 0.002;
const CONFLICTING: f64 = 0.000_3;
const BROKEN: f64 = 0.001;

/// Bytes that are compressed at a time.
const CHUNK: usize = 1 << 16;

/// What a broken line suffers from.
pub const BREAKS: [&str; 8] = [
    "truncated",
    "numeric_ts",
    "unreadable_ts",
    "naive_ts",
    "unknown_type",
    "missing_actor",
    "actor_not_text",
    "not_an_object",
];

/// How a line is counted: indexes into the lists of bots, channels, actors and types.
#[derive(Clone, Copy, Default)]
pub struct Mark {
    pub bot: usize,
    pub channel: usize,
    pub actor: usize,
    pub kind: usize,
    pub test: bool,
    pub anonymous: bool,
    /// The line has no user id.
    pub nameless: bool,
    pub proactive: bool,
}

pub struct Delivery<'a> {
    calendar: &'a Calendar,
    /// None: nothing is written.
    folder: Option<PathBuf>,
    chance: Chance,
    piles: BTreeMap<i32, Pile>,
    spare: Vec<Pile>,
    /// The next UTC day to be written.
    next: i32,
    broken: usize,
    pub tally: Tally,
    pub files: u64,
    pub bytes: u64,
}

/// The lines of one arrival date.
#[derive(Default)]
struct Pile {
    bytes: Vec<u8>,
    /// Arrival, start and end in `bytes`: sorted so, equal arrivals keep their order.
    lines: Vec<(i64, usize, usize)>,
}

impl Pile {
    fn add(&mut self, arrival: i64, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        write(&mut self.bytes);
        self.bytes.push(b'\n');
        self.lines.push((arrival, start, self.bytes.len()));
    }
}

impl<'a> Delivery<'a> {
    pub fn new(calendar: &'a Calendar, out: Option<&Path>, seed: u64) -> Result<Self> {
        let folder = out.map(|out| out.join("logs"));
        if let Some(folder) = &folder {
            fs::create_dir_all(folder).map_err(|e| io_error(folder.display(), e))?;
        }
        Ok(Delivery {
            calendar,
            folder,
            chance: Chance::new(seed, 1, 0),
            piles: BTreeMap::new(),
            spare: Vec::new(),
            next: calendar.first_utc_day(),
            broken: 0,
            tally: Tally::default(),
            files: 0,
            bytes: 0,
        })
    }

    /// The stream of a day's accidents.
    pub fn new_day(&mut self, seed: u64, day: i32) {
        self.chance = Chance::new(seed, 1, day);
    }

    /// Takes a line without its closing brace. False: it happened, or would arrive, after the end.
    pub fn send(&mut self, line: &mut Line) -> bool {
        let late = self.chance.hit(LATE);
        let day = line.at.div_euclid(DAY);
        let arrival =
            if late { (day + 1) * DAY + self.chance.between(0, 6 * HOUR) } else { line.at };
        if arrival >= self.calendar.end() {
            return false;
        }
        if self.folder.is_none() {
            return true;
        }
        line.bytes.push(b'}');
        self.pile(arrival).add(arrival, |out| out.extend_from_slice(&line.bytes));
        self.tally.count(&line.mark, late);
        self.accidents(arrival, line, late);
        true
    }

    /// Writes the files of all UTC days up to and including `last`.
    pub fn write_until(&mut self, last: i32) -> Result<()> {
        let Some(folder) = self.folder.clone() else { return Ok(()) };
        while self.next <= last.min(self.calendar.end_utc_day() - 1) {
            let mut pile = self.piles.remove(&self.next).unwrap_or_default();
            let path = folder.join(format!("events-{}.jsonl.gz", utc_date(self.next)));
            self.bytes += write_pile(&path, &mut pile).map_err(|e| io_error(path.display(), e))?;
            self.files += 1;
            self.next += 1;
            pile.bytes.clear();
            pile.lines.clear();
            self.spare.push(pile);
        }
        Ok(())
    }

    fn pile(&mut self, arrival: i64) -> &mut Pile {
        let day = arrival.div_euclid(DAY) as i32;
        let spare = &mut self.spare;
        self.piles.entry(day).or_insert_with(|| spare.pop().unwrap_or_default())
    }

    /// What else happens to a line on its way, at most one thing of each.
    fn accidents(&mut self, arrival: i64, line: &Line, late: bool) {
        let mut roll = self.chance.unit();
        if roll >= REPEATED + REDELIVERED + CONFLICTING + BROKEN {
            return;
        }
        let midnight = (arrival.div_euclid(DAY) + 1) * DAY;
        let soon = (arrival + self.chance.between(1, HOUR / 6)).min(midnight - 1);
        if roll < REPEATED {
            self.pile(soon).add(soon, |out| out.extend_from_slice(&line.bytes));
            self.tally.repeated += 1;
            return;
        }
        roll -= REPEATED;
        if roll < REDELIVERED {
            let next_day = midnight + self.chance.between(0, 2 * HOUR);
            // A late line's copy would come two days after the fact, which nobody waits for.
            if !late && next_day < self.calendar.end() {
                self.pile(next_day).add(next_day, |out| out.extend_from_slice(&line.bytes));
                self.tally.redelivered += 1;
            }
            return;
        }
        roll -= REDELIVERED;
        if roll < CONFLICTING {
            // Only where the key cannot be there already.
            if line.mark.kind == 0 {
                let changed = &line.bytes[..line.bytes.len() - 1];
                self.pile(soon).add(soon, |out| {
                    out.extend_from_slice(changed);
                    out.extend_from_slice(b",\"reason\":\"redelivered\"}");
                });
                self.tally.conflicting += 1;
            }
            return;
        }
        // In turn, so that a small demo has every kind.
        let how = self.broken % BREAKS.len();
        self.broken += 1;
        self.pile(soon).add(soon, |out| break_line(out, &line.bytes, how));
        self.tally.broken[how] += 1;
    }
}

/// Appends a spoilt copy of a line.
fn break_line(out: &mut Vec<u8>, line: &[u8], how: usize) {
    // The line begins with its id and its timestamp, see `Line::begin`.
    let ts = find(line, b"\"ts\":\"") + 6;
    let ts_end = ts + find(&line[ts..], b"\"");
    let mut replace = |from: usize, to: usize, with: &[u8]| {
        out.extend_from_slice(&line[..from]);
        out.extend_from_slice(with);
        out.extend_from_slice(&line[to..]);
    };
    let actor = find(line, b"\"actor\":");
    match BREAKS[how] {
        "truncated" => replace(line.len() * 3 / 5, line.len(), b""),
        "numeric_ts" => replace(ts - 1, ts_end + 1, b"1767225600000"),
        "unreadable_ts" => replace(ts, ts_end, b"yesterday"),
        "naive_ts" => replace(ts + "2026-01-01T00:00:00.000".len(), ts_end, b""),
        "unknown_type" => {
            let kind = find(line, b"\"type\":\"") + 8;
            replace(kind, kind, b"x_");
        }
        "missing_actor" => replace(actor, actor + 8, b"\"author\":"),
        "actor_not_text" => replace(actor + 8, actor + 8 + actor_len(&line[actor + 8..]), b"[7]"),
        _ => replace(0, line.len(), b"\"connection reset by peer\""),
    }
}

/// The length of the quoted text that `rest` begins with.
fn actor_len(rest: &[u8]) -> usize {
    2 + find(&rest[1..], b"\"")
}

/// Where `needle` begins; the length where it is not there.
fn find(line: &[u8], needle: &[u8]) -> usize {
    memchr::memmem::find(line, needle).unwrap_or(line.len())
}

/// Returns the file's size.
fn write_pile(path: &Path, pile: &mut Pile) -> std::io::Result<u64> {
    pile.lines.sort_unstable();
    let file = BufWriter::with_capacity(1 << 18, File::create(path)?);
    // No time and no name in the header: the same demo is the same bytes.
    let mut gzip = GzBuilder::new().mtime(0).write(file, Compression::fast());
    // Compressing line by line would cost more than the lines.
    let mut chunk = Vec::with_capacity(CHUNK + 4096);
    for (_, start, end) in &pile.lines {
        chunk.extend_from_slice(&pile.bytes[*start..*end]);
        if chunk.len() >= CHUNK {
            gzip.write_all(&chunk)?;
            chunk.clear();
        }
    }
    gzip.write_all(&chunk)?;
    gzip.finish()?.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    Ok(fs::metadata(path)?.len())
}
