//! The settings of a run as a user gives them.
//!
//! One struct is the flags of `effmix train`, the keys of its TOML file and, resolved, the run folder's `config.toml`, so that the
//! three can't drift apart.

use std::path::{Path, PathBuf};

use dividemix::{Ablation, ClassWeights, DivisionScope, Preset, Schedule};
use effnet_model::Fit;
use serde::{Deserialize, Serialize};

use super::budget::Budget;
use super::device::DeviceChoice;
use super::formats::IssueFormat;
#[cfg(feature = "clap")]
use super::methods::MethodNames;
use super::methods::{Methods, OwnMethod};
#[cfg(feature = "clap")]
use super::named::Named;
use super::one_or_several;
use super::values::{Augment, CacheKind, Freeze, StrongView};
use super::weights::{OwnFeatures, Weights, WeightsSource};
use crate::{Error, Result};

/// A run's settings as a user gives them. A field that was not given is `None`; [`Settings::resolve`] fills it in. A key of the TOML
/// file is the flag without the dashes before it (`lambda-u = 25`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
pub struct Settings {
    /// Folder with one folder of images per class, or with `train/` and `test/` below it; an `imagefolder` of Hugging Face with metadata.csv
    /// or metadata.jsonl; or Parquet with the bytes of images, a file or a folder of files [default: the built-in demo set]
    #[cfg_attr(feature = "clap", arg(value_name = "DATA", help_heading = "Data"))]
    pub data: Option<PathBuf>,
    /// CSV file that gives the label of each image [default: the folder that an image lies in is its label]
    #[cfg_attr(feature = "clap", arg(long, value_name = "FILE", help_heading = "Data"))]
    pub labels: Option<PathBuf>,
    /// Column of the CSV that holds paths relative to DATA [default: path]
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME", help_heading = "Data"))]
    pub path_column: Option<String>,
    /// Column that holds labels, of the CSV, of Parquet or of an imagefolder's metadata [default: label]
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME", help_heading = "Data"))]
    pub label_column: Option<String>,
    /// Column of the CSV that holds true labels. They are used to measure, never to train [default: none]
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME", help_heading = "Data"))]
    pub truth_column: Option<String>,
    /// Column of the CSV that says which images are held out: train, val or test; or true for those, where its name begins with is_
    /// [default: split, is_valid, is_val or is_test, where the CSV has such a column]
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME", help_heading = "Data"))]
    pub split_column: Option<String>,
    /// Verdicts of a person on labels, which are taken as sure: a CSV with the columns path, given_label, label and verdict (accept, keep,
    /// other or unsure; path and label are enough), or an export of Label Studio as JSON. The last verdict on an image counts [default: none]
    #[cfg_attr(feature = "clap", arg(long, value_name = "FILE", help_heading = "Data"))]
    pub reviewed: Option<PathBuf>,
    /// Text file with the classes in the order of the network's outputs, one a line [default: the classes of the training images,
    /// sorted by name]
    // A run's config.toml has the names of the classes under `classes`.
    #[serde(rename = "classes-file", alias = "classes")]
    #[cfg_attr(feature = "clap", arg(long, value_name = "FILE", help_heading = "Data"))]
    pub classes: Option<PathBuf>,
    /// Share of the images of each class that is held out as test set, from 0 to 0.9 [default: 0.1; unused where the data has a
    /// test set of its own]
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "PART", help_heading = "Data", conflicts_with = "test")
    )]
    pub test_fraction: Option<f64>,
    /// Folder of test images, with one folder per class [default: DATA/test or DATA/val, by any usual name, else --test-fraction]
    #[cfg_attr(feature = "clap", arg(long, value_name = "DIR", help_heading = "Data"))]
    pub test: Option<PathBuf>,
    /// Number of training images that are used of each class folder, the first by path [default: all]
    #[cfg_attr(feature = "clap", arg(long, value_name = "N", help_heading = "Data"))]
    pub per_class: Option<usize>,
    /// What becomes of images that are not square: crop (the middle is kept), squeeze (the whole image, in other proportions) or pad (the
    /// whole image with a border) [default: crop; squeeze where most images are more than twice as long as wide]
    #[cfg_attr(feature = "clap", arg(long, value_name = "HOW", help_heading = "Data", value_parser = Named::<Fit>::default()))]
    pub fit: Option<Fit>,
    /// Largest number of pixels of an image, width times height. Larger images are skipped before they are decoded [default:
    /// 100000000]
    #[cfg_attr(feature = "clap", arg(long, value_name = "N", help_heading = "Data"))]
    pub max_pixels: Option<u64>,
    /// Where decoded images are kept between epochs: ram, disk or none [default: ram up to 1 GiB of pixels, disk above; with
    /// --freeze backbone its features are kept instead]
    #[cfg_attr(feature = "clap", arg(long, value_name = "WHERE", help_heading = "Data", value_parser = Named::<CacheKind>::default()))]
    pub cache: Option<CacheKind>,

    /// Architecture of the network: b0 to b7, efficientnet_b0, tf_efficientnet_b0, efficientnet_lite0, ...; with several --weights one
    /// for each, in their order [default: that of the weights, else b0]
    #[serde(default, with = "one_or_several")]
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME", help_heading = "Network"))]
    pub arch: Option<Vec<String>>,
    /// Factor on the architecture's width, above 0 and at most 10 [default: 1; from random numbers 0.35 for images up to 64
    /// pixels, else 0.5]
    #[cfg_attr(feature = "clap", arg(long, value_name = "W", help_heading = "Network"))]
    pub width: Option<f64>,
    /// Factor on the architecture's depth, above 0 and at most 10 [default: 1; from random numbers 0.2 for images up to 64
    /// pixels, else 0.5]
    #[cfg_attr(feature = "clap", arg(long, value_name = "D", help_heading = "Network"))]
    pub depth: Option<f64>,
    /// Stride of the first convolution, 1 or 2 [default: 2; from random numbers 1 for images up to 64 pixels]
    #[cfg_attr(feature = "clap", arg(long, value_name = "STRIDE", help_heading = "Network"))]
    pub stem_stride: Option<usize>,
    /// Channels of the images that the network gets: 1 (luma), 3 (RGB) or 4 (RGBA). Weights for other channels are adapted as timm
    /// does it [default: those of the weights, else 3]
    #[cfg_attr(feature = "clap", arg(long, value_name = "N", help_heading = "Network"))]
    pub channels: Option<usize>,
    /// Rate of dropout before the classifier, from 0 to below 1 [default: the architecture's own; 0.5 with --freeze backbone and
    /// at most 10,000 images, except for --method joint]
    #[cfg_attr(feature = "clap", arg(long, value_name = "RATE", help_heading = "Network"))]
    pub dropout: Option<f64>,
    /// Rate of drop path of the last block, from 0 to below 1; it rises linearly to this rate over the blocks [default: the
    /// architecture's own]
    #[cfg_attr(feature = "clap", arg(long, value_name = "RATE", help_heading = "Network"))]
    pub drop_path: Option<f64>,
    /// Side in pixels of the square images that the network gets, from 8 to 1024 [default: 160 with --freeze backbone; a whole
    /// pretrained network's own, at most 64 for images up to 64 pixels; from random numbers the images' own, at most 96]
    #[cfg_attr(feature = "clap", arg(long, value_name = "PIXELS", help_heading = "Network"))]
    pub size: Option<usize>,
    /// What the network starts from: auto (published ImageNet weights from the cache, or one download), none (random numbers), a
    /// .safetensors, .pth, .whl or .zip file, a run folder, imagenet (the usual weights of --arch), or hf://OWNER/REPO[/FILE]. Given
    /// several times, the features of all these networks stand side by side, and a head is trained on them [default: auto for a folder of images; none for the demo set, and with --width, --depth, --stem-stride or a --preset that
    /// starts from random numbers; with --start-from what that run started from]
    #[serde(default, with = "one_or_several")]
    #[cfg_attr(feature = "clap", arg(long, value_name = "MODEL", help_heading = "Network"))]
    pub weights: Option<Vec<Weights>>,
    /// Weights that are taken of a file that holds several: the key of their dictionary, with dots between keys (state_dict_ema); a
    /// wrong key is shown the others [default: the plainest; which these are is said]
    #[cfg_attr(feature = "clap", arg(long, value_name = "KEY", help_heading = "Network"))]
    pub weights_key: Option<String>,
    /// NumPy file with features of one's own (DINOv2's, CLIP's): a matrix of f32 with a row for each image, sorted by path unless
    /// --features-paths says otherwise; a head is trained on them, and no image is decoded [default: features of --weights]
    #[cfg_attr(feature = "clap", arg(long, value_name = "F.npy", help_heading = "Network"))]
    pub features: Option<PathBuf>,
    /// List of the images that the rows of --features are of: a path relative to DATA a line, or a CSV with a column path. Images
    /// that it doesn't list take no part [default: all images, sorted by path]
    #[cfg_attr(feature = "clap", arg(long, value_name = "F.txt", help_heading = "Network"))]
    pub features_paths: Option<PathBuf>,
    /// NumPy file with the features of the held-out images, sorted by path [default: they are in --features, too]
    #[cfg_attr(feature = "clap", arg(long, value_name = "F.npy", help_heading = "Network"))]
    pub features_test: Option<PathBuf>,
    /// Part of the pretrained network that stays as it is: backbone (a small head is trained on its features) or none (the whole
    /// network is trained) [default: backbone for up to 50,000 images; none for more, without weights, and with --preset,
    /// --start-from, --backbone-lr or --strong-view]
    #[cfg_attr(feature = "clap", arg(long, value_name = "PART", help_heading = "Network", value_parser = Named::<Freeze>::default()))]
    pub freeze: Option<Freeze>,
    /// A finished run on the same images. Its division and its refined labels are used in the first epoch [default: none]
    #[cfg_attr(feature = "clap", arg(long, value_name = "RUN", help_heading = "Network"))]
    pub start_from: Option<PathBuf>,

    /// Training method: dividemix; ce (plain cross entropy); smooth (label smoothing); penalty (confidence penalty); mixup; distill
    /// (from --teacher); relabel (bootstrapping); joint (labels replaced by the mean prediction of the last epochs); reweight (by
    /// clean probability); forward or backward (loss correction); consistency (mean teacher); entropy (minimisation). Several names
    /// with commas between them (`--method dividemix,ce`) train a run by each and compare them, as --seeds does [default: dividemix]
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME", help_heading = "Training", value_parser = MethodNames))]
    pub method: Option<Methods>,
    /// A method that is not of this program, which trains the run in place of `method`. No file holds it: a run's `config.toml` keeps its
    /// name alone.
    #[serde(skip)]
    #[cfg_attr(feature = "clap", arg(skip))]
    pub own_method: Option<OwnMethod>,
    /// Published settings of DivideMix's authors: cifar10-sym20, -sym50, -sym80, -sym90, cifar10-asym40, cifar100-sym20 to -sym90,
    /// clothing1m or webvision; `--preset list` shows them. Other flags override the preset [default: none]
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME", help_heading = "Training", value_parser = Named::<Preset>::default()))]
    pub preset: Option<Preset>,
    /// Part that DivideMix does without, to measure what it is worth: co-training, refinement, other-division or mixmatch
    /// [default: none]
    #[cfg_attr(feature = "clap", arg(long, value_name = "PART", help_heading = "Training", value_parser = Named::<Ablation>::default()))]
    pub ablate: Option<Ablation>,
    /// Number of last epochs whose losses are averaged for a division. Use 5 where nearly all labels are wrong [default: 1]
    #[cfg_attr(feature = "clap", arg(long, value_name = "EPOCHS", help_heading = "Training"))]
    pub loss_average: Option<usize>,
    /// Strength of the method; 0 is plain training. It is the share of each label that is spread over the classes (smooth) or becomes
    /// the prediction (relabel, joint); the share of the loss that the teacher gives (distill); how far weights or estimated noise
    /// count (reweight, forward, backward); alpha (mixup); or the weight of a term (penalty, entropy, consistency) [default: smooth,
    /// penalty and entropy 0.1, relabel 0.2, distill 0.5, consistency 10, the others 1]
    #[cfg_attr(feature = "clap", arg(long, value_name = "S", help_heading = "Training"))]
    pub strength: Option<f64>,
    /// Model that --method distill learns from: a run folder, a file of weights, or hf://OWNER/REPO[/FILE], for the same classes
    /// [default: none]
    #[cfg_attr(feature = "clap", arg(long, value_name = "MODEL", help_heading = "Training"))]
    pub teacher: Option<PathBuf>,
    /// Temperature of distillation, above 0. A higher one makes the teacher's probabilities more even [default: 4]
    #[cfg_attr(feature = "clap", arg(long, value_name = "T", help_heading = "Training"))]
    pub teacher_temperature: Option<f64>,
    /// Time limit of the whole run, as 45s, 30m or 1.5h. A short measurement chooses width, depth, --size and --epochs where they
    /// are not given [default: none]
    #[cfg_attr(feature = "clap", arg(long, value_name = "TIME", help_heading = "Training", value_parser = Named::<Budget>::default()))]
    pub budget: Option<Budget>,
    /// Number of passes over the data, warm-up included [default: 25 with --freeze backbone, 10 for a whole pretrained network,
    /// 20 from random numbers, 14 for the demo set]
    #[cfg_attr(feature = "clap", arg(long, value_name = "N", help_heading = "Training"))]
    pub epochs: Option<usize>,
    /// Number of epochs of plain training before the first division [default: 5 with --freeze backbone, 4 for a whole pretrained
    /// network, 8 from random numbers, 6 for the demo set]
    #[cfg_attr(feature = "clap", arg(long, value_name = "N", help_heading = "Training"))]
    pub warmup: Option<usize>,
    /// Number of images per step; DivideMix takes as many labeled and as many unlabeled ones [default: 64; 32 from random
    /// numbers]
    #[cfg_attr(feature = "clap", arg(long, value_name = "N", help_heading = "Training"))]
    pub batch: Option<usize>,
    /// Number of images per epoch, drawn anew for each network, equally many of each class; a class with fewer gives all it has
    /// [default: all]
    #[cfg_attr(feature = "clap", arg(long, value_name = "N", help_heading = "Training"))]
    pub epoch_images: Option<usize>,
    /// Learning rate of the first epoch [default: 0.02 with --freeze backbone (0.005 for methods other than dividemix, reweight
    /// and joint), 0.005 for a whole pretrained network, 0.05 from random numbers, 0.02 for the demo set]
    #[cfg_attr(feature = "clap", arg(long, value_name = "RATE", help_heading = "Training"))]
    pub lr: Option<f64>,
    /// Learning rate of all parameters but the classifier's, at most --lr. It follows the same schedule [default: --lr]
    #[serde(alias = "body-lr")]
    #[cfg_attr(
        feature = "clap",
        arg(long, alias = "body-lr", value_name = "RATE", help_heading = "Training")
    )]
    pub backbone_lr: Option<f64>,
    /// How the learning rate falls: cosine (to 0), step (to a tenth in the middle) or constant [default: cosine; step with
    /// --preset]
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME", help_heading = "Training", value_parser = Named::<Schedule>::default()))]
    pub schedule: Option<Schedule>,
    /// Momentum of SGD, from 0 to below 1 [default: 0.9]
    #[cfg_attr(feature = "clap", arg(long, value_name = "M", help_heading = "Training"))]
    pub momentum: Option<f64>,
    /// Weight decay of all parameters [default: 0.0005]
    #[cfg_attr(feature = "clap", arg(long, value_name = "W", help_heading = "Training"))]
    pub weight_decay: Option<f64>,
    /// Momentum of an exponential moving average of the weights, such as 0.999. The average is evaluated, divides the labels and
    /// is saved [default: none]
    #[cfg_attr(feature = "clap", arg(long, value_name = "M", help_heading = "Training"))]
    pub ema: Option<f64>,
    /// Weights of the classes in the loss: none, or balanced (rare classes count as much as common ones) [default: none]
    #[cfg_attr(feature = "clap", arg(long, value_name = "HOW", help_heading = "Training", value_parser = Named::<ClassWeights>::default()))]
    pub class_weights: Option<ClassWeights>,
    /// Clean probability above which a label is kept (tau), from 0 to 1 [default: 0.5]
    #[cfg_attr(feature = "clap", arg(long, value_name = "TAU", help_heading = "Training"))]
    pub threshold: Option<f64>,
    /// Losses that one mixture is fitted to: all, or by-class, which helps where rare or difficult classes would be dropped as a
    /// whole [default: all]
    #[cfg_attr(feature = "clap", arg(long, value_name = "SCOPE", help_heading = "Training", value_parser = Named::<DivisionScope>::default()))]
    pub division: Option<DivisionScope>,
    /// Random changes of training views: flip-crop (mirrored half the time, and shifted by up to an eighth), crop (shifted alone,
    /// where left and right matter) or none [default: flip-crop; none for the demo set]
    #[cfg_attr(feature = "clap", arg(long, value_name = "HOW", help_heading = "Training", value_parser = Named::<Augment>::default()))]
    pub augment: Option<Augment>,
    /// Extra augmentation of training views: autoaugment (the policy found for CIFAR-10), randaugment (two of 14 operations) or
    /// none. Labels are guessed from weakly augmented views [default: none]
    #[cfg_attr(feature = "clap", arg(long, value_name = "POLICY", help_heading = "Training", value_parser = Named::<StrongView>::default()))]
    pub strong_view: Option<StrongView>,
    /// Number of augmented views of an image whose predictions are averaged for a guess (M), from 1 to 64 [default: 2]
    #[cfg_attr(feature = "clap", arg(long, value_name = "M", help_heading = "Training"))]
    pub augmentations: Option<usize>,
    /// Sharpening temperature of refined and guessed labels (T), above 0 [default: 0.5]
    #[cfg_attr(feature = "clap", arg(long, value_name = "T", help_heading = "Training"))]
    pub temperature: Option<f64>,
    /// Parameter of the Beta distribution of MixMatch. 0 mixes nothing [default: 4; 0 with --freeze backbone]
    #[cfg_attr(feature = "clap", arg(long, value_name = "ALPHA", help_heading = "Training"))]
    pub mixup_alpha: Option<f64>,
    /// Weight of the loss of unlabeled images [default: 0; with --freeze backbone 25 in epochs that keep at most 35 % of the
    /// labels]
    #[cfg_attr(feature = "clap", arg(long, value_name = "WEIGHT", help_heading = "Training"))]
    pub lambda_u: Option<f64>,
    /// Number of epochs after warm-up over which --lambda-u rises from 0 [default: 16]
    #[cfg_attr(feature = "clap", arg(long, value_name = "EPOCHS", help_heading = "Training"))]
    pub lambda_u_ramp: Option<f64>,
    /// Weight of the loss that keeps the mean prediction close to the uniform distribution [default: 1]
    #[cfg_attr(feature = "clap", arg(long, value_name = "WEIGHT", help_heading = "Training"))]
    pub lambda_r: Option<f64>,
    /// Weight of the confidence penalty in warm-up [default: 1 with --freeze backbone, else 0]
    #[cfg_attr(feature = "clap", arg(long, value_name = "WEIGHT", help_heading = "Training"))]
    pub warmup_penalty: Option<f64>,
    /// Number of epochs without a better test accuracy after which training ends [default: none]
    #[cfg_attr(feature = "clap", arg(long, value_name = "EPOCHS", help_heading = "Training"))]
    pub patience: Option<usize>,

    /// Random seed. The same seed gives byte-identical outputs on the CPU [default: 1]
    #[cfg_attr(feature = "clap", arg(long, value_name = "N", help_heading = "Run"))]
    pub seed: Option<u64>,
    /// Random seeds with commas between them (`--seeds 1,2,3`): a run by each, and by each --method. OUT becomes a folder of run folders
    /// with comparison.csv and comparison.json; the same command again goes on with it [default: none, one run]
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "N,N", help_heading = "Run", value_delimiter = ',', conflicts_with = "seed")
    )]
    pub seeds: Option<Vec<u64>>,
    /// Number of epochs between two checkpoints [default: 1]
    #[cfg_attr(feature = "clap", arg(long, value_name = "EPOCHS", help_heading = "Run"))]
    pub checkpoint_every: Option<usize>,
    /// Largest number of images in report.html, the worst labels first. The page stays under 10 MB [default: 100]
    #[cfg_attr(feature = "clap", arg(long, value_name = "N", help_heading = "Run"))]
    pub report_images: Option<usize>,
    /// Keeps the loss and the predicted class of each image after each epoch: loss_trajectories.npy, predicted_trajectories.npy
    /// [default: false]
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Run", num_args = 0..=1, require_equals = true, default_missing_value = "true"))]
    pub trajectories: Option<bool>,
    /// Formats in which the list of issues is written as well, with commas between them: datalab (datalab.csv, the columns of cleanlab's
    /// Datalab), huggingface (metadata.csv for the library datasets; its paths are relative to DATA, so copy it there), label-studio
    /// (label_studio.json, tasks with predictions, the worst label first, and label_studio.xml, the labelling interface) or parquet
    /// (label_issues.parquet) [default: none]
    #[cfg_attr(feature = "clap", arg(long, value_name = "FORMAT", help_heading = "Run", value_delimiter = ',', value_parser = Named::<IssueFormat>::default()))]
    pub format: Option<Vec<IssueFormat>>,
    /// Run folder to write [default: runs/NAME-1, the next free number]
    #[cfg_attr(feature = "clap", arg(long, value_name = "RUN", help_heading = "Run"))]
    pub out: Option<PathBuf>,
    /// Replaces an earlier run in the output folder, but only what this program wrote [default: false]
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Run", num_args = 0..=1, require_equals = true, default_missing_value = "true"))]
    pub force: Option<bool>,
    /// Number of threads, from 1 to 1024 [default: one per processor]
    #[cfg_attr(feature = "clap", arg(long, value_name = "N", help_heading = "Run"))]
    pub threads: Option<usize>,
    /// Device that computes: auto (the first GPU that can be used, else the CPU), cpu, or cuda:N (the NVIDIA GPU with number N, from
    /// 0). A GPU needs a build with the feature cuda [default: auto]
    #[cfg_attr(feature = "clap", arg(long, value_name = "DEVICE", help_heading = "Run", value_parser = Named::<DeviceChoice>::default()))]
    pub device: Option<DeviceChoice>,
    /// Starts the run even where memory or disk seem too small [default: false]
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Run", num_args = 0..=1, require_equals = true, default_missing_value = "true"))]
    pub anyway: Option<bool>,
}

