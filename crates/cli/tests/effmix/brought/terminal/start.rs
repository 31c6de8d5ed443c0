//! What is said when a training starts.

use super::*;

#[test]
fn a_training_says_images_classes_held_out_skipped_device_and_weights() {
    let folder = Folder::with_images(10);
    folder.put("data/red/notes.txt", "none");
    let told = stderr(&folder.output(&train_args("out")));
    let lines: Vec<&str> = told.lines().collect();
    let expected = [
        "device     the CPU, ",
        "images     23 to train on, 7 held out, ",
        "classes    3: blue, green, red",
        "weights    random numbers (efficientnet_b0",
        "run folder out",
        "needs      about ",
    ];
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{line:?} is not {expected:?}: {told}");
    }
    assert!(lines[1].ends_with("7 held out, no file skipped"), "{told}");
    assert!(told.contains("left: 1 .txt (red/notes.txt)"), "{told}");
}

#[test]
fn each_epochs_line_says_how_long_the_rest_takes() {
    let folder = Folder::with_images(20);
    let more = ["--width", "0.2", "--depth", "0.2", "--size", "32", "--epochs", "4", "--warmup", "2"];
    let told = stderr(&folder.output(&[&train_args("out"), &more[..]].concat()));
    let epochs: Vec<&str> = told.lines().filter(|line| line.starts_with("epoch ")).collect();
    assert_eq!(epochs.len(), 4, "{told}");
    assert!(epochs[0].starts_with("epoch   1/4 warm-up  ") && epochs[0].contains(" s left  loss "), "{told}");
}
