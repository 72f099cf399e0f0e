//! The one test binary beside the unit tests: what holds for the program as a whole.

mod support;
