//! What is refused is refused before anything is removed or changed, and the message names the flag.

use super::setup::{Folder, csv_rows, json, read, train_args};

/// The content of every file below a folder, by its path.
fn contents(folder: &std::path::Path) -> std::collections::BTreeMap<std::path::PathBuf, Vec<u8>> {
    let mut found = std::collections::BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(contents(&path)),
            false => drop(found.insert(path.clone(), read(&path))),
        }
    }
    found
}

#[test]
fn force_never_takes_away_an_input() {
    let folder = Folder::with_images(8);
    folder.train("out", &[]);
    let before = contents(&folder.path("out"));
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder.path("out"), folder.path("link")).unwrap();
    let weights = ["--weights", "out/model/net1.safetensors", "--freeze", "none"];
    let inputs: &[(&[&str], &str)] = &[
        (&["--start-from", "out"], "--start-from"),
        (&["--method", "distill", "--teacher", "out"], "--teacher"),
        (&["--method", "distill", "--teacher", "data/../out/model"], "--teacher"),
        (&weights, "--weights"),
        (&["--labels", "out/label_issues.csv", "--label-column", "given_label"], "--labels"),
        #[cfg(unix)]
        (&["--start-from", "link"], "--start-from"),
    ];
    for &(input, flag) in inputs {
        let of_weights = input[0] == "--weights";
        let args = train_args("out")
            .into_iter()
            .filter(|arg| !of_weights || !matches!(*arg, "--width" | "--depth" | "0.1"));
        let args: Vec<&str> = args.chain(["--force"]).chain(input.iter().copied()).collect();
        let message = folder.fails(2, &args);
        assert!(
            message.contains(&format!("{flag}: ")) && message.contains("choose another --out"),
            "{message}"
        );
        assert_eq!(contents(&folder.path("out")), before, "{input:?}");
    }
    // Another run that can't be used is found out before, too.
    folder.put("cut/config.toml", read(&folder.path("out/config.toml")));
    let args = [&train_args("out")[..], &["--force", "--start-from", "cut"]].concat();
    assert!(folder.fails(1, &args).contains("effmix resume"));
    assert_eq!(contents(&folder.path("out")), before);
}

#[test]
fn what_resume_refuses_leaves_a_finished_run_as_it_was() {
    let folder = Folder::with_images(8);
    folder.train("out", &[]);
    let longer = ["resume", "out", "--epochs", "5"];
    let unchanged = |status: i32, why: &str| {
        let before = contents(&folder.path("out"));
        let message = folder.fails(status, &longer);
        assert!(message.contains(why), "{message}");
        assert_eq!(contents(&folder.path("out")), before, "{why}");
    };
    let config = String::from_utf8(read(&folder.path("out/config.toml"))).unwrap();
    for (setting, changed, why) in [
        ("augment = \"flip-crop\"", "augment = \"none\"", "--augment was \"flip-crop\", and is now \"none\""),
        ("size = 12", "size = 16", "--size was 12, and is now 16"),
        ("lr = 0.01", "lr = 0.02", "--lr was 0.01, and is now 0.02"),
    ] {
        assert!(config.contains(setting), "{config}");
        folder.put("out/config.toml", config.replace(setting, changed));
        unchanged(1, why);
    }
    folder.put("out/config.toml", &config);
    let (_, rows) = csv_rows(&read(&folder.path("out/label_issues.csv")));
    let trained_on = folder.path("data").join(&rows.iter().find(|row| row[9] == "train").unwrap()[1]);
    std::fs::rename(&trained_on, folder.path("kept.png")).unwrap();
    unchanged(1, "other samples or labels");
    std::fs::rename(folder.path("kept.png"), &trained_on).unwrap();

    let checkpoint = folder.path("out/checkpoints/epoch-0003.safetensors");
    let whole = read(&checkpoint);
    std::fs::write(&checkpoint, read(&folder.path("out/model/net1.safetensors"))).unwrap();
    unchanged(1, "not a checkpoint to go on from");
    std::fs::write(&checkpoint, whole).unwrap();

    folder.put("out/.part-aB3dE6", "left by a process that was killed");
    folder.put("out/checkpoints/.part-aB3dE6", "left by a process that was killed");
    folder.run(&longer);
    assert!(
        !folder.path("out/.part-aB3dE6").exists() && !folder.path("out/checkpoints/.part-aB3dE6").exists()
    );
}

#[test]
fn a_number_that_is_too_large_names_its_flag_and_range() {
    let folder = Folder::with_images(4);
    folder.put("empty.toml", "");
    let most = "18446744073709551615";
    for (flag, value, range) in [
        ("--augmentations", most, "from 1 to 64"),
        ("--seed", "9223372036854775808", "9223372036854775807"),
        ("--threads", most, "from 1 to 1024"),
        ("--epochs", most, "from 1 to 1000000"),
        ("--test-fraction", "-1", "from 0 to 0.9"),
    ] {
        let given = format!("{flag}={value}");
        folder.put("given.toml", format!("{} = {value}\n", &flag[2..]));
        let ways = [&[given.as_str()][..], &[&given, "--config", "empty.toml"], &["--config", "given.toml"]];
        for way in ways {
            let message = folder.fails(2, &[&["train", "data", "--weights", "none"], way].concat());
            assert!(message.contains(&format!("{flag}: ")) && message.contains(range), "{way:?}: {message}");
        }
    }
    assert!(!folder.path("runs").exists(), "what is refused leaves nothing behind");
}

