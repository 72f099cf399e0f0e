//! From input to rows: for each rollout, for all its services and for each, every metric.

use std::collections::BTreeSet;
use std::ops::Range;

use super::bootstrap::{DRAWS, Draws, Estimate, Spread, correction};
use super::design::{Design, Grade, check, design};
use super::did::Comparison;
use super::effects::{Side, at_mix_before, decompose};
use super::holdout::{self, Arms, Participant, Served};
use super::panel::{Cell, Handler, Outcome, Panel, Running, Sum};
use super::segmented::segmented;
use super::{ALL, Change, Effects, Input, Measure, Ratio, Row, checks, money};
use crate::error::Result;
use crate::interval::{Interval, plus};

/// Compares every rollout. Rows come in the order of the rollouts, all services first, then each.
///
/// # Errors
/// Configuration where two rollouts change one service within each other's windows, or one
/// compares a service with itself.
pub fn compare(input: &Input) -> Result<Vec<Row>> {
    check(&input.changes)?;
    let mut rows = Vec::new();
    for change in &input.changes {
        let study = Study::new(input, change);
        let all = study.scope(ALL, &change.services);
        match change.services.as_slice() {
            // The same numbers twice.
            [only] => {
                let named = |row: &Row| Row { service: only.clone(), ..row.clone() };
                let own: Vec<Row> = all.iter().map(named).collect();
                rows.extend(all.into_iter().chain(own));
            }
            several => {
                rows.extend(all);
                for service in several {
                    rows.extend(study.scope(service, std::slice::from_ref(service)));
                }
            }
        }
    }
    Ok(rows)
}

/// A rollout with its days and its design.
struct Study<'a> {
    input: &'a Input,
    change: &'a Change,
    panel: Panel,
    design: Design,
    participants: Vec<&'a Participant>,
}

/// Some services of a rollout.
struct Scope<'a> {
    study: &'a Study<'a>,
    name: &'a str,
    services: &'a [String],
    /// Those that the panel knows.
    known: Vec<usize>,
    grade: Grade,
    effects: Vec<Option<Estimate>>,
    trend: Option<checks::Trend>,
    placebo: Option<Estimate>,
    warnings: Vec<String>,
}

impl<'a> Study<'a> {
    fn new(input: &'a Input, change: &'a Change) -> Self {
        let own = |p: &&Participant| p.rollout == change.name;
        let participants: Vec<&Participant> = input.participants.iter().filter(own).collect();
        let panel = Panel::new(&input.cells, input.history);
        let arms = Arms::new(participants.iter().copied(), |p| &p.after);
        let design = design(change, &input.changes, &panel, input.history, &arms);
        Study { input, change, panel, design, participants }
    }

    fn scope(&'a self, name: &'a str, services: &'a [String]) -> Vec<Row> {
        let scope = Scope::new(self, name, services);
        let mut rows = scope.costs();
        rows.extend(scope.savings());
        rows.extend(scope.tests());
        rows.extend(scope.by_arm());
        rows.extend(scope.channels());
        rows.extend(scope.guardrails());
        rows
    }

    /// What is missing of some services, in words.
    fn absent(&self, services: &[String]) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.change.date >= self.input.history.end {
            warnings.push("the change lies in the future of the data".to_owned());
        }
        let (pre, post) = (&self.design.pre, &self.design.post);
        for (days, side) in [(pre, "before"), (post, "after")] {
            let has_none = |service: &&String| {
                let found = self.panel.find(service);
                found.is_none_or(|found| self.panel.total(found, days).services == 0)
            };
            // A window that has not begun says nothing of a service.
            if side == "before" || !days.is_empty() {
                let none = services.iter().filter(has_none);
                warnings.extend(none.map(|s| format!("`{s}` has no services {side} the change")));
            }
        }
        warnings
    }

    fn cells(&self, services: &'a [String], window: Interval) -> impl Iterator<Item = &'a Cell> {
        let cells = self.input.cells.iter();
        cells.filter(move |c| window.contains(c.date) && services.contains(&c.service))
    }
}

