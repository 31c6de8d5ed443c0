//! Every number of the loop and of Algorithm 1.

use noisy_labels::division::DivisionScope;
use noisy_labels::mixture::MixtureSettings;
use serde::{Deserialize, Serialize};

use crate::MethodKind;

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

/// How the learning rate changes over the epochs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// The same rate throughout.
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

/// The weights of classes in the labeled loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClassWeights {
    /// Every sample has the same weight.
    None,
    /// Every class has the same total weight: its samples' weight is inverse to its number of given labels (mean weight 1).
    Balanced,
}

/// The settings of the loop and of Algorithm 1. [`Hyperparameters::check`] makes them what the loop takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hyperparameters {
    /// The method of the epochs after warm-up.
    pub method: MethodKind,
    /// Strength of the method ([`crate::Method::strength`]); the default is the method's own.
    #[serde(default)]
    pub strength: Option<f64>,
    /// The part of DivideMix that is left out.
    #[serde(default)]
    pub ablation: Option<Ablation>,
    /// Epochs after warm-up whose losses are averaged for a division; 1 takes the last epoch's alone.
    #[serde(default = "one")]
    pub loss_average: usize,
    /// T of distillation.
    #[serde(default = "usual_temperature")]
    pub teacher_temperature: f64,
    /// Number of epochs, warm-up included.
    pub epochs: usize,
    /// Epochs of plain training before the first division.
    pub warmup: usize,
    /// B: samples in a batch (of the labeled and of the unlabeled set, each).
    pub batch: usize,
    /// Samples that each network is trained on in an epoch, drawn for it anew: the same number of each class by given labels, and all of
    /// a class that has fewer. The default, and any number from the size of the training set on, is all samples.
    #[serde(default)]
    pub epoch_images: Option<usize>,
    /// Learning rate of the first epoch.
    pub lr: f64,
    /// Learning rate of the backbone: of all parameters but the classifier's ([`crate::Network::classifier_parameters`]). It follows the
    /// same schedule. The default is `lr`.
    #[serde(default, alias = "body_lr")]
    pub backbone_lr: Option<f64>,
    /// How the learning rate changes over the epochs.
    pub schedule: Schedule,
    /// Momentum of SGD.
    pub momentum: f64,
    /// Weight decay, on all parameters.
    pub weight_decay: f64,
    /// Momentum of an exponential moving average of the weights over the steps. The average is what is evaluated (divisions, margins,
    /// test accuracy), and the model in the end; the weights themselves are trained, and guess for the peer. By default no average
    /// is kept.
    #[serde(default)]
    pub ema: Option<f64>,
    /// tau: a sample is labeled where its clean probability is above.
    pub threshold: f64,
    /// The samples whose losses share a mixture.
    #[serde(default)]
    pub division: DivisionScope,
    /// M: views of each sample in a step.
    pub augmentations: usize,
    /// Whether networks are trained on strong views ([`crate::ViewSource::strong`]); labels are guessed on augmented ones.
    #[serde(default)]
    pub strong_views: bool,
    /// T: sharpening temperature.
    pub temperature: f64,
    /// alpha of the Beta distribution of MixMatch; 0 mixes nothing.
    pub mixup_alpha: f64,
    /// lambda_u: weight of the unlabeled loss (a mean over samples and classes). `None` chooses it by each division: 25 where the division
    /// keeps at most 35 % of the labels, else 0 (docs/benchmarks/notebook/2026-11-28-frozen-defaults.md).
    #[serde(default)]
    pub lambda_u: Option<f64>,
    /// Epochs over which lambda_u rises from 0 after warm-up.
    pub lambda_u_ramp: f64,
    /// lambda_r: weight of the prior's loss.
    pub lambda_r: f64,
    /// Weight of the confidence penalty in DivideMix's warm-up; 0 switches it off.
    pub warmup_penalty: f64,
    /// The weights of classes in the labeled loss.
    pub class_weights: ClassWeights,
    /// Epochs without a better test accuracy after which training ends. By default all epochs are trained.
    pub patience: Option<usize>,
    /// Random seed: the same seed gives the same bits.
    pub seed: u64,
    /// The fit of the mixture of losses.
    pub mixture: MixtureSettings,
}

/// The largest share of kept labels at which guesses are trained on too: with few labels left they gain two points, with half of the
/// labels kept or more they cost up to one (docs/benchmarks/notebook/2026-11-28-frozen-defaults.md).
const FEW_KEPT: f64 = 0.35;

/// The authors' weight for CIFAR-10 with 80 % of the labels wrong.
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
    /// (docs/benchmarks/notebook/2026-11-28-frozen-defaults.md): a cosine schedule, a warm-up penalty, lambda_u 0.
    fn default() -> Self {
        Self {
            method: MethodKind::DivideMix,
            strength: None,
            ablation: None,
            loss_average: one(),
            teacher_temperature: usual_temperature(),
            epochs: 25,
            warmup: 5,
            batch: 64,
            epoch_images: None,
            lr: 0.02,
            backbone_lr: None,
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
    /// Samples that a network is trained on in an epoch, of `n`; fewer where a class has not its share.
    pub(crate) fn images_an_epoch(&self, n: usize) -> usize {
        self.epoch_images.map_or(n, |images| images.min(n))
    }

    /// The same training by plain cross entropy.
    pub fn plain(&self) -> Self {
        Self { method: MethodKind::Ce, strength: None, ablation: None, ..self.clone() }
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

    /// Whether unlabeled samples are trained on where a division keeps this share of the labels: with mixing, labeled samples are mixed
    /// with them, and lambda_u weighs their own loss. Without both, only L_reg would be left of them, and they are not used, as in the
    /// authors' `Train_clothing1M.py`.
    pub(crate) fn uses_unlabeled(&self, kept: f64) -> bool {
        self.mixup_alpha > 0.0 || self.lambda_u(kept) > 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses_count_where_few_labels_are_kept_or_as_it_is_set() {
        let by_division = Hyperparameters { lambda_u: None, ..Hyperparameters::default() };
        assert_eq!([0.26, 0.35, 0.36, 0.7].map(|kept| by_division.lambda_u(kept)), [25.0, 25.0, 0.0, 0.0]);
        let fixed = Hyperparameters { lambda_u: Some(5.0), ..by_division };
        assert_eq!([0.26, 0.7].map(|kept| fixed.lambda_u(kept)), [5.0, 5.0]);
    }

    #[test]
    fn settings_of_older_versions_are_read() {
        let mut json = serde_json::to_value(Hyperparameters::default()).unwrap();
        let fields = json.as_object_mut().unwrap();
        fields.remove("backbone_lr");
        fields.insert("body_lr".to_owned(), 0.01.into());
        for added_later in
            ["strength", "ablation", "loss_average", "teacher_temperature", "epoch_images", "ema"]
        {
            fields.remove(added_later).unwrap();
        }
        let read: Hyperparameters = serde_json::from_value(json).unwrap();
        assert_eq!(read, Hyperparameters { backbone_lr: Some(0.01), ..Hyperparameters::default() });
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
