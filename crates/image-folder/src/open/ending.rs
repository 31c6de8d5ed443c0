//! The endings of image files.

use std::path::Path;

/// The endings of image files, in lower case. They only pick the files to look at; the content of a file decides how it is decoded.
pub const ENDINGS: [&str; 10] = ["jpg", "jpeg", "jpe", "jfif", "png", "webp", "bmp", "gif", "tif", "tiff"];

/// Whether the file's name has one of the [`ENDINGS`], in any case.
pub fn has_image_ending(path: &Path) -> bool {
    path.extension().and_then(|ending| ending.to_str()).is_some_and(is_image_ending)
}

/// Whether this is one of the [`ENDINGS`], in any case.
pub(super) fn is_image_ending(ending: &str) -> bool {
    ENDINGS.iter().any(|known| known.eq_ignore_ascii_case(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_known_by_its_ending_in_any_case() {
        let is_image = |path: &str| has_image_ending(Path::new(path));
        assert!(is_image("a.jpg") && is_image("dir.txt/A.JpEg") && is_image("a.tar.WEBP"));
        assert!(is_image("a.jpe") && is_image("a.JFIF") && is_image("a.TIF") && is_image("a.tiff"));
        assert!(!is_image("a.jpg.txt") && !is_image("jpg") && !is_image(".png") && !is_image("a."));
    }
}