impl<'a> Scope<'a> {
    fn new(study: &'a Study<'a>, name: &'a str, services: &'a [String]) -> Self {
        let (panel, design) = (&study.panel, &study.design);
        let known: Vec<usize> = services.iter().filter_map(|s| panel.find(s)).collect();
        let mut scope = Scope {
            study,
            name,
            services,
            known,
            grade: design.grade,
            effects: vec![None; Outcome::ALL.len()],
            trend: None,
            placebo: None,
            warnings: Vec::new(),
        };
        scope.warnings.extend(study.absent(services));
        scope.effects = scope.estimates();
        if scope.effects[0].is_none() && scope.grade != Grade::E {
            scope.grade = Grade::E;
            scope.warnings.push("the numbers allow no estimate: description only".to_owned());
            if design.grade == Grade::A {
                scope.warnings.push(scope.arms(|p| &p.after).too_few());
            }
        }
        (scope.trend, scope.placebo) = scope.time_before();
        scope.warnings.extend(design.warnings.iter().cloned());
        let effect = scope.effects[0].as_ref();
        scope.warnings.extend(checks::of_windows(panel, &scope.known, design));
        if scope.grade != Grade::E {
            let cells = &study.input.cells;
            let controls = checks::of_controls(panel, &scope.known, design, cells, effect);
            scope.warnings.extend(controls);
            if scope.grade == Grade::A {
                let services = panel.pooled(&scope.known, &design.post).services;
                scope.warnings.extend(holdout::told(&scope.participants(), services));
            }
            let told = checks::told(scope.trend.as_ref(), scope.placebo.as_ref(), scope.grade);
            scope.warnings.extend(told);
        }
        scope
    }

    /// The effect on each outcome, by the design's method.
    fn estimates(&self) -> Vec<Option<Estimate>> {
        let (panel, design) = (&self.study.panel, &self.study.design);
        let (pre, post) = (&design.pre, &design.post);
        match design.grade {
            Grade::A => self.arms(|p| &p.after).effects(&Outcome::ALL),
            Grade::B | Grade::C => {
                let both = Comparison::new(panel, &self.known, pre, post, &design.donors);
                both.map_or_else(Vec::new, |both| both.bootstrap(&Outcome::ALL))
            }
            Grade::D => Outcome::ALL
                .iter()
                .map(|o| Some(segmented(panel, &self.known, pre, post, *o)?.estimate()))
                .collect(),
            Grade::E => Vec::new(),
        }
        .into_iter()
        .chain(std::iter::repeat(None))
        .take(Outcome::ALL.len())
        .collect()
    }

    fn costs(&self) -> Vec<Row> {
        let (panel, design) = (&self.study.panel, &self.study.design);
        let unit = format!("{} per service", self.study.input.currency);
        let names = [
            "cost_per_service",
            "human_cost_per_service",
            "avoidable_cost_per_service",
            "fixed_cost_per_service",
        ];
        let (before, after) =
            (panel.pooled(&self.known, &design.pre), panel.pooled(&self.known, &design.post));
        let mut rows = Vec::new();
        for (outcome, name) in Outcome::ALL.into_iter().zip(names) {
            let side = |sum: &Sum, days: &[usize]| {
                (!days.is_empty()).then(|| Ratio {
                    numerator: sum.cost[outcome as usize] as f64 / 1e6,
                    denominator: sum.services as f64,
                })
            };
            let mut row = self.row(name, &unit);
            row.pre = side(&before, &design.pre);
            row.post = side(&after, &design.post);
            row.estimate = self.effects[outcome as usize];
            if outcome == Outcome::Total {
                (row.effects, row.post_at_mix_before) = self.apart();
                row.warnings = self.warnings.clone();
            }
            rows.push(row);
        }
        rows
    }

    fn apart(&self) -> (Option<Effects>, Option<f64>) {
        let windows = &self.study.design.windows;
        let side = |window| Side::new(self.study.cells(self.services, window));
        let (before, after) = (side(windows.pre), side(windows.post));
        let at_mix = at_mix_before(&before, &after);
        (decompose(&before, &after), at_mix.map(|micros| micros as f64 / 1e6))
    }