impl Settings {
    /// The settings that were given, as TOML.
    pub(crate) fn to_table(&self) -> Result<toml::Table> {
        toml::Table::try_from(self).map_err(unwritable)
    }

    /// The pretrained weights, if there are any. [`crate::Run::start`] decides what `auto` means, and the default.
    /// Of several, the first.
    pub fn pretrained(&self) -> Option<&Path> {
        self.all_pretrained().next()
    }

    /// All pretrained weights.
    pub fn all_pretrained(&self) -> impl Iterator<Item = &Path> {
        self.weights.iter().flatten().filter_map(|weights| match weights {
            Weights::Model(path) => Some(path.as_path()),
            _ => None,
        })
    }

    /// All pretrained weights, with the key of each in its file.
    pub(crate) fn weights_sources(&self) -> impl Iterator<Item = WeightsSource<'_>> {
        self.all_pretrained().map(|name| WeightsSource { name, key: self.weights_key.as_deref() })
    }

    /// Whether the features of several networks stand side by side.
    pub(crate) fn has_several_bodies(&self) -> bool {
        self.all_pretrained().count() > 1
    }

    /// The architecture that was given; of several, the first.
    pub fn first_arch(&self) -> Option<&str> {
        self.arch.iter().flatten().next().map(String::as_str)
    }

    /// Features of one's own, if there are any.
    pub(crate) fn own_features(&self) -> Option<OwnFeatures<'_>> {
        let features = self.features.as_deref()?;
        let (paths, test) = (self.features_paths.as_deref(), self.features_test.as_deref());
        Some(OwnFeatures { features, paths, test, data: self.data.as_deref() })
    }

    /// Whether the backbone stays as it is.
    pub fn frozen(&self) -> bool {
        self.freeze == Some(Freeze::Backbone)
    }
}

/// Settings that TOML can't hold: a path that is not UTF-8.
pub(crate) fn unwritable(e: toml::ser::Error) -> Error {
    Error::Data(format!("the settings can't be kept as TOML: {e} (is every path UTF-8?)"))
}
