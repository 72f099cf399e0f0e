//! Every model, on the embedded engine and on DuckDB.
//!
//! `sql/<layer>/<model>/cases/<case>/` holds a few rows of each table that the model reads, and the
//! rows it must make of them, worked out by hand (`case` says how they are written); `wrong/<audit>/`
//! holds rows that this audit must find. `worlds` holds
//! the same queries to random logs, where nobody knows the answer but both engines must give the
//! same one. Leaves out whether a definition is the right one: `support::fold` judges that.

mod case;
mod duckdb;
mod rows;
mod setting;
mod worlds;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chatkpi::engine::polars::PolarsEngine;
use chatkpi::engine::{Engine, Query};
use chatkpi::model::catalog::builtin;
use chatkpi::sink::verify;

use case::Case;
use duckdb::Answer;
use setting::{Setting, setting};

#[test]
fn models_all_have_hand_computed_cases() {
    let covered: BTreeSet<String> = case::all().into_iter().map(|case| case.model).collect();
    let missing: Vec<String> = builtin()
        .into_iter()
        // What the program makes of a query's rows is tested where it is made.
        .filter(|text| !text.yaml.contains("\nnative:"))
        .map(|text| text.name)
        .filter(|name| !covered.contains(name))
        .collect();
    assert!(missing.is_empty(), "models without a case in their folder: {missing:?}");
}

#[test]
fn models_answer_their_cases_on_both_engines() {
    let engine = PolarsEngine::new();
    let mut jobs = Vec::new();
    let mut settings: BTreeMap<String, Setting> = BTreeMap::new();
    let mut folders = Vec::new();
    for case in case::all() {
        let yaml = case.pipeline();
        let setting =
            settings.entry(yaml).or_insert_with_key(|yaml| setting(Path::new("case.yaml"), yaml));
        let folder = tempfile::tempdir().expect("a temporary folder");
        jobs.extend(jobs_of(&case, setting, &engine, folder.path()));
        folders.push(folder);
    }
    duckdb::assert_agree(&jobs);
}

/// Right rows pass: every run of the other tests is audited.
#[test]
fn models_are_audited_by_queries_that_find_wrong_rows() {
    let engine = PolarsEngine::new();
    let mut cases = 0;
    for case in case::wrong() {
        let setting = setting(Path::new("case.yaml"), &case.pipeline());
        let entry = setting.catalog.entry(&case.model).expect("the folder's model");
        let (model, at) = (&entry.model, case.parameters(&entry.model));
        let audit = model.audits.iter().find(|audit| audit.name == case.short_name());
        let audit = audit.unwrap_or_else(|| panic!("{}: there is no such audit", case.name()));
        let folder = tempfile::tempdir().expect("a temporary folder");
        let catalog = &setting.catalog;
        let mut tables = case.inputs(model, catalog, &setting.pipeline, folder.path());
        tables.push(case.made(model, &setting.pipeline, folder.path()));
        let sql = catalog
            .render(model, &audit.sql, &case.name(), &setting.pipeline, &at)
            .unwrap_or_else(|e| panic!("{e}"));
        let found =
            engine.read(&sql, &tables, 10).unwrap_or_else(|e| panic!("{}: {e}", case.name()));
        assert!(found.total > 0, "{} finds nothing of: {}", case.name(), case.what());
        cases += 1;
    }
    assert!(cases > 5, "the wrong rows were not found");
}

/// What polars wrote, and DuckDB's own answer, each against the expected rows.
fn jobs_of(case: &Case, setting: &Setting, engine: &dyn Engine, folder: &Path) -> [duckdb::Job; 2] {
    let name = case.name();
    let (pipeline, catalog) = (&setting.pipeline, &case.narrowed(&setting.catalog));
    let model =
        &catalog.entry(&case.model).unwrap_or_else(|| panic!("{name}: no such model")).model;
    let query = Query {
        sql: catalog
            .sql(model, pipeline, &case.parameters(model))
            .unwrap_or_else(|e| panic!("{name}: {e}")),
        inputs: case.inputs(model, catalog, pipeline, folder),
        columns: model.stored_columns(),
        order: model.grain.clone(),
        dates: case.dates(model),
        together: false,
    };
    let written = engine.write(&query, folder).unwrap_or_else(|e| panic!("{name}: {e}"));
    let mut files = Vec::new();
    for file in &written {
        files.push(duckdb::File { path: file.path.clone(), date: Some(file.date), rows: None });
    }
    verify(written, model, 1).unwrap_or_else(|e| panic!("{name}: {e}"));
    let (columns, expected) = case.expected(model, folder);
    let mut key = vec!["date".to_owned()];
    key.extend(model.grain.iter().cloned());
    let job = |engine: &str, answer: Answer| duckdb::Job {
        name: format!("{name} on {engine}: {}", case.what()),
        answer,
        columns: columns.clone(),
        key: key.clone(),
        expected: vec![duckdb::File { path: expected.clone(), date: None, rows: None }],
    };
    let sql = Answer::Query { sql: query.sql, tables: query.inputs };
    [job("polars", Answer::Files(files)), job("duckdb", sql)]
}
