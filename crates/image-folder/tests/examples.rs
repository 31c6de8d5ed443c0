//! The examples run, and do what they say.
#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "in a test, a panic is the report; an example's main takes arguments"
)]

#[path = "../examples/look_at_folder.rs"]
mod look_at_folder;

#[test]
fn the_demo_set_and_a_folder_are_looked_at_and_no_folder_is_an_error() {
    look_at_folder::look(None).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (class, shade) in [("dark", 20), ("light", 220)] {
        let of_class = folder.path().join(class);
        std::fs::create_dir(&of_class).unwrap();
        for image in 0..3u8 {
            let picture = image::RgbImage::from_pixel(40, 30, image::Rgb([shade + image; 3]));
            picture.save(of_class.join(format!("{image}.png"))).unwrap();
        }
        std::fs::write(of_class.join("broken.png"), "no image").unwrap();
    }
    look_at_folder::look(Some(folder.path().to_owned())).unwrap();
    assert!(look_at_folder::look(Some(folder.path().join("missing"))).is_err());
}
