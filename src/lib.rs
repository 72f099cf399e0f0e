//! chatkpi: raw chatbot logs in, daily KPI tables in partitioned Parquet out.
//!
//! Modules, bottom-up; each may use only those above it (`tests/architecture.rs` holds that).
#![forbid(unsafe_code)]

pub mod error;
pub mod interval;
pub mod schema;
pub mod accounting;
pub mod pipeline;
pub mod model;
pub mod manifest;
pub mod plan;
pub mod source;
pub mod engine;
