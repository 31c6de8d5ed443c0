//! The worst labels as a table.

use super::words::{decimals, percent};
use crate::run::{LabelIssue, Set};
use crate::shown;
use maud::{Markup, html};

/// The rows as they stand in label_issues.csv; nothing where there are none.
pub(super) fn section(rows: &[LabelIssue]) -> Markup {
    if rows.is_empty() {
        return html! {};
    }
    html! {
        h2 { "Lowest ranks" }
        p { "Rank 1 has the lowest quality; p is a predicted probability. label_issues.csv has a row for every image." }
        div.scroll {
            table {
                thead {
                    tr {
                        th.n { "rank" } th { "image" } th { "given" } th { "suggested" }
                        th.n { "quality" } th.n { "p given" } th.n { "p suggested" } th { "set" }
                    }
                }
                tbody { @for row in rows { (line(row)) } }
            }
        }
    }
}

fn line(row: &LabelIssue) -> Markup {
    let set = match row.set() {
        Set::Train => "train",
        Set::Test => "test",
    };
    html! {
        tr {
            td.n { (row.rank) }
            td.path { (shown(&row.path)) }
            td { (shown(&row.given_label)) }
            td { (shown(row.suggested_label.as_deref().unwrap_or_default())) }
            td.n { (decimals(row.label_quality).unwrap_or_default()) }
            td.n { (percent(row.p_given).unwrap_or_default()) }
            td.n { (percent(row.p_suggested).unwrap_or_default()) }
            td { (set) }
        }
    }
}
