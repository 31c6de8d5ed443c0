//! `cargo xtask bench`: this project beside its peers, in one run.
//!
//! | file | holds |
//! |---|---|
//! | `works`, `along` | what is measured, who takes part, what a table's rows differ in |
//! | `contender` | the programs, each in a process of its own |
//! | `statistics` | median and spread, the order of a round |
//! | `results`, `markdown`, `numbers`, `machine` | what is written down |
//! | `accuracy`, `papers`, `learned`, `real` | how well methods do, not how fast; so in the papers' setting; what is learned first; their trainings |
//! | `compare` | two programs `effmix`, to see whether the newer is slower |
//! | `roofline`, `scaling` | how a step's layers are shown, and what grows with an amount |
//!
//! The decision: programs are measured in turn, round by round, because the speed of a machine changes within minutes by more
//! than what is to be told apart. What can't take part is named with its reason.

mod accuracy;
mod along;
mod compare;
mod contender;
mod learned;
mod machine;
mod markdown;
mod numbers;
mod papers;
mod real;
mod results;
mod roofline;
mod scaling;
mod statistics;
mod works;

use crate::python::environment;
use crate::shell::Shell;
use crate::workspace::Workspace;
use along::Along;
use anyhow::{Context, Result, anyhow, bail, ensure};
use contender::{Contender, Programs, peer_versions};
use machine::{Machine, today};
use results::{Results, Row, Table};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use works::{Entrant, Work, works};

/// The peers' packages, relative to the root.
const REQUIREMENTS: &str = "xtask/bench/requirements.txt";

/// Where results lie, relative to the root.
const RESULTS: &str = "docs/benchmarks";

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    other: Option<Other>,
    /// Measure only these works; `train` is all whose names begin with `train-`.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// Compare two programs `effmix` by their paths; fails where NEW is more than 3 % slower than OLD at a work.
    ///
    /// Both do each work in turn. A round gives the ratio of NEW's time to OLD's; NEW is slower where the lower end of the sign
    /// test's 90 % confidence interval of the median ratio is above 1.03. `--list` shows the works, `--only` chooses among them.
    #[arg(long, num_args = 2, value_names = ["OLD", "NEW"], conflicts_with_all = ["out", "name", "python"])]
    compare: Option<Vec<PathBuf>>,
    /// Figures of each program [default: 5; with --quick 3; with --compare 8; with both 6].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    rounds: Option<u16>,
    /// Seconds for each figure [default: 5; with --quick 1].
    #[arg(long, value_name = "S")]
    seconds: Option<f64>,
    /// Threads of every program [default: all cores]; works "with one thread" have one.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Fewer and shorter rounds, a smaller set, no compiled PyTorch: to see that it works.
    #[arg(long)]
    quick: bool,
    /// List the works and stop.
    #[arg(long)]
    list: bool,
    /// Folder of the results [default: docs/benchmarks].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The results' name; the figures join those that a file of this name holds [default: the date].
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// A Python that has the packages of xtask/bench/requirements.txt already.
    #[arg(long, value_name = "PROGRAM")]
    python: Option<PathBuf>,
}

/// What is measured, but speed.
#[derive(clap::Subcommand)]
enum Other {
    /// Train by every method on every noise, and write docs/benchmarks/accuracy.md; goes on where it was stopped.
    Accuracy(Box<accuracy::Options>),
    /// Train on asymmetric and on symmetric noise, and draw how the loss of right and wrong labels falls: learned-first.svg.
    LearnedFirst(learned::Options),
}

