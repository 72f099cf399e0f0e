//! A world of made-up storage, for tests: buckets in memory that keep S3's promises, and faults in
//! every operation on them or on real folders.
//!
//! Time is the number of operations. A script decides what becomes of each; a write that lands late
//! is carried out, under its condition, when its time has come. ETags are hashes of content, as
//! S3's are: bytes that come back have the ETag that they had. Leaves out: listings in pages, parts.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, ThreadId};
use std::time::Duration;

use bytes::Bytes;
use object_store::GetOptions;
use sha2::{Digest, Sha256};

use super::{Attempt, Object, Version, failure, local, parse_key, version};
use crate::error::{Error, ErrorKind, Result, io_error};
use crate::pipeline::Location;

/// What becomes of one operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is carried out and says so.
    None,
    /// It is not carried out; the error is one that may pass.
    Before,
    /// It is carried out; the error is one that may pass.
    After,
    /// A conditional write is refused, although nothing stands in its way.
    Conflict,
    /// What is read comes back short, without an error.
    Torn,
    /// As `Before`; but the write is carried out so many operations later.
    Late(usize),
    /// The process ends before it: neither this nor any later operation is carried out.
    DieBefore,
    /// The process ends after it.
    DieAfter,
}

impl Fault {
    pub(crate) const ALL: [Fault; 10] = [
        Fault::Before,
        Fault::After,
        Fault::Conflict,
        Fault::Torn,
        Fault::Late(1),
        Fault::Late(4),
        Fault::Late(16),
        Fault::Late(1_000),
        Fault::DieBefore,
        Fault::DieAfter,
    ];
}

/// One operation, as a script sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Operation {
    /// From 0, since the last [`World::play`].
    pub number: usize,
    pub what: What,
    /// With the bucket and the prefix.
    pub key: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    List,
    Read,
    Create,
    Replace,
    Put,
    Delete,
}

type Script = Arc<dyn Fn(&Operation) -> Fault + Send + Sync>;

/// All storage there is.
#[derive(Default)]
pub(crate) struct World {
    state: Mutex<State>,
    /// Called before each operation, without any lock held.
    gate: Mutex<Option<Arc<dyn Fn() + Send + Sync>>>,
}

#[derive(Default)]
struct State {
    objects: Objects,
    script: Option<Script>,
    operations: Vec<Operation>,
    /// Each thread is a process.
    dead: HashSet<ThreadId>,
    /// Writes under way, each with the time that is left.
    late: Vec<(usize, Write)>,
    /// Goes on with every operation.
    now: i64,
}

/// By full key; each with its bytes and the moment of its writing.
type Objects = BTreeMap<String, (Bytes, i64)>;

#[derive(Debug, Clone)]
struct Write {
    key: String,
    /// None deletes.
    bytes: Option<Bytes>,
    condition: Condition,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Condition {
    None,
    Absent,
    Etag(String),
}

impl World {
    pub(super) fn open(self: &Arc<Self>, location: &Location) -> Result<Fake> {
        let below = match location {
            Location::Local(folder) => Below::Folder(local::Folder::open(folder)?),
            Location::S3 { bucket, prefix } => Below::Bucket(format!("{bucket}/{prefix}/")),
        };
        Ok(Fake { world: Arc::clone(self), below })
    }

    /// From here on `script` decides; the operations so far are forgotten.
    pub(crate) fn play(&self, script: impl Fn(&Operation) -> Fault + Send + Sync + 'static) {
        let mut state = self.state();
        state.script = Some(Arc::new(script));
        state.operations.clear();
        state.dead.clear();
    }

    /// The operations since the last [`World::play`].
    pub(crate) fn operations(&self) -> Vec<Operation> {
        self.state().operations.clone()
    }

    /// A new process takes the place of the dead one.
    pub(crate) fn revive(&self) {
        self.state().dead.remove(&thread::current().id());
    }

