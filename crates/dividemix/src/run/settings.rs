//! What a user can set for a run. One struct is at once the flags of `effmix train`, the keys of its TOML file
//! and, resolved, the run folder's `config.toml`: so the three cannot drift apart.

use std::path::{Path, PathBuf};

use image_folder::Policy;
#[cfg(feature = "clap")]
use serde::de::{DeserializeOwned, IntoDeserializer};
use serde::{Deserialize, Serialize};

use super::budget::Budget;
use super::config::unwritable;
use super::pretrained::Weights;
use crate::{Ablation, ClassWeights, DivisionScope, Error, Method, Preset, Result, Schedule};

/// A run's settings as a user gives them: `None` is "not said". A key of the TOML file is the flag without its
/// dashes in front (`lambda-u = 25`). [`Settings::resolve`] fills in the rest.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
pub struct Settings {
    /// Folder with one folder of images a class, or with `train/` and `test/` below it; without it, the built-in demo set
    #[cfg_attr(feature = "clap", arg(value_name = "DATA", help_heading = "Data"))]
    pub data: Option<PathBuf>,
    /// CSV that says which image has which label
    #[cfg_attr(feature = "clap", arg(long, value_name = "FILE", help_heading = "Data"))]
    pub labels: Option<PathBuf>,
    /// Column of the CSV that holds paths relative to DATA [default: path]
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME", help_heading = "Data"))]
    pub path_column: Option<String>,
    /// Column of the CSV that holds labels [default: label]
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME", help_heading = "Data"))]
    pub label_column: Option<String>,
    /// Column of the CSV that holds true labels: used for measuring alone, never for training
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME", help_heading = "Data"))]
    pub truth_column: Option<String>,
    /// Part of the images held out as test set, by class [default: 0.1; not used where there is a test set]
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "PART", help_heading = "Data", conflicts_with = "test")
    )]
    pub test_fraction: Option<f64>,
    /// Folder of test images
    #[cfg_attr(feature = "clap", arg(long, value_name = "DIR", help_heading = "Data"))]
    pub test: Option<PathBuf>,
    /// Only the first so many training images of each class folder, by path
    #[cfg_attr(feature = "clap", arg(long, value_name = "N", help_heading = "Data"))]
    pub per_class: Option<usize>,
    /// Where decoded images are kept: ram, disk or none [default: ram, disk for large sets; a frozen body's features
    /// are kept instead]
    #[cfg_attr(feature = "clap", arg(long, value_name = "WHERE", help_heading = "Data", value_parser = named::<CacheKind>))]
    pub cache: Option<CacheKind>,

    /// Architecture: b0 to b7, efficientnet_b0, tf_efficientnet_b0, efficientnet_lite0, ... [default: b0]
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME", help_heading = "Network"))]
    pub arch: Option<String>,
    /// Multiplies the architecture's own width
    #[cfg_attr(feature = "clap", arg(long, value_name = "W", help_heading = "Network"))]
    pub width: Option<f64>,
    /// Multiplies the architecture's own depth
    #[cfg_attr(feature = "clap", arg(long, value_name = "D", help_heading = "Network"))]
    pub depth: Option<f64>,
    /// Stride of the first convolution, 1 or 2 [default: 1 for images up to 64 pixels]
    #[cfg_attr(feature = "clap", arg(long, value_name = "STRIDE", help_heading = "Network"))]
    pub stem_stride: Option<usize>,
    /// Rate of dropout before the classifier [default: the network's own; with --freeze backbone and at most 10,000 images
    /// 0.5, but for --method joint]
    #[cfg_attr(feature = "clap", arg(long, value_name = "RATE", help_heading = "Network"))]
    pub dropout: Option<f64>,
    /// Rate of drop path of the last block, rising to it from 0 [default: the network's own]
    #[cfg_attr(feature = "clap", arg(long, value_name = "RATE", help_heading = "Network"))]
    pub drop_path: Option<f64>,
    /// Side of the square images that the network sees, in pixels [default: by the data]
    #[cfg_attr(feature = "clap", arg(long, value_name = "PIXELS", help_heading = "Network"))]
    pub size: Option<usize>,
    /// What the network starts from: auto (published ImageNet weights from the cache, or one download), none (random numbers), a
    /// .safetensors, .pth, .whl or .zip file, a run folder, imagenet (the usual weights of --arch), or hf://OWNER/REPO[/FILE]
    /// [default: auto for a folder of images; none for the demo set, and with --width, --depth, --stem-stride or a --preset that
    /// starts from random numbers; with --start-from what that run started from]
    #[cfg_attr(feature = "clap", arg(long, value_name = "MODEL", help_heading = "Network"))]
    pub weights: Option<Weights>,
    /// What of the pretrained network stays as it is: backbone (a small head is trained on its features) or none (all of it is
    /// trained) [default: backbone for up to 50,000 images; none for more, without weights, and with --preset, --start-from,
    /// --body-lr or --strong-view]
    #[cfg_attr(feature = "clap", arg(long, value_name = "PART", help_heading = "Network", value_parser = named::<Freeze>))]
    pub freeze: Option<Freeze>,
    /// A finished run on the same images, whose division and refined labels are the first epoch's
    #[cfg_attr(feature = "clap", arg(long, value_name = "RUN", help_heading = "Network"))]
    pub start_from: Option<PathBuf>,

    /// dividemix; ce for plain cross entropy; smooth (label smoothing), penalty (on confidence), mixup, distill (from --teacher),
    /// relabel (bootstrapping), joint (relabelling by the last epochs' predictions), reweight (by clean probability), forward or backward (loss correction), consistency (mean teacher) or entropy
    /// (minimisation) [default: dividemix]
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME", help_heading = "Training", value_parser = named::<Method>))]
    pub method: Option<Method>,
    /// All numbers of training as DivideMix's authors published them for cifar10-sym20, -sym50, -sym80, -sym90, cifar10-asym40,
    /// cifar100-sym20 ... -sym90, clothing1m or webvision (--preset list shows them); what is said besides goes before it
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME", help_heading = "Training", value_parser = named::<Preset>))]
    pub preset: Option<Preset>,
    /// DivideMix without a part of it, to see what that is worth: co-training, refinement, other-division or mixmatch
    #[cfg_attr(feature = "clap", arg(long, value_name = "PART", help_heading = "Training", value_parser = named::<Ablation>))]
    pub ablate: Option<Ablation>,
    /// Epochs whose losses are averaged for a division; 5 where nearly all labels are wrong [default: 1]
    #[cfg_attr(feature = "clap", arg(long, value_name = "EPOCHS", help_heading = "Training"))]
    pub loss_average: Option<usize>,
    /// How much of the method there is, 0 being plain training: the share of each label that is spread (smooth, default 0.1), or
    /// becomes the prediction (relabel 0.2, joint 1), or of the loss that is the teacher's (distill, 0.5); how far weights or noise count
    /// (reweight, forward, backward, 1); alpha (mixup, 1); the weight of a term (penalty and entropy 0.1, consistency 10)
    #[cfg_attr(feature = "clap", arg(long, value_name = "S", help_heading = "Training"))]
    pub strength: Option<f64>,
    /// Who --method distill learns from: a run folder, a file of weights, or hf://OWNER/REPO[/FILE], for the same classes
    #[cfg_attr(feature = "clap", arg(long, value_name = "MODEL", help_heading = "Training"))]
    pub teacher: Option<PathBuf>,
    /// Temperature of distillation: the higher, the more evenly a teacher speaks [default: 4]
    #[cfg_attr(feature = "clap", arg(long, value_name = "T", help_heading = "Training"))]
    pub teacher_temperature: Option<f64>,
    /// Time to be done in (45s, 30m, 1.5h): chooses the network's width and depth, --size and --epochs, where they are not
    /// given, by a short measurement here
    #[cfg_attr(feature = "clap", arg(long, value_name = "TIME", help_heading = "Training", value_parser = named::<Budget>))]
    pub budget: Option<Budget>,
    /// Passes over the data, warm-up included
    #[cfg_attr(feature = "clap", arg(long, value_name = "N", help_heading = "Training"))]
    pub epochs: Option<usize>,
    /// Epochs of plain training before the first division
    #[cfg_attr(feature = "clap", arg(long, value_name = "N", help_heading = "Training"))]
    pub warmup: Option<usize>,
    /// Images a step (DivideMix: labeled, and as many unlabeled)
    #[cfg_attr(feature = "clap", arg(long, value_name = "N", help_heading = "Training"))]
    pub batch: Option<usize>,
    /// Images an epoch, drawn for each network anew, as many of each class: a class with fewer gives all; as many as there are, or more,
    /// is all of them [default: all]
    #[cfg_attr(feature = "clap", arg(long, value_name = "N", help_heading = "Training"))]
    pub epoch_images: Option<usize>,
    /// Learning rate at the start
    #[cfg_attr(feature = "clap", arg(long, value_name = "RATE", help_heading = "Training"))]
    pub lr: Option<f64>,
    /// Learning rate of all but the classifier, at most --lr: lower where pretrained weights should stay close to what they were
    /// [default: --lr]
    #[cfg_attr(feature = "clap", arg(long, value_name = "RATE", help_heading = "Training"))]
    pub body_lr: Option<f64>,
    /// How the learning rate goes down: cosine, step or constant
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME", help_heading = "Training", value_parser = named::<Schedule>))]
    pub schedule: Option<Schedule>,
    /// Momentum of SGD
    #[cfg_attr(feature = "clap", arg(long, value_name = "M", help_heading = "Training"))]
    pub momentum: Option<f64>,
    /// Weight decay, on every parameter
    #[cfg_attr(feature = "clap", arg(long, value_name = "W", help_heading = "Training"))]
    pub weight_decay: Option<f64>,
    /// Momentum of an average of the weights over all steps, such as 0.999: it is evaluated, divides and is saved instead of them
    #[cfg_attr(feature = "clap", arg(long, value_name = "M", help_heading = "Training"))]
    pub ema: Option<f64>,
    /// none, or balanced: rare classes weigh as much as common ones
    #[cfg_attr(feature = "clap", arg(long, value_name = "HOW", help_heading = "Training", value_parser = named::<ClassWeights>))]
    pub class_weights: Option<ClassWeights>,
    /// Clean probability above which a label is kept (tau)
    #[cfg_attr(feature = "clap", arg(long, value_name = "TAU", help_heading = "Training"))]
    pub threshold: Option<f64>,
    /// Which losses are compared to divide: all, or by-class, where rare or hard classes would be dropped as a whole [default: all]
    #[cfg_attr(feature = "clap", arg(long, value_name = "SCOPE", help_heading = "Training", value_parser = named::<DivisionScope>))]
    pub division: Option<DivisionScope>,
    /// How views differ from the image: flip-crop (mirrored half the time, and shifted by up to an eighth), crop (shifted
    /// alone: where left and right matter) or none [default: flip-crop; none for the demo set]
    #[cfg_attr(feature = "clap", arg(long, value_name = "HOW", help_heading = "Training", value_parser = named::<Augment>))]
    pub augment: Option<Augment>,
    /// What is done besides to the views that are trained on, while guesses are made on plainly augmented ones: autoaugment
    /// (the policy found for CIFAR-10), randaugment (two of 14 operations) or none [default: none]
    #[cfg_attr(feature = "clap", arg(long, value_name = "POLICY", help_heading = "Training", value_parser = named::<StrongView>))]
    pub strong_view: Option<StrongView>,
    /// Augmented views of an image that are averaged for a guess (M)
    #[cfg_attr(feature = "clap", arg(long, value_name = "M", help_heading = "Training"))]
    pub augmentations: Option<usize>,
    /// Sharpening temperature of refined and guessed labels (T)
    #[cfg_attr(feature = "clap", arg(long, value_name = "T", help_heading = "Training"))]
    pub temperature: Option<f64>,
    /// Parameter of the Beta distribution of MixMatch, 0 to mix nothing [default: 4; with --freeze backbone 0]
    #[cfg_attr(feature = "clap", arg(long, value_name = "ALPHA", help_heading = "Training"))]
    pub mixup_alpha: Option<f64>,
    /// Weight of the loss on unlabeled images [default: 0; with --freeze backbone 25 in epochs that keep at most 35 % of the labels]
    #[cfg_attr(feature = "clap", arg(long, value_name = "WEIGHT", help_heading = "Training"))]
    pub lambda_u: Option<f64>,
    /// Epochs over which --lambda-u rises from 0 after warm-up
    #[cfg_attr(feature = "clap", arg(long, value_name = "EPOCHS", help_heading = "Training"))]
    pub lambda_u_ramp: Option<f64>,
    /// Weight of the loss that keeps predictions spread over the classes
    #[cfg_attr(feature = "clap", arg(long, value_name = "WEIGHT", help_heading = "Training"))]
    pub lambda_r: Option<f64>,
    /// Weight of the confidence penalty in warm-up; 0 is off
    #[cfg_attr(feature = "clap", arg(long, value_name = "WEIGHT", help_heading = "Training"))]
    pub warmup_penalty: Option<f64>,
    /// End after so many epochs without a better test accuracy
    #[cfg_attr(feature = "clap", arg(long, value_name = "EPOCHS", help_heading = "Training"))]
    pub patience: Option<usize>,

    /// Fixes everything drawn by chance: the same seed gives the same files
    #[cfg_attr(feature = "clap", arg(long, value_name = "N", help_heading = "Run"))]
    pub seed: Option<u64>,
    /// Epochs between two checkpoints
    #[cfg_attr(feature = "clap", arg(long, value_name = "EPOCHS", help_heading = "Run"))]
    pub checkpoint_every: Option<usize>,
    /// Images in report.html, at most: the worst labels. The page stays under 10 MB [default: 100]
    #[cfg_attr(feature = "clap", arg(long, value_name = "N", help_heading = "Run"))]
    pub report_images: Option<usize>,
    /// Keep each image's loss and predicted class after each epoch: loss_trajectories.npy, predicted_trajectories.npy
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Run", num_args = 0..=1, require_equals = true, default_missing_value = "true"))]
    pub trajectories: Option<bool>,
    /// The run folder to write [default: runs/NAME-1, the next free number]
    #[cfg_attr(feature = "clap", arg(long, value_name = "RUN", help_heading = "Run"))]
    pub out: Option<PathBuf>,
    /// Replace an earlier run in the output folder (only what this program wrote)
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Run", num_args = 0..=1, require_equals = true, default_missing_value = "true"))]
    pub force: Option<bool>,
    /// Threads to compute with [default: all]
    #[cfg_attr(feature = "clap", arg(long, value_name = "N", help_heading = "Run"))]
    pub threads: Option<usize>,
    /// Start though memory or disk seem too small
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Run", num_args = 0..=1, require_equals = true, default_missing_value = "true"))]
    pub anyway: Option<bool>,
}

