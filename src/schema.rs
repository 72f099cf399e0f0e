//! Column types, and the columns of the decoded inputs.
//!
//! Seven types are all that every Parquet reader agrees on; [`Type::arrow`] is the one mapping to
//! Arrow. The functions at the end are the contract between the decoder, which writes these
//! columns, and the SQL models, which read them. Leaves out: the tables' own contracts, which are
//! `model.yaml` files.

use arrow::datatypes::{DataType, Field, Schema as ArrowSchema, TimeUnit};
use serde::{Deserialize, Serialize};

/// A column type that means the same to every reader of the warehouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    /// 64-bit signed integer: counts, milliseconds, microseconds.
    Bigint,
    /// Only the result of a last division; never summed.
    Double,
    /// DECIMAL(18,6): money and scores, exact under addition.
    Decimal,
    Boolean,
    Text,
    Date,
    /// UTC instant in microseconds.
    Timestamp,
}

/// Digits of [`Type::Decimal`].
pub const DECIMAL_PRECISION: u8 = 18;
/// Digits of [`Type::Decimal`] after the point.
pub const DECIMAL_SCALE: i8 = 6;

impl Type {
    pub const ALL: [Type; 7] = [
        Type::Bigint,
        Type::Double,
        Type::Decimal,
        Type::Boolean,
        Type::Text,
        Type::Date,
        Type::Timestamp,
    ];

    pub fn arrow(self) -> DataType {
        match self {
            Type::Bigint => DataType::Int64,
            Type::Double => DataType::Float64,
            Type::Decimal => DataType::Decimal128(DECIMAL_PRECISION, DECIMAL_SCALE),
            Type::Boolean => DataType::Boolean,
            Type::Text => DataType::Utf8,
            Type::Date => DataType::Date32,
            Type::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        }
    }

    /// The name in `model.yaml`, in errors and in documentation.
    pub fn name(self) -> &'static str {
        match self {
            Type::Bigint => "bigint",
            Type::Double => "double",
            Type::Decimal => "decimal",
            Type::Boolean => "boolean",
            Type::Text => "text",
            Type::Date => "date",
            Type::Timestamp => "timestamp",
        }
    }
}

/// One column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Column {
    pub name: String,
    pub kind: Type,
    pub nullable: bool,
}

impl Column {
    pub fn new(name: &str, kind: Type, nullable: bool) -> Self {
        Column { name: name.to_owned(), kind, nullable }
    }
}

/// Arrow's view of `columns`. Nullability is ours to check, so every field is nullable to Arrow.
pub fn to_arrow(columns: &[Column]) -> ArrowSchema {
    let field = |c: &Column| Field::new(&c.name, c.kind.arrow(), true);
    ArrowSchema::new(columns.iter().map(field).collect::<Vec<_>>())
}

/// What records become: the kinds of source, and a table that no source has for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Events,
    Contacts,
    Costs,
    Probes,
    /// Read as events.
    Surveys,
    /// Read as events.
    Leads,
    /// The events of any source that are marked as tests: in no number of ours.
    #[serde(rename = "test_events")]
    TestEvents,
    /// The keys that no column reads, counted by object: what the accounting knows, as rows.
    #[serde(rename = "unknown_fields")]
    UnknownFields,
}

/// The keys of a canonical event.
const EVENT_KEYS: &[&str] = &[
    "event_id",
    "ts",
    "seq",
    "bot",
    "channel",
    "service",
    "locale",
    "bot_version",
    "conversation_id",
    "user_id",
    "identity_kind",
    "actor",
    "type",
    "intent",
    "intent_confidence",
    "is_fallback",
    "latency_ms",
    "closed_by",
    "instrument",
    "score",
    "reason",
    "lead_id",
    "lead_value",
    "tokens_in",
    "tokens_out",
    "cost_amount",
    "variant",
    "is_proactive",
    "is_test",
    "text",
    "text_chars",
];

impl Kind {
    /// The kinds that a source can have.
    pub const ALL: [Kind; 6] =
        [Kind::Events, Kind::Contacts, Kind::Costs, Kind::Probes, Kind::Surveys, Kind::Leads];

