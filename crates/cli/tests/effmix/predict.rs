//! `effmix predict` and `effmix evaluate` use what `train` wrote.

use super::setup::{CLASSES, Folder, csv_rows, json, npy, read};

/// A model that tells the colours apart.
fn trained() -> Folder {
    let folder = Folder::with_images(14);
    folder.train("run", &["--epochs", "8", "--warmup", "8", "--method", "ce"]);
    folder
}

#[test]
fn rows_keep_the_order_of_the_paths_and_unreadable_images_have_rows_of_nan() {
    let folder = trained();
    folder.put("broken.png", "no image");
    let args = ["predict", "run", "data/red/03.png", "broken.png", "data/blue", "data/red/03.png"];
    let files = ["--out", "p.csv", "--logits", "l.npy", "--embeddings", "e.npy", "--batch", "4"];
    let output = folder.output(&[&args[..], &files].concat());
    assert_eq!(output.status.code(), Some(1), "a file can't be read; the others are done");
    assert!(output.stdout.is_empty(), "the result is in a file");
    assert!(String::from_utf8_lossy(&output.stderr).contains("broken.png"));

    let (header, rows) = csv_rows(&read(&folder.path("p.csv")));
    assert_eq!(header.join(","), "path,label,p");
    assert_eq!(rows.len(), 2 + 14 + 1);
    assert_eq!(rows[0][0], "data/red/03.png");
    assert_eq!(rows[1], ["broken.png", "", "NaN"]);
    assert_eq!(rows[2][0], "data/blue/00.png");
    // The last batch has one image.
    assert_eq!(rows[16][1..], rows[0][1..], "the same image has the same bits wherever it stands");

    let (shape, logits) = npy(&folder.path("l.npy"));
    assert_eq!(shape, [17, 3]);
    let (shape, embeddings) = npy(&folder.path("e.npy"));
    assert_eq!(shape[0], 17);
    let features = shape[1];
    for (row, (logits, embedding)) in logits.chunks(3).zip(embeddings.chunks(features)).enumerate() {
        assert_eq!(logits.iter().all(|v| v.is_nan()), row == 1);
        assert_eq!(embedding.iter().all(|v| v.is_nan()), row == 1);
        if row != 1 {
            let best = (0..3).max_by(|a, b| logits[*a].total_cmp(&logits[*b])).unwrap();
            assert_eq!(rows[row][1], CLASSES[best].0);
        }
    }
}

#[test]
fn the_run_its_model_folder_and_a_weights_file_of_it_predict_alike() {
    let folder = trained();
    let of = |model: &str| folder.run(&["predict", model, "data/green", "--json"]);
    assert_eq!(of("run"), of("run/model"));
    let (whole, file) = (json(of("run").as_bytes()), json(of("run/model/net1.safetensors").as_bytes()));
    let p = |value: &serde_json::Value, row: usize| value["predictions"][row]["p"].clone();
    assert!(
        (0..14).all(|row| p(&whole, row) == p(&file, row)),
        "one network was trained, and its file has it"
    );
}

#[test]
fn top_names_as_many_classes_the_likeliest_first() {
    let folder = trained();
    let shown = folder.run(&["predict", "run", "data/red/00.png", "--top", "2"]);
    let (_, rows) = csv_rows(shown.as_bytes());
    assert_eq!(rows.len(), 2);
    let p = |row: usize| rows[row][2].parse::<f32>().unwrap();
    assert!(p(0) >= p(1) && rows[0][1] != rows[1][1], "{shown}");
}

#[test]
fn outputs_that_exist_are_refused_and_force_replaces_our_own_alone() {
    let folder = trained();
    let args = ["predict", "run", "data/red/00.png", "--out", "p.csv"];
    folder.run(&args);
    let message = folder.fails(1, &args);
    assert!(message.contains("p.csv") && message.contains("--force"), "{message}");
    folder.run(&[&args[..], &["--force"]].concat());
    folder.put("p.csv", "mine\n");
    folder.fails(1, &[&args[..], &["--force"]].concat());
    assert_eq!(read(&folder.path("p.csv")), b"mine\n");
}

