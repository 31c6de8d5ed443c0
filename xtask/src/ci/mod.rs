//! `cargo xtask ci`: every check of the project, one after the other, and a table at the end.
//!
//! A failed step does not stop the later ones: one run shows all there is to mend.

mod alone;
mod asan;
mod dependencies;
mod matrix;
mod packaging;
mod report;
mod steps;
mod testing;

use crate::workspace::Workspace;
use anyhow::{Result, bail};
use report::Report;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Run only these steps.
    #[arg(long, value_name = "STEP", value_delimiter = ',')]
    only: Vec<String>,
    /// Start with this step.
    #[arg(long, value_name = "STEP", conflicts_with = "only")]
    from: Option<String>,
    /// List the steps and stop.
    #[arg(long)]
    list: bool,
}

/// What a step works with.
pub(crate) struct Context {
    workspace: Workspace,
    /// Whether `CI` is `true`: then a missing tool is a failure and not a skip.
    strict: bool,
    /// Whether `EFFMIX_DATA` is set: then a test that skips for want of data is a failure.
    data: bool,
    report: Report,
}

type Step = fn(&mut Context) -> Result<()>;

/// Cheap steps first: what is wrong shows early.
const STEPS: [(&str, &str, Step); 11] = [
    ("format", "rustfmt changes nothing", steps::format),
    ("tidy", "file and doc rules of the house", steps::tidy),
    ("dependencies", "what a crate must not bring to its users", dependencies::run),
    ("clippy", "lints on all targets, warnings are errors", steps::clippy),
    ("tests", "unit and integration tests of every crate", steps::tests),
    ("doctests", "the code in READMEs and docs", steps::doctests),
    ("docs", "rustdoc, warnings are errors", steps::docs),
    ("matrix", "each crate alone, features, threads, kernel levels", matrix::run),
    ("asan", "AddressSanitizer over the tests of the kernels", asan::run),
    ("package", "what would be published builds by itself", packaging::package),
    ("deny", "licences, bans, sources", packaging::deny),
];

/// True where no step failed.
pub(crate) fn run(options: &Options) -> Result<bool> {
    if options.list {
        for (name, what, _) in STEPS {
            println!("{name:12} {what}");
        }
        return Ok(true);
    }
    let chosen = chosen(options)?;
    let mut context = Context {
        workspace: Workspace::read()?,
        strict: std::env::var("CI").is_ok_and(|v| v == "true"),
        data: std::env::var_os("EFFMIX_DATA").is_some(),
        report: Report::default(),
    };
    for (name, _, step) in chosen {
        context.report.start(name);
        if let Err(error) = step(&mut context) {
            context.report.failed("", &format!("{error:#}"));
        }
    }
    print!("{}", context.report);
    Ok(context.report.is_good())
}

fn chosen(options: &Options) -> Result<Vec<(&'static str, &'static str, Step)>> {
    for name in options.only.iter().chain(&options.from) {
        if !STEPS.iter().any(|(step, ..)| step == name) {
            bail!("no step is called `{name}`; `cargo xtask ci --list` shows them");
        }
    }
    let mut steps = STEPS.to_vec();
    if let Some(first) = &options.from {
        steps = steps.into_iter().skip_while(|(step, ..)| step != first).collect();
    }
    if !options.only.is_empty() {
        steps.retain(|(step, ..)| options.only.iter().any(|name| name == step));
    }
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(only: &[&str], from: Option<&str>) -> Result<Vec<&'static str>> {
        let only = only.iter().map(|&name| name.to_owned()).collect();
        let options = Options { only, from: from.map(str::to_owned), list: false };
        Ok(chosen(&options)?.into_iter().map(|(name, ..)| name).collect())
    }

    #[test]
    fn without_options_every_step_runs() {
        assert_eq!(names(&[], None).unwrap().len(), STEPS.len());
    }

    #[test]
    fn only_keeps_the_order_of_the_table() {
        assert_eq!(names(&["deny", "tidy"], None).unwrap(), ["tidy", "deny"]);
    }

    #[test]
    fn from_runs_the_step_and_all_after_it() {
        assert_eq!(names(&[], Some("package")).unwrap(), ["package", "deny"]);
    }

    #[test]
    fn an_unknown_step_is_named_in_the_error() {
        assert!(names(&["fmt"], None).unwrap_err().to_string().contains("`fmt`"));
    }
}
