//! What two warehouses say differently, cell by cell, and which setting did it.
//!
//! `cells` counts and measures what moved; `causes` asks of each setting and model that differs
//! which tables it is part of, by compiling one pipeline with that one thing of the other. Pure:
//! published cells, pipelines and models in, findings out. Leaves out: reading and printing.

mod causes;
mod cells;

pub use causes::{Cause, Side, Source, causes};
pub use cells::{Cell, Day, Moves, Worst, compare_day};
