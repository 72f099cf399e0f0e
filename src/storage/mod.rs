//! The only door to disk and object stores.
//!
//! A [`Store`] is one [`Location`]; its objects have `/`-separated keys below it. Everything here
//! blocks: the asynchronous client lives behind one runtime that the first S3 call starts.
//! Promises: a key never names anything outside its location; a reader sees an object's old bytes
//! or its new ones; a write that returned has reached the disk; temporary files lie in
//! `_chatkpi/tmp/` and nowhere else; every failure says which object and what to do.
//! Leaves out: what the objects mean, who may write when (`sink`), and the environment, which
//! `cli` hands over as [`StorageOptions`].

mod failure;
#[cfg(test)]
pub(crate) mod fake;
mod local;
mod options;
mod read;
mod s3;
#[cfg(test)]
mod tests;

pub use options::StorageOptions;
pub use read::read_error;

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use object_store::path::Path as ObjectPath;
use object_store::{GetOptions, GetRange, GetResult};

use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::Location;
use failure::Failure;

/// The folder of a location that belongs to the program: its lock and its temporary files.
pub const CONTROL_FOLDER: &str = "_chatkpi";

/// How often a conditional write sends the same bytes before it gives up.
const WRITE_ATTEMPTS: u32 = 6;
/// Before the second of these; doubled before each later one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// An object that only shows whether the store keeps its word; see [`Store::check_conditions`].
const PROBE: &str = "_chatkpi/probe";

/// One location. Cheap to clone; every method may be called from any thread.
#[derive(Clone)]
pub struct Store {
    place: Arc<Place>,
}

enum Place {
    Local(local::Folder),
    S3(s3::Bucket),
    #[cfg(test)]
    Fake(fake::Fake),
}

/// What a listing says of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Relative to the location, `/` between its parts.
    pub key: String,
    /// In bytes.
    pub size: u64,
    /// Changes when the content does; empty where the store has none.
    pub etag: String,
    /// Microseconds since 1970 UTC.
    pub modified_us: i64,
}

/// One version of an object, or its last bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    pub bytes: Bytes,
    /// As in [`Object`].
    pub etag: String,
    /// Of the whole object.
    pub size: u64,
}

/// What [`Store::put_if_absent`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// The object now holds the caller's bytes.
    Created,
    /// The object was there before, with other bytes, and still is.
    Exists,
}

/// Held while this process is the only writer of a local location; dropping it lets go.
#[derive(Debug)]
pub struct Lock {
    _file: Option<File>,
}

impl Store {
    /// Opens a location without touching it: a local folder need not exist yet, and whether a
    /// bucket does shows at the first request. Relative folders start from the working directory.
    ///
    /// # Errors
    /// `Config`: a local location that is a file; S3 settings that cannot work, or no credentials.
    pub fn open(location: &Location, options: &StorageOptions) -> Result<Store> {
        #[cfg(test)]
        if let Some(world) = &options.world {
            return Ok(Store { place: Arc::new(Place::Fake(world.open(location)?)) });
        }
        let place = match location {
            Location::Local(folder) => Place::Local(local::Folder::open(folder)?),
            Location::S3 { bucket, prefix } => {
                Place::S3(s3::Bucket::open(bucket, prefix, options)?)
            }
        };
        Ok(Store { place: Arc::new(place) })
    }

    /// The object's name for people: a path, or `s3://bucket/key`. Holds no credentials.
    pub fn url(&self, key: &str) -> String {
        match &*self.place {
            Place::Local(folder) => folder.path(key).display().to_string(),
            Place::S3(bucket) => bucket.url(key),
            #[cfg(test)]
            Place::Fake(fake) => fake.url(key),
        }
    }

    /// Whether the location is there at all; an object store's bucket is taken to be.
    pub fn exists(&self) -> bool {
        match &*self.place {
            Place::Local(folder) => folder.path("").is_dir(),
            Place::S3(_) => true,
            #[cfg(test)]
            Place::Fake(fake) => fake.exists(),
        }
    }

    /// Every object whose key starts with `prefix`, sorted by key. The prefix may end within a
    /// name. Temporary files and the lock are no objects and are left out.
    ///
    /// # Errors
    /// `Config` where the local folder or the bucket does not exist.
    pub fn list(&self, prefix: &str) -> Result<Vec<Object>> {
        check_prefix(prefix)?;
        let mut objects = match &*self.place {
            Place::Local(folder) => folder.list(prefix)?,
            Place::S3(bucket) => bucket.list(prefix)?,
            #[cfg(test)]
            Place::Fake(fake) => fake.list(prefix)?,
        };
        objects.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(objects)
    }

