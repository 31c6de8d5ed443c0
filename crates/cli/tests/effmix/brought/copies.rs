//! Images that are there twice.

use super::super::setup::{Folder, csv_rows, json, read, train_args};

/// A set with an image under two labels, one twice under one label, and one in another format; test images are a folder of their own,
/// with an image that is trained on, too.
fn with_copies() -> Folder {
    let folder = Folder::with_images(6);
    for (class, name) in ["blue", "green", "red"].into_iter().enumerate() {
        folder.put_image(&format!("test/{name}/new.png"), class, 40);
    }
    folder.put("data/blue/like red.png", read(&folder.path("data/red/03.png")));
    folder.put("data/green/again.png", read(&folder.path("data/green/01.png")));
    image::open(folder.path("data/green/02.png")).unwrap().save(folder.path("data/green/other.bmp")).unwrap();
    folder.put("test/red/trained on.png", read(&folder.path("data/red/05.png")));
    folder
}

/// The paths of `data_issues.csv` with what they say of duplicates.
fn duplicates(folder: &Folder) -> Vec<Vec<String>> {
    let (header, rows) = csv_rows(&read(&folder.path("out/data_issues.csv")));
    assert_eq!(header, ["path", "kind", "detail", "other_path"]);
    rows.into_iter().filter(|row| row[1] == "exact_duplicate").collect()
}

#[test]
fn an_image_under_two_labels_leads_the_list_and_all_copies_are_counted_and_listed() {
    let folder = with_copies();
    let args: Vec<&str> =
        train_args("out").into_iter().filter(|arg| !matches!(*arg, "--test-fraction" | "0.2")).collect();
    let args = [&args[..], &["--test", "test"]].concat();
    let output = folder.output(&args);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    assert!(
        told.contains("1 image is there under two labels, and one of the two is wrong: look at the first rows of label_issues.csv"),
        "{told}"
    );
    assert!(told.contains("3 images are there more than once under the same label"), "{told}");

    let expected = [
        ["red/03.png", "exact_duplicate", "the same bytes, labels red and blue", "blue/like red.png"],
        ["green/again.png", "exact_duplicate", "the same bytes", "green/01.png"],
        ["green/other.bmp", "exact_duplicate", "the same pixels", "green/02.png"],
        [
            "test/red/trained on.png",
            "exact_duplicate",
            "the same bytes, held out and trained on",
            "red/05.png",
        ],
    ];
    assert_eq!(duplicates(&folder), expected.map(|row| row.map(str::to_owned).to_vec()));

    let (header, rows) = csv_rows(&read(&folder.path("out/label_issues.csv")));
    let column = |name: &str| header.iter().position(|column| column == name).unwrap();
    let first: Vec<[&str; 3]> = rows[..2]
        .iter()
        .map(|row| ["path", "label_quality", "is_issue"].map(|name| row[column(name)].as_str()))
        .collect();
    assert_eq!(first, [["blue/like red.png", "0.0", "true"], ["red/03.png", "0.0", "true"]]);
    assert!(rows[2..].iter().all(|row| row[column("path")] != "red/03.png"), "each image once");

    let page = String::from_utf8(read(&folder.path("out/report.html"))).unwrap();
    for path in ["blue/like red.png", "red/03.png"] {
        assert!(page.contains(&format!("the same image as {path}")), "the page names {path}");
    }
    assert_eq!(page.matches("the same image as").count(), 2, "copies under one label are no issue");

    let summary = json(&read(&folder.path("out/summary.json")));
    let counts = serde_json::json!({ "one_label": 3, "two_labels": 1, "train_and_test": 1 });
    assert_eq!(summary["duplicates"], counts, "{summary}");
}

#[test]
fn copies_are_found_however_images_are_kept() {
    for cache in ["ram", "disk", "none"] {
        let folder = with_copies();
        folder.train("out", &["--cache", cache]);
        let found: Vec<String> = duplicates(&folder).into_iter().map(|row| row[0].clone()).collect();
        assert_eq!(found, ["red/03.png", "green/again.png", "green/other.bmp"], "{cache}");
        folder.train("again", &["--cache", cache]);
        let [first, second] =
            ["out", "again"].map(|run| read(&folder.path(&format!("{run}/data_issues.csv"))));
        assert_eq!(first, second, "{cache}: the second run reads what the first one kept");
    }
}

#[test]
fn a_held_out_copy_under_another_label_leads_as_well() {
    let folder = Folder::with_images(6);
    for (class, name) in ["blue", "green", "red"].into_iter().enumerate() {
        folder.put_image(&format!("test/{name}/new.png"), class, 40);
    }
    folder.put("test/blue/like red.png", read(&folder.path("data/red/05.png")));
    let args: Vec<&str> =
        train_args("out").into_iter().filter(|arg| !matches!(*arg, "--test-fraction" | "0.2")).collect();
    folder.run(&[&args[..], &["--test", "test"]].concat());
    let (_, rows) = csv_rows(&read(&folder.path("out/label_issues.csv")));
    assert_eq!([&rows[0][1], &rows[1][1]], ["red/05.png", "test/blue/like red.png"]);
}
