//! How well scores rank positives above negatives.

/// The area under the ROC curve, which is the probability that a positive's score is above a negative's, ties counting half
/// (scikit-learn's `roc_auc_score`).
///
/// `None` where there are no positives or no negatives, a score is NaN, or the lengths differ.
pub fn auc(scores: &[f64], positive: &[bool]) -> Option<f64> {
    let groups = tied_groups(scores, positive)?;
    let (positives, negatives) = totals(&groups);
    if positives == 0 || negatives == 0 {
        return None;
    }
    // From the highest score down: each negative is beaten by the positives above it, and by half of those tied.
    let (mut above, mut won) = (0usize, 0.0f64);
    for (p, n) in groups {
        won += n as f64 * (above as f64 + 0.5 * p as f64);
        above += p;
    }
    Some(won / (positives as f64 * negatives as f64))
}

/// The average precision, `sum_n (R_n - R_{n-1}) P_n` over the distinct scores, without interpolation (scikit-learn's
/// `average_precision_score`).
///
/// `None` where there are no positives (scikit-learn warns and gives 0), a score is NaN, or the lengths differ.
pub fn average_precision(scores: &[f64], positive: &[bool]) -> Option<f64> {
    let groups = tied_groups(scores, positive)?;
    let (positives, _) = totals(&groups);
    if positives == 0 {
        return None;
    }
    let (mut hits, mut flagged, mut sum) = (0usize, 0usize, 0.0f64);
    for (p, n) in groups {
        hits += p;
        flagged += p + n;
        sum += p as f64 * hits as f64 / flagged as f64;
    }
    Some(sum / positives as f64)
}

/// Positives and negatives at each distinct score, from the highest down.
fn tied_groups(scores: &[f64], positive: &[bool]) -> Option<Vec<(usize, usize)>> {
    if scores.len() != positive.len() || scores.iter().any(|score| score.is_nan()) {
        return None;
    }
    // + 0.0 makes -0 into 0, so that total order and equality agree.
    let mut ranked: Vec<(f64, bool)> =
        scores.iter().map(|score| score + 0.0).zip(positive.iter().copied()).collect();
    ranked.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let group = |tied: &[(f64, bool)]| {
        let p = tied.iter().filter(|(_, is)| *is).count();
        (p, tied.len() - p)
    };
    Some(ranked.chunk_by(|a, b| a.0 == b.0).map(group).collect())
}

fn totals(groups: &[(usize, usize)]) -> (usize, usize) {
    groups.iter().fold((0, 0), |(p, n), group| (p + group.0, n + group.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_example_of_scikit_learn() {
        // roc_auc_score gives 0.75, average_precision_score 0.83... (scikit-learn 1.5's documentation).
        let (scores, positive) = ([0.1, 0.4, 0.35, 0.8], [false, false, true, true]);
        assert_eq!(auc(&scores, &positive), Some(0.75));
        assert!((average_precision(&scores, &positive).unwrap() - 5.0 / 6.0).abs() < 1e-15);
    }

    #[test]
    fn all_scores_tied_is_chance() {
        let positive = [true, false, false, true, false];
        assert_eq!(auc(&[0.0, -0.0, 0.0, 0.0, -0.0], &positive), Some(0.5));
        assert_eq!(average_precision(&[1.0; 5], &positive), Some(0.4));
    }

    #[test]
    fn undefined_is_none() {
        assert_eq!(auc(&[0.1, 0.2], &[true, true]), None);
        assert_eq!(auc(&[0.1, 0.2], &[false, false]), None);
        assert_eq!(auc(&[f64::NAN, 0.2], &[true, false]), None);
        assert_eq!(auc(&[0.1], &[true, false]), None);
        assert_eq!(average_precision(&[0.1, 0.2], &[false, false]), None);
        assert_eq!(average_precision(&[0.1, 0.2], &[true, true]), Some(1.0));
    }

    #[test]
    fn infinite_scores_rank_at_the_ends() {
        let scores = [f64::INFINITY, 0.0, f64::NEG_INFINITY];
        assert_eq!(auc(&scores, &[true, true, false]), Some(1.0));
    }
}
