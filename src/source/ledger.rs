//! Records of the other kinds: contacts, costs and probes.
//!
//! Leaves out: what they mean for a KPI.

use super::event::{UNKNOWN, answer};
use super::rows::Cell;
use super::table::{Outcome, Place, Table, digest};
use super::value::{Fault, Fields, Raw, slot};
use crate::error::Result;
use crate::schema::{COST_CLASSES, Kind};

pub(super) const CONTACT_KEYS: &[&str] = Kind::Contacts.input_keys();
pub(super) const COST_KEYS: &[&str] = Kind::Costs.input_keys();
pub(super) const PROBE_KEYS: &[&str] = Kind::Probes.input_keys();

/// The longest ledger period in days: it becomes a row and a file for each of them.
const LONGEST_PERIOD: i32 = 3_660;

/// Columns before a kind's own.
const ORIGIN: usize = 7;
const CONTENT_HASH: usize = ORIGIN - 1;

pub(super) fn take_contact(table: &mut Table, raws: &[Raw], place: Place) -> Result<Outcome> {
    macro_rules! at {
        ($name:literal) => {
            const { slot(CONTACT_KEYS, $name) }
        };
    }
    let mut fields = Fields::new(CONTACT_KEYS, raws);
    fields.require(at!("contact_id"));
    fields.require(at!("opened_ts"));
    if fields.has(at!("score")) {
        fields.require(at!("instrument"));
    }
    let contact_id = fields.id(at!("contact_id"));
    let opened = fields.instant(at!("opened_ts"), table.naive_zone, table.range);
    let closed = fields.instant(at!("closed_ts"), table.naive_zone, table.range);
    if opened.zip(closed).is_some_and(|(opened, closed)| closed < opened) {
        fields.fault(Fault::Value, at!("closed_ts"));
    }
    let (instrument, score) = answer(&mut fields, at!("instrument"), at!("score"));
    let channel = fields.dimension(at!("channel"));
    let service = fields.dimension(at!("service"));
    let user_id = fields.id(at!("user_id"));
    let handle_seconds = fields.amount(at!("handle_seconds"));
    let cost_amount = fields.decimal(at!("cost_amount"));
    let resolved = fields.boolean(at!("resolved"));
    let is_first = fields.boolean(at!("is_first_contact"));
    let updated = fields.instant(at!("updated_ts"), table.naive_zone, table.range);
    let is_deleted = fields.boolean(at!("is_deleted"));
    if let Some(refusal) = fields.refusal() {
        return Ok(Outcome::Refused(refusal));
    }
    let (Some(contact_id), Some(opened)) = (contact_id, opened) else {
        return Table::lost("an id or a time");
    };
    let user = user_id.map(|id| table.users.of(table.hasher, &id));
    let own = [
        Cell::Text(&contact_id),
        Cell::Integer(opened),
        Cell::integer(closed),
        Cell::Text(channel.as_deref().unwrap_or(UNKNOWN)),
        Cell::text(service.as_deref()),
        Cell::text(user.as_ref().map(|key| key.as_str())),
        Cell::integer(handle_seconds),
        Cell::decimal(cost_amount),
        Cell::boolean(resolved),
        Cell::integer(score),
        Cell::text(instrument),
        Cell::boolean(is_first),
        Cell::Integer(updated.unwrap_or(0)),
        Cell::Boolean(is_deleted.unwrap_or(false)),
    ];
    let day = table.days.day(opened).number;
    if table.start.is_some_and(|start| day < start) {
        return Ok(Outcome::OutOfWindow);
    }
    let dedup = table.hasher.id_hash(&contact_id);
    write::<{ ORIGIN + 1 + 14 }>(table, day, &own, dedup, place)?;
    Ok(Outcome::Kept { ts_us: Some(opened) })
}

