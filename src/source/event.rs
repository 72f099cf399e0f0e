//! A record of the canonical format -> one event.
//!
//! Also surveys and leads, which are events with defaults of their own. Every rule about what an
//! event must have is here. Leaves out: sessions, duplicates and everything else that takes more
//! than one event to know.

use std::borrow::Cow;

use xxhash_rust::xxh3::xxh3_64;

use super::days::Day;
use super::privacy::Pseudonym;
use super::rows::Cell;
use super::table::{Outcome, Place, Table, digest, pieces};
use super::value::{Fault, Fields, Raw, Refusal, slot};
use crate::error::Result;
use crate::schema::{ACTORS, CLOSERS, IDENTITY_KINDS, INSTRUMENTS, Kind, SCALES, TYPES};

/// The keys that feed the event's columns; a key's position is its slot.
pub(super) const KEYS: &[&str] = Kind::Events.input_keys();

/// Columns of an event, and the two of them that are filled in last.
const COLUMNS: usize = 45;
const CONTENT_HASH: usize = 6;
const SEQ: usize = 16;

/// Characters of a reason.
const LONGEST_CODE: usize = 64;

/// Stands for an absent bot or channel.
pub(super) const UNKNOWN: &str = "unknown";

/// Reads one record and, if it is a right one, puts its event on stage.
pub(super) fn take(table: &mut Table, raws: &[Raw], place: Place) -> Result<Outcome> {
    match check(table, raws) {
        Ok(event) => put(table, &event, place),
        Err(refusal) => Ok(Outcome::Refused(refusal)),
    }
}

/// Types one event, or says why it is refused; nothing is written.
pub(super) fn check<'a>(
    table: &Table,
    raws: &[Raw<'a>],
) -> std::result::Result<Event<'a>, Refusal> {
    let mut fields = Fields::new(KEYS, raws);
    let event = read(&mut fields, table);
    fields.refusal().map_or(Ok(event), Err)
}

/// Puts an event that was found right on stage.
pub(super) fn put(table: &mut Table, event: &Event, place: Place) -> Result<Outcome> {
    // Without a refusal there is a timestamp.
    let Some(ts_us) = event.ts_us else { return Table::lost("a timestamp") };
    let day = table.days.day(ts_us);
    let is_early = table.start.is_some_and(|start| day.number < start);
    if !is_early {
        write(table, event, ts_us, &day, place)?;
    }
    Ok(match (event.is_test, is_early) {
        (true, _) => Outcome::Test,
        (false, true) => Outcome::OutOfWindow,
        (false, false) => Outcome::Kept { ts_us: Some(ts_us) },
    })
}

/// An instrument and its score, if both are right.
pub(super) fn answer(
    fields: &mut Fields,
    instrument: usize,
    score: usize,
) -> (Option<&'static str>, Option<i64>) {
    let name = fields.choice(instrument, INSTRUMENTS, Fault::Value);
    let value = fields.integer(score);
    let scale = INSTRUMENTS.iter().position(|known| Some(*known) == name).map(|at| SCALES[at]);
    if let (Some((low, high)), Some(value)) = (scale, value)
        && !(low..=high).contains(&value)
    {
        fields.fault(Fault::Value, score);
    }
    (name, value)
}

/// What a record says, typed.
#[derive(Debug)]
pub(super) struct Event<'a> {
    event_id: Option<Cow<'a, str>>,
    ts_us: Option<i64>,
    seq: Option<i64>,
    bot: Option<Cow<'a, str>>,
    channel: Option<Cow<'a, str>>,
    service: Option<Cow<'a, str>>,
    locale: Option<Cow<'a, str>>,
    bot_version: Option<Cow<'a, str>>,
    conversation_id: Option<Cow<'a, str>>,
    user_id: Option<Cow<'a, str>>,
    identity_kind: Option<&'static str>,
    actor: &'static str,
    kind: &'static str,
    intent: Option<Cow<'a, str>>,
    intent_confidence: Option<f64>,
    is_fallback: Option<bool>,
    latency_ms: Option<i64>,
    closed_by: Option<&'static str>,
    instrument: Option<&'static str>,
    score: Option<i64>,
    reason: Option<Cow<'a, str>>,
    lead_id: Option<Cow<'a, str>>,
    lead_value: Option<i64>,
    tokens_in: Option<i64>,
    tokens_out: Option<i64>,
    cost_amount: Option<i64>,
    variant: Option<Cow<'a, str>>,
    is_proactive: bool,
    is_test: bool,
    text_chars: Option<i64>,
}

