//! Several seeds and methods, and runs to compare.

use std::path::Path;

use serde_json::Value;

use crate::setup::{Folder, csv_rows, json, read, train_args};

/// A training by several methods and seeds, of three epochs.
fn sweep<'a>(out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&train_args(out), more].concat()
}

/// The names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

fn summary(folder: &Folder, run: &str) -> Value {
    json(&read(&folder.path(run).join("summary.json")))
}

/// Marks a run as an interrupted one.
fn interrupt(folder: &Folder, run: &str) {
    std::fs::remove_file(folder.path(run).join("summary.json")).unwrap();
}

#[test]
fn seeds_and_methods_become_a_folder_of_runs_and_a_comparison() {
    let folder = Folder::with_images(12);
    let table = folder.run(&sweep("out", &["--seeds", "1,2,3", "--method", "dividemix,ce"]));
    let runs = ["dividemix", "ce"].map(|method| [1, 2, 3].map(|seed| format!("{method}-seed-{seed}")));
    let mut expected: Vec<String> = runs.concat();
    expected.extend(["comparison.csv", "comparison.json", "sweep.toml"].map(str::to_owned));
    expected.sort();
    assert_eq!(names(&folder.path("out")), expected);

    let (header, rows) = csv_rows(&read(&folder.path("out/comparison.csv")));
    assert_eq!(header[..4], ["group", "runs", "seeds", "method"]);
    let column = |name: &str| header.iter().position(|column| column == name).unwrap();
    for (row, runs) in rows.iter().zip(&runs) {
        assert_eq!(row[1..3], ["3", "1 2 3"], "{row:?}");
        let figure =
            |run: &String| summary(&folder, &format!("out/{run}"))["test_accuracy_last"].as_f64().unwrap();
        let values: Vec<f64> = runs.iter().map(figure).collect();
        let mean = values.iter().sum::<f64>() / 3.0;
        let deviation = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 2.0).sqrt();
        let found = |name: &str| row[column(name)].parse::<f64>().unwrap();
        assert!((found("test_accuracy_last_mean") - mean).abs() < 1e-12, "{row:?}");
        assert!((found("test_accuracy_last_deviation") - deviation).abs() < 1e-12, "{row:?}");
        assert!(table.contains(&format!("{:.1} ± {:.1}", 100.0 * mean, 100.0 * deviation)), "{table}");
    }
    assert_eq!([&rows[0][3], &rows[1][3]], ["dividemix", "ce"]);
    assert!(table.contains("the same in all: ") && table.contains("epochs 3"), "{table}");
    assert_eq!(json(&read(&folder.path("out/comparison.json")))["groups"].as_array().unwrap().len(), 2);
}

#[test]
fn a_run_among_several_has_the_bytes_of_one_by_itself() {
    let folder = Folder::with_images(12);
    folder.run(&sweep("out", &["--seeds", "2,3", "--method", "ce"]));
    folder.train("alone", &["--seed", "3", "--method", "ce"]);
    for name in
        ["config.toml", "metrics.jsonl", "label_issues.csv", "pred_probs.npy", "model/net1.safetensors"]
    {
        let bytes = |run: &str| read(&folder.path(run).join(name));
        assert_eq!(bytes("out/ce-seed-3"), bytes("alone"), "{name}");
    }
}

#[test]
fn what_all_runs_take_is_said_before_anything_is_written() {
    let folder = Folder::with_images(12);
    let output = folder.output(&sweep("out", &["--seeds", "1,2", "--method", "ce"]));
    let said = String::from_utf8(output.stderr).unwrap();
    let place = |text: &str| said.find(text).unwrap_or_else(|| panic!("{text}: {said}"));
    assert!(place("2 runs in out") < place("all of them need about"));
    assert!(place("all of them need about") < place("run folder out/"));
    // A setting that is wrong for the second method alone: refused before the first one trains.
    let refused = folder.fails(2, &sweep("other", &["--method", "ce,forward", "--warmup", "0"]));
    assert!(refused.contains("--warmup") && refused.contains("--method forward"), "{refused}");
    assert!(!folder.path("other").exists());
}

