//! The operations that a view gets.

use rand::Rng;

use super::Operation;
use super::magnitude::Kind::{self, *};
use super::magnitude::Magnitude;

/// A published distribution of operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Policy {
    /// What AutoAugment found for CIFAR-10 (Cubuk et al., "AutoAugment: Learning Augmentation Strategies from Data", CVPR 2019,
    /// table 7): one of 25 pairs of operations, each of which is applied with its own probability.
    AutoAugment,
    /// RandAugment (Cubuk et al., "RandAugment: Practical automated data augmentation with a reduced search space", 2020): two of
    /// 14 operations, all with the same probability, at magnitude 9 of 30.
    RandAugment,
}

impl Policy {
    /// Two operations, drawn for a view of `side` pixels, to be applied one after the other. [`Operation::Identity`] takes the place of
    /// an operation that is not applied.
    ///
    /// Source: torchvision's classes of these names, with the policy `CIFAR10` and with the defaults, but other random numbers.
    pub fn draw(self, side: usize, random: &mut impl Rng) -> [Operation; 2] {
        match self {
            Self::AutoAugment => {
                let pair = &CIFAR10[random.random_range(0..CIFAR10.len())];
                pair.each_ref().map(|Step(kind, probability, bin)| {
                    let (is_applied, negative) = (random.random_bool(*probability), random.random());
                    let magnitude = Magnitude { bin: *bin, bins: AUTO_AUGMENT_BINS, side, negative };
                    if is_applied { magnitude.of(*kind) } else { Operation::Identity }
                })
            }
            Self::RandAugment => [(); 2].map(|()| {
                let kind = RAND_AUGMENT[random.random_range(0..RAND_AUGMENT.len())];
                let (bin, bins) = RAND_AUGMENT_BIN;
                Magnitude { bin, bins, side, negative: random.random() }.of(kind)
            }),
        }
    }
}

/// An operation, its probability, and its magnitude among [`AUTO_AUGMENT_BINS`] (0 where it has none).
struct Step(Kind, f64, usize);

const AUTO_AUGMENT_BINS: usize = 10;

/// The 25 sub-policies.
#[rustfmt::skip]
const CIFAR10: [[Step; 2]; 25] = [
    [Step(Invert, 0.1, 0), Step(Contrast, 0.2, 6)],
    [Step(Rotate, 0.7, 2), Step(TranslateX, 0.3, 9)],
    [Step(Sharpness, 0.8, 1), Step(Sharpness, 0.9, 3)],
    [Step(ShearY, 0.5, 8), Step(TranslateY, 0.7, 9)],
    [Step(AutoContrast, 0.5, 0), Step(Equalize, 0.9, 0)],
    [Step(ShearY, 0.2, 7), Step(Posterize, 0.3, 7)],
    [Step(Color, 0.4, 3), Step(Brightness, 0.6, 7)],
    [Step(Sharpness, 0.3, 9), Step(Brightness, 0.7, 9)],
    [Step(Equalize, 0.6, 0), Step(Equalize, 0.5, 0)],
    [Step(Contrast, 0.6, 7), Step(Sharpness, 0.6, 5)],
    [Step(Color, 0.7, 7), Step(TranslateX, 0.5, 8)],
    [Step(Equalize, 0.3, 0), Step(AutoContrast, 0.4, 0)],
    [Step(TranslateY, 0.4, 3), Step(Sharpness, 0.2, 6)],
    [Step(Brightness, 0.9, 6), Step(Color, 0.2, 8)],
    [Step(Solarize, 0.5, 2), Step(Invert, 0.0, 0)],
    [Step(Equalize, 0.2, 0), Step(AutoContrast, 0.6, 0)],
    [Step(Equalize, 0.2, 0), Step(Equalize, 0.6, 0)],
    [Step(Color, 0.9, 9), Step(Equalize, 0.6, 0)],
    [Step(AutoContrast, 0.8, 0), Step(Solarize, 0.2, 8)],
    [Step(Brightness, 0.1, 3), Step(Color, 0.7, 0)],
    [Step(Solarize, 0.4, 5), Step(AutoContrast, 0.9, 0)],
    [Step(TranslateY, 0.9, 9), Step(TranslateY, 0.7, 9)],
    [Step(AutoContrast, 0.9, 0), Step(Solarize, 0.8, 3)],
    [Step(Equalize, 0.8, 0), Step(Invert, 0.1, 0)],
    [Step(TranslateY, 0.7, 9), Step(AutoContrast, 0.9, 0)],
];

/// All but the inversion.
const RAND_AUGMENT: [Kind; 14] = [
    Identity,
    ShearX,
    ShearY,
    TranslateX,
    TranslateY,
    Rotate,
    Brightness,
    Color,
    Contrast,
    Sharpness,
    Posterize,
    Solarize,
    AutoContrast,
    Equalize,
];

