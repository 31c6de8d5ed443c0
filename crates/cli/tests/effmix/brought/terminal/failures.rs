//! What goes wrong, and what is done of the rest.

use super::*;

#[test]
fn a_file_that_fails_ends_predict_with_1_and_the_others_are_done_and_written() {
    let folder = Folder::with_images(6);
    folder.train("run", &["--method", "ce", "--warmup", "3"]);
    folder.put("broken.png", "no image");
    let args = ["predict", "run", "data/red/00.png", "broken.png", "missing.png", "data/blue/00.png"];
    let outputs = ["--out", "p.csv", "--logits", "l.npy", "--embeddings", "e.npy", "--cam", "maps"];
    let told = folder.fails(1, &[&args[..], &outputs].concat());
    assert!(told.contains("2 of 4 images can't be read; the others are done"), "{told}");
    assert!(told.contains("warning: broken.png: ") && told.contains("warning: missing.png: "), "{told}");
    assert_eq!(csv_rows(&read(&folder.path("p.csv"))).1.len(), 4);
    let (shape, logits) = npy(&folder.path("l.npy"));
    let is_nan: Vec<bool> = logits.chunks(3).map(|row| row[0].is_nan()).collect();
    assert_eq!((shape, is_nan), (vec![4, 3], vec![false, true, true, false]));
    assert_eq!(npy(&folder.path("e.npy")).0[0], 4);
    assert_eq!(std::fs::read_dir(folder.path("maps")).unwrap().count(), 2);
    let output = folder.output(&[&args[..], &["--json"]].concat());
    let found = json(&output.stdout);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(found["skipped_files"].as_array().unwrap().len(), 2);
}

#[test]
fn a_very_long_name_gets_its_map() {
    let folder = Folder::with_images(6);
    folder.train("run", &["--method", "ce", "--warmup", "3"]);
    let long = format!("long/{}.png", "ä".repeat(120));
    folder.put_image(&long, 0, 0);
    folder.run(&["predict", "run", &long, "--cam", "maps"]);
    let maps: Vec<_> =
        std::fs::read_dir(folder.path("maps")).unwrap().map(|map| map.unwrap().file_name()).collect();
    assert_eq!(maps, [format!("00001-{}.png", "ä".repeat(100)).as_str()]);
}

#[test]
fn maps_that_cannot_be_written_are_refused_before_anything_is() {
    let folder = Folder::with_images(6);
    folder.train("run", &["--method", "ce", "--warmup", "3"]);
    folder.put("maps/mine.txt", "mine");
    let outputs = ["--out", "p.csv", "--logits", "l.npy", "--cam", "maps"];
    let told = folder.fails(1, &[&["predict", "run", "data"], &outputs[..]].concat());
    assert!(told.contains("maps: not empty"), "{told}");
    let args = ["predict", "run", "data", "--out", "no/such/p.csv", "--cam", "new"];
    folder.fails(1, &args);
    assert!(!["p.csv", "l.npy", "new"].iter().any(|output| folder.path(output).exists()));
}

/// candle writes a backtrace into its errors where the environment asks for backtraces.
#[test]
fn no_failure_shows_a_backtrace_whatever_the_environment_says() {
    let folder = Folder::with_images(6);
    folder.train("run", &[]);
    folder.put("no.safetensors", "not weights");
    folder.put("no.pth", "not weights");
    let whole = read(&folder.path("run/model/net1.safetensors"));
    folder.put("cut.safetensors", &whole[..whole.len() / 2]);
    folder.put("broken.png", "no image");
    folder.put("bad.toml", "epochs = [");
    folder.put("bad.csv", "path,label\n\"x");
    for (level, args) in ["1", "full"].into_iter().flat_map(|level| {
        [
            &["predict", "no.safetensors", "data", "--arch", "b0"][..],
            &["predict", "no.pth", "data", "--arch", "b0"],
            &["predict", "cut.safetensors", "data"],
            &["predict", "run/model/net1.safetensors", "data", "--arch", "b1"],
            &["predict", "run", "broken.png"],
            &["predict", "nothing", "data"],
            &["evaluate", "run", "nothing"],
            &["train", "data", "--config", "bad.toml"],
            &["train", "data", "--weights", "none", "--labels", "bad.csv"],
            &["train", "data", "--weights", "cut.safetensors"],
            &["train", "data", "--device", "cuda:7"],
            &["train", "data", "--start-from", "nothing"],
            &["train", "data", "--weights", "none", "--epochs", "0"],
            &["resume", "nothing"],
            &["bench", "--arch", "b9"],
            &["export", "cut.safetensors", "--format", "onnx", "--out", "m.onnx"],
        ]
        .map(move |args| (level, args))
    }) {
        let mut command = folder.effmix(args);
        let output = command.env("RUST_BACKTRACE", level).env("RUST_LIB_BACKTRACE", level).output().unwrap();
        let told = stderr(&output);
        assert!(!output.status.success(), "{args:?}");
        let has_frames = told.lines().any(|line| line.trim_start().starts_with("0: ")) || told.contains("::");
        assert!(!has_frames && !told.contains("backtrace") && !told.contains("panicked"), "{args:?}: {told}");
    }
}
