use std::fs;

use image_folder::{Error, ImageFolder, Left, LeftKind, OpenOptions, Result, TestSplit, list, open};

use crate::util::{Tree, labels, paths, reason};

fn all() -> OpenOptions {
    OpenOptions { test: TestSplit::None, ..OpenOptions::default() }
}

fn open_all(tree: &Tree) -> Result<ImageFolder> {
    open(tree.path(), &all())
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
fn hidden_and_other_files_are_left_and_listed() {
    let tree = Tree::of(&["a/1.png", "b/1.png", "a/.hidden.png", ".thumbnails/x/1.png"]);
    tree.file("a/notes.txt", "no image");
    tree.file("labels.csv", "path,label\n");
    let set = open_all(&tree).unwrap();
    assert_eq!(set.train.len(), 2);
    let left: Vec<(&str, &LeftKind)> = set.left.iter().map(|left| (left.path.as_str(), &left.kind)).collect();
    assert_eq!(
        left,
        [
            (".thumbnails", &LeftKind::Hidden),
            ("a/.hidden.png", &LeftKind::Hidden),
            ("a/notes.txt", &LeftKind::Ending(".txt".to_owned())),
            ("labels.csv", &LeftKind::Ending(".csv".to_owned())),
        ]
    );
    assert_eq!(Left::counts(&set.left), "2 hidden, 1 .csv, 1 .txt");
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
    let missing = open(&tree.path().join("nowhere"), &all()).unwrap_err();
    assert!(matches!(missing, Error::Missing { .. }));
    assert!(missing.to_string().contains("nowhere: no such folder; give the folder"), "{missing}");
    assert!(matches!(open(&tree.path().join("a/1.png"), &all()).unwrap_err(), Error::NotAFolder { .. }));
}

#[test]
fn no_images_is_an_error_that_says_what_was_found() {
    let tree = Tree::new();
    tree.file("a/readme.txt", "");
    tree.file(".git/config", "");
    let error = open_all(&tree).unwrap_err();
    assert!(matches!(error, Error::NoImages { .. }));
    assert!(error.to_string().contains("CLASS/NAME.jpg"), "{error}");
    assert!(error.to_string().contains("(left: 1 .txt, 1 hidden)"), "{error}");
}

#[test]
fn one_class_is_an_error_that_guesses_what_was_meant() {
    let tree = Tree::of(&["train/cat/1.png", "train/dog/1.png"]);
    let error = open_all(&tree).unwrap_err();
    assert!(matches!(&error, Error::OneClass { class, .. } if class == "train"));
    assert!(error.to_string().contains("perhaps"), "{error}");
    let error = open(&tree.path().join("train/cat"), &all()).unwrap_err();
    assert!(matches!(error, Error::NoImages { .. }), "{error}");
}

fn layout_error(tree: &Tree) -> String {
    let error = open_all(tree).unwrap_err();
    assert!(matches!(error, Error::Layout { .. }), "{error}");
    error.to_string()
}

#[test]
fn a_set_one_folder_too_deep_is_an_error_that_names_the_folder_that_is_meant() {
    let tree = Tree::of(&["data set/cat/1.png", "data set/dog/1.png", "__MACOSX/data set/cat/._1.png"]);
    let error = open_all(&tree).unwrap_err().to_string();
    assert!(error.contains("it holds the folders cat, dog: perhaps"), "{error}");
    assert!(error.contains("/data set is the folder that is meant"), "{error}");
}

#[test]
fn folders_that_other_programs_keep_are_no_classes_and_are_counted() {
    let tree = Tree::of(&["a/1.png", "b/1.png", "__MACOSX/a/1.png", "a/@eaDir/1.png/SYNOPHOTO_THUMB_M.jpg"]);
    let set = open_all(&tree).unwrap();
    assert_eq!(
        (set.classes.as_slice(), paths(&set.train)),
        (&["a", "b"].map(str::to_owned)[..], vec!["a/1.png", "b/1.png"])
    );
    assert_eq!(Left::counts(&set.left), "2 folders of other programs");
    assert!(set.warnings.is_empty(), "{:?}", set.warnings);
}

#[test]
fn parts_of_a_set_by_unusual_names_are_never_taken_as_classes() {
    let of = |parts: [&str; 2]| {
        let tree = Tree::new();
        parts.iter().for_each(|part| {
            ["cat", "dog"].iter().for_each(|class| tree.image(&format!("{part}/{class}/1.png")))
        });
        tree
    };
    let error = layout_error(&of(["train2017", "val2017"]));
    assert!(error.contains("train2017, val2017 look like parts of a set"), "{error}");
    assert!(error.contains("train2017, with --test") && error.contains("val2017"), "{error}");
    let error = layout_error(&of(["train", "holdout"]));
    assert!(
        error.contains("holdout, train look like parts") && error.contains("/train, with --test"),
        "{error}"
    );
    let stray = Tree::of(&["train/cat/1.png", "train/dog/2.png", "extra/3.png"]);
    let error = layout_error(&stray);
    assert!(error.contains("train/ looks like a set, not like a class"), "{error}");
    let error = layout_error(&of(["test", "val"]));
    assert!(error.contains("test/ and val/, and no train/"), "{error}");
    let error = layout_error(&of(["train", "Training"]));
    assert!(error.contains("both named as the images to train on"), "{error}");
}

#[test]
fn folders_of_the_same_names_below_all_classes_are_spoken_of() {
    let tree = Tree::of(&["fold1/cat/1.png", "fold1/dog/1.png", "fold2/cat/1.png", "fold2/dog/2.png"]);
    let set = open_all(&tree).unwrap();
    assert_eq!(set.classes, ["fold1", "fold2"]);
    assert!(set.warnings[0].contains("fold1, fold2 are taken as classes"), "{:?}", set.warnings);
    let tree = Tree::of(&["cat/train/1.png", "cat/test/1.png", "dog/train/1.png", "dog/test/2.png"]);
    let set = open_all(&tree).unwrap();
    assert!(set.warnings[0].contains("cat, dog each hold test, train"), "{:?}", set.warnings);
    let tree = Tree::of(&["cat/indoors/1.png", "cat/2.png", "dog/indoors/1.png"]);
    assert!(open_all(&tree).unwrap().warnings.is_empty(), "a class may be sorted further");
}

#[test]
fn a_class_whose_images_are_all_in_folders_below_is_spoken_of() {
    let tree = Tree::of(&["cat/1.png", "dog/2.png", "runs/one/a.png", "runs/two/b.png"]);
    let set = open_all(&tree).unwrap();
    assert!(set.warnings[0].starts_with("runs/ is taken as a class"), "{:?}", set.warnings);
}

#[test]
fn a_folder_of_results_is_no_class() {
    let tree = Tree::of(&["cat/1.png", "dog/2.png", "mine/results/a.png", "cat/results/3.png"]);
    let options = OpenOptions { is_output: Some(|folder| folder.ends_with("results")), ..all() };
    let set = open(tree.path(), &options).unwrap();
    assert_eq!((set.classes.len(), paths(&set.train)), (2, vec!["cat/1.png", "dog/2.png"]));
    let left = ["cat/results", "mine/results"];
    assert_eq!(set.left, left.map(|path| Left { path: path.to_owned(), kind: LeftKind::Output }));
    assert!(set.warnings.is_empty(), "{:?}", set.warnings);
}

#[test]
fn images_are_listed_without_labels_whatever_the_folders_are() {
    let tree = Tree::of(&["2.png", "b/1.jpg", "b/.x/1.png", "train/1.TIF"]);
    tree.file("b/notes.txt", "");
    let listed = list(tree.path()).unwrap();
    let files = ["2.png", "b/1.jpg", "train/1.TIF"].map(|file| tree.path().join(file));
    assert_eq!(listed.files, files);
    assert_eq!(Left::counts(&listed.left), "1 .txt, 1 hidden");
    assert_eq!(listed.left[1].path, format!("{}/b/notes.txt", tree.path().display()));
}

#[test]
fn classes_that_differ_by_case_alone_are_spoken_of() {
    let set = open_all(&Tree::of(&["Cat/1.png", "cat/2.png", "dog/3.png"])).unwrap();
    assert_eq!(set.classes, ["Cat", "cat", "dog"]);
    assert!(set.warnings[0].ends_with("which may be one: Cat and cat"), "{:?}", set.warnings);
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
    let set = open(tree.path(), &OpenOptions { per_class: Some(2), ..all() }).unwrap();
    assert_eq!(paths(&set.train), ["a/1.png", "a/2.png", "b/9.png"]);
}

#[cfg(unix)]
mod unix {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    use image_folder::{Limits, load};

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

    #[test]
    fn pipes_and_sockets_are_passed_by_and_counted() {
        let tree = Tree::of(&["a/1.png", "b/1.png"]);
        let status = std::process::Command::new("mkfifo").arg(tree.path().join("a/pipe.png")).status();
        assert!(status.unwrap().success());
        let _socket = std::os::unix::net::UnixListener::bind(tree.path().join("b/socket.png")).unwrap();
        symlink("/dev/zero", tree.path().join("b/zero.png")).unwrap();
        let set = open_all(&tree).unwrap();
        assert_eq!(paths(&set.train), ["a/1.png", "b/1.png"]);
        assert_eq!(Left::counts(&set.left), "1 named pipe, 1 socket, 1 device");
        for (file, word) in
            [("a/pipe.png", "named pipe"), ("b/socket.png", "socket"), ("b/zero.png", "device")]
        {
            let error = load(&tree.path().join(file), &Limits::default()).unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
        }
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
