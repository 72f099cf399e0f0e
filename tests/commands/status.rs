//! `chatkpi status`: what is in, through when, what is missing and what was refused.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::tiny::{PIPELINE, Tiny, event, lines, log, text};

fn status(tiny: &Tiny) -> Value {
    let told = tiny.run(&["status", PIPELINE, "--json"]).expect(0);
    serde_json::from_str(&told.out).expect("JSON alone")
}

#[test]
fn before_anything_nothing_is_published() {
    let mut tiny = Tiny::new();
    // Looking needs no key.
    tiny.unset(super::tiny::KEY_VARIABLE);
    let told = tiny.run(&["status", PIPELINE]).expect(0);
    assert!(told.out.contains("nothing is published yet"), "{}", told.out);
    let nothing = json!({ "generation": 0, "newest_event": null, "tables": [], "sources": [], "missing": [], "warnings": [] });
    assert_eq!(status(&tiny), nothing);
    assert!(!tiny.path("warehouse").exists());
}

#[test]
fn after_a_run_every_table_is_told() {
    let tiny = Tiny::after_a_run();
    let told = status(&tiny);
    assert_eq!(
        (&told["generation"], &told["newest_event"]),
        (&json!(3), &json!("2026-11-20T12:00:08Z"))
    );
    let tables = told["tables"].as_array().expect("a list");
    let table_of = |name: &String| name.split_once('/').map(|(table, _)| table.to_owned());
    let published: BTreeSet<_> = tiny.tables().keys().filter_map(table_of).collect();
    let named: BTreeSet<_> = tables.iter().map(|table| text(table, "table")).collect();
    assert_eq!(named, published);
    for table in tables {
        let periods = match text(table, "table").as_str() {
            name if name.starts_with("dim_") && name != "dim_date" => (json!(null), json!(null), 1),
            "fct_rollout_comparison"
            | "fct_rollout_guardrails"
            | "fct_rollout_panel"
            | "audit_ingest"
            | "audit_load" => (json!(null), json!(null), 1),
            "kpi_weekly" => (json!("2026-11-16"), json!("2026-11-16"), 1),
            "kpi_monthly" => (json!("2026-11-01"), json!("2026-11-01"), 1),
            _ => (json!("2026-11-18"), json!("2026-11-20"), 3),
        };
        let (from, through) = (table["from"].clone(), table["through"].clone());
        let found = (from, through, table["partitions"].as_u64().unwrap_or(0));
        assert_eq!(found, periods, "{table}");
        // What waits longer than these days, for answers or for users; `kpi_daily` holds it too.
        let settled = match text(table, "table").as_str() {
            "fct_first_contact_daily" | "fct_retention" | "fct_satisfaction_daily" => json!(null),
            "fct_session_durability" | "kpi_daily" => json!(null),
            "fct_session" | "fct_outcome_daily" | "fct_users_daily" => json!("2026-11-18"),
            _ => continue,
        };
        assert_eq!(table["final_through"], settled, "{table}");
    }
    assert_eq!(told["sources"][0]["objects"], 3);
    assert_eq!(told["missing"], json!([]));
    let text = tiny.run(&["status", PIPELINE]).expect(0).out;
    for part in [
        "kpi_daily",
        "2026-11-18 through 2026-11-20, 3 partitions",
        "source bot: 3 objects",
        "0 quarantined",
    ] {
        assert!(text.contains(part), "no {part:?} in:\n{text}");
    }
}

#[test]
fn a_gap_in_the_logs_is_missing_and_is_filled_later() {
    let tiny = Tiny::new();
    let lost = std::fs::read(tiny.path(&log("2026-11-19"))).expect("reads");
    tiny.remove(&log("2026-11-19"));
    let run = ["run", PIPELINE, "--models", "fct_users_daily"];
    // The local day 20 begins an hour before the UTC day: the object of the 19th is its, too.
    let gap = json!([
        { "date": "2026-11-19", "source": "bot", "object_date": "2026-11-19" },
        { "date": "2026-11-20", "source": "bot", "object_date": "2026-11-19" },
    ]);
    let told = tiny.run(&run).expect(0).summary();
    assert_eq!((&told["missing"], &told["to"]), (&gap, &json!("2026-11-19")));
    assert_eq!(status(&tiny)["missing"], gap);
    let text = tiny.run(&["status", PIPELINE]).expect(0).out;
    assert!(text.contains("missing 2026-11-20: source bot has no object of 2026-11-19"), "{text}");
    assert_eq!(status(&tiny)["tables"][0]["through"], "2026-11-18");

    tiny.write(&log("2026-11-19"), lost);
    let told = tiny.run(&run).expect(0).summary();
    assert_eq!((&told["missing"], &told["to"]), (&json!([]), &json!("2026-11-21")));
    assert_eq!(status(&tiny)["missing"], json!([]));
    // Not the bytes: the files also say by which commit they are.
    let whole = Tiny::after_a_run().contents();
    let own = tiny.contents().into_iter().filter(|((table, _), _)| table == "fct_users_daily");
    assert!(own.into_iter().all(|(day, content)| whole.get(&day) == Some(&content)));
    tiny.run(&["verify", PIPELINE]).expect(0);
}

#[test]
fn refused_records_are_told_by_reason() {
    let tiny = Tiny::new();
    let good = lines(&[event("2026-11-20T09:00:00Z", "c", "anna", "user", "message")]);
    tiny.write(&log("2026-11-20"), format!("{good}{{\n"));
    tiny.run(&["run", PIPELINE, "--models", "fct_users_daily"]).expect(0);
    let told = status(&tiny);
    assert_eq!(told["sources"][0]["records"]["reasons"], json!({ "not_json": 1 }));
    let text = tiny.run(&["status", PIPELINE]).expect(0).out;
    assert!(text.contains("1 quarantined") && text.contains("  quarantined not_json: 1"), "{text}");
}
