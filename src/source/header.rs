//! The header of a CSV object, and its rows as values by slot.
//!
//! Leaves out: types, which are the column's matter.

use std::borrow::Cow;

use super::csv::{Cell, Cells, unquote};
use super::keys::{Key, Keys};
use super::split::Record;
use super::value::Raw;
use super::{Bad, text_of};
use crate::error::{Error, ErrorKind, Result};

/// The names of a CSV object's columns.
pub(super) struct Header {
    columns: Vec<Key>,
    duplicate: Option<String>,
    delimiter: u8,
}

impl Header {
    /// Refuses the object when no name is known: then the line is most likely a record, and what
    /// follows has no names.
    pub(super) fn read(record: &Record<'_>, delimiter: u8, keys: &mut Keys) -> Result<Self> {
        let text = text_of(record).map_err(|bad| refused(&bad.reason))?;
        let (mut columns, mut duplicate) = (Vec::new(), None);
        keys.begin();
        for (position, cell) in Cells::of(text, delimiter).enumerate() {
            let name = match cell {
                Cell::Plain(name) => Cow::Borrowed(name),
                Cell::Quoted(raw) => unquote(raw),
            };
            let name = name.trim();
            columns.push(keys.key(position, name.as_bytes()).unwrap_or_else(|| {
                duplicate.get_or_insert_with(|| name.to_owned());
                Key::Stray
            }));
        }
        if !columns.iter().any(|key| matches!(key, Key::Known(_))) {
            return Err(refused("no column has a name that this source reads"));
        }
        Ok(Header { columns, duplicate, delimiter })
    }

    /// Gives each cell of a known column to `take`, with its slot.
    pub(super) fn row<'a>(
        &self,
        text: &'a str,
        keys: &mut Keys,
        mut take: impl FnMut(usize, Raw<'a>),
    ) -> std::result::Result<(), Bad> {
        keys.begin();
        let mut cells = Cells::of(text, self.delimiter);
        for key in &self.columns {
            let raw = match cells.next().ok_or_else(|| Bad::new("bad_columns"))? {
                Cell::Plain("") => Raw::Absent,
                Cell::Plain(text) => Raw::Cell(text),
                Cell::Quoted(raw) => Raw::QuotedCell(raw),
            };
            match key {
                Key::Known(slot) => take(*slot, raw),
                key if raw != Raw::Absent => keys.present(*key),
                _ => (),
            }
        }
        if cells.next().is_some() {
            return Err(Bad::new("bad_columns"));
        }
        match &self.duplicate {
            Some(name) => Err(Bad::field("duplicate_key", name)),
            None => Ok(()),
        }
    }
}

fn refused(why: &str) -> Error {
    Error::new(ErrorKind::Input, format!("bad_header: {why}"))
        .remedy("the first line of a CSV object names its columns")
}
