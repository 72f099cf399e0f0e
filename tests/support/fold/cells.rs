//! From counts to the rows of `kpi_daily` (§3.13): numerators, denominators, intervals, status.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::sessions::Outcome;
use super::tally::{Tallies, Tally};
use super::{Cell, Place};
use crate::support::calendar::{day_start, plus};
use crate::support::chaos::World;

/// Every cell that exists.
pub fn cells(world: &World, tallies: &Tallies, watermark: i64) -> BTreeMap<Place, Cell> {
    let mut cells = BTreeMap::new();
    for ((date, slice), tally) in tallies {
        let mut rows = Rows::default();
        rows.volumes(tally);
        rows.outcomes(tally);
        rows.users(tally);
        rows.satisfaction(tally);
        rows.response_times(tally);
        rows.availability(tally);
        rows.leads(tally);
        rows.into_cells(world, *date, slice, watermark, &mut cells);
    }
    cells
}

/// R7: whether the watermark has reached the end of the local day `days` after `date`.
pub fn is_over(world: &World, date: NaiveDate, days: i64, watermark: i64) -> bool {
    watermark >= day_start(world.zone, plus(date, days + 1))
}

/// R7: final once the watermark reaches the end of the local day D + w, where w is 1, and 8 for
/// numbers that answers up to a week later can change; for what waits for later days, as many as
/// it waits.
pub fn is_final(world: &World, metric: &str, date: NaiveDate, watermark: i64) -> bool {
    let days = match metric {
        "csat" | "rating_satisfied" | "nps" | "helpful_rate" | "response_rate" => 8,
        "retention_d7" => 7,
        "retention_30" | "returned_within_30" | "retention_d30" => 30,
        "durable_resolution_rate_24h" => 2,
        "durable_resolution_rate_72h" => 4,
        // A contact up to a day after a session tells whose service that was.
        "cost_per_service_human" | "cost_per_resolved_service_human" => 3,
        "durable_resolution_rate_7d" | "first_contact_resolution_rate" => 8,
        "time_saved_seconds_conservative" => 8,
        "durable_resolution_rate_30d" => 31,
        _ => 1,
    };
    is_over(world, date, days, watermark)
}

/// The rows of one day and slice, by metric.
#[derive(Default)]
pub struct Rows(BTreeMap<String, Cell>);

impl Rows {
    /// Puts the rows in their places.
    pub fn into_cells(
        self,
        world: &World,
        date: NaiveDate,
        slice: &[String],
        watermark: i64,
        cells: &mut BTreeMap<Place, Cell>,
    ) {
        for (metric, mut cell) in self.0 {
            let is_final = is_final(world, &metric, date, watermark);
            cell.status = if is_final { "final" } else { "provisional" }.to_owned();
            cells.insert((date, metric, slice.to_vec()), cell);
        }
    }

    pub fn by_metric(self) -> BTreeMap<String, Cell> {
        self.0
    }

    /// §3.2: rows wherever the slice has a session or an activity.
    fn volumes(&mut self, tally: &Tally) {
        if tally.sessions == 0 && tally.activities == 0 {
            return;
        }
        self.count("interactions", tally.user_messages);
        self.count("messages_received", tally.user_messages);
        self.count("messages_sent", tally.bot_messages);
        self.count("sessions", tally.sessions);
        self.count("sessions_engaged", tally.engaged);
        self.count("sessions_open", of(tally, Outcome::Open));
        self.proportion("fallback_rate", tally.fallbacks, tally.bot_messages);
    }

    /// §3.5: rows wherever the slice has a session; rates by their denominators.
    fn outcomes(&mut self, tally: &Tally) {
        if tally.sessions == 0 {
            return;
        }
        use Outcome::*;
        self.count("sessions_unengaged", of(tally, Unengaged));
        self.count("sessions_escalated_connected", of(tally, EscalatedConnected));
        self.count("sessions_escalated_unanswered", of(tally, EscalatedUnanswered));
        self.count("sessions_resolved_confirmed", of(tally, ResolvedConfirmed));
        self.count("sessions_resolved_goal", of(tally, ResolvedGoal));
        self.count("sessions_resolved_assumed", of(tally, ResolvedAssumed));
        self.count("sessions_abandoned", of(tally, Abandoned));

        let closed = tally.sessions - of(tally, Open);
        let engaged = closed - of(tally, Unengaged);
        let confirmed = of(tally, ResolvedConfirmed) + of(tally, ResolvedGoal);
        let resolved = confirmed + of(tally, ResolvedAssumed);
        let escalated = of(tally, EscalatedConnected) + of(tally, EscalatedUnanswered);
        self.proportion("engagement_rate", engaged, closed - tally.unanswered_proactive);
        self.proportion("resolution_rate", resolved, engaged);
        self.proportion("resolution_rate_confirmed", confirmed, engaged);
        self.proportion("resolution_rate_all", resolved, closed);
        self.proportion("escalation_rate", escalated, engaged);
        self.proportion("abandon_rate", of(tally, Abandoned), engaged);
        self.proportion("containment_rate", engaged - escalated, engaged);
        // §3.2: over closed engaged sessions, in seconds.
        self.ratio("avg_session_seconds", tally.session_ms as f64 / 1000.0, engaged);
        self.ratio("avg_bot_seconds", tally.bot_ms as f64 / 1000.0, engaged);
    }

