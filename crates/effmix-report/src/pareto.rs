//! Accuracy against cost, as a picture that stands alone: what a search of networks found.

use plotters::prelude::*;

use crate::Result;
use crate::charts::{Area, Drawing, drawn, padded};

const SIZE: (u32, u32) = (900, 560);

const INK: RGBColor = RGBColor(60, 60, 60);
const GRID: RGBColor = RGBColor(225, 225, 225);
const FRONT: RGBColor = RGBColor(200, 60, 30);
/// Series, in turn.
const COLOURS: [RGBColor; 6] = [
    RGBColor(31, 119, 180),
    RGBColor(44, 160, 44),
    RGBColor(148, 103, 189),
    RGBColor(188, 143, 30),
    RGBColor(23, 160, 170),
    RGBColor(227, 119, 194),
];

/// A network in the picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Multiply-accumulates.
    pub cost: f64,
    /// 0..1.
    pub accuracy: f64,
    /// Whether it was trained to the end; others are drawn hollow.
    pub complete: bool,
    /// Whether no other is more accurate at its cost or less.
    pub on_front: bool,
}

/// Networks that belong together, in one colour.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// For the legend.
    pub name: String,
    /// Whether they are joined by a line, in their order.
    pub joined: bool,
    /// The networks.
    pub points: Vec<Point>,
}

/// An SVG of accuracy (linear, percent) against cost (logarithmic, millions of multiply-accumulates), with the front as a
/// dashed line of steps.
///
/// # Errors
/// [`crate::Error::Chart`] where it can't be drawn.
pub fn accuracy_against_cost(series: &[Series]) -> Result<String> {
    drawn(SIZE, |area| draw(area, series))
}

fn draw(area: &Area<'_>, series: &[Series]) -> Drawing {
    area.fill(&WHITE)?;
    let points = || series.iter().flat_map(|series| &series.points);
    let (left, right) = padded(points().map(|point| (point.cost / 1e6).ln()), 0.06, 0.1);
    let (low, high) = padded(points().map(|point| 100.0 * point.accuracy), 0.08, 1.0);
    let mut chart = ChartBuilder::on(area)
        .margin(14)
        .x_label_area_size(46)
        .y_label_area_size(60)
        // Logarithms on a linear axis: one of plotters' kind has labels at powers of ten alone.
        .build_cartesian_2d(left..right, low..high)?;
    chart
        .configure_mesh()
        .x_desc("multiply-accumulates of an image, millions")
        .y_desc("accuracy on held-out images, %")
        .x_labels(10)
        .y_labels(8)
        .x_label_formatter(&|x| format!("{:.*}", if *x < 20f64.ln() { 1 } else { 0 }, x.exp()))
        .y_label_formatter(&|y| format!("{y:.0}"))
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(INK)
        .label_style(("sans-serif", 14).with_color(INK))
        .draw()?;
    let front = front(points(), (right, low));
    chart
        .draw_series(DashedLineSeries::new(front, 7, 5, FRONT.stroke_width(2)))?
        .label("front: no other is as good for less")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], FRONT.stroke_width(2)));
    for (series, colour) in series.iter().zip(COLOURS.into_iter().cycle()) {
        if series.joined {
            chart.draw_series(LineSeries::new(series.points.iter().map(place), colour.stroke_width(2)))?;
        }
        let circles = series.points.iter().map(|point| {
            let style = if point.complete { colour.filled() } else { colour.stroke_width(1) };
            Circle::new(place(point), 5, style)
        });
        chart
            .draw_series(circles)?
            .label(series.name.clone())
            .legend(move |(x, y)| Circle::new((x + 9, y), 5, colour.filled()));
        let marked = series.points.iter().filter(|point| point.on_front);
        chart.draw_series(marked.map(|point| Circle::new(place(point), 9, FRONT.stroke_width(2))))?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerLeft)
        .background_style(WHITE.mix(0.9))
        .border_style(GRID)
        .label_font(("sans-serif", 14).with_color(INK))
        .draw()?;
    Ok(())
}

/// Logarithm of millions, and percent.
fn place(point: &Point) -> (f64, f64) {
    ((point.cost / 1e6).ln(), 100.0 * point.accuracy)
}

/// The corners of the front's steps, from the cheapest network's foot to the right edge.
fn front<'a>(points: impl Iterator<Item = &'a Point>, (right, low): (f64, f64)) -> Vec<(f64, f64)> {
    let on_front = points.filter(|point| point.on_front);
    let mut on_front: Vec<(f64, f64)> = on_front.map(place).collect();
    on_front.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut height = low;
    let mut corners = Vec::new();
    for (x, y) in on_front {
        corners.extend([(x, height), (x, y)]);
        height = y;
    }
    corners.push((right, height));
    corners
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(cost: f64, accuracy: f64, on_front: bool) -> Point {
        Point { cost, accuracy, complete: on_front, on_front }
    }

    #[test]
    fn the_front_goes_up_in_steps() {
        let points = [point(4e6, 0.7, true), point(2e6, 0.5, true), point(3e6, 0.4, false)];
        let corners = front(points.iter(), (9.0, 30.0));
        let (two, four) = (2f64.ln(), 4f64.ln());
        assert_eq!(corners, [(two, 30.0), (two, 50.0), (four, 50.0), (four, 70.0), (9.0, 70.0)]);
    }

    #[test]
    fn every_network_is_a_circle_and_every_series_is_named() {
        let series = [
            Series {
                name: "candidates".into(),
                joined: false,
                points: vec![point(2e6, 0.5, true), point(2.1e6, 0.4, false)],
            },
            Series { name: "depth & width".into(), joined: true, points: vec![point(4e6, 0.6, false)] },
        ];
        let svg = accuracy_against_cost(&series).unwrap();
        // Three networks, a ring around the one on the front, and two in the legend.
        assert_eq!(svg.matches("<circle").count(), 6, "{svg}");
        assert!(svg.contains("candidates") && svg.contains("depth &amp; width"), "{svg}");
    }

    #[test]
    fn nothing_and_one_network_can_be_drawn() {
        assert!(accuracy_against_cost(&[]).is_ok());
        let alone = Series { name: "one".into(), joined: true, points: vec![point(2e6, 0.5, true)] };
        assert!(accuracy_against_cost(&[alone]).unwrap().starts_with("<svg"));
    }
}
