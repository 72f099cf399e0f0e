//! Logs that change: a run says what is unlike the weeks before, and ends as any other.

use serde_json::{Value, json};

use super::readers::duckdb;
use super::tiny::{PIPELINE, Tiny, event, lines, log};

const RUN: [&str; 4] = ["run", PIPELINE, "--models", "fct_input_daily"];

/// A day of November with 200 messages on the web and 100 in an app, each of a user of its own.
fn usual(day: u32) -> Vec<Value> {
    let message = |n: u32| {
        let ts = format!("2026-11-{day:02}T{:02}:{:02}:00Z", 9 + n / 60, n % 60);
        let mut record = event(&ts, &format!("{day}-{n}"), &format!("u{n}"), "user", "message");
        record["channel"] = json!(if n.is_multiple_of(3) { "app" } else { "web" });
        record
    };
    (0..300).map(message).collect()
}

/// The first 120 of them as another release of the bot writes them: `user_id` has another name, and
/// all come from a channel that was not there.
fn changed(day: u32) -> Vec<Value> {
    let mut records = usual(day);
    records.truncate(120);
    for record in &mut records {
        let fields = record.as_object_mut().expect("an object");
        let user = fields.remove("user_id").expect("a user");
        fields.insert("uid".to_owned(), user);
        fields.insert("channel".to_owned(), json!("telegram"));
    }
    records
}

fn deliver(tiny: &Tiny, day: u32, records: &[Value]) {
    tiny.write(&log(&format!("2026-11-{day:02}")), lines(records));
}

/// Three weeks without a change.
fn three_weeks() -> Tiny {
    let tiny = Tiny::new();
    for day in 1..=21 {
        deliver(&tiny, day, &usual(day));
    }
    tiny
}

/// Asks the published table, `TABLE` in `sql`.
fn ask(tiny: &Tiny, warehouse: &str, sql: &str) -> Value {
    let files = tiny.path(&format!("{warehouse}/fct_input_daily/date=*/*.parquet"));
    let table = format!("read_parquet('{}', hive_partitioning = true)", files.display());
    duckdb(&sql.replace("TABLE", &table))
}

/// The warnings that readers find.
fn published(tiny: &Tiny) -> Value {
    let sql =
        "SELECT date, warning, field, value FROM TABLE WHERE warning IS NOT NULL ORDER BY ALL";
    ask(tiny, "warehouse", sql)
}

fn told(tiny: &Tiny) -> Vec<String> {
    let status = tiny.run(&["status", PIPELINE]).expect(0).out;
    status.lines().filter(|line| line.starts_with("warning ")).map(str::to_owned).collect()
}

#[test]
fn a_change_of_the_logs_is_told_and_fails_nothing() {
    let tiny = three_weeks();
    let calm = tiny.run(&RUN).expect(0);
    assert_eq!(
        (&calm.summary()["warned"], published(&tiny)),
        (&json!(0), json!([])),
        "{}",
        calm.err
    );
    assert!(!calm.err.contains("WARN"), "{}", calm.err);
    assert_eq!(told(&tiny), [""; 0]);

    deliver(&tiny, 22, &changed(22));
    let loud = tiny.run(&RUN).expect(0);
    let lines = [
        "bot: 120 rows of events, 300 to 300 on the same weekdays before",
        "bot: channel app in no row of events, 100 to 100 on the same weekdays before",
        "bot: channel telegram in 120 rows of events, 0 on the 28 days before together",
        "bot: channel web in no row of events, 200 to 200 on the same weekdays before",
        "bot: unknown field uid in 120 records of events, none on the 28 days before",
        "bot: user_id in 0 % of the rows of events, 100 % to 100 % on the same weekdays before",
    ];
    let summary = loud.summary();
    assert_eq!((&summary["warned"], &summary["state"]), (&json!(lines.len()), &json!("succeeded")));
    let whole = lines.map(|line| {
        let place = "fct_input_daily, unlike_the_weeks_before: 2026-11-22";
        format!("{place}, {line}; was that meant? docs/audit.md")
    });
    assert_eq!(summary["warnings"], json!(whole));
    let loud = loud.says(&whole.each_ref().map(String::as_str));
    assert_eq!(loud.err.matches("WARN").count(), lines.len(), "{}", loud.err);
    let day = "2026-11-22";
    assert_eq!(
        published(&tiny),
        json!([
            [day, "fewer_rows", "*", "*"],
            [day, "field_emptier", "user_id", "*"],
            [day, "new_field", "uid", "*"],
            [day, "new_value", "channel", "telegram"],
            [day, "value_gone", "channel", "app"],
            [day, "value_gone", "channel", "web"],
        ])
    );
    assert_eq!(told(&tiny), lines.map(|line| format!("warning {day}: {line}")));

    // Saying it once more would change nothing, so nothing is said; who asks is told.
    let again = tiny.run(&RUN).expect(0).says(&["nothing to do"]);
    assert_eq!(again.summary()["warned"], 0);
    assert_eq!(told(&tiny).len(), lines.len());

    // All at once is as day by day.
    let whole = three_weeks();
    deliver(&whole, 22, &changed(22));
    whole.run(&RUN).expect(0);
    assert_eq!(whole.contents(), tiny.contents());

    // A correction takes the warnings back.
    deliver(&tiny, 22, &usual(22));
    assert_eq!(tiny.run(&RUN).expect(0).summary()["warned"], 0);
    assert_eq!((published(&tiny), told(&tiny).len()), (json!([]), 0));
}

#[test]
fn a_shop_whose_logs_do_not_change_is_hardly_ever_warned() {
    let (mut days, mut warned) = (0, 0);
    for seed in ["1", "2", "3"] {
        let tiny = Tiny::bare();
        tiny.run(&["demo", "--out", "demo", "--seed", seed, "--no-run"]).expect(0);
        tiny.run(&["run", "demo/pipeline.yaml", "--models", "fct_input_daily"]).expect(0);
        let sql = "SELECT COUNT(DISTINCT date), COUNT(DISTINCT CASE WHEN warning IS NOT NULL THEN date END) FROM TABLE";
        let found = ask(&tiny, "demo/warehouse", sql);
        days += found[0][0].as_u64().expect("days");
        warned += found[0][1].as_u64().expect("days");
    }
    assert_eq!(days, 450);
    assert!(warned <= 1, "warnings on {warned} of {days} days on which nothing was amiss");
}
