//! The growth of the unlabeled loss's weight after warm-up.

/// The weight of L_U: 0 up to the end of warm-up, then rising linearly to `lambda_u` over `ramp_length` epochs.
///
/// `epoch` counts from 0 and carries a fraction (epoch + iteration / iterations), as in the authors' `linear_rampup`,
/// where `warmup` epochs come first and `ramp_length` is 16. A ramp of length 0 (or below) is a step at the end of
/// warm-up.
pub fn lambda_u_ramp(lambda_u: f64, epoch: f64, warmup: f64, ramp_length: f64) -> f64 {
    let risen = epoch - warmup;
    if ramp_length > 0.0 {
        lambda_u * (risen / ramp_length).clamp(0.0, 1.0)
    } else if risen >= 0.0 {
        lambda_u
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_without_length_is_a_step_at_the_end_of_warm_up() {
        assert_eq!(lambda_u_ramp(25.0, 9.99, 10.0, 0.0), 0.0);
        assert_eq!(lambda_u_ramp(25.0, 10.0, 10.0, 0.0), 25.0);
    }

    #[test]
    fn half_way_up_the_ramp_the_weight_is_half() {
        assert_eq!(lambda_u_ramp(25.0, 18.0, 10.0, 16.0), 12.5);
    }
}
