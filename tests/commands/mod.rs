//! What the program promises to those who run it, one file for each part.

mod storage_s3;
