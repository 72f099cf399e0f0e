//! What several tests stand on: random logs, a second opinion on the numbers they must give, servers,
//! and ways to make them fail.

pub mod calendar;
pub mod chaos;
pub mod fold;
pub mod moto;
pub mod proxy;
pub mod warehouse;