/// What of the network stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Freeze {
    /// All but the classifier: a small head is trained on features that are computed once.
    #[serde(rename = "backbone", alias = "body")]
    Body,
    /// Nothing: the whole network is trained.
    None,
}

/// How an augmented view differs from the plain one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Augment {
    /// Mirrored half the time, padded by an eighth of its side and cropped by chance.
    FlipCrop,
    /// Padded and cropped, never mirrored.
    Crop,
    /// Not at all.
    None,
}

/// How a strong view, which is trained on, differs from an augmented one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StrongView {
    /// By AutoAugment's policy for CIFAR-10.
    AutoAugment,
    /// By RandAugment.
    RandAugment,
    /// There are none: augmented views are trained on.
    None,
}

impl StrongView {
    /// The policy, if there is one.
    pub fn policy(self) -> Option<Policy> {
        match self {
            Self::AutoAugment => Some(Policy::AutoAugment),
            Self::RandAugment => Some(Policy::RandAugment),
            Self::None => None,
        }
    }
}

/// Where decoded images are kept between epochs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CacheKind {
    /// In memory, as bytes at training size.
    Ram,
    /// In a file in the cache folder, as bytes at training size.
    Disk,
    /// Nowhere: decoded anew each epoch.
    None,
}

impl Settings {
    /// The settings that a TOML file holds. A run folder's `config.toml` is such a file too.
    ///
    /// # Errors
    /// Names the file, line and column of a syntax error, an unknown key or a value of the wrong type.
    pub fn read(file: &Path) -> Result<Self> {
        super::config::Config::read(file).map(|config| config.settings)
    }

    /// These settings, and where they say nothing, those of `other`.
    ///
    /// # Errors
    /// A path that is not UTF-8, which TOML cannot hold.
    pub fn or(&self, other: &Self) -> Result<Self> {
        let mut merged = other.to_table()?;
        merged.extend(self.to_table()?);
        merged.try_into().map_err(|e: toml::de::Error| Error::Data(format!("settings: {e}")))
    }

    /// The settings that were said, as TOML.
    pub(super) fn to_table(&self) -> Result<toml::Table> {
        toml::Table::try_from(self).map_err(unwritable)
    }

    /// The pretrained weights, if there are any. What `auto` means, and what holds where nothing is said, is decided by
    /// [`super::start`].
    pub fn pretrained(&self) -> Option<&Path> {
        match &self.weights {
            Some(Weights::Model(path)) => Some(path),
            _ => None,
        }
    }

    /// Whether the body is frozen.
    pub fn frozen(&self) -> bool {
        self.freeze == Some(Freeze::Body)
    }
}

/// Reads a value that has a name, by the same table for flags and TOML.
#[cfg(feature = "clap")]
fn named<T: DeserializeOwned>(name: &str) -> std::result::Result<T, serde::de::value::Error> {
    T::deserialize(name.into_deserializer())
}
