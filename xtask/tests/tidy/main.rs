//! The rules of the house that no compiler checks: files, Rust sources, crates, documents, workflows.
//!
//! Each rule is a test whose message lists every place that breaks it. They look at what git tracks, and at new files
//! that it does not ignore.

mod crates;
mod documents;
mod files;
mod guides;
mod imports;
mod repository;
mod sources;
mod workflows;
