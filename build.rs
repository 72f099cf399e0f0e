//! Makes cargo build again when a model or an adapter changes: their folders are embedded by a
//! macro, which cargo does not look into.

fn main() {
    println!("cargo::rerun-if-changed=sql");
    println!("cargo::rerun-if-changed=pipelines/adapters");
}
