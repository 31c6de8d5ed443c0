//! Hyperparameters, checked once: the only kind that the loop takes.

use std::fmt::{self, Debug, Display, Formatter};
use std::ops::Deref;
use std::sync::Arc;

use crate::{Error, Hyperparameters, Method, MethodKind, Result};

/// Hyperparameters in their ranges, with the method that they are for. They can't be changed; [`Hyperparameters::check`] makes
/// them.
#[derive(Clone)]
pub struct CheckedHyperparameters {
    values: Hyperparameters,
    method: Arc<dyn Method>,
}

/// Equal where the values and the names of the methods are.
impl PartialEq for CheckedHyperparameters {
    fn eq(&self, other: &Self) -> bool {
        self.values == other.values && self.method.name() == other.method.name()
    }
}

impl CheckedHyperparameters {
    /// The method.
    pub fn method(&self) -> &dyn Method {
        self.method.as_ref()
    }

    /// Checks that the method can be used for so many classes. A method that corrects losses by the noise between classes makes a full
    /// matrix of them ([`crate::Needs::transition`]).
    ///
    /// # Errors
    /// [`Error::Setting`] above [`noisy_labels::MOST_CLASSES_OF_A_FULL_MATRIX`].
    pub fn check_classes(&self, classes: usize) -> Result<()> {
        let most = noisy_labels::MOST_CLASSES_OF_A_FULL_MATRIX;
        if classes <= most || !self.method.needs(self.strength()).transition {
            return Ok(());
        }
        let problem = format!(
            "{} corrects losses by a matrix of all pairs of classes, which is made for at most {most} classes; there are {classes}. \
             Other methods take any number, for example dividemix",
            self.method.name()
        );
        Err(Error::Setting { name: "method", problem })
    }

    /// Number of networks that the method keeps.
    pub fn networks(&self) -> usize {
        self.method.networks(&self.values)
    }

    /// The method's strength: the one that was set, else the method's default; 0 is plain training.
    pub fn strength(&self) -> f64 {
        let usual = || self.method.strength().map(|strength| strength.usual);
        self.values.strength.or_else(usual).unwrap_or_default()
    }

    /// The same training by plain cross entropy.
    #[must_use]
    pub fn plain(&self) -> Self {
        Self { values: self.values.plain(), method: MethodKind::Ce.method() }
    }
}

impl Deref for CheckedHyperparameters {
    type Target = Hyperparameters;

    fn deref(&self) -> &Hyperparameters {
        &self.values
    }
}

impl Debug for CheckedHyperparameters {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("CheckedHyperparameters");
        debug.field("method", &self.method.name()).field("values", &self.values).finish()
    }
}

/// Largest values of the integers: far beyond any training, and far from overflow.
const MOST_EPOCHS: usize = 1_000_000;
const MOST_SAMPLES: usize = 1_000_000_000;
const MOST_BATCH: usize = 1_000_000;
const MOST_AUGMENTATIONS: usize = 64;
/// TOML and JSON readers hold integers up to 2^63 - 1.
const MOST_SEED: u64 = i64::MAX as u64;

impl Hyperparameters {
    /// Checks every range.
    ///
    /// # Errors
    /// [`Error::Setting`] with the field, its value and what is allowed.
    pub fn check(&self) -> Result<CheckedHyperparameters> {
        self.check_for(self.method.method())
    }

    /// Checks every range, for a method that need not be one of this crate: it is trained by in place of
    /// [`Hyperparameters::method`].
    ///
    /// # Errors
    /// [`Error::Setting`] with the field, its value and what is allowed.
    pub fn check_for(&self, method: Arc<dyn Method>) -> Result<CheckedHyperparameters> {
        self.check_integers()?;
        self.check_rates()?;
        self.check_algorithm()?;
        self.check_method(method.as_ref())?;
        Ok(CheckedHyperparameters { values: self.clone(), method })
    }

    fn check_integers(&self) -> Result<()> {
        in_range("epochs", self.epochs, 1, MOST_EPOCHS)?;
        require(self.warmup <= self.epochs, "warmup", self.warmup, "at most `epochs`")?;
        in_range("loss_average", self.loss_average, 1, MOST_EPOCHS)?;
        in_range("augmentations", self.augmentations, 1, MOST_AUGMENTATIONS)?;
        require(self.batch >= 2, "batch", self.batch, "at least 2 (batch norm needs two samples)")?;
        in_range("batch", self.batch, 2, MOST_BATCH)?;
        if let Some(images) = self.epoch_images {
            require(images >= self.batch, "epoch_images", images, "at least `batch`")?;
            in_range("epoch_images", images, 2, MOST_SAMPLES)?;
        }
        if let Some(patience) = self.patience {
            in_range("patience", patience, 0, MOST_EPOCHS)?;
        }
        in_range("seed", self.seed, 0, MOST_SEED)?;
        in_range("mixture.max_iter", self.mixture.max_iter, 1, MOST_EPOCHS as u64)
    }