    /// The whole object.
    ///
    /// # Errors
    /// `Input` where it does not exist.
    pub fn read(&self, key: &str) -> Result<Bytes> {
        let missing = || failure::explain(&self.url(key), &failure::missing(key));
        self.read_if_exists(key)?.ok_or_else(missing)
    }

    /// The whole object, or None where it (or the local folder) does not exist.
    pub fn read_if_exists(&self, key: &str) -> Result<Option<Bytes>> {
        Ok(self.fetch(key, None)?.map(|version| version.bytes))
    }

    /// The object's last bytes, at most so many, and which version they are of; None where it does
    /// not exist.
    pub fn read_tail(&self, key: &str, most: u64) -> Result<Option<Version>> {
        self.fetch(key, Some(most))
    }

    /// A stream over exactly the version of the object that has `etag` (as listed; empty: over
    /// whichever is there now). On S3 it reads ahead by several MiB.
    ///
    /// # Errors
    /// `Input` where the object is gone or has changed. A failure under way comes out of
    /// `Read::read`; [`read_error`] gives the [`Error`] inside.
    pub fn open_read(&self, key: &str, etag: &str) -> Result<Box<dyn Read + Send>> {
        let url = self.url(key);
        match &*self.place {
            Place::Local(folder) => {
                let result = folder.get(key, pinned(etag))?;
                let result = result.map_err(|error| failure::explain_read(&url, &error))?;
                Ok(Box::new(read::FileReader::new(url, result)?))
            }
            Place::S3(bucket) => {
                let path = bucket.path(key)?;
                Ok(Box::new(read::BlockReader::open(bucket.client(), path, url, etag)?))
            }
            #[cfg(test)]
            Place::Fake(fake) => fake.open_read(key, etag),
        }
    }

    /// Copies the object to a local file, which is replaced; a failure leaves none.
    pub fn download(&self, key: &str, to: &Path) -> Result<()> {
        let mut from = self.open_read(key, "")?;
        let copied = File::create(to)
            .map_err(|error| crate::error::io_error(to.display(), error))
            .and_then(|mut file| local::pump(&mut from, &mut file, to));
        if copied.is_err() {
            // The first failure is the one to report.
            let _ = std::fs::remove_file(to);
        }
        copied
    }

    /// The object's own file where the location is on local disk, so that no copy is needed; None
    /// on S3 and for keys that may not be read. Says nothing of whether the file exists.
    pub fn local_path(&self, key: &str) -> Option<PathBuf> {
        match &*self.place {
            Place::Local(folder) => folder.checked_path(key).ok(),
            Place::S3(_) => None,
            #[cfg(test)]
            Place::Fake(fake) => fake.local_path(key),
        }
    }

    /// Creates the object unless it exists, atomically, whoever else tries.
    ///
    /// An answer that leaves open whether the bytes arrived is settled by reading the object:
    /// the caller's own bytes mean `Created`. So bytes that must win alone have to be unique.
    pub fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<Put> {
        let mut last = None;
        for attempt in 0..WRITE_ATTEMPTS {
            self.pause(attempt);
            match self.create(key, &bytes)? {
                Attempt::Done => return Ok(Put::Created),
                Attempt::Unsure(error) => last = error.or(last),
            }
            match self.read_if_exists(key)? {
                Some(found) if found == bytes => return Ok(Put::Created),
                Some(_) => return Ok(Put::Exists),
                // Refused, yet absent: a racing write was undone. Only the same bytes may go
                // out again, because the earlier request may still land.
                None => {}
            }
        }
        Err(last.unwrap_or_else(|| self.undecided(key)))
    }

    /// Replaces the version of the object that has `etag`, atomically, whoever else tries. True
    /// where the object now holds the caller's bytes, false where it is another version or gone.
    ///
    /// As for [`Store::put_if_absent`] an answer that leaves it open is settled by reading. On
    /// local disk the comparison and the change are two steps: there the lock keeps others away.
    pub fn put_if_unchanged(&self, key: &str, bytes: Bytes, etag: &str) -> Result<bool> {
        let mut last = None;
        for attempt in 0..WRITE_ATTEMPTS {
            self.pause(attempt);
            match self.replace(key, &bytes, etag)? {
                Attempt::Done => return Ok(true),
                Attempt::Unsure(error) => last = error.or(last),
            }
            match self.fetch(key, None)? {
                Some(found) if found.bytes == bytes => return Ok(true),
                Some(found) if found.etag == etag => {}
                _ => return Ok(false),
            }
        }
        Err(last.unwrap_or_else(|| self.undecided(key)))
    }

