//! The YAML as written -> a valid [`Pipeline`], or everything that is wrong with it at once.
//!
//! Pure: no file is looked at, no variable is read; who calls it says how adapters' files are. Every finding has file, line, column, what is
//! wrong and what to write instead. A reader that finds something wrong reports it and goes on with
//! a default, so that one mistake never hides another. Leaves out: whether paths and models exist.

mod adapters;
mod assumptions;
mod batches;
mod candidates;
mod conditions;
mod findings;
mod mapping;
mod profiles;
mod settings;
mod sources;

use std::path::Path;

use super::Pipeline;
use super::spec::{Node, Value, parse};
use crate::error::{Error, Result};
pub use adapters::ReadFile;
pub use candidates::{Candidate, candidates};
use findings::Findings;

/// Compiles the text of the pipeline `file`; relative local paths start from the file's folder.
///
/// # Errors
/// `ErrorKind::Config` with one diagnostic for each mistake, in the order of the file.
pub fn compile(file: &Path, text: &str) -> Result<Pipeline> {
    compile_with_files(file, text, &|_| Err(std::io::ErrorKind::NotFound.into()))
}

/// The same for a pipeline that may name adapters of the user's own; `read` gives their texts.
///
/// # Errors
/// As [`compile`]; a mistake in an adapter has its place in the adapter's file.
pub fn compile_with_files(file: &Path, text: &str, read: ReadFile<'_>) -> Result<Pipeline> {
    let mut findings = Findings::new(file.display().to_string());
    match parse(text) {
        Ok(root) => compile_tree(file, &root, read),
        Err((place, message)) => {
            findings.report(place, message, "correct the YAML here, or just above");
            Err(mistakes(findings))
        }
    }
}

/// Compiles what was read of `file`.
///
/// # Errors
/// As [`compile`].
pub(super) fn compile_tree(file: &Path, root: &Node, read: ReadFile<'_>) -> Result<Pipeline> {
    let mut findings = Findings::new(file.display().to_string());
    match read_pipeline(root, file, read, &mut findings) {
        Some(pipeline) if findings.is_empty() => Ok(pipeline),
        _ if findings.is_empty() => Err(Error::internal("a wrong pipeline without a finding")),
        _ => Err(mistakes(findings)),
    }
}

fn mistakes(findings: Findings) -> Error {
    let found = findings.into_diagnostics();
    let noun = if found.len() == 1 { "mistake" } else { "mistakes" };
    Error::diagnosed(format!("the pipeline has {} {noun}", found.len()), found)
}

fn read_pipeline(
    root: &Node,
    file: &Path,
    read: ReadFile<'_>,
    out: &mut Findings,
) -> Option<Pipeline> {
    let base = file.parent().unwrap_or(Path::new(""));
    if root.value == Value::Null {
        let remedy = "copy pipelines/canonical.yaml to start from";
        out.report(root.place, "the pipeline is empty", remedy);
        return None;
    }
    let mut fields = out.map(root, "pipeline")?;
    let version = fields.need("version", "add `version: 1`", out);
    if let Some(version) = version.filter(|node| node.value != Value::Whole(1)) {
        let message = format!("the version is {}, not 1", version.value.describe());
        out.report(version.place, message, "write `version: 1`, the only one so far");
    }
    let name = fields.need("name", "add a name, such as `name: support`", out);
    let name = name.and_then(|node| out.name(node));
    let zone = fields.need("timezone", "add `timezone: Europe/Stockholm`, or yours", out);
    let zone = zone.and_then(|node| out.zone(node));
    let warehouse = fields.need("warehouse", "add `warehouse: ./warehouse`", out);
    let warehouse = warehouse.and_then(|node| settings::warehouse(node, base, out));
    let start = fields.get("start").and_then(|node| out.date(node));
    let dimensions = settings::dimensions(fields.get("dimensions"), out);
    let grouping_sets = settings::grouping_sets(fields.get("grouping_sets"), &dimensions, out);
    let privacy = "add `privacy: { user_key_env: CHATKPI_USER_KEY }`";
    let user_key = fields.need("privacy", privacy, out);
    let user_key = user_key.and_then(|node| settings::user_key(node, out));
    let sessions = fields.get("sessions").and_then(|node| settings::sessions(node, out));
    let uptime = fields.get("uptime").and_then(|node| settings::uptime(node, out));
    let warnings = fields.get("warnings").and_then(|node| settings::warnings(node, out));
    let sources = fields.need("sources", "add a list of sources", out);
    let files = adapters::Files { base, read };
    let sources = sources.map(|node| sources::sources(node, files, out)).unwrap_or_default();
    let rollouts = settings::rollouts(fields.get("rollouts"), out);
    let assumptions = fields.get("assumptions");
    let assumptions = assumptions.and_then(|node| assumptions::assumptions(node, out));
    let profiles = profiles::profiles(fields.get("profile"), out);
    let models = settings::models(fields.get("models"), base, out);
    let low_n = fields.get("low_n").and_then(|node| out.whole(node, 0..=1_000_000));
    let floor = fields.get("history_floor").and_then(|node| out.date(node));
    fields.close(out);
    Some(Pipeline {
        name: name?,
        file: file.to_owned(),
        zone: zone?,
        warehouse: warehouse?,
        start,
        dimensions,
        grouping_sets,
        user_key: user_key?,
        sessions: sessions.unwrap_or_default(),
        uptime: uptime.unwrap_or_default(),
        warnings: warnings.unwrap_or_default(),
        sources,
        rollouts,
        assumptions: assumptions.unwrap_or_default(),
        profiles,
        models,
        low_n: low_n.unwrap_or(30),
        history_floor_us: settings::history_floor_us(floor),
    })
}

#[cfg(test)]
mod tests;
