use image_folder::{
    Classes, Error, ImageFolder, LabelsCsv, OpenOptions, Result, TestSplit, open, read_classes,
};

use crate::util::{Tree, labels, paths, reason};

fn open_with(tree: &Tree, csv: impl AsRef<[u8]>) -> Result<ImageFolder> {
    open_as(tree, csv, |_| ())
}

fn open_as(tree: &Tree, csv: impl AsRef<[u8]>, change: fn(&mut LabelsCsv)) -> Result<ImageFolder> {
    tree.file("labels.csv", csv);
    let mut labels = LabelsCsv::new(tree.path().join("labels.csv"));
    change(&mut labels);
    let options = OpenOptions { labels: Some(labels), test: TestSplit::Folders, ..OpenOptions::default() };
    open(tree.path(), &options)
}

fn flat() -> Tree {
    Tree::of(&["1.png", "2.png", "sub/3.png"])
}

const ROWS: &str = "path,label\n1.png,cat\n2.png,dog\nsub/3.png,cat\n";

#[test]
fn labels_are_classes_where_folders_are_none() {
    let tree = flat();
    let set = open_with(&tree, ROWS).unwrap();
    assert_eq!(set.classes, ["cat", "dog"]);
    assert_eq!(labels(&set), [("1.png", "cat"), ("2.png", "dog"), ("sub/3.png", "cat")]);
}

#[test]
fn byte_order_mark_windows_line_ends_quotes_blanks_and_dots_are_fine() {
    let tree = flat();
    tree.image("a, \"b\".png");
    let csv = "\u{feff}\"path\", label ,\"note\"\r\n./1.png, cat,\"x,\r\ny\"\r\n\"2.png\",\"dog\",\r\n\r\n\
               sub//3.png,cat,\r\n\"a, \"\"b\"\".png\",dog,\r\n";
    let set = open_with(&tree, csv).unwrap();
    assert_eq!(
        labels(&set),
        [("1.png", "cat"), ("2.png", "dog"), ("a, \"b\".png", "dog"), ("sub/3.png", "cat")]
    );
}

#[test]
fn columns_are_chosen_and_truth_is_kept_apart() {
    let tree = flat();
    let csv = "id,given,clean\n1.png,cat,cat\n2.png,dog,bird\nsub/3.png,cat,\n";
    let set = open_as(&tree, csv, |labels| {
        labels.path_column = "id".into();
        labels.label_column = "given".into();
        labels.truth_column = Some("clean".into());
    })
    .unwrap();
    assert_eq!(set.classes, ["bird", "cat", "dog"], "the union of both columns");
    assert_eq!(set.train.iter().map(|sample| sample.truth).collect::<Vec<_>>(), [Some(1), Some(0), None]);
    assert_eq!(set.train.iter().map(|sample| sample.label).collect::<Vec<_>>(), [1, 2, 1]);
}

#[test]
fn a_missing_column_is_named_with_those_that_are_there() {
    let error = open_with(&flat(), "file;label\n1.png;cat\n").unwrap_err();
    assert!(matches!(&error, Error::NoColumn { column, .. } if column == "path"));
    assert!(error.to_string().contains("the columns are \"file\", \"label\""), "{error}");
    let error = open_with(&flat(), "path|label\n1.png|cat\n").unwrap_err();
    assert!(error.to_string().ends_with("separated by commas, semicolons or tabs"), "{error}");
    let error = open_with(&flat(), "\u{feff}").unwrap_err();
    assert!(error.to_string().contains("line 1: the file is empty"), "{error}");
    let error = open_with(&flat(), "paths,label\n1.png,cat\n").unwrap_err();
    assert!(error.to_string().ends_with("did you mean \"paths\"?"), "{error}");
    let error = open_with(&flat(), "1.png,cat\n2.png,dog\n").unwrap_err();
    assert!(error.to_string().ends_with("put a header before it"), "{error}");
    let error = open_as(&flat(), ROWS, |labels| labels.truth_column = Some("clean".into())).unwrap_err();
    assert!(error.to_string().contains("\"clean\"; the columns are \"path\", \"label\""), "{error}");
}