    /// Everything under way arrives.
    pub(crate) fn land_all(&self) {
        let mut state = self.state();
        let now = state.now;
        for (_, write) in std::mem::take(&mut state.late) {
            state.objects.apply(&write, now);
        }
    }

    /// Has `gate` called before every operation.
    pub(crate) fn guard(&self, gate: impl Fn() + Send + Sync + 'static) {
        *self.gate.lock().expect("no test panicked") = Some(Arc::new(gate));
    }

    /// A world of its own with the same objects, and nothing under way.
    pub(crate) fn copy(&self) -> Arc<World> {
        let world = World::default();
        world.state().objects.clone_from(&self.state().objects);
        Arc::new(world)
    }

    /// Every object of the buckets, by full key.
    pub(crate) fn objects(&self) -> BTreeMap<String, Bytes> {
        let state = self.state();
        state.objects.iter().map(|(key, (bytes, _))| (key.clone(), bytes.clone())).collect()
    }

    pub(crate) fn set(&self, key: &str, bytes: &[u8]) {
        let bytes = Some(Bytes::copy_from_slice(bytes));
        let write = Write { key: key.to_owned(), bytes, condition: Condition::None };
        self.apply(&write);
    }

    pub(crate) fn remove(&self, key: &str) {
        let write = Write { key: key.to_owned(), bytes: None, condition: Condition::None };
        self.apply(&write);
    }

    /// The moment of a write from here on, at the earliest.
    pub(crate) fn now(&self) -> i64 {
        self.state().now
    }

    fn apply(&self, write: &Write) -> bool {
        let mut state = self.state();
        let now = state.now;
        state.objects.apply(write, now)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panicked")
    }

    /// Counts an operation, lets what is due land, and asks the script.
    fn begin(&self, what: What, key: &str) -> Result<Fault> {
        let gate = self.gate.lock().expect("no test panicked").clone();
        if let Some(gate) = gate {
            gate();
        }
        let mut state = self.state();
        let mut due = Vec::new();
        for (left, write) in std::mem::take(&mut state.late) {
            match left {
                0 => due.push(write),
                _ => state.late.push((left - 1, write)),
            }
        }
        state.now += 1;
        let now = state.now;
        due.iter().for_each(|write| _ = state.objects.apply(write, now));
        if state.dead.contains(&thread::current().id()) {
            return Err(dead());
        }
        let number = state.operations.len();
        let operation = Operation { number, what, key: key.to_owned() };
        let fault = state.script.clone().map_or(Fault::None, |script| script(&operation));
        state.operations.push(operation);
        match fault {
            Fault::DieBefore => {
                state.dead.insert(thread::current().id());
                Err(dead())
            }
            fault => Ok(fault),
        }
    }

    fn end(&self, fault: Fault) -> Result<()> {
        match fault {
            Fault::After => Err(passing()),
            Fault::DieAfter => {
                self.state().dead.insert(thread::current().id());
                Err(dead())
            }
            _ => Ok(()),
        }
    }
}

trait Apply {
    /// False where the condition does not hold.
    fn apply(&mut self, write: &Write, now: i64) -> bool;
}

impl Apply for Objects {
    fn apply(&mut self, write: &Write, now: i64) -> bool {
        let holds = match (&write.condition, self.get(&write.key)) {
            (Condition::None, _) | (Condition::Absent, None) => true,
            (Condition::Etag(etag), Some((bytes, _))) => *etag == etag_of(bytes),
            _ => false,
        };
        if holds {
            match &write.bytes {
                Some(bytes) => _ = self.insert(write.key.clone(), (bytes.clone(), now)),
                None => _ = self.remove(&write.key),
            }
        }
        holds
    }
}

/// A location of a world.
pub(super) struct Fake {
    world: Arc<World>,
    below: Below,
}

enum Below {
    /// The bucket and the prefix, with a slash at the end.
    Bucket(String),
    Folder(local::Folder),
}

impl Fake {
    pub(super) fn url(&self, key: &str) -> String {
        match &self.below {
            Below::Bucket(prefix) => format!("fake://{prefix}{key}"),
            Below::Folder(folder) => folder.path(key).display().to_string(),
        }
    }

