//! What two programs are compared at: works that the program does as a user asks for them.

use super::super::contender::Contender;
use super::super::works::{self, Entrant, FILES, Program};
use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

pub(super) struct Work {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// `effmix bench`, with the job of the work of this name.
    Bench,
    /// `effmix train --freeze body`: the epochs' time, without the pass that computes the features.
    Frozen,
    /// `effmix predict` on large JPEG files at a small size: decoding and resizing are nearly all of it.
    Loader,
}

pub(super) static WORKS: [Work; 6] = [
    Work { name: "train-32", what: "Training step of B0, 32 px, batch 64", kind: Kind::Bench },
    Work { name: "train-224", what: "Training step of B0, 224 px, batch 16", kind: Kind::Bench },
    Work { name: "predict-1", what: "Inference of B0, 224 px, batch 1", kind: Kind::Bench },
    Work { name: "predict-16", what: "Inference of B0, 224 px, batch 16", kind: Kind::Bench },
    Work { name: "frozen", what: "DivideMix epochs on a frozen backbone's features", kind: Kind::Frozen },
    Work { name: "loader", what: "Prediction of 448 px JPEG files at 32 px: decoding", kind: Kind::Loader },
];

/// Epochs of the training on features.
const EPOCHS: usize = 30;

/// Files that both programs get.
pub(super) struct Inputs {
    /// The folders of xtask/bench's `prepare`.
    pub(super) data: PathBuf,
    /// For what the programs write.
    pub(super) scratch: PathBuf,
}

impl Inputs {
    pub(super) fn are_there(&self) -> bool {
        self.small_files().is_dir() && self.large_files().is_dir()
    }

    fn small_files(&self) -> PathBuf {
        self.data.join(format!("jpeg-{}", FILES[0].0))
    }

    fn large_files(&self) -> PathBuf {
        self.data.join(format!("jpeg-{}", FILES[1].0))
    }

    fn model(&self) -> PathBuf {
        self.scratch.join("model")
    }
}

/// How much is measured, and with how many threads.
#[derive(Clone, Copy)]
pub(super) struct Effort {
    pub(super) seconds: f64,
    pub(super) threads: usize,
}

/// Of a line of a run's `timing.jsonl`: an epoch.
#[derive(Deserialize)]
struct Timing {
    seconds: f64,
}

impl Work {
    /// Whether it needs the folders of `prepare`, and a model.
    pub(super) fn needs_files(&self) -> bool {
        self.kind != Kind::Bench
    }

    /// Images a second by a program: the median of as many as the effort's seconds hold, one at least.
    ///
    /// # Errors
    /// The program's own reason why it can't.
    pub(super) fn measure(&self, program: &Path, inputs: &Inputs, effort: Effort) -> Result<f64> {
        let once = || match self.kind {
            Kind::Bench => bench(self.name, program, effort),
            Kind::Frozen => frozen(program, inputs, effort.threads),
            Kind::Loader => loader(program, inputs, effort.threads),
        };
        if self.kind == Kind::Bench {
            return once();
        }
        let began = Instant::now();
        let mut figures = vec![once()?];
        while began.elapsed().as_secs_f64() < effort.seconds {
            figures.push(once()?);
        }
        figures.sort_by(f64::total_cmp);
        Ok(figures[figures.len() / 2])
    }
}

/// A model to begin with, by a training of one epoch from random numbers. Both programs get the same.
pub(super) fn make_model(program: &Path, inputs: &Inputs) -> Result<()> {
    let mut command = effmix(program, inputs);
    command.args([
        "train",
        "--weights",
        "none",
        "--freeze",
        "none",
        "--arch",
        "b0",
        "--size",
        "32",
        "--seed",
        "1",
    ]);
    command.args(["--method", "ce", "--epochs", "1", "--per-class", "8", "--anyway", "--force", "--out"]);
    command.arg(inputs.model()).arg(inputs.small_files());
    run(&mut command)
}

fn bench(name: &str, program: &Path, effort: Effort) -> Result<f64> {
    let Effort { seconds, threads } = effort;
    let work = works::works().into_iter().find(|work| work.name == name);
    let entrant = Entrant { program: Program::Effmix, threads, amount: None };
    let job = work.context("a work of the same name")?.job(entrant, seconds, false, Path::new(""));
    Ok(Contender::Once(Program::Effmix, program.to_owned()).ask(&job, threads)?.per_second)
}

fn frozen(program: &Path, inputs: &Inputs, threads: usize) -> Result<f64> {
    let out = inputs.scratch.join("frozen");
    if out.exists() {
        std::fs::remove_dir_all(&out).with_context(|| out.display().to_string())?;
    }
    let mut command = effmix(program, inputs);
    command.args(["train", "--freeze", "body", "--method", "dividemix", "--seed", "1", "--anyway"]);
    command.args(["--epochs", &EPOCHS.to_string(), "--threads", &threads.to_string(), "--weights"]);
    run(command.arg(inputs.model()).arg("--out").arg(&out).arg(inputs.small_files()))?;
    let timings = out.join("timing.jsonl");
    let text = std::fs::read_to_string(&timings).with_context(|| timings.display().to_string())?;
    let seconds: Vec<f64> =
        text.lines().map(|line| Ok(serde_json::from_str::<Timing>(line)?.seconds)).collect::<Result<_>>()?;
    ensure!(seconds.len() == EPOCHS, "{} epochs were timed, {EPOCHS} were asked for", seconds.len());
    Ok((EPOCHS * FILES[0].1) as f64 / seconds.iter().sum::<f64>())
}

fn loader(program: &Path, inputs: &Inputs, threads: usize) -> Result<f64> {
    let out = inputs.scratch.join("predicted.csv");
    if out.exists() {
        std::fs::remove_file(&out).with_context(|| out.display().to_string())?;
    }
    let mut command = effmix(program, inputs);
    command.args(["predict", "--threads", &threads.to_string(), "--out"]).arg(out).arg(inputs.model());
    let began = Instant::now();
    run(command.arg(inputs.large_files()))?;
    Ok(FILES[1].1 as f64 / began.elapsed().as_secs_f64())
}

/// The program, with a cache that no earlier run has filled.
fn effmix(program: &Path, inputs: &Inputs) -> Command {
    let mut command = Command::new(program);
    command.env("EFFMIX_CACHE", inputs.scratch.join("cache"));
    command
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output().context("it cannot be started")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{}: {}", output.status, said.lines().last().unwrap_or("it said nothing"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_work_of_effmix_bench_is_one_of_the_benchmarks_works() {
        let names: Vec<&str> = works::works().iter().map(|work| work.name).collect();
        for work in WORKS.iter().filter(|work| work.kind == Kind::Bench) {
            assert!(names.contains(&work.name), "{}", work.name);
        }
    }

    #[cfg(unix)]
    #[test]
    fn why_a_program_failed_is_its_own_last_line() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo one >&2; echo 'error: no such file' >&2; exit 2"]);
        assert!(run(&mut command).unwrap_err().to_string().ends_with("error: no such file"));
        assert!(run(Command::new("sh").args(["-c", "exit 0"])).is_ok());
    }
}
