//! The oldest Rust that Cargo.toml promises (`rust-version`).

use super::Context;
use crate::shell::Shell;
use anyhow::Result;

/// Compiles all targets by it, in a build folder of its own, unless it is what compiles everything here.
pub(super) fn compiles(c: &mut Context) -> Result<()> {
    let oldest = c.workspace.oldest_rust()?.to_owned();
    if is_release(&Shell::new(&c.workspace.root, "rustc").words("--version").reads()?, &oldest) {
        c.report.passed(&format!("Rust {oldest} is what the other rows compile by"));
        return Ok(());
    }
    let toolchain = format!("+{oldest}");
    if c.cargo(&format!("{toolchain} --version")).reads().is_err() {
        let why =
            format!("Rust {oldest} is not installed (rustup toolchain install {oldest} --profile minimal)");
        c.report.skipped("", &why);
        return Ok(());
    }
    let good = c
        .cargo(&format!("{toolchain} check --workspace --all-targets --target-dir"))
        .arg(c.workspace.target.join("oldest"))
        .succeeds()?;
    c.report.ended(&format!("Rust {oldest}"), good);
    Ok(())
}

/// Whether `rustc 1.95.0 (59807616e 2026-04-14)` is of the release `1.95`, or is exactly `1.95.0`.
fn is_release(version: &str, release: &str) -> bool {
    let number = version.split_whitespace().nth(1).unwrap_or_default();
    number.strip_prefix(release).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_told_from_one_with_a_longer_number_and_from_a_nightly() {
        assert!(is_release("rustc 1.95.0 (59807616e 2026-04-14)", "1.95"));
        assert!(is_release("rustc 1.95.0 (59807616e 2026-04-14)", "1.95.0"));
        assert!(!is_release("rustc 1.95.1 (59807616e 2026-04-14)", "1.95.0"));
        assert!(!is_release("rustc 1.950.0 (59807616e 2026-04-14)", "1.95"));
        assert!(!is_release("rustc 1.97.0-nightly (e50aa6fba 2026-05-19)", "1.95"));
    }
}
