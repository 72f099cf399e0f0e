//! Streams over one version of an object.
//!
//! [`FileReader`] reads a local file, [`BlockReader`] an S3 object in blocks that a task fetches
//! ahead of the caller. Both give the version they were opened on, whole, or an error. S3 is read
//! by ranges and not as one long answer, because a caller that decodes slowly would run into the
//! request's timeout. Leaves out: decompression.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;

use bytes::{Buf, Bytes};
use futures::StreamExt;
use object_store::aws::AmazonS3;
use object_store::path::Path as ObjectPath;
use object_store::{GetOptions, GetResult, GetResultPayload, ObjectStore};
use tokio::sync::mpsc;

use super::failure::{self, Failure};
use super::{block_on, pinned, runtime};
use crate::error::{Error, ErrorKind, Result, io_error};

const BLOCK: u64 = 4 << 20;
/// Blocks under way at a time; with the one waiting and the one being read, 20 MiB an object.
const AHEAD: usize = 3;

/// The [`Error`] inside an error from a stream of [`Store::open_read`](super::Store::open_read),
/// also when a decompressor passed it on.
pub fn read_error(error: io::Error) -> Error {
    if error.get_ref().is_some_and(|inner| inner.is::<Error>()) {
        let inner = error.into_inner().and_then(|inner| inner.downcast::<Error>().ok());
        return inner.map_or_else(|| Error::internal("an error without a cause"), |inner| *inner);
    }
    Error::new(ErrorKind::Transient, "cannot read the object to its end").because(error)
}

/// A local file as it was when opened.
pub(super) struct FileReader {
    url: String,
    file: File,
    opened: std::fs::Metadata,
    left: u64,
}

impl FileReader {
    pub(super) fn new(url: String, result: GetResult) -> Result<Self> {
        let GetResultPayload::File(file, _) = result.payload else {
            return Err(Error::internal("a local object is not a file").context("object", url));
        };
        let opened = file.metadata().map_err(|error| io_error(&url, error))?;
        Ok(FileReader { url, file, opened, left: result.meta.size })
    }

    /// A file written in place while it was read may have given us half of each.
    fn check_unchanged(&self) -> io::Result<()> {
        let now = self.file.metadata()?;
        if now.len() == self.opened.len() && now.modified()? == self.opened.modified()? {
            return Ok(());
        }
        Err(io::Error::other(failure::changed_while_reading(&self.url)))
    }
}

impl Read for FileReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = (&self.file).take(self.left).read(buffer).map_err(|error| {
            if error.kind() == io::ErrorKind::Interrupted {
                return error;
            }
            io::Error::other(io_error(&self.url, error))
        })?;
        self.left -= count as u64;
        if count == 0 && !buffer.is_empty() {
            self.check_unchanged()?;
        }
        Ok(count)
    }
}

/// An S3 object, fetched ahead. Dropping it stops the fetching.
pub(super) struct BlockReader {
    current: Bytes,
    blocks: Option<mpsc::Receiver<Result<Bytes>>>,
}

impl BlockReader {
    /// Fetches the first block; its answer says how large the object is and which version.
    pub(super) fn open(
        client: &AmazonS3,
        path: ObjectPath,
        url: String,
        etag: &str,
    ) -> Result<Self> {
        let first = block_on(client.get_opts(&path, ranged(pinned(etag), 0..BLOCK)))?;
        let first = match first {
            Ok(first) => first,
            Err(error) => match Failure::of(&error) {
                Failure::EmptyRange => {
                    return Ok(BlockReader { current: Bytes::new(), blocks: None });
                }
                _ => return Err(failure::explain_read(&url, &error)),
            },
        };
        let size = first.meta.size;
        let etag = first.meta.e_tag.clone().unwrap_or_default();
        let current = block_on(first.bytes())?.map_err(|error| failure::explain(&url, &error))?;
        let blocks = match size > BLOCK {
            true => Some(fetch_ahead(client.clone(), path, url, etag, size)?),
            false => None,
        };
        Ok(BlockReader { current, blocks })
    }
}

impl Read for BlockReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.blocks.as_mut().and_then(mpsc::Receiver::blocking_recv) {
                None => return Ok(0),
                Some(Ok(block)) => self.current = block,
                Some(Err(error)) => return Err(io::Error::other(error)),
            }
        }
        let count = buffer.len().min(self.current.len());
        buffer[..count].copy_from_slice(&self.current[..count]);
        self.current.advance(count);
        Ok(count)
    }
}

/// Fetches every block after the first, in order, no further ahead than the channel lets it.
fn fetch_ahead(
    client: AmazonS3,
    path: ObjectPath,
    url: String,
    etag: String,
    size: u64,
) -> Result<mpsc::Receiver<Result<Bytes>>> {
    let (sender, receiver) = mpsc::channel(1);
    runtime()?.spawn(async move {
        let starts = (BLOCK..size).step_by(BLOCK as usize);
        let mut blocks = futures::stream::iter(starts)
            .map(|start| fetch(&client, &path, &url, &etag, start..size.min(start + BLOCK)))
            .buffered(AHEAD);
        while let Some(block) = blocks.next().await {
            let failed = block.is_err();
            if sender.send(block).await.is_err() || failed {
                return;
            }
        }
    });
    Ok(receiver)
}

async fn fetch(
    client: &AmazonS3,
    path: &ObjectPath,
    url: &str,
    etag: &str,
    range: Range<u64>,
) -> Result<Bytes> {
    let expected = range.end - range.start;
    let answer = async { client.get_opts(path, ranged(pinned(etag), range)).await?.bytes().await };
    let block = answer.await.map_err(|error| match Failure::of(&error) {
        Failure::Changed | Failure::Missing | Failure::EmptyRange => {
            failure::changed_while_reading(url)
        }
        _ => failure::explain(url, &error),
    })?;
    if block.len() as u64 != expected {
        return Err(Error::new(ErrorKind::Transient, "the store sent less than it said")
            .context("object", url));
    }
    Ok(block)
}

fn ranged(options: GetOptions, range: Range<u64>) -> GetOptions {
    GetOptions { range: Some(range.into()), ..options }
}
