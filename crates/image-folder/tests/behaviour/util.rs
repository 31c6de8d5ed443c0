//! Small trees of images, and how many random cases a property is tried on.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use image::{DynamicImage, ImageFormat};
use image_folder::{ImageFolder, RgbImage, Sample};
use tempfile::TempDir;

/// A folder that is removed at the end of a test.
pub(crate) struct Tree(TempDir);

impl Tree {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// With an image at each path.
    pub(crate) fn of(paths: &[&str]) -> Self {
        let tree = Self::new();
        paths.iter().for_each(|path| tree.image(path));
        tree
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// A small PNG, whatever the ending.
    pub(crate) fn image(&self, path: &str) {
        self.file(path, encoded(&picture(4, 4), ImageFormat::Png));
    }
}

/// The picture that golden/images.py makes too.
pub(crate) fn picture(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        image::Rgb([0, 1, 2].map(|c| ((x * 7 + y * 13 + c * 29 + x * y * 3) % 256) as u8))
    })
}

pub(crate) fn encoded(image: &RgbImage, format: ImageFormat) -> Vec<u8> {
    encoded_any(&image.clone().into(), format)
}

pub(crate) fn encoded_any(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

pub(crate) fn paths(samples: &[Sample]) -> Vec<&str> {
    samples.iter().map(|sample| sample.path.as_str()).collect()
}

/// Each training image with the name of its label.
pub(crate) fn labels(set: &ImageFolder) -> Vec<(&str, &str)> {
    set.train.iter().map(|sample| (sample.path.as_str(), set.classes[sample.label].as_str())).collect()
}

/// The reason why a path was skipped.
pub(crate) fn reason<'a>(set: &'a ImageFolder, path: &str) -> &'a str {
    let skipped = set.skipped.iter().find(|skipped| skipped.path == path);
    &skipped.unwrap_or_else(|| panic!("{path} is not among {:?}", set.skipped)).reason
}
