use std::fs;

use image_folder::{Error, ImageFolder, OpenOptions, Result, TestSplit, open};

use crate::util::{Tree, labels, paths, reason};

const ALL: OpenOptions =
    OpenOptions { labels: None, test: TestSplit::None, per_class: None, test_name: None };

fn open_all(tree: &Tree) -> Result<ImageFolder> {
    open(tree.path(), &ALL)
}

#[test]
fn a_folder_is_a_class_and_classes_are_sorted_by_name() {
    let tree =
        Tree::of(&["dog/b.jpg", "cat/deep/er/a.PNG", "cat/z.JpEg", "ant/1.webp", "ant/2.bmp", "ant/3.gif"]);
    let set = open_all(&tree).unwrap();
    assert_eq!(set.classes, ["ant", "cat", "dog"]);
    assert_eq!(
        labels(&set),
        [
            ("ant/1.webp", "ant"),
            ("ant/2.bmp", "ant"),
            ("ant/3.gif", "ant"),
            ("cat/deep/er/a.PNG", "cat"),
            ("cat/z.JpEg", "cat"),
            ("dog/b.jpg", "dog")
        ]
    );
    assert!(set.train.iter().all(|sample| sample.truth.is_none()));
    assert!(set.test.is_empty() && set.skipped.is_empty() && set.warnings.is_empty());
}

#[test]
fn hidden_and_other_files_are_counted_and_left() {
    let tree = Tree::of(&["a/1.png", "b/1.png", "a/.hidden.png", ".thumbnails/x/1.png"]);
    tree.file("a/notes.txt", "no image");
    tree.file("labels.csv", "path,label\n");
    let set = open_all(&tree).unwrap();
    assert_eq!((set.train.len(), set.hidden, set.other_files), (2, 2, 2));
}

#[test]
fn an_image_outside_of_class_folders_is_listed() {
    let tree = Tree::of(&["a/1.png", "b/1.png", "stray.png"]);
    let set = open_all(&tree).unwrap();
    assert_eq!(paths(&set.train), ["a/1.png", "b/1.png"]);
    assert!(reason(&set, "stray.png").contains("no class folder"));
}

#[test]
fn a_missing_folder_and_a_file_in_its_place_are_told_apart() {
    let tree = Tree::of(&["a/1.png"]);
    let missing = open(&tree.path().join("nowhere"), &ALL).unwrap_err();
    assert!(matches!(missing, Error::Missing { .. }));
    assert!(missing.to_string().contains("nowhere: no such folder; give the folder"), "{missing}");
    assert!(matches!(open(&tree.path().join("a/1.png"), &ALL).unwrap_err(), Error::NotAFolder { .. }));
}

#[test]
fn no_images_is_an_error_that_says_what_was_found() {
    let tree = Tree::new();
    tree.file("a/readme.txt", "");
    tree.file(".git/config", "");
    let error = open_all(&tree).unwrap_err();
    assert!(matches!(error, Error::NoImages { .. }));
    assert!(error.to_string().contains("CLASS/NAME.jpg"), "{error}");
    assert!(error.to_string().contains("1 other files, 1 hidden ones"), "{error}");
}

#[test]
fn one_class_is_an_error_that_guesses_what_was_meant() {
    let tree = Tree::of(&["train/cat/1.png", "train/dog/1.png"]);
    let error = open_all(&tree).unwrap_err();
    assert!(matches!(&error, Error::OneClass { class, .. } if class == "train"));
    assert!(error.to_string().contains("perhaps"), "{error}");
    let error = open(&tree.path().join("train/cat"), &ALL).unwrap_err();
    assert!(matches!(error, Error::NoImages { .. }), "{error}");
}

#[test]
fn an_empty_class_is_no_class_and_is_named() {
    let tree = Tree::of(&["a/1.png", "b/1.png"]);
    fs::create_dir(tree.path().join("empty")).unwrap();
    let set = open_all(&tree).unwrap();
    assert_eq!(set.classes, ["a", "b"]);
    assert!(set.warnings[0].contains("\"empty\""), "{:?}", set.warnings);
}

#[test]
fn the_first_images_of_each_class_are_those_by_path() {
    let tree = Tree::of(&["a/3.png", "a/1.png", "a/2.png", "b/9.png"]);
    let set = open(tree.path(), &OpenOptions { per_class: Some(2), ..ALL }).unwrap();
    assert_eq!(paths(&set.train), ["a/1.png", "a/2.png", "b/9.png"]);
}

#[cfg(unix)]
mod unix {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_but_not_in_circles() {
        let tree = Tree::of(&["a/1.png", "b/1.png", "elsewhere/x/2.png"]);
        symlink("..", tree.path().join("a/up")).unwrap();
        symlink(".", tree.path().join("a/here")).unwrap();
        symlink("../elsewhere/x", tree.path().join("b/linked")).unwrap();
        symlink("nowhere.png", tree.path().join("b/broken.png")).unwrap();
        let set = open_all(&tree).unwrap();
        assert_eq!(paths(&set.train), ["a/1.png", "b/1.png", "b/linked/2.png", "elsewhere/x/2.png"]);
        assert!(reason(&set, "a/up").contains("folder above"));
        assert!(reason(&set, "a/here").contains("folder above"));
        assert!(reason(&set, "b/broken.png").contains("can't be read"));
    }

    /// Every folder links to every other one: as many paths as there are orders of the folders.
    #[test]
    fn a_knot_of_links_comes_to_an_end() {
        let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
        let tree = Tree::new();
        for name in names {
            tree.image(&format!("{name}/1.png"));
            for other in names.iter().filter(|other| **other != name) {
                symlink(format!("../{other}"), tree.path().join(name).join(other)).unwrap();
            }
        }
        let set = open_all(&tree).unwrap();
        assert_eq!(set.classes, names);
        assert!(set.train.len() <= 2 * names.len(), "{}", set.train.len());
    }

    #[test]
    fn a_path_that_is_not_utf8_is_listed() {
        let tree = Tree::of(&["a/1.png", "b/1.png"]);
        let name = OsStr::from_bytes(b"caf\xe9.png");
        if fs::copy(tree.path().join("a/1.png"), tree.path().join("a").join(name)).is_err() {
            return println!("skipped: a_path_that_is_not_utf8_is_listed: this file system has none");
        }
        let set = open_all(&tree).unwrap();
        assert_eq!(paths(&set.train), ["a/1.png", "b/1.png"]);
        assert!(reason(&set, "a/caf\u{fffd}.png").contains("not UTF-8"));
    }
}
