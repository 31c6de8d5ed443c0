//! `cargo xtask ci`: every check of the project, one after the other, and a table at the end.
//!
//! A failed check does not stop the later ones: one run shows all there is to mend. The checks are the rows of one table.

mod alone;
mod asan;
mod cuda;
mod delayed;
mod dependencies;
mod emulated;
mod github;
mod kernels;
mod matrix;
mod oldest;
mod packaging;
mod report;
mod steps;
mod table;
mod targets;
mod testing;

pub(crate) use matrix::{Options as MatrixOptions, run as print_matrix};

use crate::workspace::Workspace;
use anyhow::{Context as _, Result, ensure};
use report::Report;
use table::{Command, ROWS, Row};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Run only these rows of the table, whichever command they belong to.
    #[arg(long, value_name = "ROW", value_delimiter = ',')]
    only: Vec<String>,
    /// Start with this row.
    #[arg(long, value_name = "ROW", conflicts_with = "only")]
    from: Option<String>,
    /// Run the long rows too.
    #[arg(long)]
    deep: bool,
    /// Run the rows for feature `cuda` instead, in a build folder of their own. This downloads NVIDIA's compiler and libraries
    /// on the first run, unless CUDA_HOME names a toolkit.
    #[arg(long, conflicts_with = "deep")]
    cuda: bool,
    /// List the rows with the command that runs each, and stop.
    #[arg(long)]
    list: bool,
}

/// What a row works with.
pub(crate) struct Context {
    workspace: Workspace,
    /// Whether `CI` is `true`: then a missing tool is a failure and not a skip.
    strict: bool,
    /// Variables of the row's commands, by name.
    environment: Vec<(String, String)>,
    report: Report,
}

impl Context {
    /// Why a test that skips for want of data is a failure, where it is one.
    fn data(&self) -> Option<&'static str> {
        std::env::var_os("EFFMIX_DATA").map(|_| "EFFMIX_DATA is set")
    }
}

/// True where no row failed.
pub(crate) fn run(options: &Options) -> Result<bool> {
    if options.list {
        for Row { name, command, checks, .. } in ROWS {
            println!("{name:14} {:10} {checks}", command.typed());
        }
        return Ok(true);
    }
    let chosen = chosen(options)?;
    let mut context = Context {
        workspace: Workspace::read()?,
        strict: std::env::var("CI").is_ok_and(|v| v == "true"),
        environment: Vec::new(),
        report: Report::default(),
    };
    for Row { name, run, .. } in chosen {
        context.report.start(name);
        context.environment.clear();
        if let Err(error) = run(&mut context) {
            context.report.failed("", &format!("{error:#}"));
        }
    }
    print!("{}", context.report);
    Ok(context.report.is_good())
}

fn chosen(options: &Options) -> Result<Vec<Row>> {
    let row = |name: &String| {
        let found = ROWS.iter().find(|row| row.name == name);
        found.with_context(|| format!("no row is called `{name}`; `cargo xtask ci --list` shows them"))
    };
    let runs = |row: &Row| match row.command {
        Command::Ci => !options.cuda,
        Command::Deep => options.deep,
        Command::Cuda => options.cuda,
    };
    if let Some(first) = &options.from {
        let first = row(first)?;
        ensure!(runs(first), "the row `{}` runs with `cargo xtask {}`", first.name, first.command.typed());
    }
    for name in &options.only {
        row(name)?;
    }
    let is_first = |row: &Row| options.from.as_ref().is_none_or(|first| first == row.name);
    let wanted = |row: &Row| match options.only.as_slice() {
        [] => runs(row),
        names => names.iter().any(|name| name == row.name),
    };
    Ok(ROWS.into_iter().skip_while(|row| !is_first(row)).filter(wanted).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Options = Options { only: Vec::new(), from: None, deep: false, cuda: false, list: false };

    fn names(options: &Options) -> Result<Vec<&'static str>> {
        Ok(chosen(options)?.into_iter().map(|row| row.name).collect())
    }

    fn only(rows: &[&str]) -> Options {
        Options { only: rows.iter().map(|&name| name.to_owned()).collect(), ..PLAIN }
    }

    fn from(first: &str) -> Options {
        Options { from: Some(first.to_owned()), ..PLAIN }
    }

    #[test]
    fn the_long_rows_run_with_deep_alone_and_after_the_others() {
        let (short, all) = (names(&PLAIN).unwrap(), names(&Options { deep: true, ..PLAIN }).unwrap());
        assert_eq!(all[..short.len()], short);
        assert!(short.contains(&"tests") && !short.contains(&"asan") && all.contains(&"asan"));
    }

    #[test]
    fn every_row_is_run_by_one_of_the_commands() {
        let all = names(&Options { deep: true, ..PLAIN }).unwrap();
        let cuda = names(&Options { cuda: true, ..PLAIN }).unwrap();
        assert_eq!([all, cuda].concat(), ROWS.map(|row| row.name));
    }

    #[test]
    fn only_keeps_the_order_of_the_table_and_takes_rows_of_any_command() {
        assert_eq!(names(&only(&["deny", "tidy"])).unwrap(), ["tidy", "deny"]);
        assert_eq!(names(&only(&["cuda-docs", "asan"])).unwrap(), ["asan", "cuda-docs"]);
    }

    #[test]
    fn from_runs_the_row_and_all_after_it() {
        assert_eq!(names(&from("package")).unwrap(), ["package", "deny"]);
        let deep = Options { deep: true, ..from("asan") };
        assert_eq!(names(&deep).unwrap(), ["asan", "aarch64-tests"]);
    }

    #[test]
    fn from_a_row_of_another_command_names_that_command() {
        let error = names(&from("cuda-docs")).unwrap_err().to_string();
        assert_eq!(error, "the row `cuda-docs` runs with `cargo xtask ci --cuda`");
    }

    #[test]
    fn an_unknown_row_is_named_in_the_error() {
        assert!(names(&only(&["fmt"])).unwrap_err().to_string().contains("`fmt`"));
    }
}
