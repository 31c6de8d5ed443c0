//! `--method`, and what goes with it: a teacher, presets, DivideMix without a part.

use super::setup::{Folder, json, read};

fn config(folder: &Folder, run: &str) -> String {
    String::from_utf8(read(&folder.path(run).join("config.toml"))).unwrap()
}

#[test]
fn every_method_trains_and_goes_into_the_config() {
    let folder = Folder::with_images(8);
    let methods = [
        "smooth",
        "penalty",
        "mixup",
        "relabel",
        "joint",
        "reweight",
        "forward",
        "backward",
        "consistency",
        "entropy",
    ];
    for method in methods {
        folder.train(method, &["--method", method]);
        assert!(config(&folder, method).contains(&format!("method = \"{method}\"")));
        let networks = if method == "consistency" { 2 } else { 1 };
        let card = json(&read(&folder.path(method).join("model/model.json")));
        assert_eq!(card["networks"].as_array().unwrap().len(), networks, "{method}");
        assert!(folder.path(method).join("label_issues.csv").is_file());
    }
}

#[test]
fn a_student_learns_from_a_run_and_goes_on_with_its_teacher() {
    let folder = Folder::with_images(8);
    folder.train("teacher", &["--method", "ce"]);
    folder.train("student", &["--method", "distill", "--teacher", "teacher", "--teacher-temperature", "2"]);
    let config = config(&folder, "student");
    assert!(config.contains("teacher-temperature = 2.0") && config.contains("/teacher\""), "{config}");
    assert!(folder.run(&["resume", "student", "--epochs", "4"]).contains("4"));

    let says = |more: &[&str]| {
        folder.fails(
            2,
            &[
                &["train", "data", "--weights", "none", "--out", "new", "--epochs", "1", "--warmup", "0"],
                more,
            ]
            .concat(),
        )
    };
    assert!(says(&["--method", "distill"]).contains("--teacher"));
    assert!(says(&["--method", "smooth", "--teacher", "teacher"]).contains("--teacher"));
    std::fs::rename(folder.path("data/green"), folder.path("data/other")).unwrap();
    let error = says(&["--method", "distill", "--teacher", "teacher"]);
    assert!(error.contains("--teacher: ") && error.contains("doesn't know class \"other\""), "{error}");
}

#[test]
fn what_is_said_goes_before_a_preset_and_a_preset_before_the_defaults() {
    let folder = Folder::with_images(8);
    folder.train("run", &["--preset", "cifar10-sym90"]);
    let config = config(&folder, "run");
    for line in
        ["preset = \"cifar10-sym90\"", "epochs = 3", "threshold = 0.6", "loss-average = 5", "lambda-u = 50.0"]
    {
        assert!(config.lines().any(|found| found == line), "{line} in {config}");
    }
    let list = folder.run(&["train", "--preset", "list"]);
    assert!(list.contains("cifar100-sym80") && list.contains("150") && list.contains("webvision"), "{list}");
    assert!(folder.fails(2, &["train", "data", "--preset", "mnist"]).contains("cifar10-sym20"));
}

#[test]
fn weights_are_averaged_and_classes_divided_by_themselves() {
    let folder = Folder::with_images(8);
    let model = |run: &str| read(&folder.path(run).join("model/net1.safetensors"));
    folder.train("raw", &[]);
    folder.train("run", &["--ema", "0.9", "--division", "by-class"]);
    assert!(model("run") != model("raw"), "the average is what is left");
    let config = config(&folder, "run");
    assert!(config.contains("ema = 0.9") && config.contains("division = \"by-class\""), "{config}");
    let refused = |flags: &[&str]| folder.fails(2, &[&["train", "data", "--out", "new"], flags].concat());
    assert!(refused(&["--ema", "1"]).contains("below 1"));
    assert!(refused(&["--ema", "0.9", "--method", "consistency"]).contains("teacher"));
    assert!(refused(&["--division", "classes"]).contains("by-class"));
}

#[test]
fn an_epoch_is_of_as_many_images_as_was_said() {
    let folder = Folder::with_images(10);
    let model = |run: &str| read(&folder.path(run).join("model/net1.safetensors"));
    folder.train("all", &[]);
    folder.train("more", &["--epoch-images", "1000"]);
    folder.train("some", &["--epoch-images", "12"]);
    assert!(model("more") == model("all") && model("some") != model("all"));
    assert!(config(&folder, "some").contains("epoch-images = 12"));
    let rated = |run: &str| {
        String::from_utf8(read(&folder.path(run).join("label_issues.csv"))).unwrap().lines().count()
    };
    assert_eq!(rated("some"), rated("all"), "all images are rated");
    let refused = |flags: &[&str]| folder.fails(2, &[&["train", "data", "--out", "new"], flags].concat());
    for bad in ["0", "7"] {
        let error = refused(&["--batch", "8", "--epoch-images", bad]);
        assert!(error.contains("--epoch-images") && error.contains("at least --batch"), "{error}");
    }
    let preset = Folder::with_images(4);
    preset.train("run", &["--preset", "clothing1m"]);
    assert!(config(&preset, "run").contains("epoch-images = 32000"));
}

#[test]
fn dividemix_is_trained_without_a_part_of_it() {
    let folder = Folder::with_images(8);
    for part in ["co-training", "refinement", "other-division", "mixmatch"] {
        folder.train(part, &["--ablate", part]);
        assert!(config(&folder, part).contains(&format!("ablate = \"{part}\"")));
    }
    let refused = |flags: &[&str]| folder.fails(2, &[&["train", "data", "--out", "new"], flags].concat());
    assert!(refused(&["--method", "ce", "--ablate", "refinement"]).contains("--ablate"));
    assert!(refused(&["--method", "ce", "--strength", "1"]).contains("--strength"));
    assert!(refused(&["--method", "smooth", "--strength", "2"]).contains("from 0 to 1"));
    assert!(refused(&["--method", "forward", "--warmup", "0"]).contains("--warmup"));
    assert!(!folder.path("new").exists());
}
