//! Successive halving (Jamieson & Talwalkar, arXiv 1502.07943): all are trained a little, the better half goes on twice
//! as long, and so on.

/// The epochs at which networks are compared: `epochs` halved `halvings` times, rounded up, to `epochs` itself. Fewer
/// where two would be the same.
pub(super) fn rungs(epochs: usize, halvings: u32) -> Vec<usize> {
    let mut rungs: Vec<usize> = (0..=halvings).rev().map(|k| epochs.div_ceil(1 << k)).collect();
    rungs.dedup();
    rungs
}

/// The places of the better half of the scores, rounded up, in their order; of equal ones the first is the better.
pub(super) fn better_half(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    order.truncate(scores.len().div_ceil(2));
    order.sort_unstable();
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rungs_double_up_to_all_epochs() {
        assert_eq!(rungs(32, 3), [4, 8, 16, 32]);
        assert_eq!(rungs(20, 3), [3, 5, 10, 20]);
        assert_eq!(rungs(20, 0), [20]);
        assert_eq!(rungs(2, 3), [1, 2], "no epoch is a rung twice");
    }

    #[test]
    fn the_better_half_goes_on() {
        assert_eq!(better_half(&[0.1, 0.5, 0.3, 0.4]), [1, 3]);
        assert_eq!(better_half(&[0.1, 0.5, 0.3]), [1, 2], "rounded up");
        assert_eq!(better_half(&[0.2, 0.2, 0.2]), [0, 1], "equal: the first");
        assert_eq!(better_half(&[0.7]), [0]);
        assert!(better_half(&[]).is_empty());
    }
}
