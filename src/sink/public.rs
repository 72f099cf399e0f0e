//! The public copies: the one object of each (table, day) that readers find.
//!
//! A copy is the committed object with a stamp in its Parquet footer: which commit made this
//! content visible. A copy is only ever replaced under the condition that it still is the version
//! that was looked at, and only by a later commit's. As no two commits make equal bytes, a run that
//! stalled for hours cannot put an older file back, also not where the content had been the same
//! before. Promises: what is shown was read back and hashed; a file that is not ours is never
//! replaced. Leaves out: which copies a commit changes.

use bytes::Bytes;
use parquet::file::metadata::{
    FileMetaData, FooterTail, KeyValue, ParquetMetaData, ParquetMetaDataReader,
    ParquetMetaDataWriter,
};

use super::verify::content_of;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{Partition, Stamp};
use crate::storage::{Put, Store, Version};

/// The keys of a stamp among a footer's key/values.
const GENERATION: &str = "chatkpi.generation";
const CONTENT: &str = "chatkpi.content";
const PROGRAM: &str = "chatkpi.program_version";

/// The engine's own idea of the columns, whose text is a kind that other readers of Arrow do not
/// expect or know; the Parquet schema says all there is to say.
const ENGINES_SCHEMA: &str = "ARROW:schema";

/// Enough for the footers of most tables; a longer one costs a second request.
const TAIL: u64 = 64 << 10;
/// Of a Parquet file: the footer's length and the magic word.
const FOOTER_END: usize = 8;
/// Each time somebody else was faster; they have to come to an end of it.
const ATTEMPTS: usize = 8;

/// What became of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Copied {
    Written,
    /// It was this version already.
    Already,
    /// A later commit, not known here yet, has replaced it.
    Superseded,
}

/// Makes `partition` readable under its public name as version `stamp`, in place of `was`.
/// `is_later` tells whether a generation was committed after all that the caller knows.
///
/// # Errors
/// Corrupt where the committed object is not what the commit says, or a file that no commit made
/// lies under the public name.
pub(super) fn show(
    store: &Store,
    partition: &Partition,
    stamp: &Stamp,
    was: Option<&Stamp>,
    program: &str,
    is_later: impl Fn(u64) -> Result<bool>,
) -> Result<Copied> {
    let key = super::public_key(partition);
    let mut bytes = None;
    for attempt in 0..ATTEMPTS {
        // Where nothing should be, trying is cheaper than looking first.
        let found = match attempt == 0 && was.is_none() {
            true => None,
            false => store.read_tail(&key, TAIL)?,
        };
        let condition = match &found {
            None => None,
            Some(version) => match stamp_of(store, &key, version)? {
                Some(found) if found == *stamp => return Ok(Copied::Already),
                Some(found) if Some(&found) == was => Some(version.etag.as_str()),
                Some(found) if is_later(found.generation)? => return Ok(Copied::Superseded),
                found => return Err(foreign(store, &key, found)),
            },
        };
        if bytes.is_none() {
            bytes = Some(stamped(&committed(store, partition)?, stamp, program, partition)?);
        }
        let bytes = bytes.clone().unwrap_or_default();
        let written = match condition {
            Some(etag) => store.put_if_unchanged(&key, bytes, etag)?,
            None => store.put_if_absent(&key, bytes)? == Put::Created,
        };
        if written {
            return Ok(Copied::Written);
        }
    }
    Err(Error::new(ErrorKind::Transient, "a published object changes all the time")
        .context("object", store.url(&key))
        .remedy("see what else writes there, then run again"))
}

/// The stamp of a whole public object; None where it has none that can be read.
pub(super) fn read_stamp(bytes: &Bytes) -> Option<Stamp> {
    let footer = footer(bytes)?;
    parse_stamp(&ParquetMetaDataReader::decode_metadata(footer).ok()?)
}

