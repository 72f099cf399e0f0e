//! What holds for any log: the numbers are the contract's, and they do not depend on how the work
//! was cut.

mod cuts;
mod definitions;
