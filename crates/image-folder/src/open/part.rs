//! The parts that a set is split into, and the names that people give them.

/// A part of a split set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Train,
    /// Held out. Where both are there, the test images are measured on.
    Test,
    Validation,
}

impl Part {
    /// The part of this name, in any case.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "train" | "training" => Some(Self::Train),
            "test" | "testing" => Some(Self::Test),
            "val" | "valid" | "validation" | "dev" => Some(Self::Validation),
            _ => None,
        }
    }

    /// The part that a longer name speaks of, such as `train2017`, `my_test_set` or `ValidImages`: one of its words is a part's name.
    pub(super) fn spoken_of(name: &str) -> Option<Self> {
        words(name).iter().find_map(|word| Self::named(word))
    }
}

/// The words of a name: runs of letters, which also begin at a capital after a small letter.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for letter in name.chars() {
        let begins = !letter.is_alphabetic() || (letter.is_uppercase() && before.is_lowercase());
        if begins && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if letter.is_alphabetic() {
            words.last_mut().into_iter().for_each(|word| word.push(letter));
        }
        before = letter;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_known_by_its_usual_names_in_any_case() {
        for name in ["train", "Train", "TRAINING"] {
            assert_eq!(Part::named(name), Some(Part::Train), "{name}");
        }
        for name in ["val", "Valid", "VALIDATION", "dev"] {
            assert_eq!(Part::named(name), Some(Part::Validation), "{name}");
        }
        for name in ["test", "Testing"] {
            assert_eq!(Part::named(name), Some(Part::Test), "{name}");
        }
        for name in ["trains", "tests", "train2017", "", "development", "cat"] {
            assert_eq!(Part::named(name), None, "{name}");
        }
    }

    #[test]
    fn a_longer_name_speaks_of_a_part_by_a_word_of_its_own() {
        for (name, part) in [
            ("train2017", Part::Train),
            ("my_test_set", Part::Test),
            ("ValidImages", Part::Validation),
            ("1-dev", Part::Validation),
        ] {
            assert_eq!(Part::spoken_of(name), Some(part), "{name}");
        }
        for name in ["strain", "contest", "devil", "Testament", "rest_area"] {
            assert_eq!(Part::spoken_of(name), None, "{name}");
        }
    }
}