#[test]
fn images_without_rows_and_rows_without_images_are_listed() {
    let tree = flat();
    tree.image("4.png");
    tree.image("5.png");
    let set = open_with(&tree, format!("{ROWS}5.png,\ngone.png,dog\n")).unwrap();
    assert_eq!(paths(&set.train), ["1.png", "2.png", "sub/3.png"]);
    assert!(reason(&set, "4.png").contains("no row"));
    assert!(reason(&set, "5.png").contains("line 5"));
    assert!(reason(&set, "gone.png").contains("line 6"));
    assert!(reason(&set, "gone.png").contains("no such file"));
}

#[test]
fn a_row_may_name_a_file_with_any_ending() {
    let tree = flat();
    tree.image("photo.data");
    let set = open_with(&tree, format!("{ROWS}photo.data,dog\n")).unwrap();
    assert_eq!(paths(&set.train), ["1.png", "2.png", "photo.data", "sub/3.png"]);
    assert!(set.left.is_empty(), "neither it nor the labels file: {:?}", set.left);
}

#[test]
fn a_repeated_path_is_noted_where_the_labels_agree() {
    let set = open_with(&flat(), format!("{ROWS}1.png,cat\n./2.png,dog\n")).unwrap();
    assert_eq!(set.train.len(), 3);
    assert!(
        set.warnings[0].contains("same label: 2") && set.warnings[0].contains("line 5"),
        "{:?}",
        set.warnings
    );
}

#[test]
fn a_repeated_path_is_an_error_with_both_lines_where_they_do_not() {
    for ends in ["\n", "\r\n"] {
        let csv = format!("{ROWS}\n\n1.png,dog\n").replace('\n', ends);
        let error = open_with(&flat(), csv).unwrap_err();
        assert!(matches!(error, Error::LabelsLine { line: 7, .. }), "{error}");
        assert!(error.to_string().contains("than in line 2"), "{error}");
    }
}

#[test]
fn paths_stay_below_the_folder() {
    for (path, word) in [("/etc/1.png", "absolute"), ("C:\\x.png", "absolute"), ("sub/../../1.png", "leaves")]
    {
        let set = open_with(&flat(), format!("{ROWS}{path},cat\n")).unwrap();
        assert_eq!(set.train.len(), 3, "{path}");
        assert!(reason(&set, path).starts_with("line 5 of the labels: the path"), "{:?}", set.skipped);
        assert!(reason(&set, path).contains(word), "{:?}", set.skipped);
        assert!(set.warnings[0].starts_with("rows of the labels without an image: 1"), "{:?}", set.warnings);
    }
    let set = open_with(&flat(), format!("{ROWS},cat\n")).unwrap();
    assert_eq!(reason(&set, ""), "line 5 of the labels: the row has no path");
}

#[test]
fn fields_are_separated_by_what_the_header_shows() {
    for separator in [",", ";", "\t"] {
        let set = open_with(&flat(), ROWS.replace(',', separator)).unwrap();
        assert_eq!(labels(&set), [("1.png", "cat"), ("2.png", "dog"), ("sub/3.png", "cat")]);
    }
    let excel = format!("\u{feff}sep=;\r\n{}", ROWS.replace(',', ";").replace('\n', "\r\n"));
    assert_eq!(open_with(&flat(), &excel).unwrap().train.len(), 3);
    let error = open_with(&flat(), excel.replace("2.png;dog", "2.png")).unwrap_err();
    assert!(matches!(error, Error::LabelsLine { line: 4, .. }), "{error}");
    let commas = "path;label;note\n1.png;cat;a, b, c\n2.png;dog;,,,,\n";
    assert_eq!(open_with(&flat(), commas).unwrap().train.len(), 2);
}

#[test]
fn columns_are_found_in_any_case_where_one_is_meant() {
    let set = open_with(&flat(), ROWS.replace("path,label", "Path,LABEL")).unwrap();
    assert_eq!(set.train.len(), 3);
    let error = open_with(&flat(), "PATH,Path,label\n1.png,1.png,cat\n").unwrap_err();
    assert!(matches!(error, Error::NoColumn { .. }), "{error}");
    let error = open_with(&flat(), "path,label,label\n1.png,cat,dog\n").unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("the column \"label\" is there more than once: give each a name of its own"),
        "{error}"
    );
    let set = open_with(&flat(), "PATH,path,label\nx,1.png,cat\ny,2.png,dog\n").unwrap();
    assert_eq!(paths(&set.train), ["1.png", "2.png"], "the one of this very name");
}

