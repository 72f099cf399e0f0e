//! Results as text that people read. Pure: rows in, text out.

pub mod comparison;
pub mod page;
