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
    if matrix.is_empty() && run.issues.changes.is_empty() {
        return html! {};
    }
    html! {
        h2 { "Given and suggested labels" }
        @if matrix.is_empty() {
            // Of so many classes that the summary leaves the matrix out.
            (changes(of_issues(run), "label_issues.csv"))
        } @else if matrix.len() <= MATRIX_CLASSES {
            (table(run, matrix))
        } @else {
            (changes(of_matrix(run, matrix), "summary.json"))
        }
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

/// Images that have a label and are suggested another one.
struct Change {
    count: u64,
    given: String,
    suggested: String,
}

/// The changes in the order of the labels' names.
fn of_issues(run: &Run) -> Vec<Change> {
    let change = |((given, suggested), &count): (&(String, String), &u64)| Change {
        count,
        given: given.clone(),
        suggested: suggested.clone(),
    };
    run.issues.changes.iter().map(change).collect()
}

/// The changes in the order of the classes.
fn of_matrix(run: &Run, matrix: &[Vec<u64>]) -> Vec<Change> {
    let cells = matrix.iter().enumerate().flat_map(|(row, counts)| {
        counts.iter().enumerate().map(move |(column, &count)| (row, column, count))
    });
    cells
        .filter(|&(row, column, count)| count > 0 && row != column)
        .map(|(row, column, count)| Change { count, given: run.class(row), suggested: run.class(column) })
        .collect()
}

fn changes(mut changes: Vec<Change>, file: &str) -> Markup {
    // Stable: of equals, the first labels first.
    changes.sort_by_key(|change| std::cmp::Reverse(change.count));
    html! {
        p { "The most frequent changes; " (file) " has all." }
        table {
            tr { th { "given" } th { "suggested" } th.n { "images" } }
            @for Change { count, given, suggested } in changes.iter().take(CHANGES_SHOWN) {
                tr { td { (given) } td { (suggested) } td.n { (count) } }
            }
        }
    }
}
