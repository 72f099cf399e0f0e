//! What the walls are: tables, and no code.

/// Which modules each top-level module may import, bottom-up; the table of `ARCHITECTURE.md`.
pub const IMPORTS: &[(&str, &[&str])] = &[
    // The core: pure, no clock, no environment, no input or output.
    ("error", &[]),
    ("interval", &[]),
    ("parallel", &[]),
    ("schema", &[]),
    ("infer", &["error", "interval"]),
    ("accounting", &["error"]),
    ("pipeline", &["error", "interval", "schema"]),
    ("model", &["error", "interval", "pipeline", "schema"]),
    ("report", &["error", "infer", "interval", "model"]),
    ("manifest", &["accounting", "error", "schema"]),
    ("plan", &["error", "interval", "manifest", "model", "pipeline", "schema"]),
    ("diff", &["error", "model", "pipeline", "schema"]),
    // The shell: touches the world.
    ("storage", &["error", "pipeline"]),
    ("source", &["accounting", "error", "interval", "pipeline", "schema"]),
    ("engine", &["error", "interval", "schema"]),
    (
        "sink",
        &[
            "engine", "error", "interval", "manifest", "model", "parallel", "plan", "schema",
            "storage",
        ],
    ),
    (
        "run",
        &[
            "accounting",
            "engine",
            "error",
            "infer",
            "interval",
            "manifest",
            "model",
            "parallel",
            "pipeline",
            "plan",
            "report",
            "schema",
            "sink",
            "source",
            "storage",
        ],
    ),
    ("demo", &["error", "interval"]),
    (
        "cli",
        &[
            "accounting",
            "demo",
            "diff",
            "engine",
            "error",
            "infer",
            "interval",
            "manifest",
            "model",
            "pipeline",
            "plan",
            "report",
            "run",
            "schema",
            "sink",
            "source",
            "storage",
        ],
    ),
];

/// The only places that may name a heavy crate.
pub const OWNERS: &[(&str, &[&str])] = &[
    ("clap", &["src/cli/"]),
    ("indicatif", &["src/cli/"]),
    (
        "minijinja",
        &["src/model/query.rs", "src/model/money.rs", "src/model/ddl.rs", "src/report/page/mod.rs"],
    ),
    ("object_store", &["src/storage/"]),
    ("parquet", &["src/sink/", "src/source/"]),
    ("polars", &["src/engine/polars.rs"]),
    ("serde_yaml", &["src/model/spec.rs", "src/pipeline/spec.rs", "src/report/page/texts.rs"]),
    ("sqlparser", &["src/engine/polars.rs", "src/model/lint/"]),
    ("tokio", &["src/storage/"]),
];

/// What reads the clock or the environment; only `src/cli/` may.
pub const WORLD: &[&str] = &[
    "env::args",
    "env::remove_var",
    "env::set_var",
    "env::var",
    "env::var_os",
    "env::vars",
    "env::vars_os",
    "Instant::now",
    "Local::now",
    "SystemTime::now",
    "Utc::now",
];

pub const MOST_LINES: usize = 500;

/// String literals that are a metric's name and mean something else.
pub const NAMESAKES: &[(&str, &str, &str)] = &[
    ("src/demo/aftermath.rs", "lead_value", "a key of the canonical format"),
    ("src/demo/aftermath.rs", "nps", "an instrument of the canonical format"),
    ("src/pipeline/compile/mod.rs", "sessions", "the key of a pipeline"),
    ("src/pipeline/compile/settings.rs", "sessions", "the key of a pipeline"),
    ("src/run/told.rs", "sessions", "a column of fct_outcome_daily"),
    ("src/schema.rs", "lead_value", "a key of the canonical format"),
    ("src/schema.rs", "leads", "a kind of source"),
    ("src/schema.rs", "nps", "an instrument of the canonical format"),
    ("src/source/event.rs", "lead_value", "a key of the canonical format"),
];
