//! The programs that take part, each in a process of its own: no memory and no threads are shared.

use super::works::Program;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// What a program says of a job.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Answer {
    /// Images, fits: what the work counts, by the median of what was timed.
    #[serde(alias = "images_per_s")]
    pub(super) per_second: f64,
    pub(super) peak_rss_bytes: Option<u64>,
    /// Of these, what the process had before the work began: an interpreter and its libraries.
    pub(super) base_rss_bytes: Option<u64>,
    /// What was found, where it can be compared (a mixture's means).
    pub(super) found: Option<Value>,
}

/// Where the programs are.
pub(super) struct Programs {
    pub(super) root: PathBuf,
    /// cargo's folder of release programs.
    pub(super) release: PathBuf,
    /// None: the Python peers can't take part.
    pub(super) python: Option<PathBuf>,
}

/// One program at one work, over all rounds.
pub(super) enum Contender {
    /// Started anew for each round.
    Once(Program, PathBuf),
    /// Kept: what it has built is used again.
    Server(Server),
}

impl Programs {
    pub(super) fn contender(&self, program: Program, threads: usize) -> Result<Contender> {
        Ok(match (program, &self.python) {
            (Program::Effmix, _) => Contender::Once(program, self.built("effmix")),
            (Program::Ours, _) => Contender::Once(program, self.built("effmix-bench")),
            (Program::StockCandle, _) => Contender::Once(program, self.built("stock-candle")),
            (Program::Python(_), Some(python)) => {
                let mut command = Command::new(python);
                command.current_dir(self.root.join("xtask/bench")).arg("peers.py");
                Contender::Server(Server::start(command, threads)?)
            }
            (Program::Python(_), None) => bail!("no Python environment"),
        })
    }

    pub(super) fn built(&self, name: &str) -> PathBuf {
        self.release.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }
}

impl Contender {
    /// Does the job once more.
    ///
    /// # Errors
    /// The program's own reason why it can't.
    pub(super) fn ask(&mut self, job: &Value, threads: usize) -> Result<Answer> {
        match self {
            Self::Server(server) => read(&server.ask(job)?),
            Self::Once(program, path) => {
                let mut command = Command::new(&*path);
                match program {
                    Program::Effmix => effmix_arguments(&mut command, job)?,
                    _ => {
                        command.arg(job.to_string());
                    }
                }
                if *program != Program::StockCandle {
                    // The program effmix sees to both itself: candle's own threads take the cores from rayon's, and the
                    // allocator gives memory back that the next step needs.
                    command.env("CANDLE_NUM_THREADS", "1").env("MIMALLOC_PURGE_DELAY", "-1");
                }
                once(&mut command, threads)
            }
        }
    }
}

/// A job in the words of `effmix bench`.
fn effmix_arguments(command: &mut Command, job: &Value) -> Result<()> {
    command.args(["bench", "--json"]);
    for (flag, key) in [
        ("--arch", "arch"),
        ("--size", "size"),
        ("--batch", "batch"),
        ("--mode", "work"),
        ("--threads", "threads"),
        ("--seconds", "seconds"),
    ] {
        let value = &job[key];
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        anyhow::ensure!(!value.is_null(), "`effmix bench` needs {key}");
        command.arg(flag).arg(text);
    }
    Ok(())
}

fn once(command: &mut Command, threads: usize) -> Result<Answer> {
    let output =
        with_threads(command, threads).stderr(Stdio::piped()).output().context("cannot be started")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{}: {}", output.status, said.lines().last().unwrap_or("it said nothing"));
    }
    read(&String::from_utf8_lossy(&output.stdout))
}

/// Every library that a peer computes with has its own variable for the number of its threads.
fn with_threads(command: &mut Command, threads: usize) -> &mut Command {
    for name in ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"] {
        command.env(name, threads.to_string());
    }
    command.env("PYTHONDONTWRITEBYTECODE", "1")
}

fn read(text: &str) -> Result<Answer> {
    let value: Value = serde_json::from_str(text).with_context(|| format!("no JSON came back: {text:?}"))?;
    if let Some(error) = value.get("error") {
        bail!("{}", error.as_str().unwrap_or_default());
    }
    Ok(serde_json::from_value(value)?)
}