#[test]
fn a_search_checks_how_its_networks_are_trained_before_it_begins() {
    let folder = Folder::with_images(6);
    for (flag, named) in [
        ("--epochs=0", "--epochs"),
        ("--size=0", "--size"),
        ("--lr=-1", "--lr"),
        ("--test-fraction=-1", "--test-fraction"),
        ("--checkpoint-every=3", "--checkpoint-every"),
    ] {
        let message =
            folder.fails(2, &["scale", "search", "data", "--out", "new", "--tolerance", "0.2", flag]);
        assert!(message.contains(&format!("{named}: ")), "{message}");
        assert!(!folder.path("new").exists(), "{flag} leaves nothing behind");
    }
}

#[test]
fn an_unfinished_run_is_no_model_yet_and_says_how_to_finish_it() {
    let folder = Folder::with_images(4);
    folder.train("whole", &[]);
    folder.put("cut/config.toml", read(&folder.path("whole/config.toml")));
    for args in [
        &["predict", "cut", "data"][..],
        &["predict", "cut/model", "data"],
        &["evaluate", "cut", "data"],
        &["export", "cut", "--format", "onnx", "--out", "m.onnx"],
        &["train", "data", "--start-from", "cut", "--weights", "none"],
        &["train", "data", "--weights", "cut"],
        &["train", "data", "--method", "distill", "--teacher", "cut", "--weights", "none"],
        &["report", "cut"],
    ] {
        let message = folder.fails(1, args);
        assert!(message.contains("is not finished; finish it with: effmix resume "), "{args:?}: {message}");
    }
    let page = read(&folder.path("whole/report.html"));
    for file in ["division.json", "label_issues.csv"] {
        std::fs::remove_file(folder.path("whole").join(file)).unwrap();
        let message = folder.fails(1, &["report", "whole"]);
        assert!(message.contains(file) && message.contains("is missing"), "{message}");
    }
    assert_eq!(read(&folder.path("whole/report.html")), page);
}

#[test]
fn outputs_have_files_of_their_own() {
    let folder = Folder::with_images(4);
    folder.train("run", &[]);
    let predict = |more: &[&'static str]| [&["predict", "run", "data/red"], more].concat();
    for two in [
        ["--logits", "x.npy", "--embeddings", "x.npy"],
        ["--out", "y", "--logits", "./y"],
        ["--cam", "data/../maps", "--out", "maps"],
    ] {
        let message = folder.fails(2, &predict(&two));
        assert!(message.contains(two[0]) && message.contains(two[2]), "{message}");
    }
    // With as many columns, NumPy's tables can't be told apart; others are not replaced.
    folder.run(&predict(&["--logits", "l.npy", "--embeddings", "e.npy"]));
    folder.run(&predict(&["--logits", "l.npy", "--force"]));
    let before = read(&folder.path("e.npy"));
    let message = folder.fails(1, &predict(&["--logits", "e.npy", "--force"]));
    assert!(message.contains("won't replace"), "{message}");
    assert_eq!(read(&folder.path("e.npy")), before);

    let figure = |more: &[&'static str]| [&["scale", "figure", "--out", "f.svg"], more].concat();
    folder.run(&figure(&[]));
    folder.run(&figure(&["--force"]));
    folder.put("f.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"><!-- mine --></svg>\n");
    assert!(folder.fails(1, &figure(&["--force"])).contains("won't replace"));

    let net = read(&folder.path("run/model/net1.safetensors"));
    let export =
        ["export", "run", "--format", "safetensors", "--out", "run/model/net1.safetensors", "--force"];
    assert!(folder.fails(2, &export).contains("part of the model itself"));
    assert_eq!(read(&folder.path("run/model/net1.safetensors")), net);
}

#[cfg(unix)]
#[test]
fn a_link_at_the_output_stays_and_one_to_nothing_is_refused() {
    use std::os::unix::fs::symlink;
    let folder = Folder::with_images(4);
    let noise =
        |more: &[&'static str]| [&["noise", "data", "--rate", "0.5", "--out", "link.csv"], more].concat();
    symlink("elsewhere.csv", folder.path("link.csv")).unwrap();
    for more in [&[][..], &["--force"]] {
        let message = folder.fails(1, &noise(more));
        assert!(message.contains("symbolic link"), "{message}");
        assert!(!folder.path("elsewhere.csv").exists());
    }
    folder.put("elsewhere.csv", "path,label,true_label\n");
    folder.run(&noise(&["--force"]));
    assert!(folder.path("link.csv").symlink_metadata().unwrap().is_symlink());
    assert!(
        read(&folder.path("elsewhere.csv")).len() > 100,
        "the file that the link leads to has the labels"
    );
}

#[test]
fn copies_of_training_images_among_the_held_out_ones_are_named() {
    let folder = Folder::with_images(6);
    for (class, name) in ["blue", "green", "red"].into_iter().enumerate() {
        folder.put_image(&format!("test/{name}/new.png"), class, 20);
    }
    let copied = read(&folder.path("data/red/03.png"));
    folder.put("test/red/again.png", copied);
    let args: Vec<&str> =
        train_args("out").into_iter().filter(|arg| !matches!(*arg, "--test-fraction" | "0.2")).collect();
    let output = folder.output(&[&args[..], &["--test", "test"]].concat());
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    assert!(told.contains("test/red/again.png is red/03.png"), "{told}");
    let summary = json(&read(&folder.path("out/summary.json")));
    let expected = serde_json::json!([{ "path": "test/red/again.png", "train_path": "red/03.png" }]);
    assert_eq!(summary["test_copies"], expected, "{summary}");
}
