//! What users bring: folders, files, tables, weights, terminals and numbers as people have them, and what the program makes of each.
//!
//! | module | what is brought |
//! |---|---|
//! | `folders` | splits by any name, folders too deep, folders that are no classes, files that are no files |
//! | `files` | formats that are read and formats that are not, shapes, sizes, names |
//! | `formats` | other programs that read the list of issues |
//! | `hugging_face` | imagefolders with metadata, and Parquet |
//! | `tables` | CSV files with other separators, paths, columns and classes |
//! | `verdicts` | labels that a person has verified |
//! | `weights` | checkpoints in wrappers, names of architectures, files that are no weights |
//! | `copies` | images that are there twice |
//! | `terminal` | widths, mistyped words, help |
//! | `numbers` | thousands of classes |
//! | `runs` | several seeds and methods, and runs to compare |
//!
//! Each test is an input and its right outcome. A new input of a user's that went wrong becomes a test here.

mod copies;
mod files;
mod folders;
mod formats;
mod hugging_face;
mod numbers;
mod runs;
mod tables;
mod terminal;
mod verdicts;
mod weights;