#[test]
fn models_and_images_that_are_not_there_are_named() {
    let folder = Folder::with_images(2);
    let message = folder.fails(1, &["predict", "nothing", "data"]);
    assert!(message.contains("nothing"), "{message}");
    let message = folder.fails(1, &["predict", "data", "data"]);
    assert!(message.contains("model.json"), "{message}");
    folder.put("w.safetensors", "not weights");
    folder.fails(1, &["predict", "w.safetensors", "data", "--arch", "b0"]);
}

#[test]
fn evaluate_measures_what_predict_says() {
    let folder = trained();
    let measured = json(folder.run(&["evaluate", "run", "data", "--json"]).as_bytes());
    let (_, rows) = csv_rows(folder.run(&["predict", "run", "data"]).as_bytes());
    let right = rows.iter().filter(|row| row[0].contains(&format!("/{}/", row[1]))).count();
    assert_eq!(measured["images"], 3 * 14);
    assert_eq!(measured["accuracy"].as_f64().unwrap(), right as f64 / rows.len() as f64);
    let confusion = measured["confusion"].as_array().unwrap();
    let on_the_diagonal: u64 = (0..3).map(|class| confusion[class][class].as_u64().unwrap()).sum();
    assert_eq!(on_the_diagonal, right as u64);
    assert_eq!(measured["per_class"][2]["class"], "red");
    assert!((0.0..=1.0).contains(&measured["ece"].as_f64().unwrap()));
    assert!(measured["top5_accuracy"].is_null(), "of three classes any is among the first five");
    let shown = folder.run(&["evaluate", "run", "data"]);
    assert!(shown.contains("accuracy") && shown.contains("confusion") && shown.contains("red"), "{shown}");
}

#[test]
fn evaluate_uses_the_test_images_where_there_are_some() {
    let folder = trained();
    for split in ["train", "test"] {
        for (class, (name, _)) in CLASSES.iter().enumerate() {
            let count = if split == "train" { 4 } else { 2 };
            (0..count).for_each(|n| folder.put_image(&format!("split/{split}/{name}/{n}.png"), class, n));
        }
    }
    let measured = json(folder.run(&["evaluate", "run", "split", "--json"]).as_bytes());
    assert_eq!(measured["images"], 6);
}

