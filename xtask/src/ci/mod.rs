//! `cargo xtask ci`: every check of the project, one after the other, and a table at the end.
//!
//! A failed step does not stop the later ones: one run shows all there is to mend. Steps that are long by nature run with
//! `--deep` only, which the last commit of each piece of work has passed; the others are for every commit.

mod alone;
mod asan;
mod dependencies;
mod kernels;
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
    /// Run the long steps too.
    #[arg(long)]
    deep: bool,
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

#[derive(Clone, Copy)]
struct Step {
    name: &'static str,
    what: &'static str,
    /// When it runs.
    depth: Depth,
    run: fn(&mut Context) -> Result<()>,
}

#[derive(Clone, Copy, PartialEq)]
enum Depth {
    Always,
    /// With `--deep`, and where `--only` names it.
    Deep,
}

/// Cheap steps first: what is wrong shows early.
const STEPS: [Step; 14] = {
    use Depth::{Always, Deep};
    const fn step(
        name: &'static str,
        what: &'static str,
        depth: Depth,
        run: fn(&mut Context) -> Result<()>,
    ) -> Step {
        Step { name, what, depth, run }
    }
    [
        step("format", "rustfmt changes nothing", Always, steps::format),
        step("tidy", "file and doc rules of the house", Always, steps::tidy),
        step("dependencies", "what a crate must not bring to its users", Always, dependencies::run),
        step("clippy", "lints on all targets, warnings are errors", Always, steps::clippy),
        step("tests", "unit and integration tests of every crate", Always, steps::tests),
        step("doctests", "the code in READMEs and docs", Always, steps::doctests),
        step("docs", "rustdoc, warnings are errors", Always, steps::docs),
        step("alone", "each crate compiles alone, with and without features", Always, alone::compiles),
        step("kernels", "the tests on kernels, on each slower kernel level", Always, kernels::each_level),
        step("package", "what would be published compiles", Always, packaging::package),
        step("deny", "licences, bans, sources", Always, packaging::deny),
        step("matrix", "every kernel level with one and two threads", Deep, kernels::matrix),
        step("features", "the tests of crates without their default features", Deep, alone::tests),
        step("asan", "AddressSanitizer over the tests of the kernels", Deep, asan::run),
    ]
};

/// True where no step failed.
pub(crate) fn run(options: &Options) -> Result<bool> {
    if options.list {
        for Step { name, what, depth, .. } in STEPS {
            let when = if depth == Depth::Deep { " (deep)" } else { "" };
            println!("{name:12} {what}{when}");
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
    for Step { name, run, .. } in chosen {
        context.report.start(name);
        if let Err(error) = run(&mut context) {
            context.report.failed("", &format!("{error:#}"));
        }
    }
    print!("{}", context.report);
    Ok(context.report.is_good())
}

fn chosen(options: &Options) -> Result<Vec<Step>> {
    for name in options.only.iter().chain(&options.from) {
        if !STEPS.iter().any(|step| step.name == name) {
            bail!("no step is called `{name}`; `cargo xtask ci --list` shows them");
        }
    }
    let is_named = |step: &Step| options.only.iter().any(|name| name == step.name);
    let is_first = |step: &Step| options.from.as_ref().is_none_or(|first| first == step.name);
    let wanted = |step: &Step| match options.only.as_slice() {
        [] => step.depth == Depth::Always || options.deep,
        _ => is_named(step),
    };
    Ok(STEPS.into_iter().skip_while(|step| !is_first(step)).filter(wanted).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(only: &[&str], from: Option<&str>, deep: bool) -> Result<Vec<&'static str>> {
        let only = only.iter().map(|&name| name.to_owned()).collect();
        let options = Options { only, from: from.map(str::to_owned), deep, list: false };
        Ok(chosen(&options)?.into_iter().map(|step| step.name).collect())
    }

    #[test]
    fn the_long_steps_run_with_deep_alone_and_after_the_others() {
        let (short, all) = (names(&[], None, false).unwrap(), names(&[], None, true).unwrap());
        assert_eq!(all.len(), STEPS.len());
        assert_eq!(all[..short.len()], short);
        assert!(short.contains(&"tests") && !short.contains(&"asan"));
    }

    #[test]
    fn only_keeps_the_order_of_the_table_and_takes_long_steps_too() {
        assert_eq!(names(&["deny", "tidy"], None, false).unwrap(), ["tidy", "deny"]);
        assert_eq!(names(&["asan"], None, false).unwrap(), ["asan"]);
    }

    #[test]
    fn from_runs_the_step_and_all_after_it() {
        assert_eq!(names(&[], Some("package"), false).unwrap(), ["package", "deny"]);
        assert_eq!(names(&[], Some("features"), true).unwrap(), ["features", "asan"]);
    }

    #[test]
    fn an_unknown_step_is_named_in_the_error() {
        assert!(names(&["fmt"], None, false).unwrap_err().to_string().contains("`fmt`"));
    }
}
