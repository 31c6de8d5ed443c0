//! CSV files.

use super::super::setup::{CLASSES, Folder, csv_rows, json, read, train_args};

/// The rows that name all images of `Folder::with_images(6)`, with a path and a label as `path` and `label` make them.
fn rows(header: &str, separator: &str, path: impl Fn(&str, usize) -> String) -> String {
    let mut csv = header.replace(',', separator) + "\n";
    for (name, _) in CLASSES {
        for number in 0..6 {
            csv += &format!("{}{separator}{name}\n", path(name, number));
        }
    }
    csv
}

/// Trains by this CSV for an epoch; gives the number of images with a label that take part, and what was said.
fn images(folder: &Folder, csv: &[u8], more: &[&str]) -> (u64, String) {
    folder.put("labels.csv", csv);
    let args: Vec<&str> =
        train_args("out").into_iter().map(|arg| if arg == "3" { "1" } else { arg }).collect();
    let output = folder.output(&[&args[..], &["--labels", "labels.csv", "--force"], more].concat());
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    let summary = json(&read(&folder.path("out/summary.json")));
    (summary["images"].as_u64().unwrap() + summary["test_images"].as_u64().unwrap(), told)
}

fn plain(name: &str, number: usize) -> String {
    format!("{name}/{number:02}.png")
}

#[test]
fn all_forms_of_a_csv_name_the_same_images() {
    let folder = Folder::with_images(6);
    let data = folder.path("data").canonicalize().unwrap();
    let forms: Vec<(&str, String)> = vec![
        ("commas", rows("path,label", ",", plain)),
        ("semicolons", rows("path,label", ";", plain)),
        ("tabs", rows("path,label", "\t", plain)),
        ("a line for Excel", format!("sep=;\r\n{}", rows("path,label", ";", plain))),
        ("columns in another case", rows("Path,Label", ",", plain)),
        ("absolute paths", rows("path,label", ",", |n, i| format!("{}/{}", data.display(), plain(n, i)))),
        ("the folder's name before", rows("path,label", ",", |n, i| format!("data/{}", plain(n, i)))),
        ("backslashes", rows("path,label", ",", |n, i| plain(n, i).replace('/', "\\"))),
        ("another case of the ending", rows("path,label", ",", |n, i| plain(n, i).replace("png", "PNG"))),
        ("no ending", rows("path,label", ",", |n, i| plain(n, i).replace(".png", ""))),
    ];
    for (form, csv) in forms {
        assert_eq!(images(&folder, csv.as_bytes(), &[]).0, 18, "{form}");
    }
}

#[test]
fn unicode_may_be_composed_or_not() {
    let folder = Folder::with_images(6);
    folder.put_image("data/red/caf\u{e9}.png", 2, 30);
    folder.put_image("data/red/re\u{301}sume\u{301}.png", 2, 31);
    let more = "red/cafe\u{301}.png,red\nred/r\u{e9}sum\u{e9}.png,red\n";
    assert_eq!(images(&folder, (rows("path,label", ",", plain) + more).as_bytes(), &[]).0, 20);
}

#[test]
fn what_can_t_be_taken_says_why_with_the_nearest() {
    let folder = Folder::with_images(6);
    let more = "red/07.jpeg,red\n/elsewhere/red/03.png,red\nrde/04.png,red\n";
    let (taken, told) = images(&folder, (rows("path,label", ",", plain) + more).as_bytes(), &[]);
    assert_eq!(taken, 18);
    assert!(
        told.contains("rows of the labels without an image: 3, the first: red/07.jpeg: line 20"),
        "{told}"
    );
    let (_, issues) = csv_rows(&read(&folder.path("out/data_issues.csv")));
    let why = |path: &str| issues.iter().find(|row| row[0] == path).map(|row| row[2].as_str()).unwrap();
    assert!(
        why("/elsewhere/red/03.png").contains("is absolute and not below the folder of the images; nearest:")
    );
    assert!(why("/elsewhere/red/03.png").contains("\"red/03.png\""), "{issues:?}");
    assert!(why("rde/04.png").contains("there is no such file; nearest: "), "{issues:?}");
}

#[test]
fn images_without_a_row_take_no_part_and_are_counted() {
    let folder = Folder::with_images(8);
    let (taken, told) = images(&folder, rows("path,label", ",", plain).as_bytes(), &[]);
    assert_eq!(taken, 18);
    assert!(told.contains("images without a label in") && told.contains("they take no part"), "{told}");
}

#[test]
fn a_column_says_which_images_are_held_out() {
    let folder = Folder::with_images(6);
    for (column, train, held_out) in
        [("split", "train", "valid"), ("is_valid", "False", "True"), ("Split", "training", "test")]
    {
        let with_split = |csv: String| {
            let rows = csv.lines().skip(1).enumerate();
            let rows = rows.map(|(i, row)| format!("{row},{}\n", if i % 6 == 0 { held_out } else { train }));
            format!("path,label,{column}\n{}", rows.collect::<String>())
        };
        let csv = with_split(rows("path,label", ",", plain));
        assert_eq!(images(&folder, csv.as_bytes(), &[]).0, 18);
        let summary = json(&read(&folder.path("out/summary.json")));
        assert_eq!((&summary["images"], &summary["test_images"]), (&15.into(), &3.into()), "{column}");
        let evaluation =
            json(folder.run(&["evaluate", "out", "data", "--labels", "labels.csv", "--json"]).as_bytes());
        assert_eq!(evaluation["images"], 3, "{column}");
    }
    folder.put("labels.csv", "path,label,split\nred/00.png,red,second\nblue/00.png,blue,train\n");
    let message = folder.fails(1, &[&train_args("new")[..], &["--labels", "labels.csv"]].concat());
    assert!(
        message.contains("line 2: the column \"split\" says \"second\", where train, val or test"),
        "{message}"
    );
}

#[test]
fn a_file_lists_the_classes_in_their_order() {
    let folder = Folder::with_images(6);
    folder.put("classes.txt", "red\nblue\nviolet\ngreen\n");
    let args: Vec<&str> =
        train_args("out").into_iter().map(|arg| if arg == "3" { "1" } else { arg }).collect();
    folder.run(&[&args[..], &["--classes", "classes.txt"]].concat());
    let card = json(&read(&folder.path("out/model/model.json")));
    assert_eq!(card["classes"], serde_json::json!(["red", "blue", "violet", "green"]));
    let evaluation = json(folder.run(&["evaluate", "out", "data", "--json"]).as_bytes());
    assert_eq!(evaluation["images"], 18);
    folder.put("classes.txt", "red\nblue\ngrene\n");
    let message = folder.fails(1, &[&train_args("new")[..], &["--classes", "classes.txt"]].concat());
    assert!(message.contains("\"green\" (6)") && message.contains("did you mean \"grene\"?"), "{message}");
    assert!(!folder.path("new").exists());
}
