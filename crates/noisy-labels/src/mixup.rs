//! MixMatch's form of mixup (Berthelot et al. 2019, eq. 8-11): one lambda for a batch, of which each row itself gets the larger
//! share.

use rand::Rng;
use rand::seq::SliceRandom;
use rand_distr::{Beta, Distribution};

use crate::error::{Error, Result};

/// A mix of a batch with a permutation of itself. Images and targets are mixed by the same one.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixup {
    lambda: f64,
    permutation: Vec<usize>,
}

impl Mixup {
    /// The mix with this share and this partner of each row. The larger of `lambda` and `1 - lambda` is used.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for a share outside `0..=1`; [`Error::Length`] where `permutation` does not name each of
    /// its rows once.
    pub fn new(lambda: f64, permutation: Vec<usize>) -> Result<Self> {
        if !(0.0..=1.0).contains(&lambda) {
            return Err(Error::OutOfRange { name: "mixup's lambda", value: lambda, range: "in 0..=1" });
        }
        let mut named = vec![false; permutation.len()];
        for &row in &permutation {
            if let Some(seen) = named.get_mut(row) {
                *seen = true;
            }
        }
        let distinct = named.iter().filter(|&&seen| seen).count();
        crate::error::check_length("distinct rows in the permutation", permutation.len(), distinct)?;
        Ok(Self { lambda: lambda.max(1.0 - lambda), permutation })
    }

    /// A mix whose lambda is drawn from Beta(alpha, alpha), and then a partner for each of `rows` rows.
    ///
    /// With an `alpha` that is not above 0, or not finite, lambda is 1 and nothing is mixed. This is also the limit of
    /// Beta(alpha, alpha) as alpha falls to 0, since the larger share is used.
    pub fn draw<R: Rng + ?Sized>(rows: usize, alpha: f64, rng: &mut R) -> Self {
        let lambda = match Beta::new(alpha, alpha) {
            Ok(beta) if alpha.is_finite() => beta.sample(rng),
            _ => 1.0,
        };
        // For a tiny alpha the sampler's powers can overflow; then the limit is used.
        let lambda = if lambda.is_finite() { lambda.clamp(0.0, 1.0) } else { 1.0 };
        let mut permutation: Vec<usize> = (0..rows).collect();
        permutation.shuffle(rng);
        Self { lambda: lambda.max(1.0 - lambda), permutation }
    }

    /// The share that a row itself has in its mix, in `0.5..=1`.
    pub fn lambda(&self) -> f64 {
        self.lambda
    }

    /// The partner of each row.
    pub fn permutation(&self) -> &[usize] {
        &self.permutation
    }

    /// The mix of `x`: `lambda x_i + (1 - lambda) x_{permutation(i)}` along the first dimension.
    ///
    /// # Shapes
    /// `x` and result: `[rows, ..]`, any rank from 1.
    ///
    /// # Errors
    /// [`Error::Length`] where `x` has another number of rows; candle's for a scalar.
    #[cfg(feature = "candle")]
    pub fn mix(&self, x: &candle_core::Tensor) -> Result<candle_core::Tensor> {
        crate::error::check_length("rows to mix", self.permutation.len(), x.dim(0)?)?;
        if self.lambda == 1.0 {
            return Ok(x.clone());
        }
        let partners: Vec<u32> = self.permutation.iter().map(|&row| row as u32).collect();
        let partners = candle_core::Tensor::new(partners, x.device())?;
        let shuffled = x.index_select(&partners, 0)?.affine(1.0 - self.lambda, 0.0)?;
        Ok((x.affine(self.lambda, 0.0)? + shuffled)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_xoshiro::Xoshiro256PlusPlus;

    #[test]
    fn the_larger_share_has_the_distribution_of_a_folded_beta() {
        // For Beta(4, 4), folded at 1/2: E max(l, 1 - l) = 1/2 + E|l - 1/2| = 1/2 + B-integral = 0.63671875 (exact:
        // 1/2 + 35/256).
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let draws = 40_000;
        let mean = (0..draws).map(|_| Mixup::draw(1, 4.0, &mut rng).lambda()).sum::<f64>() / f64::from(draws);
        // Standard error: sd 0.093 / 200 = 4.7e-4.
        assert!((mean - (0.5 + 35.0 / 256.0)).abs() < 2e-3, "{mean}");
    }

    #[test]
    fn no_alpha_breaks_the_draw() {
        for alpha in
            [f64::NAN, f64::NEG_INFINITY, -1.0, 0.0, 1e-300, 1e-9, 1e-3, 0.5, 1.0, 1e6, f64::INFINITY]
        {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
            let mix = Mixup::draw(5, alpha, &mut rng);
            assert!((0.5..=1.0).contains(&mix.lambda()), "alpha {alpha}: {}", mix.lambda());
            assert!(alpha > 0.0 && alpha.is_finite() || mix.lambda() == 1.0);
        }
    }

    #[test]
    fn a_seed_fixes_the_draw() {
        let draw = |seed| Mixup::draw(64, 4.0, &mut Xoshiro256PlusPlus::seed_from_u64(seed));
        assert_eq!(draw(3), draw(3));
        assert_ne!(draw(3), draw(4));
    }

    #[test]
    fn what_is_no_permutation_or_no_share_is_refused() {
        assert!(Mixup::new(0.3, vec![0, 0]).is_err());
        assert!(Mixup::new(0.3, vec![0, 2]).is_err());
        assert!(Mixup::new(1.1, vec![0]).is_err());
        assert_eq!(Mixup::new(0.3, vec![1, 0]).unwrap().lambda(), 0.7);
    }

    #[cfg(feature = "candle")]
    #[test]
    fn rows_of_any_rank_are_mixed_with_their_partners() {
        use candle_core::{Device, Tensor};
        let x = Tensor::new(&[[[1f32], [2.0]], [[3.0], [4.0]], [[5.0], [6.0]]], &Device::Cpu).unwrap();
        let mix = Mixup::new(0.75, vec![2, 1, 0]).unwrap();
        let mixed: Vec<Vec<Vec<f32>>> = mix.mix(&x).unwrap().to_vec3().unwrap();
        assert_eq!(mixed, [[[2.0], [3.0]], [[3.0], [4.0]], [[4.0], [5.0]]]);
        assert!(mix.mix(&x.narrow(0, 0, 2).unwrap()).is_err());
    }
}
