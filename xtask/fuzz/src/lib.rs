//! What must hold of any bytes that a reader is given: it takes them or refuses them, and never panics.
//!
//! A check is a function of bytes, which says whether they were taken. Two drive it: `fuzz/`, for cargo-fuzz, which looks for new
//! paths as long as it is let; and this package's tests, which change valid files by chance, in seconds and on any toolchain.

mod checks;
mod scratch;
mod seeds;
mod torch;

pub use checks::{config, labels, model, pickle, timm_config, weights};

/// A reader of files that others write.
#[derive(Debug, Clone, Copy)]
pub struct Reader {
    /// Also that of its target in `fuzz/`.
    pub name: &'static str,
    /// Whether it takes the bytes.
    pub check: fn(&[u8]) -> bool,
    /// Valid files, small ones of every kind.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Pieces of which its files are made.
    pub words: &'static [&'static [u8]],
}

/// All readers.
pub const READERS: [Reader; 6] = [
    Reader { name: "weights", check: weights, seeds: seeds::weights, words: seeds::OF_WEIGHTS },
    Reader { name: "pickle", check: pickle, seeds: seeds::pickles, words: seeds::OF_PICKLES },
    Reader { name: "timm_config", check: timm_config, seeds: seeds::timm_configs, words: seeds::OF_JSON },
    Reader { name: "model", check: model, seeds: seeds::models, words: seeds::OF_JSON },
    Reader { name: "config", check: config, seeds: seeds::configs, words: seeds::OF_TOML },
    Reader { name: "labels", check: labels, seeds: seeds::labels, words: seeds::OF_CSV },
];
