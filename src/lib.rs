//! chatkpi: raw chatbot logs in, daily KPI tables in partitioned Parquet out.
//!
//! `ARCHITECTURE.md` says which module may use which; `tests/architecture.rs` holds it.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::expect_used, clippy::panic, clippy::unwrap_used))]

pub mod accounting;
#[cfg(feature = "engine")]
pub mod cli;
pub mod demo;
pub mod diff;
pub mod engine;
pub mod error;
pub mod infer;
pub mod interval;
pub mod manifest;
pub mod model;
pub mod parallel;
pub mod pipeline;
pub mod plan;
pub mod report;
pub mod run;
pub mod schema;
pub mod sink;
pub mod source;
pub mod storage;
