//! A folder on local disk as a store.
//!
//! Listing and reading go through the same client as S3. Writing does not: the client would put
//! its temporary file next to the target, where a crash leaves it for readers of the table to
//! trip over. Here bytes go to `_chatkpi/tmp/` of the same root, reach the disk, and then get
//! their name by a rename (replace) or a hard link (create), and the folder reaches the disk too.
//! Leaves out: network file systems, whose locks and renames may not hold.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::{GetOptions, GetResult, ObjectStore, ObjectStoreExt};

use super::{Attempt, CONTROL_FOLDER, Object, block_on, failure, parse_key};
use crate::error::{Error, ErrorKind, Result, io_error};

const LOCK_POLL: Duration = Duration::from_millis(50);

pub(super) struct Folder {
    /// Absolute; need not exist.
    root: PathBuf,
}

impl Folder {
    pub(super) fn open(folder: &Path) -> Result<Folder> {
        let root =
            std::path::absolute(folder).map_err(|error| io_error(folder.display(), error))?;
        if root.exists() && !root.is_dir() {
            return Err(Error::config("this is a file, not a folder")
                .context("folder", root.display())
                .remedy("name the folder that holds the files"));
        }
        Ok(Folder { root })
    }

    pub(super) fn path(&self, key: &str) -> PathBuf {
        self.root.join(key)
    }

    /// The object's path, after making sure that neither the key nor a symbolic link on the way
    /// leads out of the root.
    pub(super) fn checked_path(&self, key: &str) -> Result<PathBuf> {
        parse_key(key)?;
        let path = self.path(key);
        let Ok(root) = self.root.canonicalize() else {
            return Ok(path);
        };
        // What does not exist yet will be created as plain folders and files.
        let real = path.ancestors().find_map(|ancestor| ancestor.canonicalize().ok());
        if real.is_some_and(|real| real.starts_with(&root)) {
            return Ok(path);
        }
        Err(Error::config("a symbolic link leads out of the folder")
            .context("file", path.display())
            .context("folder", self.root.display())
            .remedy(
                "name the link's target as the folder, or replace the link by what it points to",
            ))
    }

    /// The client for reading and listing; None where the root does not exist.
    pub(super) fn objects(&self) -> Result<Option<LocalFileSystem>> {
        if !self.root.exists() {
            return Ok(None);
        }
        LocalFileSystem::new_with_prefix(&self.root)
            .map(Some)
            .map_err(|error| failure::explain(&self.root.display().to_string(), &error))
    }

    pub(super) fn list(&self, prefix: &str) -> Result<Vec<Object>> {
        let Some(objects) = self.objects()? else {
            return Err(Error::config("no such folder")
                .context("folder", self.root.display())
                .remedy("create the folder or correct its name"));
        };
        let below = match prefix.rsplit_once('/') {
            Some((folder, _)) => Some(parse_key(folder)?),
            None => None,
        };
        let found: Vec<_> = block_on(objects.list(below.as_ref()).try_collect())?
            .map_err(|error| failure::explain(&self.path(prefix).display().to_string(), &error))?;
        let mut listed = Vec::new();
        for meta in found {
            let key = meta.location.as_ref();
            if !key.starts_with(prefix) || is_ours(key) {
                continue;
            }
            self.checked_path(key)?;
            listed.push(Object {
                key: key.to_string(),
                size: meta.size,
                etag: meta.e_tag.unwrap_or_default(),
                modified_us: meta.last_modified.timestamp_micros(),
            });
        }
        Ok(listed)
    }

    pub(super) fn put(&self, key: &str, bytes: &[u8]) -> Result<()> {
        let target = self.target(key)?;
        self.staged(|file, at| write_all(file, bytes, at))?.replace(&target)
    }

    pub(super) fn put_file(&self, key: &str, from: &Path) -> Result<()> {
        let target = self.target(key)?;
        let mut source = File::open(from).map_err(|error| io_error(from.display(), error))?;
        self.staged(|file, at| pump(&mut source, file, at))?.replace(&target)
    }

    pub(super) fn create(&self, key: &str, bytes: &Bytes) -> Result<Attempt> {
        let target = self.target(key)?;
        Ok(match self.staged(|file, at| write_all(file, bytes, at))?.create(&target)? {
            true => Attempt::Done,
            false => Attempt::Unsure(None),
        })
    }

    /// The caller holds the lock, so nobody comes between the look and the rename.
    pub(super) fn replace(&self, key: &str, bytes: &Bytes, etag: &str) -> Result<Attempt> {
        let target = self.target(key)?;
        let staged = self.staged(|file, at| write_all(file, bytes, at))?;
        let Some(objects) = self.objects()? else { return Ok(Attempt::Unsure(None)) };
        let found = match block_on(objects.head(&parse_key(key)?))? {
            Ok(meta) => meta.e_tag,
            Err(object_store::Error::NotFound { .. }) => None,
            Err(error) => return Err(failure::explain(&target.display().to_string(), &error)),
        };
        if found.as_deref() != Some(etag) {
            return Ok(Attempt::Unsure(None));
        }
        staged.replace(&target)?;
        Ok(Attempt::Done)
    }

