//! The integration tests, in one binary so that they link once.
//!
//! Those that need servers or engines from Python use the environment that `scripts/test-env.sh`
//! makes, and fail without it.

mod commands;
mod models;
mod properties;
mod support;