#[test]
fn the_same_command_again_goes_on_and_so_does_resume() {
    let folder = Folder::with_images(12);
    let args = sweep("out", &["--seeds", "1,2", "--method", "dividemix,ce"]);
    folder.run(&args);
    let files = ["ce-seed-1", "dividemix-seed-2"].map(|run| format!("out/{run}/metrics.jsonl"));
    let before = files.each_ref().map(|file| read(&folder.path(file)));
    for again in [&args[..], &["resume", "out"]] {
        interrupt(&folder, "out/dividemix-seed-2");
        std::fs::remove_dir_all(folder.path("out/ce-seed-1")).unwrap();
        let output = folder.output(again);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{said}");
        assert!(said.contains("4 runs in out, 2 of them done before"), "{said}");
        assert!(
            said.contains("dividemix-seed-1: done before") && said.contains("going on after epoch 3"),
            "{said}"
        );
        assert_eq!(files.each_ref().map(|file| read(&folder.path(file))), before);
        assert_eq!(summary(&folder, "out/ce-seed-1")["seed"], 1);
    }
    let refused = folder.fails(1, &["report", "out"]);
    assert!(refused.contains("folder of several runs"), "{refused}");
    let refused = folder.fails(2, &["resume", "out", "--epochs", "5"]);
    assert!(refused.contains("effmix resume out/RUN --epochs"), "{refused}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_all_runs_and_they_end_with_the_same_bytes() {
    let folder = Folder::with_images(12);
    let long = |out| {
        let args = sweep(out, &["--seeds", "1,2", "--method", "ce"]);
        args.into_iter().map(|arg| if arg == "3" { "20" } else { arg }).collect::<Vec<_>>()
    };
    folder.run(&long("whole"));
    // As soon as the first epoch is done, of twenty.
    let (status, said) = folder.stopped(&long("stopped"), "INT", "stopped/ce-seed-1/metrics.jsonl");
    assert_eq!(status, Some(130), "{said}");
    assert!(said.contains("the same command goes on, and so does: effmix resume stopped"), "{said}");
    assert!(!folder.path("stopped/ce-seed-2").exists() && !folder.path("stopped/comparison.csv").exists());

    folder.run(&["resume", "stopped"]);
    for run in ["ce-seed-1", "ce-seed-2"] {
        for name in ["metrics.jsonl", "label_issues.csv", "model/net1.safetensors"] {
            let bytes = |out: &str| read(&folder.path(out).join(run).join(name));
            assert_eq!(bytes("whole"), bytes("stopped"), "{run}/{name}");
        }
    }
}

#[test]
fn a_config_of_a_method_of_ones_own_is_not_trained_by_another() {
    let folder = Folder::with_images(4);
    folder.put("mine.toml", "own-method = \"small-loss\"\nepochs = 1\n");
    let refused = folder.fails(2, &["train", "data", "--config", "mine.toml", "--out", "out"]);
    assert!(refused.contains("small-loss") && refused.contains("--method"), "{refused}");
    assert!(!folder.path("out").exists());
}

#[test]
fn seeds_and_methods_can_be_added_and_nothing_else_be_changed() {
    let folder = Folder::with_images(12);
    folder.run(&sweep("out", &["--seeds", "1", "--method", "ce"]));
    let before = read(&folder.path("out/ce-seed-1/summary.json"));
    for changed in [
        &["--seeds", "1", "--method", "ce", "--momentum", "0.5"][..],
        &["--seeds", "2", "--method", "ce"],
        &["--seeds", "1", "--method", "smooth"],
    ] {
        let refused = folder.fails(1, &sweep("out", changed));
        assert!(refused.contains("sweep.toml") && refused.contains("--force"), "{refused}");
    }
    folder.run(&sweep("out", &["--seeds", "1,2", "--method", "ce,smooth"]));
    assert_eq!(read(&folder.path("out/ce-seed-1/summary.json")), before);
    assert_eq!(summary(&folder, "out/smooth-seed-2")["method"], "smooth");

    folder.put("out/notes.txt", "mine");
    folder.put("out/ce-seed-2/notes.txt", "mine");
    folder.run(&sweep("out", &["--seeds", "1", "--method", "smooth", "--force"]));
    let kept = ["ce-seed-2", "comparison.csv", "comparison.json", "notes.txt", "smooth-seed-1", "sweep.toml"];
    assert_eq!(names(&folder.path("out")), kept);
    assert_eq!(names(&folder.path("out/ce-seed-2")), ["notes.txt"]);

    folder.put("out/comparison.csv", "mine");
    let refused = folder.fails(1, &sweep("out", &["--seeds", "1", "--method", "ce", "--force"]));
    assert!(refused.contains("comparison.csv: was not written by effmix"), "{refused}");
    assert_eq!(read(&folder.path("out/comparison.csv")), b"mine");
    for command in [&["predict", "out", "photos"][..], &["report", "out"], &["evaluate", "out", "photos"]] {
        let refused = folder.fails(1, command);
        assert!(
            refused.contains(
                "a folder of several runs; name one of the run folders in it, such as out/smooth-seed-1"
            ),
            "{refused}"
        );
    }
}

#[test]
fn a_folder_that_holds_something_else_is_refused_even_with_force() {
    let folder = Folder::with_images(12);
    folder.put("mine/notes.txt", "mine");
    for force in [&[][..], &["--force"]] {
        let refused = folder.fails(1, &sweep("mine", &[&["--seeds", "1,2"], force].concat()));
        assert!(refused.contains("choose another --out"), "{refused}");
    }
    assert_eq!(names(&folder.path("mine")), ["notes.txt"]);
    folder.run(&sweep("out", &["--seeds", "1", "--method", "ce"]));
    let refused = folder.fails(1, &[&train_args("out")[..], &["--force"]].concat());
    assert!(refused.contains("a folder of several runs, not of one"), "{refused}");
}

#[test]
fn a_run_that_fails_does_not_end_the_others() {
    let folder = Folder::with_images(12);
    folder.run(&sweep("out", &["--seeds", "1", "--method", "ce"]));
    folder.put("out/ce-seed-2", "a file where the run's folder should be");
    let output = folder.output(&sweep("out", &["--seeds", "1,2,3", "--method", "ce", "--json"]));
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("error: 1 of 3 runs failed: ce-seed-2;"), "{said}");
    let result = json(&output.stdout);
    let failed = |run: &Value| run["failure"].is_string();
    assert_eq!(
        result["runs"].as_array().unwrap().iter().map(failed).collect::<Vec<_>>(),
        [false, true, false]
    );
    assert_eq!(result["comparison"]["groups"][0]["seeds"], serde_json::json!([1, 3]));
    std::fs::remove_file(folder.path("out/ce-seed-2")).unwrap();
    folder.run(&["resume", "out"]);
}