#[test]
fn a_path_is_taken_for_the_only_file_that_it_can_mean() {
    let tree = flat();
    tree.image("caf\u{e9}.png");
    let absolute = tree.path().join("sub/3.png");
    let csv = format!("path,label\n1.PNG,cat\n2,dog\n{},cat\ncafe\u{301}.png,dog\n", absolute.display());
    let set = open_with(&tree, csv).unwrap();
    assert_eq!(
        labels(&set),
        [("1.png", "cat"), ("2.png", "dog"), ("caf\u{e9}.png", "dog"), ("sub/3.png", "cat")]
    );
    assert!(
        set.warnings[0]
            .starts_with("rows of the labels that write a path in another way than the file has it: 3"),
        "{:?}",
        set.warnings
    );
    let set = open_with(&flat(), ROWS.replace("sub/3.png", ".\\sub\\3.png")).unwrap();
    assert_eq!(set.train.len(), 3);
}

#[test]
fn what_can_mean_several_files_or_none_says_so_with_the_nearest() {
    let tree = flat();
    tree.image("1.jpg");
    tree.image("1.PNG");
    let set = open_with(&tree, "path,label\n1,cat\n2.png,dog\n3.png,cat\nsub/3.png,cat\n").unwrap();
    assert!(
        reason(&set, "1").contains("several files can be meant: \"1.PNG\", \"1.jpg\", \"1.png\""),
        "{:?}",
        set.skipped
    );
    assert!(reason(&set, "3.png").ends_with("no such file; nearest: \"sub/3.png\""), "{:?}", set.skipped);
}

#[test]
fn two_spellings_of_a_path_with_different_labels_are_an_error() {
    let error = open_with(&flat(), format!("{ROWS}1.PNG,dog\n")).unwrap_err();
    assert!(matches!(error, Error::LabelsLine { line: 5, .. }), "{error}");
}

#[test]
fn a_column_says_which_images_are_held_out() {
    for (column, train, test) in
        [("split", "Train", "test"), ("is_valid", "False", "True"), ("Is_Test", "0", "1")]
    {
        let csv =
            format!("path,label,{column}\n1.png,cat,{train}\n2.png,dog,{train}\nsub/3.png,cat,{test}\n");
        let set = open_with(&flat(), &csv).unwrap();
        assert_eq!(
            (paths(&set.train), paths(&set.test)),
            (vec!["1.png", "2.png"], vec!["sub/3.png"]),
            "{column}"
        );
        assert!(!set.test_is_split_off);
    }
    let by_column = |csv: &str| open_as(&flat(), csv, |labels| labels.split_column = Some("fold".to_owned()));
    let set = by_column("path,label,fold\n1.png,cat,train\n2.png,dog,training\nsub/3.png,cat,dev\n").unwrap();
    assert_eq!(paths(&set.test), ["sub/3.png"]);
    let error = by_column("path,label,fold\n1.png,cat,train\n2.png,dog,7\n").unwrap_err();
    assert!(
        error.to_string().contains("line 3: the column \"fold\" says \"7\", where train, val or test"),
        "{error}"
    );
}

#[test]
fn of_the_column_s_validation_and_test_images_the_latter_are_measured_on() {
    let csv =
        "path,label,split\n1.png,cat,train\n2.png,dog,train\nsub/3.png,cat,val\n4.png,dog,test\n5.png,cat,\n";
    let tree = flat();
    tree.image("4.png");
    tree.image("5.png");
    let set = open_with(&tree, csv).unwrap();
    assert_eq!((paths(&set.train), paths(&set.test)), (vec!["1.png", "2.png"], vec!["4.png"]));
    assert!(
        set.warnings[1]
            .starts_with("images that the labels hold out for validation, and that are left out: 1"),
        "{:?}",
        set.warnings
    );
    assert!(reason(&set, "5.png").contains("which part"), "{:?}", set.skipped);
}