    /// Makes sure that the store refuses to create what is there and to replace what has changed:
    /// some that speak S3 pass over both conditions, and two runs would then undo each other.
    /// Local disk needs no asking. Leaves one small object behind.
    ///
    /// # Errors
    /// `Config` where the store does not keep these conditions.
    pub fn check_conditions(&self) -> Result<()> {
        if self.is_local() {
            return Ok(());
        }
        let bytes = Bytes::from_static(b"shows that the store keeps conditions of writes\n");
        let refused = |attempt| match attempt {
            Attempt::Done => Ok(false),
            Attempt::Unsure(None) => Ok(true),
            Attempt::Unsure(Some(error)) => Err(error),
        };
        // The first may create it; the second has to be refused.
        let creates =
            refused(self.create(PROBE, &bytes)?)? || refused(self.create(PROBE, &bytes)?)?;
        let no_such_version = "\"00000000000000000000000000000000\"";
        if creates && refused(self.replace(PROBE, &bytes, no_such_version)?)? {
            return Ok(());
        }
        Err(Error::config("the store ignores the conditions of writes")
            .context("object", self.url(PROBE))
            .context("ignored", if creates { "If-Match" } else { "If-None-Match" })
            .remedy("keep the warehouse in a store with conditional writes, such as S3, or on local disk: without them two runs can undo each other's work"))
    }

    /// Creates or atomically replaces an object with a local file's content, which is copied.
    pub fn put_file(&self, key: &str, from: &Path) -> Result<()> {
        match &*self.place {
            Place::Local(folder) => folder.put_file(key, from),
            Place::S3(bucket) => bucket.put_file(key, from),
            #[cfg(test)]
            Place::Fake(fake) => fake.put_file(key, from),
        }
    }

    /// Creates or atomically replaces an object.
    pub fn put(&self, key: &str, bytes: Bytes) -> Result<()> {
        match &*self.place {
            Place::Local(folder) => folder.put(key, &bytes),
            Place::S3(bucket) => bucket.put(key, bytes),
            #[cfg(test)]
            Place::Fake(fake) => fake.put(key, bytes),
        }
    }

    /// Deletes the object; one that does not exist is as good as deleted.
    pub fn delete(&self, key: &str) -> Result<()> {
        match &*self.place {
            Place::Local(folder) => folder.delete(key),
            Place::S3(bucket) => bucket.delete(key),
            #[cfg(test)]
            Place::Fake(fake) => fake.delete(key),
        }
    }

    /// Makes this process the only writer of a local location (which is created), and removes
    /// the temporary files that a killed one left. On S3 it does nothing: conditional writes
    /// keep writers apart there.
    ///
    /// # Errors
    /// `Conflict` where somebody else still holds it after `wait`.
    pub fn lock(&self, wait: Duration) -> Result<Lock> {
        match &*self.place {
            Place::Local(folder) => Ok(Lock { _file: Some(folder.lock(wait)?) }),
            Place::S3(_) => Ok(Lock { _file: None }),
            #[cfg(test)]
            Place::Fake(fake) => Ok(Lock { _file: fake.lock(wait)? }),
        }
    }

    fn is_local(&self) -> bool {
        match &*self.place {
            Place::Local(_) => true,
            Place::S3(_) => false,
            #[cfg(test)]
            Place::Fake(fake) => fake.is_local(),
        }
    }

    /// None where the object does not exist; `tail` asks for that many last bytes.
    fn fetch(&self, key: &str, tail: Option<u64>) -> Result<Option<Version>> {
        let options = GetOptions { range: tail.map(GetRange::Suffix), ..GetOptions::default() };
        let answer = match &*self.place {
            Place::Local(folder) => folder.get(key, options)?,
            Place::S3(bucket) => bucket.get(key, options)?,
            #[cfg(test)]
            Place::Fake(fake) => return fake.fetch(key, tail),
        };
        version(&self.url(key), answer)
    }

