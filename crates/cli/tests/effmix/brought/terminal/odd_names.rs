//! Names that a terminal would obey.

use super::*;

#[test]
fn files_with_them_are_shown_escaped_and_stand_in_data_as_they_are() {
    let folder = Folder::with_images(6);
    folder.train("run", &["--method", "ce", "--warmup", "3"]);
    for name in NAMES {
        folder.put(&format!("odd/{name}.png"), "no image");
    }
    folder.put_image("odd/whole.png", 0, 0);
    let output = folder.output(&["predict", "run", "odd", "--out", "p.csv"]);
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    for shown in SHOWN {
        let warned = |line: &str| line.starts_with("warning: ") && line.contains(&format!("odd/{shown}.png"));
        assert!(told.lines().any(warned), "{shown}: {told}");
    }
    assert!(is_harmless(&told), "{told}");
    let (_, rows) = csv_rows(&read(&folder.path("p.csv")));
    assert!(NAMES.iter().all(|name| rows.iter().any(|row| row[0] == format!("odd/{name}.png"))), "{rows:?}");
    // To a pipe as well; a terminal is another matter.
    let piped = folder.output(&["predict", "run", "odd"]).stdout;
    assert!(csv_rows(&piped).1.iter().any(|row| row[0] == format!("odd/{}.png", NAMES[1])));
}

#[test]
fn classes_with_them_are_shown_escaped_in_every_table() {
    let folder = Folder::new();
    for (class, name) in NAMES.iter().enumerate() {
        (0..8).for_each(|number| folder.put_image(&format!("data/{name}/{number}.png"), class, number));
    }
    let output = folder.output(&train_args("run"));
    let told = stderr(&output);
    assert!(output.status.success(), "{told}");
    assert!(is_harmless(&told) && SHOWN.iter().all(|shown| told.contains(shown)), "{told}");
    assert!(is_harmless(&String::from_utf8(output.stdout).unwrap()));
    let table = folder.run(&["evaluate", "run", "data"]);
    assert!(is_harmless(&table), "{table}");
    // In the table of classes, and in the confusion.
    let begin = |shown: &&str| table.lines().filter(|line| line.starts_with(*shown)).count();
    assert!(SHOWN.iter().all(|shown| begin(shown) == 2), "{table}");
    let noise = folder.run(&["noise", "data", "--out", "n.csv", "--rate", "0.5"]);
    assert!(is_harmless(&noise) && SHOWN.iter().all(|shown| noise.contains(shown)), "{noise}");
    // Data keep the names.
    let config: toml::Table =
        toml::from_str(std::str::from_utf8(&read(&folder.path("run/config.toml"))).unwrap()).unwrap();
    assert_eq!(config["classes"].as_array().unwrap()[0].as_str(), Some(NAMES[0]));
    let (_, rows) = csv_rows(&read(&folder.path("n.csv")));
    assert!(rows.iter().any(|row| row[2] == NAMES[1]));
}

#[test]
fn errors_and_the_log_show_them_escaped() {
    let folder = Folder::with_images(4);
    for (name, shown) in NAMES.iter().zip(SHOWN) {
        for args in [
            &["train", name][..],
            &["train", "data", "--labels", name],
            &["train", "data", "--config", name],
            &["train", "data", "--method", name],
            &["predict", name, "data"],
            &["report", name],
            &[name],
        ] {
            let output = folder.effmix(args).env("EFFMIX_LOG", "debug").output().unwrap();
            let told = stderr(&output);
            assert!(
                !output.status.success() && is_harmless(&told) && told.contains(shown),
                "{args:?}: {told}"
            );
            assert!(!told.lines().any(|line| line.starts_with("lines")), "{args:?}: {told}");
        }
    }
    folder
        .put("l.csv", "path,label\nblue/00.png,\"no\u{1b}[1m\nclass\"\nblue/01.png,blue,\"x\u{202e}\ny\"\n");
    let told = folder.fails(1, &["train", "data", "--weights", "none", "--labels", "l.csv"]);
    assert!(is_harmless(&told), "{told}");
}
