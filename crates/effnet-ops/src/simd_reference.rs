//! Every operation of [`Simd`](crate::simd::Simd) against that of f32, lane by lane, on each level.

use crate::dispatch::{Kernel, available, run};
use crate::simd::Simd;

/// Numbers of every kind, in an order that brings each beside each.
fn numbers() -> Vec<[f32; 3]> {
    let kinds = [
        0.0,
        -0.0,
        1.0,
        -1.5,
        3.1e-3,
        -7.25e8,
        f32::MAX,
        f32::MIN_POSITIVE,
        f32::INFINITY,
        -f32::INFINITY,
        f32::NAN,
    ];
    let n = kinds.len();
    (0..n * n * n).map(|i| [kinds[i % n], kinds[i / n % n], kinds[i / n / n]]).collect()
}

fn is_same(a: f32, b: f32) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

struct Arithmetic;

impl Kernel for Arithmetic {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        type Binary<S> = fn(S, <S as Simd>::F, <S as Simd>::F) -> <S as Simd>::F;
        type Named<S> = (&'static str, Binary<S>, fn(f32, f32) -> f32);
        let binary: [Named<S>; 6] = [
            ("add", S::add, |a, b| a + b),
            ("sub", S::sub, |a, b| a - b),
            ("mul", S::mul, |a, b| a * b),
            ("div", S::div, |a, b| a / b),
            ("min", S::min, |a, b| if a < b { a } else { b }),
            ("max", S::max, |a, b| if a > b { a } else { b }),
        ];
        for [a, b, c] in numbers() {
            let vectors = [a, b, c].map(|x| s.splat(x));
            for (name, vector, single) in binary {
                let (got, exact) = (all(s, vector(s, vectors[0], vectors[1])), single(a, b));
                assert!(
                    got.iter().all(|got| is_same(*got, exact)),
                    "{name}({a}, {b}) = {got:?}, not {exact}"
                );
            }
            let got = all(s, s.mul_add(vectors[0], vectors[1], vectors[2]));
            let either = [a * b + c, a.mul_add(b, c)];
            assert!(
                got.iter().all(|got| either.iter().any(|exact| is_same(*got, *exact))),
                "{a} {b} + {c} = {got:?}, not one of {either:?}"
            );
            assert!(all(s, s.abs(vectors[0])).iter().all(|got| is_same(*got, a.abs())), "abs({a})");
            let got = all(s, s.select_less(vectors[0], vectors[1], vectors[2], s.splat(5.0)));
            let exact = if a < b { c } else { 5.0 };
            assert!(got.iter().all(|got| is_same(*got, exact)), "select {a} < {b}: {got:?}");
        }
        for i in 0..S::STEPS {
            // The bits above the lowest do not matter.
            let got = all(s, s.exp2_step(s.splat(f32::from_bits(1.5f32.to_bits() + i as u32))));
            let exact = (i as f64 / S::STEPS as f64).exp2() as f32;
            assert!(got.iter().all(|got| *got == exact), "2^({i}/{}): {got:?}, not {exact}", S::STEPS);
        }
        for steps in -126 * S::STEPS as i32..=128 * S::STEPS as i32 {
            let n = steps as f32 / S::STEPS as f32;
            for a in [1.0, 1.5, 1.99] {
                let got = all(s, s.scale_exp2(s.splat(a), s.splat(n)));
                let exact = if n == 128.0 { f32::INFINITY } else { a * 2f32.powi(n.floor() as i32) };
                assert!(got.iter().all(|got| *got == exact), "{a} 2^floor({n}): {got:?}");
            }
        }
    }
}

/// Whole and partial vectors at the very end of what may be read and written.
struct Ends;

impl Kernel for Ends {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for n in 0..=S::LANES {
            let source: Box<[f32]> = (0..n).map(|i| i as f32 + 1.0).collect();
            let mut target: Box<[f32]> = vec![-1.0; n].into();
            // SAFETY: both have n values.
            let loaded = unsafe {
                let loaded =
                    if n == S::LANES { s.load(source.as_ptr()) } else { s.load_part(source.as_ptr(), n) };
                match n == S::LANES {
                    true => s.store(target.as_mut_ptr(), loaded),
                    false => s.store_part(target.as_mut_ptr(), n, loaded),
                }
                loaded
            };
            assert_eq!(source, target, "{n} of {} lanes", S::LANES);
            let rest = &all(s, loaded)[n..];
            assert!(rest.iter().all(|x| *x == 0.0), "{n} of {} lanes, then {rest:?}", S::LANES);

            let mut wide = [-1f32; 16];
            if n < S::LANES {
                // SAFETY: n is below 16.
                unsafe { s.store_part(wide.as_mut_ptr(), n, s.splat(2.0)) };
                assert!(wide[..n].iter().all(|x| *x == 2.0) && wide[n..].iter().all(|x| *x == -1.0), "{n}");
            }
        }
    }
}

/// The lanes of a vector.
#[inline(always)]
fn all<S: Simd>(s: S, vector: S::F) -> Vec<f32> {
    let mut lanes = vec![0f32; S::LANES];
    // SAFETY: there are as many values as lanes.
    unsafe { s.store(lanes.as_mut_ptr(), vector) };
    lanes
}

#[test]
fn operations_are_those_of_single_floats() {
    available().into_iter().for_each(|level| run(level, Arithmetic));
}

#[test]
fn whole_and_partial_vectors_end_where_they_should() {
    available().into_iter().for_each(|level| run(level, Ends));
}
