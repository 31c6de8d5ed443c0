//! Thousands of classes.

use std::fs;

use super::super::setup::{Folder, csv_rows, json, npy, read};

/// A set of so many classes `c00000`, `c00001`, ... with `each` images: a few different ones, under many names.
fn many_classes(classes: usize, each: usize) -> Folder {
    let folder = Folder::new();
    for number in 0..60 {
        folder.put_image(&format!("pool/{number}.png"), number % 3, number);
    }
    for class in 0..classes {
        let of_class = folder.path(&format!("data/c{class:05}"));
        fs::create_dir_all(&of_class).unwrap();
        for image in 0..each {
            let from = folder.path(&format!("pool/{}.png", (class * each + image) % 60));
            fs::hard_link(from, of_class.join(format!("{image}.png"))).unwrap();
        }
    }
    folder
}

/// A training of one epoch, in which a few numbers are learnt.
fn train_args(out: &str) -> Vec<&str> {
    let network = ["--weights", "none", "--width", "0.1", "--depth", "0.1", "--size", "16"];
    let training = ["--epochs", "1", "--warmup", "1", "--batch", "64", "--test-fraction", "0.2"];
    [&["train", "data", "--out", out][..], &network, &training].concat()
}

/// 10,000 by 10,000 numbers would be 800 MB, and the program once took 5 GB for them.
#[test]
#[cfg(target_os = "linux")]
fn noise_of_ten_thousand_classes_takes_the_memory_of_its_images_and_prints_no_matrix() {
    let folder = many_classes(10_000, 1);
    let program = assert_cmd::cargo::cargo_bin("effmix");
    for (kind, wrong) in [("symmetric-other", 2000), ("pair", 2000)] {
        let command = format!(
            "ulimit -v 2000000; exec '{}' noise data --kind {kind} --rate 0.2 --out {kind}.csv --json",
            program.display()
        );
        let output = std::process::Command::new("sh")
            .args(["-c", &command])
            .current_dir(folder.path(""))
            .output()
            .unwrap();
        assert!(output.status.success(), "{kind}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(output.stdout.len() < 500_000, "{kind}: {} bytes", output.stdout.len());
        let outcome = json(&output.stdout);
        assert_eq!((&outcome["wrong"], &outcome["transition"]), (&wrong.into(), &serde_json::Value::Null));
        assert_eq!(csv_rows(&read(&folder.path(&format!("{kind}.csv")))).1.len(), 10_000);
    }
}

#[test]
fn the_matrix_of_noise_is_printed_up_to_a_hundred_classes() {
    for (classes, printed) in [(100, true), (101, false)] {
        let folder = many_classes(classes, 1);
        let shown =
            folder.run(&["noise", "data", "--kind", "pair", "--rate", "1", "--out", "n.csv", "--json"]);
        let transition = &json(shown.as_bytes())["transition"];
        assert_eq!(transition.as_array().map(Vec::len), printed.then_some(classes));
        let words = folder.run(&["noise", "data", "--kind", "pair", "--rate", "1", "--out", "m.csv"]);
        assert!(words.contains("c00000  100.0  c00001\n"), "{words}");
        assert_eq!(words.contains("--json: the whole matrix"), printed);
    }
}

#[test]
fn a_matrix_of_noise_may_be_a_file_of_mostly_zeros() {
    let folder = many_classes(300, 1);
    let names: Vec<String> = (0..300).rev().map(|class| format!("c{class:05}")).collect();
    let row = |class: usize| {
        (0..300).map(|c| if c == (class + 1) % 300 { "1" } else { "0" }).collect::<Vec<_>>().join(" ")
    };
    let rows: Vec<String> = (0..300).map(row).collect();
    folder.put("t.txt", format!("# by number, from the last\n{}\n\n{}\n", names.join(","), rows.join("\n")));
    folder.run(&["noise", "data", "--transition", "t.txt", "--out", "n.csv"]);
    let (_, rows) = csv_rows(&read(&folder.path("n.csv")));
    let number = |name: &str| name[1..].parse::<usize>().unwrap();
    assert!(rows.iter().all(|row| number(&row[1]) == (number(&row[2]) + 299) % 300), "{:?}", rows[0]);
}

#[test]
fn above_a_hundred_classes_the_matrices_are_npy_files_and_the_summary_is_small() {
    let folder = many_classes(120, 5);
    folder.run(&["noise", "data", "--kind", "pair", "--rate", "0.2", "--out", "n.csv"]);
    folder.run(&[&train_args("run")[..], &["--labels", "n.csv", "--truth-column", "true_label"]].concat());
    let summary = json(&read(&folder.path("run/summary.json")));
    let files = ["confident", "division"];
    for estimate in files {
        assert!(summary["noise_estimates"][estimate]["transition"].is_null());
        assert!(summary["noise_estimates"][estimate]["error"]["total_variation"].is_number());
        let (shape, values) = npy(&folder.path(&format!("run/transition_{estimate}.npy")));
        assert_eq!(shape, [120, 120]);
        for row in values.chunks(120).filter(|row| !row[0].is_nan()) {
            assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-4, "{estimate}: {row:?}");
        }
    }
    assert!(summary["confusion_given_suggested"].is_null());
    let without_files = |mut summary: serde_json::Value| {
        summary["skipped_files"] = serde_json::Value::Null;
        summary["test_copies"] = serde_json::Value::Null;
        serde_json::to_string(&summary).unwrap().len()
    };
    assert!(without_files(summary.clone()) < 5000, "{summary}");
    // What reads a run goes on with it: the page, a longer run, another run in its place.
    folder.run(&["report", "run"]);
    folder.run(&["resume", "run", "--epochs", "2"]);
    folder.run(&[&train_args("run")[..], &["--force", "--test-fraction", "0"]].concat());
    assert!(files.iter().all(|name| !folder.path(&format!("run/transition_{name}.npy")).exists()));
}

