//! `effmix noise`.

use super::setup::{Folder, csv_rows, json, read};

fn wrong(rows: &[Vec<String>]) -> usize {
    rows.iter().filter(|row| row[1] != row[2]).count()
}

#[test]
fn a_labels_csv_has_a_row_an_image_and_the_real_rate_is_printed() {
    let folder = Folder::with_images(20);
    let shown =
        folder.run(&["noise", "data", "--out", "n.csv", "--kind", "pair", "--rate", "0.25", "--seed", "4"]);
    let (header, rows) = csv_rows(&read(&folder.path("n.csv")));
    assert_eq!(header.join(","), "path,label,true_label");
    assert_eq!(rows.len(), 60);
    assert_eq!(wrong(&rows), 15, "int(0.25 * 60), each drawn to the next class");
    assert!(shown.contains("15 of 60") && shown.contains("25.00 %"), "{shown}");
    assert!(rows.iter().all(|row| row[0].starts_with(&format!("{}/", row[2]))));
}

#[test]
fn the_seed_fixes_it() {
    let folder = Folder::with_images(20);
    for (file, seed) in [("a.csv", "1"), ("b.csv", "1"), ("c.csv", "2")] {
        folder.run(&["noise", "data", "--out", file, "--rate", "0.5", "--seed", seed]);
    }
    assert_eq!(read(&folder.path("a.csv")), read(&folder.path("b.csv")));
    assert_ne!(read(&folder.path("a.csv")), read(&folder.path("c.csv")));
}

#[test]
fn a_transition_matrix_says_which_class_is_taken_for_which() {
    let folder = Folder::with_images(10);
    folder.put("t.csv", "red,green,blue\n0,1,0\n0,1,0\n0,0,1\n");
    folder.run(&["noise", "data", "--out", "n.csv", "--transition", "t.csv"]);
    let (_, rows) = csv_rows(&read(&folder.path("n.csv")));
    assert!(rows.iter().all(|row| row[1] == if row[2] == "red" { "green" } else { &row[2] }));
    folder.put("bad.csv", "0.5,0.5\n1,0\n");
    let args = ["noise", "data", "--out", "m.csv", "--kind", "asymmetric", "--transition", "bad.csv"];
    let message = folder.fails(1, &args);
    assert!(message.contains("bad.csv") && message.contains("line 1"), "{message}");
}

#[test]
fn the_real_matrix_is_printed_and_as_json() {
    let folder = Folder::with_images(20);
    let flags = ["--kind", "pair", "--rate", "1"];
    let shown = folder.run(&[&["noise", "data", "--out", "n.csv"][..], &flags].concat());
    assert!(shown.contains("\nblue     0.0 100.0   0.0\ngreen    0.0   0.0 100.0\n"), "{shown}");
    let printed = folder.run(&[&["noise", "data", "--out", "m.csv", "--json"][..], &flags].concat());
    let outcome = json(printed.as_bytes());
    assert_eq!((&outcome["images"], &outcome["wrong"]), (&60.into(), &60.into()));
    assert_eq!((&outcome["noise_rate"], &outcome["kind"]), (&1.0.into(), &"pair".into()));
    assert_eq!(outcome["classes"][2], "red");
    assert_eq!(outcome["transition"], json(b"[[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]"));
    assert_eq!(outcome["skipped_files"], json(b"[]"));
}

#[test]
fn without_the_true_class_every_label_touched_is_wrong() {
    let folder = Folder::with_images(20);
    folder.run(&["noise", "data", "--out", "n.csv", "--kind", "symmetric-other", "--rate", "0.5"]);
    let (_, rows) = csv_rows(&read(&folder.path("n.csv")));
    assert_eq!(wrong(&rows), 30);
}

#[test]
fn cifar_s_published_mappings_go_by_the_names_of_the_folders() {
    let folder = Folder::new();
    let names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];
    for (number, name) in names.iter().enumerate() {
        folder.put_image(&format!("data/{name}/0.png"), 0, number);
    }
    folder.run(&["noise", "data", "--out", "n.csv", "--kind", "asymmetric", "--rate", "1"]);
    let (_, rows) = csv_rows(&read(&folder.path("n.csv")));
    let given: Vec<&str> = rows.iter().map(|row| row[1].as_str()).collect();
    let mapped =
        ["airplane", "automobile", "airplane", "dog", "horse", "cat", "frog", "horse", "ship", "automobile"];
    assert_eq!(given, mapped);
    std::fs::remove_dir_all(folder.path("data/deer")).unwrap();
    std::fs::remove_dir_all(folder.path("data/truck")).unwrap();
    let args = ["noise", "data", "--out", "m.csv", "--kind", "asymmetric", "--rate", "1"];
    let message = folder.fails(2, &args);
    assert!(message.contains("no class \"deer\", \"truck\" among the 8"), "{message}");
}

