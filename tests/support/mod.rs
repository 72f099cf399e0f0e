//! What the tests stand on: random logs, and a second opinion on the numbers they must give.

pub mod calendar;
pub mod chaos;
pub mod fold;
