//! Every number of the algorithm, checked in one place.

use noisy_labels::division::DivisionScope;
use noisy_labels::mixture::MixtureSettings;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How to train on labels that may be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// DivideMix (Li, Socher & Hoi 2020): two networks, division, MixMatch.
    DivideMix,
    /// Plain cross entropy with the given labels, one network.
    Ce,
    /// Label smoothing.
    Smooth,
    /// The confidence penalty.
    Penalty,
    /// mixup.
    Mixup,
    /// Knowledge distillation from a teacher.
    Distill,
    /// Bootstrapping: a part of each label becomes the network's prediction.
    Relabel,
    /// Each label becomes what the network said of its sample in the last epochs.
    Joint,
    /// Samples count by their clean probability.
    Reweight,
    /// The prediction made as noisy as the labels, by the estimated noise.
    Forward,
    /// The loss corrected by that noise undone.
    Backward,
    /// Two views, and the network's moving average as teacher.
    Consistency,
    /// Entropy minimisation.
    Entropy,
}

/// A part of DivideMix that is left out, as in the paper's ablation study (table 5). Its "without augmentation" is
/// `augmentations` 1; its test by one network is [`crate::EpochRecord::network_test_accuracy`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ablation {
    /// One network, which divides and guesses for itself.
    CoTraining,
    /// The labels of the labeled set stay as given.
    Refinement,
    /// Each network's losses divide for itself, not for the other.
    OtherDivision,
    /// After the division, MixMatch alone: labels stay as given, and a network guesses for itself.
    #[serde(rename = "mixmatch")]
    MixMatch,
}

/// How much of a method there may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Strength {
    /// What it is where nothing was said.
    pub usual: f64,
    /// The most; 0 is plain training.
    pub most: f64,
}

impl Method {
    /// How many networks the method keeps: DivideMix trains two, consistency has a student and its teacher.
    pub fn networks(self) -> usize {
        match self {
            Self::DivideMix | Self::Consistency => 2,
            _ => 1,
        }
    }

    /// What `--strength` is to the method: of DivideMix and plain training there is no more or less.
    pub fn strength(self) -> Option<Strength> {
        let (usual, most) = match self {
            Self::DivideMix | Self::Ce => return None,
            // A share of the label, or of the loss.
            Self::Smooth => (0.1, 1.0),
            Self::Relabel => (0.2, 1.0),
            Self::Distill => (0.5, 1.0),
            // Of the label; the terms that go with it are as much.
            Self::Joint => (1.0, 1.0),
            // How far each sample's weight goes, and how far the noise.
            Self::Reweight | Self::Forward | Self::Backward => (1.0, 1.0),
            // alpha of the Beta distribution.
            Self::Mixup => (1.0, f64::MAX),
            // Weights of a term of the loss.
            Self::Penalty | Self::Entropy => (0.1, f64::MAX),
            Self::Consistency => (10.0, f64::MAX),
        };
        Some(Strength { usual, most })
    }
}

/// How the learning rate goes over the epochs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// The same throughout.
    Constant,
    /// Half a cosine from the full rate down to zero (Loshchilov & Hutter 2017, without restarts).
    Cosine,
    /// A tenth from the middle on, as DivideMix's authors do (epoch 150 of 300).
    Step,
}

impl Schedule {
    /// Factor on the learning rate in `epoch` (from 0) of `epochs`.
    pub fn factor(self, epoch: usize, epochs: usize) -> f64 {
        let progress = epoch as f64 / epochs.max(1) as f64;
        match self {
            Self::Constant => 1.0,
            Self::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * progress).cos()),
            Self::Step => {
                if progress < 0.5 {
                    1.0
                } else {
                    0.1
                }
            }
        }
    }
}

/// How the classes count in the labeled loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClassWeights {
    /// Every sample alike.
    None,
    /// Every class alike: a class counts inversely to its number of given labels (mean weight 1).
    Balanced,
}

