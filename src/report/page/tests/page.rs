//! The page as a whole: what it says, what it never says, and that it stands alone.

use std::collections::BTreeSet;

use regex::Regex;

use super::*;

#[test]
fn rates_are_sums_over_sums_and_counts_are_sums() {
    let page = english(&material());
    let rate = card(&page, "resolution_rate");
    // 21 of 40 and 6 of 20; the mean of the days' shares would be 65 %.
    assert!(rate.contains("52.5%") && rate.contains("against 30.0% before"), "{rate}");
    assert!(rate.contains("+22.5\u{a0}pp") && rate.contains("n = 40"), "{rate}");
    // Wilson's interval of 21 of 40.
    assert!(rate.contains("95% interval 37.5% – 67.1%"), "{rate}");
    let sessions = card(&page, "sessions");
    assert!(sessions.contains("4,400") && sessions.contains("+120.0%"), "{sessions}");
    assert!(sessions.contains("against 2,000 before"), "{sessions}");
}

#[test]
fn users_are_never_added_up() {
    let page = english(&material());
    let users = card(&page, "dau");
    // 400 and 901: their sum is 1,301.
    assert!(users.contains("650.5") && users.contains("the median day"), "{users}");
    let week = card(&page, "wau");
    assert!(week.contains("1,300") && week.contains("the last day with a value"), "{week}");
    assert!(!text(&page).contains("1,301") && !text(&page).contains("2,534"));
}

#[test]
fn what_may_still_change_is_marked_in_words_and_in_the_picture() {
    let page = english(&material());
    let rate = card(&page, "resolution_rate");
    assert!(rate.contains("1 of 2 days are provisional"), "{rate}");
    assert!(page.contains("class=\"trend dashed\"") && page.contains("class=\"dot hollow\""));
    let mut settled = material();
    settled.cells.iter_mut().for_each(|cell| cell.is_final = true);
    settled.rollouts.clear();
    settled.retention.clear();
    let page = english(&settled);
    assert!(!page.contains("trend dashed") && !page.contains("dot hollow"));
    assert!(!text(&page).contains("days are provisional"));
}

#[test]
fn few_observations_are_marked() {
    let mut few = material();
    few.low_n = 41;
    assert!(card(&english(&few), "resolution_rate").contains("few observations"));
    assert!(!card(&english(&material()), "resolution_rate").contains("few observations"));
}

#[test]
fn without_days_before_there_is_no_change() {
    let mut alone = material();
    let start = alone.span.period.start;
    alone.cells.retain(|cell| cell.date >= start);
    alone.days.retain(|day| *day >= start);
    let sessions = card(&english(&alone), "sessions");
    assert!(sessions.contains("No value in the days before to compare with."), "{sessions}");
    assert!(!sessions.contains("against"), "{sessions}");
}

#[test]
fn sums_of_unlike_many_days_are_not_compared() {
    let mut gap = material();
    gap.days.remove(&first());
    gap.cells.retain(|cell| cell.date > first());
    let page = english(&gap);
    let sessions = card(&page, "sessions");
    let why = "Not compared: only 1 of the 2 days before are published.";
    assert!(sessions.contains(why) && !sessions.contains("against"), "{sessions}");
    // A rate of fewer days is a rate.
    assert!(card(&page, "resolution_rate").contains("against 10.0% before"));
    // Published days whose value waits for later ones.
    let mut early = material();
    early.cells.retain(|cell| cell.metric != "sessions" || cell.date < plus(first(), 3));
    let page = english(&early);
    let why = "Not compared: only 1 of the 2 days can have a value so far.";
    assert!(card(&page, "sessions").contains(why), "{}", card(&page, "sessions"));
}

