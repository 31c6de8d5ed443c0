//! Running tests and counting them: by nextest where it is installed, else by cargo.

use super::Context;
use super::report::TestCount;
use anyhow::{Context as _, Result};
use std::path::Path;

/// What a test prints at the start of a line when it has nothing to test on.
const SKIPPED: &str = "skipped: ";

/// What such a line names where data is wanted.
const DATA: &str = "EFFMIX_DATA";

/// Where nextest puts the file: below the root, also when the build folder is elsewhere.
const JUNIT: &str = "target/nextest/ci/junit.xml";

/// Which tests to build and run.
pub(super) struct Selection {
    /// Arguments that choose what is built.
    build: String,
    /// Of what is built, the crates whose tests run; empty for all.
    crates: Vec<String>,
    names: Names,
}

/// Which tests run by their names.
pub(super) enum Names {
    All,
    With(&'static str),
    Without(&'static str),
}

impl Selection {
    pub(super) fn everything() -> Self {
        Self::of(Vec::new())
    }

    /// The tests of some crates, built with the whole workspace: the same programs as all others, so nothing is
    /// built again.
    pub(super) fn of(crates: Vec<String>) -> Self {
        Self { build: "--workspace".to_owned(), crates, names: Names::All }
    }

    /// The tests of one crate built by itself with these features.
    pub(super) fn alone(name: &str, features: &str) -> Self {
        Self::built_by(format!("--package {name} {features}"), Names::All)
    }

    /// Tests by their names, of what these arguments build.
    pub(super) fn built_by(build: String, names: Names) -> Self {
        Self { build, crates: Vec::new(), names }
    }
}

/// Runs tests with some variables set, and adds a row to the report.
pub(super) fn run(
    c: &mut Context,
    part: &str,
    which: &Selection,
    environment: &[(&str, &str)],
) -> Result<()> {
    let (good, count) = count(c, which, environment)?;
    c.report.tested(part, good, count, c.data());
    Ok(())
}

/// With this value, tests for a GPU compute on the CPU by a GPU's operations.
const ON_THE_CPU: (&str, &str) = ("EFFMIX_TEST_DEVICE", "cpu");

/// Runs tests with some variables set; whether all is well, and how many ended how. Tests for a GPU run on the CPU, unless they are
/// what was selected.
pub(super) fn count(
    c: &Context,
    which: &Selection,
    environment: &[(&str, &str)],
) -> Result<(bool, TestCount)> {
    let on_a_gpu = matches!(which.names, Names::With(_));
    let environment = [environment, if on_a_gpu { &[] } else { &[ON_THE_CPU] }].concat();
    let environment = environment.as_slice();
    if c.cargo("nextest --version").reads().is_ok() {
        nextest(c, which, environment)
    } else {
        cargo_test(c, which, environment)
    }
}

/// The profile `ci` of xtask/nextest.toml writes a JUnit file that keeps what passing tests printed.
fn nextest(c: &Context, which: &Selection, environment: &[(&str, &str)]) -> Result<(bool, TestCount)> {
    let junit = c.workspace.root.join(JUNIT);
    if junit.exists() {
        std::fs::remove_file(&junit).with_context(|| junit.display().to_string())?;
    }
    let mut shell = c
        .cargo("nextest run --config-file xtask/nextest.toml --profile ci --no-fail-fast --no-tests pass")
        .arg("--filterset")
        .arg(filter(which))
        .words(&which.build);
    for (name, value) in environment {
        shell = shell.env(name, value);
    }
    let good = shell.succeeds()?;
    Ok((good, if junit.exists() { count_junit_file(&junit)? } else { TestCount::default() }))
}

/// The tidy rules run in a row of their own.
fn filter(which: &Selection) -> String {
    let crates = match which.crates.as_slice() {
        [] => "not binary(tidy)".to_owned(),
        names => names.iter().map(|name| format!("package({name})")).collect::<Vec<_>>().join("+"),
    };
    match which.names {
        Names::All => crates,
        Names::With(part) => format!("({crates}) and test({part})"),
        Names::Without(part) => format!("({crates}) and not test({part})"),
    }
}

fn cargo_test(c: &Context, which: &Selection, environment: &[(&str, &str)]) -> Result<(bool, TestCount)> {
    // One package at a time is the only filter that cargo's own runner has.
    let builds: Vec<String> = match which.crates.as_slice() {
        [] => vec![which.build.clone()],
        names => names.iter().map(|name| format!("--package {name}")).collect(),
    };
    let names = match which.names {
        Names::All => String::new(),
        Names::With(part) => part.to_owned(),
        Names::Without(part) => format!("--skip {part}"),
    };
    let mut all = (true, TestCount::default());
    for build in builds {
        let mut shell =
            c.cargo(&format!("test --no-fail-fast --all-targets {build} -- --show-output {names}"));
        for (name, value) in environment {
            shell = shell.env(name, value);
        }
        let (good, output) = shell.succeeds_with_output()?;
        let count = count_cargo_test(&output);
        all.0 &= good;
        all.1.passed += count.passed;
        all.1.failed += count.failed;
        all.1.skipped += count.skipped;
        all.1.without_data += count.without_data;
    }
    Ok(all)
}

fn count_junit_file(path: &Path) -> Result<TestCount> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    count_junit(&text).with_context(|| format!("{}: no <testsuites> element with counts", path.display()))
}

/// Reads `<testsuites tests="N" failures="N" errors="N">` and the lines that tests printed.
fn count_junit(text: &str) -> Option<TestCount> {
    let element = text.split("<testsuites").nth(1)?.split('>').next()?;
    let number = |name: &str| -> Option<usize> {
        element.split(&format!(" {name}=\"")).nth(1)?.split('"').next()?.parse().ok()
    };
    let failed = number("failures")? + number("errors")?;
    let (skipped, without_data) = count_skips(text);
    Some(TestCount { passed: number("tests")?.checked_sub(failed)?, failed, skipped, without_data })
}

/// Reads cargo's `test result: ok. 3 passed; 0 failed; ...`, one a test program.
pub(super) fn count_cargo_test(output: &str) -> TestCount {
    let (skipped, without_data) = count_skips(output);
    let mut count = TestCount { skipped, without_data, ..TestCount::default() };
    for line in output.lines().filter(|line| line.starts_with("test result: ")) {
        let before = |word: &str| -> usize {
            let words: Vec<&str> = line.split_whitespace().collect();
            words.windows(2).find(|pair| pair[1] == word).and_then(|pair| pair[0].parse().ok()).unwrap_or(0)
        };
        count.passed += before("passed;");
        count.failed += before("failed;");
    }
    count
}

/// A line can begin with libtest's own `test NAME ... `, which has no line end while the test runs, or with the tag of
/// a JUnit element. Gives the number of lines, and of those of them that want data.
fn count_skips(text: &str) -> (usize, usize) {
    let is_skip = |line: &str| {
        let line = line.trim_start();
        line.starts_with(SKIPPED)
            || line
                .split_once(" ... ")
                .is_some_and(|(test, said)| test.starts_with("test ") && said.starts_with(SKIPPED))
            || line.split_once("<system-out>").is_some_and(|(_, said)| said.starts_with(SKIPPED))
            || line.split_once("<system-err>").is_some_and(|(_, said)| said.starts_with(SKIPPED))
    };
    let skips = || text.lines().filter(|line| is_skip(line));
    (skips().count(), skips().filter(|line| line.contains(DATA)).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As nextest 0.9.143 writes it.
    const WRITTEN: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="ci" tests="4" failures="1" errors="0" uuid="x" time="0.02">
    <testsuite name="a" tests="4" disabled="0" errors="0" failures="1">
        <testcase name="reads" classname="a" time="0.01">
            <system-out>
running 1 test
test reads ... ok

test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
</system-out>
            <system-err>skipped: reads: no real data (set EFFMIX_DATA)
</system-err>
        </testcase>
        <testcase name="writes" classname="a" time="0.01">
            <system-out>
running 1 test
test writes ... skipped: writes: no real data (set EFFMIX_DATA)
ok
</system-out>
        </testcase>
    </testsuite>
</testsuites>"#;

    #[test]
    fn junit_counts_are_read_with_the_tests_that_skipped() {
        assert_eq!(
            count_junit(WRITTEN),
            Some(TestCount { passed: 3, failed: 1, skipped: 2, without_data: 2 })
        );
        assert_eq!(count_junit("<html>"), None);
    }

    #[test]
    fn results_of_several_test_programs_add_up() {
        let output = "running 2 tests\nskipped: a: no real data (set EFFMIX_DATA)\n\
            test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
            a test that talks of skipped: things\n\
            test result: FAILED. 1 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
        assert_eq!(count_cargo_test(output), TestCount { passed: 3, failed: 3, skipped: 1, without_data: 1 });
    }

    #[test]
    fn the_filter_keeps_the_tidy_rules_out_of_a_full_run() {
        assert_eq!(filter(&Selection::everything()), "not binary(tidy)");
        let two = Selection::of(vec!["a".to_owned(), "b".to_owned()]);
        assert_eq!(filter(&two), "package(a)+package(b)");
    }

    #[test]
    fn the_filter_chooses_by_name_among_the_crates() {
        let with = Selection::built_by(String::new(), Names::With("on_a_gpu"));
        assert_eq!(filter(&with), "(not binary(tidy)) and test(on_a_gpu)");
        let without = Selection::built_by(String::new(), Names::Without("on_a_gpu"));
        assert_eq!(filter(&without), "(not binary(tidy)) and not test(on_a_gpu)");
    }
}