/// The settings of the loop and of Algorithm 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hyperparameters {
    /// What to do in an epoch after warm-up.
    pub method: Method,
    /// How much of the method there is ([`Method::strength`]); none is the method's own.
    #[serde(default)]
    pub strength: Option<f64>,
    /// What DivideMix is to do without.
    #[serde(default)]
    pub ablation: Option<Ablation>,
    /// Epochs after warm-up whose losses are averaged for a division; 1 takes the last epoch's alone.
    #[serde(default = "one")]
    pub loss_average: usize,
    /// T of distillation.
    #[serde(default = "usual_temperature")]
    pub teacher_temperature: f64,
    /// Epochs in all, warm-up included.
    pub epochs: usize,
    /// Epochs of plain training before the first division.
    pub warmup: usize,
    /// B: samples in a batch (labeled, and unlabeled, each).
    pub batch: usize,
    /// Images that each network is trained on in an epoch, drawn for it anew: as many of each class by given labels, and all of a class
    /// that has fewer. None is all images, and so is as many as there are or more.
    #[serde(default)]
    pub epoch_images: Option<usize>,
    /// Learning rate at the start.
    pub lr: f64,
    /// That of all but the classifier (parameters named `classifier.`), falling alike; none is `lr`.
    #[serde(default)]
    pub body_lr: Option<f64>,
    /// How it falls.
    pub schedule: Schedule,
    /// Momentum of SGD.
    pub momentum: f64,
    /// Weight decay, on all parameters.
    pub weight_decay: f64,
    /// Momentum of an exponential moving average of the weights over the steps: that is evaluated (divisions, margins, test
    /// accuracy) and is the model in the end; what is trained, and what a peer guesses by, are the weights themselves. None has none.
    #[serde(default)]
    pub ema: Option<f64>,
    /// tau: a sample is labeled where its clean probability is above.
    pub threshold: f64,
    /// What a division's mixture is of.
    #[serde(default)]
    pub division: DivisionScope,
    /// M: views of each sample in a step.
    pub augmentations: usize,
    /// Whether strong views are trained on ([`crate::ViewSource::strong`]), and augmented ones guessed on.
    #[serde(default)]
    pub strong_views: bool,
    /// T: sharpening temperature.
    pub temperature: f64,
    /// alpha of the Beta distribution of MixMatch; 0 mixes nothing.
    pub mixup_alpha: f64,
    /// lambda_u: weight of the unlabeled loss (a mean over samples and classes). None is by each division: 0, but 25 where it keeps
    /// at most 35 % of the labels (docs/benchmarks.md).
    #[serde(default)]
    pub lambda_u: Option<f64>,
    /// Epochs over which lambda_u rises from 0 after warm-up.
    pub lambda_u_ramp: f64,
    /// lambda_r: weight of the prior's loss.
    pub lambda_r: f64,
    /// Weight of the confidence penalty in warm-up; 0 is off.
    pub warmup_penalty: f64,
    /// How the classes count.
    pub class_weights: ClassWeights,
    /// Epochs without a better test accuracy after which training ends; none trains through.
    pub patience: Option<usize>,
    /// Of all randomness.
    pub seed: u64,
    /// The fit of the mixture of losses.
    pub mixture: MixtureSettings,
}

/// Share of labels kept, up to which guesses are trained on too: with few labels left they gain two points, with half of them
/// kept or more they cost up to one (docs/benchmarks.md).
const FEW_KEPT: f64 = 0.35;

/// What the authors took for 80 % of CIFAR-10's labels.
const LAMBDA_U_OF_FEW: f64 = 25.0;

fn one() -> usize {
    1
}

/// Hinton, Vinyals & Dean's students learned best between 2.5 and 4, and larger ones at more.
fn usual_temperature() -> f64 {
    4.0
}

impl Default for Hyperparameters {
    /// DivideMix's own numbers where they hold for any data, and this program's recipe where they don't
    /// (docs/benchmarks.md): a cosine schedule, a warm-up penalty, lambda_u 0.
    fn default() -> Self {
        Self {
            method: Method::DivideMix,
            strength: None,
            ablation: None,
            loss_average: one(),
            teacher_temperature: usual_temperature(),
            epochs: 25,
            warmup: 5,
            batch: 64,
            epoch_images: None,
            lr: 0.02,
            body_lr: None,
            schedule: Schedule::Cosine,
            momentum: 0.9,
            weight_decay: 5e-4,
            ema: None,
            threshold: 0.5,
            division: DivisionScope::All,
            augmentations: 2,
            strong_views: false,
            temperature: 0.5,
            mixup_alpha: 4.0,
            lambda_u: Some(0.0),
            lambda_u_ramp: 16.0,
            lambda_r: 1.0,
            warmup_penalty: 1.0,
            class_weights: ClassWeights::None,
            patience: None,
            seed: 1,
            mixture: MixtureSettings::default(),
        }
    }
}

