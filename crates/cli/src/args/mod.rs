//! The command line.
//!
//! | file | holds |
//! |---|---|
//! | `compare` | `effmix compare` |
//! | `model` | which model, and what computes, for the commands that use one |
//! | `scale` | `effmix scale` and what is below it |
//! | `shell` | completions and manual pages |
//! | `short_help` | what `-h` shows of each command, and its examples |
//! | `parse` | a command line parsed, and what is said where it can't be |

mod compare;
mod model;
mod parse;
mod scale;
mod shell;
mod short_help;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use dividemix::MethodKind;
use effmix::settings::{DeviceChoice, Named};
use effmix::{ResumeOptions, Settings};
use serde::Serialize;

pub(crate) use compare::Compare;
use model::device;
pub(crate) use model::{Model, OnDevice, Tta};
pub(crate) use parse::{command, parse, short_help};
pub(crate) use scale::{Amounts, Figure, Scale, ScaleCommand, Search};
pub(crate) use shell::{Completions, Man};

/// The first line of the help is how to try it.
const TRY_IT: &str =
    "Try it: `effmix train` trains on a built-in demo set with 40 % wrong labels, in a few minutes.

effmix trains image classifiers on folders whose labels are partly wrong, and says which labels are wrong.";

/// With what it was built with.
const VERSION: &str = if cfg!(feature = "cuda") {
    concat!(env!("CARGO_PKG_VERSION"), " (with CUDA)")
} else {
    env!("CARGO_PKG_VERSION")
};

#[derive(Debug, Parser)]
#[command(name = "effmix", version = VERSION, about = TRY_IT, args_override_self = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train on a folder with wrong labels: a classifier, and the list of wrong labels
    Train(Box<Train>),
    /// Continue an interrupted run, or several of one command, or train a finished one further
    Resume(Resume),
    /// Classify images with a trained model
    Predict(Predict),
    /// Measure a model against the labels of a folder
    Evaluate(Evaluate),
    /// Write a trained model for other programs: ONNX, or weights for timm or torchvision
    Export(Export),
    /// Write a labels CSV with wrong labels injected
    Noise(Noise),
    /// Compare runs: mean and deviation over seeds, and the settings that differ
    Compare(Compare),
    /// Write a run's HTML page
    Report(Report),
    /// Measure how fast an architecture trains or predicts here
    Bench(Bench),
    /// Show the cost of the members of the family, or scale one to any size
    Scale(Scale),
    /// Print the completions of a shell: commands, flags and values by the Tab key
    Completions(Completions),
    /// Write the manual pages, a file a command
    #[command(hide = true)]
    Man(Man),
}

