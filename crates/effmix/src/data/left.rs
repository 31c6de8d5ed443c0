//! Files that are left without a look at their content, in words.

use std::path::Path;

use image_folder::{Left, LeftKind};

/// The number of files that are named.
const NAMED: usize = 10;

/// Endings of images that are not read.
const OTHER_IMAGES: [&str; 18] = [
    ".avif", ".heic", ".heif", ".jxl", ".jp2", ".j2k", ".psd", ".svg", ".ico", ".tga", ".raw", ".cr2",
    ".cr3", ".nef", ".arw", ".dng", ".orf", ".exr",
];

/// What is left, counted by kind, with up to ten names or the file that lists them, and what can be done; nothing where nothing is left.
pub fn left_in_words(left: &[Left], file: Option<&Path>) -> Option<String> {
    if left.is_empty() {
        return None;
    }
    let mut text = format!("left: {}", Left::counts(left));
    let names = left.iter().take(NAMED).map(|left| left.path.as_str()).collect::<Vec<_>>().join(", ");
    match (left.len() <= NAMED, file) {
        (true, _) => text += &format!(" ({names})"),
        (false, Some(file)) => text += &format!(", listed in {}", file.display()),
        (false, None) => text += &format!(" ({names}, ...)"),
    }
    let is_image = |left: &Left| matches!(&left.kind, LeftKind::Ending(ending) if OTHER_IMAGES.contains(&ending.as_str()));
    if left.iter().any(is_image) {
        text += "; convert images of these formats to JPEG or PNG to use them";
    }
    if left.iter().any(|left| left.kind == LeftKind::Hidden) {
        text += "; hidden is what has a name that begins with a dot: rename what is to be used";
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_files_are_named_and_many_are_listed_in_a_file() {
        let left = |path: &str, kind| Left { path: path.to_owned(), kind };
        let txt = || LeftKind::Ending(".txt".to_owned());
        let few = [left("a.txt", txt()), left("b.txt", txt())];
        assert_eq!(left_in_words(&few, None).unwrap(), "left: 2 .txt (a.txt, b.txt)");
        let many: Vec<Left> = (0..11).map(|i| left(&format!("{i}.txt"), txt())).collect();
        assert_eq!(left_in_words(&many, Some(Path::new("f.csv"))).unwrap(), "left: 11 .txt, listed in f.csv");
        assert!(left_in_words(&many, None).unwrap().ends_with("8.txt, 9.txt, ...)"));
        assert_eq!(left_in_words(&[], None), None);
        let avif = [left("a.avif", LeftKind::Ending(".avif".to_owned())), left(".x", LeftKind::Hidden)];
        let words = left_in_words(&avif, None).unwrap();
        assert!(words.contains("convert images") && words.contains("rename what is to be used"), "{words}");
    }
}