#[test]
fn a_settings_file_has_lists_and_flags_win() {
    let folder = Folder::with_images(12);
    folder.put("sweep.toml", "seeds = [1, 2]\nmethod = [\"ce\", \"smooth\"]\n");
    folder.run(&sweep("out", &["--config", "sweep.toml", "--seeds", "5"]));
    let runs: Vec<String> =
        names(&folder.path("out")).into_iter().filter(|name| name.contains("seed")).collect();
    assert_eq!(runs, ["ce-seed-5", "smooth-seed-5"]);
    // One seed and one method on the command line are one run.
    folder.run(&sweep("one", &["--config", "sweep.toml", "--seed", "5", "--method", "ce"]));
    assert_eq!(read(&folder.path("one/metrics.jsonl")), read(&folder.path("out/ce-seed-5/metrics.jsonl")));
}

#[test]
fn the_last_method_wins_where_one_is_given_after_another() {
    let folder = Folder::with_images(12);
    folder.train("out", &["--method", "ce", "--method", "smooth"]);
    assert_eq!(summary(&folder, "out")["method"], "smooth");
}

#[test]
fn lists_that_can_not_be_are_wrong_usage() {
    let folder = Folder::with_images(4);
    for (flags, reason) in [
        (&["--seeds", "1,1"][..], "1 is there twice"),
        (&["--seeds", "1,x"], "not a whole number"),
        (&["--seeds", ""], "--seeds"),
        (&["--seeds", "18446744073709551615"], "from 0 to"),
        (&["--seeds", "1,2", "--seed", "3"], "--seed <N>"),
        (&["--seeds", "1,2", "--budget", "1m"], "--budget"),
        (&["--method", "ce,ce"], "ce is there twice"),
        (&["--method", "ce,magic"], "magic"),
    ] {
        let refused = folder.fails(2, &sweep("out", flags));
        assert!(refused.contains(reason), "{flags:?}: {refused}");
        assert!(!folder.path("out").exists());
    }
}