impl Hyperparameters {
    /// `body_lr` as a share of `lr`.
    pub(crate) fn body_share(&self) -> f64 {
        self.body_lr.map_or(1.0, |body| body / self.lr)
    }

    /// Images that a network is trained on in an epoch, of `n`; fewer where a class has not its share.
    pub(crate) fn images_an_epoch(&self, n: usize) -> usize {
        self.epoch_images.map_or(n, |images| images.min(n))
    }

    /// The same training by plain cross entropy.
    pub fn plain(&self) -> Self {
        Self { method: Method::Ce, strength: None, ablation: None, ..self.clone() }
    }

    /// How many networks are kept: the method's, but one without co-training.
    pub fn networks(&self) -> usize {
        match self.ablation {
            Some(Ablation::CoTraining) => 1,
            _ => self.method.networks(),
        }
    }

    /// Whether given labels are refined (line 18).
    pub(crate) fn refines(&self) -> bool {
        !matches!(self.ablation, Some(Ablation::Refinement | Ablation::MixMatch))
    }

    /// Whether both networks guess (line 20).
    pub(crate) fn co_guesses(&self) -> bool {
        !matches!(self.ablation, Some(Ablation::CoTraining | Ablation::MixMatch))
    }

    /// lambda_u where a division keeps this share of the labels.
    pub(crate) fn lambda_u(&self, kept: f64) -> f64 {
        self.lambda_u.unwrap_or(if kept <= FEW_KEPT { LAMBDA_U_OF_FEW } else { 0.0 })
    }

    /// Whether unlabeled samples are trained on where a division keeps this share: with mixing, labeled ones are mixed with them, and
    /// lambda_u weighs their own loss. With neither, nothing of them but L_reg would be left, and they are left alone, as in the authors'
    /// `Train_clothing1M.py`.
    pub(crate) fn uses_unlabeled(&self, kept: f64) -> bool {
        self.mixup_alpha > 0.0 || self.lambda_u(kept) > 0.0
    }

    /// How much of the method there is: 0 is plain training.
    pub(crate) fn strength(&self) -> f64 {
        self.strength.or(self.method.strength().map(|strength| strength.usual)).unwrap_or_default()
    }

    /// Checks every range.
    ///
    /// # Errors
    /// [`Error::Setting`] with the flag, its value and what is allowed.
    pub fn check(&self) -> Result<()> {
        let at_least_one = [
            ("--epochs", self.epochs),
            ("--augmentations", self.augmentations),
            ("--loss-average", self.loss_average),
        ];
        for (name, value) in at_least_one {
            require(value >= 1, name, value, "at least 1")?;
        }
        if let Some(strength) = self.strength {
            let Some(Strength { most, .. }) = self.method.strength() else {
                let problem = "has nothing to set: of this method there is no more or less".to_owned();
                return Err(Error::Setting { name: "--strength", problem });
            };
            let allowed = if most == 1.0 { "from 0 to 1" } else { "0 or more" };
            require((0.0..=most).contains(&strength), "--strength", strength, allowed)?;
        }
        if self.ablation.is_some() && self.method != Method::DivideMix {
            let problem = "is for --method dividemix: it leaves out a part of that".to_owned();
            return Err(Error::Setting { name: "--ablate", problem });
        }
        let by_what_was_learned = matches!(self.method, Method::Forward | Method::Backward | Method::Joint);
        require(
            !(by_what_was_learned && self.warmup == 0),
            "--warmup",
            0,
            "at least 1: the method goes by what was learned so far",
        )?;
        require(
            self.teacher_temperature > 0.0 && self.teacher_temperature.is_finite(),
            "--teacher-temperature",
            self.teacher_temperature,
            "above 0",
        )?;
        require(self.batch >= 2, "--batch", self.batch, "at least 2 (batch norm needs two samples)")?;
        let epoch_images = self.epoch_images.unwrap_or(self.batch);
        require(epoch_images >= self.batch, "--epoch-images", epoch_images, "at least --batch")?;
        require(self.warmup <= self.epochs, "--warmup", self.warmup, "at most --epochs")?;
        require(self.lr > 0.0 && self.lr.is_finite(), "--lr", self.lr, "above 0")?;
        let body_lr = self.body_lr.unwrap_or(self.lr);
        require((0.0..=self.lr).contains(&body_lr), "--body-lr", body_lr, "from 0 to --lr")?;
        require((0.0..1.0).contains(&self.momentum), "--momentum", self.momentum, "from 0 to below 1")?;
        if let Some(ema) = self.ema {
            require((0.0..1.0).contains(&ema), "--ema", ema, "from 0 to below 1")?;
            if self.method == Method::Consistency {
                let problem = "is for other methods: consistency's teacher is such an average".to_owned();
                return Err(Error::Setting { name: "--ema", problem });
            }
        }
        require((0.0..=1.0).contains(&self.threshold), "--threshold", self.threshold, "from 0 to 1")?;
        require(
            self.temperature > 0.0 && self.temperature.is_finite(),
            "--temperature",
            self.temperature,
            "above 0",
        )?;
        let not_negative = [
            ("--weight-decay", self.weight_decay),
            ("--mixup-alpha", self.mixup_alpha),
            ("--lambda-u", self.lambda_u.unwrap_or_default()),
            ("--lambda-u-ramp", self.lambda_u_ramp),
            ("--lambda-r", self.lambda_r),
            ("--warmup-penalty", self.warmup_penalty),
        ];
        for (name, value) in not_negative {
            require(value >= 0.0 && value.is_finite(), name, value, "0 or more")?;
        }
        Ok(())
    }
}

