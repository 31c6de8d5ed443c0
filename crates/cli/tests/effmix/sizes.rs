//! Images of any size: of a pixel, of one row, smaller than the network's stride, not divisible by it.

use image::{Rgb, RgbImage};

use super::setup::{CLASSES, Folder, csv_rows, json, read, train_args};

/// Width and height.
const SHAPES: [(u32, u32); 8] = [(1, 1), (1, 50), (50, 1), (2, 3), (17, 31), (33, 65), (1, 3000), (3000, 1)];

fn put(folder: &Folder, below: &str, (width, height): (u32, u32), colour: [u8; 3]) {
    let path = folder.path(below);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    RgbImage::from_pixel(width, height, Rgb(colour)).save(path).unwrap();
}

#[test]
fn images_of_every_shape_are_predicted_however_they_are_looked_at() {
    let folder = Folder::with_images(8);
    folder.train("run", &["--stem-stride", "2", "--size", "33"]);
    for (number, shape) in SHAPES.into_iter().enumerate() {
        for ending in ["png", "jpg"] {
            put(&folder, &format!("odd/{number}.{ending}"), shape, CLASSES[number % 3].1);
        }
    }
    let ways: [&[&str]; 6] = [
        &[],
        &["--no-resize"],
        &["--tta", "flip"],
        &["--tta", "flip", "--no-resize", "--cam", "cam"],
        &["--tta", "crops", "--cam", "cam-resized"],
        &["--size", "8", "--batch", "3"],
    ];
    for way in ways {
        let shown = folder.run(&[&["predict", "run", "odd"], way].concat());
        let (_, rows) = csv_rows(shown.as_bytes());
        assert_eq!(rows.len(), 2 * SHAPES.len(), "{way:?}: {shown}");
        for row in rows {
            let p: f32 = row[2].parse().unwrap();
            assert!(p > 0.3 && p <= 1.0, "{way:?}: {row:?}");
        }
    }
    let drawn = image::open(folder.path("cam/00001-0.png")).unwrap();
    assert_eq!((drawn.width(), drawn.height()), SHAPES[0]);
}

/// The network takes 8 pixels at least: smaller images are enlarged, and what the run says of itself can be done again.
#[test]
fn a_set_of_images_smaller_than_any_network_takes_is_trained_on() {
    let folder = Folder::new();
    for (class, (name, colour)) in CLASSES.into_iter().enumerate() {
        for number in 0..6 {
            let shape = [(1, 1), (3, 2), (1, 40)][number % 3];
            let colour = colour.map(|value| value + number as u8 + class as u8);
            put(&folder, &format!("data/{name}/{number}.png"), shape, colour);
        }
    }
    folder.train("out", &[]);
    let summary = json(&read(&folder.path("out/summary.json")));
    assert!(summary["skipped_files"].as_array().unwrap().is_empty(), "{summary}");
    let config = String::from_utf8(read(&folder.path("out/config.toml"))).unwrap();
    assert!(config.contains("\nsize = 8\n"), "{config}");
    folder.run(&["train", "--config", "out/config.toml", "--out", "again"]);
    let weights = |run: &str| read(&folder.path(&format!("{run}/model/net1.safetensors")));
    assert!(weights("again") == weights("out"));
}

#[test]
fn a_size_that_no_stride_divides_is_trained_at() {
    let folder = Folder::with_images(6);
    for (size, stride) in [("9", "1"), ("17", "2"), ("31", "1"), ("65", "2")] {
        let out = format!("at-{size}");
        let args = [&train_args(&out)[..], &["--size", size, "--stem-stride", stride]].concat();
        folder.run(&args);
        let summary = json(&read(&folder.path(&format!("{out}/summary.json"))));
        assert!(summary["test_accuracy_last"].is_number(), "{summary}");
    }
}

#[test]
fn a_runs_config_that_was_cut_off_is_refused() {
    let folder = Folder::with_images(6);
    folder.train("out", &[]);
    let config = read(&folder.path("out/config.toml"));
    folder.put("out/config.toml", &config[..config.len() * 2 / 3]);
    for args in [&["resume", "out"][..], &["train", "--config", "out/config.toml", "--out", "again"]] {
        let message = folder.fails(1, args);
        assert!(message.contains("config.toml"), "{message}");
    }
}

/// A padding that is fixed has less room in small images: the size is refused as such, and an image at its own size is left out.
#[test]
fn images_too_small_for_a_fixed_padding_are_named() {
    let folder = Folder::with_images(8);
    folder.train("lite", &["--arch", "efficientnet_lite0", "--stem-stride", "2", "--size", "33"]);
    for command in [&["predict", "lite", "data"][..], &["export", "lite", "--format", "onnx", "--out", "o"]] {
        let error = folder.fails(1, &[command, &["--size", "28"]].concat());
        assert!(error.contains("size 28 is too small") && error.contains("32 or more"), "{error}");
    }
    let refused = folder.fails(
        1,
        &[&train_args("new")[..], &["--arch", "efficientnet_lite0", "--size", "28", "--stem-stride", "2"]]
            .concat(),
    );
    assert!(refused.contains("32 or more"), "{refused}");
    put(&folder, "mixed/large.png", (40, 50), CLASSES[0].1);
    put(&folder, "mixed/small.png", (20, 50), CLASSES[1].1);
    let output = folder.output(&["predict", "lite", "mixed", "--no-resize"]);
    let (shown, errors) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(
        shown.contains("large.png") && errors.contains("20 x 50") && errors.contains("32 and more"),
        "{shown}{errors}"
    );
}
