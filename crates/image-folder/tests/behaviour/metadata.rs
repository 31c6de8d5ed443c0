//! The metadata of an `imagefolder`.

use image_folder::{LabelsCsv, OpenOptions, TestSplit, open};

use crate::util::{Tree, labels, paths};

fn options() -> OpenOptions {
    OpenOptions { test: TestSplit::Folders, ..OpenOptions::default() }
}

#[test]
fn metadata_say_which_image_has_which_label() {
    let csv = "file_name,text,label\n1.png,x,cat\nimages/2.png,y,dog\n";
    let lines = "{\"file_name\": \"1.png\", \"label\": \"cat\"}\n\n{\"label\": \"dog\", \"file_name\": \"images/2.png\", \"text\": [1]}\n";
    for (name, content) in [("metadata.csv", csv), ("metadata.jsonl", lines)] {
        let tree = Tree::of(&["1.png", "images/2.png"]);
        tree.file(name, content);
        let set = open(tree.path(), &options()).unwrap();
        assert_eq!(labels(&set), [("1.png", "cat"), ("images/2.png", "dog")]);
        assert!(set.left.is_empty() && set.warnings[0].contains(name), "{set:?}");
    }
}

#[test]
fn metadata_in_the_parts_of_a_set_name_images_of_their_own_part() {
    let tree = Tree::of(&["train/1.png", "train/2.png", "validation/1.png"]);
    tree.file("train/metadata.csv", "file_name,label\n1.png,7\n2.png,10\n");
    tree.file("validation/metadata.csv", "file_name,label\n1.png,10\n");
    let set = open(tree.path(), &options()).unwrap();
    assert_eq!(labels(&set), [("train/1.png", "7"), ("train/2.png", "10")]);
    assert_eq!(paths(&set.test), ["validation/1.png"]);
    assert_eq!((set.classes[set.test[0].label].as_str(), set.test_is_split_off), ("10", false));
}

#[test]
fn another_field_may_hold_the_labels() {
    let tree = Tree::of(&["1.png", "2.png"]);
    tree.file(
        "metadata.jsonl",
        "{\"file_name\": \"1.png\", \"kind\": 3}\n{\"file_name\": \"2.png\", \"kind\": 4}\n",
    );
    let of = |column: &str| OpenOptions { label_column: Some(column.to_owned()), ..options() };
    assert_eq!(labels(&open(tree.path(), &of("kind")).unwrap()), [("1.png", "3"), ("2.png", "4")]);
    let error = open(tree.path(), &options()).unwrap_err().to_string();
    assert!(
        error.contains("metadata.jsonl: there is no column \"label\"") && error.contains("\"kind\""),
        "{error}"
    );
}

#[test]
fn class_folders_stay_the_classes_and_the_metadata_are_left_with_a_word() {
    let tree = Tree::of(&["cat/1.png", "dog/1.png"]);
    tree.file("metadata.csv", "file_name,label\ncat/1.png,dog\ndog/1.png,dog\n");
    let set = open(tree.path(), &options()).unwrap();
    assert_eq!(labels(&set), [("cat/1.png", "cat"), ("dog/1.png", "dog")]);
    assert!(set.warnings[0].contains("the folders are the classes"), "{:?}", set.warnings);
    let csv =
        LabelsCsv { path_column: "file_name".to_owned(), ..LabelsCsv::new(tree.path().join("metadata.csv")) };
    let taken = OpenOptions { labels: Some(csv), ..options() };
    assert_eq!(labels(&open(tree.path(), &taken).unwrap()), [("cat/1.png", "dog"), ("dog/1.png", "dog")]);
}

#[test]
fn a_metadata_file_about_something_else_is_none() {
    let tree = Tree::of(&["cat/1.png", "dog/1.png"]);
    for content in ["", "path,label\ncat/1.png,dog\n", "no table at all"] {
        tree.file("metadata.csv", content);
        let set = open(tree.path(), &options()).unwrap();
        assert!(set.warnings.is_empty() && set.left.len() == 1, "{content:?}: {:?}", set.warnings);
    }
}

#[test]
fn broken_metadata_are_an_error_with_file_and_line() {
    let tree = Tree::of(&["1.png", "2.png"]);
    let first = "{\"file_name\": \"1.png\", \"label\": \"cat\"}\n";
    for (line, message) in [
        ("{\"file_name\"", "metadata.jsonl, line 2: no JSON object"),
        ("{\"label\": \"dog\"}", "line 2: it has no text \"file_name\""),
        ("{\"file_name\": \"2.png\", \"label\": [1]}", "line 2: its label is [1]"),
        (
            "{\"file_name\": \"1.png\", \"label\": \"dog\"}",
            "line 2: \"1.png\" has another label here than in line 1",
        ),
    ] {
        tree.file("metadata.jsonl", format!("{first}{line}\n"));
        let error = open(tree.path(), &options()).unwrap_err().to_string();
        assert!(error.contains(message), "{line}: {error}");
    }
}