#[derive(Debug, Args)]
pub(crate) struct Train {
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// TOML file with any of these flags (`lambda-u = 25`); flags win. A run's config.toml does the same run again
    #[arg(long, value_name = "FILE", help_heading = "Run")]
    pub(crate) config: Option<PathBuf>,
    /// Print the summary as JSON, as the only thing on stdout
    #[arg(long, help_heading = "Run")]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Resume {
    /// The run folder, or the folder of several runs that `train --seeds` made
    pub(crate) run: PathBuf,
    /// Number of epochs in all, if the run is to become longer. A run that --patience had ended goes on: patience counts anew from
    /// there [default: the run's own]
    #[arg(long, value_name = "N")]
    pub(crate) epochs: Option<usize>,
    /// Number of threads, from 1 to 1024 [default: one per processor]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// Device that computes: auto, cpu or cuda:N, as in `effmix train --help` [default: the run's device, or the CPU where that GPU
    /// can't be used]
    #[arg(long, value_name = "DEVICE", value_parser = device)]
    pub(crate) device: Option<DeviceChoice>,
    /// Print the summary as JSON, as the only thing on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

impl Resume {
    /// How the run is gone on with.
    pub(crate) fn options(&self) -> ResumeOptions {
        ResumeOptions { epochs: self.epochs, device: self.device, own_method: None }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Predict {
    #[command(flatten)]
    pub(crate) model: Model,
    /// Images, and folders of images; - for a list of them on stdin, one a line
    #[arg(required_unless_present = "features", conflicts_with = "features", value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// NumPy file with features instead of images: a matrix of f32 with as many columns as --embeddings writes. The path of a row is its
    /// number, from 0
    #[arg(long, value_name = "F.npy", conflicts_with_all = ["tta", "no_resize", "cam", "max_pixels"])]
    pub(crate) features: Option<PathBuf>,
    /// Number of classes that are listed for each image, the likeliest first
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) top: u16,
    /// CSV file (path,label,p) to write the classes to [default: stdout]
    #[arg(long, value_name = "F.csv")]
    pub(crate) out: Option<PathBuf>,
    /// NumPy file to write the logits [N, C] to, as f32. An image that can't be read has NaN
    #[arg(long, value_name = "F.npy")]
    pub(crate) logits: Option<PathBuf>,
    /// NumPy file to write the global features [N, F] to, as f32. An image that can't be read has NaN
    #[arg(long, value_name = "F.npy")]
    pub(crate) embeddings: Option<PathBuf>,
    /// Views of each image whose logits are averaged [default: the image alone]
    #[arg(long, value_enum, value_name = "VIEWS")]
    pub(crate) tta: Option<Tta>,
    /// Keep each image at its own size; this overrides --size. An image that takes more memory than is left is refused by name
    #[arg(long)]
    pub(crate) no_resize: bool,
    /// New folder to draw class activation maps into, as PNG: each image is redder where it looks like its class
    #[arg(long, value_name = "DIR")]
    pub(crate) cam: Option<PathBuf>,
    /// Print JSON, as the only thing on stdout
    #[arg(long)]
    pub(crate) json: bool,
    /// Replace output files such as an earlier call wrote: a CSV that begins with path,label,p, and NumPy tables of f32 with as many
    /// columns, whoever wrote them
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Evaluate {
    #[command(flatten)]
    pub(crate) model: Model,
    /// Folder with one folder of images a class; of one with train/ and test/, the test images
    pub(crate) data: PathBuf,
    #[command(flatten)]
    pub(crate) labels: Labels,
    /// Also write the table of classes and the confusion to a CSV
    #[arg(long, value_name = "F.csv")]
    pub(crate) out: Option<PathBuf>,
    /// Replace a CSV with the same first columns, as an earlier call wrote it
    #[arg(long)]
    pub(crate) force: bool,
    /// Print JSON, as the only thing on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

/// What a model is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// One file for effmix, with architecture and classes in it
    Safetensors,
    /// Safetensors under timm's names
    Timm,
    /// Safetensors under torchvision's names
    Torchvision,
    /// A graph for any runtime: batch norm folded, any number of images, classes and preprocessing in its metadata
    Onnx,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// A run folder, its model/ folder, or a .safetensors, .pth, .whl or .zip file
    pub(crate) model: PathBuf,
    /// What to write
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) format: ExportFormat,
    /// The file to write
    #[arg(long, value_name = "F")]
    pub(crate) out: PathBuf,
    /// Architecture of a weights file, where its tensors leave it open: efficientnet_b0 or tf_efficientnet_b0, ...
    #[arg(long, value_name = "NAME")]
    pub(crate) arch: Option<String>,
    /// Weights that are taken of a file that holds several: the key of their dictionary, with dots between keys (state_dict_ema); a
    /// wrong key is shown the others [default: the plainest; which these are is said]
    #[arg(long, value_name = "KEY")]
    pub(crate) weights_key: Option<String>,
    /// Side of the square images that the model is for, in pixels [default: the model's own]
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u16).range(8..=1024))]
    pub(crate) size: Option<u16>,
    /// One of the model's networks alone [default: onnx, the mean of all; else the better one]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) net: Option<u16>,
    /// Replace a file such as an earlier call wrote: ONNX by effmix, or safetensors that record their classes
    #[arg(long)]
    pub(crate) force: bool,
}

/// Labels from a file instead of folders.
#[derive(Debug, Args)]
pub(crate) struct Labels {
    /// CSV file that gives the label of each image [default: the folder that an image lies in is its label]
    #[arg(long, value_name = "FILE")]
    pub(crate) labels: Option<PathBuf>,
    /// Column of the CSV that holds paths relative to DATA
    #[arg(long, value_name = "NAME", default_value = "path", requires = "labels")]
    pub(crate) path_column: String,
    /// Column that holds labels, of the CSV, of Parquet or of an imagefolder's metadata [default: label]
    #[arg(long, value_name = "NAME")]
    pub(crate) label_column: Option<String>,
    /// Column of the CSV that says which images are held out, and so measured on: train, val or test; or true for those, where its name
    /// begins with is_ [default: split, is_valid, is_val or is_test, where the CSV has such a column]
    #[arg(long, value_name = "NAME", requires = "labels")]
    pub(crate) split_column: Option<String>,
}

