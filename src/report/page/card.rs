//! The families of metrics: for each metric its number over the period, what it was before, how sure
//! that is, its days as a picture and as a table.

use serde::Serialize;

use super::chart::line::{Line, line};
use super::locale::{Locale, Unit};
use super::material::{Cell, Definition, Material};
use super::period::{Over, Summary, summary};
use super::texts::{Pick, Texts};
use crate::interval::Interval;
use crate::model::Family;

#[derive(Debug, Clone, Serialize)]
pub struct FamilyView {
    /// Also the anchor.
    pub id: &'static str,
    pub title: String,
    pub cards: Vec<Card>,
    /// Metrics without a value in either period, and why.
    pub silent: Vec<Silent>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Card {
    /// Of the metric, as in the tables.
    pub metric: String,
    pub name: String,
    pub is_glance: bool,
    /// None without a value in the period; then `why` tells.
    pub value: Option<String>,
    pub why: Option<String>,
    /// How days became the number.
    pub over: String,
    pub interval: Option<String>,
    pub n: Option<String>,
    pub before: Option<String>,
    pub change: Option<String>,
    /// Why the change is not told.
    pub unlike: Option<String>,
    pub provisional: Option<String>,
    pub low_n: bool,
    pub redefined: bool,
    pub line: Line,
    /// What the picture shows, in words.
    pub told: String,
    /// Date, value, interval, n, state.
    pub rows: Vec<[String; 5]>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Silent {
    pub name: String,
    pub why: String,
}

/// A line of the definitions at the page's end.
#[derive(Debug, Clone, Serialize)]
pub struct DefinitionView {
    pub metric: String,
    pub also: Vec<String>,
    pub name: String,
    pub doc: String,
    /// The doc is the contract's own, in English.
    pub is_english: bool,
    pub table: String,
    pub additivity: &'static str,
    pub maturity_days: u32,
    pub versions: Vec<String>,
}

/// A metric with all that is known of it.
struct Told<'a> {
    definition: &'a Definition,
    name: String,
    pick: Pick,
    is_glance: bool,
    cells: Vec<&'a Cell>,
}

/// What the views are made with.
pub struct Maker<'a> {
    pub material: &'a Material,
    pub texts: &'a Texts,
    pub locale: Locale<'a>,
}

impl<'a> Maker<'a> {
    /// The families in order; metrics that no family names come last, under a heading of their own.
    pub fn families(&self) -> Vec<FamilyView> {
        let mut families: Vec<FamilyView> = Vec::new();
        for text in &self.texts.nouns.families {
            let listed = text.metrics.iter().filter_map(|m| self.definition(&m.metric));
            let joined = self.own().filter(|d| d.family == Some(text.family));
            let title = text.title.in_language(self.texts.language).to_owned();
            families.push(self.family(id(Some(text.family)), title, listed.chain(joined)));
        }
        let others = self.own().filter(|d| d.family.is_none());
        let others = self.family(id(None), self.texts.say("own_family"), others);
        families.extend(Some(others).filter(|f| !f.cards.is_empty() || !f.silent.is_empty()));
        families
    }

    pub fn definitions(&self) -> Vec<DefinitionView> {
        let all = self.material.definitions.iter();
        let all = all.filter(|d| !self.texts.is_other_name(&d.metric));
        all.map(|definition| {
            let text = self.texts.metric(&definition.metric).map(|(_, text)| text);
            let doc = text.and_then(|text| text.doc.in_language(self.texts.language));
            let versions = self.cells(definition).into_iter().map(|c| &c.definition_version);
            let versions: std::collections::BTreeSet<&String> = versions.collect();
            DefinitionView {
                metric: definition.metric.clone(),
                also: text.map(|text| text.also.clone()).unwrap_or_default(),
                name: self.name(definition),
                doc: doc.unwrap_or(&definition.doc).to_owned(),
                is_english: doc.is_none(),
                table: definition.table.clone(),
                additivity: definition.additivity.name(),
                maturity_days: definition.maturity_days,
                versions: versions.into_iter().cloned().collect(),
            }
        })
        .collect()
    }

