//! Makes cargo build again when a model changes: the folder is embedded by a macro, which cargo
//! does not look into.

fn main() {
    println!("cargo::rerun-if-changed=sql");
}
