//! The files of a run's images.

use std::collections::HashMap;
use std::path::{Component, Path};

use image_folder::{Pixels, Sample};

/// The file of each image, by its path in `label_issues.csv`.
#[derive(Debug)]
pub(crate) struct ImageFiles<'a> {
    data: &'a Path,
    files: HashMap<&'a str, &'a Path>,
}

impl<'a> ImageFiles<'a> {
    /// Of these samples of a set in the folder `data`.
    pub(crate) fn new(data: &'a Path, samples: impl IntoIterator<Item = &'a Sample>) -> Self {
        let file = |sample: &'a Sample| match &sample.source {
            Pixels::File { path, .. } => Some((sample.path.as_str(), path.as_path())),
            Pixels::Row { .. } | Pixels::Memory(_) => None,
        };
        Self { data, files: samples.into_iter().filter_map(file).collect() }
    }

    /// The folder of the set.
    pub(super) fn data(&self) -> &Path {
        self.data
    }

    /// The file of an image relative to the folder of the set, with `/` between its parts; `None` where it lies elsewhere.
    pub(super) fn below_data(&self, path: &str) -> Option<String> {
        self.files.get(path)?.strip_prefix(self.data).ok().map(with_slashes)
    }

    /// The file of an image relative to `root`, with `/` between its parts; `None` where it lies elsewhere.
    pub(super) fn below(&self, root: &Path, path: &str) -> Option<String> {
        self.files.get(path)?.strip_prefix(root).ok().map(with_slashes)
    }

    /// The lowest folder that all files are below and the set's folder is in.
    pub(super) fn root(&self) -> &Path {
        let mut root = self.data.parent().unwrap_or(self.data);
        for file in self.files.values() {
            while !file.starts_with(root)
                && let Some(parent) = root.parent()
            {
                root = parent;
            }
        }
        root
    }
}

/// A relative path with `/` between its parts on every system.
fn with_slashes(path: &Path) -> String {
    let parts = path.components().filter(|part| !matches!(part, Component::CurDir));
    parts.map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(name: &str, file: &str) -> Sample {
        Sample { path: name.to_owned(), source: Pixels::file(file), label: 0, truth: None }
    }

    #[test]
    fn the_root_is_the_lowest_folder_above_the_set_and_all_files() {
        let inside = [sample("cat/1.jpg", "/srv/pictures/photos/cat/1.jpg")];
        let images = ImageFiles::new(Path::new("/srv/pictures/photos"), &inside);
        assert_eq!(images.root(), Path::new("/srv/pictures"));
        assert_eq!(images.below(images.root(), "cat/1.jpg").unwrap(), "photos/cat/1.jpg");
        assert_eq!(images.below_data("cat/1.jpg").unwrap(), "cat/1.jpg");
        assert_eq!(images.below_data("cat/2.jpg"), None);

        let elsewhere = [inside[0].clone(), sample("../other/1.jpg", "/srv/more/other/1.jpg")];
        let images = ImageFiles::new(Path::new("/srv/pictures/photos"), &elsewhere);
        assert_eq!(images.root(), Path::new("/srv"));
        assert_eq!(images.below_data("../other/1.jpg"), None);
        assert_eq!(images.below(images.root(), "../other/1.jpg").unwrap(), "more/other/1.jpg");
    }
}