impl Event<'_> {
    fn bot(&self) -> &str {
        self.bot.as_deref().unwrap_or(UNKNOWN)
    }

    fn channel(&self) -> &str {
        self.channel.as_deref().unwrap_or(UNKNOWN)
    }
}

fn read<'a>(fields: &mut Fields<'_, 'a>, table: &Table) -> Event<'a> {
    macro_rules! at {
        ($name:literal) => {
            const { slot(KEYS, $name) }
        };
    }
    let (actor, kind) = required(fields, table.kind);
    let ts_us = fields.instant(at!("ts"), table.naive_zone, table.range);
    let (instrument, score) = answer(fields, at!("instrument"), at!("score"));
    let chars = fields.characters(at!("text"));
    Event {
        event_id: fields.id(at!("event_id")),
        ts_us,
        seq: fields.integer(at!("seq")),
        bot: fields.dimension(at!("bot")),
        channel: fields.dimension(at!("channel")),
        service: fields.dimension(at!("service")),
        locale: fields.dimension(at!("locale")),
        bot_version: fields.dimension(at!("bot_version")),
        conversation_id: fields.id(at!("conversation_id")),
        user_id: fields.id(at!("user_id")),
        identity_kind: fields.choice(at!("identity_kind"), IDENTITY_KINDS, Fault::Value),
        actor,
        kind,
        intent: fields.text(at!("intent")),
        intent_confidence: fields.double(at!("intent_confidence")),
        is_fallback: fields.boolean(at!("is_fallback")),
        latency_ms: fields.amount(at!("latency_ms")),
        closed_by: fields.choice(at!("closed_by"), CLOSERS, Fault::Value),
        instrument,
        score,
        reason: fields.text(at!("reason")).map(code),
        lead_id: fields.id(at!("lead_id")),
        lead_value: fields.decimal(at!("lead_value")),
        tokens_in: fields.amount(at!("tokens_in")),
        tokens_out: fields.amount(at!("tokens_out")),
        cost_amount: fields.decimal(at!("cost_amount")),
        variant: fields.dimension(at!("variant")),
        is_proactive: fields.boolean(at!("is_proactive")).unwrap_or(false),
        is_test: fields.boolean(at!("is_test")).unwrap_or(false),
        text_chars: fields.amount(at!("text_chars")).filter(|_| chars.is_none()).or(chars),
    }
}

