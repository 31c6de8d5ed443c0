//! The papers' own setting, small, on a folder of images.
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

#[path = "../examples/papers.rs"]
mod papers;

use dividemix::{Hyperparameters, Preset};

#[test]
fn the_papers_setting_reads_a_folder_and_ends_once() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let mut csv = "path,label,true_label\n".to_owned();
    for (set, count) in [("train", 8), ("test", 2)] {
        for (class, shade) in [("dark", 30u8), ("light", 220)] {
            std::fs::create_dir_all(root.join(set).join(class)).unwrap();
            for number in 0..count {
                let path = format!("{set}/{class}/{number}.png");
                let pixel = image::Rgb([shade + number, shade, shade - number]);
                image::RgbImage::from_pixel(32, 32, pixel).save(root.join(&path)).unwrap();
                // One of eight is wrong.
                let wrong = set == "train" && number == 0;
                let label = if (class == "dark") == wrong { "light" } else { "dark" };
                csv += &format!("{path},{label},{class}\n");
            }
        }
    }
    let labels = root.join("labels.csv");
    std::fs::write(&labels, csv).unwrap();
    let run = |out: &str, epochs| {
        let hyper = Hyperparameters { epochs, warmup: 1, batch: 4, ..Preset::Cifar10Sym20.hyperparameters() };
        papers::run((root, &labels, &root.join(out)), &hyper, (4, None), |_| ()).unwrap()
    };
    let first = run("whole", 2);
    assert!(first.test_accuracy_last.is_some() && first.division_auc.is_some());
    let again = run("whole", 2);
    assert_eq!(again.test_accuracy_last, first.test_accuracy_last);
    assert_eq!(again.seconds, 0.0, "there was nothing left to do");
    assert!(root.join("whole/summary.json").is_file());
}