/// The stamp of the object of which `version` holds the end.
fn stamp_of(store: &Store, key: &str, version: &Version) -> Result<Option<Stamp>> {
    if let Some(stamp) = read_stamp(&version.bytes) {
        return Ok(Some(stamp));
    }
    if version.size <= version.bytes.len() as u64 {
        return Ok(None);
    }
    // A longer footer, or no Parquet at all. Should the object be another by now, the condition of
    // the write tells.
    Ok(store.read_if_exists(key)?.and_then(|bytes| read_stamp(&bytes)))
}

/// The footer within the last bytes of a file.
fn footer(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.len().checked_sub(FOOTER_END)?;
    let tail: &[u8; FOOTER_END] = bytes[end..].try_into().ok()?;
    let length = FooterTail::try_new(tail).ok()?.metadata_length();
    bytes.get(end.checked_sub(length)?..end)
}

fn parse_stamp(metadata: &ParquetMetaData) -> Option<Stamp> {
    let pairs = metadata.file_metadata().key_value_metadata()?;
    let value = |key: &str| pairs.iter().find(|pair| pair.key == key)?.value.clone();
    Some(Stamp { generation: value(GENERATION)?.parse().ok()?, content: value(CONTENT)? })
}

/// The object that a commit names, after proving that it is what was committed.
fn committed(store: &Store, partition: &Partition) -> Result<Bytes> {
    let corrupt = |message: &str| {
        Error::new(ErrorKind::Corrupt, message)
            .context("object", store.url(&partition.object))
            .context("table", &partition.table)
            .context("date", partition.date)
            .remedy("restore the object, or build the day again with `run --force`")
    };
    let bytes = store
        .read_if_exists(&partition.object)?
        .ok_or_else(|| corrupt("an object that a commit names is gone"))?;
    match content_of(&bytes, None) {
        Some((rows, content)) if (rows, &content) == (partition.rows, &partition.content) => {
            Ok(bytes)
        }
        _ => Err(corrupt("an object is not what was committed")),
    }
}

/// `bytes` with the stamp in the footer; the pages stay where they are.
fn stamped(bytes: &Bytes, stamp: &Stamp, program: &str, partition: &Partition) -> Result<Bytes> {
    let broken = |e: parquet::errors::ParquetError| {
        Error::internal("a Parquet footer cannot be stamped")
            .context("object", &partition.object)
            .because(e)
    };
    let footer = footer(bytes).ok_or_else(|| Error::internal("a Parquet file without a footer"))?;
    let metadata = ParquetMetaDataReader::decode_metadata(footer).map_err(broken)?;
    let file = metadata.file_metadata();
    let mut pairs = file.key_value_metadata().cloned().unwrap_or_default();
    pairs.retain(|pair| pair.key != ENGINES_SCHEMA);
    let generation = stamp.generation.to_string();
    for (key, value) in
        [(GENERATION, generation.as_str()), (CONTENT, &stamp.content), (PROGRAM, program)]
    {
        pairs.push(KeyValue::new(key.to_owned(), value.to_owned()));
    }
    let file = FileMetaData::new(
        file.version(),
        file.num_rows(),
        file.created_by().map(str::to_owned),
        Some(pairs),
        file.schema_descr_ptr(),
        file.column_orders().cloned(),
    );
    let metadata = ParquetMetaData::new(file, metadata.row_groups().to_vec());
    let mut out = bytes[..bytes.len() - FOOTER_END - footer.len()].to_vec();
    let mut end = Vec::new();
    ParquetMetaDataWriter::new(&mut end, &metadata).finish().map_err(broken)?;
    out.extend_from_slice(&end);
    Ok(out.into())
}

fn foreign(store: &Store, key: &str, found: Option<Stamp>) -> Error {
    let found = match found {
        None => "a file that this program did not publish".to_owned(),
        Some(stamp) => {
            format!("a copy of generation {} that no commit left here", stamp.generation)
        }
    };
    Error::new(ErrorKind::Corrupt, "something else wrote a published object")
        .context("object", store.url(key))
        .context("found", found)
        .remedy("look at the file; move it away (the next run then publishes ours), and keep other programs from writing into the warehouse")
}
