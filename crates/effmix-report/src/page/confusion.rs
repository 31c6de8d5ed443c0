//! Which label became which.

use crate::run::Run;
use maud::{Markup, html};

/// With more classes than this a matrix is no longer read: then the most frequent changes are listed.
const MATRIX_CLASSES: usize = 30;

/// How many changes the list has.
const CHANGES_SHOWN: usize = 50;

pub(super) fn section(run: &Run) -> Markup {
    let matrix =
        run.summary.as_ref().and_then(|s| s.confusion_given_suggested.as_deref()).unwrap_or_default();
    if matrix.is_empty() {
        return html! {};
    }
    html! {
        h2 { "Given and suggested labels" }
        @if matrix.len() <= MATRIX_CLASSES { (table(run, matrix)) } @else { (changes(run, matrix)) }
    }
}

fn table(run: &Run, matrix: &[Vec<u64>]) -> Markup {
    html! {
        p { "Training images by given label (row) and suggested label (column); the shade is the share of the row." }
        div.scroll {
            table.confusion {
                tr { th { "given" } @for column in 0..matrix.len() { th.n { (run.class(column)) } } }
                @for (row, counts) in matrix.iter().enumerate() {
                    tr {
                        th { (run.class(row)) }
                        @for (column, &count) in counts.iter().enumerate() {
                            td.same[row == column] style={ "--share:" (share(count, counts)) } { (count) }
                        }
                    }
                }
            }
        }
    }
}

/// Percent, rounded.
fn share(count: u64, of: &[u64]) -> u64 {
    let all = of.iter().sum::<u64>().max(1);
    (100 * count + all / 2) / all
}

fn changes(run: &Run, matrix: &[Vec<u64>]) -> Markup {
    let mut changes: Vec<(u64, usize, usize)> = matrix
        .iter()
        .enumerate()
        .flat_map(|(row, counts)| counts.iter().enumerate().map(move |(column, &count)| (count, row, column)))
        .filter(|&(count, row, column)| count > 0 && row != column)
        .collect();
    changes.sort_by_key(|&(count, row, column)| (std::cmp::Reverse(count), row, column));
    html! {
        p { "The most frequent changes; summary.json has all." }
        table {
            tr { th { "given" } th { "suggested" } th.n { "images" } }
            @for &(count, row, column) in changes.iter().take(CHANGES_SHOWN) {
                tr { td { (run.class(row)) } td { (run.class(column)) } td.n { (count) } }
            }
        }
    }
}
