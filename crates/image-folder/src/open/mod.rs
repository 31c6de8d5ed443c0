//! A folder of images, and perhaps a CSV of labels, to a labelled set.
//!
//! | file | holds |
//! |---|---|
//! | `options` | how to open a set |
//! | `assemble` | [`open`](fn@open): the following steps, in order |
//! | `layout`, `root`, `part` | which folders hold the images to train on and to test on |
//! | `scan`, `ending`, `litter` | which image files are there; [`list`](fn@list) gives them alone |
//! | `rows` | which Parquet files are there instead, and their rows |
//! | `metadata` | the metadata of an `imagefolder` |
//! | `label` | which label each file has |
//! | `table`, `header` | the rows of a CSV of labels |
//! | `named`, `resolve` | which file a row means |
//! | `verdict`, `verdicts`, `export`, `reviewed` | the labels that a person has verified |
//! | `nesting` | folders that look as if something else was meant |
//! | `split` | which images are held out |
//! | `classes`, `folded` | the order of the classes, and what is one in any case |

mod assemble;
mod classes;
mod ending;
mod export;
mod folded;
mod header;
mod label;
mod layout;
mod list;
mod litter;
mod metadata;
mod named;
mod nesting;
mod options;
mod part;
mod resolve;
mod reviewed;
mod root;
mod rows;
mod scan;
mod split;
mod table;
mod verdict;
mod verdicts;

pub use assemble::{has_label_columns, open};
pub use classes::read_classes;
pub use ending::{ENDINGS, has_image_ending};
pub use list::{Listed, list};
pub use options::{Classes, LabelsCsv, OpenOptions, TestSplit};