    pub(super) fn exists(&self) -> bool {
        match &self.below {
            Below::Bucket(_) => true,
            Below::Folder(folder) => folder.path("").is_dir(),
        }
    }

    pub(super) fn is_local(&self) -> bool {
        matches!(self.below, Below::Folder(_))
    }

    pub(super) fn local_path(&self, key: &str) -> Option<PathBuf> {
        match &self.below {
            Below::Bucket(_) => None,
            Below::Folder(folder) => folder.checked_path(key).ok(),
        }
    }

    pub(super) fn lock(&self, wait: Duration) -> Result<Option<File>> {
        match &self.below {
            Below::Bucket(_) => Ok(None),
            Below::Folder(folder) => folder.lock(wait).map(Some),
        }
    }

    pub(super) fn list(&self, prefix: &str) -> Result<Vec<Object>> {
        let fault = self.begin(What::List, prefix)?;
        if is_undone(fault) {
            return Err(passing());
        }
        let mut found = match &self.below {
            Below::Folder(folder) => folder.list(prefix)?,
            Below::Bucket(root) => {
                let state = self.world.state();
                let all = state.objects.iter();
                let below = all.filter_map(|(key, held)| Some((key.strip_prefix(root)?, held)));
                let wanted = below.filter(|(key, _)| key.starts_with(prefix));
                wanted.map(|(key, (bytes, moment))| object(key, bytes, *moment)).collect()
            }
        };
        if fault == Fault::Torn {
            found.pop();
        }
        self.world.end(fault)?;
        Ok(found)
    }

    pub(super) fn fetch(&self, key: &str, tail: Option<u64>) -> Result<Option<Version>> {
        parse_key(key)?;
        let fault = self.begin(What::Read, key)?;
        if is_undone(fault) {
            return Err(passing());
        }
        let mut found = match &self.below {
            Below::Folder(folder) => {
                let range = tail.map(object_store::GetRange::Suffix);
                let options = GetOptions { range, ..GetOptions::default() };
                version(&self.url(key), folder.get(key, options)?)?
            }
            Below::Bucket(root) => {
                let state = self.world.state();
                state.objects.get(&format!("{root}{key}")).map(|(bytes, _)| {
                    let size = bytes.len() as u64;
                    let from = size - tail.unwrap_or(size).min(size);
                    Version { bytes: bytes.slice(from as usize..), etag: etag_of(bytes), size }
                })
            }
        };
        if let (Fault::Torn, Some(version)) = (fault, &mut found) {
            version.bytes.truncate(version.bytes.len() / 2);
        }
        self.world.end(fault)?;
        Ok(found)
    }

    pub(super) fn open_read(&self, key: &str, etag: &str) -> Result<Box<dyn Read + Send>> {
        let url = self.url(key);
        let missing = || failure::explain(&url, &failure::missing(key));
        let found = self.fetch(key, None)?.ok_or_else(missing)?;
        if !etag.is_empty() && found.etag != etag {
            return Err(failure::changed_while_reading(&url));
        }
        Ok(Box::new(Cursor::new(found.bytes)))
    }

    pub(super) fn create(&self, key: &str, bytes: &Bytes) -> Result<Attempt> {
        self.write_if(What::Create, key, bytes, Condition::Absent, |folder| {
            folder.create(key, bytes)
        })
    }

    pub(super) fn replace(&self, key: &str, bytes: &Bytes, etag: &str) -> Result<Attempt> {
        let condition = Condition::Etag(etag.to_owned());
        self.write_if(What::Replace, key, bytes, condition, |folder| {
            folder.replace(key, bytes, etag)
        })
    }

