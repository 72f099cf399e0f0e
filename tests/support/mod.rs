//! What several tests stand on: servers, and ways to make them fail.

pub mod moto;
pub mod proxy;
