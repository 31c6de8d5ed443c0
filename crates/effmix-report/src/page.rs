//! The page: one HTML document that stands alone.

mod confusion;
mod curves;
mod figures;
mod gallery;
mod headline;
mod table;
mod tile;
mod words;

use crate::charts;
use crate::run::{Division, Run, Summary};
use crate::{Options, Result, shown};
use gallery::Gallery;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// How many skipped files are named.
const SKIPPED_SHOWN: usize = 50;

/// Bytes of the longest page: it stays under 10 MB.
const LONGEST_PAGE: usize = 10_000_000 - 1;

/// Held-out images take no more than this part of the room for pictures.
const HELD_OUT_PART: usize = 4;

/// The whole page. It has as many pictures as `options` asks for and its size allows.
pub(crate) fn render(run: &Run, options: &Options<'_>) -> Result<Markup> {
    let below = below_pictures(run)?;
    let room = LONGEST_PAGE.saturating_sub(document(run, &html! {}, &below).0.len());
    let held_out = Gallery::new(&run.issues.held_out, options, room / HELD_OUT_PART);
    let train = Gallery::new(&run.issues.train, options, room - held_out.bytes());
    Ok(document(run, &galleries(run, &train, &held_out), &below))
}

fn document(run: &Run, pictures: &Markup, below: &Markup) -> Markup {
    let title = match run.config.data_name() {
        Some(name) => format!("Label report: {}", shown(name)),
        None => "Label report".to_owned(),
    };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(include_str!("page.css"))) }
            }
            body {
                h1 { (title) }
                (headline::section(run))
                (pictures)
                (below)
            }
        }
    }
}

fn galleries(run: &Run, train: &Gallery<'_>, held_out: &Gallery<'_>) -> Markup {
    let claimed = run.summary.as_ref().is_none_or(Summary::claims);
    let title = if claimed { "Worst labels" } else { "Lowest label quality" };
    let text = html! {
        p {
            "These training images have the lowest label quality."
            @if train.is_marked() { " Labels marked " span.mark { "!" } " look wrong. The worst labels come first." }
            @if !claimed { " No label is claimed to be wrong." }
        }
        p {
            "Below each picture stand the given label"
            @if train.has_suggestions() { " and, after an arrow, the label that fits better, with their predicted probabilities" }
            @else { " with its predicted probability" }
            ". The quality of the given label is 0 to 1; low is bad. A click on a picture shows its path."
        }
    };
    let held_out_text =
        html! { p { "These labels look wrong, too. The networks were not trained on them." } };
    html! {
        (train.section(title, &text))
        (held_out.section("Among the held-out images", &held_out_text))
    }
}

fn below_pictures(run: &Run) -> Result<Markup> {
    let curves = curves::section(&run.metrics)?;
    let losses = losses(run)?;
    Ok(html! {
        (figures::section(run.summary.as_ref()))
        (curves)
        (losses)
        (confusion::section(run))
        (table::section(&run.issues.table))
        (skipped(run.summary.as_ref()))
        (settings(run))
    })
}

fn losses(run: &Run) -> Result<Markup> {
    if run.divisions.is_empty() {
        return Ok(html! {});
    }
    let figures = (0..).zip(&run.divisions).map(|(colour, division)| losses_of(division, colour));
    let figures = figures.collect::<Result<Vec<_>>>()?;
    let has_mixture = run.divisions.iter().any(|division| division.means.is_some());
    let not_finite: u64 = run.divisions.iter().map(|division| division.not_finite).sum();
    Ok(html! {
        h2 { "Losses at the end" }
        p {
            "Loss of each training image under its given label, scaled to 0 to 1 for each network. Small losses mean clean labels."
            @if has_mixture {
                " The curves are the two components of the mixture that was fitted to these losses, and the dashed lines are their means."
            }
            @if not_finite > 0 { " Losses that are not finite are left out: there are " (not_finite) "." }
        }
        div.charts { @for figure in &figures { (figure) } }
    })
}

fn losses_of(division: &Division, colour: usize) -> Result<Markup> {
    let title = format!("Network {}", division.network);
    let svg = charts::histogram(division, colour)?;
    Ok(html! {
        figure aria-label={ "Histogram of losses, " (title) } {
            figcaption { (title) }
            (PreEscaped(svg))
        }
    })
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
                    tr { td.path { (shown(&file.path)) } td { (shown(&file.reason)) } }
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
                    tr { th { (key) } td.path { (shown(value)) } }
                }
            }
        }
    }
}
