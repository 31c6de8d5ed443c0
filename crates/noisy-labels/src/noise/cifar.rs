//! The published asymmetric noise of CIFAR-10 and CIFAR-100 (Patrini et al. 2017, "Making deep neural networks robust to
//! label noise: a loss correction approach", section 5), by the names that the sets give their classes.

/// CIFAR-10: mistakes that people make too, `(true, given)`.
pub(super) const CIFAR10: [(&str, &str); 5] =
    [("truck", "automobile"), ("bird", "airplane"), ("deer", "horse"), ("cat", "dog"), ("dog", "cat")];

/// Classes named in [`CIFAR10`]; frog and ship stay what they are.
pub(super) const CIFAR10_NAMED: usize = 8;

/// Classes named in [`SUPERCLASSES`].
pub(super) const CIFAR100_NAMED: usize = 100;

/// CIFAR-100's superclasses in their order (Krizhevsky 2009; its file `meta`), each with its classes in theirs, which is
/// the alphabet's.
const SUPERCLASSES: [[&str; 5]; 20] = [
    ["beaver", "dolphin", "otter", "seal", "whale"],
    ["aquarium_fish", "flatfish", "ray", "shark", "trout"],
    ["orchid", "poppy", "rose", "sunflower", "tulip"],
    ["bottle", "bowl", "can", "cup", "plate"],
    ["apple", "mushroom", "orange", "pear", "sweet_pepper"],
    ["clock", "keyboard", "lamp", "telephone", "television"],
    ["bed", "chair", "couch", "table", "wardrobe"],
    ["bee", "beetle", "butterfly", "caterpillar", "cockroach"],
    ["bear", "leopard", "lion", "tiger", "wolf"],
    ["bridge", "castle", "house", "road", "skyscraper"],
    ["cloud", "forest", "mountain", "plain", "sea"],
    ["camel", "cattle", "chimpanzee", "elephant", "kangaroo"],
    ["fox", "porcupine", "possum", "raccoon", "skunk"],
    ["crab", "lobster", "snail", "spider", "worm"],
    ["baby", "boy", "girl", "man", "woman"],
    ["crocodile", "dinosaur", "lizard", "snake", "turtle"],
    ["hamster", "mouse", "rabbit", "shrew", "squirrel"],
    ["maple_tree", "oak_tree", "palm_tree", "pine_tree", "willow_tree"],
    ["bicycle", "bus", "motorcycle", "pickup_truck", "train"],
    ["lawn_mower", "rocket", "streetcar", "tank", "tractor"],
];

/// CIFAR-100: each class for the next of its superclass, the last for the first.
pub(super) fn within_superclasses() -> Vec<(&'static str, &'static str)> {
    let next = |of: &'static [&'static str; 5]| (0..5).map(move |i| (of[i], of[(i + 1) % 5]));
    SUPERCLASSES.iter().flat_map(next).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The superclass of each class, in the order of the classes: `coarse_labels` by `fine_labels` of CIFAR-100's files.
    const COARSE: [usize; 100] = [
        4, 1, 14, 8, 0, 6, 7, 7, 18, 3, 3, 14, 9, 18, 7, 11, 3, 9, 7, 11, 6, 11, 5, 10, 7, 6, 13, 15, 3, 15,
        0, 11, 1, 10, 12, 14, 16, 9, 11, 5, 5, 19, 8, 8, 15, 13, 14, 17, 18, 10, 16, 4, 17, 4, 2, 0, 17, 4,
        18, 17, 10, 3, 2, 12, 12, 16, 12, 1, 9, 19, 2, 10, 0, 1, 16, 12, 9, 13, 15, 13, 16, 19, 2, 4, 6, 19,
        5, 5, 8, 19, 18, 1, 2, 15, 6, 0, 17, 8, 14, 13,
    ];

    #[test]
    fn the_superclasses_are_those_of_the_published_files() {
        let mut names: Vec<(&str, usize)> =
            SUPERCLASSES.iter().enumerate().flat_map(|(coarse, of)| of.map(|name| (name, coarse))).collect();
        // The classes are numbered by the alphabet.
        names.sort_unstable();
        let coarse: Vec<usize> = names.iter().map(|(_, coarse)| *coarse).collect();
        assert_eq!(coarse, COARSE);
        names.dedup_by_key(|(name, _)| *name);
        assert_eq!(names.len(), CIFAR100_NAMED);
        assert!(SUPERCLASSES.iter().all(|of| of.is_sorted()));
    }

    #[test]
    fn every_class_is_mistaken_for_one_and_stands_for_one() {
        let pairs = within_superclasses();
        let (mut from, mut to): (Vec<&str>, Vec<&str>) = pairs.iter().copied().unzip();
        from.sort_unstable();
        to.sort_unstable();
        assert_eq!((from.len(), &from), (100, &to));
        assert!(pairs.contains(&("baby", "boy")) && pairs.contains(&("woman", "baby")));
        let mut named: Vec<&str> = CIFAR10.iter().flat_map(|(from, to)| [*from, *to]).collect();
        named.sort_unstable();
        named.dedup();
        assert_eq!(named.len(), CIFAR10_NAMED);
    }
}
