use std::collections::HashSet;

use image_folder::{Error, ImageFolder, OpenOptions, TestSplit, open};
use proptest::prelude::*;

use crate::util::{Tree, paths, reason};

fn split(tree: &Tree, test: TestSplit) -> ImageFolder {
    open(tree.path(), &OpenOptions { test, ..OpenOptions::default() }).unwrap()
}

#[test]
fn train_and_test_folders_are_the_split() {
    for (train, test) in [
        ("train", "test"),
        ("train", "val"),
        ("Train", "Valid"),
        ("training", "validation"),
        ("TRAIN", "dev"),
        ("Training", "TESTING"),
    ] {
        let other = format!("{test}/b/3.png");
        let [first, second] = ["a/1.png", "b/2.png"].map(|below| format!("{train}/{below}"));
        let tree = Tree::of(&[&first, &second, &other]);
        for how in [TestSplit::Fraction(0.5), TestSplit::Folders] {
            let set = split(&tree, how);
            assert_eq!(set.classes, ["a", "b"]);
            assert_eq!(paths(&set.train), [first.as_str(), &second]);
            assert_eq!((paths(&set.test), set.test[0].label), (vec![other.as_str()], 1));
            assert!(set.warnings.is_empty(), "{:?}", set.warnings);
        }
        let everything = split(&tree, TestSplit::None);
        assert_eq!((everything.train.len(), everything.test.len()), (3, 0));
    }
}

#[test]
fn of_test_and_val_the_first_is_taken_and_the_other_named() {
    let tree = Tree::of(&["train/a/1.png", "train/b/2.png", "test/a/3.png", "val/a/4.png"]);
    let set = split(&tree, TestSplit::Folders);
    assert_eq!(paths(&set.test), ["test/a/3.png"]);
    assert!(set.warnings[0].starts_with("val/ is left out"), "{:?}", set.warnings);
}

#[test]
fn a_class_of_trains_is_a_class() {
    let tree = Tree::of(&["train/1.png", "bus/2.png", "dev/3.png"]);
    assert_eq!(split(&tree, TestSplit::None).classes, ["bus", "dev", "train"]);
    let tree = Tree::of(&["train/1.png", "bus/2.png"]);
    assert_eq!(split(&tree, TestSplit::Folders).classes, ["bus", "train"]);
}

#[test]
fn a_folder_of_images_beside_the_parts_is_left_out_and_named() {
    let tree = Tree::of(&["train/a/1.png", "train/b/2.png", "test/a/3.png", "extra/a/4.png"]);
    tree.file("notes/about.txt", "");
    let set = split(&tree, TestSplit::Folders);
    assert_eq!((set.train.len(), set.test.len(), set.warnings.len()), (2, 1, 1));
    assert!(set.warnings[0].starts_with("extra/ is left out"), "{:?}", set.warnings);
}

#[test]
fn without_such_folders_nothing_is_held_out_by_them() {
    let tree = Tree::of(&["a/1.png", "b/2.png"]);
    assert_eq!(split(&tree, TestSplit::Folders).test.len(), 0);
}

#[test]
fn a_test_folder_of_its_own_wins() {
    let tree = Tree::of(&["train/a/1.png", "train/b/2.png", "test/a/3.png"]);
    let other = Tree::of(&["a/7.png", "strange/8.png"]);
    let set = split(&tree, TestSplit::Dir(other.path().to_owned()));
    assert_eq!(paths(&set.train), ["train/a/1.png", "train/b/2.png"]);
    let prefix = other.path().to_string_lossy();
    assert_eq!(paths(&set.test), [format!("{prefix}/a/7.png")]);
    assert!(reason(&set, &format!("{prefix}/strange/8.png")).contains("no training image has its class"));
}

#[test]
fn a_class_of_the_test_set_may_differ_by_case() {
    let tree = Tree::of(&["train/glass/1.png", "train/paper/2.png", "test/Glass/3.png", "test/PAPER/4.png"]);
    let set = split(&tree, TestSplit::Folders);
    assert_eq!(set.classes, ["glass", "paper"]);
    assert_eq!(set.test.iter().map(|sample| sample.label).collect::<Vec<_>>(), [0, 1]);
    let expected = "names that differ from a class's by case alone are taken as it: \"Glass\" as \"glass\", \"PAPER\" as \"paper\"";
    assert!(set.warnings.iter().any(|told| told == expected), "{:?}", set.warnings);
    // Which of two is meant can't be known.
    let tree = Tree::of(&["train/glass/1.png", "train/Glass/2.png", "test/GLASS/3.png"]);
    let set = split(&tree, TestSplit::Folders);
    assert_eq!(set.test.len(), 0);
    assert!(reason(&set, "test/GLASS/3.png").contains("no training image has its class"));
}

#[test]
fn a_test_folder_inside_the_set_is_not_trained_on() {
    let tree = Tree::of(&["a/1.png", "b/2.png", "held/a/3.png"]);
    let set = split(&tree, TestSplit::Dir(tree.path().join("held")));
    assert_eq!(set.classes, ["a", "b"]);
    assert_eq!((paths(&set.train), paths(&set.test)), (vec!["a/1.png", "b/2.png"], vec!["held/a/3.png"]));
}

#[test]
fn a_missing_test_folder_and_an_impossible_fraction_are_errors() {
    let tree = Tree::of(&["a/1.png", "b/2.png"]);
    let with = |test| open(tree.path(), &OpenOptions { test, ..OpenOptions::default() }).unwrap_err();
    assert!(matches!(with(TestSplit::Dir("nowhere".into())), Error::Missing { .. }));
    for fraction in [1.0, -0.1, f64::NAN] {
        assert!(matches!(with(TestSplit::Fraction(fraction)), Error::TestFraction(_)));
    }
}

fn tree_of(count: usize) -> Tree {
    let tree = Tree::new();
    for index in 0..count {
        tree.file(&format!("a/{index}.png"), "");
        tree.file(&format!("b/{index}.png"), "");
    }
    tree
}

/// Of 400 a class, at 10 %, the standard deviation is 6: five of them either way.
#[test]
fn a_fraction_is_held_out_of_each_class() {
    let tree = tree_of(400);
    let set = split(&tree, TestSplit::Fraction(0.1));
    for class in 0..2 {
        let count = set.test.iter().filter(|sample| sample.label == class).count();
        assert!((10..=70).contains(&count), "{count}");
    }
    assert_eq!(set.train.len() + set.test.len(), 800);
}

#[test]
fn images_stay_on_their_side_when_others_are_added() {
    let tree = tree_of(100);
    let sides = |set: &ImageFolder| -> [HashSet<String>; 2] {
        [&set.train, &set.test].map(|side| side.iter().map(|sample| sample.path.clone()).collect())
    };
    let before = sides(&split(&tree, TestSplit::Fraction(0.2)));
    for index in 100..160 {
        tree.file(&format!("a/{index}.png"), "");
    }
    let after = sides(&split(&tree, TestSplit::Fraction(0.2)));
    assert!(before[0].is_subset(&after[0]) && before[1].is_subset(&after[1]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn no_class_is_emptied_and_none_goes_untested(count in 2usize..8, fraction in 0.01f64..0.99) {
        let set = split(&tree_of(count), TestSplit::Fraction(fraction));
        for class in 0..2 {
            prop_assert!(set.train.iter().any(|sample| sample.label == class));
            prop_assert!(set.test.iter().any(|sample| sample.label == class));
        }
    }
}
