//! The behaviour of the crate, one module a topic:
//!
//! | module | about |
//! |---|---|
//! | `folders` | sets without a labels file |
//! | `labels` | sets with a labels file |
//! | `metadata`, `parquet` | sets as Hugging Face keeps them |
//! | `splits` | which images are held out |
//! | `decoding` | files to pixels, also files that are not images |
//! | `fitting` | pixels to plain views, compared with Pillow and torchvision |
//! | `channels` | grey views and views with opacity, compared with Pillow |
//! | `tiny` | images of a pixel, or a row of them |
//! | `strong` | strong views, compared with Pillow and torchvision |
//! | `views` | caches, augmentation, batches |
//! | `drawn` | the demo set |
//! | `real` | CIFAR-10 as JPEG files, where `EFFMIX_DATA` has it |

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "clippy allows them in test functions, not in what these share"
)]

mod channels;
mod decoding;
mod drawn;
mod fitting;
mod folders;
mod labels;
mod metadata;
mod parquet;
mod real;
mod splits;
mod strong;
mod tiny;
mod util;
mod views;