    pub(super) fn put(&self, key: &str, bytes: Bytes) -> Result<()> {
        let in_folder = |folder: &local::Folder| folder.put(key, &bytes);
        self.write(What::Put, key, Some(bytes.clone()), in_folder)
    }

    pub(super) fn put_file(&self, key: &str, from: &Path) -> Result<()> {
        let bytes = std::fs::read(from).map_err(|e| io_error(from.display(), e))?;
        self.put(key, bytes.into())
    }

    pub(super) fn delete(&self, key: &str) -> Result<()> {
        self.write(What::Delete, key, None, |folder| folder.delete(key))
    }

    fn begin(&self, what: What, key: &str) -> Result<Fault> {
        self.world.begin(what, &self.full(key))
    }

    fn full(&self, key: &str) -> String {
        match &self.below {
            Below::Bucket(root) => format!("{root}{key}"),
            Below::Folder(folder) => folder.path(key).display().to_string(),
        }
    }

    fn write(
        &self,
        what: What,
        key: &str,
        bytes: Option<Bytes>,
        in_folder: impl FnOnce(&local::Folder) -> Result<()>,
    ) -> Result<()> {
        parse_key(key)?;
        let fault = self.begin(what, key)?;
        let write = Write { key: self.full(key), bytes, condition: Condition::None };
        if self.holds_back(fault, &write) {
            return Err(passing());
        }
        match &self.below {
            Below::Folder(folder) => in_folder(folder)?,
            Below::Bucket(_) => _ = self.world.apply(&write),
        }
        self.world.end(fault)
    }

    /// On disk a failure is an error; a store's leaves open what became of the write.
    fn write_if(
        &self,
        what: What,
        key: &str,
        bytes: &Bytes,
        condition: Condition,
        in_folder: impl FnOnce(&local::Folder) -> Result<Attempt>,
    ) -> Result<Attempt> {
        parse_key(key)?;
        let fault = self.begin(what, key)?;
        let Below::Bucket(_) = &self.below else {
            let Below::Folder(folder) = &self.below else { return Err(passing()) };
            if is_undone(fault) {
                return Err(passing());
            }
            let attempt = in_folder(folder)?;
            self.world.end(fault)?;
            return Ok(attempt);
        };
        let write = Write { key: self.full(key), bytes: Some(bytes.clone()), condition };
        if fault == Fault::Conflict {
            return Ok(Attempt::Unsure(None));
        }
        if self.holds_back(fault, &write) {
            return Ok(Attempt::Unsure(Some(passing())));
        }
        let is_written = self.world.apply(&write);
        match (self.world.end(fault), fault) {
            (Err(error), Fault::After) => Ok(Attempt::Unsure(Some(error))),
            (Err(error), _) => Err(error),
            (Ok(()), _) if is_written => Ok(Attempt::Done),
            (Ok(()), _) => Ok(Attempt::Unsure(None)),
        }
    }

    /// Whether the write does not happen now; a late one is kept for later.
    fn holds_back(&self, fault: Fault, write: &Write) -> bool {
        if let (Fault::Late(after), Below::Bucket(_)) = (fault, &self.below) {
            self.world.state().late.push((after, write.clone()));
        }
        is_undone(fault)
    }
}

fn is_undone(fault: Fault) -> bool {
    matches!(fault, Fault::Before | Fault::Conflict | Fault::Late(_))
}

fn object(key: &str, bytes: &Bytes, moment: i64) -> Object {
    let etag = etag_of(bytes);
    Object { key: key.to_owned(), size: bytes.len() as u64, etag, modified_us: moment }
}

fn etag_of(bytes: &Bytes) -> String {
    let hash = Sha256::digest(bytes);
    format!("\"{}\"", data_encoding::HEXLOWER.encode(&hash[..16]))
}

fn passing() -> Error {
    Error::new(ErrorKind::Transient, "a fault made for this test")
}

fn dead() -> Error {
    Error::new(ErrorKind::Interrupted(9), "the process ended, as this test wanted")
}
