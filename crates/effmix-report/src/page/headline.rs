//! What the run found, in words; or why it claims nothing.

use super::words::{look, percent, percent_interval, thousands};
use crate::run::{Run, Summary};
use maud::{Markup, html};

/// Sentences with the numbers that are known, or the box that says why there are no such numbers.
pub(super) fn section(run: &Run) -> Markup {
    let Some(summary) = &run.summary else {
        return html! {
            p.headline {
                "The run has not come to its end: its folder has no summary.json. Epochs so far: " (run.metrics.last_epoch()) "."
            }
        };
    };
    if !summary.claims() {
        return html! { div.withheld role="note" { @for text in &summary.withheld { p { (text) } } } };
    }
    let sentences = [issues(summary), noise(summary), held_out(summary)];
    let sentences: Vec<String> = sentences.into_iter().flatten().collect();
    html! { @if !sentences.is_empty() { p.headline { (sentences.join(" ")) } } }
}

fn issues(summary: &Summary) -> Option<String> {
    let (issues, images) = (summary.issues?, summary.images?);
    Some(format!("{} of {} labels {} wrong.", thousands(issues), thousands(images), look(issues)))
}

fn noise(summary: &Summary) -> Option<String> {
    let rate = percent(summary.estimated_noise_rate)?;
    let interval = percent_interval(summary.estimated_noise_rate_low, summary.estimated_noise_rate_high);
    let interval = interval.map(|interval| format!(" (90 % range: {interval})")).unwrap_or_default();
    Some(format!("Estimated noise rate: {rate}{interval}."))
}

fn held_out(summary: &Summary) -> Option<String> {
    let images = summary.test_images.filter(|images| *images > 0)?;
    let issues = summary.test_issues?;
    Some(format!(
        "Of the {} held-out images, {} {} wrong.",
        thousands(images),
        thousands(issues),
        look(issues)
    ))
}