#[test]
fn noise_by_the_image_is_reproducible_for_any_number_of_threads() {
    let folder = Folder::with_images(20);
    folder.put("data/red/broken.png", "no image");
    for (file, seed, threads) in [("a.csv", "1", "1"), ("b.csv", "1", "3"), ("c.csv", "2", "1")] {
        let args = ["noise", "data", "--out", file, "--kind", "instance", "--rate", "0.4"];
        let output = folder.output(&[&args[..], &["--seed", seed, "--threads", threads]].concat());
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && errors.contains("red/broken.png"), "{errors}");
    }
    assert_eq!(read(&folder.path("a.csv")), read(&folder.path("b.csv")));
    assert_ne!(read(&folder.path("a.csv")), read(&folder.path("c.csv")));
    let (_, rows) = csv_rows(&read(&folder.path("a.csv")));
    assert_eq!(rows.len(), 60, "what can't be read has no pixels to go by");
    // 24 of 60 are expected, standard deviation 3.8: four of them.
    assert!(wrong(&rows).abs_diff(24) <= 15, "{}", wrong(&rows));
    folder.run(&["noise", "data", "--out", "d.csv", "--kind", "instance", "--rate", "0"]);
    assert_eq!(wrong(&csv_rows(&read(&folder.path("d.csv"))).1), 0);
}

#[test]
fn a_network_s_confusions_make_exactly_as_many_wrong_labels_or_its_own_share() {
    let folder = Folder::with_images(20);
    folder.train("run", &[]);
    for file in ["a.csv", "b.csv"] {
        folder.run(&["noise", "data", "--out", file, "--model", "run", "--rate", "0.3"]);
    }
    assert_eq!(read(&folder.path("a.csv")), read(&folder.path("b.csv")));
    let (_, rows) = csv_rows(&read(&folder.path("a.csv")));
    assert_eq!((rows.len(), wrong(&rows)), (60, 18));
    // Without a rate, the network's probabilities of the other classes add up to what is expected.
    let printed = folder.run(&["noise", "data", "--out", "c.csv", "--model", "run", "--json"]);
    folder.run(&["predict", "run", "data", "--top", "3", "--out", "p.csv"]);
    let (_, predicted) = csv_rows(&read(&folder.path("p.csv")));
    let doubts: Vec<f64> = predicted
        .iter()
        .filter(|row| row[0].contains(&format!("/{}/", row[1])))
        .map(|row| 1.0 - row[2].parse::<f64>().unwrap())
        .collect();
    assert_eq!(doubts.len(), 60);
    let expected: f64 = doubts.iter().sum();
    let deviation = doubts.iter().map(|q| q * (1.0 - q)).sum::<f64>().sqrt();
    let wrong = json(printed.as_bytes())["wrong"].as_f64().unwrap();
    // Two-sided significance 1e-4, and half for the whole number.
    assert!((wrong - expected).abs() <= 3.89 * deviation + 0.5, "{wrong}, {expected} +- {deviation}");

    folder.put_image("other/purple/0.png", 0, 1);
    folder.put_image("other/red/0.png", 2, 1);
    let message = folder.fails(1, &["noise", "other", "--out", "d.csv", "--model", "run"]);
    assert!(message.contains("doesn't know class \"purple\""), "{message}");
}

#[test]
fn flags_that_do_not_go_together_are_wrong_usage() {
    let folder = Folder::with_images(3);
    folder.fails(2, &["noise", "data", "--out", "n.csv", "--rate", "1.5"]);
    folder.fails(2, &["noise", "data", "--out", "n.csv"]);
    let message =
        folder.fails(2, &["noise", "data", "--out", "n.csv", "--kind", "asymmetric", "--rate", "0.4"]);
    assert!(message.contains("--transition") && message.contains("airplane"), "{message}");
    let message =
        folder.fails(2, &["noise", "data", "--out", "n.csv", "--kind", "confusion", "--rate", "0.4"]);
    assert!(message.contains("--model"), "{message}");
    folder.fails(2, &["noise", "data", "--out", "n.csv", "--kind", "pair", "--model", "run"]);
    folder.fails(2, &["noise", "data", "--out", "n.csv", "--kind", "pair", "--transition", "t.csv"]);
    folder.fails(2, &["noise", "data", "--out", "n.csv", "--rate", "0.4", "--arch", "b0"]);
    folder.put("n.csv", "mine\n");
    folder.fails(1, &["noise", "data", "--out", "n.csv", "--rate", "0.4", "--force"]);
    assert_eq!(read(&folder.path("n.csv")), b"mine\n");
}
