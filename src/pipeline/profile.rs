//! How a vendor of chatbots counts sessions, as its reports do.
//!
//! The rules are data: one file for each vendor under `sql/profiles/`, whose settings a pipeline may
//! change. Leaves out: what is made of them, which is SQL.

/// The vendors whose rules come with the program, each with its settings as YAML.
pub(super) const KNOWN: [(&str, &str); 2] = [
    ("copilot", include_str!("../../sql/profiles/copilot.yaml")),
    ("chatwoot", include_str!("../../sql/profiles/chatwoot.yaml")),
];

/// A vendor's rules, with what the pipeline changed of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// One of the known vendors; unique in a pipeline.
    pub name: String,
    /// A longer gap starts a new session, whatever the channel; microseconds.
    pub timeout_us: i64,
    /// The vendor's report has test traffic in it.
    pub counts_tests: bool,
    /// The vendor's report counts what was delivered twice twice.
    pub counts_copies: bool,
    /// A resolution counts once the session has stayed closed for a week.
    pub must_stay_closed: bool,
    /// The metrics of ours that the vendor has, too.
    pub metrics: Vec<String>,
    /// The vendor's outcome of a session that has ended: an SQL expression.
    pub outcome: String,
}
