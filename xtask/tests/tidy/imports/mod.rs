//! No circle of imports inside a crate: files of which each needs all the others can only be read, tested and moved together.
//!
//! | file | holds |
//! |---|---|
//! | `tokens` | what a source says: its modules, definitions, imports and paths, without those of tests |
//! | `modules` | the module tree of a crate, and the file in which a path's item is defined |
//! | `circles` | the imports of each file, and the circles that they make |
//! | `examples` | made-up crates that the check is held against |
//!
//! A file that only declares modules and re-exports their items defines nothing, so no import leads to it: a re-export is
//! followed to the definition. What only tests see is left out. A module and the files below it may need each other: the
//! parent says what they share and puts them together, and Rust's privacy makes them one.

mod circles;
mod examples;
mod modules;
mod tokens;

use crate::repository::{File, none, root, rust_files};
use circles::{Circle, circles};
use modules::Modules;
use std::collections::BTreeMap;

/// The circles of every crate of the workspace, by the crate's folder.
fn circles_by_crate(files: &[File]) -> BTreeMap<String, Vec<Circle>> {
    let sources: BTreeMap<&str, &str> = files.iter().map(|file| (file.path.as_str(), file.text())).collect();
    let mut found: BTreeMap<String, Vec<Circle>> = BTreeMap::new();
    for &path in sources.keys() {
        let Some((folder, source)) = path.split_once("/src/") else { continue };
        // A library, a program, or one of several programs: each is a module tree of its own.
        let is_root = ["lib.rs", "main.rs"].contains(&source)
            || source.strip_prefix("bin/").is_some_and(|program| !program.contains('/'));
        if is_root && root().join(folder).join("Cargo.toml").is_file() {
            let modules = Modules::read(&sources, path);
            found.entry(folder.to_owned()).or_default().extend(circles(&modules));
        }
    }
    found
}

#[test]
fn no_crate_has_a_circle_of_imports() {
    let found = circles_by_crate(&rust_files());
    assert!(found.len() > 5, "the crates were not found: {:?}", found.keys());
    none(
        "circles of imports",
        found
            .iter()
            .flat_map(|(folder, circles)| circles.iter().map(move |circle| format!("{folder}: {circle}"))),
    );
}