#[test]
fn a_summary_says_what_the_run_was_made_from() {
    let folder = Folder::with_images(12);
    folder.run(&["noise", "data", "--out", "labels.csv", "--rate", "0.3"]);
    folder.train("folders", &["--seed", "7", "--method", "ce"]);
    folder.train("csv", &["--labels", "labels.csv", "--method", "ce"]);
    let [folders, csv] = ["folders", "csv"].map(|run| summary(&folder, run));
    assert_eq!(
        (&folders["method"], &folders["seed"], &folders["labels"]),
        (&"ce".into(), &7.into(), &"folders".into())
    );
    assert!(folders["labels_hash"].is_null());
    assert!(csv["labels"].as_str().unwrap().ends_with("labels.csv"), "{csv}");
    assert!(csv["labels_hash"].as_str().unwrap().starts_with("blake3:"), "{csv}");
    assert_eq!(csv["data_hash"], folders["data_hash"], "the same images");
    assert_eq!(csv["versions"]["effmix"], env!("CARGO_PKG_VERSION"));
    assert_eq!(csv["arch"], "efficientnet_b0");
    let compared = json(folder.run(&["compare", "folders", "csv", "--json"]).as_bytes());
    assert_eq!(compared["groups"][0]["settings"]["labels"], "folders");
    assert_eq!(compared["groups"][1]["settings"]["labels"], "labels.csv");
}

#[test]
fn runs_are_grouped_by_what_differs_and_the_others_are_counted() {
    let folder = Folder::with_images(12);
    for (out, seed, lr) in [("runs/a", "1", "0.01"), ("runs/b", "2", "0.01"), ("runs/c", "1", "0.02")] {
        folder.train(out, &["--seed", seed, "--method", "ce", "--lr", lr]);
    }
    folder.train("runs/deeper/d", &["--seed", "2", "--method", "ce", "--lr", "0.02"]);
    interrupt(&folder, "runs/deeper/d");
    folder.put("runs/notes.txt", "mine");

    let compared = json(folder.run(&["compare", "runs", "runs/a", "--json"]).as_bytes());
    assert_eq!(compared["runs"], 3, "a run that is named twice counts once");
    assert_eq!(compared["differ"], serde_json::json!(["lr"]));
    assert_eq!(compared["groups"][0]["settings"]["lr"], 0.01);
    assert_eq!(compared["groups"][0]["seeds"], serde_json::json!([1, 2]));
    assert_eq!(compared["groups"][0]["figures"]["seconds"]["runs"], 2);
    assert!(compared["groups"][0]["figures"]["clean_auc"].is_null(), "no truth is known here");
    assert!(compared["groups"][1]["figures"]["seconds"]["deviation"].is_null(), "one run has no deviation");
    let table = folder.run(&["compare", "runs"]);
    assert!(table.contains("left out: 1 run") && table.contains("effmix resume runs/deeper/d"), "{table}");
    assert!(table.contains("0.01  2      ") && !table.contains("AUC"), "{table}");

    folder.run(&["compare", "runs", "--out", "t.csv"]);
    let refused = folder.fails(1, &["compare", "runs", "--out", "t.csv"]);
    assert!(refused.contains("--force"), "{refused}");
    folder.run(&["compare", "runs", "--out", "t.csv", "--force"]);
    assert_eq!(csv_rows(&read(&folder.path("t.csv"))).1.len(), 2);
    folder.put("mine.csv", "path,label\n");
    folder.fails(1, &["compare", "runs", "--out", "mine.csv", "--force"]);
    assert_eq!(read(&folder.path("mine.csv")), b"path,label\n");
}

