//! The activations and their derivatives on vectors.

use crate::elementwise::Map;
use crate::sigmoid::{sigmoid, swish, swish_derivative};
use crate::simd::{Simd, Wide};

/// An activation f, as the fused kernels take it.
pub(crate) trait Function: Copy + Send + Sync {
    /// f(z). Must be `#[inline(always)]`.
    fn value<S: Simd>(self, s: S, z: S::F) -> S::F;
    /// f'(z) dy. Must be `#[inline(always)]`.
    fn backward<S: Simd>(self, s: S, z: S::F, dy: S::F) -> S::F;
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Identity;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Swish {
    pub(crate) beta: f32,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Relu6;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Sigmoid;

impl Function for Identity {
    #[inline(always)]
    fn value<S: Simd>(self, _: S, z: S::F) -> S::F {
        z
    }

    #[inline(always)]
    fn backward<S: Simd>(self, _: S, _: S::F, dy: S::F) -> S::F {
        dy
    }
}

impl Function for Swish {
    #[inline(always)]
    fn value<S: Simd>(self, s: S, z: S::F) -> S::F {
        swish(s, z, self.beta)
    }

    #[inline(always)]
    fn backward<S: Simd>(self, s: S, z: S::F, dy: S::F) -> S::F {
        s.mul(dy, swish_derivative(s, z, self.beta))
    }
}

impl Function for Relu6 {
    #[inline(always)]
    fn value<S: Simd>(self, s: S, z: S::F) -> S::F {
        s.min(s.splat(6.0), s.max(s.splat(0.0), z))
    }

    #[inline(always)]
    fn backward<S: Simd>(self, s: S, z: S::F, dy: S::F) -> S::F {
        let zero = s.splat(0.0);
        // A sum makes a zero of a denormal; chosen as it is it would stay one.
        let dy = s.add(dy, zero);
        s.select_less(zero, z, s.select_less(z, s.splat(6.0), dy, zero), zero)
    }
}

impl Function for Sigmoid {
    #[inline(always)]
    fn value<S: Simd>(self, s: S, z: S::F) -> S::F {
        sigmoid(s, z).0
    }

    #[inline(always)]
    fn backward<S: Simd>(self, s: S, z: S::F, dy: S::F) -> S::F {
        s.mul(dy, sigmoid(s, z).1)
    }
}

/// f of each vector, four in step.
#[inline(always)]
pub(crate) fn activate<S: Simd, F: Function, const R: usize, const V: usize>(
    s: S,
    f: F,
    z: &mut [[S::F; V]; R],
) {
    if !S::IN_STEP {
        for z in z.iter_mut().flatten() {
            *z = f.value(s, *z);
        }
        return;
    }
    let mut first = 0;
    while first < R * V {
        let mut four = [s.splat(0.0); 4];
        for (i, four) in four.iter_mut().enumerate() {
            let at = (first + i).min(R * V - 1);
            *four = z[at / V][at % V];
        }
        for (i, y) in f.value(Wide(s), four).into_iter().enumerate() {
            if first + i < R * V {
                z[(first + i) / V][(first + i) % V] = y;
            }
        }
        first += 4;
    }
}

/// x -> f(x).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Forward<F>(pub(crate) F);

impl<F: Function> Map<1> for Forward<F> {
    #[inline(always)]
    fn apply<S: Simd>(self, s: S, [x]: [S::F; 1]) -> S::F {
        self.0.value(s, x)
    }
}

/// (x, dy) -> f'(x) dy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Backward<F>(pub(crate) F);

impl<F: Function> Map<2> for Backward<F> {
    #[inline(always)]
    fn apply<S: Simd>(self, s: S, [x, dy]: [S::F; 2]) -> S::F {
        self.0.backward(s, x, dy)
    }
}