/// True where this project has a figure for every work.
pub(crate) fn run(options: &Options) -> Result<bool> {
    match &options.other {
        Some(Other::Accuracy(options)) => return accuracy::run(options),
        Some(Other::LearnedFirst(options)) => return learned::run(options),
        None => {}
    }
    if let Some(programs) = &options.compare {
        if options.list {
            compare::list();
            return Ok(true);
        }
        return compare::run(programs, &options.only, &How::new(options)?);
    }
    if options.list {
        for work in works() {
            println!("{:22} {}", work.name, work.what);
        }
        return Ok(true);
    }
    let chosen = chosen(&options.only)?;
    let how = How::new(options)?;
    let workspace = Workspace::read()?;
    let programs = programs(&workspace, options.python.clone())?;
    let data = workspace.target.join("bench-data");
    if chosen.iter().any(Work::needs_data) {
        let made = Shell::new(&workspace.root, programs.built("effmix-bench")).words("prepare").arg(&data);
        ensure!(made.succeeds()?, "the files to measure with could not be made");
    }
    let versions = versions(&workspace, &programs)?;
    let name = options.name.clone().unwrap_or_else(today);
    let out = options.out.clone().unwrap_or_else(|| workspace.root.join(RESULTS));
    std::fs::create_dir_all(&out).with_context(|| out.display().to_string())?;
    let machine = Machine::here();
    // Before an hour of measuring, not after it.
    if let Some(older) = Results::read(&out.join(format!("{name}.json")))? {
        older.may_join(&machine)?;
    }

    let mut good = true;
    for work in &chosen {
        let rows = measure(work, &programs, &how, &data);
        good &= rows.first().is_some_and(|ours| ours.failed.is_none());
        let table = Table {
            name: work.name.to_owned(),
            what: work.what.clone(),
            unit: work.unit.to_owned(),
            threads: work.threads_of(how.threads),
            trains: work.trains(),
            command: how.command(work.name),
            date: today(),
            versions: versions.clone(),
            along: work.along,
            rows,
        };
        println!("\n## {}\n\n{}", table.name, markdown::work(&table));
        // After each work: what is measured stays, also where a later one is interrupted.
        let all = write(&out, &name, Results { machine: machine.clone(), works: vec![table] })?;
        draw(&workspace, &programs, &out.join(scaling::picture(&name)), &all)?;
    }
    println!("Written: {}", out.join(format!("{name}.md")).display());
    Ok(good)
}

fn chosen(only: &[String]) -> Result<Vec<Work>> {
    let all = works();
    let is_work = |name: &str| all.iter().any(|work| work.name == name);
    let of_group = |work: &Work, group: &str| {
        !is_work(group) && work.name.strip_prefix(group).is_some_and(|rest| rest.starts_with('-'))
    };
    let selects = |name: &String, work: &Work| work.name == name || of_group(work, name);
    if let Some(unknown) = only.iter().find(|name| !all.iter().any(|work| selects(name, work))) {
        bail!("no work is called `{unknown}`; `cargo xtask bench --list` shows them");
    }
    let chosen = |work: &&Work| only.is_empty() || only.iter().any(|name| selects(name, work));
    Ok(all.iter().filter(chosen).cloned().collect())
}

/// How long, how often and with how many threads.
struct How {
    rounds: usize,
    seconds: f64,
    threads: usize,
    quick: bool,
}

impl How {
    fn new(options: &Options) -> Result<Self> {
        let (rounds, seconds) = match (options.quick, &options.compare) {
            (false, None) => (5, 5.0),
            (true, None) => (3, 1.0),
            // An even number: each program begins as often as the other.
            (false, Some(_)) => (8, 5.0),
            (true, Some(_)) => (6, 1.0),
        };
        let seconds = options.seconds.unwrap_or(seconds);
        ensure!((0.0..=600.0).contains(&seconds), "--seconds: a number from 0 to 600");
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            rounds: options.rounds.map_or(rounds, usize::from),
            seconds,
            threads: options.threads.map_or(cores, usize::from),
            quick: options.quick,
        })
    }

    /// What measures this work the same way.
    fn command(&self, work: &str) -> String {
        let quick = if self.quick { " --quick" } else { "" };
        let Self { rounds, seconds, threads, .. } = self;
        format!(
            "cargo xtask bench --only {work} --rounds {rounds} --seconds {seconds} --threads {threads}{quick}"
        )
    }
}

