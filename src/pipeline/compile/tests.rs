//! A whole pipeline, a wrong one, and the rules one by one.

use std::path::Path;

use super::super::*;
use super::compile;
use crate::error::{Diagnostic, ErrorKind};

const WHOLE: &str = r#"version: 1
name: support
timezone: Europe/Stockholm
warehouse: ./warehouse                    # or s3://bucket/prefix
start: 2026-01-01                         # default: the first day with an object
dimensions: [bot, channel, service]
privacy: { user_key_env: CHATKPI_USER_KEY }   # 32+ bytes
sessions: { timeout: 30m, timeout_by_channel: { whatsapp: 24h } }
sources:
  - { name: bot,   kind: events,   adapter: canonical, path: "logs/events-{date}.jsonl.gz", lookahead_days: 1 }
  - { name: human, kind: contacts, adapter: canonical, path: "contacts/*.csv" }
  - { name: costs, kind: costs,    adapter: canonical, path: "costs.csv" }
  - { name: probe, kind: probes,   adapter: canonical, path: "probes/{date}.jsonl" }
  - name: shop
    kind: events
    adapter: mapped
    path: s3://logs/shop/{date:%Y/%m/%d}/
    records: jsonl                        # jsonl | json | json-array | json-object | csv | parquet
    timezone: Asia/Tokyo
    path_timezone: America/New_York
    empty_ok: true
    live: true
    complete_after: 2h
    quarantine_limit: 0.05
    defaults: { bot: shop, channel: web, locale: no }
    emit:                                 # one or more kinds of event from a record
      - explode: /messages                # one event for each element; `^/..` points into the enclosing record
        fields:
          event_id: /id
          ts: { pointer: /at, format: epoch_ms }
          conversation_id: ^/chat/id
          user_id: ^/chat/customer
          actor: { pointer: /who, map: { customer: user, assistant: bot, human: agent } }
          type: { value: message }
rollouts:
  - { name: returns, date: 2026-03-01, services: [returns], controls: [billing], holdout: [control], pre: 8w, ramp: 2w, post: 8w }
uptime: { probe_covers: 2m, answer_within: 1500s }
warnings: { volume: 0.5, rows: 20 }
assumptions: { currency: EUR, agent_hourly_rate: 28.50, aht_seconds: 360 }
models: [builtin, ./own]
"#;

/// The least that compiles; `more` is added, and replaces the line of the same key.
fn with(more: &str) -> String {
    let least = [
        "version: 1",
        "name: x",
        "timezone: UTC",
        "warehouse: w",
        "privacy: { user_key_env: KEY }",
        "sources: [{ name: a, kind: events, adapter: canonical, path: a.csv }]",
    ];
    let key = more.split(':').next().unwrap_or_default();
    let kept = least.iter().filter(|line| line.split(':').next() != Some(key));
    kept.map(|line| format!("{line}\n")).collect::<String>() + more
}

fn source(more: &str) -> String {
    let least = "name: a, kind: events, adapter: canonical, path: a.csv";
    with(&format!("sources: [{{ {least}, {more} }}]"))
}

fn compiled(text: &str) -> Pipeline {
    compile(Path::new("p/x.yaml"), text).unwrap_or_else(|error| panic!("{error}"))
}

