//! The gradient of the slope; the rest is [`crate::activation::cpu`].

use crate::activation::cpu::Swish;
use crate::channels::{self, ChannelTerms, Rows};
use crate::dispatch::Level;
use crate::sigmoid::sigmoid;
use crate::simd::Simd;

#[derive(Clone, Copy)]
struct BetaTerm(Swish);

impl ChannelTerms<2, 0, 1> for BetaTerm {
    #[inline(always)]
    fn terms<S: Simd>(self, s: S, [x, dy]: [S::F; 2], []: [S::F; 0]) -> [S::F; 1] {
        let slope = sigmoid(s, s.mul(x, s.splat(self.0.beta))).1;
        // In this order x^2 cannot overflow before the slope, 0 far out, has drawn it down.
        [s.mul(dy, s.mul(x, s.mul(x, slope)))]
    }
}

/// Sum of x^2 sigmoid'(beta x) dy over all elements.
pub(super) fn beta_gradient(level: Level, dims: &[usize], x: &[f32], dy: &[f32], f: Swish) -> f32 {
    let [sums] = channels::sums(level, Rows::of(dims), [x, dy], [], BetaTerm(f));
    sums.iter().sum::<f64>() as f32
}
