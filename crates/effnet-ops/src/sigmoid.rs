//! The logistic function in vectors: the exponential that swish and the squeeze-and-excitation gate
//! need, as arithmetic that every level has.

use crate::simd::Simd;

/// The lowest x that [`exp`] takes: ln(2^-126), where the result leaves f32's normal range.
const LOWEST: f32 = -87.336_54;

/// The highest: ln(2^128), and the result infinity.
const HIGHEST: f32 = 88.722_84;

/// e^x for x between the two, NaN for NaN; infinity from about ln(2^128) on, on some levels from ln(2^127.5).
///
/// x = n ln 2 + r (Cody and Waite's reduction) with n a whole number of the level's steps an octave, so that |r| is at most
/// half a step of ln 2: then e^x = 2^n (1 + r + ...). Without a table, n is whole and the polynomial is Cephes' of degree 6
/// (`expf.c`, S. L. Moshier); with steps of an eighth, three terms do. Error at most 2 units in the last place against f64 (a
/// test goes through the whole range on every level).
#[inline(always)]
fn exp<S: Simd>(s: S, x: S::F) -> S::F {
    // ln 2 in two parts, the first with so few bits that n times it is exact.
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;

    // 1.5 * 2^23 steps: adding it rounds to the nearest step, and leaves the steps in the lowest bits.
    let round = s.splat(12_582_912.0 / S::STEPS as f32);
    let rounded = s.mul_add(x, s.splat(std::f32::consts::LOG2_E), round);
    let n = s.sub(rounded, round);
    let r = s.mul_add(n, s.splat(-LN2_HIGH), x);
    let r = s.mul_add(n, s.splat(-LN2_LOW), r);
    let square = s.mul(r, r);
    let e = if S::STEPS == 1 {
        let mut p = s.splat(1.987_569_1e-4);
        p = s.mul_add(p, r, s.splat(1.398_199_9e-3));
        p = s.mul_add(p, r, s.splat(8.333_452e-3));
        p = s.mul_add(p, r, s.splat(4.166_579_6e-2));
        p = s.mul_add(p, r, s.splat(1.666_666_5e-1));
        p = s.mul_add(p, r, s.splat(0.5));
        s.add(s.mul_add(square, p, r), s.splat(1.0))
    } else {
        // e^r - 1 = r + r^2 / 2 + r^3 / 6 + r^4 / 24: of the last, a r^2 with a = 2 (sqrt 2 - 1) R^2 / 24 leaves the least for
        // |r| <= R, a sixth of it: 2.5e-8 for eighths.
        let most = std::f32::consts::LN_2 / (2 * S::STEPS) as f32;
        let half = s.splat(0.5 + 0.828_427_1 * most * most / 24.0);
        let less_one = s.mul_add(square, s.mul_add(r, s.splat(1.0 / 6.0), half), r);
        let step = s.exp2_step(rounded);
        s.mul_add(step, less_one, step)
    };
    s.scale_exp2(e, n)
}

/// e^x for x <= 0, NaN for NaN, exactly 0 below [`LOWEST`].
#[inline(always)]
pub(crate) fn exp_negative<S: Simd>(s: S, x: S::F) -> S::F {
    let e = exp(s, s.max(s.splat(LOWEST), x));
    s.select_less(x, s.splat(LOWEST), s.splat(0.0), e)
}

/// z sigmoid(beta z) = z / (1 + e^(-beta z)); exactly 0 where beta z is below -88.4, and the sigmoid about to leave f32's
/// normal range.
#[inline(always)]
pub(crate) fn swish<S: Simd>(s: S, z: S::F, beta: f32) -> S::F {
    let x = s.mul(z, s.splat(-beta));
    let e = exp(s, s.min(s.splat(HIGHEST), s.max(s.splat(LOWEST), x)));
    s.div(z, s.add(s.splat(1.0), e))
}

