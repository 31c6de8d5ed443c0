//! The examples run, and do what they say.
#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "in a test, a panic is the report; an example's main takes arguments"
)]

#[path = "../examples/find_wrong_labels.rs"]
mod find_wrong_labels;

use effmix::Settings;

#[test]
fn of_a_few_images_nothing_is_said_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    for (class, shade) in [("dark", 20), ("light", 220)] {
        let of_class = folder.path().join("data").join(class);
        std::fs::create_dir_all(&of_class).unwrap();
        for number in 0..6u8 {
            let picture = image::RgbImage::from_pixel(16, 16, image::Rgb([shade + number; 3]));
            picture.save(of_class.join(format!("{number}.png"))).unwrap();
        }
    }
    let settings = Settings {
        data: Some(folder.path().join("data")),
        out: Some(folder.path().join("run")),
        width: Some(0.1),
        depth: Some(0.1),
        epochs: Some(1),
        warmup: Some(1),
        ..Settings::default()
    };
    let said = find_wrong_labels::find(settings).unwrap();
    assert!(said.len() == 1 && said[0].starts_with("Nothing is said about the labels"), "{said:?}");
}
