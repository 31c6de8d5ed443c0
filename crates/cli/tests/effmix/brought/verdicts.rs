//! A person's verdicts on labels: `--reviewed`.

use super::super::setup::{Folder, csv_rows, json, read, train_args};

/// Trains with these verdicts; gives the rows of `label_issues.csv` and what was said.
fn reviewed(folder: &Folder, file: &str, verdicts: &str, more: &[&str]) -> (Vec<Vec<String>>, String) {
    folder.put(file, verdicts);
    let output = folder.output(&[&train_args("out")[..], &["--force", "--reviewed", file], more].concat());
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    (csv_rows(&read(&folder.path("out/label_issues.csv"))).1, told)
}

/// The given label of an image, and whether the run takes it as sure: of quality 1, without a suggestion, and no issue.
fn label<'a>(rows: &'a [Vec<String>], path: &str) -> (&'a str, bool) {
    let row = rows.iter().find(|row| row[1] == path).unwrap();
    let is_clean = row[9] == "test" || row[5].parse::<f64>().unwrap() == 1.0;
    (&row[2], row[3].is_empty() && row[4] == "1.0" && row[8] == "false" && is_clean)
}

#[test]
fn verdicts_of_a_csv_are_sure_labels_and_the_last_one_on_an_image_counts() {
    let folder = Folder::with_images(6);
    let verdicts = "path,given_label,label,verdict,time\n\
                    red/00.png,red,blue,accept,2026-11-29T10:00:00Z\n\
                    red/01.png,red,,keep,2026-11-29T10:00:01Z\n\
                    red/02.png,red,GREEN,other,2026-11-29T10:00:02Z\n\
                    red/03.png,red,blue,unsure,2026-11-29T10:00:03Z\n\
                    red/04.png,red,blue,accept,2026-11-29T10:00:04Z\n\
                    red\\04.png,red,,unsure,2026-11-29T10:00:05Z\n\
                    red/05.png,red,blue,accept,2026-11-29T10:00:06Z\n\
                    ./red/05.png,red,,keep,2026-11-29T10:00:07Z\n";
    let (rows, told) = reviewed(&folder, "reviewed.csv", verdicts, &[]);
    assert!(told.contains("4 labels are taken as sure, by "), "{told}");
    assert_eq!(label(&rows, "red/00.png"), ("blue", true));
    assert_eq!(label(&rows, "red/01.png"), ("red", true));
    assert_eq!(label(&rows, "red/02.png"), ("green", true));
    assert_eq!(label(&rows, "red/05.png"), ("red", true));
    for unsure in ["red/03.png", "red/04.png"] {
        let row = rows.iter().find(|row| row[1] == unsure).unwrap();
        assert!(row[2] == "red" && row[4] != "1.0", "{row:?}");
    }
    let (same, _) =
        reviewed(&folder, "short.csv", "path,label\nred/00.png,blue\nred/01.png,\n", &["--method", "joint"]);
    assert_eq!(label(&same, "red/00.png"), ("blue", true));
    assert!(!label(&same, "red/01.png").1);
}

#[test]
fn an_export_of_label_studio_is_read_as_verdicts() {
    let folder = Folder::with_images(6);
    folder.train("out", &["--format", "label-studio"]);
    let mut tasks = json(&read(&folder.path("out/label_studio.json")));
    for task in tasks.as_array_mut().unwrap() {
        let path = task["data"]["path"].as_str().unwrap().to_owned();
        let annotation = |label: &str| {
            serde_json::json!({ "was_cancelled": false, "result": [
                { "type": "choices", "from_name": "label", "to_name": "image", "value": { "choices": [label] } },
            ]})
        };
        task["annotations"] = match path.as_str() {
            "red/00.png" => serde_json::json!([annotation("green"), annotation("blue")]),
            "red/01.png" => serde_json::json!([annotation("red")]),
            _ => serde_json::json!([]),
        };
        // Whoever imported the images in another way has no path there.
        if path == "red/01.png" {
            task["data"].as_object_mut().unwrap().remove("path");
        }
    }
    let (rows, told) = reviewed(&folder, "export.json", &tasks.to_string(), &[]);
    assert!(told.contains("2 labels are taken as sure"), "{told}");
    assert_eq!(label(&rows, "red/00.png"), ("blue", true));
    assert_eq!(label(&rows, "red/01.png"), ("red", true));
}

#[test]
fn an_image_under_two_labels_of_which_one_is_verified_is_an_issue_under_the_other() {
    let folder = Folder::with_images(6);
    folder.put_image("data/red/twice.png", 2, 30);
    folder.put_image("data/green/twice.png", 2, 30);
    let (rows, _) = reviewed(&folder, "reviewed.csv", "path,label\nred/twice.png,red\n", &[]);
    assert_eq!(label(&rows, "red/twice.png"), ("red", true));
    assert!(rows[0][1] == "green/twice.png" && rows[0][8] == "true", "{:?}", rows[0]);
}

#[test]
fn verdicts_that_can_not_be_used_are_counted_or_refused_with_their_line() {
    let folder = Folder::with_images(6);
    let verdicts = "path,label\nred/00.png,red\nrde/01.png,red\n";
    let (_, told) = reviewed(&folder, "reviewed.csv", verdicts, &[]);
    assert!(
        told.contains("verdicts without an image: 1, the first: rde/01.png: line 3 of the verdicts"),
        "{told}"
    );
    let (_, rows) = csv_rows(&read(&folder.path("out/data_issues.csv")));
    let skipped = rows.iter().find(|row| row[0] == "rde/01.png").unwrap();
    assert!(skipped[2].contains("nearest: ") && skipped[2].contains("\"red/01.png\""), "{skipped:?}");

    for (verdicts, message) in [
        (
            "path,label\nred/00.png,rde\n",
            "reviewed.csv, line 2: the label \"rde\" is not a class; the classes are \"blue\", \"green\", \"red\"",
        ),
        (
            "path,label,verdict\nred/00.png,red,acept\n",
            "line 2: the verdict \"acept\" is none of accept, keep, other, unsure; did you mean \"accept\"?",
        ),
        ("path,label,verdict\nred/00.png,,accept\n", "line 2: the verdict \"accept\" has no label"),
        ("path,verdict\nred/00.png,keep\n", "there is no column \"label\""),
        ("path,label\nx/00.png,red\n", "no row names an image of"),
        ("[{\"data\": {\"path\": \"red/00.png\"}}]", "task 1: it has no annotations"),
        ("[{\"data\":", "line 1: no JSON"),
        ("", "the file is empty"),
    ] {
        folder.put("reviewed.csv", verdicts);
        let message_of = folder.fails(1, &[&train_args("new")[..], &["--reviewed", "reviewed.csv"]].concat());
        assert!(message_of.contains(message), "{verdicts:?}: {message_of}");
        assert!(!folder.path("new").exists());
    }
    let message = folder.fails(1, &[&train_args("new")[..], &["--reviewed", "gone.csv"]].concat());
    assert!(message.contains("gone.csv"), "{message}");
}

#[test]
fn a_run_goes_on_with_the_verdicts_that_it_began_with_alone() {
    let folder = Folder::with_images(6);
    reviewed(&folder, "reviewed.csv", "path,label\nred/00.png,blue\n", &[]);
    folder.run(&["resume", "out", "--epochs", "4"]);
    folder.put("reviewed.csv", "path,label\nred/00.png,blue\nred/01.png,red\nred/02.png,red\n");
    let message = folder.fails(1, &["resume", "out", "--epochs", "5"]);
    assert!(message.contains("other samples or labels"), "{message}");
}