/// A reason as it is kept: what is too long for a code is what somebody wrote, and may name people.
fn code(reason: Cow<'_, str>) -> Cow<'_, str> {
    if reason.chars().count() > LONGEST_CODE { Cow::Borrowed("too_long") } else { reason }
}

/// Actor and type, and whether everything that they make necessary is there.
fn required(fields: &mut Fields, kind: Kind) -> (&'static str, &'static str) {
    const TS: usize = slot(KEYS, "ts");
    const TYPE: usize = slot(KEYS, "type");
    const ACTOR: usize = slot(KEYS, "actor");
    const INSTRUMENT: usize = slot(KEYS, "instrument");
    const SCORE: usize = slot(KEYS, "score");
    const CONVERSATION: usize = slot(KEYS, "conversation_id");
    const USER: usize = slot(KEYS, "user_id");
    fields.require(TS);
    if kind == Kind::Events {
        fields.require(ACTOR);
        fields.require(TYPE);
    }
    let actor = fields.choice(ACTOR, ACTORS, Fault::Value);
    let named = fields.choice(TYPE, TYPES, Fault::UnknownEvent);
    let named = match (kind, named) {
        (Kind::Surveys, None | Some("survey")) if fields.has(SCORE) => "feedback",
        (Kind::Surveys, None) => "survey",
        (Kind::Leads, None) => "lead",
        (_, named) => named.unwrap_or("other"),
    };
    if named == "feedback" {
        fields.require(INSTRUMENT);
        fields.require(SCORE);
    }
    if named == "message" && !fields.has(CONVERSATION) && !fields.has(USER) {
        fields.fault(Fault::Missing, CONVERSATION);
    }
    (actor.unwrap_or("user"), named)
}

/// What is worked out from an event and its surroundings.
struct Derived {
    dedup: u128,
    chain: Option<i64>,
    hour: i64,
    conversation: Option<Pseudonym>,
    user: Option<Pseudonym>,
    lead: Option<Pseudonym>,
}

fn write(table: &mut Table, event: &Event, ts_us: i64, day: &Day, place: Place) -> Result<()> {
    let derived = derive(table, event, ts_us, day, place);
    let mut cells = cells(table, event, &derived, ts_us, day, place);
    // Only what the record says: a position is not content, so a copy elsewhere is no conflict.
    cells[CONTENT_HASH] = Cell::Integer(digest(&mut table.scratch, &cells[CONTENT_HASH + 1..]));
    if event.seq.is_none() {
        cells[SEQ] = Cell::Integer(place.position);
    }
    match event.is_test {
        true => table.push_test(day.number, &cells),
        false => table.push(day.number, &cells),
    }
}

fn derive(table: &mut Table, event: &Event, ts_us: i64, day: &Day, place: Place) -> Derived {
    let user = event.user_id.as_deref().map(|id| table.users.of(table.hasher, id));
    let conversation =
        event.conversation_id.as_deref().map(|id| table.conversations.of(table.hasher, id));
    let lead = event.lead_id.as_deref().map(|id| table.leads.of(table.hasher, id));
    // Of pseudonyms, not of ids: an unkeyed hash of an id gives it away to whoever tries them all.
    let of_conversation = conversation.as_ref().map(|key| ("c", key.as_str()));
    let chain =
        of_conversation.or(user.as_ref().map(|key| ("u", key.as_str()))).map(|(tag, key)| {
            let parts = [event.bot(), event.channel(), tag, key];
            xxh3_64(pieces(&mut table.scratch, parts)).cast_signed()
        });
    let dedup = match event.event_id.as_deref() {
        Some(id) => table.hasher.id_hash(id),
        None => table.hasher.record_hash(place.record, place.element),
    };
    Derived { dedup, chain, hour: table.days.hour(day, ts_us), conversation, user, lead }
}

/// The columns of the contract, in its order; the content hash is still to come.
fn cells<'c>(
    table: &Table<'c>,
    event: &'c Event,
    derived: &'c Derived,
    ts_us: i64,
    day: &Day,
    place: Place,
) -> [Cell<'c>; COLUMNS] {
    [
        Cell::Text(table.source),
        Cell::Text(table.object_key),
        Cell::Integer(place.offset),
        Cell::Integer(place.element),
        Cell::Integer((derived.dedup >> 64) as i64),
        Cell::Integer(derived.dedup as i64),
        Cell::Null,
        Cell::Date(day.number),
        Cell::Integer(ts_us),
        Cell::Integer(ts_us),
        Cell::Integer(ts_us.div_euclid(1_000)),
        Cell::Integer(i64::from(day.number)),
        Cell::Date(day.week_start),
        Cell::Date(day.month_start),
        Cell::Integer(derived.hour),
        Cell::Integer(day.dow),
        Cell::integer(event.seq),
        Cell::Text(event.event_id.as_deref().unwrap_or("")),
        Cell::integer(derived.chain),
        Cell::Text(event.bot()),
        Cell::Text(event.channel()),
        Cell::text(event.service.as_deref()),
        Cell::text(event.locale.as_deref()),
        Cell::text(event.bot_version.as_deref()),
        Cell::text(derived.conversation.as_ref().map(Pseudonym::as_str)),
        Cell::text(derived.user.as_ref().map(Pseudonym::as_str)),
        Cell::Text(event.identity_kind.unwrap_or(UNKNOWN)),
        Cell::Text(event.actor),
        Cell::Text(event.kind),
        Cell::text(event.intent.as_deref()),
        Cell::double(event.intent_confidence),
        Cell::boolean(event.is_fallback),
        Cell::integer(event.latency_ms),
        Cell::text(event.closed_by),
        Cell::text(event.instrument),
        Cell::integer(event.score),
        Cell::text(event.reason.as_deref()),
        Cell::text(derived.lead.as_ref().map(Pseudonym::as_str)),
        Cell::decimal(event.lead_value),
        Cell::integer(event.tokens_in),
        Cell::integer(event.tokens_out),
        Cell::decimal(event.cost_amount),
        Cell::text(event.variant.as_deref()),
        Cell::Boolean(event.is_proactive),
        Cell::integer(event.text_chars),
    ]
}
