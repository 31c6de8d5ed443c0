//! The tests of our arithmetic on another processor, which qemu emulates.
//!
//! On aarch64 there is no level but the portable one, and denormals are switched off by other registers.

use super::Context;
use super::targets::{AARCH64, has_std, is_installed};
use super::testing::{self, Selection};
use anyhow::Result;

/// Crates whose results depend on the processor.
const CRATES: [&str; 2] = ["effnet-ops", "noisy-labels"];

const EMULATOR: &str = "qemu-aarch64";

/// Where Debian's packages put the target's C library.
const LIBRARIES: &str = "/usr/aarch64-linux-gnu";

pub(super) fn tests(c: &mut Context) -> Result<()> {
    for tool in AARCH64.compiler.iter().chain(&[EMULATOR]) {
        if !is_installed(c, tool) {
            c.missing(&format!("{tool} is not installed"));
            return Ok(());
        }
    }
    if !has_std(c, AARCH64.triple)? {
        return Ok(());
    }
    let variable =
        |name: &str| format!("CARGO_TARGET_{}_{name}", AARCH64.triple.to_uppercase().replace('-', "_"));
    let runner = format!("{EMULATOR} -L {LIBRARIES}");
    let environment = [
        ("CARGO_BUILD_TARGET", AARCH64.triple),
        (&variable("LINKER"), AARCH64.compiler.unwrap_or("cc")),
        (&variable("RUNNER"), &runner),
    ];
    for name in CRATES {
        testing::run(c, name, &Selection::alone(name, ""), &environment)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Workspace;

    #[test]
    fn the_crates_exist() {
        let workspace = Workspace::read().unwrap();
        for name in CRATES {
            assert!(workspace.crates().any(|p| p.name == name), "{name}");
        }
    }
}
