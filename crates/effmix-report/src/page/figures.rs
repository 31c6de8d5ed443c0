//! The figures of a run.

use super::words::{decimals, look, percent, percent_interval, thousands};
use crate::run::Summary;
use maud::{Markup, html};

/// Name, value, and what stands small below the value.
type Figure = (&'static str, Option<String>, Option<String>);

/// The figures that are known. Those of wrong labels are left out where the run claims nothing of them.
pub(super) fn section(summary: Option<&Summary>) -> Markup {
    let Some(s) = summary else { return html! {} };
    let count = |n: Option<u64>| n.map(thousands);
    let of_training = [
        ("Test accuracy, last epoch", percent(s.test_accuracy_last), None),
        ("Test accuracy, best epoch", percent(s.test_accuracy_best), None),
        ("Plain training, test accuracy", percent(s.plain_accuracy), None),
        ("Training images", count(s.images), None),
        ("Held-out images", count(s.test_images), None),
        ("Classes", count(s.classes), None),
    ];
    let interval = percent_interval(s.estimated_noise_rate_low, s.estimated_noise_rate_high);
    let of_labels = [
        (
            "Estimated noise rate",
            percent(s.estimated_noise_rate),
            interval.map(|interval| format!("{interval} (90 % range)")),
        ),
        ("Label issues", count(s.issues), None),
        ("Held-out label issues", count(s.test_issues), None),
        ("AUC of label quality", decimals(s.clean_auc), None),
        ("AUC of the division", decimals(s.division_auc), None),
        ("Precision of issues", percent(s.issue_precision), None),
        ("Recall of issues", percent(s.issue_recall), None),
        ("F1 of issues", percent(s.issue_f1), None),
    ];
    let claimed = if s.claims() { &of_labels[..] } else { &[] };
    html! {
        h2 { "Figures" }
        dl { @for figure in of_training.iter().chain(claimed) { (card(figure)) } }
        (accuracy_note(s))
    }
}

fn card((name, value, below): &Figure) -> Markup {
    html! {
        @if let Some(value) = value {
            div {
                dt { (name) }
                dd { (value) @if let Some(below) = below { small { (below) } } }
            }
        }
    }
}

/// What the test accuracy is worth where nobody knows the true labels.
fn accuracy_note(s: &Summary) -> Markup {
    if s.test_labels.as_deref() != Some("given") || s.test_accuracy_last.is_none() {
        return html! {};
    }
    let wrong = s.test_issues.zip(s.test_images).filter(|_| s.claims());
    html! {
        p {
            "The test accuracy is measured against the given labels of the held-out images, some of which may be wrong"
            @if let Some((issues, images)) = wrong {
                ": " (thousands(issues)) " of " (thousands(images)) " " (look(issues)) " so"
            }
            "."
        }
    }
}
