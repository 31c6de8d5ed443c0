//! A run folder holds every file, with the columns and keys that other programs rely on.

use super::setup::{CLASSES, Folder, csv_rows, json, npy, read};

#[test]
fn a_run_folder_holds_every_file_with_its_schema() {
    let folder = Folder::with_images(12);
    folder.put("data/red/broken.jpg", "this is no image");
    folder.put("data/notes.txt", "not an image either");
    let shown = folder.train("out", &["--json", "--seed", "7"]);
    let out = |name: &str| folder.path("out").join(name);

    let config: toml::Table =
        toml::from_str(std::str::from_utf8(&read(&out("config.toml"))).unwrap()).unwrap();
    assert_eq!(config["program"].as_str(), Some("effmix"));
    assert_eq!(config["version"].as_str(), Some(env!("CARGO_PKG_VERSION")));
    assert_eq!(config["seed"].as_integer(), Some(7));
    assert_eq!(config["classes"].as_array().unwrap().len(), CLASSES.len());
    for key in ["arch", "size", "epochs", "lambda-u", "threshold", "method", "cache"] {
        assert!(config.contains_key(key), "{key} is not resolved: {config}");
    }

    let summary = json(&read(&out("summary.json")));
    assert_eq!(json(shown.as_bytes()), summary, "--json prints summary.json and nothing else");
    for key in [
        "test_accuracy_best",
        "test_accuracy_last",
        "test_labels",
        "estimated_noise_rate",
        "estimated_noise_rate_low",
        "estimated_noise_rate_high",
        "withheld",
        "test_images",
        "test_issues",
        "noise_estimates",
        "issues",
        "images",
        "classes",
        "clean_auc",
        "division_auc",
        "issue_precision",
        "issue_recall",
        "issue_f1",
        "seconds",
        "estimated_seconds",
        "images_per_s",
        "peak_rss_bytes",
        "confusion_given_suggested",
        "skipped_files",
    ] {
        assert!(summary.get(key).is_some(), "{key} is missing: {summary}");
    }
    assert!(summary["clean_auc"].is_null(), "no truth is known here");
    assert!(
        summary["withheld"].as_str().unwrap().contains("too few"),
        "a few images tell nothing of their labels"
    );
    assert!(summary["noise_estimates"].is_null() && summary["estimated_noise_rate"].is_null());
    assert_eq!(summary["test_labels"], "given");
    let skipped = summary["skipped_files"].as_array().unwrap();
    assert_eq!(skipped.len(), 1, "{skipped:?}");
    assert_eq!(skipped[0]["path"], "red/broken.jpg");

    let (header, rows) = csv_rows(&read(&out("label_issues.csv")));
    assert_eq!(
        header.join(","),
        "rank,path,given_label,suggested_label,label_quality,p_clean,p_given,p_suggested,is_issue,set"
    );
    let all = summary["images"].as_u64().unwrap() + summary["test_images"].as_u64().unwrap();
    assert_eq!(rows.len() as u64, all);
    let quality: Vec<f64> = rows.iter().map(|row| row[4].parse().unwrap()).collect();
    assert!(quality.is_sorted() && quality.iter().all(|q| (0.0..=1.0).contains(q)), "{quality:?}");
    assert!(rows.iter().enumerate().all(|(place, row)| row[0] == (place + 1).to_string()));
    assert!(
        rows.iter().all(|row| row[1].starts_with(&format!("{}/", row[2]))),
        "no CSV: the folder is the label"
    );

    let rows: Vec<_> = rows.into_iter().filter(|row| row[9] == "train").collect();
    let (shape, probabilities) = npy(&out("pred_probs.npy"));
    assert_eq!(shape, [rows.len(), 3]);
    let mut by_path = rows.clone();
    by_path.sort_by(|a, b| a[1].cmp(&b[1]));
    for (row, p) in by_path.iter().zip(probabilities.chunks(3)) {
        assert!((p.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        let given = CLASSES.iter().position(|(name, _)| *name == row[2]).unwrap();
        assert_eq!(
            row[6].parse::<f32>().unwrap(),
            p[given],
            "rows of pred_probs.npy are in the order of paths"
        );
    }
    let withheld = |row: &Vec<String>| [3, 7, 8].iter().all(|&column| row[column].is_empty());
    assert!(rows.iter().all(withheld), "suggestions and issues need evidence");
    let (shape, losses) = npy(&out("losses.npy"));
    assert_eq!(shape, [rows.len()]);
    assert!(losses.iter().all(|loss| (0.0..=1.0).contains(loss)));

    let metrics = String::from_utf8(read(&out("metrics.jsonl"))).unwrap();
    assert_eq!(metrics.lines().count(), 3 * 2, "a line an epoch and network");
    for (place, line) in metrics.lines().enumerate() {
        let line = json(line.as_bytes());
        assert_eq!(line["epoch"], place / 2 + 1);
        assert_eq!(line["network"], place % 2 + 1);
        for key in [
            "phase",
            "loss_x",
            "loss_u",
            "loss_reg",
            "clean_fraction",
            "gmm_means",
            "gmm_weights",
            "test_accuracy",
            "clean_auc",
            "division_auc",
        ] {
            assert!(line.get(key).is_some(), "{key} is missing: {line}");
        }
    }
    let timing = String::from_utf8(read(&out("timing.jsonl"))).unwrap();
    assert_eq!(timing.lines().count(), 3);
    assert!(json(timing.lines().next().unwrap().as_bytes())["train_images_per_s"].as_f64().unwrap() > 0.0);

    let card = json(&read(&out("model/model.json")));
    assert_eq!(card["classes"].as_array().unwrap().len(), 3);
    for file in ["model/net1.safetensors", "model/net2.safetensors", "report.html"] {
        assert!(!read(&out(file)).is_empty());
    }
    assert!(out("checkpoints").read_dir().unwrap().count() > 0);
    assert!(
        !folder.path("out").read_dir().unwrap().any(|f| f
            .unwrap()
            .file_name()
            .to_string_lossy()
            .starts_with('.'))
    );
}

#[test]
fn true_labels_are_measured_against_and_a_csv_overrides_the_folders() {
    let folder = Folder::with_images(12);
    folder.run(&["noise", "data", "--out", "labels.csv", "--rate", "0.5", "--seed", "3"]);
    let shown = folder.train("out", &["--labels", "labels.csv", "--truth-column", "true_label"]);
    let summary = json(&read(&folder.path("out/summary.json")));
    assert_eq!(summary["test_labels"], "truth");
    assert!(summary["clean_auc"].as_f64().is_some());
    let metrics = String::from_utf8(read(&folder.path("out/metrics.jsonl"))).unwrap();
    let last = json(metrics.lines().last().unwrap().as_bytes());
    assert_eq!(last["clean_auc"], summary["clean_auc"], "one name, one thing: the AUC of label_quality");
    assert!(last["division_auc"].as_f64().is_some() && summary["division_auc"].as_f64().is_some());
    let (_, rows) = csv_rows(&read(&folder.path("out/label_issues.csv")));
    assert!(
        rows.iter().any(|row| !row[1].starts_with(&format!("{}/", row[2]))),
        "the CSV's labels are the given ones"
    );

    let rows: Vec<_> = rows.into_iter().filter(|row| row[9] == "train").collect();
    let estimates = &summary["noise_estimates"];
    let n = rows.len() as f64;
    let real = rows.iter().filter(|row| !row[1].starts_with(&format!("{}/", row[2]))).count() as f64 / n;
    let doubts: f64 = rows.iter().map(|row| 1.0 - row[5].parse::<f64>().unwrap()).sum();
    let close = |value: &serde_json::Value, expected: f64| (value.as_f64().unwrap() - expected).abs() < 1e-12;
    assert!(close(&estimates["real_rate"], real), "{estimates}");
    assert!(shown.contains(&format!("real noise rate {:.1} %", 100.0 * real)), "{shown}");
    assert!(close(&estimates["division"]["rate"], doubts / n), "the mean of 1 - p_clean: {estimates}");
    for estimate in [&estimates["confident"], &estimates["division"]] {
        let rate = estimate["rate"].as_f64().unwrap();
        assert!(close(&estimate["error"]["rate"], rate - real), "{estimate}");
        assert!((0.0..=1.0).contains(&estimate["error"]["total_variation"].as_f64().unwrap()));
        let rows = estimate["transition"].as_array().unwrap();
        assert_eq!(rows.len(), CLASSES.len());
        let sum = |row: &serde_json::Value| -> Option<f64> {
            Some(row.as_array()?.iter().map(|p| p.as_f64().unwrap()).sum())
        };
        assert!(rows.iter().filter_map(sum).all(|sum| (sum - 1.0).abs() < 1e-9), "{rows:?}");
    }
}

#[test]
fn the_summary_for_people_says_accuracy_issues_and_what_to_do_next() {
    let folder = Folder::with_images(10);
    let shown = folder.train("out", &["--method", "ce", "--warmup", "3"]);
    for part in ["accuracy", "labels", "report.html", "label_issues.csv", "effmix predict"] {
        assert!(shown.contains(part), "{part:?} is not in {shown}");
    }
    assert!(folder.path("out/model/net1.safetensors").is_file());
    assert!(!folder.path("out/model/net2.safetensors").exists(), "plain training trains one network");
}

#[test]
fn a_run_starts_from_what_another_one_found_matched_by_path() {
    let folder = Folder::with_images(10);
    folder.train("first", &[]);
    folder.train("second", &["--start-from", "first", "--warmup", "0", "--epochs", "1"]);
    let line = String::from_utf8(read(&folder.path("second/metrics.jsonl"))).unwrap();
    let clean = json(line.lines().next().unwrap().as_bytes())["clean_fraction"].as_f64().unwrap();
    let (_, rows) = csv_rows(&read(&folder.path("first/label_issues.csv")));
    let rows: Vec<_> = rows.into_iter().filter(|row| row[9] == "train").collect();
    let labeled = rows.iter().filter(|row| row[5].parse::<f64>().unwrap() > 0.5).count();
    assert_eq!(clean, labeled as f64 / rows.len() as f64, "the first epoch's division is the other run's");

    folder.put_image("data/red/99.png", 2, 99);
    let args = ["train", "data", "--start-from", "first", "--out", "third", "--test-fraction", "0"];
    let message = folder.fails(1, &args);
    assert!(message.contains("same images"), "{message}");
}

#[test]
fn a_frozen_body_trains_a_head_on_cached_features_and_the_model_predicts_alone() {
    let folder = Folder::with_images(10);
    folder.train("first", &[]);
    folder.put("data/green/03-text.png", "no image");
    let frozen = ["train", "data", "--weights", "first", "--freeze", "body", "--size", "16", "--epochs", "2"];
    let more = ["--warmup", "1", "--batch", "8"];
    folder.run(&[&frozen[..], &more, &["--out", "second"]].concat());
    let cached =
        || folder.path("cache").read_dir().unwrap().filter(|f| f.as_ref().unwrap().path().is_file()).count();
    let files = cached();
    assert_eq!(files, 2, "features of training and test images are kept, and nothing else");
    folder.run(&[&frozen[..], &more, &["--out", "third"]].concat());
    assert_eq!(cached(), files, "the same images and weights are not computed again");
    folder.run(&[&frozen[..], &more, &["--dropout", "0.4", "--out", "fourth"]].concat());
    assert_eq!(cached(), files, "a head's dropout changes no feature");
    folder.run(&[&frozen[..], &more, &["--cache", "disk", "--out", "fifth"]].concat());
    assert_eq!(cached(), files, "features stand for the decoded images");
    for run in ["second", "third"] {
        let summary = json(&read(&folder.path(run).join("summary.json")));
        assert_eq!(summary["skipped_files"][0]["path"], "green/03-text.png", "{summary}");
        assert_eq!(summary["skipped_files"].as_array().unwrap().len(), 1, "{summary}");
    }
    for file in ["model/net1.safetensors", "model/net2.safetensors", "label_issues.csv", "pred_probs.npy"] {
        let (second, third) = (folder.path("second").join(file), folder.path("third").join(file));
        assert_eq!(read(&second), read(&third), "{file} depends on the cache");
    }
    let shown = folder.run(&["predict", "second", "data/red/00.png"]);
    assert_eq!(shown.lines().count(), 2, "{shown}");
    folder.run(&["predict", "second", "data/red/00.png", "--cam", "maps"]);
    assert_eq!(folder.path("maps").read_dir().unwrap().count(), 1, "a head has class activation maps too");
}

#[test]
fn runs_without_out_are_numbered() {
    let folder = Folder::with_images(6);
    let args = [
        "train", "data", "--width", "0.1", "--depth", "0.1", "--epochs", "1", "--warmup", "1", "--batch", "8",
    ];
    folder.run(&args);
    folder.run(&args);
    assert!(folder.path("runs/data-1/summary.json").is_file());
    assert!(folder.path("runs/data-2/summary.json").is_file());
}
