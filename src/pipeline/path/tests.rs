//! Path patterns: the cases that people write, and the property that no key is missed.

use std::path::Path;

use chrono::NaiveDate;
use proptest::prelude::*;

use super::*;

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn pattern(text: &str) -> PathPattern {
    PathPattern::parse(text, Path::new("pipelines")).unwrap()
}

fn local(path: &str) -> Location {
    Location::Local(path.into())
}

fn between(text: &str, first: &str, last: &str) -> Vec<String> {
    pattern(text).prefixes(Some((date(first), date(last))))
}

#[test]
fn the_root_is_the_deepest_fixed_folder() {
    let root = |text: &str| {
        let parsed = pattern(text);
        (parsed.root, parsed.pattern)
    };
    assert_eq!(root("a/b/x-{date}.gz"), (local("pipelines/a/b"), "x-{date}.gz".to_owned()));
    assert_eq!(root("./costs.csv"), (local("pipelines"), "costs.csv".to_owned()));
    assert_eq!(root("../logs/*/a.csv"), (local("pipelines/../logs"), "*/a.csv".to_owned()));
    assert_eq!(root("/var/log/"), (local("/var/log"), "**".to_owned()));
    let s3 = |prefix: &str| Location::S3 { bucket: "logs".to_owned(), prefix: prefix.to_owned() };
    let shop = root("s3://logs/shop/{date:%Y/%m/%d}/");
    assert_eq!(shop, (s3("shop"), "{date:%Y/%m/%d}/".to_owned()));
    assert_eq!(root("s3://logs"), (s3(""), "**".to_owned()));
    let here = PathPattern::parse("x.csv", Path::new("")).unwrap();
    assert_eq!(here.root, local("."));
}

#[test]
fn keys_match_and_tell_their_date() {
    let day = Some(Some(date("2026-03-01")));
    let cases = [
        ("events-{date}.jsonl.gz", "events-2026-03-01.jsonl.gz", day),
        ("events-{date}.jsonl.gz", "events-2026-02-30.jsonl.gz", None),
        ("events-{date}.jsonl.gz", "events-2026-03-01.jsonl", None),
        ("events-{date}.jsonl.gz", "a/events-2026-03-01.jsonl.gz", None),
        ("{date:%Y/%m/%d}/", "2026/03/01/part-1.json", day),
        ("{date:%Y/%m/%d}/", "2026/03/01/deep/er/part-1.json", day),
        ("{date:%Y/%m/%d}/", "2026/03/01/_tmp/part-1.json", None),
        ("{date:%Y/%m/%d}/", "2026/03/01/.part-1.json", None),
        ("{date:%Y/%m/%d}/", "2026/03/01/", None),
        ("{date:%Y/%m/%d/%H}/", "2026/03/01/23/x", day),
        ("{date:%Y/%m/%d/%H}/", "2026/03/01/24/x", None),
        ("{date:%Y%j}.log", "2026060.log", day),
        ("{date:%y%m%d}.log", "260301.log", day),
        ("{date:%Y}/{date:%m}/{date}.log", "2026/03/2026-03-01.log", day),
        ("{date:%Y}/{date:%m}/{date}.log", "2026/04/2026-03-01.log", None),
        ("*-{date:%Y%m%d}-*.gz", "bot-7-20260301-000123456.gz", day),
        ("y={date:%Y}/m={date:%m}/d={date:%d}/*.gz", "y=2026/m=03/d=01/a.gz", day),
    ];
    for (text, key, expected) in cases {
        assert_eq!(pattern(text).matches(key), expected, "{text} {key}");
    }
}

#[test]
fn wildcards_stay_inside_a_name_and_pass_over_hidden_names() {
    let yes = [
        ("*.csv", "a.csv"),
        ("?.csv", "a.csv"),
        ("*?.csv", "a_.csv"),
        ("**/*.csv", "a.csv"),
        ("**/*.csv", "a/b/c.csv"),
        ("a*/", "ab/c/d"),
        ("x*", "x"),
        ("_*.csv", "_a.csv"),
        ("*-x.csv", "-x.csv"),
        ("logs/", "a/b"),
        ("costs.csv", "costs.csv"),
    ];
    for (text, key) in yes {
        assert_eq!(pattern(text).matches(key), Some(None), "{text} {key}");
    }
    let no = [
        ("*.csv", "a/b.csv"),
        ("*.csv", ".csv"),
        ("*.csv", "_a.csv"),
        ("*_a.csv", "_a.csv"),
        ("?.csv", "ab.csv"),
        ("?.csv", "..csv"),
        ("**/*.csv", "_a/b.csv"),
        ("**/*.csv", "a/.b.csv"),
        ("*/a.csv", ".git/a.csv"),
        ("a.csv", "a_csv"),
        ("logs/", "_SUCCESS"),
    ];
    for (text, key) in no {
        assert_eq!(pattern(text).matches(key), None, "{text} {key}");
    }
}

