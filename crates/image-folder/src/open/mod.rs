//! A folder of images, and perhaps a CSV of labels, to a labelled set.
//!
//! | file | holds |
//! |---|---|
//! | `options` | how to open a set |
//! | `assemble` | [`open`](fn@open): the following steps, in order |
//! | `layout`, `root` | which folders hold the images to train on and to test on |
//! | `scan`, `ending` | which image files are there |
//! | `label`, `table` | which label each file has |
//! | `split` | which images are held out |

mod assemble;
mod ending;
mod label;
mod layout;
mod options;
mod root;
mod scan;
mod split;
mod table;

pub use assemble::open;
pub use ending::{ENDINGS, has_image_ending};
pub use options::{LabelsCsv, OpenOptions, TestSplit};
