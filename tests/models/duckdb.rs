//! DuckDB through its Python package: one process for a whole list of jobs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use chatkpi::engine::{InputFile, InputTable, RowRange, TableData, Values};
use chatkpi::schema::Column;
use chrono::NaiveDate;
use serde_json::{Value, json};

/// Holds an answer to the rows that are expected.
pub struct Job {
    pub name: String,
    pub answer: Answer,
    /// The columns to compare, `date` among them.
    pub columns: Vec<Column>,
    /// The columns that make a row unique.
    pub key: Vec<String>,
    pub expected: Vec<File>,
}

pub enum Answer {
    /// What another engine wrote.
    Files(Vec<File>),
    /// For DuckDB to find.
    Query { sql: String, tables: Vec<InputTable> },
}

pub struct File {
    pub path: PathBuf,
    /// Of all rows, where the file does not store that column.
    pub date: Option<NaiveDate>,
    pub rows: Option<RowRange>,
}

/// Runs `jobs` and panics with everything that differs. Returns the rows that were compared.
pub fn assert_agree(jobs: &[Job]) -> u64 {
    let outcomes = run(jobs);
    assert_eq!(outcomes.len(), jobs.len(), "DuckDB did not answer every job");
    let mut wrong = Vec::new();
    let mut rows = 0;
    for outcome in &outcomes {
        rows += outcome["rows"].as_u64().unwrap_or(0);
        let name = outcome["name"].as_str().unwrap_or_default();
        let differences = outcome["differences"].as_array().into_iter().flatten();
        for difference in differences.filter_map(Value::as_str) {
            wrong.push(format!("{name}\n    {difference}"));
        }
    }
    assert!(wrong.is_empty(), "{} differences\n{}", wrong.len(), wrong.join("\n"));
    rows
}

fn run(jobs: &[Job]) -> Vec<Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join(".venv/bin/python");
    assert!(python.exists(), "no {}: run scripts/test-env.sh", python.display());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let list = folder.path().join("jobs.json");
    let text = Value::Array(jobs.iter().map(job).collect()).to_string();
    std::fs::write(&list, text).expect("the list of jobs can be written");
    let output = Command::new(python)
        .arg(root.join("tests/support/duckdb_engine.py"))
        .arg(&list)
        .stderr(Stdio::inherit())
        .output()
        .expect("python starts");
    assert!(output.status.success(), "the DuckDB process failed: {}", output.status);
    serde_json::from_slice(&output.stdout).expect("the outcomes are JSON")
}

fn job(job: &Job) -> Value {
    let (sql, tables, actual) = match &job.answer {
        Answer::Files(list) => (Value::Null, Vec::new(), files(list)),
        Answer::Query { sql, tables } => {
            (json!(sql), tables.iter().map(table).collect(), Value::Null)
        }
    };
    json!({
        "name": job.name,
        "sql": sql,
        "tables": tables,
        "actual": actual,
        "columns": columns(&job.columns),
        "key": job.key,
        "expected": files(&job.expected),
    })
}

fn table(table: &InputTable) -> Value {
    let (files, rows) = match &table.data {
        TableData::Files(list) => {
            let file = |f: &InputFile| file(&f.path, f.date, f.rows);
            (list.iter().map(file).collect(), Vec::new())
        }
        TableData::Values(values) => {
            let height = values.first().map_or(0, Vec::len);
            let row = |i: usize| values.iter().map(|column| json!(column[i])).collect();
            (Vec::new(), (0..height).map(row).collect::<Vec<Value>>())
        }
        TableData::Memory(columns) => {
            let cell = |column: &Values, i: usize| match column {
                Values::Bigint(values) => values.get(i).map(|value| json!(value)),
                Values::Text(values) => values.get(i).map(|value| json!(value)),
                Values::Double(_) | Values::Boolean(_) => unreachable!("no small table has them"),
            };
            let row = |i: usize| columns.iter().map(|column| cell(column, i)).collect();
            (Vec::new(), (0..).map_while(row).map(Value::Array).collect())
        }
    };
    json!({"name": table.name, "columns": columns(&table.columns), "files": Value::Array(files), "rows": rows})
}

fn columns(columns: &[Column]) -> Value {
    columns.iter().map(|c| json!([c.name, c.kind.name()])).collect()
}

fn files(files: &[File]) -> Value {
    files.iter().map(|f| file(&f.path, f.date, f.rows)).collect()
}

fn file(path: &Path, date: Option<NaiveDate>, rows: Option<RowRange>) -> Value {
    json!({"path": path, "date": date, "rows": rows.map(|r| [r.first, r.first + r.count])})
}
