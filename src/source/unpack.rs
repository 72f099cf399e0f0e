//! Compressed or plain, told by the first bytes; never by the name.
//!
//! Gzip of many members, zstd of many frames, plain bytes, and gzip inside of either, as when one
//! service hands compressed logs to another that compresses. A stream that ends early or is damaged
//! refuses the whole object, because half an object looks like a quiet day. So does one that unpacks
//! to absurd sizes. Leaves out: archives, which are not a way to ship logs.

use std::io::{self, BufReader, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

use crate::error::{Error, ErrorKind, Result};

/// No object may unpack to more bytes.
const LARGEST: u64 = 64 << 30;
/// From this many unpacked bytes on, the ratio is looked at.
const RATIO_FROM: u64 = 64 << 20;
/// Unpacked bytes to a packed one.
const RATIO: u64 = 500;
/// The largest zstd window, as a power of two.
const WINDOW_LOG: u32 = 27;
/// Packed bytes read at once.
const BLOCK: usize = 256 << 10;
/// Bytes that tell the format.
const HEAD: usize = 4;
/// How often a stream may be compressed.
const MOST_LAYERS: usize = 3;

/// The unpacked bytes of an object.
pub(super) struct Unpacked<R: Read> {
    stream: Stream<R>,
    meter: Arc<Meter>,
    produced: u64,
}

type Begun<R> = io::Chain<Cursor<Vec<u8>>, R>;
type Packed<R> = BufReader<Begun<Metered<R>>>;

enum Stream<R: Read> {
    Plain(Packed<R>),
    Gzip(Box<MultiGzDecoder<Packed<R>>>),
    Zstd(zstd::stream::read::Decoder<'static, Packed<R>>),
    /// What a layer held that is not compressed.
    Inner(Box<Begun<Stream<R>>>),
    GzipInside(Box<MultiGzDecoder<BufReader<Begun<Stream<R>>>>>),
}

impl<R: Read> Stream<R> {
    /// Looks inside a compressed stream, which may hold another.
    fn opened(mut self, layers: usize) -> io::Result<Self> {
        if matches!(self, Stream::Plain(_)) || layers >= MOST_LAYERS {
            return Ok(self);
        }
        let mut head = Vec::with_capacity(HEAD);
        (&mut self).take(HEAD as u64).read_to_end(&mut head)?;
        let format = format_of(&head);
        let begun = Cursor::new(head).chain(self);
        if format != Format::Gzip {
            return Ok(Stream::Inner(Box::new(begun)));
        }
        let packed = BufReader::with_capacity(BLOCK, begun);
        Stream::GzipInside(Box::new(MultiGzDecoder::new(packed))).opened(layers + 1)
    }
}

impl<R: Read> Read for Stream<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(stream) => stream.read(buffer),
            Stream::Gzip(stream) => stream.read(buffer),
            Stream::Zstd(stream) => stream.read(buffer),
            Stream::Inner(stream) => stream.read(buffer),
            Stream::GzipInside(stream) => stream.read(buffer),
        }
    }
}

impl<R: Read> Unpacked<R> {
    /// `key` is the object's name: a `.gz` or `.zst` that ends within its first bytes is truncated,
    /// not plain.
    pub(super) fn new(object: R, key: &str) -> Result<Self> {
        let meter = Arc::new(Meter::default());
        let mut metered = Metered { inner: object, meter: meter.clone() };
        let mut head = Vec::with_capacity(HEAD);
        (&mut metered).take(HEAD as u64).read_to_end(&mut head).map_err(unreadable)?;
        let format = format_of(&head);
        if format == Format::Plain && head.len() < HEAD && names_compression(key) {
            return Err(damaged("it ends before the first compressed byte"));
        }
        let packed = BufReader::with_capacity(BLOCK, Cursor::new(head).chain(metered));
        let stream = match format {
            Format::Plain => Stream::Plain(packed),
            Format::Gzip => Stream::Gzip(Box::new(MultiGzDecoder::new(packed))),
            Format::Zstd => {
                let mut decoder =
                    zstd::stream::read::Decoder::with_buffer(packed).map_err(damaged)?;
                decoder.window_log_max(WINDOW_LOG).map_err(damaged)?;
                Stream::Zstd(decoder)
            }
        };
        let stream = stream.opened(1).map_err(|error| refused(error, &meter))?;
        Ok(Unpacked { stream, meter, produced: 0 })
    }

    /// Fills some of `buffer`; 0 is the end.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let read = loop {
            match self.stream.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                other => break other,
            }
        };
        let count = read.map_err(|error| refused(error, &self.meter))?;
        self.produced += count as u64;
        self.bounded()?;
        Ok(count)
    }

    fn bounded(&self) -> Result<()> {
        let consumed = self.meter.bytes.load(Ordering::Relaxed);
        let bomb = self.produced > RATIO_FROM && self.produced / RATIO > consumed;
        if bomb || self.produced > LARGEST {
            let message = "decompression_bomb: the object unpacks to far more than logs do";
            return Err(Error::new(ErrorKind::Input, message)
                .context("packed bytes", consumed)
                .context("unpacked bytes", self.produced)
                .remedy("split the object, or look at who wrote it"));
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Plain,
    Gzip,
    Zstd,
}

fn format_of(head: &[u8]) -> Format {
    match head {
        [0x1f, 0x8b, ..] => Format::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd] => Format::Zstd,
        // A frame to skip, which some writers put first.
        [0x50..=0x5f, 0x2a, 0x4d, 0x18] => Format::Zstd,
        _ => Format::Plain,
    }
}

