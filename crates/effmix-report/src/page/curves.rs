//! The curves over the epochs.

use crate::Result;
use crate::charts::{self, Curve};
use crate::run::{EpochRecord, Metrics};
use maud::{Markup, PreEscaped, html};

/// A number of an epoch, where it is known.
type Number = fn(&EpochRecord) -> Option<f64>;

/// Title and number of each chart. One whose number no epoch knows is left out.
const CHARTS: [(&str, Number); 7] = [
    ("Test accuracy", |r| r.test_accuracy),
    ("Cross entropy of labeled images, L_X", |r| r.loss_x),
    ("Squared error of unlabeled images, L_U", |r| r.loss_u),
    ("Divergence from even predictions, L_reg", |r| r.loss_reg),
    ("Share of labels taken as clean", |r| r.clean_fraction),
    ("AUC of label quality (true labels are known)", |r| r.clean_auc),
    ("AUC of the division (true labels are known)", |r| r.division_auc),
];

pub(super) fn section(metrics: &Metrics) -> Result<Markup> {
    let mut figures = Vec::new();
    for (title, number) in CHARTS {
        let curves = curves(metrics, number);
        if !curves.is_empty() {
            figures.push(figure(title, &curves, metrics)?);
        }
    }
    Ok(html! {
        @if !figures.is_empty() {
            h2 { "By epoch" }
            @if !metrics.phase_changes().is_empty() {
                p { "Epochs " (metrics.first_epoch()) " to " (metrics.last_epoch()) ". A dashed line is the end of a phase." }
            }
            div.charts { @for figure in &figures { (figure) } }
        }
    })
}

/// Networks that agree in all epochs are one curve: a number of both together stands with each.
fn curves(metrics: &Metrics, number: Number) -> Vec<Curve> {
    let mut curves: Vec<Curve> = (0..)
        .zip(metrics.networks())
        .map(|(colour, network)| Curve {
            name: format!("network {network}"),
            colour,
            points: metrics.curve(network, number),
        })
        .filter(|curve| !curve.points.is_empty())
        .collect();
    if curves.len() > 1 && curves.windows(2).all(|pair| pair[0].points == pair[1].points) {
        curves.truncate(1);
        curves[0].name = "networks together".to_owned();
    }
    curves
}

fn figure(title: &str, curves: &[Curve], metrics: &Metrics) -> Result<Markup> {
    let svg = charts::curves(curves, metrics.first_epoch()..=metrics.last_epoch(), &metrics.phase_changes())?;
    Ok(html! {
        figure aria-label=(title) {
            figcaption {
                (title)
                @if curves.len() > 1 || curves[0].name.contains("together") {
                    @for curve in curves { span.key { span class={ "net net-" (curve.colour) } {} (curve.name) } }
                }
            }
            (PreEscaped(svg))
        }
    })
}
