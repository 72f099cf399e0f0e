//! `chatkpi verify`: is everything that is stored what the commits say of it?

use std::path::PathBuf;

use super::context;
use crate::error::{Error, ErrorKind, Result};
use crate::sink::{Checked, check};
use crate::storage::Store;

#[derive(clap::Args)]
pub struct VerifyArgs {
    /// The pipeline's YAML file.
    #[arg(value_name = "PIPELINE")]
    pipeline: PathBuf,

    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub fn verify(args: &VerifyArgs) -> Result<u8> {
    let loaded = context::load(&args.pipeline)?;
    let store = Store::open(&loaded.pipeline.warehouse, &context::storage_options())?;
    let checked = check(&store)?;
    if args.json {
        let told = serde_json::to_string_pretty(&checked)
            .map_err(|e| Error::internal("what was found cannot be printed").because(e))?;
        super::print(&told);
    } else {
        super::print(&text(&checked));
    }
    match checked.findings.len() {
        0 => Ok(0),
        found => Err(Error::new(ErrorKind::Corrupt, "what is stored is not what was committed")
            .context("objects", found)
            .remedy(
                "move foreign and damaged files away; `run --force` for their days puts ours back, built again from the logs",
            )),
    }
}

fn text(checked: &Checked) -> String {
    let Checked { generation, published, objects, pending, .. } = checked;
    let mut lines =
        vec![format!("generation {generation}: {published} published files, {objects} objects")];
    if *pending > 0 {
        lines.push(format!("{pending} files wait to be published; the next run does it"));
    }
    lines.extend(checked.findings.iter().map(|f| format!("{}: {}", f.object, f.problem)));
    if checked.findings.is_empty() {
        lines.push("all is as it was committed".to_owned());
    }
    lines.join("\n")
}
