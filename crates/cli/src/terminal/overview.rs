//! The lines at the start of a training: what it works on, and what it will take.

use effmix::{Estimate, Overview, human_bytes, human_duration};

/// Names of classes that a line lists take up so many columns, at most.
const NAMES: usize = 50;

/// A line with its label, as those of the results at the end have it.
pub(super) fn labelled(label: &str, text: &str) -> String {
    format!("{label:10} {text}")
}

/// Images, classes and weights.
pub(super) fn overview(of: &Overview<'_>) -> [String; 3] {
    let Overview { train, test, skipped, classes, arch, size, weights, further_bodies, features, is_frozen } =
        *of;
    let held_out = if test == 0 { "none held out".to_owned() } else { format!("{test} held out") };
    let skipped = match skipped {
        0 => "no file skipped".to_owned(),
        1 => "1 file skipped".to_owned(),
        files => format!("{files} files skipped"),
    };
    let network = match is_frozen {
        true => format!("a head on {arch} at {size} px"),
        false => format!("{arch} at {size} px"),
    };
    let source = match weights {
        Some(weights) if further_bodies > 0 => {
            format!("{} and {further_bodies} more ({network}, all side by side)", weights.display())
        }
        Some(weights) => format!("{} ({network})", weights.display()),
        None => format!("random numbers ({network})"),
    };
    let source = match features {
        Some((file, length)) => labelled("features", &format!("{} ({length} an image)", file.display())),
        None => labelled("weights", &source),
    };
    [
        labelled("images", &format!("{train} to train on, {held_out}, {skipped}")),
        labelled("classes", &format!("{}: {}", classes.len(), listed(classes))),
        source,
    ]
}

/// The first names, and how many more there are.
fn listed(names: &[String]) -> String {
    let mut text = String::new();
    for (number, name) in names.iter().enumerate() {
        let between = if number == 0 { "" } else { ", " };
        if number > 0 && text.chars().count() + between.len() + name.chars().count() > NAMES {
            return format!("{text} and {} more", names.len() - number);
        }
        text += between;
        text += name;
    }
    text
}

/// Time, memory and disk with the units that suit them.
pub(super) fn needs(estimate: &Estimate) -> String {
    let mut parts = vec![format!("about {}", human_duration(estimate.seconds))];
    parts.extend(estimate.memory_bytes.map(|bytes| format!("{} of memory", human_bytes(bytes))));
    parts.extend(estimate.device_memory.map(|memory| format!("{} on the GPU", human_bytes(memory.bytes))));
    parts.push(format!("{} of disk for the run", human_bytes(estimate.run_bytes)));
    if estimate.cache_bytes > 0 {
        parts.push(format!("{} for the cache", human_bytes(estimate.cache_bytes)));
    }
    labelled("needs", &parts.join(", "))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_start_says_images_classes_and_weights() {
        let classes = ["cat", "dog"].map(str::to_owned);
        let few = Overview {
            train: 1250,
            test: 137,
            skipped: 3,
            classes: &classes,
            arch: "efficientnet_b0",
            size: 160,
            weights: Some(Path::new("w.pth")),
            further_bodies: 0,
            features: None,
            is_frozen: true,
        };
        assert_eq!(
            overview(&few),
            [
                "images     1250 to train on, 137 held out, 3 files skipped",
                "classes    2: cat, dog",
                "weights    w.pth (a head on efficientnet_b0 at 160 px)",
            ]
        );
        let [.., weights] = overview(&Overview { further_bodies: 2, ..few });
        let several = "weights    w.pth and 2 more (a head on efficientnet_b0 at 160 px, all side by side)";
        assert_eq!(weights, several);
        let [.., features] = overview(&Overview { features: Some((Path::new("f.npy"), 768)), ..few });
        assert_eq!(features, "features   f.npy (768 an image)");
        let many: Vec<String> = (0..100).map(|number| format!("class {number:02}")).collect();
        let many = Overview { test: 0, skipped: 0, classes: &many, weights: None, is_frozen: false, ..few };
        let [images, classes, weights] = overview(&many);
        assert_eq!(images, "images     1250 to train on, none held out, no file skipped");
        assert_eq!(classes, "classes    100: class 00, class 01, class 02, class 03, class 04 and 95 more");
        assert_eq!(weights, "weights    random numbers (efficientnet_b0 at 160 px)");
    }
}
