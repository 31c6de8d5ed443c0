//! Sets in Parquet, as Hugging Face's `datasets` and others keep them: a row for each image, with its bytes and its label.
//!
//! | file | holds |
//! |---|---|
//! | `images` | one file, and the bytes of its images by row |
//! | `columns` | which columns hold images and labels |
//! | `labels` | the label of each row |

mod columns;
mod images;
mod labels;

pub use images::ParquetImages;