/// The derivative of [`swish`] by z: q + beta z e q^2 with e = e^(-beta z) and q = 1 / (1 + e).
#[inline(always)]
pub(crate) fn swish_derivative<S: Simd>(s: S, z: S::F, beta: f32) -> S::F {
    // So that e is finite, and e q no NaN.
    const BELOW: f32 = 88.0;
    let x = s.mul(z, s.splat(-beta));
    let x = s.min(s.splat(BELOW), s.max(s.splat(LOWEST), x));
    let e = exp(s, x);
    let q = s.div(s.splat(1.0), s.add(s.splat(1.0), e));
    let slope = s.mul(s.mul(e, q), q);
    s.sub(q, s.mul(x, slope))
}

/// `(sigmoid(z), sigmoid'(z))`, both from e = exp(-|z|), so neither overflows nor cancels:
/// sigmoid(z) = 1 / (1 + e) for z >= 0 and e / (1 + e) below; sigmoid'(z) = e / (1 + e)^2.
#[inline(always)]
pub(crate) fn sigmoid<S: Simd>(s: S, z: S::F) -> (S::F, S::F) {
    let zero = s.splat(0.0);
    let one = s.splat(1.0);
    let e = exp_negative(s, s.sub(zero, s.abs(z)));
    let q = s.div(one, s.add(one, e));
    let eq = s.mul(e, q);
    (s.select_less(z, zero, eq, q), s.mul(eq, q))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::{Kernel, available, run};

    struct Apply<'a, const SIGMOID: bool>(&'a [f32]);

    impl<const SIGMOID: bool> Kernel for Apply<'_, SIGMOID> {
        type Output = Vec<[f32; 2]>;
        #[inline(always)]
        fn run<S: Simd>(self, s: S) -> Self::Output {
            let mut out = vec![];
            for &x in self.0 {
                let x = s.splat(x);
                let (a, b) = if SIGMOID { sigmoid(s, x) } else { (exp_negative(s, x), swish(s, x, 1.0)) };
                let mut lanes = [[0f32; 16]; 2];
                // SAFETY: 16 values hold a vector of any level.
                unsafe {
                    s.store(lanes[0].as_mut_ptr(), a);
                    s.store(lanes[1].as_mut_ptr(), b);
                }
                out.push([lanes[0][0], lanes[1][0]]);
            }
            out
        }
    }

    /// Distance in units in the last place of the f32 nearest to `exact`.
    fn ulps(got: f32, exact: f64) -> f64 {
        let near = exact as f32;
        let ulp = f64::from(f32::from_bits(near.to_bits() + 1)) - f64::from(near);
        ((f64::from(got) - exact) / ulp).abs()
    }

    fn grid(from: f32, to: f32, n: usize) -> Vec<f32> {
        (0..=n).map(|i| from + (to - from) * i as f32 / n as f32).collect()
    }

    #[test]
    fn the_exponential_is_within_two_units_in_the_last_place() {
        let mut xs = grid(-87.3, 0.0, 400_000);
        xs.extend(grid(-1e-3, 0.0, 1000));
        for level in available() {
            for (x, [e, _]) in xs.iter().zip(run(level, Apply::<false>(&xs))) {
                let off = ulps(e, f64::from(*x).exp());
                assert!(off <= 2.0, "{level:?}: exp({x}) = {e} is {off} ulp off");
            }
        }
    }

    #[test]
    fn the_sigmoid_and_its_derivative_are_exact_to_rounding() {
        let xs = grid(-87.0, 87.0, 200_000);
        for level in available() {
            for (x, [s, ds]) in xs.iter().zip(run(level, Apply::<true>(&xs))) {
                let e = (-f64::from(*x).abs()).exp();
                let exact = if *x >= 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) };
                assert!(ulps(s, exact) <= 4.0, "{level:?}: sigmoid({x}) = {s}, not {exact}");
                let exact = e / (1.0 + e).powi(2);
                assert!(ulps(ds, exact) <= 5.0, "{level:?}: sigmoid'({x}) = {ds}, not {exact}");
            }
        }
    }

    #[test]
    fn swish_is_exact_to_rounding() {
        let xs = grid(-80.0, 80.0, 200_000);
        for level in available() {
            for (x, [_, y]) in xs.iter().zip(run(level, Apply::<false>(&xs))) {
                let exact = f64::from(*x) / (1.0 + (-f64::from(*x)).exp());
                assert!(
                    *x == 0.0 || ulps(y.abs(), exact.abs()) <= 4.0,
                    "{level:?}: swish({x}) = {y}, not {exact}"
                );
            }
        }
    }

    struct Derivative<'a>(&'a [f32]);

    impl Kernel for Derivative<'_> {
        type Output = Vec<f32>;
        #[inline(always)]
        fn run<S: Simd>(self, s: S) -> Vec<f32> {
            let mut lanes = [0f32; 16];
            let mut out = vec![];
            for &z in self.0 {
                // SAFETY: 16 values hold a vector of any level.
                unsafe { s.store(lanes.as_mut_ptr(), swish_derivative(s, s.splat(z), 1.0)) };
                out.push(lanes[0]);
            }
            out
        }
    }

    /// Its two terms cancel at -1.28, so the error is measured by them.
    #[test]
    fn the_derivative_of_swish_is_exact_to_the_rounding_of_its_terms() {
        let xs = grid(-87.0, 87.0, 200_000);
        for level in available() {
            for (x, got) in xs.iter().zip(run(level, Derivative(&xs))) {
                let z = f64::from(*x);
                let e = (-z.abs()).exp();
                let q = if z >= 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) };
                let second = z * e / (1.0 + e).powi(2);
                let error = (f64::from(got) - (q + second)).abs();
                assert!(
                    error <= 5e-7 * (q + second.abs()),
                    "{level:?}: swish'({x}) = {got}, not {}",
                    q + second
                );
            }
            let far = [-f32::INFINITY, -1e6, -200.0, 200.0, 1e6, f32::INFINITY];
            for (x, got) in far.iter().zip(run(level, Derivative(&far))) {
                let exact = if *x > 0.0 { 1.0 } else { 0.0 };
                assert!((got - exact).abs() < 1e-30, "{level:?}: swish'({x}) = {got}");
            }
            assert!(run(level, Derivative(&[f32::NAN]))[0].is_nan(), "{level:?}: NaN");
        }
    }

    #[test]
    fn far_out_the_sigmoid_is_exactly_zero_or_one() {
        let xs = [-f32::INFINITY, f32::MIN, -1e6, -88.0, 88.0, 1e6, f32::MAX, f32::INFINITY];
        for level in available() {
            for (x, got) in xs.iter().zip(run(level, Apply::<true>(&xs))) {
                assert_eq!(got, [if *x > 0.0 { 1.0 } else { 0.0 }, 0.0], "{level:?}: {x}");
            }
        }
    }

    #[test]
    fn nan_stays_nan() {
        for level in available() {
            assert!(run(level, Apply::<true>(&[f32::NAN]))[0][0].is_nan(), "{level:?}");
        }
    }

    /// Every 4099th of all floats by their bits, both signs: denormals, infinities and NaNs among them, and the smallest and
    /// largest of each.
    #[test]
    fn over_the_whole_range_of_floats_both_are_exact_to_rounding() {
        let edges = [0, 1, 0x007f_ffff, 0x0080_0000, 0x7f7f_ffff, 0x7f80_0000, 0x7f80_0001, 0x7fff_ffff];
        let positive = (0..=i32::MAX as u32).step_by(4099).chain(edges);
        let xs: Vec<f32> = positive.flat_map(|bits| [bits, bits | 1 << 31]).map(f32::from_bits).collect();
        for level in available() {
            for (x, got) in xs.iter().zip(run(level, Apply::<true>(&xs))) {
                if x.is_nan() {
                    assert!(got.iter().all(|got| got.is_nan()), "{level:?}: {got:?} of a NaN");
                    continue;
                }
                let e = (-f64::from(*x).abs()).exp();
                let value = if *x >= 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) };
                for (got, exact, most) in [(got[0], value, 4.0), (got[1], e / (1.0 + e).powi(2), 5.0)] {
                    // Below f32's normal range both may be 0.
                    let good = ulps(got, exact) <= most
                        || (got == 0.0 && exact < 1.01 * f64::from(f32::MIN_POSITIVE));
                    assert!(good, "{level:?}: of {x:e} {got:e}, not {exact:e}");
                }
            }
        }
    }
}