    fn check_rates(&self) -> Result<()> {
        above_zero("lr", self.lr)?;
        if let Some(backbone_lr) = self.backbone_lr {
            require((0.0..=self.lr).contains(&backbone_lr), "backbone_lr", backbone_lr, "from 0 to `lr`")?;
        }
        require((0.0..1.0).contains(&self.momentum), "momentum", self.momentum, "from 0 to below 1")?;
        not_negative("weight_decay", self.weight_decay)?;
        if let Some(ema) = self.ema {
            require((0.0..1.0).contains(&ema), "ema", ema, "from 0 to below 1")?;
        }
        Ok(())
    }

    fn check_algorithm(&self) -> Result<()> {
        require((0.0..=1.0).contains(&self.threshold), "threshold", self.threshold, "from 0 to 1")?;
        above_zero("temperature", self.temperature)?;
        above_zero("teacher_temperature", self.teacher_temperature)?;
        not_negative("mixup_alpha", self.mixup_alpha)?;
        not_negative("lambda_u", self.lambda_u.unwrap_or_default())?;
        not_negative("lambda_u_ramp", self.lambda_u_ramp)?;
        not_negative("lambda_r", self.lambda_r)?;
        not_negative("warmup_penalty", self.warmup_penalty)?;
        above_zero("mixture.tol", self.mixture.tol)?;
        not_negative("mixture.reg_covar", self.mixture.reg_covar)
    }

    fn check_method(&self, method: &dyn Method) -> Result<()> {
        if let Some(strength) = self.strength {
            let Some(range) = method.strength() else {
                let problem = format!("must not be set: `method` {} has no strength", method.name());
                return Err(Error::Setting { name: "strength", problem });
            };
            let allowed = if range.most == f64::MAX {
                "0 or more".to_owned()
            } else {
                format!("from 0 to {}", range.most)
            };
            require((0.0..=range.most).contains(&strength), "strength", strength, &allowed)?;
        }
        let strength = self.strength.or(method.strength().map(|s| s.usual)).unwrap_or_default();
        require(
            !method.needs(strength).warm_up || self.warmup > 0,
            "warmup",
            0,
            "at least 1: the method builds on what the network has learned",
        )?;
        method.check(self)
    }
}

fn in_range<T: PartialOrd + Display>(name: &'static str, value: T, least: T, most: T) -> Result<()> {
    let allowed = format!("from {least} to {most}");
    require(value >= least && value <= most, name, value, &allowed)
}

fn above_zero(name: &'static str, value: f64) -> Result<()> {
    require(value > 0.0 && value.is_finite(), name, value, "above 0")
}

fn not_negative(name: &'static str, value: f64) -> Result<()> {
    require(value >= 0.0 && value.is_finite(), name, value, "0 or more")
}

