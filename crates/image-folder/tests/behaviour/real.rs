//! Photographs (TrashNet) and human labels (CIFAR-10N).

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use image_folder::{Cache, LabelsCsv, OpenOptions, TestSplit, Views, open};

use crate::fitting::plain_numbers;
use crate::util::{Tree, labels, paths};

/// A file of the real data, or none where they are not at hand.
fn real(test: &str, name: &str) -> Option<PathBuf> {
    let (folder, required) = match std::env::var_os("EFFMIX_DATA") {
        Some(folder) => (PathBuf::from(folder), true),
        None => (Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), false),
    };
    let file = folder.join(name);
    if file.exists() {
        return Some(file);
    }
    assert!(!required, "{} is not there, but EFFMIX_DATA is set", file.display());
    println!("skipped: {test}: no real data (set EFFMIX_DATA)");
    None
}

/// Unpacks up to `per_folder` files of each folder of a tar archive (POSIX ustar: blocks of 512 bytes; a
/// header has the name first, the octal length at 124, the kind at 156).
fn unpack(archive: &Path, per_folder: usize, tree: &Tree) {
    let bytes = std::fs::read(archive).unwrap();
    let text =
        |field: &[u8]| String::from_utf8(field.split(|byte| *byte == 0).next().unwrap().to_vec()).unwrap();
    let mut counts = std::collections::HashMap::new();
    let mut at = 0;
    while bytes[at] != 0 {
        let length = usize::from_str_radix(text(&bytes[at + 124..at + 136]).trim(), 8).unwrap();
        let name = text(&bytes[at..at + 100]);
        if bytes[at + 156] == b'0' {
            let count = counts.entry(Path::new(&name).parent().unwrap().to_owned()).or_insert(0);
            *count += 1;
            if *count <= per_folder {
                tree.file(&name, &bytes[at + 512..at + 512 + length]);
            }
        }
        at += 512 + length.next_multiple_of(512);
    }
}

#[test]
fn photographs_are_read_whole() {
    let Some(archive) = real("photographs_are_read_whole", "trashnet.tar") else { return };
    let tree = Tree::new();
    unpack(&archive, 20, &tree);
    let data = tree.path().join("trashnet");
    let set = open(&data, &OpenOptions { test: TestSplit::None, ..OpenOptions::default() }).unwrap();
    assert_eq!(set.classes, ["cardboard", "glass", "metal", "paper", "plastic", "trash"]);
    assert_eq!((set.train.len(), set.skipped.len()), (120, 0));
    let (views, skipped) =
        Views::build(set.train, plain_numbers(224), Cache::Ram, &|_, _| (), &AtomicBool::new(false)).unwrap();
    assert_eq!((views.len(), skipped.len()), (120, 0));
    // A photograph is neither black nor of one colour.
    for index in 0..views.len() {
        let pixels = views.plain(&[index]).unwrap().pixels;
        let (least, most) = pixels.iter().fold((1.0f32, 0.0f32), |(a, b), p| (a.min(*p), b.max(*p)));
        assert!(most - least > 0.2, "{}", views.samples()[index].path);
    }
}

#[test]
fn human_labels_go_to_their_images() {
    let Some(csv) = real("human_labels_go_to_their_images", "cifar10n.csv") else { return };
    // The first frog and its neighbours in the file; 0001.jpg of the trucks was called so by all three.
    let tree = Tree::of(&["train/frog/0000.jpg", "train/truck/0001.jpg", "test/deer/0000.jpg"]);
    let file = LabelsCsv {
        label_column: "random1".to_owned(),
        truth_column: Some("clean".to_owned()),
        ..LabelsCsv::new(csv)
    };
    let options = OpenOptions { labels: Some(file), ..OpenOptions::default() };
    // All ten classes are labels of the file, but only three are folders here.
    assert!(open(tree.path(), &options).unwrap_err().to_string().contains("is not a class"));
    for class in ["airplane", "automobile", "bird", "cat", "deer", "dog", "horse", "ship"] {
        tree.image(&format!("train/{class}/0000.jpg"));
    }
    let set = open(tree.path(), &options).unwrap();
    assert_eq!((set.classes.len(), set.train.len(), set.skipped.len()), (10, 10, 49_990));
    assert!(labels(&set).contains(&("train/frog/0000.jpg", "frog")));
    assert!(set.train.iter().all(|sample| sample.truth.is_some()));
    assert_eq!(paths(&set.test), ["test/deer/0000.jpg"]);
}
