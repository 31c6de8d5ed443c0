//! The page: one HTML document that stands alone.

mod confusion;
mod curves;

use crate::Result;
use crate::charts;
use crate::run::{Run, Summary};
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// How many skipped files are named.
const SKIPPED_SHOWN: usize = 50;

pub(crate) fn render(run: &Run) -> Result<Markup> {
    let curves = curves::section(&run.metrics)?;
    let losses = losses(run)?;
    Ok(html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Training on labels partly wrong" }
                style { (PreEscaped(include_str!("page.css"))) }
            }
            body {
                h1 { "Training on labels partly wrong" }
                (figures(run))
                (curves)
                (losses)
                (confusion::section(run))
                (issues(run))
                (skipped(run.summary.as_ref()))
                (settings(run))
            }
        }
    })
}

fn figures(run: &Run) -> Markup {
    let Some(s) = &run.summary else {
        return html! { p { "No summary.json: the run has not come to its end. Epochs so far: " (run.metrics.last_epoch()) "." } };
    };
    let count = |n: Option<u64>| n.map(|n| n.to_string());
    let figures = [
        ("Test accuracy, last epoch", percent(s.test_accuracy_last)),
        ("Test accuracy, best epoch", percent(s.test_accuracy_best)),
        ("Plain training, test accuracy", percent(s.plain_accuracy)),
        ("Training images", count(s.images)),
        ("Classes", count(s.classes)),
        ("Estimated wrong labels", percent(s.estimated_noise_rate)),
        ("Label issues", count(s.issues)),
        ("AUC of label quality", decimals(s.clean_auc)),
        ("Precision of issues", percent(s.issue_precision)),
        ("Recall of issues", percent(s.issue_recall)),
        ("F1 of issues", percent(s.issue_f1)),
    ];
    html! {
        dl {
            @for (name, value) in &figures {
                @if let Some(value) = value {
                    div { dt { (name) } dd { (value) } }
                }
            }
        }
        @if s.test_labels.as_deref() == Some("given") && s.test_accuracy_last.is_some() {
            p { "The test accuracy is measured against given labels, some of which may be wrong." }
        }
    }
}

fn losses(run: &Run) -> Result<Markup> {
    let Some(losses) = &run.losses else { return Ok(html! {}) };
    let networks: Vec<u32> = run.metrics.networks().into_iter().collect();
    let means: Vec<(usize, [f64; 2])> = run
        .metrics
        .mixture_means()
        .into_iter()
        .filter_map(|(network, means)| Some((networks.iter().position(|n| *n == network)?, means)))
        .collect();
    let svg = charts::histogram(losses, &means)?;
    Ok(html! {
        h2 { "Losses at the end" }
        p {
            "Loss of each training image under its given label, scaled to 0 to 1. Small losses mean clean labels."
            @if !means.is_empty() { " Dashed: the two means of the last mixture, for each network." }
            @if losses.not_finite > 0 { " Losses that are no numbers: " (losses.not_finite) "." }
        }
        figure aria-label="Histogram of losses" { (PreEscaped(svg)) }
    })
}

fn issues(run: &Run) -> Markup {
    if run.issues.is_empty() {
        return html! {};
    }
    html! {
        h2 { "Worst labels" }
        p { "The first " (run.issues.len()) " rows of label_issues.csv, lowest quality first." }
        div.scroll {
            table {
                thead {
                    tr {
                        th.n { "rank" } th { "image" } th { "given" } th { "suggested" }
                        th.n { "quality" } th.n { "p clean" } th.n { "p given" } th.n { "p suggested" }
                    }
                }
                tbody {
                    @for row in &run.issues {
                        tr {
                            td.n { (row.rank) } td.path { (row.path) } td { (row.given_label) } td { (row.suggested_label) }
                            @for value in [row.label_quality, row.p_clean, row.p_given, row.p_suggested] {
                                td.n { (decimals(value).unwrap_or_default()) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn skipped(summary: Option<&Summary>) -> Markup {
    let files = summary.and_then(|s| s.skipped_files.as_deref()).unwrap_or_default();
    if files.is_empty() {
        return html! {};
    }
    html! {
        h2 { "Skipped files: " (files.len()) }
        @if files.len() > SKIPPED_SHOWN { p { "The first " (SKIPPED_SHOWN) "; summary.json has all." } }
        div.scroll {
            table {
                @for file in files.iter().take(SKIPPED_SHOWN) {
                    tr { td.path { (file.path) } td { (file.reason) } }
                }
            }
        }
    }
}

fn settings(run: &Run) -> Markup {
    if run.config.settings.is_empty() {
        return html! {};
    }
    html! {
        h2 { "Settings" }
        details {
            summary { "config.toml" }
            table {
                @for (key, value) in &run.config.settings {
                    tr { th { (key) } td.path { (value) } }
                }
            }
        }
    }
}

/// A share of 0..1, `None` where it is unknown or no number.
fn percent(share: Option<f64>) -> Option<String> {
    share.filter(|v| v.is_finite()).map(|v| format!("{:.1} %", 100.0 * v))
}

fn decimals(value: Option<f64>) -> Option<String> {
    value.filter(|v| v.is_finite()).map(|v| format!("{v:.3}"))
}
