//! `effmix train`: the main job.

use std::borrow::Cow;
use std::path::Path;

use effmix::{Config, ImageSet, LabelIssue, Observer, Run, Settings, Summary, TestLabels};

use super::sweep;
use crate::args::Train;
use crate::failure::Failure;
use crate::output::{columns, print, print_json, tell};
use crate::signals::Signals;
use crate::terminal::Terminal;
use crate::threads::on_threads;
use effmix::shown;

/// The column at which the text after a line's label begins.
const TEXT: usize = 11;

/// Rows of the table of issues that are printed.
const ISSUES_SHOWN: usize = 5;

pub(super) fn run(args: Train) -> Result<(), Failure> {
    let settings = match &args.config {
        Some(file) => args.settings.or(&settings_of(file)?),
        None => args.settings,
    };
    if settings.is_sweep() {
        return sweep::start(&settings, args.json);
    }
    on_threads(settings.threads, || watched(args.json, |observer| Run::start(&settings, observer)))
}

/// The settings in a file, a user's or a run's.
fn settings_of(file: &Path) -> Result<Settings, Failure> {
    let config = Config::read(file)?;
    match config.metadata.own_method {
        None => Ok(config.settings),
        Some(own) => Err(Failure::Usage(format!(
            "--config: {} is of a run by a method that is not of this program, {own:?}; do it again by the program that has the method, or \
             remove the line own-method and choose a --method",
            file.display()
        ))),
    }
}

/// Does a run with progress and Ctrl-C, and prints its summary.
pub(super) fn watched(
    json: bool,
    work: impl FnOnce(&dyn Observer) -> effmix::Result<Run>,
) -> Result<(), Failure> {
    let signals = Signals::listen()?;
    let terminal = Terminal::new(&signals);
    let result = work(&terminal);
    terminal.finish();
    let run = match result {
        Ok(run) => run,
        Err(effmix::Error::Stopped) => {
            if let Some(folder) = terminal.folder() {
                tell(&format!("stopped; go on with: effmix resume {}", folder.display()));
            }
            return Err(signals.failure());
        }
        Err(error) => {
            if let Some(folder) = terminal.folder() {
                tell(&format!("the run folder {} is kept", folder.display()));
            }
            return Err(error.into());
        }
    };
    if run.was_done() {
        tell(&format!("{} is done already; --epochs makes it longer", run.path().display()));
    }
    if json { print_json(run.summary()) } else { print(&in_words(&run)?) }
}

/// The result for people, and what they can do next.
fn in_words(run: &Run) -> Result<String, Failure> {
    let summary = run.summary();
    let mut lines = Vec::new();
    lines.extend(accuracy(summary));
    lines.extend(labels(summary));
    if let (Some(auc), Some(precision), Some(recall)) =
        (summary.clean_auc, summary.issue_precision, summary.issue_recall)
    {
        lines.push(format!(
            "           against the truth: AUC of label_quality {auc:.3}, precision {:.1} %, recall {:.1} %",
            100.0 * precision,
            100.0 * recall
        ));
    }
    lines.extend(noise_error(summary));
    if !summary.skipped_files.is_empty() {
        lines.push(format!(
            "skipped    {} files and rows, listed in data_issues.csv",
            summary.skipped_files.len()
        ));
    }
    lines.extend(worst(&run.label_issues()?));
    let path = run.path().display().to_string();
    let path = shown(&path);
    lines.push(String::new());
    lines.push(format!(
        "Next: open {path}/report.html; look through {path}/label_issues.csv, worst label first;"
    ));
    lines.push(format!("      classify images with: effmix predict {path} IMAGE..."));
    Ok(fitted(&lines, columns(usize::MAX)).join("\n") + "\n")
}

/// The lines in so many columns, the rest of a longer one under the beginning of its text.
fn fitted(lines: &[String], columns: usize) -> Vec<String> {
    let cut = |line: &String| match console::measure_text_width(line) <= columns {
        true => vec![line.clone()],
        false => wrapped("", line, columns, TEXT),
    };
    lines.iter().flat_map(cut).collect()
}

