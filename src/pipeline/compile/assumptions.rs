//! What people assume: rates, handling times and exchange rates, each from a day on.

use sha2::{Digest, Sha256};

use super::super::spec::Node;
use super::super::{AssumptionSet, Assumptions, ExchangeRate};
use super::findings::{Fields, Findings};

/// Whole-number arithmetic on a rate stays far from the ends of 64 bits below this product of its
/// numerator and denominator.
const LARGEST_FRACTION: i64 = 4_000_000_000_000_000_000;

pub(super) fn assumptions(node: &Node, out: &mut Findings) -> Option<Assumptions> {
    let mut fields = out.map(node, "assumptions")?;
    let currency = fields.get("currency");
    let needs_currency = |rate: Option<&Node>, out: &mut Findings| {
        if let (None, Some(node)) = (currency, rate) {
            out.report(node.place, "a rate needs a currency", "add `currency: EUR`, or yours");
        }
    };
    needs_currency(fields.get("agent_hourly_rate"), out);
    let mut sets = Vec::new();
    let first = values(&mut fields, out);
    if first.is_stated() {
        sets.push(first);
    }
    for item in fields.get("sets").and_then(|node| out.list(node)).unwrap_or_default() {
        let Some(mut fields) = out.map(item, "set of assumptions") else { continue };
        let from = fields.need("from", "add the first day it holds: `from: YYYY-MM-DD`", out);
        let from = from.and_then(|node| out.date(node));
        needs_currency(fields.get("agent_hourly_rate"), out);
        let stated = values(&mut fields, out);
        fields.close(out);
        if from.is_some_and(|from| sets.last().and_then(|s| s.from).is_some_and(|f| f >= from)) {
            let message = "the sets are not in the order of their days";
            out.report(item.place, message, "put the earlier day first, and each day once");
        }
        sets.push(AssumptionSet { from, ..stated });
    }
    let currency = currency.and_then(|node| code(node, out));
    let rates = exchange_rates(fields.get("rates"), currency.as_deref(), out);
    fields.close(out);
    Some(Assumptions { sets: complete(sets, currency.as_deref()), currency, rates })
}

/// What a map states by itself.
fn values(fields: &mut Fields<'_>, out: &mut Findings) -> AssumptionSet {
    let rate = fields.get("agent_hourly_rate");
    let rate = rate.and_then(|node| out.number(node, 0.0..=1_000_000.0));
    AssumptionSet {
        id: String::new(),
        from: None,
        agent_hourly_rate_micros: rate.map(|rate| (rate * 1e6).round() as i64),
        aht_seconds: fields.get("aht_seconds").and_then(|node| out.whole(node, 1..=864_000)),
        owner: fields.get("owner").and_then(|node| out.label(node)),
        source: fields.get("source").and_then(|node| out.label(node)),
    }
}

/// What a set leaves out stays as it was; its id names the day and all that holds from then on.
fn complete(mut sets: Vec<AssumptionSet>, currency: Option<&str>) -> Vec<AssumptionSet> {
    let mut before: Option<AssumptionSet> = None;
    for set in &mut sets {
        if let Some(before) = before {
            set.agent_hourly_rate_micros =
                set.agent_hourly_rate_micros.or(before.agent_hourly_rate_micros);
            set.aht_seconds = set.aht_seconds.or(before.aht_seconds);
            set.owner = set.owner.take().or(before.owner);
            set.source = set.source.take().or(before.source);
        }
        let day = set.from.map_or_else(|| "always".to_owned(), |from| from.to_string());
        let content = (currency, set.agent_hourly_rate_micros, set.aht_seconds);
        let hash = Sha256::digest(format!("{content:?}"));
        set.id = format!("{day}-{}", data_encoding::HEXLOWER.encode(&hash[..3]));
        before = Some(set.clone());
    }
    sets
}

fn exchange_rates(
    node: Option<&Node>,
    currency: Option<&str>,
    out: &mut Findings,
) -> Vec<ExchangeRate> {
    let mut rates: Vec<ExchangeRate> = Vec::new();
    for item in node.and_then(|node| out.list(node)).unwrap_or_default() {
        let Some(mut fields) = out.map(item, "exchange rate") else { continue };
        let code_node = fields.need("currency", "add the foreign currency: `currency: USD`", out);
        let foreign = code_node.and_then(|node| code(node, out));
        let from = fields.need("from", "add the first day it holds: `from: YYYY-MM-DD`", out);
        let from = from.and_then(|node| out.date(node));
        let remedy = "add what one unit of it is worth in your currency: `rate: 0.92`";
        let rate = fields.need("rate", remedy, out).and_then(|node| fraction(node, out));
        fields.close(out);
        if currency.is_none() || foreign.as_deref() == currency {
            let message = "a rate needs a reporting currency that differs from its own";
            out.report(item.place, message, "add `currency: EUR`, or yours, to the assumptions");
        }
        let (Some(currency), Some(from), Some((numerator, denominator))) = (foreign, from, rate)
        else {
            continue;
        };
        if rates.iter().any(|r| r.currency == currency && r.from == from) {
            let message = format!("two rates of {currency} begin on {from}");
            out.report(item.place, message, "leave one of them out");
        }
        rates.push(ExchangeRate { currency, from, numerator, denominator });
    }
    rates.sort_by(|a, b| (&a.currency, a.from).cmp(&(&b.currency, b.from)));
    rates
}

fn code(node: &Node, out: &mut Findings) -> Option<String> {
    let code = out.text(node)?;
    let fits = code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase());
    if !fits {
        out.report(node.place, format!("`{code}` is not a currency"), "write it as EUR");
    }
    fits.then(|| code.to_owned())
}

/// A positive number as the fraction that its digits say, so that 0.92 is 92 hundredths and not the
/// nearest double.
fn fraction(node: &Node, out: &mut Findings) -> Option<(i64, i64)> {
    let number = out.number(node, 0.0..=1e9)?;
    let digits = number.to_string();
    let (whole, decimals) = digits.split_once('.').unwrap_or((&digits, ""));
    let denominator = u32::try_from(decimals.len()).ok().and_then(|n| 10_i64.checked_pow(n));
    let numerator = format!("{whole}{decimals}").parse::<i64>().ok();
    let fits = numerator.zip(denominator).filter(|(numerator, denominator)| {
        *numerator > 0 && numerator.checked_mul(*denominator).is_some_and(|p| p <= LARGEST_FRACTION)
    });
    if fits.is_none() {
        let message = format!("{number} is no exchange rate");
        out.report(node.place, message, "write a positive number of nine digits or fewer");
    }
    fits
}

impl AssumptionSet {
    fn is_stated(&self) -> bool {
        self.agent_hourly_rate_micros.is_some()
            || self.aht_seconds.is_some()
            || self.owner.is_some()
            || self.source.is_some()
    }
}
