//! Numbers as the tables show them.

/// A number of bytes in units of 10^9.
pub(super) fn gb(bytes: u64) -> f64 {
    bytes as f64 / 1e9
}

/// Three digits, and no more than two of them after the point.
pub(super) fn figure(value: f64) -> String {
    let decimals = if value >= 100.0 {
        0
    } else if value >= 10.0 {
        1
    } else {
        2
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_has_three_digits_where_they_are_after_the_point() {
        assert_eq!([0.5, 12.34, 123.4, 1234.5].map(figure), ["0.50", "12.3", "123", "1234"]);
    }
}
