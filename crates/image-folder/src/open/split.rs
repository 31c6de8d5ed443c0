//! The labelled images that are held out, and the limit of each class.

use std::collections::HashMap;

use super::label::Image;

/// The images to train on and those held out, about `fraction` of each class: the images whose path has a low hash.
///
/// The hash depends on the path alone, so an image stays on its side when others are added or
/// removed. A class of two or more images keeps at least one on each side.
pub(super) fn by_path_hash(images: Vec<Image>, fraction: f64) -> (Vec<Image>, Vec<Image>) {
    if fraction == 0.0 {
        return (images, Vec::new());
    }
    let mut classes: HashMap<&str, Class> = HashMap::new();
    for image in &images {
        let position = position(&image.key);
        let class = classes.entry(&image.label).or_insert(Class { count: 0, lowest: 1.0, highest: 0.0 });
        class.count += 1;
        class.lowest = class.lowest.min(position);
        class.highest = class.highest.max(position);
    }
    let held_out: Vec<bool> = images
        .iter()
        .map(|image| {
            let class = &classes[image.label.as_str()];
            let position = position(&image.key);
            class.count > 1 && (position < fraction || position == class.lowest) && position != class.highest
        })
        .collect();
    let (mut train, mut test) = (Vec::new(), Vec::new());
    for (image, held_out) in images.into_iter().zip(held_out) {
        if held_out { &mut test } else { &mut train }.push(image);
    }
    (train, test)
}

struct Class {
    count: usize,
    lowest: f64,
    highest: f64,
}

/// A number in 0..1 that depends on the path alone.
fn position(path: &str) -> f64 {
    let hash = blake3::hash(path.as_bytes());
    let [a, b, c, d, e, f, ..] = *hash.as_bytes();
    // 48 bits are exact in an f64.
    u64::from_le_bytes([a, b, c, d, e, f, 0, 0]) as f64 / (1u64 << 48) as f64
}

/// The first `count` images of each class folder, or of each label where there are no class folders. `images` are
/// sorted by path.
pub(super) fn first_of_each_group(images: Vec<Image>, count: usize) -> Vec<Image> {
    let mut taken: HashMap<String, usize> = HashMap::new();
    images
        .into_iter()
        .filter(|image| {
            let group = image.folder.as_ref().unwrap_or(&image.label);
            let taken = taken.entry(group.clone()).or_default();
            *taken += 1;
            *taken <= count
        })
        .collect()
}
