//! What the steps found, and the table at the end.

use std::fmt;
use std::time::Instant;

/// How a part of a step ended.
#[derive(Debug, PartialEq)]
enum Outcome {
    Passed,
    Failed(String),
    Skipped(String),
}

struct Row {
    step: &'static str,
    part: String,
    outcome: Outcome,
    seconds: f64,
}

/// How many tests ended how; a test counts once for each run of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct TestCount {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    /// Those that said so themselves, for want of data.
    pub(crate) skipped: usize,
}

/// One row a part of a step, in the order they ran.
#[derive(Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
    tests: TestCount,
    step: &'static str,
    since: Option<Instant>,
}

impl Report {
    /// From here on rows belong to `step`, and its clock runs.
    pub(crate) fn start(&mut self, step: &'static str) {
        self.step = step;
        self.since = Some(Instant::now());
    }

    pub(crate) fn passed(&mut self, part: &str) {
        self.add(part, Outcome::Passed);
    }

    pub(crate) fn failed(&mut self, part: &str, why: &str) {
        self.add(part, Outcome::Failed(why.to_owned()));
    }

    pub(crate) fn skipped(&mut self, part: &str, why: &str) {
        self.add(part, Outcome::Skipped(why.to_owned()));
    }

    /// A row that passed or failed with a command that has said why.
    pub(crate) fn ended(&mut self, part: &str, good: bool) {
        if good { self.passed(part) } else { self.failed(part, "see above") }
    }

    /// A row of tests. One that skips for want of data is a failure where the data should be there.
    pub(crate) fn tested(&mut self, part: &str, good: bool, count: TestCount, data_expected: bool) {
        self.tests.passed += count.passed - count.skipped;
        self.tests.failed += count.failed;
        self.tests.skipped += count.skipped;
        let separator = if part.is_empty() { "" } else { ", " };
        let part = format!("{part}{separator}{} tests", count.passed + count.failed);
        if !good || count.failed > 0 {
            self.failed(&part, "see above");
        } else if data_expected && count.skipped > 0 {
            self.failed(&part, &format!("{} skipped though EFFMIX_DATA is set", count.skipped));
        } else {
            self.passed(&part);
        }
    }

    pub(crate) fn is_good(&self) -> bool {
        !self.rows.iter().any(|row| matches!(row.outcome, Outcome::Failed(_)))
    }

    /// Each part's time is that since the part before it.
    fn add(&mut self, part: &str, outcome: Outcome) {
        let seconds = self.since.replace(Instant::now()).map_or(0.0, |t| t.elapsed().as_secs_f64());
        self.rows.push(Row { step: self.step, part: part.to_owned(), outcome, seconds });
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = |row: &Row| match row.part.as_str() {
            "" => row.step.to_owned(),
            part => format!("{}: {part}", row.step),
        };
        let width = self.rows.iter().map(|row| title(row).chars().count()).max().unwrap_or(0).max(4);
        writeln!(f, "\n{:width$}  {:7}  {:>7}", "step", "result", "seconds")?;
        for row in &self.rows {
            let (result, why) = match &row.outcome {
                Outcome::Passed => ("ok", ""),
                Outcome::Failed(why) => ("FAILED", why.as_str()),
                Outcome::Skipped(why) => ("skipped", why.as_str()),
            };
            let line = format!("{:width$}  {result:7}  {:7.1}  {why}", title(row), row.seconds);
            writeln!(f, "{}", line.trim_end())?;
        }
        let count = |wanted: fn(&Outcome) -> bool| self.rows.iter().filter(|r| wanted(&r.outcome)).count();
        let failed = count(|o| matches!(o, Outcome::Failed(_)));
        let skipped = count(|o| matches!(o, Outcome::Skipped(_)));
        let seconds: f64 = self.rows.iter().map(|row| row.seconds).sum();
        writeln!(f, "\n{} rows, {failed} failed, {skipped} skipped, {seconds:.0} seconds", self.rows.len())?;
        let TestCount { passed, failed, skipped } = self.tests;
        writeln!(f, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(passed: usize, failed: usize, skipped: usize) -> TestCount {
        TestCount { passed, failed, skipped }
    }

    #[test]
    fn a_test_without_its_data_fails_only_where_the_data_should_be_there() {
        for (data_expected, good) in [(false, true), (true, false)] {
            let mut report = Report::default();
            report.tested("all", true, count(3, 0, 1), data_expected);
            assert_eq!(report.is_good(), good);
            assert!(report.to_string().ends_with("\n2 passed, 0 failed, 1 skipped\n"));
        }
    }

    #[test]
    fn a_skipped_part_is_told_with_its_reason_and_is_no_failure() {
        let mut report = Report::default();
        report.start("matrix");
        report.skipped("avx512", "no such processor");
        assert!(report.is_good());
        let text = report.to_string();
        assert!(text.contains("matrix: avx512") && text.contains("no such processor"));
        assert!(text.contains("1 rows, 0 failed, 1 skipped"));
    }

    #[test]
    fn a_runner_that_failed_without_a_failed_test_is_a_failure() {
        let mut report = Report::default();
        report.tested("all", false, count(0, 0, 0), false);
        assert!(!report.is_good());
    }
}