#[test]
fn days_that_are_missing_are_named() {
    let mut gap = material();
    gap.days.remove(&plus(first(), 2));
    gap.cells.retain(|cell| cell.date != plus(first(), 2));
    let told = text(&english(&gap));
    assert!(told.contains("1 of 2 days of the period are published."), "{told}");
    assert!(told.contains("Missing days: 18 Nov 2026"), "{told}");
    assert!(told.contains("1 of 2 days have a value"), "{told}");
    // Days that adjoin are one stretch.
    let none = Material { cells: Vec::new(), days: BTreeSet::new(), ..material() };
    assert!(text(&english(&none)).contains("Missing days: 18 Nov 2026 – 19 Nov 2026"));
}

#[test]
fn a_single_day_and_no_day_make_a_page_too() {
    let mut single = material();
    single.span = Span::of(Interval::day(plus(first(), 3)));
    let page = english(&single);
    assert!(card(&page, "sessions").contains("3,200"));
    assert!(text(&page).contains("19 Nov 2026 · compared with 18 Nov 2026"));

    for language in Language::ALL {
        let empty = Material { definitions: material().definitions, ..Material::default() };
        let page = html(&empty, language).expect("a page");
        assert!(!page.contains("<article"));
    }
    let told = text(&english(&Material { has_totals: true, ..Material::default() }));
    for why in [
        "No metric has a value in these days.",
        "No sessions in these days",
        "No answered turn in these days",
        "No cohort of the twelve weeks",
        "No rollout to compare",
        "audit_load is not published",
        "audit_ingest is not published",
    ] {
        assert!(told.contains(why), "{why:?} is not in {told}");
    }
    assert!(!told.contains("no slice of all dimensions"));
    assert!(text(&english(&Material::default())).contains("no slice of all dimensions"));
}

#[test]
fn a_metric_without_a_value_says_why() {
    let told = text(&english(&material()));
    assert!(told.contains("Back on the 30th day : no value in these days: it is known 30 days"));
}

#[test]
fn a_changed_definition_is_marked_and_traced() {
    let mut changed = material();
    for cell in changed.cells.iter_mut().filter(|cell| cell.date == first()) {
        cell.definition_version = "v0".to_owned();
    }
    let page = english(&changed);
    assert!(card(&page, "resolution_rate").contains("definition changed"));
    assert!(!card(&english(&material()), "resolution_rate").contains("definition changed"));
    let row =
        page.split("id=\"d-resolution_rate\"").nth(1).and_then(|rest| rest.split("</tr>").next());
    let row = text(&format!("<a {}", row.expect("a definition")));
    assert!(row.contains("fct_made_up") && row.contains("v0") && row.contains("v1"), "{row}");
    assert!(text(&page).contains("dau = unique_users"));
}

#[test]
fn own_metrics_stand_in_the_family_they_name_or_in_one_of_their_own() {
    let mut own = material();
    own.definitions.push(Definition {
        family: Some(Family::Efficiency),
        ..definition("long_session_rate", "ratio", Additivity::RatioOfSums)
    });
    own.definitions.push(definition("refunds", "refunds", Additivity::Additive));
    own.cells.push(cell("long_session_rate", 2, 1.0, 4.0));
    own.cells.push(cell("refunds", 2, 3.0, 1.0));
    let page = english(&own);
    let section = |id: &str| {
        let start = format!("<section id=\"{id}\"");
        page.split_once(&start)
            .expect("a section")
            .1
            .split("<section id=")
            .next()
            .expect("it")
            .to_owned()
    };
    assert!(section("efficiency").contains("id=\"m-long_session_rate\""));
    assert!(section("own").contains("id=\"m-refunds\""));
    assert!(card(&page, "long_session_rate").starts_with("long session rate"));
    assert!(!english(&material()).contains("<section id=\"own\""));
}

