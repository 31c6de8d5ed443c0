//! Properties that hold for any soft labels.
#![cfg(feature = "candle")]
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod common;

use candle_core::{Device, Tensor};
use noisy_labels::mixup::Mixup;
use noisy_labels::soft::{sharpen, smooth};
use proptest::prelude::*;

/// Rows of four values in 0..=1, some of them 0, with a positive sum.
fn rows() -> impl Strategy<Value = Vec<[f32; 4]>> {
    let cell = prop_oneof![1 => Just(0f32), 3 => 1e-20f32..=1.0];
    prop::collection::vec((prop::array::uniform4(cell), 0usize..4), 1..8).prop_map(|rows| {
        let distribution = |(mut row, sure): ([f32; 4], usize)| {
            row[sure] += 1e-3;
            let sum: f32 = row.iter().sum();
            row.map(|p| p / sum)
        };
        rows.into_iter().map(distribution).collect()
    })
}

fn tensor(rows: &[[f32; 4]]) -> Tensor {
    Tensor::from_vec(rows.concat(), (rows.len(), 4), &Device::Cpu).unwrap()
}

fn sums(x: &Tensor) -> Vec<f32> {
    x.sum(1).unwrap().to_vec1().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn sharpened_and_smoothed_rows_sum_to_one_and_keep_their_order(rows in rows(), t in 0.05f64..5.0, a in 0.0f64..1.0) {
        let p = tensor(&rows);
        for x in [sharpen(&p, t).unwrap(), smooth(&p, a).unwrap()] {
            prop_assert!(sums(&x).iter().all(|sum| (sum - 1.0).abs() < 1e-5), "{:?}", sums(&x));
            for (row, before) in x.to_vec2::<f32>().unwrap().iter().zip(&rows) {
                for i in 0..4 {
                    for j in 0..4 {
                        prop_assert!(before[i] <= before[j] || row[i] >= row[j]);
                    }
                }
            }
        }
    }

    #[test]
    fn a_mix_lies_between_its_two_rows_nearer_to_the_first(rows in rows(), lambda in 0.0f64..=1.0, turn in 0usize..8) {
        let n = rows.len();
        let permutation: Vec<usize> = (0..n).map(|i| (i + turn) % n).collect();
        let mix = Mixup::new(lambda, permutation.clone()).unwrap();
        prop_assert!((0.5..=1.0).contains(&mix.lambda()));
        let mixed: Vec<Vec<f32>> = mix.mix(&tensor(&rows)).unwrap().to_vec2().unwrap();
        for (i, row) in mixed.iter().enumerate() {
            for (c, value) in row.iter().enumerate() {
                let (own, partner) = (rows[i][c], rows[permutation[i]][c]);
                prop_assert!(*value >= own.min(partner) - 1e-6 && *value <= own.max(partner) + 1e-6);
                prop_assert!((value - own).abs() <= (value - partner).abs() + 1e-6);
            }
        }
    }
}
