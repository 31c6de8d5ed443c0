//! A set of images decoded once, and batches of its views.
//!
//! | file | holds |
//! |---|---|
//! | `set` | [`Views`]: the readable images of a set, and batches of their views |
//! | `cache`, `disk` | where decoded images are kept; the file that holds them |
//! | `reader`, `gather` | the images of a set read, one by one and all in parallel |

mod cache;
mod disk;
mod gather;
mod reader;
mod set;

pub use cache::Cache;
pub use set::Views;