    /// §3.3: rows wherever somebody was active.
    fn users(&mut self, tally: &Tally) {
        let active = tally.users.len() as i64;
        if active == 0 {
            return;
        }
        let new = tally.new_users.len() as i64;
        self.count("unique_users", active);
        self.count("dau", active);
        self.count("new_users", new);
        self.count("returning_users", active - new);
        self.proportion("recurring_use_rate", active - new, active);
    }

    /// §3.6, over the answers of sessions.
    fn satisfaction(&mut self, tally: &Tally) {
        let answers = |instrument| tally.answers.get(instrument).cloned().unwrap_or_default();
        let (csat, rating) = (answers("csat_5"), answers("rating_10"));
        let (nps, helpful) = (answers("nps"), answers("helpful"));
        self.proportion("csat", csat.positive, csat.responses);
        self.proportion("rating_satisfied", rating.positive, rating.responses);
        self.ratio("nps", 100.0 * (nps.positive - nps.negative) as f64, nps.responses);
        self.proportion("helpful_rate", helpful.positive, helpful.responses);
        // Pairs of a session and an instrument, over all instruments.
        let asked = tally.answers.values().map(|answers| answers.surveys_sent).sum();
        let answered = tally.answers.values().map(|answers| answers.answered).sum();
        self.proportion("response_rate", answered, asked);
    }

    /// §3.7: over turns; percentiles by nearest rank.
    fn response_times(&mut self, tally: &Tally) {
        let answered = tally.latencies_ms.len() as i64;
        self.proportion("unanswered_rate", tally.turns - answered, tally.turns);
        if answered == 0 {
            return;
        }
        let mut sorted = tally.latencies_ms.clone();
        sorted.sort_unstable();
        self.ratio("response_time_ms", sorted.iter().sum::<i64>() as f64, answered);
        for percent in [50, 90, 95, 99] {
            // The value at 1-based position ceil(p × n), in whole numbers.
            let position = (percent * answered + 99) / 100;
            let value = sorted[position as usize - 1] as f64;
            self.put(&format!("response_time_p{percent}_ms"), value, 1.0, answered);
        }
    }

    /// §3.8: minutes of bots, and turns of every slice.
    fn availability(&mut self, tally: &Tally) {
        let minutes = &tally.minutes;
        self.proportion("availability", minutes.up, minutes.up + minutes.down);
        self.proportion("availability_request", tally.served, tally.turns);
    }

    /// §3.9: rows wherever somebody wrote or became a lead.
    fn leads(&mut self, tally: &Tally) {
        let (leads, users) = (tally.leads.total(), tally.users.len() as i64);
        if leads == 0 && users == 0 {
            return;
        }
        self.count("leads", leads);
        self.put("lead_value", tally.leads.value_micros as f64 / 1e6, 1.0, leads);
        self.ratio("lead_rate", leads as f64, users);
    }

    pub fn count(&mut self, metric: &str, count: i64) {
        self.put(metric, count as f64, 1.0, count);
    }

    /// A rate that is not a proportion. No row where there is nothing to divide by (R1, §3.13).
    fn ratio(&mut self, metric: &str, numerator: f64, denominator: i64) {
        if denominator > 0 {
            self.put(metric, numerator, denominator as f64, denominator);
        }
    }

    pub fn proportion(&mut self, metric: &str, numerator: i64, denominator: i64) {
        self.ratio(metric, numerator as f64, denominator);
        if let Some(cell) = self.0.get_mut(metric) {
            let (low, high) = wilson(numerator as f64, denominator as f64);
            (cell.ci_low, cell.ci_high) = (Some(low), Some(high));
        }
    }

    pub fn put(&mut self, metric: &str, numerator: f64, denominator: f64, n: i64) {
        let cell = Cell {
            numerator,
            denominator,
            value: numerator / denominator,
            ci_low: None,
            ci_high: None,
            n,
            low_n: n < 30,
            status: String::new(),
        };
        self.0.insert(metric.to_owned(), cell);
    }
}

fn of(tally: &Tally, outcome: Outcome) -> i64 {
    tally.outcomes.get(&outcome).copied().unwrap_or(0)
}

/// The ends of Wilson's interval at 95 % (R1), as the textbook has it.
fn wilson(successes: f64, trials: f64) -> (f64, f64) {
    let z = 1.959_963_984_540_054_f64;
    let share = successes / trials;
    let scale = 1.0 + z * z / trials;
    let centre = (share + z * z / (2.0 * trials)) / scale;
    let variance = share * (1.0 - share) / trials + z * z / (4.0 * trials * trials);
    let half = z * variance.sqrt() / scale;
    (centre - half, centre + half)
}
