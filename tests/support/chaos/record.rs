//! One raw record of the canonical format, and how it is written down.

use chrono::{DateTime, FixedOffset, SecondsFormat};
use serde_json::{Map, Value, json};

use crate::support::calendar::micros;

/// A record of an events file before it is written: every canonical key, absent where `None`.
#[derive(Clone, Debug, PartialEq)]
pub struct RawEvent {
    pub event_id: Option<String>,
    pub ts_us: i64,
    pub seq: Option<i64>,
    pub bot: Option<&'static str>,
    pub channel: Option<&'static str>,
    pub service: Option<&'static str>,
    pub locale: Option<&'static str>,
    pub bot_version: Option<&'static str>,
    pub conversation_id: Option<String>,
    pub user_id: Option<String>,
    pub identity_kind: Option<&'static str>,
    pub actor: &'static str,
    /// The key `type`.
    pub kind: &'static str,
    pub intent: Option<&'static str>,
    pub intent_confidence: Option<f64>,
    pub is_fallback: Option<bool>,
    pub latency_ms: Option<i64>,
    pub closed_by: Option<&'static str>,
    pub instrument: Option<&'static str>,
    pub score: Option<i64>,
    pub reason: Option<&'static str>,
    pub lead_id: Option<&'static str>,
    pub lead_value: Option<f64>,
    pub tokens_in: Option<i64>,
    pub tokens_out: Option<i64>,
    pub cost_amount: Option<f64>,
    pub variant: Option<&'static str>,
    pub is_proactive: Option<bool>,
    pub is_test: Option<bool>,
    pub text: Option<&'static str>,
    pub text_chars: Option<i64>,
    /// How the record is written, which must change nothing.
    pub style: Style,
}

/// Ways to write one record that mean the same.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Style {
    /// The offset from UTC that the timestamp is written with.
    pub offset_minutes: i32,
    /// Ids made of digits are written as numbers.
    pub numeric_ids: bool,
    /// Absent keys are written as null.
    pub nulls: bool,
    /// A key the format does not know is added.
    pub extra_key: bool,
    /// Scores are written as 4.0.
    pub float_score: bool,
    /// Six digits of a second, even if they are zero.
    pub all_digits: bool,
}

impl RawEvent {
    /// An event of bot `b`, channel `web`, conversation `c` and user `u`, the plain case.
    pub fn at(ts: &str, actor: &'static str, kind: &'static str) -> Self {
        Self {
            bot: Some("b"),
            channel: Some("web"),
            conversation_id: Some("c".to_owned()),
            user_id: Some("u".to_owned()),
            ..Self::bare(micros(ts), actor, kind)
        }
    }

    /// An event with nothing but what is required.
    pub fn bare(ts_us: i64, actor: &'static str, kind: &'static str) -> Self {
        Self {
            event_id: None,
            ts_us,
            seq: None,
            bot: None,
            channel: None,
            service: None,
            locale: None,
            bot_version: None,
            conversation_id: None,
            user_id: None,
            identity_kind: None,
            actor,
            kind,
            intent: None,
            intent_confidence: None,
            is_fallback: None,
            latency_ms: None,
            closed_by: None,
            instrument: None,
            score: None,
            reason: None,
            lead_id: None,
            lead_value: None,
            tokens_in: None,
            tokens_out: None,
            cost_amount: None,
            variant: None,
            is_proactive: None,
            is_test: None,
            text: None,
            text_chars: None,
            style: Style::default(),
        }
    }