/// A process that answers a line with a line.
pub(super) struct Server {
    child: Child,
    jobs: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Server {
    fn start(mut command: Command, threads: usize) -> Result<Self> {
        with_threads(&mut command, threads)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().context("cannot be started")?;
        let (jobs, answers) = (child.stdin.take(), child.stdout.take());
        let (jobs, answers) = jobs.zip(answers).context("its ends were asked for")?;
        Ok(Self { child, jobs, answers: BufReader::new(answers) })
    }

    fn ask(&mut self, job: &Value) -> Result<String> {
        let mut line = String::new();
        // A process that has ended takes no job: what it ended with says more.
        let asked = writeln!(self.jobs, "{job}").and_then(|()| self.jobs.flush());
        if asked.is_err() || self.answers.read_line(&mut line)? == 0 {
            bail!("it ended: {}", self.child.wait()?);
        }
        Ok(line)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It is idle, or can't be used any more; a failure means that it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The versions that the peers have, by name; none without Python.
pub(super) fn peer_versions(programs: &Programs) -> Result<Vec<(String, String)>> {
    let Some(python) = &programs.python else { return Ok(Vec::new()) };
    let text =
        crate::shell::Shell::new(&programs.root, python).words("-m pip list --format=freeze").reads()?;
    let pinned = std::fs::read_to_string(programs.root.join(super::REQUIREMENTS))?;
    Ok(versions_of(&text, &pinned))
}

/// Of `name==version` lines, those whose name `wanted` has as well.
fn versions_of(installed: &str, wanted: &str) -> Vec<(String, String)> {
    let pairs = |text: &str| -> Vec<(String, String)> {
        text.lines()
            .filter_map(|line| line.split_once("=="))
            .map(|(name, version)| (name.to_owned(), version.to_owned()))
            .collect()
    };
    let wanted = pairs(wanted);
    pairs(installed).into_iter().filter(|(name, _)| wanted.iter().any(|(w, _)| w == name)).collect()
}

/// The release folder of a build folder.
pub(super) fn release(target: &Path) -> PathBuf {
    target.join("release")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn effmix_and_the_others_answer_in_one_form() {
        let effmix =
            r#"{"arch": "efficientnet_b0", "threads": 2, "images_per_s": 20.5, "peak_rss_bytes": 7}"#;
        let other = r#"{"per_second": 20.5, "peak_rss_bytes": 7}"#;
        let expected =
            Answer { per_second: 20.5, peak_rss_bytes: Some(7), base_rss_bytes: None, found: None };
        assert_eq!(read(effmix).unwrap(), expected);
        assert_eq!(read(other).unwrap(), expected);
    }

    #[test]
    fn what_a_program_cannot_do_is_its_own_reason() {
        assert_eq!(read(r#"{"error": "no compiler"}"#).unwrap_err().to_string(), "no compiler");
        assert!(read("oops").unwrap_err().to_string().contains("oops"));
    }

    #[test]
    fn a_job_becomes_the_flags_of_effmix_bench() {
        let job =
            json!({"work": "train", "arch": "b0", "size": 32, "batch": 64, "threads": 2, "seconds": 1.5});
        let mut command = Command::new("effmix");
        effmix_arguments(&mut command, &job).unwrap();
        let arguments: Vec<&str> = command.get_args().filter_map(|a| a.to_str()).collect();
        let expected = "bench --json --arch b0 --size 32 --batch 64 --mode train --threads 2 --seconds 1.5";
        assert_eq!(arguments.join(" "), expected);
        assert!(effmix_arguments(&mut Command::new("effmix"), &json!({})).is_err());
    }

    #[test]
    fn only_the_pinned_packages_are_told() {
        let installed = "numpy==2.4.6\nsix==1.0\ntorch==2.15.0+cpu\n-e git+x";
        let versions = versions_of(installed, "# pinned\nnumpy==1.0\ntorch==2.15.0\n");
        let expected =
            [("numpy", "2.4.6"), ("torch", "2.15.0+cpu")].map(|(n, v)| (n.to_owned(), v.to_owned()));
        assert_eq!(versions, expected);
    }

    #[cfg(unix)]
    #[test]
    fn a_server_answers_line_by_line_and_its_end_is_an_error() {
        let mut command = Command::new("sh");
        command.args(["-c", "read job; echo '{\"per_second\": 2.0}'; read job; exit 3"]);
        let mut contender = Contender::Server(Server::start(command, 1).unwrap());
        assert_eq!(contender.ask(&json!({}), 1).unwrap().per_second, 2.0);
        let error = contender.ask(&json!({}), 1).unwrap_err().to_string();
        assert!(error.contains("it ended"), "{error}");
    }
}
