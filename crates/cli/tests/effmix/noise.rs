//! `effmix noise`.

use super::setup::{Folder, csv_rows, read};

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
    folder.run(&["noise", "data", "--out", "n.csv", "--kind", "asymmetric", "--transition", "t.csv"]);
    let (_, rows) = csv_rows(&read(&folder.path("n.csv")));
    assert!(rows.iter().all(|row| row[1] == if row[2] == "red" { "green" } else { &row[2] }));
    folder.put("bad.csv", "0.5,0.5\n1,0\n");
    let args = ["noise", "data", "--out", "m.csv", "--kind", "asymmetric", "--transition", "bad.csv"];
    let message = folder.fails(1, &args);
    assert!(message.contains("bad.csv") && message.contains("line 1"), "{message}");
}

#[test]
fn what_is_not_there_yet_or_can_not_be_is_wrong_usage() {
    let folder = Folder::with_images(3);
    let message =
        folder.fails(2, &["noise", "data", "--out", "n.csv", "--kind", "instance", "--rate", "0.4"]);
    assert!(message.contains("instance"), "{message}");
    folder.fails(2, &["noise", "data", "--out", "n.csv", "--rate", "1.5"]);
    folder.fails(2, &["noise", "data", "--out", "n.csv"]);
    folder.fails(2, &["noise", "data", "--out", "n.csv", "--kind", "asymmetric", "--rate", "0.4"]);
    folder.put("n.csv", "mine\n");
    folder.fails(1, &["noise", "data", "--out", "n.csv", "--rate", "0.4", "--force"]);
    assert_eq!(read(&folder.path("n.csv")), b"mine\n");
}
