//! From the settings to the images of a run.
//!
//! | file | holds |
//! |---|---|
//! | `listing` | which images there are |
//! | `left` | which files were left, in words |
//! | `decode` | images decoded batch by batch, ahead of a network |
//! | `pixels` | images as the loop's views: decoded, augmented |
//! | `features` | features of frozen networks as the loop's views |
//! | `own_features` | features of one's own in their place |
//! | `table` | the files of both |
//! | `sets` | the training set and the test set |
//! | `cache` | the folder for what can be computed again |

mod cache;
mod decode;
mod features;
mod left;
mod listing;
mod own_features;
mod pixels;
mod sets;
mod table;

pub(crate) use cache::CacheFolder;
pub use decode::{DecodedBatch, decode_batches};
pub(crate) use features::{BATCH, EncodedViews, Encoder, are_cached};
pub use left::left_in_words;
pub use listing::{Data, limits, name_of};
pub use pixels::{PixelViews, ToTensor, transform_for};
pub(crate) use sets::{Sets, ViewBuilder, encoded_views};
pub(crate) use table::Table;