/// Builds this project's programs, and finds or makes the peers' Python.
fn programs(workspace: &Workspace, python: Option<PathBuf>) -> Result<Programs> {
    // In one build, so that what both stand on is compiled once.
    let built = Shell::new(&workspace.root, "cargo")
        .words("build --release --locked --package cli --package effmix-bench")
        .succeeds()?;
    ensure!(built, "this project's programs could not be built");
    let python = match python.map_or_else(|| environment(workspace, "bench-python", REQUIREMENTS), Ok) {
        Ok(python) => Some(python),
        Err(error) => {
            eprintln!(
                "\n{error:#}.\nThe peers in Python are left out. They need python3 with its venv module and pip with a package \
                 index to install {REQUIREMENTS} from; or --python PROGRAM, a Python that has those packages."
            );
            None
        }
    };
    Ok(Programs { root: workspace.root.clone(), release: contender::release(&workspace.target), python })
}

fn versions(workspace: &Workspace, programs: &Programs) -> Result<BTreeMap<String, String>> {
    let reads = |program: &str, words: &str| {
        Shell::new(&workspace.root, program).words(words).reads().map(|text| text.trim().to_owned())
    };
    // Without git (a source archive) there is no commit. Changes in results and documents change no figure.
    let commit = match reads("git", "rev-parse --short=10 HEAD") {
        Err(_) => "unknown".to_owned(),
        Ok(commit)
            if reads("git", "status --porcelain -- crates xtask Cargo.toml Cargo.lock")?.is_empty() =>
        {
            commit
        }
        Ok(commit) => format!("{commit} and changes"),
    };
    let own =
        [("effmix".to_owned(), commit), ("rustc".to_owned(), rust_version(&reads("rustc", "--version")?))];
    Ok(own.into_iter().chain(peer_versions(programs)?).collect())
}

/// `rustc 1.95.0 (hash date)` without its own name and the hash.
fn rust_version(text: &str) -> String {
    text.split_whitespace().nth(1).unwrap_or(text).to_owned()
}

/// All rounds of a work. A program that fails is not asked again.
fn measure(work: &Work, programs: &Programs, how: &How, data: &Path) -> Vec<Row> {
    let entrants = work.entrants(how.threads, how.quick);
    let mut contenders: Vec<(Row, Option<Contender>)> = Vec::new();
    let mut found = vec![Vec::new(); entrants.len()];
    for &Entrant { program, threads, amount } in &entrants {
        let mut row = Row { amount, ..Row::new(&scaling::row_name(work.along, amount, program.name())) };
        let contender = if how.quick && program.compiles() {
            Err(anyhow!("left out by --quick, because compiling takes a minute"))
        } else {
            programs.contender(program, threads)
        };
        let contender = contender.map_err(|error| row.failed = Some(reason(&error))).ok();
        contenders.push((row, contender));
    }
    for round in 0..how.rounds {
        for place in statistics::order(contenders.len(), round) {
            let (row, contender) = &mut contenders[place];
            let Some(there) = contender else { continue };
            let job = work.job(entrants[place], how.seconds, how.quick, data);
            match there.ask(&job, entrants[place].threads) {
                Ok(answer) => {
                    eprintln!(
                        "{}, round {}: {}: {:.2} {}",
                        work.name,
                        round + 1,
                        row.name,
                        answer.per_second,
                        work.unit
                    );
                    row.per_second.push(answer.per_second);
                    row.peak_rss_bytes = row.peak_rss_bytes.max(answer.peak_rss_bytes);
                    row.base_rss_bytes = row.base_rss_bytes.or(answer.base_rss_bytes);
                    found[place].extend(answer.found);
                }
                Err(error) => {
                    eprintln!("{}, round {}: {} failed: {error:#}", work.name, round + 1, row.name);
                    row.failed = Some(reason(&error));
                    *contender = None;
                }
            }
        }
    }
    let rows = contenders.into_iter().zip(found).map(|((mut row, _), mut found)| {
        match work.along {
            Along::Programs | Along::Threads | Along::Images | Along::Steps => row.found = found.pop(),
            Along::Layers => match roofline::median(found) {
                Ok(median) => row.found = Some(median),
                Err(error) => row.failed = row.failed.or(Some(reason(&error))),
            },
        }
        row
    });
    rows.collect()
}