    /// The scope's rows of a holdout.
    fn participants(&self) -> Vec<&'a Participant> {
        let own = |p: &&&Participant| self.services.contains(&p.service);
        self.study.participants.iter().filter(own).copied().collect()
    }

    fn arms(&self, window: impl Fn(&Participant) -> &Served) -> Arms {
        Arms::new(self.participants().into_iter(), window)
    }

    fn time_before(&self) -> (Option<checks::Trend>, Option<Estimate>) {
        if self.grade == Grade::A {
            let before = self.arms(|p| &p.before).effects(&[Outcome::Total]);
            return (None, before.into_iter().next().flatten());
        }
        if !matches!(self.grade, Grade::B | Grade::C | Grade::D) {
            return (None, None);
        }
        let (panel, design) = (&self.study.panel, &self.study.design);
        let pre = |s: &&usize| panel.total(**s, &design.pre).services > 0;
        let known: Vec<usize> = self.known.iter().filter(pre).copied().collect();
        (checks::pre_trend(panel, &known, design), checks::placebo(panel, &known, design))
    }

    /// The pre-trend and the placebo in time.
    fn tests(&self) -> Vec<Row> {
        let currency = &self.study.input.currency;
        let mut rows = Vec::new();
        if let Some(trend) = self.trend {
            let mut row = self.row("pre_trend", &format!("{currency} per service a week"));
            row.estimate = Some(trend.slope);
            row.method = "slope of the weekly gap before the change".to_owned();
            rows.push(row);
        }
        if let Some(placebo) = self.placebo {
            let mut row = self.row("placebo_in_time", &format!("{currency} per service"));
            row.estimate = Some(placebo);
            row.method = match self.grade {
                Grade::A => "the same customers' services before the change",
                _ => "the method of the row's grade, with the middle of the time before as the change",
            }
            .to_owned();
            rows.push(row);
        }
        rows
    }

    fn savings(&self) -> Vec<Row> {
        let (panel, design) = (&self.study.panel, &self.study.design);
        let mut services = panel.pooled(&self.known, &design.post).services;
        if self.grade == Grade::A {
            // Nothing was saved on customers who were kept from it.
            services -= holdout::total(self.arms(|p| &p.after).kept.iter()).services;
        }
        let lines = [
            ("saving_gross", Outcome::Human),
            ("saving_net", Outcome::Total),
            ("saving_cashable", Outcome::Avoidable),
            ("saving_capacity", Outcome::Fixed),
        ];
        let mut rows = Vec::new();
        for (name, outcome) in lines {
            if let Some(effect) = &self.effects[outcome as usize] {
                let mut row = self.row(name, &self.study.input.currency);
                row.estimate = Some(money::saving(effect, services));
                rows.push(row);
            }
        }
        let own = |i: &&super::Investment| i.rollout == self.study.change.name && self.name == ALL;
        let investment = self.study.input.investments.iter().find(own);
        if let (Some(effect), Some(investment)) = (&self.effects[0], investment) {
            let net = money::saving(effect, services);
            if let Some(months) = money::payback(&net, investment, design.post.len()) {
                let mut row = self.row("payback_months", "months");
                row.estimate = Some(months);
                rows.push(row);
            }
        }
        rows
    }

    /// What a service cost customers of either arm.
    fn by_arm(&self) -> Vec<Row> {
        if self.grade != Grade::A {
            return Vec::new();
        }
        let (before, after) = (self.arms(|p| &p.before), self.arms(|p| &p.after));
        let unit = format!("{} per service", self.study.input.currency);
        let arms = [
            ("cost_per_service_given", &before.given, &after.given),
            ("cost_per_service_kept", &before.kept, &after.kept),
        ];
        let row = |(name, before, after): (&str, &Vec<Sum>, &Vec<Sum>)| Row {
            pre: side(&holdout::total(before.iter())),
            post: side(&holdout::total(after.iter())),
            method: format!("description: {} customers", after.len()),
            ..self.row(name, &unit)
        };
        arms.map(row).into()
    }

    /// The bot and each human channel, and how they compare in the same days.
    fn channels(&self) -> Vec<Row> {
        let (study, windows) = (self.study, &self.study.design.windows);
        const BOT: &str = "bot";
        let renamed = |cell: &Cell| Cell {
            service: match cell.handler {
                Handler::Bot => BOT.to_owned(),
                Handler::Human => format!("human_{}", cell.channel),
            },
            ..cell.clone()
        };
        let both = study.cells(self.services, windows.pre);
        let both = both.chain(study.cells(self.services, windows.post));
        let panel = Panel::new(&both.map(renamed).collect::<Vec<_>>(), study.input.history);
        let unit = format!("{} per service", study.input.currency);
        let bot = panel.find(BOT);
        let mut rows = Vec::new();
        for (n, name) in panel.services.iter().enumerate() {
            let mut row = self.row(&format!("cost_per_service_{name}"), &unit);
            row.pre = side(&panel.total(n, &study.design.pre));
            row.post = side(&panel.total(n, &study.design.post));
            row.method = "description".to_owned();
            if let Some(bot) = bot.filter(|bot| *bot != n) {
                row.estimate = between(&panel, bot, n, &study.design.post);
                row.method = "bot minus this channel in the days after, 7-day block bootstrap: not an effect, customers choose".to_owned();
            }
            rows.push(row);
        }
        rows
    }

    fn guardrails(&self) -> Vec<Row> {
        let (study, design) = (self.study, &self.study.design);
        let own = |m: &&Measure| self.services.contains(&m.service);
        let measures: Vec<&Measure> = study.input.measures.iter().filter(own).collect();
        let names: BTreeSet<(&str, &str)> =
            measures.iter().map(|m| (m.name.as_str(), m.unit.as_str())).collect();
        let mut rows = Vec::new();
        for (name, unit) in names {
            let own = measures.iter().filter(|m| m.name == name);
            let mut row = self.row(name, unit);
            // Days whose numbers are not final yet are no days yet.
            let late = own.clone().map(|m| m.final_after_days - 1).max().unwrap_or(0);
            let known =
                Interval::new(study.input.history.start, plus(study.input.history.end, -late));
            let panel = Panel::new(&own.map(|m| as_cell(m)).collect::<Vec<_>>(), known);
            let all: Vec<usize> = (0..panel.services.len()).collect();
            let days = |days: &[usize]| -> Vec<usize> {
                days.iter().filter(|day| **day < known.len()).copied().collect()
            };
            let (pre, post) = (days(&design.pre), days(&design.post));
            row.is_final &= post.len() == design.post.len();
            (row.pre_days, row.post_days) = (pre.len(), post.len());
            row.pre = side(&panel.pooled(&all, &pre));
            row.post = side(&panel.pooled(&all, &post));
            row.method = "before and after, 7-day block bootstrap: not an effect".to_owned();
            row.estimate = pooled_change(&panel, &pre, &post);
            rows.push(row);
        }
        for m in &study.input.window_measures {
            if m.rollout == study.change.name && m.service == self.name {
                let mut row = self.row(&m.name, &m.unit);
                let ratio = |(numerator, denominator): (i64, i64)| Ratio {
                    numerator: numerator as f64,
                    denominator: denominator as f64,
                };
                (row.pre, row.post) = (Some(ratio(m.pre)), Some(ratio(m.post)));
                row.method = "description".to_owned();
                rows.push(row);
            }
        }
        rows
    }

    fn row(&self, metric: &str, unit: &str) -> Row {
        let design = &self.study.design;
        Row {
            rollout: self.study.change.name.clone(),
            service: self.name.to_owned(),
            metric: metric.to_owned(),
            unit: unit.to_owned(),
            pre: None,
            post: None,
            effects: None,
            post_at_mix_before: None,
            estimate: None,
            method: self.grade.method().to_owned(),
            grade: self.grade,
            pre_days: design.pre.len(),
            post_days: design.post.len(),
            is_final: design.windows.complete,
            warnings: Vec::new(),
        }
    }
}

