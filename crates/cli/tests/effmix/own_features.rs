//! Features of one's own in place of those of a network.

use crate::setup::{Folder, csv_rows, json, read};

/// A file of NumPy's format 1.0 with these rows.
fn npy(rows: &[Vec<f32>], kind: &str) -> Vec<u8> {
    let shape = (rows.len(), rows.first().map_or(0, Vec::len));
    let mut header =
        format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({}, {}), }}", shape.0, shape.1);
    header += &" ".repeat(64 - (10 + header.len() + 1) % 64);
    header.push('\n');
    let length = u16::try_from(header.len()).unwrap().to_le_bytes();
    let values = rows.iter().flatten().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    [&b"\x93NUMPY\x01\x00"[..], &length, header.as_bytes(), &values].concat()
}

/// What two runs found must be the same.
fn assert_same_findings(folder: &Folder, one: &str, other: &str) {
    for file in ["metrics.jsonl", "label_issues.csv", "pred_probs.npy", "model/net1.safetensors"] {
        let bytes = |run: &str| read(&folder.path(run).join(file));
        assert!(bytes(one) == bytes(other), "{one} and {other} differ in {file}");
    }
}

/// The paths of a set's images, sorted.
fn paths(folder: &Folder) -> Vec<String> {
    let mut paths = Vec::new();
    for class in ["blue", "green", "red"] {
        for file in std::fs::read_dir(folder.path("data").join(class)).unwrap() {
            paths.push(format!("{class}/{}", file.unwrap().file_name().to_string_lossy()));
        }
    }
    paths.sort();
    paths
}

/// Features that tell the classes apart, and images from each other.
fn features_of(path: &str, number: usize) -> Vec<f32> {
    let class = ["blue", "green", "red"].iter().position(|class| path.starts_with(class)).unwrap();
    let own = (number * 37 % 11) as f32 / 11.0;
    (0..4).map(|at| if at == class { 3.0 + own } else { own * (at + 1) as f32 / 4.0 }).collect()
}

/// A set of 30 images that are no images, and their features in `f.npy`.
fn with_features() -> (Folder, Vec<String>, Vec<Vec<f32>>) {
    let folder = Folder::with_images(10);
    let paths = paths(&folder);
    // No image is decoded.
    paths
        .iter()
        .enumerate()
        .for_each(|(number, path)| folder.put(&format!("data/{path}"), format!("{number}")));
    let rows: Vec<Vec<f32>> = paths.iter().zip(0..).map(|(path, number)| features_of(path, number)).collect();
    folder.put("f.npy", npy(&rows, "<f4"));
    (folder, paths, rows)
}

fn train<'a>(out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let short = ["--epochs", "4", "--warmup", "2", "--batch", "8", "--report-images", "0"];
    [&["train", "data", "--features", "f.npy", "--out", out][..], &short, more].concat()
}

#[test]
fn a_head_is_trained_on_them_and_predicts_by_them() {
    let (folder, paths, rows) = with_features();
    let said = String::from_utf8(folder.output(&train("out", &[])).stderr).unwrap();
    assert!(said.contains("f.npy (4 an image)") && said.contains("no image is decoded"), "{said}");
    let summary = json(&read(&folder.path("out/summary.json")));
    assert_eq!(summary["skipped_files"].as_array().unwrap().len(), 0);
    assert_eq!(json(&read(&folder.path("out/model/model.json")))["features"], 4);
    let said = folder.run(&["predict", "out", "--features", "f.npy"]);
    let (_, predicted) = csv_rows(said.as_bytes());
    assert_eq!(predicted.len(), rows.len());
    let right = predicted.iter().zip(&paths).filter(|(row, path)| path.starts_with(&row[1])).count();
    assert!(right >= 28, "{right} of 30 are right, whose features tell them");
    assert_eq!(predicted[7][0], "7", "a row is named by its number");
    folder.run(&["export", "out", "--format", "onnx", "--out", "m.onnx"]);

    let refused = folder.fails(1, &["predict", "out", "data"]);
    assert!(refused.contains("--features F.npy"), "{refused}");
    let three: Vec<Vec<f32>> = rows.iter().map(|row| row[..3].to_vec()).collect();
    folder.put("three.npy", npy(&three, "<f4"));
    let refused = folder.fails(1, &["predict", "out", "--features", "three.npy"]);
    assert!(refused.contains("3 features a row, and the model takes 4"), "{refused}");
    let refused = folder.fails(1, &["train", "data", "--weights", "out", "--out", "more"]);
    assert!(refused.contains("features of one's own"), "{refused}");
}

