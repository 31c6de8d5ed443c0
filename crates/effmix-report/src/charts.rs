//! Curves over epochs and histograms of losses, as SVG.
//!
//! A chart is drawn in a few fixed colours, which page.css replaces by those of the reader's theme: it selects by the
//! attributes `stroke` and `fill`, over which a style sheet wins.

use crate::run::Division;
use crate::{Error, Result};
use plotters::coord::Shift;
use plotters::prelude::*;
use std::fmt::Display;
use std::ops::RangeInclusive;

/// Axes and letters.
const INK: RGBColor = RGBColor(1, 1, 1);
/// Grid lines.
const GRID: RGBColor = RGBColor(2, 2, 2);
/// Bars.
const BAR: RGBColor = RGBColor(3, 3, 3);
/// Networks, in turn.
const NETWORKS: [RGBColor; 4] = [RGBColor(4, 4, 4), RGBColor(5, 5, 5), RGBColor(6, 6, 6), RGBColor(7, 7, 7)];

const CURVES_SIZE: (u32, u32) = (460, 260);

/// Points of a component's curve, less one.
const CURVE_STEPS: u32 = 400;

/// Curves of so few points are shown with their points.
const FEW_POINTS: usize = 40;

pub(crate) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// One network's curve.
#[derive(PartialEq)]
pub(crate) struct Curve {
    pub(crate) name: String,
    pub(crate) colour: usize,
    /// Epoch and value; values are finite.
    pub(crate) points: Vec<(u32, f64)>,
}

/// Curves over the epochs `first` to `last`, with an upright line where a phase begins.
pub(crate) fn curves(curves: &[Curve], epochs: RangeInclusive<u32>, phase_changes: &[u32]) -> Result<String> {
    drawn(CURVES_SIZE, |area| {
        let values = curves.iter().flat_map(|curve| curve.points.iter().map(|(_, value)| *value));
        let (low, high) = padded(values, 0.06, 0.05);
        let (first, last) = padded([*epochs.start(), *epochs.end()].into_iter().map(f64::from), 0.02, 0.5);
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .x_label_area_size(28)
            .y_label_area_size(52)
            .build_cartesian_2d(first..last, low..high)?;
        let whole_epoch = |x: &f64| if x.fract().abs() < 1e-9 { format!("{x:.0}") } else { String::new() };
        let decimals = decimals(high - low);
        let value = |y: &f64| format!("{y:.decimals$}");
        chart
            .configure_mesh()
            .disable_x_mesh()
            .x_labels(8)
            .y_labels(6)
            .x_label_formatter(&whole_epoch)
            .y_label_formatter(&value)
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .axis_style(INK)
            .label_style(("sans-serif", 12).with_color(INK))
            .draw()?;
        for &epoch in phase_changes {
            let x = f64::from(epoch) - 0.5;
            chart.draw_series(DashedLineSeries::new([(x, low), (x, high)], 2, 4, INK.stroke_width(1)))?;
        }
        for curve in curves {
            let colour = NETWORKS[curve.colour % NETWORKS.len()];
            let points: Vec<(f64, f64)> = curve.points.iter().map(|&(x, y)| (f64::from(x), y)).collect();
            if points.len() <= FEW_POINTS {
                chart.draw_series(points.iter().map(|&point| Circle::new(point, 2, colour.filled())))?;
            }
            chart.draw_series(LineSeries::new(points, colour.stroke_width(2)))?;
        }
        Ok(())
    })
}

/// A network's losses by bin, with the two components of its mixture: the samples that each is expected to put into a bin, and a
/// dashed upright line at its mean.
pub(crate) fn histogram(division: &Division, colour: usize) -> Result<String> {
    drawn(CURVES_SIZE, |area| {
        let width = division.bin_width();
        let most = division.histogram.iter().copied().max().unwrap_or(0).max(1);
        let top = most as f64 * 1.05;
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .x_label_area_size(28)
            .y_label_area_size(52)
            .build_cartesian_2d(0.0..1.0, 0.0..top)?;
        let whole = |y: &f64| if y.fract().abs() < 1e-9 { format!("{y:.0}") } else { String::new() };
        chart
            .configure_mesh()
            .disable_x_mesh()
            .x_labels(6)
            .y_labels(5)
            .x_label_formatter(&|x| format!("{x:.1}"))
            .y_label_formatter(&whole)
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .axis_style(INK)
            .label_style(("sans-serif", 12).with_color(INK))
            .draw()?;
        chart.draw_series((0..).zip(&division.histogram).map(|(bin, &count)| {
            let left = f64::from(bin) * width;
            Rectangle::new([(left + 0.05 * width, 0.0), (left + 0.95 * width, count as f64)], BAR.filled())
        }))?;
        let style = NETWORKS[colour % NETWORKS.len()].stroke_width(2);
        for component in 0..2 {
            // A narrow component may be higher than every bar: the chart ends where the bars do.
            let point = |step: u32| {
                let loss = f64::from(step) / f64::from(CURVE_STEPS);
                Some((loss, division.expected(loss)?[component].min(top)))
            };
            chart.draw_series(LineSeries::new((0..=CURVE_STEPS).filter_map(point), style))?;
        }
        for mean in division.means.into_iter().flatten() {
            chart.draw_series(DashedLineSeries::new([(mean, 0.0), (mean, top)], 6, 4, style))?;
        }
        Ok(())
    })
}

/// The range of some values and a share of it on both sides; around a single value, so much to each side; around 0 where
/// there are none.
pub(crate) fn padded(values: impl Iterator<Item = f64>, share: f64, alone: f64) -> (f64, f64) {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    if low > high {
        return (-alone, alone);
    }
    let margin = if high > low { share * (high - low) } else { alone };
    (low - margin, high + margin)
}

/// Digits after the point that tell some six labels of an axis apart.
fn decimals(range: f64) -> usize {
    (-(range / 6.0).log10()).ceil().clamp(0.0, 8.0) as usize
}

/// What can go wrong while drawing: into a string, nothing known.
pub(crate) type Drawing = std::result::Result<(), Box<dyn std::error::Error>>;

pub(crate) fn drawn(size: (u32, u32), draw: impl FnOnce(&Area<'_>) -> Drawing) -> Result<String> {
    let failed = |error: &dyn Display| Error::Chart(error.to_string());
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        draw(&area).map_err(|error| failed(&error))?;
        area.present().map_err(|error| failed(&error))?;
    }
    Ok(svg)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_a_margin_and_a_single_value_too() {
        assert_eq!(padded([1.0, 3.0].into_iter(), 0.25, 9.0), (0.5, 3.5));
        assert_eq!(padded([2.0].into_iter(), 0.25, 0.5), (1.5, 2.5));
    }

    #[test]
    fn labels_have_the_digits_that_tell_them_apart() {
        assert_eq!([12.0, 3.0, 0.3].map(decimals), [0, 1, 2]);
    }

    #[test]
    fn a_curve_of_one_point_is_drawn() {
        let alone = Curve { name: "network 1".to_owned(), colour: 0, points: vec![(1, 0.5)] };
        assert!(curves(&[alone], 1..=1, &[]).unwrap().contains("<circle"));
    }

    #[test]
    fn an_empty_histogram_is_drawn() {
        let empty = Division { histogram: vec![0; 50], not_finite: 3, ..Division::default() };
        assert!(histogram(&empty, 0).unwrap().starts_with("<svg"));
    }
}