fn require(holds: bool, name: &'static str, value: impl std::fmt::Display, allowed: &str) -> Result<()> {
    if holds {
        Ok(())
    } else {
        Err(Error::Setting { name, problem: format!("{value} is not allowed; it must be {allowed}") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_allowed_and_each_bad_value_is_named() {
        let good = Hyperparameters::default();
        good.check().unwrap();
        let bad: [(&str, Hyperparameters); 11] = [
            ("--epochs", Hyperparameters { epochs: 0, warmup: 0, ..good.clone() }),
            ("--warmup", Hyperparameters { warmup: 26, ..good.clone() }),
            ("--epoch-images", Hyperparameters { epoch_images: Some(0), ..good.clone() }),
            ("--epoch-images", Hyperparameters { epoch_images: Some(63), ..good.clone() }),
            ("--lr", Hyperparameters { lr: f64::NAN, ..good.clone() }),
            ("--body-lr", Hyperparameters { body_lr: Some(0.5), ..good.clone() }),
            ("--ema", Hyperparameters { ema: Some(1.0), ..good.clone() }),
            ("--ema", Hyperparameters { ema: Some(0.9), method: Method::Consistency, ..good.clone() }),
            ("--threshold", Hyperparameters { threshold: 1.5, ..good.clone() }),
            ("--temperature", Hyperparameters { temperature: 0.0, ..good.clone() }),
            ("--lambda-u", Hyperparameters { lambda_u: Some(-1.0), ..good.clone() }),
        ];
        for (name, settings) in bad {
            assert!(settings.check().unwrap_err().to_string().starts_with(name), "{name}");
        }
    }

    #[test]
    fn guesses_count_where_few_labels_are_kept_or_as_the_user_says() {
        let by_division = Hyperparameters { lambda_u: None, ..Hyperparameters::default() };
        assert_eq!([0.26, 0.35, 0.36, 0.7].map(|kept| by_division.lambda_u(kept)), [25.0, 25.0, 0.0, 0.0]);
        let said = Hyperparameters { lambda_u: Some(5.0), ..by_division };
        assert_eq!([0.26, 0.7].map(|kept| said.lambda_u(kept)), [5.0, 5.0]);
    }

    #[test]
    fn schedules_start_at_the_full_rate_and_fall() {
        for schedule in [Schedule::Cosine, Schedule::Step] {
            assert_eq!(schedule.factor(0, 10), 1.0);
            assert!(schedule.factor(9, 10) <= 0.1);
        }
        assert!((Schedule::Cosine.factor(5, 10) - 0.5).abs() < 1e-12);
        assert_eq!(Schedule::Step.factor(4, 10), 1.0);
        assert_eq!(Schedule::Step.factor(5, 10), 0.1);
        assert_eq!(Schedule::Constant.factor(9, 10), 1.0);
    }
}