pub(super) fn take_cost(table: &mut Table, raws: &[Raw], place: Place) -> Result<Outcome> {
    macro_rules! at {
        ($name:literal) => {
            const { slot(COST_KEYS, $name) }
        };
    }
    let mut fields = Fields::new(COST_KEYS, raws);
    for key in [at!("period_start"), at!("period_end"), at!("cost_class"), at!("amount")] {
        fields.require(key);
    }
    let start = fields.date(at!("period_start"));
    let end = fields.date(at!("period_end"));
    if start.zip(end).is_some_and(|(start, end)| end < start || end - start >= LONGEST_PERIOD) {
        fields.fault(Fault::Value, at!("period_end"));
    }
    let class = fields.choice(at!("cost_class"), COST_CLASSES, Fault::Value);
    let bot = fields.dimension(at!("bot"));
    let channel = fields.dimension(at!("channel"));
    let service = fields.dimension(at!("service"));
    let amount = fields.decimal(at!("amount"));
    let currency = fields.text(at!("currency"));
    if let Some(refusal) = fields.refusal() {
        return Ok(Outcome::Refused(refusal));
    }
    let (Some(start), Some(end)) = (start, end) else { return Table::lost("a period") };
    // A period that reaches into the window belongs to it, wherever it began.
    if table.start.is_some_and(|first| end < first) {
        return Ok(Outcome::OutOfWindow);
    }
    let dedup = table.hasher.record_hash(place.record, place.element);
    let whole = amount.unwrap_or(0);
    let first = start.max(table.start.unwrap_or(start));
    table.further_rows += u64::from(end.abs_diff(first));
    for day in first..=end {
        let own = [
            Cell::Date(start),
            Cell::Date(end),
            Cell::text(class),
            Cell::text(bot.as_deref()),
            Cell::text(channel.as_deref()),
            Cell::text(service.as_deref()),
            Cell::decimal(amount),
            Cell::text(currency.as_deref()),
            Cell::Integer(share_of_day(whole, start, end, day)),
        ];
        write::<{ ORIGIN + 1 + 9 }>(table, day, &own, dedup, place)?;
    }
    Ok(Outcome::Kept { ts_us: None })
}

/// The millionths of a period's `amount` that its `day` bears: even shares, and what is left over
/// goes to the last day. Shares are cut toward zero, so that an amount and its reversal cancel on
/// every day.
fn share_of_day(amount: i64, start: i32, end: i32, day: i32) -> i64 {
    let days = i64::from(end) - i64::from(start) + 1;
    let share = amount / days;
    if day == end { amount - share * (days - 1) } else { share }
}

pub(super) fn take_probe(table: &mut Table, raws: &[Raw], place: Place) -> Result<Outcome> {
    macro_rules! at {
        ($name:literal) => {
            const { slot(PROBE_KEYS, $name) }
        };
    }
    let mut fields = Fields::new(PROBE_KEYS, raws);
    fields.require(at!("ts"));
    fields.require(at!("ok"));
    let ts = fields.instant(at!("ts"), table.naive_zone, table.range);
    let bot = fields.dimension(at!("bot"));
    let ok = fields.boolean(at!("ok"));
    let latency_ms = fields.amount(at!("latency_ms"));
    let planned = fields.boolean(at!("planned")).unwrap_or(false);
    if let Some(refusal) = fields.refusal() {
        return Ok(Outcome::Refused(refusal));
    }
    let Some(ts) = ts else { return Table::lost("a timestamp") };
    let day = table.days.day(ts).number;
    if table.start.is_some_and(|start| day < start) {
        return Ok(Outcome::OutOfWindow);
    }
    let own = [
        Cell::Integer(ts),
        Cell::Text(bot.as_deref().unwrap_or(UNKNOWN)),
        Cell::boolean(ok),
        Cell::integer(latency_ms),
        Cell::Boolean(planned),
    ];
    let dedup = table.hasher.record_hash(place.record, place.element);
    write::<{ ORIGIN + 1 + 5 }>(table, day, &own, dedup, place)?;
    Ok(Outcome::Kept { ts_us: Some(ts) })
}

/// Puts the origin and the date in front of a kind's own columns; `N` is how many that makes.
fn write<const N: usize>(
    table: &mut Table,
    day: i32,
    own: &[Cell],
    dedup: u128,
    place: Place,
) -> Result<()> {
    let mut cells = [Cell::Null; N];
    cells[ORIGIN] = Cell::Date(day);
    cells[ORIGIN + 1..].copy_from_slice(own);
    let content = digest(&mut table.scratch, &cells[ORIGIN..]);
    cells[..ORIGIN].copy_from_slice(&[
        Cell::Text(table.source),
        Cell::Text(table.object_key),
        Cell::Integer(place.offset),
        Cell::Integer(place.element),
        Cell::Integer((dedup >> 64) as i64),
        Cell::Integer(dedup as i64),
        Cell::Null,
    ]);
    cells[CONTENT_HASH] = Cell::Integer(content);
    table.push(day, &cells)
}
