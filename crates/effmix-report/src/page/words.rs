//! Numbers as the page writes them.

/// A share of 0..1 in percent, `None` where it is unknown or no number.
pub(super) fn percent(share: Option<f64>) -> Option<String> {
    share.filter(|v| v.is_finite()).map(|v| format!("{:.1} %", 100.0 * v))
}

/// An interval of shares in percent, `None` where an end of it is unknown.
pub(super) fn percent_interval(low: Option<f64>, high: Option<f64>) -> Option<String> {
    let low = low.filter(|v| v.is_finite())?;
    Some(format!("{:.1} to {}", 100.0 * low, percent(high)?))
}

/// A number with three decimals, `None` where it is unknown or no number.
pub(super) fn decimals(value: Option<f64>) -> Option<String> {
    value.filter(|v| v.is_finite()).map(|v| format!("{v:.3}"))
}

/// A number with commas between the thousands.
pub(super) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// "1 looks", "2 look": the verb that goes with a number.
pub(super) fn look(n: u64) -> &'static str {
    if n == 1 { "looks" } else { "look" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_parted_by_commas() {
        let texts = [0, 7, 999, 1_000, 12_345, 1_000_000].map(thousands);
        assert_eq!(texts, ["0", "7", "999", "1,000", "12,345", "1,000,000"]);
    }

    #[test]
    fn an_interval_has_both_ends_or_is_left_out() {
        assert_eq!(percent_interval(Some(0.0094), Some(0.079)).unwrap(), "0.9 to 7.9 %");
        assert!(percent_interval(Some(0.1), None).is_none() && percent_interval(None, Some(0.1)).is_none());
        assert!(percent_interval(Some(f64::NAN), Some(0.1)).is_none());
    }
}