#[test]
fn names_from_logs_and_people_are_text_and_never_markup() {
    let hostile = "<script>alert('x')</script>\"&";
    let mut bad = material();
    bad.pipeline = hostile.to_owned();
    bad.warehouse = hostile.to_owned();
    bad.rollouts = vec![hostile.to_owned()];
    bad.compared[0].rollout = hostile.to_owned();
    bad.compared[0].service = ALL.to_owned();
    bad.compared[0].warnings = vec![hostile.to_owned()];
    let of_service = |service: &str| Row { service: service.to_owned(), ..bad.compared[0].clone() };
    let more = [of_service(hostile), of_service("\"><img src=x onerror=alert(1)>")];
    bad.compared.extend(more);
    bad.ingested.push(ingested(hostile, "unknown_fields", hostile, 3));
    bad.ingested.push(ingested(hostile, "quarantine", hostile, 3));
    bad.outcomes.push(outcome(2, hostile, 3));
    bad.loads[0].table = hostile.to_owned();
    bad.missing.insert(hostile.to_owned());
    bad.definitions[0].doc = hostile.to_owned();
    bad.definitions[0].table = hostile.to_owned();
    bad.currency = Some(hostile.to_owned());
    bad.definitions.push(definition("refund_value", "currency", Additivity::Additive));
    bad.cells.push(cell("refund_value", 2, 3.0, 1.0));
    bad.cells[0].definition_version = hostile.to_owned();
    let count = |page: &str, what: &str| page.matches(what).count();
    for language in Language::ALL {
        let page = html(&bad, language).expect("a page");
        assert_eq!(count(&page, "<script"), 0);
        assert_eq!(count(&page, "<img"), 0);
        assert_eq!(count(&page, "'x'"), 0, "quotes are escaped, too");
        assert!(count(&page, "&lt;script&gt;") > 10);
    }
}

#[test]
fn the_page_needs_nothing_but_itself() {
    let outside = Regex::new(r#"url\((?:[^#])|href="(?:[^#d])"#).expect("a pattern");
    for language in Language::ALL {
        let page = html(&material(), language).expect("a page");
        for needs in ["http:", "https:", "<script", " src=", "@import", "<iframe", "{{", "{%"] {
            assert!(!page.contains(needs), "{needs} is in the page");
        }
        assert_eq!(outside.find(&page).map(|found| found.as_str()), None);
        assert!(page.starts_with("<!doctype html>"));
        assert!(page.contains(&format!("<html lang=\"{}\">", language.tag())));
        assert!(page.contains("default-src 'none'"));
    }
}

#[test]
fn every_reference_within_the_page_leads_somewhere() {
    let page = english(&material());
    let found = |pattern: &str| -> Vec<String> {
        let pattern = Regex::new(pattern).expect("a pattern");
        pattern.captures_iter(&page).map(|found| found[1].to_owned()).collect()
    };
    let all = found(r#" id="([^"]+)""#);
    let ids: BTreeSet<&String> = all.iter().collect();
    assert_eq!(ids.len(), all.len(), "an id stands twice");
    let labels = found(r#"aria-labelledby="([^"]+)""#);
    let labels = labels.iter().flat_map(|label| label.split(' ')).map(str::to_owned);
    for to in
        found(r##"href="#([^"]+)""##).into_iter().chain(labels).chain(found(r"url\(#([^)]+)\)"))
    {
        assert!(ids.contains(&to), "nothing has the id {to}");
    }
    // A picture without a description is none to those who cannot see it.
    assert_eq!(page.matches("role=\"img\"").count(), page.matches("<desc id").count());
    let silent = Regex::new(r"<desc id=[^>]*></desc>").expect("a pattern");
    assert!(!silent.is_match(&page));
}

#[test]
fn the_same_rows_make_the_same_page() {
    assert_eq!(english(&material()), english(&material()));
}

#[test]
fn numbers_and_dates_are_written_as_readers_write_them() {
    for (language, sums, date) in [
        (Language::English, "4,400", "18 Nov 2026 – 19 Nov 2026"),
        (Language::Swedish, "4\u{a0}400", "18 nov. 2026 – 19 nov. 2026"),
        (Language::Portuguese, "4.400", "18 de nov. de 2026 – 19 de nov. de 2026"),
    ] {
        let page = html(&material(), language).expect("a page");
        assert!(card(&page, "sessions").contains(sums));
        assert!(text(&page).contains(date));
    }
}
