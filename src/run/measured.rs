//! A stream that must be as long as its listing said.
//!
//! An object that comes short without an error would be read as a quiet day.

use std::io::{self, Read};

pub(super) struct Measured<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Measured<R> {
    pub(super) fn new(inner: R, size: u64) -> Self {
        Measured { inner, left: size }
    }
}

impl<R: Read> Read for Measured<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let is_end = count == 0 && !buffer.is_empty();
        match self.left.checked_sub(count as u64) {
            Some(left) if left == 0 || !is_end => self.left = left,
            Some(_) => return Err(io::Error::other("the object is shorter than it was listed")),
            None => return Err(io::Error::other("the object is longer than it was listed")),
        }
        Ok(count)
    }
}
