//! A model: a table we own, as a contract and a query.

pub mod lint;