#[test]
fn classes_are_listed_in_an_order_and_those_without_images_stay() {
    let tree = flat();
    tree.file("l.csv", ROWS);
    tree.file("classes.txt", "eel\r\ndog\r\n\r\n cat \r\n");
    let classes = read_classes(&tree.path().join("classes.txt")).unwrap();
    let with = |classes: &[String]| {
        let labels = Some(LabelsCsv::new(tree.path().join("l.csv")));
        let classes = Classes::Listed(classes.to_vec());
        open(tree.path(), &OpenOptions { labels, classes, test: TestSplit::None, ..OpenOptions::default() })
    };
    let set = with(&classes).unwrap();
    assert_eq!(set.classes, ["eel", "dog", "cat"]);
    assert_eq!(labels(&set), [("1.png", "cat"), ("2.png", "dog"), ("sub/3.png", "cat")]);
    let error = with(&["cta".to_owned(), "dog".to_owned()]).unwrap_err();
    assert!(matches!(error, Error::OtherClasses { .. }), "{error}");
    assert!(error.to_string().contains("\"cat\" (2)"), "{error}");
    assert!(error.to_string().ends_with("did you mean \"cta\"?"), "{error}");
    for (text, problem) in
        [("a\nb\na\n", "line 3: the class \"a\" is in line 1 already"), ("\n", "there are no classes")]
    {
        tree.file("classes.txt", text);
        let error = read_classes(&tree.path().join("classes.txt")).unwrap_err();
        assert!(error.to_string().contains(problem), "{error}");
    }
}

#[test]
fn images_of_classes_that_a_model_doesn_t_know_are_skipped_and_named() {
    let tree = Tree::of(&["cat/1.png", "emu/2.png", "emu/3.png"]);
    let with = |known: &[&str]| {
        let classes = Classes::Known(known.iter().map(|&name| name.to_owned()).collect());
        open(tree.path(), &OpenOptions { classes, test: TestSplit::Folders, ..OpenOptions::default() })
            .unwrap()
    };
    let set = with(&["ant", "cat"]);
    assert_eq!((labels(&set), set.classes.len()), (vec![("cat/1.png", "cat")], 2));
    assert!(
        set.warnings[0].ends_with("because the model doesn't know their classes: 2, of \"emu\" (2)"),
        "{:?}",
        set.warnings
    );
    assert!(with(&["cat", "emu"]).warnings.is_empty());
    let one = Tree::of(&["cat/1.png"]);
    let classes = Classes::Known(vec!["cat".to_owned(), "dog".to_owned()]);
    let set = open(one.path(), &OpenOptions { classes, test: TestSplit::Folders, ..OpenOptions::default() });
    assert_eq!(set.unwrap().train.len(), 1, "fewer classes than the model's are enough");
}

#[test]
fn a_label_that_is_no_class_folder_is_an_error_with_its_line() {
    let tree = Tree::of(&["cat/1.png", "dog/2.png"]);
    let error = open_with(&tree, "path,label\ncat/1.png,dog\ndog/2.png,dgo\n").unwrap_err();
    assert!(matches!(error, Error::LabelsLine { line: 3, .. }), "{error}");
    assert!(
        error.to_string().contains("\"dgo\" is not a class; the class folders are \"cat\", \"dog\""),
        "{error}"
    );
}

#[test]
fn class_folders_are_classes_even_where_no_row_names_them() {
    let tree = Tree::of(&["cat/1.png", "dog/2.png", "eel/3.png"]);
    let set = open_with(&tree, "path,label\ncat/1.png,dog\ndog/2.png,cat\neel/3.png,cat\n").unwrap();
    assert_eq!(set.classes, ["cat", "dog", "eel"]);
    assert_eq!(labels(&set), [("cat/1.png", "dog"), ("dog/2.png", "cat"), ("eel/3.png", "cat")]);
}

