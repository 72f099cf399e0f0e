//! A pipeline with the built-in models, made from the few settings that queries depend on.

use std::path::Path;

use chatkpi::model::catalog::{Catalog, builtin};
use chatkpi::pipeline::{self, Pipeline};

pub struct Setting {
    pub pipeline: Pipeline,
    pub catalog: Catalog,
}

/// Compiles the YAML of the pipeline `file` as the program does.
pub fn setting(file: &Path, yaml: &str) -> Setting {
    let pipeline = pipeline::compile(file, yaml).unwrap_or_else(|e| panic!("{e}\n{yaml}"));
    let catalog = Catalog::build(&builtin(), &pipeline).unwrap_or_else(|e| panic!("{e}"));
    Setting { pipeline, catalog }
}