fn wrong(text: &str) -> Vec<Diagnostic> {
    let error = compile(Path::new("p/x.yaml"), text).expect_err(text);
    assert_eq!(error.kind, ErrorKind::Config);
    error.diagnostics
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn the_whole_pipeline_of_the_documentation() {
    let pipeline = compiled(WHOLE);
    assert_eq!(pipeline.name, "support");
    assert_eq!(pipeline.zone, chrono_tz::Europe::Stockholm);
    assert_eq!(pipeline.warehouse, Location::Local("p/warehouse".into()));
    assert_eq!(pipeline.start, Some(date("2026-01-01")));
    assert_eq!(pipeline.dimensions, ["bot", "channel", "service"]);
    assert_eq!(pipeline.grouping_sets.len(), 8);
    assert_eq!(pipeline.grouping_sets[0], [true, true, true]);
    assert_eq!(pipeline.grouping_sets[1], [true, true, false]);
    assert_eq!(pipeline.grouping_sets[7], [false, false, false]);
    assert_eq!(pipeline.user_key, UserKey::Env("CHATKPI_USER_KEY".to_owned()));
    assert_eq!(pipeline.sessions.timeout_us, 1_800_000_000);
    assert_eq!(pipeline.sessions.timeout_by_channel["whatsapp"], 86_400_000_000);
    assert_eq!(pipeline.sessions.handoff_join_us, 86_400_000_000);
    assert_eq!(pipeline.uptime.probe_minutes, 2);
    assert_eq!(pipeline.uptime.answer_within_ms, 1_500_000);
    let usual = compiled(&with("")).uptime;
    assert_eq!((usual.probe_minutes, usual.answer_within_ms), (5, 10_000));
    assert_eq!(pipeline.warnings, Warnings { volume: 0.5, null_rate: 0.1, rows: 20 });
    assert_eq!(pipeline.low_n, 30);
    assert_eq!(pipeline.history_floor_us, 946_684_800_000_000);
    assert_eq!(pipeline.models, [ModelFolder::Builtin, ModelFolder::Folder("p/own".into())]);
    let rollout = Rollout {
        name: "returns".to_owned(),
        date: date("2026-03-01"),
        services: owned(&["returns"]),
        controls: owned(&["billing"]),
        holdout: owned(&["control"]),
        pre_days: 56,
        ramp_days: 14,
        post_days: 56,
    };
    assert_eq!(pipeline.rollouts, [rollout]);
    let [set] = &pipeline.assumptions.sets[..] else { panic!("{:?}", pipeline.assumptions) };
    assert_eq!(pipeline.assumptions.currency.as_deref(), Some("EUR"));
    assert_eq!((set.from, set.aht_seconds), (None, Some(360)));
    assert_eq!(set.agent_hourly_rate_micros, Some(28_500_000));
    assert!(set.id.starts_with("always-"), "{}", set.id);
}

#[test]
fn the_sources_of_the_documentation() {
    let sources = compiled(WHOLE).sources;
    let kinds: Vec<Kind> = sources.iter().map(|source| source.kind).collect();
    assert_eq!(kinds, [Kind::Events, Kind::Contacts, Kind::Costs, Kind::Probes, Kind::Events]);
    let bot = &sources[0];
    assert_eq!((bot.name.as_str(), bot.lookahead_days), ("bot", 1));
    assert_eq!(bot.path.root, Location::Local("p/logs".into()));
    assert_eq!(bot.path.pattern, "events-{date}.jsonl.gz");
    assert_eq!((bot.records, bot.naive_zone, bot.path_zone), (None, None, Tz::UTC));
    assert_eq!((bot.empty_ok, bot.live, bot.complete_after_us), (false, false, None));
    assert!(bot.defaults.is_empty() && bot.quarantine_limit == 0.01);
    let shop = &sources[4];
    let root = Location::S3 { bucket: "logs".to_owned(), prefix: "shop".to_owned() };
    assert_eq!(shop.path.root, root);
    assert_eq!(shop.records, Some(Records::Jsonl));
    assert_eq!(shop.naive_zone, Some(chrono_tz::Asia::Tokyo));
    assert_eq!(shop.path_zone, chrono_tz::America::New_York);
    assert_eq!((shop.empty_ok, shop.live), (true, true));
    assert_eq!(shop.complete_after_us, Some(7_200_000_000));
    assert_eq!(shop.quarantine_limit, 0.05);
    let Adapter::Mapped(mapping) = &shop.adapter else { panic!("{:?}", shop.adapter) };
    assert_eq!(mapping.emits.len(), 1);
    assert_eq!(mapping.emits[0].explode[0].pointer.to_string(), "/messages");
    assert_eq!(mapping.emits[0].fields.len(), 6);
    assert_eq!(shop.defaults["locale"], "no");
}

#[test]
fn a_local_day_reads_the_objects_of_every_path_date_it_touches() {
    let sources = compiled(WHOLE).sources;
    let day = date("2026-03-01");
    let zone = chrono_tz::Europe::Stockholm;
    let dates = object_dates(&sources[0], zone, day);
    assert_eq!(dates, (date("2026-02-28"), date("2026-03-02")));
    assert_eq!(object_dates(&sources[3], Tz::UTC, day), (day, day));
}

#[test]
#[expect(clippy::too_many_lines, reason = "a pipeline with every mistake and what is said of each")]
fn every_mistake_is_told_at_once_and_in_its_place() {
    let text = r#"version: 2
name: My Bot
timezone: Europe/Stokholm
warehouse: gs://bucket
start: 2026-02-30
dimensions: [bot, chanel, bot]
privacy: {}
sessions: { timeout: 30, timeout_by_channel: { "what'sapp": 24h }, tiemout: 1h }
sources:
  - { name: bot, kind: event, adapter: canonical, path: "logs/{day}.jsonl" }
  - name: bot
    kind: contacts
    adapter: raza
    emit: [a, b]
    lookahead_days: 31
    lookahead_days: 3
  - { name: costs, kind: costs, adapter: canonical, defaults: { bots: x } }
rollouts: [{ name: r, services: [] }]
assumptions: { agent_hourly_rate: cheap }
low_n: many
warehous: x
"#;
    let told: Vec<String> = wrong(text).iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    p/x.yaml:1:10: the version is the number 2, not 1
        write `version: 1`, the only one so far
    p/x.yaml:2:7: `My Bot` is not a name: a-z, 0-9 and _, at most 64 of them
        write `my_bot`
    p/x.yaml:3:11: `Europe/Stokholm` is not a time zone
        did you mean `Europe/Stockholm`?
    p/x.yaml:4:12: `gs://` is not supported; a path is local or s3://bucket/key
        write ./warehouse or s3://bucket/prefix
    p/x.yaml:5:8: `2026-02-30` is not a date
        write a day of the calendar as YYYY-MM-DD
    p/x.yaml:6:19: `chanel` is not a dimension
        did you mean `channel`?
    p/x.yaml:6:27: `bot` is given twice
        leave one of them out
    p/x.yaml:7:10: no key to pseudonymise users with
        add `user_key_env: CHATKPI_USER_KEY`, a variable with 32 bytes or more
    p/x.yaml:8:22: expected a duration, found the number 30
        write a whole number and a unit: 90s, 30m, 24h, 2d or 8w
    p/x.yaml:8:48: "what'sapp" cannot be the value of a dimension
        leave out quotes, backslashes and a lone `*`
    p/x.yaml:8:68: unknown key `tiemout` in the sessions
        did you mean `timeout`?
    p/x.yaml:10:24: `event` is not a kind of source
        did you mean `events`?
    p/x.yaml:10:57: `{day}` is not known; only {date} and {date:FORMAT}
        write a path such as logs/events-{date}.jsonl or s3://bucket/logs/{date}/
    p/x.yaml:11:5: `path` is missing from the source
        add a path, such as `path: "logs/{date}.jsonl"`
    p/x.yaml:11:11: two sources are called `bot`
        give each source a name of its own
    p/x.yaml:13:14: there is no adapter `raza`
        did you mean `rasa`?
    p/x.yaml:15:21: expected a whole number from 0 to 30, found the number 31
        write a whole number from 0 to 30
    p/x.yaml:16:5: `lookahead_days` is given twice
        it is also on line 15
    p/x.yaml:17:5: `path` is missing from the source
        add a path, such as `path: "logs/{date}.jsonl"`
    p/x.yaml:17:65: `bots` is not a key of such records
        did you mean `bot`?
    p/x.yaml:18:12: `date` is missing from the rollout
        add the day of the change: `date: YYYY-MM-DD`
    p/x.yaml:18:33: a rollout changes a service
        name the services that changed
    p/x.yaml:19:35: a rate needs a currency
        add `currency: EUR`, or yours
    p/x.yaml:19:35: expected a number from 0 to 1000000, found text
        write a number from 0 to 1000000
    p/x.yaml:20:8: expected a whole number from 0 to 1000000, found text
        write a whole number from 0 to 1000000
    p/x.yaml:21:1: unknown key `warehous` in the pipeline
        did you mean `warehouse`?
    "#);
}

#[test]
fn yaml_that_is_none_is_told_with_its_place() {
    let found = wrong("version: 1\nname: [a, b\nzone: x\n");
    assert_eq!(found.len(), 1);
    insta::assert_snapshot!(found[0], @r#"
    p/x.yaml:3:5: illegal placement of ':' indicator
        correct the YAML here, or just above
    "#);
    assert!(wrong("")[0].message.contains("empty"));
    assert!(wrong("- 1\n")[0].message.contains("expected a map"));
    assert_eq!(wrong("a: 1\n---\nb: 2\n").len(), 1);
    let deep = "[".repeat(5_000);
    assert_eq!(wrong(&deep).len(), 1);
    let bomb = "a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a]\n\
        c: &c [*b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c]\n\
        e: &e [*d, *d, *d, *d, *d, *d, *d, *d]\nf: &f [*e, *e, *e, *e, *e, *e, *e, *e]\n";
    assert!(!wrong(bomb).is_empty());
}

#[test]
fn every_map_refuses_a_key_it_does_not_know() {
    let cases = [
        with("privacy: { user_key_env: KEY, oops: 1 }"),
        with("sessions: { oops: 1 }"),
        with("assumptions: { oops: 1 }"),
        with("rollouts: [{ name: a, date: 2026-01-01, services: [b], oops: 1 }]"),
        with("oops: 1"),
        source("oops: 1"),
    ];
    for text in cases {
        let found = wrong(&text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].message.starts_with("unknown key `oops`"), "{found:?}");
        assert!(found[0].remedy.as_ref().unwrap().starts_with("known: "), "{found:?}");
    }
}

fn rates(list: &str) -> String {
    with(&format!("assumptions: {{ currency: EUR, rates: [{list}] }}"))
}

#[test]
fn assumptions_hold_from_their_days_on() {
    let text = with(
        "assumptions: { currency: EUR, agent_hourly_rate: 28.5, aht_seconds: 360, owner: finance, sets: [\
         { from: 2026-03-01, agent_hourly_rate: 30.25, source: budget 2026 }, { from: 2026-07-01, aht_seconds: 300 }],\
         rates: [{ currency: USD, from: 2026-03-01, rate: 0.9 }, { currency: USD, from: 2026-01-01, rate: 0.92 },\
         { currency: JPY, from: 2026-01-01, rate: 0.0061 }, { currency: GBP, from: 2026-01-01, rate: 2 }] }",
    );
    let assumptions = compiled(&text).assumptions;
    let told: Vec<_> = assumptions
        .sets
        .iter()
        .map(|s| (s.from, s.agent_hourly_rate_micros, s.aht_seconds, s.owner.as_deref()))
        .collect();
    // What a set leaves out stays as it was.
    assert_eq!(
        told,
        [
            (None, Some(28_500_000), Some(360), Some("finance")),
            (Some(date("2026-03-01")), Some(30_250_000), Some(360), Some("finance")),
            (Some(date("2026-07-01")), Some(30_250_000), Some(300), Some("finance")),
        ]
    );
    assert_eq!(assumptions.sets[2].source.as_deref(), Some("budget 2026"));
    assert!(assumptions.sets[1].id.starts_with("2026-03-01-"), "{}", assumptions.sets[1].id);
    let rates: Vec<_> = assumptions
        .rates
        .iter()
        .map(|r| (r.currency.as_str(), r.from, r.numerator, r.denominator))
        .collect();
    assert_eq!(
        rates,
        [
            ("GBP", date("2026-01-01"), 2, 1),
            ("JPY", date("2026-01-01"), 61, 10_000),
            ("USD", date("2026-01-01"), 92, 100),
            ("USD", date("2026-03-01"), 9, 10),
        ]
    );
}

/// Each text has exactly this one mistake.
#[test]
fn single_mistakes() {
    let key = "k".repeat(31);
    let cases = [
        (with("dimensions: []"), "there must be a dimension"),
        (with("grouping_sets: []"), "there must be a grouping set"),
        (with("grouping_sets: [[bot], [bots]]"), "`bots` is not a dimension of this pipeline"),
        (with("grouping_sets: [[bot, channel], [channel, bot]]"), "grouping set is given twice"),
        (with("warehouse: s3://"), "name of its bucket"),
        (with("warehouse: a/*"), "without wildcards"),
        (with("privacy: { user_key_env: $KEY }"), "not the name of an environment variable"),
        (with(&format!("privacy: {{ user_key: {key} }}")), "not text of 32 bytes or more"),
        (with(&format!("privacy: {{ user_key: {key}k, user_key_env: K }}")), "are both given"),
        (with(&format!("privacy: {key}")), "expected a map, found text"),
        (with("privacy: { }"), "no key to pseudonymise users with"),
        (with("sessions: { timeout: 8d }"), "`8d` is too long"),
        (with("sessions: { timeout: 0m }"), "must be longer than nothing"),
        (with("sessions: { handoff_join: 1h30m }"), "`1h30m` is not a duration"),
        (with("sessions: { timeout: -1h }"), "`-1h` is not a duration"),
        (with("sessions: { timeout: 9999999999999999999w }"), "is not a duration"),
        (with("sessions: { timeout_by_channel: { \"a\\\\b\": 1h } }"), "cannot be the value"),
        (with("sessions: { timeout_by_channel: { a: 1h, a: 2h } }"), "`a` is given twice"),
        (with("sources: []"), "no source is of kind `events`"),
        (
            with("sources: [{ name: a, kind: leads, adapter: canonical, path: a.csv }]"),
            "no source is of kind `events`",
        ),
        (source("records: parquet"), "the canonical adapter reads `jsonl` and `csv`"),
        (source("delimiter: \"ab\""), "`ab` is not a delimiter of cells"),
        (source("records: xml"), "`xml` is not a format of records"),
        (source("quarantine_limit: 1.5"), "expected a number from 0 to 1"),
        (source("quarantine_limit: .nan"), "expected a number from 0 to 1"),
        (source("empty_ok: \"yes\""), "expected true or false"),
        (source("defaults: { bot: 7 }"), "expected text, found the number 7"),
        (source("defaults: { bot: \"*\" }"), "`*` cannot be a value"),
        (source("defaults: { amount: x }"), "`amount` is not a key of such records"),
        (source("complete_after: 31d"), "`31d` is too long"),
        (source("path_timezone: Stockholm"), "`Stockholm` is not a time zone"),
        (with("assumptions: { agent_hourly_rate: 10 }"), "a rate needs a currency"),
        (
            with("assumptions: { sets: [{ from: 2026-01-01, agent_hourly_rate: 10 }] }"),
            "a rate needs a currency",
        ),
        (with("assumptions: { sets: [{ aht_seconds: 10 }] }"), "`from` is missing"),
        (
            with(
                "assumptions: { sets: [{ from: 2026-02-01, aht_seconds: 10 }, { from: 2026-02-01, aht_seconds: 11 }] }",
            ),
            "not in the order of their days",
        ),
        (rates("{ currency: USD, from: 2026-01-01, rate: 0 }"), "0 is no exchange rate"),
        (rates("{ currency: USD, from: 2026-01-01, rate: 0.12345678901 }"), "is no exchange rate"),
        (rates("{ currency: USD, from: 2026-01-01 }"), "`rate` is missing"),
        (rates("{ currency: EUR, from: 2026-01-01, rate: 2 }"), "differs from its own"),
        (
            rates(
                "{ currency: USD, from: 2026-01-01, rate: 2 }, { currency: USD, from: 2026-01-01, rate: 3 }",
            ),
            "two rates of USD begin on 2026-01-01",
        ),
        (with("assumptions: { owner: \"it's us\", aht_seconds: 1 }"), "cannot be the value"),
        (with("assumptions: { currency: euro }"), "`euro` is not a currency"),
        (with("rollouts: [{ name: a, date: 2026-01-01 }]"), "`services` is missing"),
        (
            with("rollouts: [{ name: a, date: 2026-01-01, services: [b], controls: [b] }]"),
            "`b` is given twice",
        ),
        (
            with("rollouts: [{ name: a, date: 2026-01-01, services: [b], pre: 36h }]"),
            "the duration is not whole days",
        ),
        (with("models: []"), "there must be a model"),
        (with("models: [s3://a/b]"), "not a local folder of models"),
        (with("models: [./a, a]"), "`a` is given twice"),
        (with("uptime: { probe_covers: 90s }"), "a probe speaks for whole minutes"),
        (with("uptime: { probe_covers: 61m }"), "a probe speaks for whole minutes"),
        (with("uptime: { answer_within: 0s }"), "longer than nothing"),
        (with("warnings: { volume: 40 }"), "a number from 0 to 1"),
        (with("low_n: -1"), "expected a whole number from 0"),
        (with("history_floor: 2000-1-1"), "`2000-1-1` is not a date"),
        (with("start: 20260101"), "expected text, found the number 20260101"),
    ];
    for (text, message) in cases {
        let found = wrong(&text);
        assert_eq!(found.len(), 1, "{text}\n{found:?}");
        assert!(found[0].message.contains(message), "{text}\n{found:?}");
        assert!(found[0].line > 0 && found[0].column > 0 && found[0].remedy.is_some());
        assert!(!found[0].to_string().contains(&key), "a key was repeated");
    }
}

#[test]
fn what_people_may_write() {
    assert_eq!(compiled(&with("")).models, [ModelFolder::Builtin]);
    assert_eq!(compiled(&with("")).sessions, Sessions::default());
    let sets = compiled(&with("grouping_sets: [[service, bot], []]")).grouping_sets;
    assert_eq!(sets, [[true, false, true], [false, false, false]]);
    let key = "k".repeat(32);
    let fixed = compiled(&with(&format!("privacy: {{ user_key: {key} }}"))).user_key;
    assert_eq!(fixed, UserKey::Fixed(key.clone()));
    assert!(!format!("{fixed:?}").contains(&key));
    assert_eq!(compiled(&with("history_floor: 1970-01-02")).history_floor_us, 86_400_000_000);
    let timeouts = ["90s", "30m", "24h", "2d", "1w"].map(|text| {
        compiled(&with(&format!("sessions: {{ timeout: {text} }}"))).sessions.timeout_us / 1_000_000
    });
    assert_eq!(timeouts, [90, 1_800, 86_400, 172_800, 604_800]);
    let anchored = with("start: &day 2026-01-01\nhistory_floor: *day");
    assert_eq!(compiled(&anchored).start, Some(date("2026-01-01")));
    let here = compile(Path::new("x.yaml"), &with("warehouse: s3://b/c/")).unwrap();
    assert_eq!(here.warehouse, Location::S3 { bucket: "b".to_owned(), prefix: "c".to_owned() });
    assert_eq!(here.sources[0].path.root, Location::Local(".".into()));
}

#[test]
fn vendors_whose_numbers_are_held_beside_ours() {
    assert!(compiled(&with("")).profiles.is_empty());
    let names = |text: &str| -> Vec<String> {
        compiled(&with(text)).profiles.into_iter().map(|profile| profile.name).collect()
    };
    assert_eq!(names("profile: copilot"), ["copilot"]);
    assert_eq!(names("profile: [chatwoot, copilot]"), ["chatwoot", "copilot"]);

    let text = "profile: [chatwoot, { name: copilot, timeout: 2d, counts_tests: false }]";
    let pipeline = compiled(&with(text));
    let [chatwoot, copilot] = &pipeline.profiles[..] else { panic!("{:?}", pipeline.profiles) };
    assert_eq!((chatwoot.timeout_us, chatwoot.must_stay_closed), (3_600_000_000, true));
    assert!(chatwoot.counts_tests && !chatwoot.counts_copies);
    assert!(!copilot.counts_tests && copilot.counts_copies && !copilot.must_stay_closed);
    assert_eq!(copilot.metrics.len(), 3);
    assert_eq!(pipeline.longest_timeout_us(), 2 * 86_400_000_000);
    assert_eq!(pipeline.sessions.longest_timeout_us(), 1_800_000_000);
}

#[test]
fn a_wrong_profile_is_told_with_its_place() {
    for (text, message, remedy) in [
        (
            "profile: copilott",
            "`copilott` is not a vendor with a profile",
            "did you mean `copilot`?",
        ),
        ("profile: []", "there must be a profile", "leave the key out for none"),
        ("profile: [copilot, copilot]", "`copilot` is given twice", "leave one of them out"),
        ("profile: { timeout: 1h }", "`name` is missing from the profile", "add the vendor"),
        ("profile: { name: copilot, tiemout: 1h }", "unknown key `tiemout`", "timeout"),
        ("profile: { name: copilot, timeout: 0m }", "longer than nothing", "30m"),
        ("profile: { name: copilot, counts_tests: 1 }", "expected true or false", "true or false"),
    ] {
        let found = wrong(&with(text));
        let [one] = &found[..] else { panic!("{text}: {found:?}") };
        assert!(one.message.contains(message), "{text}: {}", one.message);
        assert!(one.remedy.as_deref().unwrap_or_default().contains(remedy), "{text}: {one:?}");
        assert!(one.line > 0 && one.column > 0, "{text}: {one:?}");
    }
}