/// The magnitude, and how many there are with none at all.
const RAND_AUGMENT_BIN: (usize, usize) = (9, 31);

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_xoshiro::Xoshiro256PlusPlus;
    use serde_json::Value;

    use super::*;

    /// torchvision's tables, made by xtask/golden/augment.py.
    fn golden() -> Value {
        serde_json::from_str(include_str!("../../tests/golden/augment.json")).unwrap()
    }

    #[test]
    fn the_policies_are_torchvision_s() {
        let golden = golden();
        let pairs = CIFAR10.each_ref().map(|pair| {
            pair.each_ref().map(|Step(kind, probability, bin)| (format!("{kind:?}"), *probability, *bin))
        });
        let pair = |pair: &Value| {
            let step = |step: &Value| {
                let name = step[0].as_str().unwrap().to_owned();
                (name, step[1].as_f64().unwrap(), step[2].as_u64().unwrap_or(0) as usize)
            };
            [step(&pair[0]), step(&pair[1])]
        };
        let theirs: Vec<_> = golden["auto_augment"].as_array().unwrap().iter().map(pair).collect();
        assert_eq!(pairs.to_vec(), theirs);

        let theirs = &golden["rand_augment"];
        assert_eq!(serde_json::json!(RAND_AUGMENT.map(|kind| format!("{kind:?}"))), theirs["operations"]);
        assert_eq!(theirs["count"], 2);
        assert_eq!(serde_json::json!(RAND_AUGMENT_BIN), serde_json::json!([theirs["bin"], theirs["bins"]]));
    }

    /// The number that torchvision's `_apply_op` gets for it.
    fn magnitude(operation: Operation) -> f64 {
        match operation {
            Operation::ShearX(by) | Operation::ShearY(by) => by,
            Operation::TranslateX(by) | Operation::TranslateY(by) => by.into(),
            Operation::Rotate(degrees) => degrees,
            Operation::Brightness(factor)
            | Operation::Color(factor)
            | Operation::Contrast(factor)
            | Operation::Sharpness(factor) => f64::from(factor) - 1.0,
            Operation::Posterize(bits) => bits.into(),
            Operation::Solarize(threshold) => threshold,
            _ => 0.0,
        }
    }

    #[test]
    fn magnitudes_are_torchvision_s_at_every_bin() {
        let golden = golden();
        let signed = golden["signed"].as_array().unwrap();
        for table in golden["tables"].as_array().unwrap() {
            let [bins, side] = ["bins", "side"].map(|name| table[name].as_u64().unwrap() as usize);
            for kind in RAND_AUGMENT {
                let name = format!("{kind:?}");
                let theirs = table["magnitudes"][&name].as_array().unwrap();
                for (bin, theirs) in theirs.iter().enumerate() {
                    let ours = |negative| magnitude(Magnitude { bin, bins, side, negative }.of(kind));
                    let mut theirs = theirs.as_f64().unwrap();
                    if name.starts_with("Translate") {
                        theirs = theirs.trunc();
                    }
                    // Theirs is an f32.
                    let close =
                        |ours: f64, theirs: f64| (ours - theirs).abs() <= 1e-6 * theirs.abs().max(1.0);
                    assert!(close(ours(false), theirs), "{name} {bin} of {bins}: {} {theirs}", ours(false));
                    let other_way = if signed.contains(&Value::from(&*name)) { -theirs } else { theirs };
                    assert!(close(ours(true), other_way), "{name} {bin} of {bins}, negative");
                }
            }
        }
    }

    /// Of 100,000 draws: each pair of AutoAugment's and each operation of RandAugment's as often as it should.
    #[test]
    fn operations_are_drawn_as_often_as_the_policy_says() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(3);
        let draws = 100_000;
        let mut expect = |policy: Policy, is: &dyn Fn(Operation) -> bool, expected: f64| {
            let drawn: usize = (0..draws)
                .map(|_| policy.draw(32, &mut random).into_iter().filter(|operation| is(*operation)).count())
                .sum();
            let share = drawn as f64 / f64::from(draws);
            assert!((share - expected).abs() < 0.01, "{policy:?}: {share} instead of {expected}");
        };
        let of = |kind: Kind| {
            CIFAR10.iter().flatten().filter(|step| step.0 == kind).map(|step| step.1).sum::<f64>() / 25.0
        };
        let is_equalised = |operation| operation == Operation::Equalize;
        expect(Policy::AutoAugment, &is_equalised, of(Equalize));
        expect(Policy::AutoAugment, &|operation| operation == Operation::Invert, of(Invert));
        // Both ways.
        let up = |operation| matches!(operation, Operation::TranslateY(by) if by < 0);
        expect(Policy::AutoAugment, &up, of(TranslateY) / 2.0);
        expect(Policy::RandAugment, &up, 2.0 / 14.0 / 2.0);
        expect(Policy::RandAugment, &is_equalised, 2.0 / 14.0);
        expect(Policy::RandAugment, &|operation| operation == Operation::Identity, 2.0 / 14.0);
        expect(Policy::RandAugment, &|operation| operation == Operation::Invert, 0.0);
    }
}
