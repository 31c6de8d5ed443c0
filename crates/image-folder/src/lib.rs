#![doc = include_str!("../README.md")]
//!
//! # How it is built
//!
//! One decision is behind the crate: **an image is known by its path, never by its position.** Files that
//! can't be read, labels without a file, and files without a label drop out along the way, each with a
//! reason, and everything that is left still carries its own path, label and truth.
//!
//! | module | holds |
//! |---|---|
//! | [`open`](fn@open) | a folder (and a labels CSV) to a list of [`Sample`]s |
//! | [`decode`](fn@decode) | bytes of a file to 8-bit RGB |
//! | [`Transform`] | size, cropping, flipping, normalising: the arithmetic of one view |
//! | [`Policy`] | AutoAugment and RandAugment: how a strong view differs further |
//! | [`Views`] | a set decoded once, and batches of its views |
//! | [`prefetch`](fn@prefetch) | batches made ahead of their use |
//! | [`copies`](fn@copies) | files with the same bytes |
//! | [`demo`](fn@demo) | a set that needs no files |

mod batch;
mod copies;
mod decode;
mod demo;
mod error;
mod open;
mod prefetch;
mod resize;
mod sample;
mod strong;
mod transform;
mod views;

pub use batch::Batch;
pub use copies::copies;
pub use decode::{Limits, decode, load};
pub use demo::{DemoOptions, demo};
pub use error::{Error, Result};
pub use image::RgbImage;
pub use open::{ENDINGS, LabelsCsv, OpenOptions, TestSplit, has_image_ending, open};
pub use prefetch::{Prefetch, prefetch};
pub use resize::Interpolation;
pub use sample::{ImageFolder, Pixels, Sample, Skipped};
pub use strong::{Operation, Policy};
pub use transform::Transform;
pub use views::{Cache, Views};
