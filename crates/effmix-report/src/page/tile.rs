//! One picture with what is known of its label.

use super::words::{decimals, percent};
use crate::Options;
use crate::run::LabelIssue;
use crate::shown;
use crate::thumbnail::data_uri;
use maud::{Markup, html};

/// A row's picture, or why there is none, over its labels and quality; a click shows the path.
pub(super) fn tile(row: &LabelIssue, options: &Options<'_>) -> Markup {
    let picture = (options.image)(&row.path).and_then(|image| data_uri(&image));
    html! {
        details.tile {
            summary {
                span.frame {
                    @match &picture {
                        Ok(uri) => img src=(uri) alt=(shown(&row.path)) loading="lazy";,
                        Err(reason) => span.reason { "can't be read: " (shown(reason)) },
                    }
                    @if row.looks_wrong() { span.mark title="looks wrong" { "!" } }
                }
                span.label { span { (shown(&row.given_label)) } " " (percent(row.p_given).unwrap_or_default()) }
                @if let Some(better) = row.better_label() {
                    span.label { span { "→ " (shown(better)) } " " (percent(row.p_suggested).unwrap_or_default()) }
                }
                @if let Some(quality) = decimals(row.label_quality) {
                    span.label.quality { span { "quality" } " " (quality) }
                }
            }
            span.path { (shown(&row.path)) }
            @for same in &row.same_image { span.path { "the same image as " (shown(same)) } }
        }
    }
}
