//! `effmix train`: the main job.

use std::sync::atomic::AtomicBool;

use dividemix::run::{self, Finished, Observer, RunFolder, Settings, Summary, TestLabels, read_issues};

use crate::args::Train;
use crate::exit::{Failure, Signals};
use crate::output::{print, print_json, tell};
use crate::terminal::Terminal;
use crate::threads::on_threads;

/// Rows of the table of issues that are printed.
const ISSUES_SHOWN: usize = 5;

pub(super) fn run(args: Train) -> Result<(), Failure> {
    let settings = match &args.config {
        Some(file) => args.settings.or(&Settings::read(file)?)?,
        None => args.settings,
    };
    on_threads(settings.threads, || watched(args.json, |observe, stop| run::start(&settings, observe, stop)))
}

/// Does a run with progress, Ctrl-C and, in the end, its page and its summary.
pub(super) fn watched(
    json: bool,
    work: impl FnOnce(&Observer<'_>, &AtomicBool) -> dividemix::Result<Finished>,
) -> Result<(), Failure> {
    let signals = Signals::listen()?;
    let terminal = Terminal::new();
    let result = work(&|progress| terminal.show(progress), signals.stop());
    terminal.finish();
    let finished = match result {
        Ok(finished) => finished,
        Err(dividemix::Error::Stopped) => {
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
    if finished.was_done {
        tell(&format!("{} is done already; --epochs makes it longer", finished.folder.path().display()));
    } else {
        effmix_report::write(finished.folder.path())?;
    }
    if json { print_json(&finished.summary) } else { print(&in_words(&finished)?) }
}

/// The result for people, and what they can do next.
fn in_words(finished: &Finished) -> Result<String, Failure> {
    let Finished { folder, summary, .. } = finished;
    let mut lines = Vec::new();
    lines.extend(accuracy(summary));
    lines.push(format!(
        "labels     {} of {} look wrong; estimated noise rate {:.1} %",
        summary.issues,
        summary.images,
        100.0 * summary.estimated_noise_rate
    ));
    if let (Some(auc), Some(precision), Some(recall)) =
        (summary.clean_auc, summary.issue_precision, summary.issue_recall)
    {
        lines.push(format!(
            "           against the truth: AUC {auc:.3}, precision {:.1} %, recall {:.1} %",
            100.0 * precision,
            100.0 * recall
        ));
    }
    lines.extend(noise_error(summary));
    if !summary.skipped_files.is_empty() {
        lines.push(format!("skipped    {} files, listed in summary.json", summary.skipped_files.len()));
    }
    lines.extend(worst(folder)?);
    let path = folder.path().display();
    lines.push(String::new());
    lines.push(format!(
        "Next: open {path}/report.html; look through {path}/label_issues.csv, worst label first;"
    ));
    lines.push(format!("      classify images with: effmix predict {path} IMAGE..."));
    Ok(lines.join("\n") + "\n")
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
        _ => "given labels",
    };
    let mut lines = vec![format!(
        "accuracy   {:.1} % (best {:.1} %) on the test images' {against}",
        100.0 * last,
        100.0 * best
    )];
    if let Some(plain) = summary.plain_accuracy {
        lines.push(format!("           {:.1} % by plain training, for comparison", 100.0 * plain));
    }
    lines
}

/// The first rows of the table of issues.
fn worst(folder: &RunFolder) -> Result<Vec<String>, Failure> {
    let issues = read_issues(&folder.file("label_issues.csv"))?;
    let shown: Vec<_> = issues.iter().filter(|row| row.is_issue).take(ISSUES_SHOWN).collect();
    let width = shown.iter().map(|row| row.path.chars().count()).max().unwrap_or_default();
    Ok(shown
        .iter()
        .map(|row| format!("           {:width$}  {} -> {}", row.path, row.given_label, row.suggested_label))
        .collect())
}
