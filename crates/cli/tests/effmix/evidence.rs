//! What a run says of its labels, and when it says nothing.

use image::{Rgb, RgbImage};
use serde_json::Value;

use crate::setup::{CLASSES, Folder, csv_rows, json, read};

/// A run on features of a network that knows the colours, with what more is said.
fn head(folder: &Folder, data: &str, out: &str, more: &[&str]) -> (Value, Vec<Vec<String>>, String) {
    let head =
        ["train", data, "--out", out, "--weights", "first", "--size", "16", "--epochs", "6", "--warmup", "2"];
    let shown = folder.run(&[&head[..], more].concat());
    let summary = json(&read(&folder.path(out).join("summary.json")));
    let (_, rows) = csv_rows(&read(&folder.path(out).join("label_issues.csv")));
    (summary, rows, shown)
}

/// Sixty images of each colour, and a network that tells them apart.
fn colours() -> Folder {
    let folder = Folder::with_images(60);
    folder.train("first", &["--epochs", "8"]);
    folder
}

#[test]
fn wrong_labels_are_estimated_with_a_range_and_no_more_are_flagged() {
    let folder = colours();
    // Nine of 180 in a wrong folder.
    for number in 0..9 {
        folder.put_image(&format!("data/red/wrong{number}.png"), number % 2, 100 + number);
    }
    let (summary, rows, shown) = head(&folder, "data", "run", &[]);
    let number = |key: &str| summary[key].as_f64().unwrap_or_else(|| panic!("{key}: {summary}"));
    let (rate, low, high) = (
        number("estimated_noise_rate"),
        number("estimated_noise_rate_low"),
        number("estimated_noise_rate_high"),
    );
    let judged = rows.iter().filter(|row| row[9] == "train").count() as f64;
    assert!(low <= rate && rate <= high && low <= 9.0 / 189.0 && 9.0 / 189.0 <= high, "{summary}");
    assert!(number("issues") <= high * judged, "{summary}");
    let flagged = |set: &str| rows.iter().filter(|row| row[8] == "true" && row[9] == set).count() as f64;
    assert_eq!((flagged("train"), flagged("test")), (number("issues"), number("test_issues")));
    assert!(flagged("train") > 0.0, "{summary}");
    assert!(rows.iter().filter(|row| row[8] == "true").all(|row| row[1].contains("wrong")), "{rows:?}");
    assert!(rows.iter().all(|row| row[3] != row[2]), "no suggestion is the given label");
    for row in rows.iter().filter(|row| !row[3].is_empty()) {
        let p = |column: usize| row[column].parse::<f32>().unwrap();
        assert!(p(7) > p(6), "the suggestion is likelier than the given label: {row:?}");
    }
    assert!(rows.iter().all(|row| row[3].is_empty() == row[7].is_empty()), "{rows:?}");
    assert!(shown.contains("estimated noise rate") && shown.contains(" to "), "{shown}");
}

#[test]
fn held_out_images_are_judged_and_counted_apart() {
    let folder = colours();
    let (summary, rows, _) = head(&folder, "data", "run", &["--test-fraction", "0.3"]);
    let of = |set: &str| rows.iter().filter(|row| row[9] == set).collect::<Vec<_>>();
    assert_eq!(of("test").len() as u64, summary["test_images"].as_u64().unwrap());
    assert_eq!(of("train").len() as u64, summary["images"].as_u64().unwrap());
    assert_eq!(rows.len(), 180);
    assert!(of("test").iter().all(|row| row[5].is_empty()), "held-out images are not divided");
    let quality: Vec<f64> = rows.iter().map(|row| row[4].parse().unwrap()).collect();
    assert!(quality.is_sorted(), "{quality:?}");
    // A second run takes the rows that it means.
    head(&folder, "data", "second", &["--test-fraction", "0.3", "--start-from", "run"]);
}

