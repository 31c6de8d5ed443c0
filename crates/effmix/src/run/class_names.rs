//! Names of classes in a sentence, however many there are.

use std::collections::HashSet;

/// Number of names that a sentence lists.
pub(super) const NAMED: usize = 5;

/// The first names, and how many more there are.
pub(super) fn first_of(names: &[&str]) -> String {
    let first = names[..names.len().min(NAMED)].join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// What `now` has that `before` has not, and the other way round.
pub(super) fn difference(before: &[String], now: &[String]) -> String {
    let missing_in = |others: &[String], names: &[String]| -> Option<String> {
        let others: HashSet<&str> = others.iter().map(String::as_str).collect();
        let missing: Vec<&str> =
            names.iter().map(String::as_str).filter(|name| !others.contains(name)).collect();
        (!missing.is_empty()).then(|| first_of(&missing))
    };
    match (missing_in(now, before), missing_in(before, now)) {
        (Some(gone), Some(new)) => format!("{gone} not any more, and {new} newly"),
        (Some(gone), None) => format!("{gone} not any more"),
        (None, Some(new)) => format!("{new} newly"),
        (None, None) => "the same ones in another order".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_of_many_classes_is_a_sentence() {
        let names = |range: std::ops::Range<usize>| range.map(|i| format!("c{i}")).collect::<Vec<String>>();
        assert_eq!(difference(&names(0..3), &names(1..3)), "c0 not any more");
        assert_eq!(difference(&names(0..3), &names(0..4)), "c3 newly");
        let both = difference(&names(0..9000), &names(8999..9002));
        assert_eq!(both, "c0, c1, c2, c3, c4 and 8994 more not any more, and c9000, c9001 newly");
        assert_eq!(
            difference(&["a".into(), "b".into()], &["b".into(), "a".into()]),
            "the same ones in another order"
        );
    }
}
