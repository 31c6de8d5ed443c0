//! The names that somebody may have meant.

/// The most names that are proposed.
const PROPOSED: usize = 3;

/// How alike two names must be, from 0 to 1, by their letters and beginnings (Jaro and Winkler).
const ALIKE: f64 = 0.75;

/// How alike they must be, from 0 to 1, by the number of edits: enough for one in three letters.
const FEW_EDITS: f64 = 0.66;

/// The names that are most like `name`, the best first and at most three; none that are unlike it. Case makes no difference.
pub(crate) fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let lower = name.to_lowercase();
    let score = |other: &str| {
        let other = other.to_lowercase();
        let (letters, edits) =
            (strsim::jaro_winkler(&lower, &other), strsim::normalized_damerau_levenshtein(&lower, &other));
        (letters >= ALIKE || edits >= FEW_EDITS).then_some(letters.max(edits))
    };
    let mut scored: Vec<(f64, &str)> = names.filter_map(|other| Some((score(other)?, other))).collect();
    // Stable: of equals the first.
    scored.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    scored.into_iter().take(PROPOSED).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_alike_come_first_and_the_unlike_not_at_all() {
        let names = ["glass", "paper", "cardboard", "Papers"];
        assert_eq!(nearest("papr", names.into_iter()), ["paper", "Papers"]);
        assert_eq!(nearest("cta", ["cat", "dog"].into_iter()), ["cat"]);
        assert!(nearest("zebra", names.into_iter()).is_empty());
    }
}
