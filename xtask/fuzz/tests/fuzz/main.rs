//! Valid files of every reader changed by chance, cut off, and lying: read or refused, without a panic, and in memory that is in
//! proportion to the file.
//!
//! The same on every machine. `FUZZ_CASES` asks for other numbers of cases, `FUZZ_SEED` for other ones.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod changes;
mod deep;
mod memory;
mod targets;
mod trial;
