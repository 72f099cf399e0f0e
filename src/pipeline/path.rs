//! Path patterns: which objects belong to a source, and the date in their names.

use super::Location;

/// A source's `path`: a fixed folder and a pattern for the keys below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern {
    /// The deepest folder that the pattern's fixed part names.
    pub root: Location,
    /// Relative to `root`: may hold `{date}`, `{date:FORMAT}`, `*` and `?`; ends in `/` for "all below".
    pub pattern: String,
}
