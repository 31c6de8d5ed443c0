//! The imports of each file, and the circles that they make.

use super::modules::Modules;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Which files a file imports from, each with one place that does so.
type Imports = BTreeMap<String, BTreeMap<String, Place>>;

/// A line that imports, and what it names.
struct Place {
    line: usize,
    path: String,
}

/// Files of which each needs all the others, and the imports by which they do.
pub(super) struct Circle {
    pub(super) files: Vec<String>,
    imports: Vec<String>,
}

impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} files need each other", self.files.len())?;
        self.imports.iter().try_for_each(|import| write!(f, "\n    {import}"))
    }
}

/// The circles between modules side by side: for each module, files below it that lie in two of its branches or more and
/// reach each other without its own file.
pub(super) fn circles(modules: &Modules) -> Vec<Circle> {
    let imports = imports(modules);
    let mut found: Vec<BTreeSet<&str>> = Vec::new();
    for (module, _) in modules.all() {
        let branches = modules.branches(module);
        let reached: BTreeMap<&str, BTreeSet<&str>> =
            branches.keys().map(|&file| (file, reached_from(&imports, file, &branches))).collect();
        for (&file, there) in &reached {
            let back = |other: &&str| reached[*other].contains(file);
            let files: BTreeSet<&str> = there.iter().copied().filter(back).collect();
            let in_branches: BTreeSet<usize> = files.iter().map(|file| branches[file]).collect();
            if in_branches.len() > 1 && !found.iter().any(|circle| files.is_subset(circle)) {
                found.push(files);
            }
        }
    }
    found.iter().map(|files| circle(files, &imports)).collect()
}

fn circle(files: &BTreeSet<&str>, imports: &Imports) -> Circle {
    let mut shown = Vec::new();
    for &file in files {
        for (other, Place { line, path }) in &imports[file] {
            if files.contains(other.as_str()) {
                shown.push(format!("{file}:{line} -> {other} ({path})"));
            }
        }
    }
    Circle { files: files.iter().map(|&file| file.to_owned()).collect(), imports: shown }
}

/// A re-export alone is no import of the file that has it: it serves others, who are led to the definition.
fn imports(modules: &Modules) -> Imports {
    let mut imports = Imports::new();
    for (here, module) in modules.all() {
        let mut add = |to: Option<&str>, line: usize, path: &[String]| {
            if let Some(to) = to.filter(|&to| to != module.file) {
                let place = Place { line, path: path.join("::") };
                imports.entry(module.file.clone()).or_default().entry(to.to_owned()).or_insert(place);
            }
        };
        for import in module.body.imports.iter().filter(|import| !import.is_public) {
            add(modules.file_of(here, &import.path), import.line, &import.path);
        }
        for path in &module.body.paths {
            let defined = modules.file_of(here, &path.segments);
            let is_textual_macro = path.is_macro && path.segments.len() == 1;
            let above = || modules.file_of_macro_above(here, &path.segments[0]).filter(|_| is_textual_macro);
            add(defined.or_else(above), path.line, &path.segments);
        }
    }
    imports
}

/// Of the files below a module, all that a file needs: those that it imports from and those that they need; itself where it
/// is in a circle.
fn reached_from<'a>(imports: &'a Imports, file: &str, below: &BTreeMap<&str, usize>) -> BTreeSet<&'a str> {
    let next = |file: &str| {
        let to = imports.get(file).into_iter().flat_map(|to| to.keys().map(String::as_str));
        to.filter(|to| below.contains_key(to))
    };
    let mut reached = BTreeSet::new();
    let mut open: Vec<&str> = next(file).collect();
    while let Some(file) = open.pop() {
        if reached.insert(file) {
            open.extend(next(file));
        }
    }
    reached
}