/// The difference of two series' ratios over the same days. None under two weeks, or where one has
/// no services.
fn between(panel: &Panel, one: usize, other: usize, days: &[usize]) -> Option<Estimate> {
    let (stretch, df) = correction(days.len())?;
    let (one, other) = (panel.running(one, days), panel.running(other, days));
    let gap = |drawn: &[Range<usize>]| {
        let ratio = |series: &Running| series.over(drawn).ratio(Outcome::Total);
        Some(ratio(&one)? - ratio(&other)?)
    };
    let value = gap(std::slice::from_ref(&(0..days.len())))?;
    let (mut draws, mut drawn, mut spread) = (Draws::default(), Vec::new(), Spread::default());
    for _ in 0..DRAWS {
        draws.blocks(days.len(), &mut drawn);
        if let Some(gap) = gap(&drawn) {
            spread.add(gap);
        }
    }
    Some(Estimate::around(value, spread.deviation() * stretch, df))
}

/// How all series of a panel together changed from before to after.
fn pooled_change(panel: &Panel, pre: &[usize], post: &[usize]) -> Option<Estimate> {
    let mut cells = Vec::new();
    for day in pre.iter().chain(post) {
        let all: Vec<usize> = (0..panel.services.len()).collect();
        let sum = panel.pooled(&all, &[*day]);
        cells.push(Cell {
            date: plus(panel.days.start, *day as i64),
            service: ALL.to_owned(),
            channel: String::new(),
            handler: Handler::Human,
            services: sum.services,
            cost_micros: sum.cost[Outcome::Total as usize],
            avoidable_micros: 0,
        });
    }
    let pooled = Panel::new(&cells, panel.days);
    let change = Comparison::new(&pooled, &[0], pre, post, &[])?;
    change.bootstrap(&[Outcome::Total]).into_iter().next().flatten()
}

/// A measure as what a panel adds up: its numerator is the cost.
fn as_cell(measure: &Measure) -> Cell {
    Cell {
        date: measure.date,
        service: measure.service.clone(),
        channel: String::new(),
        handler: Handler::Human,
        services: measure.denominator,
        cost_micros: measure.numerator.saturating_mul(1_000_000),
        avoidable_micros: 0,
    }
}

fn side(sum: &Sum) -> Option<Ratio> {
    let numerator = sum.cost[Outcome::Total as usize] as f64 / 1e6;
    (sum.services > 0).then_some(Ratio { numerator, denominator: sum.services as f64 })
}