#[test]
fn rows_are_matched_by_a_list_of_paths_in_any_order() {
    let (folder, paths, rows) = with_features();
    folder.run(&train("sorted", &[]));
    let turned: Vec<Vec<f32>> = rows.iter().rev().cloned().collect();
    folder.put("f.npy", npy(&turned, "<f4"));
    let lines =
        |of: &dyn Fn(&String) -> String| paths.iter().rev().map(|path| of(path) + "\n").collect::<String>();
    folder.put("p.txt", lines(&|path| path.clone()));
    folder.run(&train("listed", &["--features-paths", "p.txt"]));
    assert_same_findings(&folder, "sorted", "listed");
    // As `effmix predict data --out p.csv` names them.
    let below = folder.path("data").display().to_string();
    folder.put("p.csv", "path,label,p\n".to_owned() + &lines(&|path| format!("{below}/{path},x,1")));
    folder.run(&train("csv", &["--features-paths", "p.csv"]));
    assert_same_findings(&folder, "sorted", "csv");
    folder.run(&["resume", "listed", "--epochs", "6"]);
    let mut changed = turned.clone();
    changed[5][1] += 0.5;
    folder.put("f.npy", npy(&changed, "<f4"));
    let refused = folder.fails(1, &["resume", "listed", "--epochs", "8"]);
    assert!(refused.contains("--features"), "{refused}");

    let some = paths[..25].join("\n");
    folder.put("p.txt", some);
    folder.put("f.npy", npy(&rows[..25], "<f4"));
    folder.run(&train("some", &["--features-paths", "p.txt"]));
    let summary = json(&read(&folder.path("some/summary.json")));
    let skipped = summary["skipped_files"].as_array().unwrap();
    assert_eq!(skipped.len(), 5, "images without a row take no part");
    assert_eq!(skipped[0]["reason"], "the features have no row for it");
}

#[test]
fn held_out_images_may_have_a_table_of_their_own() {
    let (folder, paths, rows) = with_features();
    let is_held_out = |path: &str| path.ends_with("1.png");
    let part = |held_out: bool| -> Vec<Vec<f32>> {
        let of = paths.iter().zip(&rows).filter(|(path, _)| is_held_out(path) == held_out);
        of.map(|(_, row)| row.clone()).collect()
    };
    for path in &paths {
        let set = if is_held_out(path) { "test" } else { "train" };
        folder.put(&format!("split/{set}/{path}"), path.clone());
    }
    folder.put("f.npy", npy(&part(false), "<f4"));
    folder.put("g.npy", npy(&part(true), "<f4"));
    let args: Vec<&str> = train("out", &["--features-test", "g.npy"]);
    let args: Vec<&str> = args.into_iter().map(|arg| if arg == "data" { "split" } else { arg }).collect();
    folder.run(&args);
    let summary = json(&read(&folder.path("out/summary.json")));
    assert_eq!(summary["test_images"], part(true).len());
    folder.put("g.npy", npy(&part(false), "<f4"));
    let args: Vec<&str> = args.into_iter().map(|arg| if arg == "out" { "other" } else { arg }).collect();
    let refused = folder.fails(1, &args);
    assert!(refused.contains("g.npy") && refused.contains("rows for"), "{refused}");
}

#[test]
fn a_budget_chooses_epochs_alone_and_what_is_withheld_speaks_of_features() {
    let (folder, paths, rows) = with_features();
    // Features that tell nothing: the same for images of all classes, in an order of their own.
    let blank: Vec<Vec<f32>> = (0..rows.len()).map(|number| features_of("red/", number * 7 % 5)).collect();
    folder.put("f.npy", npy(&blank, "<f4"));
    let said = folder.output(&["train", "data", "--features", "f.npy", "--out", "out", "--budget", "2m"]);
    let said = String::from_utf8(said.stderr).unwrap();
    assert!(said.contains("budget 2m: a head on 4 features for 25 epochs"), "{said}");
    let summary = json(&read(&folder.path("out/summary.json")));
    let withheld = summary["withheld"].as_str().unwrap();
    assert!(!withheld.contains("--arch") && !withheld.contains("--weights"), "{withheld}");
    assert_eq!(paths.len(), rows.len());
}

#[test]
fn tables_that_can_not_be_are_refused_with_their_name() {
    let (folder, paths, rows) = with_features();
    let mut not_finite = rows.clone();
    not_finite[4][2] = f32::NAN;
    let cut = npy(&rows, "<f4");
    let of_f8 = npy(&rows, "<f8");
    for (content, reason) in [
        (npy(&rows[..29], "<f4"), "has 29 rows for 30 images"),
        (npy(&not_finite, "<f4"), "hold NaN"),
        (cut[..cut.len() - 4].to_vec(), "bytes long"),
        (of_f8, "a matrix of f32"),
        (b"no table".to_vec(), "a matrix of f32"),
        (Vec::new(), "f.npy"),
        (npy(&[], "<f4"), "holds no features"),
    ] {
        folder.put("f.npy", content);
        let refused = folder.fails(1, &train("out", &[]));
        assert!(refused.contains("f.npy") && refused.contains(reason), "{reason}: {refused}");
    }
    folder.put("f.npy", npy(&rows, "<f4"));
    let twice = [&paths[..29], &paths[3..4]].concat().join("\n");
    let foreign: Vec<String> = paths.iter().map(|path| format!("elsewhere/{path}")).collect();
    for (content, reason) in [
        (twice, "is there twice, in rows 4 and 30"),
        (paths[..3].join("\n"), "lists 3 paths"),
        (foreign.join("\n"), "lists none of the images"),
    ] {
        folder.put("p.txt", content);
        let refused = folder.fails(1, &train("out", &["--features-paths", "p.txt"]));
        assert!(refused.contains("p.txt") && refused.contains(reason), "{reason}: {refused}");
    }
    for (more, flag) in [(&["--weights", "w.pth"][..], "--weights"), (&["--freeze", "none"], "--freeze")] {
        let refused = folder.fails(2, &train("out", more));
        assert!(refused.contains(flag) && refused.contains("--features"), "{refused}");
    }
    let refused = folder.fails(2, &["train", "data", "--features-test", "f.npy", "--out", "out"]);
    assert!(refused.contains("goes with --features"), "{refused}");
}
