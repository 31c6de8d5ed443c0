//! Few numbers that stand for many losses.

/// A gap between two losses of more than this part of their range is empty space between modes: about the standard deviation
/// that `reg_covar` gives every component. Narrower gaps cannot move a mean by much.
const EMPTY_SPACE: f64 = 0.02;

/// The means of `count` consecutive equal shares of the sorted losses; `count` must not exceed their number.
///
/// Each representative stands for `losses.len() / count` losses; a loss at a border is split between both shares. A share
/// that spans the empty space between two modes would put a representative where no loss is. So the shares to the left and to
/// the right of the widest empty space are counted separately. This keeps the mean of each side and moves a weight by half
/// a share at most. Fewer losses than half a share are outliers, not a mode.
pub(super) fn representatives(losses: &[f64], count: usize) -> Vec<f64> {
    let mut sorted = losses.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let share = sorted.len() as f64 / count as f64;
    let (left, right) = sorted.split_at(empty_space(&sorted, (share / 2.0).ceil() as usize).unwrap_or(0));
    let left_count = (left.len() as f64 / share).round() as usize;
    let mut means = shares(left, left_count);
    means.extend(shares(right, count - left_count));
    means
}

/// The place where the widest gap ends, if the gap is empty space and has `least` losses or more on either side.
fn empty_space(sorted: &[f64], least: usize) -> Option<usize> {
    let gap = |at: usize| sorted[at] - sorted[at - 1];
    let widest = (least..=sorted.len() - least).max_by(|&a, &b| gap(a).total_cmp(&gap(b)))?;
    (gap(widest) > EMPTY_SPACE * (sorted[sorted.len() - 1] - sorted[0])).then_some(widest)
}

/// The means of `count` equal shares of sorted losses.
fn shares(sorted: &[f64], count: usize) -> Vec<f64> {
    let share = sorted.len() as f64 / count as f64;
    let mut index = 0;
    // The part of the loss at `index` that no share has taken.
    let mut left = 1.0;
    (0..count)
        .map(|_| {
            // The part of this share that is not filled.
            let mut open = share;
            let mut sum = 0.0;
            while index < sorted.len() && open > 0.0 {
                let taken = f64::min(left, open);
                sum += taken * sorted[index];
                open -= taken;
                left -= taken;
                if left <= 0.0 {
                    index += 1;
                    left = 1.0;
                }
            }
            // Rounding may leave the last share not quite filled.
            sum / (share - open)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(v: &[f64]) -> f64 {
        v.iter().sum::<f64>() / v.len() as f64
    }

    #[test]
    fn shares_that_split_no_loss_are_plain_means() {
        assert_eq!(shares(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 3), [1.5, 3.5, 5.5]);
    }

    #[test]
    fn a_loss_on_a_border_is_split_between_both_shares() {
        // Shares of 1.5: (1 + 2/2) / 1.5 and (2/2 + 3) / 1.5.
        let two = shares(&[1.0, 2.0, 3.0], 2);
        assert!((two[0] - 4.0 / 3.0).abs() < 1e-15 && (two[1] - 8.0 / 3.0).abs() < 1e-15);
    }

    #[test]
    fn no_representative_is_between_two_modes() {
        // 30 and 70 losses in shares of ten would fit; 33 and 67 would put one between the modes.
        let losses: Vec<f64> = (0..100).map(|i| f64::from(i) + if i < 33 { 0.0 } else { 1000.0 }).collect();
        let ten = representatives(&losses, 10);
        assert!(ten[2] < 33.0 && ten[3] > 1033.0, "{ten:?}");
        assert!((mean(&ten[..3]) - mean(&losses[..33])).abs() < 1e-9);
        assert!((mean(&ten[3..]) - mean(&losses[33..])).abs() < 1e-9);
    }

    #[test]
    fn half_a_share_of_losses_is_a_mode_and_gets_a_share_of_its_own() {
        // Shares of ten losses. The mode on the right has 6 to 13 losses, and always gets one share.
        for right in [6, 7, 13] {
            let losses: Vec<f64> =
                (0..100).map(|i| f64::from(i) + if i < 100 - right { 0.0 } else { 1000.0 }).collect();
            let ten = representatives(&losses, 10);
            assert!(ten[8] < 100.0, "{right}: {ten:?}");
            assert!((ten[9] - mean(&losses[100 - right as usize..])).abs() < 1e-9, "{right}: {ten:?}");
        }
        // Fewer than half a share are outliers.
        let losses: Vec<f64> = (0..100).map(|i| f64::from(i) + if i < 96 { 0.0 } else { 1000.0 }).collect();
        let ten = representatives(&losses, 10);
        assert!((ten[9] - mean(&losses[90..])).abs() < 1e-9, "{ten:?}");
    }

    #[test]
    fn without_empty_space_the_shares_are_of_all_losses() {
        let losses: Vec<f64> = (0..1000).map(|i| f64::from(i * 7919 % 1000).powi(2)).collect();
        let mut sorted = losses.clone();
        sorted.sort_by(f64::total_cmp);
        assert_eq!(representatives(&losses, 64), shares(&sorted, 64));
    }

    #[test]
    fn an_outlier_alone_takes_no_whole_share() {
        let losses: Vec<f64> = (0..100).map(|i| if i == 99 { 1000.0 } else { f64::from(i) }).collect();
        let ten = representatives(&losses, 10);
        assert!((mean(&ten) - mean(&losses)).abs() < 1e-9, "the mean is kept: {ten:?}");
    }

    #[test]
    fn any_number_of_losses_gives_as_many_ordered_numbers_as_asked_for() {
        for n in [2048, 2049, 3000, 4096, 4097, 50_021] {
            let losses: Vec<f64> = (0..n).map(|i| f64::from(i * 7919 % n).powi(2)).collect();
            let few = representatives(&losses, 2048);
            assert!((mean(&few) / mean(&losses) - 1.0).abs() < 1e-3);
            assert!(few.is_sorted() && few.len() == 2048 && few.iter().all(|v| v.is_finite()), "{n}");
        }
    }
}