#[test]
fn two_files_of_a_run_are_enough_and_older_ones_are_read() {
    let folder = Folder::with_images(12);
    folder.train("new", &["--seed", "1", "--method", "ce"]);
    folder.train("new-2", &["--seed", "2", "--method", "ce"]);
    for (run, old) in [("new", "old/1"), ("new-2", "old/2")] {
        folder.put(&format!("{old}/config.toml"), read(&folder.path(run).join("config.toml")));
        let Value::Object(mut known) = summary(&folder, run) else { panic!("no object") };
        let newer =
            ["method", "seed", "arch", "labels", "labels_hash", "data_hash", "versions", "division_auc"];
        known.retain(|name, _| !newer.contains(&name.as_str()));
        folder.put(&format!("{old}/summary.json"), serde_json::to_vec(&known).unwrap());
    }
    let compared = json(folder.run(&["compare", "old", "new", "--json"]).as_bytes());
    assert_eq!((&compared["runs"], compared["groups"].as_array().unwrap().len()), (&3.into(), 1));
    assert!(compared["notes"].to_string().contains("seed 1 more than once"), "{compared}");

    folder.put("old/1/summary.json", "{\"images\": 3");
    let whole = read(&folder.path("new/config.toml"));
    folder.put("old/2/config.toml", &whole[..whole.len() - "# end\n".len()]);
    let table = folder.run(&["compare", "old", "new"]);
    assert!(table.contains("1 finished run;") && table.contains("left out: 2 runs"), "{table}");
    assert!(table.contains("old/1: ") && table.contains("cut off"), "{table}");
    let none = folder.fails(1, &["compare", "old"]);
    assert!(none.contains("none of the runs is finished"), "{none}");
}

#[test]
fn runs_of_different_images_are_no_group_wherever_the_images_lie() {
    let folder = Folder::with_images(12);
    folder.train("a", &["--method", "ce"]);
    std::fs::rename(folder.path("data"), folder.path("moved")).unwrap();
    let mut args = train_args("b");
    args[1] = "moved";
    folder.run(&[&args[..], &["--method", "ce", "--seed", "2"]].concat());
    let compared = json(folder.run(&["compare", "a", "b", "--json"]).as_bytes());
    assert_eq!(
        compared["groups"].as_array().unwrap().len(),
        1,
        "the same images in another place: {compared}"
    );

    folder.put_image("moved/red/99.png", 2, 99);
    args[3] = "c";
    folder.run(&[&args[..], &["--method", "ce"]].concat());
    let table = folder.run(&["compare", "a", "b", "c"]);
    assert!(table.contains("note: The runs are of different images"), "{table}");
}

#[test]
fn what_can_not_be_compared_is_said() {
    let folder = Folder::with_images(4);
    assert!(folder.fails(1, &["compare", "data"]).contains("is no run folder"));
    assert!(folder.fails(1, &["compare", "nowhere"]).contains("nowhere"));
    folder.fails(2, &["compare"]);
}
