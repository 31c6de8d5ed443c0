#![doc = include_str!("../README.md")]
//!
//! # How it is built
//!
//! The crate follows one rule: **an image's key is its path, never its position.** Files that
//! can't be read, labels without a file, and files without a label are left out on the way, each with a
//! reason, and every remaining sample has its own path, label and truth.
//!
//! | module | holds |
//! |---|---|
//! | [`open`](fn@open) | the step from a folder (and a labels CSV) to a list of [`Sample`]s |
//! | [`ParquetImages`] | a Parquet file whose rows hold images |
//! | [`decode`](fn@decode) | the step from the bytes of a file to 8-bit RGB |
//! | [`Channels`] | views that are grey or have opacity |
//! | [`Transform`] | size, cropping, flipping, normalising: the arithmetic of one view |
//! | [`Policy`] | AutoAugment and RandAugment: the further operations of a strong view |
//! | [`Views`] | a set decoded once, and batches of its views |
//! | [`duplicates`](fn@duplicates), [`copies`](fn@copies) | images that are there twice, by their bytes or pixels; copies of one set in another |
//! | [`demo`](fn@demo) | a set that needs no files |

mod batch;
mod channels;
mod copies;
mod decode;
mod demo;
mod duplicates;
mod error;
mod left;
mod nearest;
mod open;
mod parquet;
mod resize;
mod sample;
mod strong;
mod transform;
mod views;

pub use batch::{Batch, ByteBatch, ViewOf};
pub use channels::Channels;
pub use copies::copies;
pub use decode::{Limits, decode, load};
pub use demo::{DemoOptions, demo};
pub use duplicates::{Duplicates, Same, duplicates, fingerprint};
pub use error::{Error, Result};
pub use image::RgbImage;
pub use left::{Left, LeftKind};
pub use open::{
    Classes, ENDINGS, LabelsCsv, Listed, OpenOptions, TestSplit, has_image_ending, has_label_columns, list,
    open, read_classes,
};
pub use parquet::ParquetImages;
pub use resize::Interpolation;
pub use sample::{ImageFolder, Pixels, Sample, Skipped};
pub use strong::{Operation, Policy};
pub use transform::{Fit, Transform};
pub use views::{Cache, Views};