    /// The name in a pipeline.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Events => "events",
            Kind::Contacts => "contacts",
            Kind::Costs => "costs",
            Kind::Probes => "probes",
            Kind::Surveys => "surveys",
            Kind::Leads => "leads",
            Kind::TestEvents => "test_events",
            Kind::UnknownFields => "unknown_fields",
        }
    }

    /// The decoded table that records of this kind end in: surveys and leads are events.
    pub fn table(self) -> Kind {
        match self {
            Kind::Surveys | Kind::Leads => Kind::Events,
            other => other,
        }
    }

    /// The keys that a canonical record of this kind may have; the decoder's slots, in order.
    pub const fn input_keys(self) -> &'static [&'static str] {
        match self {
            Kind::Contacts => &[
                "contact_id",
                "opened_ts",
                "closed_ts",
                "channel",
                "service",
                "user_id",
                "handle_seconds",
                "cost_amount",
                "resolved",
                "score",
                "instrument",
                "is_first_contact",
                "updated_ts",
                "is_deleted",
            ],
            Kind::Costs => &[
                "period_start",
                "period_end",
                "cost_class",
                "bot",
                "channel",
                "service",
                "amount",
                "currency",
            ],
            Kind::Probes => &["ts", "bot", "ok", "latency_ms", "planned"],
            Kind::UnknownFields => &[],
            Kind::Events | Kind::Surveys | Kind::Leads | Kind::TestEvents => EVENT_KEYS,
        }
    }

    /// The keys that every record of this kind must have.
    pub fn required_keys(self) -> &'static [&'static str] {
        match self {
            Kind::Events | Kind::TestEvents => &["ts", "actor", "type"],
            Kind::Surveys | Kind::Leads => &["ts"],
            Kind::Contacts => &["contact_id", "opened_ts"],
            Kind::Costs => &["period_start", "period_end", "cost_class", "amount"],
            Kind::Probes => &["ts", "ok"],
            Kind::UnknownFields => &[],
        }
    }

    /// The columns of the decoded table, in order.
    pub fn columns(self) -> Vec<Column> {
        let (origin, own): (&[_], &[(&str, Type, bool)]) = match self.table() {
            Kind::Contacts => (ORIGIN, CONTACTS),
            Kind::Costs => (ORIGIN, COSTS),
            Kind::Probes => (ORIGIN, PROBES),
            Kind::UnknownFields => (&[], UNKNOWN_FIELDS),
            _ => (ORIGIN, EVENTS),
        };
        origin.iter().chain(own).map(|&(n, t, null)| Column::new(n, t, null)).collect()
    }
}

/// What the value of an input key may be; the words of `docs/canonical.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    Instant,
    Date,
    Id,
    Dimension,
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A whole number, negative ones too.
    Whole,
    /// A whole number that is not negative.
    Amount,
    Decimal,
    Number,
    Flag,
}

impl Input {
    /// What `key` holds; it means the same in every kind that has it.
    pub fn of(key: &str) -> Input {
        match key {
            "ts" | "opened_ts" | "closed_ts" | "updated_ts" => Input::Instant,
            "period_start" | "period_end" => Input::Date,
            "event_id" | "conversation_id" | "user_id" | "lead_id" | "contact_id" => Input::Id,
            "bot" | "channel" | "service" | "locale" | "bot_version" | "variant" => {
                Input::Dimension
            }
            "actor" => Input::Word(ACTORS),
            "type" => Input::Word(TYPES),
            "identity_kind" => Input::Word(IDENTITY_KINDS),
            "closed_by" => Input::Word(CLOSERS),
            "instrument" => Input::Word(INSTRUMENTS),
            "cost_class" => Input::Word(COST_CLASSES),
            "seq" | "score" => Input::Whole,
            "latency_ms" | "tokens_in" | "tokens_out" | "text_chars" | "handle_seconds" => {
                Input::Amount
            }
            "lead_value" | "cost_amount" | "amount" => Input::Decimal,
            "intent_confidence" => Input::Number,
            "is_fallback" | "is_proactive" | "is_test" | "resolved" | "is_first_contact"
            | "is_deleted" | "ok" | "planned" => Input::Flag,
            _ => Input::Text,
        }
    }
}

pub const ACTORS: &[&str] = &["user", "bot", "agent", "system"];
pub const TYPES: &[&str] = &[
    "message",
    "session_start",
    "session_end",
    "handoff",
    "goal",
    "feedback",
    "survey",
    "lead",
    "error",
    "other",
];
pub const IDENTITY_KINDS: &[&str] = &["authenticated", "anonymous", "unknown"];
pub const CLOSERS: &[&str] = &["user", "bot", "agent", "timeout", "rule"];
pub const INSTRUMENTS: &[&str] = &["csat_5", "rating_10", "nps", "helpful", "ces_7"];
/// The ends of each instrument's scale, in the order of [`INSTRUMENTS`].
pub const SCALES: &[(i64, i64)] = &[(1, 5), (0, 10), (0, 10), (0, 1), (1, 7)];
pub const COST_CLASSES: &[&str] = &[
    "human_direct",
    "human_indirect",
    "tech_human",
    "facilities",
    "bot_platform",
    "llm_usage",
    "bot_build_amortised",
    "bot_content_ops",
];