#[test]
fn test_images_keep_their_folders_label_unless_a_row_names_them() {
    let tree = Tree::of(&["train/cat/1.png", "train/dog/2.png", "test/cat/3.png", "test/cat/4.png"]);
    let set = open_with(&tree, "path,label\ntrain/cat/1.png,dog\ntrain/dog/2.png,cat\ntest/cat/4.png,dog\n");
    let set = set.unwrap();
    assert_eq!(labels(&set), [("train/cat/1.png", "dog"), ("train/dog/2.png", "cat")]);
    assert_eq!(paths(&set.test), ["test/cat/3.png", "test/cat/4.png"]);
    assert_eq!(set.test.iter().map(|sample| sample.label).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn the_first_images_of_a_class_go_by_the_folder_not_the_label() {
    let tree = Tree::of(&["cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png"]);
    tree.file("l.csv", "path,label\ncat/1.png,dog\ncat/2.png,cat\ndog/1.png,dog\ndog/2.png,cat\n");
    let options = OpenOptions {
        labels: Some(LabelsCsv::new(tree.path().join("l.csv"))),
        test: TestSplit::None,
        per_class: Some(1),
        ..OpenOptions::default()
    };
    assert_eq!(labels(&open(tree.path(), &options).unwrap()), [("cat/1.png", "dog"), ("dog/1.png", "dog")]);
}

#[test]
fn rows_for_another_folder_are_an_error_that_shows_both() {
    let error = open_with(&flat(), "path,label\ntrain/1.png,cat\ntrain/2.png,dog\n").unwrap_err();
    assert!(matches!(error, Error::NoRowMatches { .. }));
    assert!(
        error.to_string().contains("\"train/1.png\"") && error.to_string().contains("\"1.png\""),
        "{error}"
    );
}

#[test]
fn what_is_not_utf8_is_told() {
    let error = open_with(&flat(), b"path,label\n1.png,caf\xe9\n").unwrap_err();
    assert!(error.to_string().contains("line 2: a label is not UTF-8"), "{error}");
    let set = open_with(&flat(), [ROWS.as_bytes(), b"caf\xe9.png,cat\n"].concat()).unwrap();
    assert!(reason(&set, "caf\u{fffd}.png").contains("line 5"));
    let error = open_with(&flat(), b"\xff\xfep\0a\0").unwrap_err();
    assert!(error.to_string().contains("UTF-16"), "{error}");
}

#[test]
fn a_row_of_another_length_is_an_error_with_its_line() {
    let error = open_with(&flat(), "path,label\r\n1.png,cat\r\n2, or 3.png,dog\r\n").unwrap_err();
    assert!(matches!(error, Error::LabelsLine { line: 3, .. }), "{error}");
    assert!(error.to_string().contains("3 fields, the header 2: quote"), "{error}");
}

/// What a cut leaves whole is right; what it doesn't is an error, or an image that is listed as one without a label.
#[test]
fn a_file_that_is_cut_off_gives_no_image_another_label() {
    let tree = Tree::of(&["cat/1.png", "dog/2.png", "eel/3.png"]);
    let csv = "path,label,truth\ncat/1.png,dog,cat\r\n\"dog/2.png\",\"cat\",dog\neel/3.png,eel,\n";
    let open = |csv: &str| open_as(&tree, csv, |labels| labels.truth_column = Some("truth".to_owned()));
    let whole = open(csv).unwrap();
    assert_eq!(whole.train.len(), 3);
    let mut read = 0;
    for end in 0..csv.len() {
        let Ok(set) = open(&csv[..end]) else { continue };
        read += 1;
        for sample in &set.train {
            let same = whole.train.iter().find(|other| other.path == sample.path).unwrap();
            assert_eq!(sample.label, same.label, "{end}");
            assert!(sample.truth.is_none() || sample.truth == same.truth, "{end}");
        }
        let listed = set.skipped.iter().filter(|skipped| skipped.path.ends_with(".png")).count();
        assert_eq!(set.train.len() + listed, 3, "{end}");
    }
    assert!(read > 0, "a cut between rows leaves a table");
}

#[test]
fn a_missing_labels_file_is_named() {
    let options = OpenOptions { labels: Some(LabelsCsv::new("no.csv")), ..OpenOptions::default() };
    let error = open(flat().path(), &options).unwrap_err();
    assert!(error.to_string().starts_with("no.csv: reading the labels"), "{error}");
}