    fn create(&self, key: &str, bytes: &Bytes) -> Result<Attempt> {
        match &*self.place {
            Place::Local(folder) => folder.create(key, bytes),
            Place::S3(bucket) => bucket.create(key, bytes),
            #[cfg(test)]
            Place::Fake(fake) => fake.create(key, bytes),
        }
    }

    fn replace(&self, key: &str, bytes: &Bytes, etag: &str) -> Result<Attempt> {
        match &*self.place {
            Place::Local(folder) => folder.replace(key, bytes, etag),
            Place::S3(bucket) => bucket.replace(key, bytes, etag),
            #[cfg(test)]
            Place::Fake(fake) => fake.replace(key, bytes, etag),
        }
    }

    /// Before the second and every later attempt.
    fn pause(&self, attempt: u32) {
        #[cfg(test)]
        if matches!(&*self.place, Place::Fake(_)) {
            return;
        }
        if attempt > 0 {
            std::thread::sleep(FIRST_PAUSE * (1 << (attempt - 1)));
        }
    }

    fn undecided(&self, key: &str) -> Error {
        Error::new(ErrorKind::Transient, "the store neither writes the object nor says why")
            .context("object", self.url(key))
            .remedy("run again later")
    }
}

/// Only the place: the clients behind it hold credentials.
impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({})", self.url(""))
    }
}

/// One try at a conditional write.
enum Attempt {
    Done,
    /// Only the object itself can tell. Holds the error to report if it never does.
    Unsure(Option<Error>),
}

/// Options of a GET for one version of an object.
fn pinned(etag: &str) -> GetOptions {
    let if_match = (!etag.is_empty()).then(|| etag.to_string());
    GetOptions { if_match, ..GetOptions::default() }
}

/// What a store answered, with all its bytes; None where there is no such object.
fn version(url: &str, answer: object_store::Result<GetResult>) -> Result<Option<Version>> {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            return match Failure::of(&error) {
                Failure::Missing => Ok(None),
                // The last bytes of an object that has none.
                Failure::EmptyRange => {
                    Ok(Some(Version { bytes: Bytes::new(), etag: String::new(), size: 0 }))
                }
                _ => Err(failure::explain_read(url, &error)),
            };
        }
    };
    let (etag, size) = (answer.meta.e_tag.clone().unwrap_or_default(), answer.meta.size);
    let bytes = block_on(answer.bytes())?.map_err(|error| failure::explain(url, &error))?;
    Ok(Some(Version { bytes, etag, size }))
}

/// A key becomes a path only here, after it proved to stay inside its location.
fn parse_key(key: &str) -> Result<ObjectPath> {
    let unsafe_part = |part: &str| part.is_empty() || part == "." || part == "..";
    if key.split('/').any(unsafe_part) || has_unsafe_character(key) {
        return Err(bad_key(key));
    }
    ObjectPath::parse(key).map_err(|error| bad_key(key).because(error))
}

/// A prefix may be empty and may end within a name or in a slash, but may not lead out either.
fn check_prefix(prefix: &str) -> Result<()> {
    let (folder, _) = prefix.rsplit_once('/').unwrap_or(("", prefix));
    if prefix.starts_with('/') || has_unsafe_character(prefix) {
        return Err(bad_key(prefix));
    }
    if folder.is_empty() { Ok(()) } else { parse_key(folder).map(drop) }
}

fn has_unsafe_character(key: &str) -> bool {
    key.contains('\\') || key.chars().any(char::is_control)
}

fn bad_key(key: &str) -> Error {
    Error::config("not a safe object name")
        .context("object", format!("{key:?}"))
        .remedy("use names without `..`, backslashes, control characters and empty parts")
}

/// Runs one request to its end on the shared runtime.
fn block_on<F: Future>(future: F) -> Result<F::Output> {
    Ok(runtime()?.block_on(future))
}

/// The runtime behind the blocking facade; started once, kept to the end of the process.
fn runtime() -> Result<&'static tokio::runtime::Runtime> {
    static RUNTIME: std::sync::OnceLock<tokio::runtime::Runtime> = std::sync::OnceLock::new();
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("storage")
        .enable_all()
        .build()
        .map_err(|error| {
            Error::new(ErrorKind::Transient, "cannot start the storage threads").because(error)
        })?;
    // Two threads may race to here; the loser's runtime is dropped unused.
    Ok(RUNTIME.get_or_init(|| runtime))
}