fn require(holds: bool, name: &'static str, value: impl Display, allowed: &str) -> Result<()> {
    if holds {
        Ok(())
    } else {
        Err(Error::Setting { name, problem: format!("{value} is not allowed; it must be {allowed}") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Ablation;

    fn defaults() -> Hyperparameters {
        Hyperparameters::default()
    }

    /// The field that `check` refuses, if it refuses one.
    fn refused(settings: &Hyperparameters) -> Option<&'static str> {
        match settings.check() {
            Ok(_) => None,
            Err(Error::Setting { name, problem }) => {
                assert!(!problem.contains("--"), "a library knows no flags: {problem}");
                Some(name)
            }
            Err(other) => panic!("{other}"),
        }
    }

    /// Settings with one field set to a value.
    type Set<T> = fn(T) -> Hyperparameters;

    /// A field, how it is set, the smallest and largest value, and a value beyond each end.
    type Number = (&'static str, Set<f64>, [f64; 2], [f64; 2]);

    #[test]
    fn every_integer_has_two_ends() {
        assert_eq!(refused(&defaults()), None);
        let fields: [(&str, Set<u64>, u64, u64); 8] = [
            ("epochs", |v| Hyperparameters { epochs: v as usize, warmup: 0, ..defaults() }, 1, 1_000_000),
            ("warmup", |v| Hyperparameters { warmup: v as usize, ..defaults() }, 0, 25),
            ("loss_average", |v| Hyperparameters { loss_average: v as usize, ..defaults() }, 1, 1_000_000),
            ("augmentations", |v| Hyperparameters { augmentations: v as usize, ..defaults() }, 1, 64),
            ("batch", |v| Hyperparameters { batch: v as usize, ..defaults() }, 2, 1_000_000),
            (
                "epoch_images",
                |v| Hyperparameters { epoch_images: Some(v as usize), ..defaults() },
                64,
                1_000_000_000,
            ),
            ("patience", |v| Hyperparameters { patience: Some(v as usize), ..defaults() }, 0, 1_000_000),
            ("seed", |seed| Hyperparameters { seed, ..defaults() }, 0, i64::MAX as u64),
        ];
        for (name, with, least, most) in fields {
            for good in [least, most] {
                assert_eq!(refused(&with(good)), None, "{name} {good}");
            }
            for bad in [most + 1, u64::MAX].into_iter().chain(least.checked_sub(1)) {
                assert_eq!(refused(&with(bad)), Some(name), "{name} {bad}");
            }
        }
        let iterations = |max_iter| {
            let mixture = noisy_labels::mixture::MixtureSettings { max_iter, ..defaults().mixture };
            refused(&Hyperparameters { mixture, ..defaults() })
        };
        assert_eq!(
            [0, 1, 1_000_000, 1_000_001].map(iterations).map(|name| name.is_some()),
            [true, false, false, true]
        );
    }

    #[test]
    fn every_number_has_two_ends() {
        const LARGE: f64 = f64::MAX;
        const SMALL: f64 = f64::MIN_POSITIVE;
        let below_1 = 1.0 - f64::EPSILON;
        let fields: [Number; 13] = [
            ("lr", |lr| Hyperparameters { lr, ..defaults() }, [SMALL, LARGE], [0.0, f64::INFINITY]),
            (
                "backbone_lr",
                |v| Hyperparameters { backbone_lr: Some(v), ..defaults() },
                [0.0, 0.02],
                [-0.1, 0.03],
            ),
            ("momentum", |momentum| Hyperparameters { momentum, ..defaults() }, [0.0, below_1], [-0.1, 1.0]),
            (
                "weight_decay",
                |v| Hyperparameters { weight_decay: v, ..defaults() },
                [0.0, LARGE],
                [-0.1, f64::INFINITY],
            ),
            ("ema", |v| Hyperparameters { ema: Some(v), ..defaults() }, [0.0, below_1], [-0.1, 1.0]),
            ("threshold", |threshold| Hyperparameters { threshold, ..defaults() }, [0.0, 1.0], [-0.1, 1.1]),
            (
                "temperature",
                |v| Hyperparameters { temperature: v, ..defaults() },
                [SMALL, LARGE],
                [0.0, f64::INFINITY],
            ),
            (
                "teacher_temperature",
                |v| Hyperparameters { teacher_temperature: v, ..defaults() },
                [SMALL, LARGE],
                [0.0, f64::INFINITY],
            ),
            (
                "mixup_alpha",
                |v| Hyperparameters { mixup_alpha: v, ..defaults() },
                [0.0, LARGE],
                [-0.1, f64::INFINITY],
            ),
            (
                "lambda_u",
                |v| Hyperparameters { lambda_u: Some(v), ..defaults() },
                [0.0, LARGE],
                [-0.1, f64::INFINITY],
            ),
            (
                "lambda_u_ramp",
                |v| Hyperparameters { lambda_u_ramp: v, ..defaults() },
                [0.0, LARGE],
                [-0.1, f64::INFINITY],
            ),
            (
                "lambda_r",
                |v| Hyperparameters { lambda_r: v, ..defaults() },
                [0.0, LARGE],
                [-0.1, f64::INFINITY],
            ),
            (
                "warmup_penalty",
                |v| Hyperparameters { warmup_penalty: v, ..defaults() },
                [0.0, LARGE],
                [-0.1, f64::INFINITY],
            ),
        ];
        for (name, with, good, bad) in fields {
            for good in good {
                assert_eq!(refused(&with(good)), None, "{name} {good}");
            }
            for bad in bad.into_iter().chain([f64::NAN]) {
                assert_eq!(refused(&with(bad)), Some(name), "{name} {bad}");
            }
        }
    }

    #[test]
    fn settings_that_a_method_has_no_use_for_are_refused() {
        let of = |method| Hyperparameters { method, ..defaults() };
        let with_strength = |method, strength| Hyperparameters { strength: Some(strength), ..of(method) };
        assert_eq!(refused(&with_strength(MethodKind::Ce, 0.5)), Some("strength"));
        assert_eq!(refused(&with_strength(MethodKind::DivideMix, 0.5)), Some("strength"));
        assert_eq!(refused(&with_strength(MethodKind::Smooth, 1.5)), Some("strength"));
        assert_eq!(refused(&with_strength(MethodKind::Smooth, 1.0)), None);
        assert_eq!(refused(&with_strength(MethodKind::Entropy, -1.0)), Some("strength"));
        assert_eq!(refused(&with_strength(MethodKind::Mixup, f64::NAN)), Some("strength"));
        assert_eq!(refused(&with_strength(MethodKind::Consistency, 100.0)), None);
        for method in [MethodKind::Forward, MethodKind::Backward, MethodKind::Joint] {
            assert_eq!(refused(&Hyperparameters { warmup: 0, ..of(method) }), Some("warmup"));
        }
        for &method in MethodKind::ALL {
            let ablated = Hyperparameters { ablation: Some(Ablation::Refinement), ..of(method) };
            let allowed = method == MethodKind::DivideMix;
            assert_eq!(refused(&ablated), (!allowed).then_some("ablation"), "{method:?}");
            let averaged = Hyperparameters { ema: Some(0.9), ..of(method) };
            let allowed = method != MethodKind::Consistency;
            assert_eq!(refused(&averaged), (!allowed).then_some("ema"), "{method:?}");
        }
    }
}
