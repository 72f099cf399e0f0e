//! Which adapter fits an object that nobody knows, told by trying all of them.

use std::path::Path;

use chrono_tz::Tz;

use super::{Accounting, Decoding, UserHasher, decode};
use crate::error::{Error, Result};
use crate::pipeline::Candidate;

/// Nothing of what is tried is kept.
const THROWAWAY_KEY: &[u8] = b"for trying adapters, never stored";

/// How a candidate reads an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fit {
    /// Records that have the candidate's sign, and are right.
    pub fitting: u64,
    /// All records but blank ones.
    pub records: u64,
    pub events: u64,
    pub quarantined: u64,
}

impl std::ops::AddAssign for Fit {
    fn add_assign(&mut self, other: Fit) {
        self.fitting += other.fitting;
        self.records += other.records;
        self.events += other.events;
        self.quarantined += other.quarantined;
    }
}

impl Fit {
    /// More than half of the records are what the adapter is for, and there is an event in them.
    pub fn is_good(&self) -> bool {
        self.events > 0 && self.fitting * 2 > self.records
    }

    fn of(accounting: &Accounting) -> Fit {
        Fit {
            fitting: accounting.decoded + accounting.empty,
            records: accounting.read - accounting.blank,
            events: accounting.emitted,
            quarantined: accounting.quarantined,
        }
    }
}

/// Reads an object as `candidate` would; `folder` is an empty one for what is thrown away after.
///
/// # Errors
/// Where files cannot be written. An object that cannot be read so is no error, and does not fit.
pub fn fit(candidate: &Candidate, bytes: &[u8], name: &str, folder: &Path) -> Result<Fit> {
    let decoding = Decoding {
        source: &candidate.source,
        zone: Tz::UTC,
        start: None,
        history_floor_us: 0,
        as_of_us: i64::MAX / 2,
        user_key: &UserHasher::new(THROWAWAY_KEY)?,
        object_key: name,
        keep_raw: false,
    };
    let decoded = decode(bytes, &decoding, folder);
    for entry in std::fs::read_dir(folder).map_err(|e| failed(folder, e))? {
        let path = entry.map_err(|e| failed(folder, e))?.path();
        std::fs::remove_file(&path).map_err(|e| failed(&path, e))?;
    }
    Ok(decoded.map_or_else(|_| Fit::default(), |decoded| Fit::of(&decoded.accounting)))
}

fn failed(path: &Path, error: std::io::Error) -> Error {
    crate::error::io_error(path.display(), error)
}
