//! Image files: formats, shapes, sizes and names.

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

use super::super::setup::{Folder, csv_rows, json, read, train_args};

/// A model that was trained for an epoch, and the set that it was trained on.
fn trained(more: &[&str]) -> (Folder, String) {
    let folder = Folder::with_images(6);
    let told = train(&folder, more);
    (folder, told)
}

fn train(folder: &Folder, more: &[&str]) -> String {
    let args: Vec<&str> =
        train_args("out").into_iter().map(|arg| if arg == "3" { "1" } else { arg }).collect();
    let output = folder.output(&[&args[..], more].concat());
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    told
}

fn save(folder: &Folder, below: &str, image: impl Into<DynamicImage>, format: ImageFormat) {
    image.into().save_with_format(folder.path(below), format).unwrap();
}

#[test]
fn what_is_not_read_is_counted_by_its_ending_and_listed_alike_by_train_and_predict() {
    let folder = Folder::with_images(6);
    for number in 0..11 {
        folder.put(&format!("data/red/{number}.AVIF"), "");
    }
    folder.put("data/blue/a.heic", "");
    folder.put("data/notes.txt", "");
    let told = train(&folder, &[]);
    let counted = "left: 11 .avif, 1 .heic, 1 .txt";
    assert!(told.contains(counted) && told.contains("listed in out/data_issues.csv"), "{told}");
    assert!(told.contains("convert images of these formats to JPEG or PNG"), "{told}");
    let (_, rows) = csv_rows(&read(&folder.path("out/data_issues.csv")));
    assert_eq!(rows.iter().filter(|row| row[1] == "left").count(), 13, "{rows:?}");
    let output = folder.output(&["predict", "out", "data", "--json"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains(counted), "{output:?}");
    assert_eq!(json(&output.stdout)["left_files"].as_array().unwrap().len(), 13);
    let few = folder.output(&["predict", "out", "data/blue"]);
    assert!(String::from_utf8_lossy(&few.stderr).contains("left: 1 .heic (data/blue/a.heic)"), "{few:?}");
}

#[test]
fn a_folder_of_what_is_not_read_says_what_is_there() {
    let folder = Folder::new();
    folder.put("data/cat/1.heic", "");
    folder.put("data/dog/2.heic", "");
    let message = folder.fails(1, &train_args("out"));
    assert!(
        message.contains("no image to train on")
            && message.contains("(left: 2 .heic; convert .heic to JPEG or PNG first)"),
        "{message}"
    );
}

#[test]
fn tiff_is_read_and_so_are_jpegs_by_their_other_endings() {
    let folder = Folder::with_images(6);
    let image = RgbImage::from_pixel(12, 12, Rgb([200, 30, 40]));
    for (name, format) in [
        ("a.tif", ImageFormat::Tiff),
        ("b.TIFF", ImageFormat::Tiff),
        ("c.jfif", ImageFormat::Jpeg),
        ("d.jpe", ImageFormat::Jpeg),
    ] {
        save(&folder, &format!("data/red/{name}"), image.clone(), format);
    }
    let told = train(&folder, &[]);
    assert!(!told.contains("left:"), "{told}");
    let summary = json(&read(&folder.path("out/summary.json")));
    assert_eq!(summary["images"].as_u64().unwrap() + summary["test_images"].as_u64().unwrap(), 22);
}

#[test]
fn formats_that_are_not_read_are_named_by_their_first_bytes() {
    let (folder, _) = trained(&[]);
    for (name, bytes, format) in [
        ("a.jpg", &b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"[..], "HEIC (HEIF)"),
        ("b.jpg", b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", "AVIF"),
        ("c.png", b"\xff\x0a\x7f\x07", "JPEG XL"),
        ("d.png", b"<!DOCTYPE html><html><body>404", "a web page (HTML)"),
        ("e.png", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS"),
    ] {
        folder.put(name, bytes);
        let message = folder.fails(1, &["predict", "out", name, "data/red/00.png"]);
        assert!(message.contains(format), "{message}");
    }
}

/// The sign is at the left end of images three times as long as high: a square in the middle doesn't show it.
fn signs() -> Folder {
    let folder = Folder::new();
    for (class, colour) in [("left", [250, 20, 20]), ("right", [20, 20, 250])] {
        for number in 0..20u32 {
            let noise = |x: u32, y: u32| ((x * 31 + y * 17 + number * 57) % 90) as u8;
            let image = RgbImage::from_fn(48, 16, |x, y| {
                if x < 14 {
                    Rgb(colour)
                } else {
                    Rgb([80 + noise(x, y), 100 + noise(y, x), 90 + noise(x, x)])
                }
            });
            let path = folder.path(&format!("data/{class}/{number}.png"));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            image.save(path).unwrap();
        }
    }
    folder
}

#[test]
fn images_far_from_square_are_squeezed_and_it_is_said() {
    let folder = signs();
    let args = [
        "--epochs",
        "20",
        "--warmup",
        "20",
        "--lr",
        "0.05",
        "--augment",
        "none",
        "--size",
        "32",
        "--method",
        "ce",
    ];
    let accuracy = |out: &str, more: &[&str]| {
        let output = folder.output(&[&train_args(out)[..], &args, more].concat());
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{told}");
        let summary = json(&read(&folder.path(&format!("{out}/summary.json"))));
        (summary["test_accuracy_last"].as_f64().unwrap(), told)
    };
    let (squeezed, told) = accuracy("squeezed", &[]);
    assert!(told.contains("are far from square (as 48 x 16): images are squeezed into the square"), "{told}");
    assert!(squeezed > 0.99, "{squeezed}");
    let (padded, _) = accuracy("padded", &["--fit", "pad"]);
    assert!(padded > 0.99, "{padded}");
    let (cropped, told) = accuracy("cropped", &["--fit", "crop"]);
    assert!(cropped < 0.9 && !told.contains("far from square"), "{cropped}: {told}");
    // The model knows how its images were fitted.
    let card = json(&read(&folder.path("squeezed/model/model.json")));
    assert_eq!(card["arch"]["preprocessing"]["fit"], "squeeze", "{card}");
    let evaluation = json(folder.run(&["evaluate", "squeezed", "data", "--json"]).as_bytes());
    assert!(evaluation["accuracy"].as_f64().unwrap() > 0.99, "{evaluation}");
}

#[test]
fn the_largest_number_of_pixels_is_set_by_a_flag() {
    let (folder, _) = trained(&[]);
    save(&folder, "data/red/large.png", RgbImage::new(30, 20), ImageFormat::Png);
    let message = folder.fails(1, &["predict", "out", "data", "--max-pixels", "500"]);
    assert!(message.contains("30 x 20 pixels are more than the 500 that max-pixels allows"), "{message}");
    folder.run(&["predict", "out", "data", "--max-pixels", "600"]);
    train(&folder, &["--max-pixels", "500", "--force"]);
    let summary = json(&read(&folder.path("out/summary.json")));
    assert_eq!(summary["skipped_files"][0]["path"], "red/large.png", "{summary}");
    let (_, rows) = csv_rows(&read(&folder.path("out/data_issues.csv")));
    assert!(rows.iter().any(|row| row[0] == "red/large.png" && row[1] == "unreadable"), "{rows:?}");
    assert!(
        folder.fails(2, &[&train_args("new")[..], &["--max-pixels", "0"]].concat()).contains("--max-pixels")
    );
}

#[cfg(unix)]
mod not_utf8 {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn a_name_that_is_not_utf8_harms_that_file_alone() {
        let folder = Folder::with_images(6);
        let name = OsStr::from_bytes(b"caf\xe9.png");
        if std::fs::copy(folder.path("data/red/00.png"), folder.path("data/red").join(name)).is_err() {
            return println!(
                "skipped: a_name_that_is_not_utf8_harms_that_file_alone: this file system has none"
            );
        }
        train(&folder, &[]);
        let summary = json(&read(&folder.path("out/summary.json")));
        assert_eq!(summary["skipped_files"][0]["path"], "red/caf\u{fffd}.png", "{summary}");
        // In a folder, as an argument, and on a list, it is read as any other.
        assert_eq!(folder.run(&["predict", "out", "data"]).lines().count(), 1 + 19);
        let path = folder.path("data/red").join(name);
        let output = folder.effmix(&["predict", "out"]).arg(&path).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let listed = [b"data/red/00.png\ndata/red/".as_slice(), name.as_bytes(), b"\r\n"].concat();
        let output = folder.effmix(&["predict", "out", "-"]).write_stdin(listed).output().unwrap();
        assert!(output.status.success() && output.stdout.split(|b| *b == b'\n').count() == 4, "{output:?}");
        // As any argument: an error that names it, and no internal one.
        let output = folder.effmix(&["train"]).arg(OsStr::from_bytes(b"nowhere\xe9")).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(!String::from_utf8_lossy(&output.stderr).contains("internal error"), "{output:?}");
    }
}
