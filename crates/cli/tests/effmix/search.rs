//! `effmix scale search`: networks of equal cost, the better half of which goes on.

use super::setup::{Folder, csv_rows, json, read};

/// A search that takes some seconds.
fn args(out: &str) -> Vec<&str> {
    let flags = "--phi -6 --candidates 3 --tolerance 0.2 --halvings 1 --alone 1 --epochs 2 --batch 8 --test-fraction 0.2";
    [&["scale", "search", "data", "--out", out][..], &flags.split(' ').collect::<Vec<_>>()].concat()
}

#[test]
fn a_search_ranks_its_networks_and_goes_on_where_it_was_stopped() {
    let folder = Folder::with_images(8);
    let output = folder.output(&args("whole"));
    let (shown, told) = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).into();
    assert!(told.contains("a whole search takes about"), "{told}");
    let (header, rows) = csv_rows(&read(&folder.path("whole/search.csv")));
    let column = |name: &str| header.iter().position(|column| column == name).unwrap();
    let (kind, epochs, accuracy) = (column("kind"), column("epochs"), column("accuracy"));
    let of = |wanted: &str| rows.iter().filter(|row| row[kind] == wanted).cloned().collect::<Vec<_>>();
    let candidates = of("candidate");
    assert_eq!(candidates.len(), 3, "{shown}");
    let trained: Vec<&str> = candidates.iter().map(|row| row[epochs].as_str()).collect();
    assert_eq!(trained, ["2", "2", "1"], "the better half of three, rounded up, is trained to the end");
    let score = |row: &Vec<String>| row[accuracy].parse::<f64>().unwrap();
    assert!(score(&candidates[0]) >= score(&candidates[1]));
    for wanted in ["baseline", "depth", "width", "resolution"] {
        assert_eq!(of(wanted).len(), 1, "{wanted}");
    }
    assert!(rows.iter().any(|row| row[column("on_front")] == "true"));
    assert!(shown.contains("best bases: effmix scale --phi X --alpha"), "{shown}");
    assert!(read(&folder.path("whole/search.svg")).starts_with(b"<svg"));

    // What is compared drops alike, however wide and deep it is.
    let rates = |row: &Vec<String>| {
        let path = folder.path("whole/runs").join(&row[column("name")]).join("config.toml");
        let config = String::from_utf8(read(&path)).unwrap();
        let rates = config.lines().filter(|line| line.starts_with("drop"));
        rates.map(str::to_owned).collect::<Vec<_>>()
    };
    let first = rates(&rows[0]);
    assert_eq!(first.len(), 2, "dropout and drop_path: {first:?}");
    assert!(rows.iter().all(|row| rates(row) == first), "{first:?}");

    // As if it had been stopped in the middle of the second rung.
    let out = folder.path("cut");
    std::fs::create_dir(&out).unwrap();
    std::fs::copy(folder.path("whole/search.toml"), out.join("search.toml")).unwrap();
    let kept = &candidates[0][column("name")];
    copy_folder(&folder.path("whole/runs").join(kept), &out.join("runs").join(kept));
    std::fs::create_dir(out.join("runs/baseline")).unwrap();
    folder.run(&args("cut"));
    assert_eq!(read(&folder.path("cut/search.csv")), read(&folder.path("whole/search.csv")));

    let again = json(folder.run(&[&args("whole")[..], &["--json"]].concat()).as_bytes());
    assert_eq!(again.as_array().unwrap().len(), rows.len());
    let other = folder.fails(1, &[&args("whole")[..], &["--epochs", "3"]].concat());
    assert!(other.contains("other settings") && other.contains("--out"), "{other}");
}

#[test]
fn a_search_refuses_what_it_decides_itself_and_what_is_not_its_own() {
    let folder = Folder::with_images(4);
    for (flags, named) in [
        (&["--width", "0.5"][..], "--width"),
        (&["--weights", "w.pth"], "--weights"),
        (&["--budget", "1m"], "--budget"),
        (&["--force"], "--force"),
        (&["--candidates", "1"], "--candidates"),
        (&["--tolerance", "0"], "--tolerance"),
        (&["--test-fraction", "0"], "--test-fraction"),
    ] {
        let message = folder.fails(2, &[&["scale", "search", "data", "--out", "new"], flags].concat());
        assert!(message.contains(named), "{message}");
    }
    assert!(folder.fails(2, &["scale", "search"]).contains("DATA"));
    assert!(!folder.path("new").exists(), "what is refused leaves nothing behind");
    folder.put("mine/notes.txt", "mine");
    let message = folder.fails(1, &["scale", "search", "data", "--out", "mine"]);
    assert!(message.contains("mine") && message.contains("--out"), "{message}");
}

fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