#[test]
fn images_of_a_test_folder_elsewhere_bear_its_path_as_it_was_given() {
    let folder = colours();
    for (class, (name, _)) in CLASSES.iter().enumerate() {
        (0..20).for_each(|number| {
            folder.put_image(&format!("other/{name}/{number:02}.png"), class, 200 + number)
        });
    }
    let (summary, rows, _) = head(&folder, "data", "run", &["--test", "other"]);
    assert_eq!(summary["test_images"], 60);
    assert_eq!(rows.iter().filter(|row| row[9] == "test" && row[1].starts_with("other/")).count(), 60);
    let before = read(&folder.path("run/label_issues.csv"));
    let page = read(&folder.path("run/report.html"));
    let elsewhere = folder.path("data");
    let mut again = folder.effmix(&["report", folder.path("run").to_str().unwrap()]);
    assert!(again.current_dir(elsewhere).output().unwrap().status.success());
    assert_eq!(read(&folder.path("run/report.html")), page, "the images are found from everywhere");
    assert_eq!(read(&folder.path("run/label_issues.csv")), before);
}

fn nothing_is_said(summary: &Value, rows: &[Vec<String>], shown: &str, reason: &str) {
    for key in [
        "estimated_noise_rate",
        "estimated_noise_rate_low",
        "estimated_noise_rate_high",
        "issues",
        "test_issues",
        "confusion_given_suggested",
    ] {
        assert!(summary[key].is_null(), "{key}: {summary}");
    }
    assert!(summary["withheld"].as_str().unwrap().contains(reason), "{summary}");
    assert!(rows.iter().all(|row| row[3].is_empty() && row[7].is_empty() && row[8].is_empty()), "{rows:?}");
    assert!(shown.contains("Nothing is said about the labels") && !shown.contains("look wrong"), "{shown}");
}

#[test]
fn images_that_are_all_alike_tell_nothing() {
    let folder = colours();
    for class in ["a", "b", "c"] {
        std::fs::create_dir_all(folder.path("black").join(class)).unwrap();
        for number in 0..40 {
            // No two are the same, which would be said.
            let mut image = RgbImage::from_pixel(64, 64, Rgb([0; 3]));
            image.put_pixel(number, 0, Rgb([1 + class.as_bytes()[0] - b'a'; 3]));
            image.save(folder.path(&format!("black/{class}/{number}.png"))).unwrap();
        }
    }
    let (summary, rows, shown) = head(&folder, "black", "run", &[]);
    nothing_is_said(&summary, &rows, &shown, "look the same");
    let page = String::from_utf8(read(&folder.path("run/report.html"))).unwrap();
    assert!(page.contains("look the same"), "the page says so too");
}

#[test]
fn labels_by_chance_tell_nothing() {
    let folder = colours();
    for number in 0..180 {
        // The class goes by the number, and the colour by another.
        let class = CLASSES[number % 3].0;
        folder.put_image(&format!("chance/{class}/{number:03}.png"), (number * 7 / 5) % 3, number);
    }
    let (summary, rows, shown) = head(&folder, "chance", "run", &[]);
    nothing_is_said(&summary, &rows, &shown, "classifier gives");
}

#[test]
fn few_images_tell_nothing() {
    let folder = colours();
    for (class, (name, _)) in CLASSES.iter().enumerate() {
        (0..8).for_each(|number| folder.put_image(&format!("few/{name}/{number}.png"), class, 300 + number));
    }
    let (summary, rows, shown) = head(&folder, "few", "run", &[]);
    nothing_is_said(&summary, &rows, &shown, "too few");
}

#[test]
fn a_small_or_partial_test_set_and_copies_in_it_are_warned_about() {
    let folder = colours();
    let errors = |more: &[&str]| {
        let head = ["train", "data", "--weights", "first", "--size", "16", "--epochs", "1", "--warmup", "1"];
        let output = folder.output(&[&head[..], more].concat());
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let text = errors(&[]);
    assert!(text.contains("are held out: an accuracy on so few"), "{text}");
    for number in 0..50 {
        std::fs::create_dir_all(folder.path("other/red")).unwrap();
        std::fs::copy(folder.path("data/red/00.png"), folder.path(&format!("other/red/{number}.png")))
            .unwrap();
    }
    let text = errors(&["--test", "other"]);
    assert!(text.contains("no image is held out of blue, green"), "{text}");
    assert!(text.contains("50 of the 50 held-out images are training images as well"), "{text}");
    let measured = json(folder.run(&["evaluate", "runs/data-2", "other", "--json"]).as_bytes());
    assert_eq!(measured["images"], 50, "red alone is enough to measure on");
    let output = folder.output(&["evaluate", "runs/data-2", "data", "--json"]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("was trained on 180 of these 180 images"), "{text}");
    assert_eq!(json(&output.stdout)["trained_on"], 180);
}