    /// The record as one line of JSON, without a line end.
    pub fn line(&self) -> Vec<u8> {
        let id = |id: &Option<String>| match id {
            Some(id) if self.style.numeric_ids => {
                id.parse::<u64>().map_or_else(|_| json!(id), |number| json!(number))
            }
            id => json!(id),
        };
        let score = match self.score {
            Some(score) if self.style.float_score => json!(score as f64),
            score => json!(score),
        };
        let pairs = [
            ("event_id", id(&self.event_id)),
            ("ts", json!(self.timestamp())),
            ("seq", json!(self.seq)),
            ("bot", json!(self.bot)),
            ("channel", json!(self.channel)),
            ("service", json!(self.service)),
            ("locale", json!(self.locale)),
            ("bot_version", json!(self.bot_version)),
            ("conversation_id", id(&self.conversation_id)),
            ("user_id", id(&self.user_id)),
            ("identity_kind", json!(self.identity_kind)),
            ("actor", json!(self.actor)),
            ("type", json!(self.kind)),
            ("intent", json!(self.intent)),
            ("intent_confidence", json!(self.intent_confidence)),
            ("is_fallback", json!(self.is_fallback)),
            ("latency_ms", json!(self.latency_ms)),
            ("closed_by", json!(self.closed_by)),
            ("instrument", json!(self.instrument)),
            ("score", score),
            ("reason", json!(self.reason)),
            ("lead_id", json!(self.lead_id)),
            ("lead_value", json!(self.lead_value)),
            ("tokens_in", json!(self.tokens_in)),
            ("tokens_out", json!(self.tokens_out)),
            ("cost_amount", json!(self.cost_amount)),
            ("variant", json!(self.variant)),
            ("is_proactive", json!(self.is_proactive)),
            ("is_test", json!(self.is_test)),
            ("text", json!(self.text)),
            ("text_chars", json!(self.text_chars)),
        ];
        let mut record: Map<String, Value> = pairs
            .into_iter()
            .filter(|(_, value)| self.style.nulls || !value.is_null())
            .map(|(key, value)| (key.to_owned(), value))
            .collect();
        if self.style.extra_key {
            record.insert("mood".to_owned(), json!({"sunny": [1, null]}));
        }
        Value::Object(record).to_string().into_bytes()
    }

    fn timestamp(&self) -> String {
        let digits =
            if self.style.all_digits { SecondsFormat::Micros } else { SecondsFormat::AutoSi };
        rfc3339(self.ts_us, self.style.offset_minutes, digits)
    }
}

/// A record of a contacts file: a service that people handled.
#[derive(Clone, Debug, PartialEq)]
pub struct RawContact {
    pub contact_id: String,
    pub opened_us: i64,
    pub closed_us: i64,
    pub channel: &'static str,
    pub service: Option<&'static str>,
    pub user_id: Option<String>,
    pub handle_seconds: i64,
    pub resolved: bool,
    /// The instrument and the score, where the customer was asked and answered.
    pub answer: Option<(&'static str, i64)>,
}

impl RawContact {
    /// The header that goes with [`RawContact::row`].
    pub const HEADER: &'static str = "contact_id,opened_ts,closed_ts,channel,service,user_id,\
        handle_seconds,cost_amount,resolved,score,instrument,is_first_contact\n";

    /// The contact as one CSV line, with what it says it cost in millionths.
    pub fn row(&self, cost_micros: Option<i64>) -> String {
        let (instrument, score) = match self.answer {
            Some((instrument, score)) => (instrument, score.to_string()),
            None => ("", String::new()),
        };
        let cost =
            cost_micros.map(|micros| format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000));
        format!(
            "{},{},{},{},{},{},{},{},{},{score},{instrument},\n",
            self.contact_id,
            rfc3339(self.opened_us, 0, SecondsFormat::Micros),
            rfc3339(self.closed_us, 0, SecondsFormat::Micros),
            self.channel,
            self.service.unwrap_or_default(),
            self.user_id.as_deref().unwrap_or_default(),
            self.handle_seconds,
            cost.unwrap_or_default(),
            self.resolved,
        )
    }
}

pub fn rfc3339(us: i64, offset_minutes: i32, digits: SecondsFormat) -> String {
    let offset = FixedOffset::east_opt(offset_minutes * 60).expect("offsets are within a day");
    DateTime::from_timestamp_micros(us)
        .expect("the tests stay within chrono's years")
        .with_timezone(&offset)
        .to_rfc3339_opts(digits, true)
}