/// A model of how labels go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum NoiseKind {
    /// Any class, alike; the true one too, so that some labels stay right (DivideMix's noise)
    Symmetric,
    /// Any class but the true one, alike
    SymmetricOther,
    /// By the true class: --transition, or the published mapping of CIFAR-10's or CIFAR-100's classes
    Asymmetric,
    /// Each class for the next, the last for the first
    Pair,
    /// By the image's pixels: a rate of its own, around --rate, and classes that they favour (part-dependent noise)
    Instance,
    /// By the image, as the network of --model confuses it
    Confusion,
}

#[derive(Debug, Args)]
pub(crate) struct Noise {
    /// Folder with one folder of images a class; of one with train/ and test/, the training images
    pub(crate) data: PathBuf,
    /// The labels CSV to write: path,label,true_label
    #[arg(long, value_name = "F.csv")]
    pub(crate) out: PathBuf,
    /// How labels go wrong [default: symmetric; asymmetric with --transition, confusion with --model]
    #[arg(long, value_enum)]
    pub(crate) kind: Option<NoiseKind>,
    /// Share of the images whose label is drawn anew, from 0 to 1 [default: 1 with --transition; with --model, the probability
    /// that the network itself gives other classes]
    #[arg(long, required_unless_present_any = ["transition", "model"])]
    pub(crate) rate: Option<f64>,
    /// Matrix of numbers: a line a true class, a column a given class, in the order of the classes or under a header
    /// of their names
    #[arg(long, value_name = "FILE")]
    pub(crate) transition: Option<PathBuf>,
    /// Network that confuses images: a run folder, its model/ folder, a .safetensors, .pth, .whl or .zip file, imagenet
    /// (of --arch), or hf://OWNER/REPO[/FILE]
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Option<PathBuf>,
    /// Architecture of --model, where that is a weights file
    #[arg(long, value_name = "NAME", requires = "model")]
    pub(crate) arch: Option<String>,
    /// Side in pixels of the square images that --model gets [default: its own]
    #[arg(long, value_name = "PIXELS", requires = "model", value_parser = clap::value_parser!(u16).range(8..=1024))]
    pub(crate) size: Option<u16>,
    /// Random seed. The same seed gives the same labels
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Number of threads, from 1 to 1024 [default: one per processor]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// Replace a CSV that begins with path,label,true_label, as an earlier call wrote it
    #[arg(long)]
    pub(crate) force: bool,
    /// Print the real noise rate and transition matrix as JSON, as the only thing on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Report {
    /// The run folder
    pub(crate) run: PathBuf,
    /// Largest number of images on the page, the worst labels first. The page stays under 10 MB [default: the run's setting, else 100]
    #[arg(long, value_name = "N")]
    pub(crate) report_images: Option<usize>,
}

/// What `bench` times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BenchMode {
    /// Forward, backward and the optimiser's step
    Train,
    /// Forward alone
    Predict,
}

#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Architecture, as published: b0 ... b7, efficientnet_lite0, ...
    #[arg(long, value_name = "NAME", default_value = "b0")]
    pub(crate) arch: String,
    /// Side of the images, in pixels [default: the architecture's own]
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u16).range(8..=1024))]
    pub(crate) size: Option<u16>,
    /// Number of images in a batch
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) batch: u16,
    /// What is timed
    #[arg(long, value_enum, default_value = "train")]
    pub(crate) mode: BenchMode,
    /// Number of threads, from 1 to 1024 [default: one per processor]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    #[command(flatten)]
    pub(crate) device: OnDevice,
    /// Images of the training whose time is estimated (mode train)
    #[arg(long, value_name = "N", default_value_t = 5000, value_parser = clap::value_parser!(u32).range(20..))]
    pub(crate) images: u32,
    /// Number of its epochs, of which 40 % are warm-up
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) epochs: u16,
    /// Training method of it: dividemix, ce, or another of `effmix train --method`
    #[arg(long, value_name = "NAME", default_value = "dividemix", value_parser = Named::<MethodKind>::default())]
    pub(crate) method: MethodKind,
    /// Seconds that the measurement takes, about
    #[arg(long, value_name = "S", default_value_t = 20.0, value_parser = seconds)]
    pub(crate) seconds: f64,
    /// Print JSON, as the only thing on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.0..=86_400.0).contains(&seconds) => Ok(seconds),
        _ => Err("seconds are a number from 0 to 86400".to_owned()),
    }
}