#[test]
fn prefixes_are_days_then_months_then_years() {
    assert_eq!(
        between("events-{date}.gz", "2026-02-28", "2026-03-01"),
        ["events-2026-02-28.gz", "events-2026-03-01.gz"]
    );
    assert_eq!(between("a/{date:%Y/%m}/{date:%d}-*", "2026-03-01", "2026-03-01"), ["2026/03/01-"]);
    assert_eq!(between("{date:%Y/%m/%d/%H}/", "2026-03-01", "2026-03-01"), ["2026/03/01/"]);
    let months = between("{date:%Y/%m/%d}/", "2025-11-15", "2026-05-01");
    assert_eq!(months.first().map(String::as_str), Some("2025/11/"));
    assert_eq!(months.len(), 7);
    assert_eq!(between("{date:%Y/%m/%d}/", "2010-01-01", "2026-05-01").len(), 17);
    assert_eq!(between("x-{date}", "0001-01-01", "9999-05-01"), ["x-"]);
    assert_eq!(between("*-{date}.gz", "2026-03-01", "2026-03-09"), [""]);
    assert_eq!(between("*.csv", "2026-03-01", "2026-03-09"), [""]);
    assert_eq!(between("costs.csv", "2026-03-01", "2026-03-09"), ["costs.csv"]);
    assert_eq!(pattern("x-{date}.gz").prefixes(None), ["x-"]);
    assert_eq!(between("x-{date}", "2026-03-02", "2026-03-01"), [""; 0]);
}

#[test]
fn wrong_paths_are_refused_with_a_reason() {
    let cases = [
        ("", "the path is empty"),
        ("~/logs/*", "`~` is not expanded"),
        ("gs://b/x", "`gs://` is not supported"),
        ("s3:///x", "name of its bucket"),
        ("s3://b*/x", "name of its bucket"),
        ("s3://b/../x", "a key cannot hold"),
        ("a[0-9].csv", "a path cannot hold '['"),
        ("a{day}.csv", "only {date} and {date:FORMAT}"),
        ("a{date.csv", "`{` without `}`"),
        ("a}.csv", "`}` without `{`"),
        ("{date:%Y-%b}", "only %Y %y %m %d %j %H"),
        ("{date:%Y/%m}/x", "must name a day"),
        ("{date:%m-%d}/x", "must name a day"),
        ("a**/x", "`**` must stand alone"),
        ("?**", "`**` must stand alone"),
        ("**é", "`**` must stand alone"),
        ("*/../x", "not allowed after a wildcard"),
        ("*//x", "not allowed after a wildcard"),
    ];
    for (text, reason) in cases {
        let error = PathPattern::parse(text, Path::new("")).unwrap_err();
        assert!(error.contains(reason), "{text}: {error}");
    }
}

/// Pieces of a pattern, each with a text that it matches and no digits beside a date.
fn piece() -> impl Strategy<Value = (&'static str, &'static str)> {
    prop::sample::select(vec![
        ("*", "abc"),
        ("?", "q"),
        ("x*", "x"),
        ("-*-", "-.-"),
        ("part?", "part_"),
        ("bot", "bot"),
        ("**/z", "b/c/z"),
    ])
}

fn date_format() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "%Y-%m-%d",
        "%Y/%m/%d",
        "%Y%m%d",
        "%y%m%d",
        "%Y/%j",
        "%d.%m.%Y",
        "y=%Y/m=%m/d=%d",
        "%Y/%m/%d/%H",
        "%Y%m%dT%H",
    ])
}

proptest! {
    #[test]
    fn no_key_of_a_day_is_missed(
        before in prop::collection::vec(piece(), 0..3),
        after in prop::collection::vec(piece(), 0..3),
        format in date_format(),
        day in 0..36_500i64,
        earlier in 0..400i64,
        later in 0..400i64,
        hour in 0..24u32,
        below in any::<bool>(),
    ) {
        let day = plus(date("1970-01-01"), day);
        let written = day.and_hms_opt(hour, 0, 0).unwrap().format(format).to_string();
        let (mut text, mut key) = (String::new(), String::new());
        for (part, matched) in &before {
            text += &format!("{part}/");
            key += &format!("{matched}/");
        }
        text += &format!("{{date:{format}}}");
        key += &written;
        for (part, matched) in &after {
            text += &format!("/{part}");
            key += &format!("/{matched}");
        }
        if below {
            text += "/";
            key += "/deep/file.gz";
        }
        let parsed = pattern(&text);
        let folder: Vec<&str> = match &parsed.root {
            Location::Local(root) => root.to_str().unwrap().split('/').skip(1).collect(),
            Location::S3 { .. } => unreachable!(),
        };
        let key = key.strip_prefix(&folder.join("/")).unwrap().trim_start_matches('/');
        prop_assert_eq!(parsed.matches(key), Some(Some(day)), "{} {}", text, key);
        let prefixes = parsed.prefixes(Some((plus(day, -earlier), plus(day, later))));
        let covering = prefixes.iter().filter(|prefix| key.starts_with(prefix.as_str())).count();
        prop_assert_eq!(covering, 1, "{} {} {:?}", text, key, prefixes);
        prop_assert!(prefixes.len() <= MOST_PREFIXES);
    }

    #[test]
    fn any_text_parses_or_is_refused(text in "[a-z*?{}:%Ymd/._é-]{0,24}", key in "[a-z/._é-]{0,24}") {
        if let Ok(parsed) = PathPattern::parse(&text, Path::new("")) {
            parsed.matches(&key);
            parsed.prefixes(Some((date("2026-01-01"), date("2026-12-31"))));
        }
    }
}
