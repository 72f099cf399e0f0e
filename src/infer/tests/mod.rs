//! Cases worked out by hand, and against other programs.

mod cases;
mod holdout;
mod reference;