/// An error in one line, without the folders of this machine.
fn reason(error: &anyhow::Error) -> String {
    let text = format!("{error:#}");
    let words = text.split_whitespace().map(|word| match word.rfind('/') {
        Some(last) if word.contains("/") && word.trim_start_matches(['\'', '"', '(']).starts_with('/') => {
            &word[last + 1..]
        }
        _ => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Adds to the results that are there, and gives all of them.
fn write(out: &Path, name: &str, newer: Results) -> Result<Results> {
    let file = out.join(format!("{name}.json"));
    let works = works();
    let names: Vec<&str> = works.iter().map(|work| work.name).collect();
    let joined = match Results::read(&file)? {
        Some(older) => older.join(newer, &names)?,
        None => newer,
    };
    let put =
        |file: &Path, text: &str| std::fs::write(file, text).with_context(|| file.display().to_string());
    put(&file, &(serde_json::to_string_pretty(&joined)? + "\n"))?;
    put(&out.join(format!("{name}.md")), &markdown::page(name, &joined))?;
    Ok(joined)
}

/// The picture of what grows with an amount, where there are such results.
fn draw(workspace: &Workspace, programs: &Programs, file: &Path, results: &Results) -> Result<()> {
    let Some(panels) = scaling::panels(&results.works) else { return Ok(()) };
    let program = Shell::new(&workspace.root, programs.built("effmix-bench"));
    program.words("draw").arg(file).arg(panels.to_string()).reads()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn works_are_chosen_by_name_in_the_order_of_the_table() {
        let names = |only: &[&str]| -> Result<Vec<&str>> {
            let only: Vec<String> = only.iter().map(|&name| name.to_owned()).collect();
            Ok(chosen(&only)?.iter().map(|work| work.name).collect())
        };
        assert_eq!(names(&["mixture", "train-32"]).unwrap(), ["train-32", "mixture"]);
        assert_eq!(names(&[]).unwrap().len(), works().len());
        assert!(names(&["tra"]).unwrap_err().to_string().contains("`tra`"));
    }

    #[test]
    fn a_group_is_all_works_that_begin_so_but_a_work_is_itself() {
        let names = |only: &str| -> Vec<&str> {
            chosen(&[only.to_owned()]).unwrap().iter().map(|work| work.name).collect()
        };
        assert_eq!(names("train"), ["train-32", "train-224"]);
        assert_eq!(names("mixture"), ["mixture"]);
        assert!(names("roofline").len() > 1);
    }

    #[test]
    fn a_reason_is_one_line_and_tells_no_folder() {
        let error = anyhow::anyhow!("cannot open\n'/opt/some/where/file.so': no such file, see a/b");
        assert_eq!(reason(&error), "cannot open file.so': no such file, see a/b");
    }

    #[test]
    fn without_python_and_programs_every_row_says_why() {
        let programs = Programs { root: PathBuf::new(), release: PathBuf::from("nowhere"), python: None };
        let how = How { rounds: 2, seconds: 0.0, threads: 1, quick: true };
        let rows = measure(&works()[0], &programs, &how, Path::new(""));
        assert_eq!(rows.len(), works()[0].programs.len());
        assert!(rows.iter().all(|row| row.failed.is_some() && row.per_second.is_empty()), "{rows:?}");
    }

    #[test]
    fn the_peers_are_pinned() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(REQUIREMENTS);
        let text = std::fs::read_to_string(file).unwrap();
        assert!(text.lines().all(|line| line.starts_with('#') || line.contains("==")), "{text}");
    }

    #[test]
    fn written_results_are_read_and_joined() {
        let folder = std::env::temp_dir().join(format!("effmix-xtask-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for name in ["train-224", "train-32"] {
            let works = vec![results::tests::table(name, &[("effmix", &[1.0])])];
            write(&folder, "x", Results { machine: results::tests::machine(), works }).unwrap();
        }
        let read = Results::read(&folder.join("x.json")).unwrap().unwrap();
        let page = std::fs::read_to_string(folder.join("x.md")).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(read.works.iter().map(|w| w.name.as_str()).collect::<Vec<_>>(), ["train-32", "train-224"]);
        assert!(page.contains("## train-32\n") && page.contains("## train-224\n"));
    }
}
