//! The module tree of a crate, and where the item of a path is defined.

use super::tokens::{self, Body};
use std::collections::BTreeMap;

/// The modules of a library or of a program; the first is its root.
pub(super) struct Modules(Vec<Module>);

pub(super) struct Module {
    pub(super) file: String,
    parent: Option<usize>,
    children: BTreeMap<String, usize>,
    pub(super) body: Body,
}

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Target {
    Module(usize),
    /// An item of a module.
    Item(usize),
}

/// Imports that lead to imports, at most: two modules that import each other's names by globs would never end.
const LONGEST_CHAIN: usize = 32;

impl Modules {
    /// Reads the tree below a root file from the sources by path.
    ///
    /// # Panics
    /// Where the file of a module is not there.
    pub(super) fn read(sources: &BTreeMap<&str, &str>, root: &str) -> Self {
        let mut modules = Self(Vec::new());
        let folder = root.rsplit_once('/').map_or("", |(folder, _)| folder);
        modules.add(sources, root, folder, None, tokens::read(sources[root]));
        modules
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (usize, &Module)> {
        self.0.iter().enumerate()
    }

    /// The files below a module, each with the child of the module that it belongs to. The module's own file is not among
    /// them.
    pub(super) fn branches(&self, above: usize) -> BTreeMap<&str, usize> {
        let branch = |module: usize| {
            let up = std::iter::successors(Some(module), |&module| self.0[module].parent);
            up.take_while(|&module| module != above).last().filter(|&top| self.0[top].parent == Some(above))
        };
        let below =
            (0..self.0.len()).filter_map(|module| Some((self.0[module].file.as_str(), branch(module)?)));
        below.filter(|(file, _)| *file != self.0[above].file).collect()
    }

    /// Adds a module and those below it. `folder` is where the files of its children lie.
    fn add(
        &mut self,
        sources: &BTreeMap<&str, &str>,
        file: &str,
        folder: &str,
        parent: Option<usize>,
        mut body: Body,
    ) -> usize {
        let declared = std::mem::take(&mut body.modules);
        let here = self.0.len();
        self.0.push(Module { file: file.to_owned(), parent, children: BTreeMap::new(), body });
        for (name, inside) in declared {
            let below = format!("{folder}/{name}");
            let child = match inside {
                Some(inside) => self.add(sources, file, &below, Some(here), inside),
                None => {
                    let places = [format!("{below}.rs"), format!("{below}/mod.rs")];
                    let place = places.iter().find(|place| sources.contains_key(place.as_str()));
                    let place = place.unwrap_or_else(|| panic!("{file}: `mod {name}` has no file"));
                    self.add(sources, place, &below, Some(here), tokens::read(sources[place.as_str()]))
                }
            };
            self.0[here].children.insert(name, child);
        }
        here
    }

    /// The file in which the item of a path is defined, read in the module `from`. There is none for a path into another
    /// crate, and for one that names a module.
    pub(super) fn file_of(&self, from: usize, path: &[String]) -> Option<&str> {
        match self.resolve(from, path, false, LONGEST_CHAIN)? {
            Target::Item(module) => Some(&self.0[module].file),
            Target::Module(_) => None,
        }
    }

    /// The file of a macro that a module above defines before it declares the module `from`.
    pub(super) fn file_of_macro_above(&self, from: usize, name: &str) -> Option<&str> {
        let above = std::iter::successors(self.0[from].parent, |&module| self.0[module].parent);
        above
            .map(|module| &self.0[module])
            .find(|module| module.body.items.contains(name))
            .map(|m| m.file.as_str())
    }

    /// A name can be a module's and an item's at once; `as_module` says which is meant.
    fn resolve(&self, from: usize, path: &[String], as_module: bool, left: usize) -> Option<Target> {
        let (first, rest) = path.split_first()?;
        let mut target = match first.as_str() {
            "crate" => Target::Module(0),
            "self" => Target::Module(from),
            "super" => Target::Module(self.0[from].parent?),
            name => self.look_up(from, name, as_module || !rest.is_empty(), left)?,
        };
        for (index, name) in rest.iter().enumerate() {
            let Target::Module(module) = target else { break };
            target = match name.as_str() {
                "super" => Target::Module(self.0[module].parent?),
                name => self.look_up(module, name, as_module || index + 1 < rest.len(), left)?,
            };
        }
        Some(target)
    }

    /// What a name means in a module.
    fn look_up(&self, module: usize, name: &str, as_module: bool, left: usize) -> Option<Target> {
        let left = left.checked_sub(1)?;
        let Module { children, body, .. } = &self.0[module];
        let child = children.get(name).copied().map(Target::Module);
        let item = body.items.contains(name).then_some(Target::Item(module));
        let named = body.imports.iter().filter(|import| import.name.as_deref() == Some(name));
        let imported = named.filter_map(|import| self.resolve(module, &import.path, as_module, left));
        let globs = body.imports.iter().filter(|import| import.name.is_none());
        let from_globs = globs.filter_map(|glob| match self.resolve(module, &glob.path, true, left)? {
            Target::Module(there) => self.look_up(there, name, as_module, left),
            // The variants of an enum: they are where the enum is.
            Target::Item(_) => None,
        });
        let meanings: Vec<Target> = child.into_iter().chain(item).chain(imported).collect();
        let is_meant = |target: &&Target| matches!(target, Target::Module(_)) == as_module;
        meanings.iter().find(is_meant).or(meanings.first()).copied().or_else(|| {
            let from_globs: Vec<Target> = from_globs.collect();
            from_globs.iter().find(is_meant).or(from_globs.first()).copied()
        })
    }
}