/// Where a row came from and what makes it a duplicate; first columns of every decoded table.
///
/// `dedup_hi, dedup_lo`: 128-bit hash of the record's own id, else of the whole record and the
/// element's position in it; unique within (source, date). `content_hash`: of all values.
/// `record_offset`: byte offset in the decompressed object. `element`: position among the events of
/// one record.
const ORIGIN: &[(&str, Type, bool)] = &[
    ("source", Type::Text, false),
    ("object_key", Type::Text, false),
    ("record_offset", Type::Bigint, false),
    ("element", Type::Bigint, false),
    ("dedup_hi", Type::Bigint, false),
    ("dedup_lo", Type::Bigint, false),
    ("content_hash", Type::Bigint, false),
];

/// The canonical event. `date` is local, `ts_us` and `ts_ms` count from 1970 UTC, `day_no` is the
/// local date in days since 1970, `hour` 0-23 and `dow` 1 (Monday)-7 are local. `chain_key` is a
/// 64-bit hash of (bot, channel, conversation or else user): the unit of sessionizing, null where
/// the event names neither. `event_id` is '' where the record has none.
const EVENTS: &[(&str, Type, bool)] = &[
    ("date", Type::Date, false),
    ("ts", Type::Timestamp, false),
    ("ts_us", Type::Bigint, false),
    ("ts_ms", Type::Bigint, false),
    ("day_no", Type::Bigint, false),
    ("week_start", Type::Date, false),
    ("month_start", Type::Date, false),
    ("hour", Type::Bigint, false),
    ("dow", Type::Bigint, false),
    ("seq", Type::Bigint, false),
    ("event_id", Type::Text, false),
    ("chain_key", Type::Bigint, true),
    ("bot", Type::Text, false),
    ("channel", Type::Text, false),
    ("service", Type::Text, true),
    ("locale", Type::Text, true),
    ("bot_version", Type::Text, true),
    ("conversation_key", Type::Text, true),
    ("user_key", Type::Text, true),
    ("identity_kind", Type::Text, false),
    ("actor", Type::Text, false),
    ("type", Type::Text, false),
    ("intent", Type::Text, true),
    ("intent_confidence", Type::Double, true),
    ("is_fallback", Type::Boolean, true),
    ("latency_ms", Type::Bigint, true),
    ("closed_by", Type::Text, true),
    ("instrument", Type::Text, true),
    ("score", Type::Bigint, true),
    ("reason", Type::Text, true),
    ("lead_key", Type::Text, true),
    ("lead_value", Type::Decimal, true),
    ("tokens_in", Type::Bigint, true),
    ("tokens_out", Type::Bigint, true),
    ("cost_amount", Type::Decimal, true),
    ("variant", Type::Text, true),
    ("is_proactive", Type::Boolean, false),
    ("text_chars", Type::Bigint, true),
];

/// `date` is the local date of `opened_us`. `updated_us`: of copies of a contact the one that was
/// written last; 0 where it does not say.
const CONTACTS: &[(&str, Type, bool)] = &[
    ("date", Type::Date, false),
    ("contact_id", Type::Text, false),
    ("opened_us", Type::Bigint, false),
    ("closed_us", Type::Bigint, true),
    ("channel", Type::Text, false),
    ("service", Type::Text, true),
    ("user_key", Type::Text, true),
    ("handle_seconds", Type::Bigint, true),
    ("cost_amount", Type::Decimal, true),
    ("resolved", Type::Boolean, true),
    ("score", Type::Bigint, true),
    ("instrument", Type::Text, true),
    ("is_first_contact", Type::Boolean, true),
    ("updated_us", Type::Bigint, false),
    ("is_deleted", Type::Boolean, false),
];

/// One row for each day of a ledger's period, both ends included: `date` is that day, `amount` the
/// whole period's and `day_micros` the day's own share in millionths. The shares of a period sum to
/// its amount.
const COSTS: &[(&str, Type, bool)] = &[
    ("date", Type::Date, false),
    ("period_start", Type::Date, false),
    ("period_end", Type::Date, false),
    ("cost_class", Type::Text, false),
    ("bot", Type::Text, true),
    ("channel", Type::Text, true),
    ("service", Type::Text, true),
    ("amount", Type::Decimal, false),
    ("currency", Type::Text, true),
    ("day_micros", Type::Bigint, false),
];

/// `date` is the local date of `ts_us`.
const PROBES: &[(&str, Type, bool)] = &[
    ("date", Type::Date, false),
    ("ts_us", Type::Bigint, false),
    ("bot", Type::Text, false),
    ("ok", Type::Boolean, false),
    ("latency_ms", Type::Bigint, true),
    ("planned", Type::Boolean, false),
];

/// `date` is the object's main day, `kind` the decoded table of its records, `counted` how many of
/// them had a value under the key `field`.
const UNKNOWN_FIELDS: &[(&str, Type, bool)] = &[
    ("date", Type::Date, false),
    ("source", Type::Text, false),
    ("kind", Type::Text, false),
    ("field", Type::Text, false),
    ("counted", Type::Bigint, false),
];
