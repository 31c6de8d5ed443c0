//! The loops against slow ones in f64, over random shapes on every level.

use proptest::prelude::*;

use super::{
    ChannelMap, ChannelTerms, ChannelUpdate, Rows, column_sums, map, map_rows, sums, sums_here, total,
    update, update_rows,
};
use crate::dispatch::{Level, available};
use crate::simd::Simd;

/// x, y, a, b -> x a + b y, which no two arguments can change places in.
fn reference([x, y]: [f32; 2], [a, b]: [f32; 2]) -> f64 {
    let [x, y, a, b] = [x, y, a, b].map(f64::from);
    x * a + b * y
}

#[derive(Clone, Copy)]
struct Affine;

impl ChannelMap<2, 2> for Affine {
    #[inline(always)]
    fn apply<S: Simd>(self, s: S, [x, y]: [S::F; 2], [a, b]: [S::F; 2]) -> S::F {
        s.mul_add(x, a, s.mul(b, y))
    }
}

/// The map, and the first value.
impl ChannelTerms<2, 2, 2> for Affine {
    #[inline(always)]
    fn terms<S: Simd>(self, s: S, x: [S::F; 2], p: [S::F; 2]) -> [S::F; 2] {
        [self.apply(s, x, p), x[0]]
    }
}

impl ChannelUpdate<2, 2, 2> for Affine {
    #[inline(always)]
    fn update<S: Simd>(self, s: S, x: [S::F; 2], p: [S::F; 2]) -> (S::F, [S::F; 2]) {
        (self.apply(s, x, p), self.terms(s, x, p))
    }
}

fn numbers(n: usize, seed: usize) -> Vec<f32> {
    (0..n).map(|i| ((i * 7919 + seed * 104_729) % 4001) as f32 / 2000.0 - 1.0).collect()
}

/// A case's arguments: `x` of the shape, the first parameter for each group, the second for all.
struct Case {
    shape: Rows,
    x: [Vec<f32>; 2],
    params: [Vec<f32>; 2],
}

impl Case {
    fn new(shape: Rows) -> Self {
        let Rows { groups, channels, .. } = shape;
        let x = [1, 2].map(|seed| numbers(shape.len(), seed));
        Self { shape, x, params: [numbers(groups * channels, 3), numbers(channels, 4)] }
    }

    fn inputs(&self) -> [&[f32]; 2] {
        [&self.x[0], &self.x[1]]
    }

    fn params(&self) -> [&[f32]; 2] {
        [&self.params[0], &self.params[1]]
    }

    /// The map of value i.
    fn value(&self, i: usize) -> f64 {
        let Rows { rows, channels, .. } = self.shape;
        let (group, channel) = (i / (rows * channels), i % channels);
        let params = [self.params[0][group * channels + channel], self.params[1][channel]];
        reference([self.x[0][i], self.x[1][i]], params)
    }

    /// The sums of both terms over the rows of each group.
    fn sums(&self) -> [Vec<f64>; 2] {
        let Rows { groups, rows, channels } = self.shape;
        let mut sums = [vec![0f64; groups * channels], vec![0f64; groups * channels]];
        for i in 0..self.shape.len() {
            let at = i / (rows * channels) * channels + i % channels;
            sums[0][at] += self.value(i);
            sums[1][at] += f64::from(self.x[0][i]);
        }
        sums
    }

    /// Those over all groups.
    fn totals(&self) -> [Vec<f64>; 2] {
        let channels = self.shape.channels;
        self.sums().map(|sums| (0..channels).map(|c| sums[c..].iter().step_by(channels).sum()).collect())
    }

    fn check(&self, level: Level) {
        let (shape, [x, y], params) = (self.shape, self.inputs(), self.params());
        let exact: Vec<f64> = (0..shape.len()).map(|i| self.value(i)).collect();
        let mapped = map(level, shape, [x, y], params, Affine);
        assert_close("map", level, &mapped, &exact, 1.0);

        let rows = shape.rows as f64;
        for (got, exact) in sums(level, shape, [x, y], params, Affine).iter().zip(self.sums()) {
            assert_close("sums", level, got, &exact, rows);
        }
        let [_, columns] = self.sums();
        assert_close("column sums", level, &column_sums(level, shape, x), &columns, rows);

        let all = rows * shape.groups as f64;
        let mut target = x.to_vec();
        let found = update(level, shape, &mut target, [y], params, Affine);
        assert_same("update", level, &target, &mapped);
        for (got, exact) in found.iter().zip(self.totals()) {
            assert_close("sums of an update", level, got, &exact, all);
        }
        self.check_in_two(level, &mapped);
    }

    /// The same in two parts, cut at any row.
    fn check_in_two(&self, level: Level, mapped: &[f32]) {
        let (shape, [x, y], params) = (self.shape, self.inputs(), self.params());
        let channels = shape.channels;
        let cut = (shape.groups * shape.rows).div_ceil(3);
        let mut target = x.to_vec();
        let (above, below) = target.split_at_mut(cut * channels);
        let parts = [(0, above), (cut, below)].map(|(first, part)| {
            let rows = first..first + part.len() / channels;
            let mut written = Vec::with_capacity(part.len());
            let out = &mut written.spare_capacity_mut()[..part.len()];
            map_rows(level, shape, rows, [x, y], params, out, Affine);
            // SAFETY: `map_rows` writes every value of `out`.
            unsafe { written.set_len(part.len()) };
            assert_same("map of some rows", level, &written, &mapped[first * channels..][..part.len()]);
            let mut sums = [vec![0f64; channels], vec![0f64; channels]];
            update_rows(level, shape, first, part, [y], params, &mut sums, Affine);
            sums
        });
        assert_same("update of some rows", level, &target, mapped);
        let all = (shape.rows * shape.groups) as f64;
        for (got, exact) in total(parts.into(), channels).iter().zip(self.totals()) {
            assert_close("sums of two parts", level, got, &exact, all);
        }
        if shape.groups == 1 {
            for (got, exact) in sums_here(level, shape, [x, y], params, Affine).iter().zip(self.sums()) {
                assert_close("sums here", level, got, &exact, all);
            }
        }
    }
}

/// Terms are below 2, and 32 of them are added in f32: off by at most as many roundings of their sum, for each term.
fn assert_close<T: Copy + Into<f64>>(what: &str, level: Level, got: &[T], exact: &[f64], terms: f64) {
    assert_eq!(got.len(), exact.len(), "{what} at {level:?}");
    let tolerance = terms * 4.0 * f64::from(f32::EPSILON);
    for (i, (got, exact)) in got.iter().zip(exact).enumerate() {
        let got: f64 = (*got).into();
        assert!((got - exact).abs() <= tolerance, "{what} at {level:?}: {i} is {got}, not {exact}");
    }
}

fn assert_same(what: &str, level: Level, got: &[f32], exact: &[f32]) {
    assert!(got.iter().map(|x| x.to_bits()).eq(exact.iter().map(|x| x.to_bits())), "{what} at {level:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn the_loops_equal_their_references(
        (groups, rows) in prop_oneof![(1usize..6, 1usize..80), (1usize..3, 400usize..1200), (20usize..90, 1usize..4)],
        channels in prop_oneof![1usize..50, 120usize..140],
    ) {
        let case = Case::new(Rows { groups, rows, channels });
        available().into_iter().for_each(|level| case.check(level));
    }
}
