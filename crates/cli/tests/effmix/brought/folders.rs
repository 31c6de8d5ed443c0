//! Folders: splits, classes, and what else lies there.

use super::super::setup::{CLASSES, Folder, json, read, train_args};

/// A training by the folders alone, as short as one can be; gives what it said.
fn trained(folder: &Folder, more: &[&str]) -> String {
    let args: Vec<&str> = train_args("out")
        .into_iter()
        .filter(|arg| !matches!(*arg, "--test-fraction" | "0.2"))
        .map(|arg| if arg == "3" { "1" } else { arg })
        .collect();
    let output = folder.output(&[&args[..], more].concat());
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    told
}

/// A folder whose set has parts of these names, with a few images of each class.
fn in_parts(parts: &[(&str, usize)]) -> Folder {
    let folder = Folder::new();
    for (part, each) in parts {
        for (class, (name, _)) in CLASSES.iter().enumerate() {
            for number in 0..*each {
                // No image is in two parts.
                let number = number + part.len() * 20;
                folder.put_image(&format!("data/{part}/{name}/{number}.png"), class, number);
            }
        }
    }
    folder
}

#[test]
fn train_and_valid_are_parts_of_a_set_and_no_classes() {
    for (train, held_out) in [("train", "valid"), ("Training", "DEV"), ("TRAIN", "Testing")] {
        let folder = in_parts(&[(train, 6), (held_out, 2)]);
        trained(&folder, &[]);
        let summary = json(&read(&folder.path("out/summary.json")));
        assert_eq!(
            (&summary["classes"], &summary["images"], &summary["test_images"]),
            (&3.into(), &18.into(), &6.into()),
            "{train} and {held_out}: {summary}"
        );
        let evaluation = json(folder.run(&["evaluate", "out", "data", "--json"]).as_bytes());
        assert_eq!(evaluation["images"], 6, "{held_out} is measured on");
    }
}

#[test]
fn parts_by_other_names_are_refused_with_the_flag_that_is_meant() {
    let folder = in_parts(&[("train2017", 4), ("val2017", 2)]);
    let message = folder.fails(1, &train_args("out"));
    assert!(message.contains("look like parts of a set") && message.contains("--test "), "{message}");
    assert!(!folder.path("out").exists());
}

#[test]
fn a_set_one_folder_too_deep_is_refused_with_the_folder_that_is_meant() {
    let folder = in_parts(&[("photos", 4)]);
    let message = folder.fails(1, &train_args("out"));
    assert!(message.contains("it holds the folders blue, green, red"), "{message}");
    assert!(message.contains("data/photos is the folder that is meant"), "{message}");
}

#[test]
fn the_program_s_own_runs_among_the_classes_are_no_class() {
    let folder = Folder::with_images(6);
    folder.train("data/runs/first", &[]);
    folder.put_image("data/runs/first/pictures/a.png", 0, 1);
    let told = trained(&folder, &[]);
    assert!(told.contains("left: 1 folder of results (runs/first)"), "{told}");
    assert!(!told.contains("holds no images"), "{told}");
    assert_eq!(json(&read(&folder.path("out/summary.json")))["classes"], 3);
    // A run in a class, and a file that another program calls config.toml, take nothing from the class.
    folder.train("data/red/runs/second", &[]);
    folder.put("data/blue/config.toml", "a = 1");
    folder.put("data/green/deep/config.toml", "");
    let told = trained(&folder, &["--force"]);
    assert!(told.contains("2 folders of results"), "{told}");
    let summary = json(&read(&folder.path("out/summary.json")));
    assert_eq!(
        (&summary["classes"], &summary["images"]),
        (&3.into(), &(18 - summary["test_images"].as_u64().unwrap()).into())
    );
}

#[test]
fn what_an_archive_of_macos_and_a_hidden_folder_hold_is_left_and_named() {
    let folder = Folder::with_images(6);
    folder.put_image("data/__MACOSX/red/a.png", 0, 1);
    folder.put_image("data/.purple/a.png", 0, 1);
    let told = trained(&folder, &[]);
    assert!(told.contains("left: 1 hidden, 1 folder of other programs (.purple, __MACOSX)"), "{told}");
    assert!(told.contains("rename what is to be used"), "{told}");
    let issues = String::from_utf8(read(&folder.path("out/data_issues.csv"))).unwrap();
    assert!(
        issues.contains("__MACOSX,left,is a folder that another program keeps for itself,\n"),
        "{issues}"
    );
}

#[cfg(unix)]
#[test]
fn pipes_sockets_and_devices_are_passed_by_and_counted_in_train_and_predict() {
    let folder = Folder::with_images(6);
    let pipe = folder.path("data/red/pipe.png");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(folder.path("data/red/socket.jpg")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", folder.path("data/red/zero.png")).unwrap();
    let counted = "left: 1 named pipe, 1 socket, 1 device (";
    assert!(trained(&folder, &[]).contains(counted));
    let output = folder.output(&["predict", "out", "data"]);
    assert!(
        output.status.success() && String::from_utf8_lossy(&output.stderr).contains(counted),
        "{output:?}"
    );
    let named = folder.fails(1, &["predict", "out", "data/red/pipe.png", "data/red/00.png"]);
    assert!(named.contains("data/red/pipe.png: it is a named pipe, not a file"), "{named}");
}

#[test]
fn a_set_with_fewer_classes_than_the_model_is_measured_and_tested_on() {
    let folder = Folder::with_images(6);
    folder.put_image("some/red/1.png", 2, 77);
    let told = trained(&folder, &["--test", "some"]);
    assert!(told.contains("no image is held out of blue, green"), "{told}");
    let evaluation = json(folder.run(&["evaluate", "out", "some", "--json"]).as_bytes());
    assert_eq!((&evaluation["images"], evaluation["classes"].as_array().unwrap().len()), (&1.into(), 3));
}

#[test]
fn classes_that_the_model_doesn_t_know_are_named_and_left_out_of_the_measure() {
    let folder = Folder::with_images(6);
    trained(&folder, &[]);
    folder.put_image("some/red/1.png", 2, 77);
    folder.put_image("some/violet/2.png", 1, 78);
    folder.put_image("some/white/3.png", 1, 79);
    let output = folder.output(&["evaluate", "out", "some", "--json"]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    assert!(told.contains("images that are left out, because the model doesn't know their classes: 2, of \"violet\" (1), \"white\" (1)"), "{told}");
    assert_eq!(json(&output.stdout)["images"], 1);
    let none = folder.fails(1, &["evaluate", "out", "some/white"]);
    assert!(none.contains("no image"), "{none}");
    folder.put_image("others/white/3.png", 1, 79);
    let none = folder.fails(1, &["evaluate", "out", "others"]);
    assert!(none.contains("the model knows none of its classes; it knows blue, green, red"), "{none}");
    let told = trained_over(&folder, &["--test", "some"]);
    assert!(
        told.contains("because no training image has their classes: 2, of \"violet\" (1), \"white\" (1)"),
        "{told}"
    );
}

fn trained_over(folder: &Folder, more: &[&str]) -> String {
    trained(folder, &[more, &["--force"]].concat())
}
