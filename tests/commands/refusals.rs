//! What a run refuses to begin: exit code 2, what is wrong and what to do about it, nothing changed.

use super::tiny::{KEY, KEY_VARIABLE, PIPELINE, Tiny};

/// Refused with `parts` on stderr, and the warehouse as it was.
#[track_caller]
fn refused(tiny: &Tiny, parts: &[&str]) {
    let before = tiny.warehouse();
    let told = tiny.run(&["run", PIPELINE, "--force"]).expect(2).says(parts);
    assert!(!told.err.contains(KEY), "the key is shown");
    assert!(tiny.warehouse() == before, "a refused run changed the warehouse");
}

#[test]
fn a_wrong_key_in_the_pipeline_is_told_with_its_place() {
    let tiny = Tiny::after_a_run();
    tiny.change_pipeline("warehouse:", "ware_house:");
    refused(&tiny, &["pipeline.yaml:4:1: ", "`ware_house`", "did you mean `warehouse`?"]);
}

#[test]
fn a_source_in_a_folder_that_is_not_there() {
    let tiny = Tiny::after_a_run();
    tiny.change_pipeline("logs/", "lgs/");
    refused(
        &tiny,
        &[
            "no such folder",
            &tiny.path("lgs").display().to_string(),
            "source: bot",
            "create the folder",
        ],
    );
}

#[test]
fn a_warehouse_that_is_a_file() {
    let tiny = Tiny::new();
    tiny.write("warehouse", "");
    tiny.run(&["run", PIPELINE]).expect(2).says(&["this is a file, not a folder", "warehouse"]);
}

#[test]
fn no_user_key() {
    let mut tiny = Tiny::after_a_run();
    tiny.unset(KEY_VARIABLE);
    refused(&tiny, &[KEY_VARIABLE, "is not set", "pipeline.yaml", "export TINY_KEY="]);
    tiny.run(&["plan", PIPELINE]).expect(2).says(&["is not set"]);
}

#[test]
fn a_short_user_key() {
    let mut tiny = Tiny::after_a_run();
    tiny.set(KEY_VARIABLE, "short");
    refused(&tiny, &["the user key has 5 bytes; it needs 32", KEY_VARIABLE, "openssl rand"]);
}

#[test]
fn another_user_key_than_the_warehouse_was_made_with() {
    let mut tiny = Tiny::after_a_run();
    tiny.set(KEY_VARIABLE, &KEY.replace("0001", "0002"));
    refused(
        &tiny,
        &["the user key is not the one this warehouse was made with", "give the old key back"],
    );
    // The old key is all it takes.
    tiny.set(KEY_VARIABLE, KEY);
    tiny.run(&["run", PIPELINE]).expect(0).says(&["nothing to do"]);
}