    fn definition(&self, metric: &str) -> Option<&'a Definition> {
        self.material.definitions.iter().find(|d| d.metric == metric)
    }

    /// The metrics that the families' list does not name.
    fn own(&self) -> impl Iterator<Item = &'a Definition> {
        let all = self.material.definitions.iter();
        all.filter(|d| {
            self.texts.metric(&d.metric).is_none() && !self.texts.is_other_name(&d.metric)
        })
    }

    fn name(&self, definition: &Definition) -> String {
        match self.texts.metric(&definition.metric) {
            Some((_, text)) => text.name.in_language(self.texts.language).to_owned(),
            None => definition.metric.replace('_', " "),
        }
    }

    fn cells(&self, definition: &Definition) -> Vec<&'a Cell> {
        self.material.cells.iter().filter(|c| c.metric == definition.metric).collect()
    }

    fn family(
        &self,
        id: &'static str,
        title: String,
        definitions: impl Iterator<Item = &'a Definition>,
    ) -> FamilyView {
        let mut family = FamilyView { id, title, cards: Vec::new(), silent: Vec::new() };
        for definition in definitions {
            let text = self.texts.metric(&definition.metric).map(|(_, text)| text);
            let told = Told {
                definition,
                name: self.name(definition),
                pick: text.map(|text| text.over).unwrap_or_default(),
                is_glance: text.is_some_and(|text| text.glance),
                cells: self.cells(definition),
            };
            match told.cells.is_empty() {
                true => {
                    family.silent.push(Silent { why: self.why_none(definition), name: told.name })
                }
                false => family.cards.push(self.card(&told)),
            }
        }
        family
    }

    fn card(&self, told: &Told<'a>) -> Card {
        let definition = told.definition;
        let over = Over::of(definition, told.pick);
        let unit = Unit::of(&definition.unit, self.material.currency.as_deref());
        let (now, before) = (self.within(told, over, true), self.within(told, over, false));
        let value = |summary: &Summary| self.locale.value(summary.value, &unit);
        let unlike = self.unlike(told, over, now.as_ref(), before.as_ref());
        let change = now.as_ref().zip(before.as_ref()).filter(|_| unlike.is_none());
        let change =
            change.and_then(|(now, before)| self.locale.change(now.value, before.value, &unit));
        let interval = now.as_ref().and_then(|summary| summary.interval);
        // The change of a share of 97 % would be lost on an axis from zero.
        let from_zero = unit != Unit::Share && told.cells.iter().all(|cell| cell.value >= 0.0);
        let provisional = now.as_ref().filter(|summary| summary.provisional > 0);
        let both = now.iter().chain(&before).flat_map(|summary| &summary.definitions);
        Card {
            metric: definition.metric.clone(),
            name: told.name.clone(),
            is_glance: told.is_glance,
            value: now.as_ref().map(value),
            why: now.is_none().then(|| self.why_none(definition)),
            over: now.as_ref().map_or_else(String::new, |summary| self.over(over, summary)),
            interval: interval.map(|(low, high)| self.range(low, high, &unit)),
            n: now.as_ref().map(|summary| self.locale.count(summary.n)),
            before: before.as_ref().map(value),
            change,
            unlike,
            provisional: provisional
                .map(|s| self.of_days("provisional_days", s.provisional, s.days)),
            low_n: now.as_ref().is_some_and(|s| s.n < i64::from(self.material.low_n)),
            redefined: both.collect::<std::collections::BTreeSet<_>>().len() > 1,
            line: line(&told.cells, self.material.span, from_zero, &unit, self.locale),
            told: self.told(told, &unit),
            rows: self.rows(told, &unit),
        }
    }

    fn period(&self, is_now: bool) -> Interval {
        let span = self.material.span;
        if is_now { span.period } else { span.before }
    }

    fn within(&self, told: &Told<'a>, over: Over, is_now: bool) -> Option<Summary> {
        let days = self.period(is_now);
        let cells = told.cells.iter().copied().filter(|cell| days.contains(cell.date));
        summary(&cells.collect::<Vec<_>>(), over, told.definition.proportion)
    }

    /// Why two periods cannot be held against each other.
    fn unlike(
        &self,
        told: &Told<'a>,
        over: Over,
        now: Option<&Summary>,
        before: Option<&Summary>,
    ) -> Option<String> {
        let published = |is_now| {
            let days = self.period(is_now);
            (self.material.days.iter().filter(|day| days.contains(**day)).count(), days.len())
        };
        let ((has, of), (had, _)) = (published(true), published(false));
        // What waits for later days has no value on the newest ones.
        let newest = told.cells.last().map(|cell| cell.date);
        let days = self.material.days.iter().filter(|day| self.period(true).contains(**day));
        let valued = days.filter(|day| newest.is_some_and(|newest| **day <= newest)).count();
        match (now, before) {
            (Some(_), None) => Some(self.texts.say("nothing_before")),
            // Fewer days add up to less.
            (Some(_), Some(_)) if over == Over::Sum && had < of => {
                Some(self.of_days("before_has_days", had, of))
            }
            (Some(_), Some(_)) if over == Over::Sum && has < of => {
                Some(self.of_days("now_has_days", has, of))
            }
            (Some(_), Some(_)) if over == Over::Sum && valued < of => {
                Some(self.of_days("now_has_values", valued, of))
            }
            _ => None,
        }
    }

    fn over(&self, over: Over, summary: &Summary) -> String {
        let said = self.texts.say(over.word());
        let of = self.material.span.period.len();
        match summary.days < of && over != Over::Last {
            true => format!("{said}, {}", self.of_days("of_days", summary.days, of)),
            false => said,
        }
    }

    fn of_days(&self, key: &str, days: usize, of: usize) -> String {
        let (days, of) = (self.locale.count(days as i64), self.locale.count(of as i64));
        self.texts.fill(key, &[("days", &days), ("of", &of)])
    }

    fn range(&self, low: f64, high: f64, unit: &Unit) -> String {
        format!("{} – {}", self.locale.value(low, unit), self.locale.value(high, unit))
    }

    fn why_none(&self, definition: &Definition) -> String {
        let days = self.locale.count(i64::from(definition.maturity_days));
        match definition.maturity_days {
            0 | 1 => self.texts.say("nothing_counted"),
            _ => self.texts.fill("nothing_ripe", &[("days", &days)]),
        }
    }

    /// The picture in a sentence.
    fn told(&self, told: &Told<'a>, unit: &Unit) -> String {
        let by_value = |a: &&&Cell, b: &&&Cell| a.value.total_cmp(&b.value);
        let lowest = told.cells.iter().min_by(by_value);
        let highest = told.cells.iter().max_by(by_value);
        let ends = lowest.zip(highest).zip(told.cells.last());
        let Some(((lowest, highest), last)) = ends else { return String::new() };
        let value = |cell: &Cell| self.locale.value(cell.value, unit);
        let date = |cell: &Cell| self.locale.date(cell.date);
        self.texts.fill(
            "line_told",
            &[
                ("days", &self.locale.days(self.material.span.all())),
                ("low", &value(lowest)),
                ("low_day", &date(lowest)),
                ("high", &value(highest)),
                ("high_day", &date(highest)),
                ("last", &value(last)),
                ("last_day", &date(last)),
            ],
        )
    }

    fn rows(&self, told: &Told<'a>, unit: &Unit) -> Vec<[String; 5]> {
        let days = self.material.span.period;
        let own = told.cells.iter().filter(|cell| days.contains(cell.date));
        own.map(|cell| {
            let interval = cell.interval.map(|(low, high)| self.range(low, high, unit));
            let state = if cell.is_final { "final" } else { "provisional" };
            [
                self.locale.date(cell.date),
                self.locale.value(cell.value, unit),
                interval.unwrap_or_else(|| "–".to_owned()),
                self.locale.count(cell.n),
                self.texts.say(state),
            ]
        })
        .collect()
    }
}

fn id(family: Option<Family>) -> &'static str {
    match family {
        Some(Family::Engagement) => "engagement",
        Some(Family::Performance) => "performance",
        Some(Family::Efficiency) => "efficiency",
        Some(Family::Technical) => "technical",
        None => "own",
    }
}