    /// The outer error is a key or place that may not be read, the inner one the disk's answer.
    pub(super) fn get(
        &self,
        key: &str,
        options: GetOptions,
    ) -> Result<object_store::Result<GetResult>> {
        self.checked_path(key)?;
        match self.objects()? {
            None => Ok(Err(failure::missing(key))),
            Some(objects) => block_on(objects.get_opts(&parse_key(key)?, options)),
        }
    }

    pub(super) fn delete(&self, key: &str) -> Result<()> {
        let path = self.checked_path(key)?;
        match fs::remove_file(&path) {
            Ok(()) => sync_folder(parent(&path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(io_error(path.display(), error)),
        }
    }

    pub(super) fn lock(&self, wait: Duration) -> Result<File> {
        let path = self.target(&format!("{CONTROL_FOLDER}/LOCK"))?;
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| io_error(path.display(), error))?;
        let mut waited = Duration::ZERO;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(error)) => return Err(io_error(path.display(), error)),
                Err(TryLockError::WouldBlock) if waited >= wait => {
                    return Err(Error::new(ErrorKind::Conflict, "another run is writing here")
                        .context("lock", path.display())
                        .remedy("wait for it to end, then run again; a killed run holds no lock"));
                }
                Err(TryLockError::WouldBlock) => {
                    let pause = LOCK_POLL.min(wait - waited);
                    std::thread::sleep(pause);
                    waited += pause;
                }
            }
        }
        self.remove_stale()?;
        Ok(file)
    }

    /// The lock's holder is the only writer, so every temporary file is a dead run's.
    fn remove_stale(&self) -> Result<()> {
        let folder = self.temporary_folder()?;
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(io_error(folder.display(), error)),
        };
        for entry in entries {
            let entry = entry.map_err(|error| io_error(folder.display(), error))?;
            if entry.file_type().is_ok_and(|kind| kind.is_file()) {
                fs::remove_file(entry.path())
                    .map_err(|error| io_error(entry.path().display(), error))?;
            }
        }
        Ok(())
    }

    /// The object's path, in a folder that exists.
    fn target(&self, key: &str) -> Result<PathBuf> {
        let path = self.checked_path(key)?;
        create_folder(parent(&path))?;
        Ok(path)
    }

    fn temporary_folder(&self) -> Result<PathBuf> {
        self.checked_path(&format!("{CONTROL_FOLDER}/tmp"))
    }

    /// A temporary file whose content is written and on the disk.
    fn staged(&self, fill: impl FnOnce(&mut File, &Path) -> Result<()>) -> Result<Staged> {
        let (mut file, staged) = self.temporary()?;
        fill(&mut file, &staged.path)?;
        file.sync_all().map_err(|error| io_error(staged.path.display(), error))?;
        Ok(staged)
    }

    fn temporary(&self) -> Result<(File, Staged)> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let folder = self.temporary_folder()?;
        create_folder(&folder)?;
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = folder.join(format!("{}-{number}", std::process::id()));
            match File::create_new(&path) {
                Ok(file) => return Ok((file, Staged { path })),
                // Process numbers come back, in containers at once; the next number may be free.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(io_error(path.display(), error)),
            }
        }
    }
}

/// A file in the temporary folder; dropping it removes it.
struct Staged {
    path: PathBuf,
}

impl Staged {
    fn replace(self, target: &Path) -> Result<()> {
        fs::rename(&self.path, target).map_err(|error| io_error(target.display(), error))?;
        sync_folder(parent(target))
    }

    fn create(self, target: &Path) -> Result<bool> {
        match fs::hard_link(&self.path, target) {
            Ok(()) => sync_folder(parent(target)).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            // What file systems without hard links answer, and folders that may not be written.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied
                ) =>
            {
                Err(Error::config("cannot create a file by a hard link")
                    .context("file", target.display())
                    .remedy("use a folder that may be written, on a file system with hard links")
                    .because(error))
            }
            Err(error) => Err(io_error(target.display(), error)),
        }
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // Gone after a rename. Whatever stays behind goes at the next lock.
        let _ = fs::remove_file(&self.path);
    }
}

/// Copies a stream into a local file; reading errors keep their own story.
pub(super) fn pump(from: &mut dyn Read, to: &mut File, at: &Path) -> Result<()> {
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => write_all(to, &buffer[..count], at)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(super::read_error(error)),
        }
    }
}

fn write_all(file: &mut File, bytes: &[u8], at: &Path) -> Result<()> {
    file.write_all(bytes).map_err(|error| io_error(at.display(), error))
}

/// What lies in the control folder for this module's own use.
fn is_ours(key: &str) -> bool {
    let Some(rest) = key.strip_prefix(CONTROL_FOLDER) else {
        return false;
    };
    rest == "/LOCK" || rest.starts_with("/tmp/")
}

/// Creates a folder and all above it, each of which is on the disk when this returns.
fn create_folder(folder: &Path) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = parent(folder);
    create_folder(above)?;
    match fs::create_dir(folder) {
        Ok(()) => sync_folder(above),
        // Another writer was faster; a file in its place shows at the next step.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(io_error(folder.display(), error)),
    }
}

/// Makes the names in a folder survive a power cut, where the system can do that.
fn sync_folder(folder: &Path) -> Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| io_error(folder.display(), error))
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}
