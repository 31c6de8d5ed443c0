//! Reading and writing whole files.
//!
//! | file | holds |
//! |---|---|
//! | `atomic` | files that are there complete or not at all |
//! | `npy` | tables as NumPy keeps them |
//! | `table` | CSV files with a header |
//! | `text` | text files and folders, with errors that name them |

mod atomic;
mod npy;
mod table;
mod text;

pub use atomic::{AtomicFile, write_atomic};
pub use npy::{NpyFile, is_table_of, read_npy, write_npy};
pub(crate) use npy::{NpyOrder, npy_head, shape_of_npy, split_npy};
pub(crate) use table::write_csv;
pub use text::start_of;
pub(crate) use text::{make_writable, read_to_string};