/// How many labels look wrong, or why that is withheld.
fn labels(summary: &Summary) -> Vec<String> {
    let (Some(rate), Some(low), Some(high), Some(issues)) = (
        summary.estimated_noise_rate,
        summary.estimated_noise_rate_low,
        summary.estimated_noise_rate_high,
        summary.issues,
    ) else {
        let withheld = summary.withheld.as_deref().unwrap_or("Nothing is said about the labels.");
        return wrapped("labels     ", withheld, columns(100), TEXT);
    };
    let percent = |share: f64| format!("{:.1}", 100.0 * share);
    let look = |count: usize| if count == 1 { "looks" } else { "look" };
    let mut lines = vec![format!(
        "labels     {issues} of {} {} wrong; estimated noise rate {} % (90 % range: {} to {} %)",
        summary.images,
        look(issues),
        percent(rate),
        percent(low),
        percent(high)
    )];
    if let Some(issues) = summary.test_issues {
        let (of, look) = (summary.test_images, look(issues));
        lines.push(format!("           {issues} of the {of} held-out images {look} wrong"));
    }
    lines
}

/// A text in lines of so many columns, the first after `start`, the others `further` in.
fn wrapped(start: &str, text: &str, columns: usize, further: usize) -> Vec<String> {
    let further = " ".repeat(further);
    let options = textwrap::Options::new(columns).initial_indent(start).subsequent_indent(&further);
    textwrap::wrap(text, options).into_iter().map(Cow::into_owned).collect()
}

/// How far the estimated noise is from the real one, where that is known.
fn noise_error(summary: &Summary) -> Option<String> {
    let estimates = summary.noise_estimates.as_ref()?;
    let (real, error) = (estimates.real_rate?, estimates.confident.error?);
    Some(format!(
        "           real noise rate {:.1} %; estimated transition matrix {:.1} % off (total variation)",
        100.0 * real,
        100.0 * error.total_variation
    ))
}

fn accuracy(summary: &Summary) -> Vec<String> {
    let (Some(best), Some(last)) = (summary.test_accuracy_best, summary.test_accuracy_last) else {
        return vec!["accuracy   not measured: no test images".to_owned()];
    };
    let against = match summary.test_labels {
        Some(TestLabels::Truth) => "true labels",
        _ => "given labels, which may be wrong too",
    };
    let mut lines = vec![format!(
        "accuracy   {:.1} % (best {:.1} %) of {} held-out images, by their {against}",
        100.0 * last,
        100.0 * best,
        summary.test_images
    )];
    if let Some(plain) = summary.plain_accuracy {
        lines.push(format!("           {:.1} % by plain training, for comparison", 100.0 * plain));
    }
    lines
}

/// The worst labels with their quality and the probabilities of both labels.
fn worst(issues: &[LabelIssue]) -> Vec<String> {
    let listed: Vec<_> = issues.iter().filter(|row| row.is_issue == Some(true)).take(ISSUES_SHOWN).collect();
    if listed.is_empty() {
        return Vec::new();
    }
    let percent = |p: f32| format!("{:.1} %", 100.0 * p);
    let labels = |row: &LabelIssue| {
        let given = format!("{} ({})", shown(&row.given_label), percent(row.p_given));
        match row.p_suggested {
            Some(p) => format!("{given} -> {} ({})", shown(&row.suggested_label), percent(p)),
            // No other class fits better.
            None => format!("{given}, the same image has another label, too"),
        }
    };
    let widest =
        |of: &dyn Fn(&LabelIssue) -> usize| listed.iter().map(|row| of(row)).max().unwrap_or_default();
    let path = widest(&|row| shown(&row.path).chars().count());
    let width = widest(&|row| labels(row).chars().count());
    let line = |row: &&LabelIssue| {
        let held_out = if row.set == ImageSet::Test { "  held out" } else { "" };
        let quality = row.label_quality;
        format!(
            "           {:path$}  {:width$}  quality {quality:.3}{held_out}",
            shown(&row.path),
            labels(row)
        )
    };
    let head = "worst first: given -> suggested label, with the probability that the networks give each";
    std::iter::once(format!("           {head}")).chain(listed.iter().map(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_wrapped_under_its_start() {
        let text = "word ".repeat(30);
        let lines = wrapped("labels     ", &text, 100, TEXT);
        assert!(lines.len() == 2 && lines[0].starts_with("labels     word word"), "{lines:?}");
        assert!(lines[1].starts_with("           word"), "{lines:?}");
        assert!(lines.iter().all(|line| line.len() <= 100), "{lines:?}");
    }

    #[test]
    fn lines_fit_into_a_narrow_terminal() {
        let lines = ["accuracy   one two three", "labels     four"].map(str::to_owned);
        assert_eq!(fitted(&lines, 80), lines);
        assert_eq!(fitted(&lines, 20), ["accuracy   one two", "           three", "labels     four"]);
    }
}
