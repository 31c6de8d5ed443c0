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
//! | [`decode`](fn@decode) | the step from the bytes of a file to 8-bit RGB |
//! | [`Channels`] | views that are grey or have opacity |
//! | [`Transform`] | size, cropping, flipping, normalising: the arithmetic of one view |
//! | [`Policy`] | AutoAugment and RandAugment: the further operations of a strong view |
//! | [`Views`] | a set decoded once, and batches of its views |
//! | [`copies`](fn@copies) | files with the same bytes |
//! | [`demo`](fn@demo) | a set that needs no files |

mod batch;
mod channels;
mod copies;
mod decode;
mod demo;
mod error;
mod open;
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
pub use error::{Error, Result};
pub use image::RgbImage;
pub use open::{ENDINGS, LabelsCsv, OpenOptions, TestSplit, has_image_ending, open};
pub use resize::Interpolation;
pub use sample::{ImageFolder, Pixels, Sample, Skipped};
pub use strong::{Operation, Policy};
pub use transform::Transform;
pub use views::{Cache, Views};
