//! Starting other programs.

use anyhow::{Context, Result};
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A program with its arguments and environment, started in the workspace root.
pub(crate) struct Shell {
    command: Command,
    shown: String,
}

impl Shell {
    pub(crate) fn new(root: &Path, program: impl AsRef<OsStr>) -> Self {
        let shown = program.as_ref().to_string_lossy().into_owned();
        let mut command = Command::new(program);
        command.current_dir(root);
        Self { command, shown }
    }

    /// Arguments that hold no blanks, written as one text.
    pub(crate) fn words(self, words: &str) -> Self {
        words.split_whitespace().fold(self, Self::arg)
    }

    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.shown = format!("{} {}", self.shown, argument.as_ref().to_string_lossy());
        self.command.arg(argument);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.shown = format!("{name}={value} {}", self.shown);
        self.command.env(name, value);
        self
    }

    /// Runs with this terminal as its own; true where it ends well.
    pub(crate) fn succeeds(mut self) -> Result<bool> {
        eprintln!("\n$ {}", self.shown);
        let status = self.command.status().with_context(|| format!("cannot start `{}`", self.shown))?;
        Ok(status.success())
    }

    /// Runs, shows stdout as it comes and keeps it; stderr goes to this terminal.
    pub(crate) fn succeeds_with_output(mut self) -> Result<(bool, String)> {
        eprintln!("\n$ {}", self.shown);
        let mut child = self
            .command
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start `{}`", self.shown))?;
        let mut kept = String::new();
        if let Some(pipe) = child.stdout.take() {
            let mut reader = BufReader::new(pipe);
            let mut line = Vec::new();
            // Bytes, not `lines()`: a test may print what is no UTF-8.
            while reader.read_until(b'\n', &mut line)? > 0 {
                std::io::stdout().write_all(&line)?;
                kept.push_str(&String::from_utf8_lossy(&line));
                line.clear();
            }
        }
        Ok((child.wait()?.success(), kept))
    }

    /// Runs without showing anything; its stderr where it ends well.
    pub(crate) fn reads_errors(self) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.output()?.stderr).into_owned())
    }

    /// Runs without showing anything; its stdout where it ends well.
    pub(crate) fn reads(self) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.output()?.stdout).into_owned())
    }

    fn output(mut self) -> Result<Output> {
        let output = self.command.output().with_context(|| format!("cannot start `{}`", self.shown))?;
        anyhow::ensure!(
            output.status.success(),
            "`{}` failed:\n{}",
            self.shown,
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(output)
    }
}
