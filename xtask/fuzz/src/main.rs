//! Writes the seeds into a folder for each reader, as cargo-fuzz looks for them: `cargo run -p effmix-fuzz -- fuzz/corpus`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use effmix_fuzz::READERS;

fn main() -> Result<()> {
    let corpus = PathBuf::from(std::env::args_os().nth(1).context("the folder to write to is missing")?);
    for reader in READERS {
        let folder = corpus.join(reader.name);
        std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        for (number, seed) in (reader.seeds)().iter().enumerate() {
            let file = folder.join(format!("seed-{number}"));
            std::fs::write(&file, seed).with_context(|| file.display().to_string())?;
        }
    }
    Ok(())
}
