//! Did you mean: the nearest of some words.

/// Words that are less alike than this are no likely mistyping of each other; clap's own limit.
const LEAST: f64 = 0.7;

/// The word of `known` that is the most like `word` (Jaro's similarity, letters in any case), if one is like enough to be what was meant.
pub fn nearest<T: AsRef<str>>(word: &str, known: impl IntoIterator<Item = T>) -> Option<T> {
    let word = word.to_lowercase();
    let likeness = |other: &T| strsim::jaro(&word, &other.as_ref().to_lowercase());
    let rated = known.into_iter().map(|other| (likeness(&other), other));
    let best = rated.filter(|(likeness, _)| *likeness > LEAST).max_by(|a, b| a.0.total_cmp(&b.0));
    best.map(|(_, word)| word)
}

/// `; did you mean "cat"?`, or nothing.
pub(crate) fn did_you_mean<T: AsRef<str>>(word: &str, known: impl IntoIterator<Item = T>) -> String {
    nearest(word, known).map_or_else(String::new, |near| format!("; did you mean {:?}?", near.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_found_and_a_foreign_one_is_not() {
        let known = ["lambda-u", "lambda-r", "epochs", "batch"];
        for (word, expected) in [
            ("lamda-u", Some("lambda-u")),
            ("lambda_r", Some("lambda-r")),
            ("EPOCH", Some("epochs")),
            ("xyz", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), expected, "{word}");
        }
        assert_eq!(did_you_mean("bacth", known), "; did you mean \"batch\"?");
        assert_eq!(did_you_mean("xyz", known), "");
    }
}