#[test]
fn class_activation_maps_are_drawn_one_an_image_and_nothing_is_replaced() {
    let folder = trained();
    folder.put("broken.png", "no image");
    let args = ["predict", "run", "data/red/03.png", "broken.png", "data/blue/03.png", "--cam", "maps"];
    folder.fails(1, &args);
    let mut names: Vec<String> = std::fs::read_dir(folder.path("maps"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["00001-03.png", "00003-03.png"]);
    let [seen, plain] = ["maps/00003-03.png", "data/blue/03.png"]
        .map(|name| image::open(folder.path(name)).unwrap().into_rgb8());
    let reds = |image: &image::RgbImage| image.pixels().map(|pixel| u64::from(pixel.0[0])).sum::<u64>();
    assert!(
        reds(&seen) / u64::from(seen.width()) > reds(&plain) / u64::from(plain.width()),
        "it is not redder"
    );
    assert!(folder.fails(1, &args).contains("not empty"));
}

#[test]
fn images_may_keep_their_own_sizes() {
    let folder = trained();
    // One pixel wide, smaller than what the network halves away, and no multiple of 32.
    let sizes = [(1, 9), (9, 1), (3, 3), (45, 33), (12, 12), (45, 33)];
    let names: Vec<String> = (0..).zip(sizes).map(|(k, (w, h))| format!("own/{k}-{w}x{h}.png")).collect();
    std::fs::create_dir(folder.path("own")).unwrap();
    for (name, (w, h)) in names.iter().zip(sizes) {
        image::RgbImage::from_fn(w, h, |x, y| image::Rgb([200, (x * 5) as u8, (y * 5) as u8]))
            .save(folder.path(name))
            .unwrap();
    }
    let own =
        ["predict", "run", "own", "--no-resize", "--size", "96", "--logits", "own.npy", "--cam", "maps"];
    let shown = folder.run(&[&own[..], &["--batch", "4"]].concat());
    let (_, rows) = csv_rows(shown.as_bytes());
    assert_eq!(rows.iter().map(|row| &row[0]).collect::<Vec<_>>(), names.iter().collect::<Vec<_>>());
    let (shape, logits) = npy(&folder.path("own.npy"));
    assert!(shape == [6, 3] && logits.iter().all(|v| v.is_finite()), "{logits:?}");
    assert_eq!(logits[9..12], logits[15..18], "the same picture alone and beside others");
    let map = image::open(folder.path("maps/00004-3-45x33.png")).unwrap();
    assert_eq!((map.width(), map.height()), (45, 33));
    // An image of the model's own size is what it is without the flag.
    folder.run(&["predict", "run", &names[4], "--logits", "resized.npy"]);
    assert_eq!(npy(&folder.path("resized.npy")).1, logits[12..15]);
    let message = folder.fails(2, &["predict", "run", "own", "--no-resize", "--tta", "crops"]);
    assert!(message.contains("--no-resize"), "{message}");
}

#[test]
fn an_evaluation_may_be_kept_as_csv() {
    let folder = trained();
    let args = ["evaluate", "run", "data", "--out", "e.csv", "--json"];
    let measured = json(folder.run(&args).as_bytes());
    let (header, rows) = csv_rows(&read(&folder.path("e.csv")));
    assert_eq!(
        header.join(","),
        "class,images,precision,recall,f1,predicted_blue,predicted_green,predicted_red"
    );
    for (class, row) in rows.iter().enumerate() {
        let numbers = &measured["per_class"][class];
        assert_eq!(row[0], numbers["class"].as_str().unwrap());
        assert_eq!(row[1], numbers["images"].to_string());
        assert_eq!(row[3].parse::<f64>().ok(), numbers["recall"].as_f64());
        let confusion: Vec<String> =
            measured["confusion"][class].as_array().unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(row[5..], confusion);
    }
    assert!(folder.fails(1, &args).contains("--force"));
    folder.run(&[&args[..], &["--force"]].concat());
}

/// Writes the largest number over all weights of a file: the network's output overflows.
fn make_overflow(path: &std::path::Path) {
    let mut bytes = read(path);
    let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    bytes[header..].chunks_exact_mut(4).for_each(|value| value.copy_from_slice(&f32::MAX.to_le_bytes()));
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn images_whose_output_is_not_a_number_are_counted_and_listed() {
    let folder = Folder::with_images(4);
    folder.train("run", &["--method", "ce", "--warmup", "3"]);
    make_overflow(&folder.path("run/model/net1.safetensors"));
    let output = folder.output(&["predict", "run", "data"]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("of 12 of 12 images the network's output is not a number"), "{told}");
    assert_eq!(csv_rows(&output.stdout).1.len(), 12, "each image has its row");
    let measured = json(folder.run(&["evaluate", "run", "data", "--json"]).as_bytes());
    assert_eq!((&measured["images"], measured["skipped_files"].as_array().unwrap().len()), (&0.into(), 12));
}

#[test]
fn views_may_be_averaged() {
    let folder = trained();
    let logits = |more: &[&str], name: &str| {
        folder.run(
            &[&["predict", "run", "data/blue", "--logits", name, "--out", &format!("{name}.csv")], more]
                .concat(),
        );
        npy(&folder.path(name)).1
    };
    let plain = logits(&[], "plain.npy");
    for views in ["flip", "crops"] {
        let averaged = logits(&["--tta", views], views);
        assert!(averaged.len() == plain.len() && averaged.iter().all(|v| v.is_finite()));
        assert_ne!(averaged, plain, "{views}");
    }
    assert!(folder.fails(2, &["predict", "run", "data/blue", "--tta", "magic"]).contains("crops"));
}

#[test]
fn paths_may_come_on_stdin() {
    let folder = trained();
    let listed = |text: &str| {
        assert_cmd::Command::new(assert_cmd::cargo::cargo_bin("effmix"))
            .args(["predict", "run", "-", "data/red/01.png"])
            .current_dir(folder.path(""))
            .write_stdin(text)
            .output()
            .unwrap()
    };
    let output = listed("data/blue/02.png\n\ndata/green\n");
    let shown = String::from_utf8(output.stdout).unwrap();
    let first: Vec<&str> = shown.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    assert_eq!((first.len(), first[0], first[15]), (16, "data/blue/02.png", "data/red/01.png"));
}