fn names_compression(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    key.ends_with(".gz") || key.ends_with(".zst")
}

/// What has been read of the packed object, and whether reading itself failed.
#[derive(Default)]
struct Meter {
    bytes: AtomicU64,
    failed: AtomicBool,
}

struct Metered<R> {
    inner: R,
    meter: Arc<Meter>,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer);
        match &read {
            Ok(count) => _ = self.meter.bytes.fetch_add(*count as u64, Ordering::Relaxed),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
            Err(_) => self.meter.failed.store(true, Ordering::Relaxed),
        }
        read
    }
}

/// A failing store is not a damaged object: it may work next time.
fn refused(error: io::Error, meter: &Meter) -> Error {
    if meter.failed.load(Ordering::Relaxed) { unreadable(error) } else { damaged(error) }
}

fn damaged(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let message = "truncated_object: the compressed stream ends early or is damaged; \
                   nothing of the object was taken";
    Error::new(ErrorKind::Input, message)
        .because(cause)
        .remedy("deliver the object again; a run picks up the new copy by itself")
}

fn unreadable(error: io::Error) -> Error {
    Error::new(ErrorKind::Transient, "reading the object failed").because(error)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn unpack(object: &[u8], key: &str) -> Result<Vec<u8>> {
        let mut unpacked = Unpacked::new(object, key)?;
        let (mut all, mut block) = (Vec::new(), [0; 1000]);
        loop {
            match unpacked.read(&mut block)? {
                0 => return Ok(all),
                n => all.extend_from_slice(&block[..n]),
            }
        }
    }

    fn text() -> Vec<u8> {
        (0..2000).flat_map(|n| format!("line {n}\n").into_bytes()).collect()
    }

    #[test]
    fn members_and_frames_follow_one_another() {
        let text = text();
        let (a, b) = text.split_at(777);
        assert_eq!(unpack(&[gzip(a), gzip(b)].concat(), "x").unwrap(), text);
        let frame = |bytes| zstd::encode_all(bytes, 1).unwrap();
        assert_eq!(unpack(&[frame(a), frame(b)].concat(), "x").unwrap(), text);
        assert_eq!(unpack(&text, "x.gz").unwrap(), text);
        assert_eq!(unpack(b"", "x").unwrap(), b"");
    }

    #[test]
    fn gzip_inside_of_a_compressed_stream_is_opened_too() {
        let text = text();
        let (a, b) = text.split_at(777);
        let members = [gzip(a), gzip(b)].concat();
        let twice = gzip(&members);
        assert_eq!(unpack(&twice, "x.gz").unwrap(), text);
        assert_eq!(unpack(&zstd::encode_all(&members[..], 1).unwrap(), "x").unwrap(), text);
        assert_eq!(unpack(&gzip(&twice), "x").unwrap(), text);
        for short in ["", "a", "abcde"] {
            assert_eq!(unpack(&gzip(short.as_bytes()), "x").unwrap(), short.as_bytes());
        }
        // No end to it: what is left compressed is no log.
        assert_eq!(unpack(&gzip(&gzip(&twice)), "x").unwrap(), members);
    }

    #[test]
    fn every_cut_is_found() {
        let text = text();
        let two = text.split_at(9_000);
        let gz = [gzip(two.0), gzip(two.1)].concat();
        let zst = [zstd::encode_all(two.0, 1).unwrap(), zstd::encode_all(two.1, 1).unwrap()];
        let seams = [gzip(two.0).len(), zst[0].len()];
        for ((key, object), seam) in [("a.gz", gz), ("a.zst", zst.concat())].into_iter().zip(seams)
        {
            // A cut between two members leaves a whole stream: nobody can tell.
            for cut in (0..object.len()).filter(|&cut| cut != seam) {
                let error = unpack(&object[..cut], key).unwrap_err();
                assert_eq!(error.kind, ErrorKind::Input, "{key} cut at {cut}");
                assert!(error.message.contains("truncated_object"));
            }
        }
    }

    #[test]
    fn flipped_bytes_never_pass_for_the_text() {
        let text = text();
        let object = gzip(&text);
        for at in 10..object.len() {
            let mut damaged = object.clone();
            damaged[at] ^= 0x10;
            assert!(unpack(&damaged, "x.gz").is_err(), "byte {at}");
        }
    }

    #[test]
    fn bombs_are_refused() {
        let zeros = vec![b' '; 80 << 20];
        for object in [gzip(&zeros), zstd::encode_all(&zeros[..], 1).unwrap()] {
            let error = unpack(&object, "x").map(|bytes| bytes.len()).unwrap_err();
            assert!(error.message.contains("decompression_bomb"), "{error}");
        }
    }

    #[test]
    fn a_failing_store_is_not_a_damaged_object() {
        struct Failing(usize);
        impl Read for Failing {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                self.0 += 1;
                if self.0 > 1 {
                    return Err(io::Error::other("reset by peer"));
                }
                buffer[..4].copy_from_slice(&[0x1f, 0x8b, 8, 0]);
                Ok(4)
            }
        }
        let unpacked = Unpacked::new(Failing(0), "x");
        let error = unpacked.and_then(|mut object| object.read(&mut [0; 10])).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Transient);
    }
}
