//! What the rows of the table found, and the table at the end.

use std::fmt;
use std::time::Instant;

/// How a part of a check ended.
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
    /// Of all cores, where the system tells.
    cpu_seconds: Option<f64>,
}

/// How many tests ended how; a test counts once for each run of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct TestCount {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    /// Those that said so themselves, for want of data or of a library.
    pub(crate) skipped: usize,
    /// Those of them that want data.
    pub(crate) without_data: usize,
}

/// One row a part of a check, in the order they ran.
#[derive(Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
    tests: TestCount,
    step: &'static str,
    since: Option<Instant>,
    cpu_since: Option<f64>,
}

impl Report {
    /// From here on rows belong to `step`, and its clock runs.
    pub(crate) fn start(&mut self, step: &'static str) {
        self.step = step;
        self.since = Some(Instant::now());
        self.cpu_since = cpu_seconds();
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

    /// A row of tests. One that skips is a failure where the reason `expected` says that it has what it wants.
    pub(crate) fn tested(&mut self, part: &str, good: bool, count: TestCount, expected: Option<&str>) {
        self.add_tests(count);
        let separator = if part.is_empty() { "" } else { ", " };
        let part = format!("{part}{separator}{} tests", count.passed + count.failed);
        if !good || count.failed > 0 {
            self.failed(&part, "see above");
        } else if let Some(why) = expected.filter(|_| count.without_data > 0) {
            self.failed(&part, &format!("{} skipped though {why}", count.without_data));
        } else {
            self.passed(&part);
        }
    }

    /// A row of tests that must all skip here, because they `need` what is not there.
    pub(crate) fn all_skipped(&mut self, need: &str, good: bool, count: TestCount) {
        self.add_tests(count);
        let part = format!("{} tests {need}", count.passed + count.failed);
        if !good || count.failed > 0 {
            self.failed(&part, "see above");
        } else if count.skipped < count.passed {
            self.failed(&part, &format!("only {} say that they are skipped", count.skipped));
        } else {
            self.skipped(&part, "there is none here");
        }
    }

    fn add_tests(&mut self, count: TestCount) {
        self.tests.passed += count.passed - count.skipped;
        self.tests.failed += count.failed;
        self.tests.skipped += count.skipped;
        self.tests.without_data += count.without_data;
    }

    pub(crate) fn is_good(&self) -> bool {
        !self.rows.iter().any(|row| matches!(row.outcome, Outcome::Failed(_)))
    }

    /// Each part's time is that since the part before it.
    fn add(&mut self, part: &str, outcome: Outcome) {
        let seconds = self.since.replace(Instant::now()).map_or(0.0, |t| t.elapsed().as_secs_f64());
        let now = cpu_seconds();
        let cpu = now.zip(std::mem::replace(&mut self.cpu_since, now)).map(|(now, since)| now - since);
        self.rows.push(Row { step: self.step, part: part.to_owned(), outcome, seconds, cpu_seconds: cpu });
    }
}

/// Processor time of all programs that this one has started and that have ended, theirs included. A busy machine changes it
/// less than the time on the wall.
fn cpu_seconds() -> Option<f64> {
    ended_children(&std::fs::read_to_string("/proc/self/stat").ok()?)
}

/// Reads `cutime` and `cstime` of `/proc/PID/stat` (proc_pid_stat(5)): the 14th and 15th field after the program's name, which
/// is in parentheses and may hold blanks.
fn ended_children(stat: &str) -> Option<f64> {
    /// Linux tells user space this unit on every architecture (`USER_HZ`).
    const TICKS_PER_SECOND: f64 = 100.0;
    let after_name = stat.rsplit_once(") ")?.1;
    let ticks: Vec<f64> =
        after_name.split_whitespace().skip(13).take(2).map(str::parse).collect::<Result<_, _>>().ok()?;
    (ticks.len() == 2).then(|| ticks.iter().sum::<f64>() / TICKS_PER_SECOND)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = |row: &Row| match row.part.as_str() {
            "" => row.step.to_owned(),
            part => format!("{}: {part}", row.step),
        };
        let width = self.rows.iter().map(|row| title(row).chars().count()).max().unwrap_or(0).max(4);
        writeln!(f, "\n{:width$}  {:7}  {:>7}  {:>7}", "step", "result", "seconds", "CPU s")?;
        for row in &self.rows {
            let (result, why) = match &row.outcome {
                Outcome::Passed => ("ok", ""),
                Outcome::Failed(why) => ("FAILED", why.as_str()),
                Outcome::Skipped(why) => ("skipped", why.as_str()),
            };
            let cpu = row.cpu_seconds.map_or(String::new(), |seconds| format!("{seconds:.1}"));
            let line = format!("{:width$}  {result:7}  {:7.1}  {cpu:>7}  {why}", title(row), row.seconds);
            writeln!(f, "{}", line.trim_end())?;
        }
        let count = |wanted: fn(&Outcome) -> bool| self.rows.iter().filter(|r| wanted(&r.outcome)).count();
        let failed = count(|o| matches!(o, Outcome::Failed(_)));
        let skipped = count(|o| matches!(o, Outcome::Skipped(_)));
        let seconds: f64 = self.rows.iter().map(|row| row.seconds).sum();
        let cpu: f64 = self.rows.iter().filter_map(|row| row.cpu_seconds).sum();
        let rows = self.rows.len();
        writeln!(
            f,
            "\n{rows} rows, {failed} failed, {skipped} skipped, {seconds:.0} seconds, {cpu:.0} of CPU"
        )?;
        let TestCount { passed, failed, skipped, .. } = self.tests;
        writeln!(f, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(passed: usize, failed: usize, skipped: usize) -> TestCount {
        TestCount { passed, failed, skipped, without_data: skipped }
    }

    #[test]
    fn a_test_without_its_data_fails_only_where_the_data_should_be_there() {
        for (expected, good) in [(None, true), (Some("EFFMIX_DATA is set"), false)] {
            let mut report = Report::default();
            report.tested("all", true, count(3, 0, 1), expected);
            assert_eq!(report.is_good(), good);
            assert!(report.to_string().ends_with("\n2 passed, 0 failed, 1 skipped\n"));
        }
        let mut report = Report::default();
        let without_a_library = TestCount { without_data: 0, ..count(3, 0, 1) };
        report.tested("all", true, without_a_library, Some("EFFMIX_DATA is set"));
        assert!(report.is_good(), "data is no library");
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
    fn the_time_of_ended_children_is_read_whatever_the_program_is_called() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 9 8 7 6 11 12 250 50 20 0 1 0 99 1 2";
        assert_eq!(ended_children(stat), Some(3.0));
        assert_eq!(ended_children("7 (short) S 1 7"), None);
    }

    #[test]
    fn a_runner_that_failed_without_a_failed_test_is_a_failure() {
        let mut report = Report::default();
        report.tested("all", false, count(0, 0, 0), None);
        assert!(!report.is_good());
    }

    #[test]
    fn tests_that_need_what_is_not_there_are_counted_as_skipped() {
        let mut report = Report::default();
        report.start("cuda-gpu");
        report.all_skipped("need a GPU", true, count(7, 0, 7));
        assert!(report.is_good());
        let text = report.to_string();
        assert!(text.contains("cuda-gpu: 7 tests need a GPU  skipped"), "{text}");
        assert!(text.ends_with("\n0 passed, 0 failed, 7 skipped\n"));
    }

    #[test]
    fn a_test_that_passes_without_what_it_needs_is_a_failure() {
        let mut report = Report::default();
        report.all_skipped("need a GPU", true, count(7, 0, 6));
        assert!(!report.is_good());
    }
}