#[test]
fn a_model_of_many_classes_is_evaluated_with_its_most_frequent_mistakes() {
    let folder = many_classes(101, 5);
    folder.run(&train_args("run"));
    let words = folder.run(&["evaluate", "run", "data", "--out", "classes.csv"]);
    assert!(words.contains("the most frequent mistakes") && !words.contains("confusion (rows"), "{words}");
    let (header, rows) = csv_rows(&read(&folder.path("classes.csv")));
    assert_eq!((header.len(), rows.len()), (5 + 101, 101));
    let images: usize =
        rows.iter().flat_map(|row| &row[5..]).map(|count| count.parse::<usize>().unwrap()).sum();
    assert_eq!(images, 505);
    let printed = json(folder.run(&["evaluate", "run", "data", "--json"]).as_bytes());
    assert!(printed["confusion"].is_null() && printed["top5_accuracy"].is_number());
    assert_eq!(printed["per_class"].as_array().unwrap().len(), 101);
}

#[test]
fn a_method_that_makes_a_matrix_of_all_classes_is_refused_before_anything_is_written() {
    let folder = many_classes(4001, 1);
    for method in ["forward", "backward"] {
        let message =
            folder.fails(2, &[&train_args("run")[..], &["--method", method, "--epochs", "2"]].concat());
        assert!(
            message.contains("--method") && message.contains("4000") && message.contains("4001"),
            "{message}"
        );
        assert!(message.contains("dividemix") && !folder.path("run").exists(), "{message}");
    }
}

#[test]
fn a_warning_for_each_of_many_classes_is_one_warning() {
    let folder = many_classes(30, 4);
    (0..40).for_each(|class| fs::create_dir_all(folder.path(&format!("data/empty{class:02}"))).unwrap());
    for class in 0..12 {
        (0..4).for_each(|image| folder.put(&format!("data/broken{class:02}/{image}.png"), b"no image"));
    }
    let output = folder.output(&train_args("run"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let about = |words: &str| said.lines().filter(|line| line.contains(words)).count();
    assert_eq!((about("empty00"), about("empty39")), (1, 0), "{said}");
    assert!(said.contains("40 class folders hold no images"), "{said}");
    assert!(said.contains("12 of the 42 classes have no training image that can be read"), "{said}");
    assert!(said.contains("broken04 and 7 more"), "{said}");
}

#[test]
fn noise_names_ten_of_the_files_that_it_leaves_out() {
    let folder = many_classes(3, 5);
    (0..25).for_each(|image| folder.put(&format!("data/c00001/broken{image:02}.png"), b"no image"));
    let output = folder.output(&["noise", "data", "--kind", "instance", "--rate", "0.2", "--out", "n.csv"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert_eq!(said.matches("it is left out").count(), 10, "{said}");
    assert!(said.contains("15 more files"), "{said}");
}
