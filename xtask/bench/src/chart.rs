//! Panels of curves side by side, as an SVG file.
//!
//! What is drawn comes as JSON from xtask, which draws nothing itself, so that it is built in seconds.

use anyhow::{Context, Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;
use serde::Deserialize;
use std::path::Path;

const PANEL: (u32, u32) = (480, 320);
/// On a page of either theme the picture brings its own paper.
const PAPER: RGBColor = WHITE;
const INK: RGBColor = RGBColor(60, 60, 60);
const GRID: RGBColor = RGBColor(225, 225, 225);
/// Of the curves, in turn: told apart in any kind of sight (Okabe & Ito).
const COLOURS: [RGBColor; 3] = [RGBColor(0, 114, 178), RGBColor(213, 94, 0), RGBColor(0, 158, 115)];
const LETTERS: (&str, u32) = ("sans-serif", 13);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

#[derive(Deserialize)]
struct Panel {
    title: String,
    /// What the axes are.
    x: String,
    y: String,
    /// Dashed: what the curves are to be compared with.
    reference: Curve,
    curves: Vec<Curve>,
}

#[derive(Deserialize)]
struct Curve {
    name: String,
    points: Vec<(f64, f64)>,
}

/// Draws `panels`, a JSON array of [`Panel`], into `file`.
pub(crate) fn draw(file: &Path, panels: &str) -> Result<()> {
    let panels: Vec<Panel> = serde_json::from_str(panels).context("the panels")?;
    std::fs::write(file, drawn(&panels)? + "\n").with_context(|| file.display().to_string())
}

fn drawn(panels: &[Panel]) -> Result<String> {
    let mut svg = String::new();
    {
        let size = (PANEL.0 * panels.len() as u32, PANEL.1);
        let whole = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        let paint = || -> Result<(), Box<dyn std::error::Error>> {
            whole.fill(&PAPER)?;
            for (panel, area) in panels.iter().zip(whole.split_evenly((1, panels.len()))) {
                panel.draw(&area)?;
            }
            whole.present()?;
            Ok(())
        };
        paint().map_err(|error| anyhow!("drawing: {error}"))?;
    }
    Ok(svg.lines().map(str::trim_end).collect::<Vec<_>>().join("\n"))
}

impl Panel {
    /// Both axes begin at 0, so that what is proportional is a straight line from the corner.
    fn draw(&self, area: &Area<'_>) -> Result<(), Box<dyn std::error::Error>> {
        let points = || self.curves.iter().chain([&self.reference]).flat_map(|curve| &curve.points);
        let [right, top] = [
            points().map(|point| point.0).fold(0.0, f64::max),
            points().map(|point| point.1).fold(0.0, f64::max),
        ]
        .map(|most| if most > 0.0 { 1.08 * most } else { 1.0 });
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .caption(&self.title, ("sans-serif", 15).with_color(INK))
            .x_label_area_size(42)
            .y_label_area_size(54)
            .build_cartesian_2d(0.0..right, 0.0..top)?;
        chart
            .configure_mesh()
            .x_desc(&self.x)
            .y_desc(&self.y)
            .x_labels(6)
            .y_labels(6)
            .x_label_formatter(&label)
            .y_label_formatter(&label)
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .axis_style(INK)
            .label_style(LETTERS.with_color(INK))
            .axis_desc_style(LETTERS.with_color(INK))
            .draw()?;
        let line =
            |colour: RGBColor| move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2));
        let dashes = DashedLineSeries::new(self.reference.points.iter().copied(), 5, 4, INK.stroke_width(1));
        chart
            .draw_series(dashes)?
            .label(&self.reference.name)
            .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], INK.stroke_width(1)));
        for (curve, colour) in self.curves.iter().zip(COLOURS.into_iter().cycle()) {
            let points = || curve.points.iter().copied();
            chart.draw_series(points().map(|point| Circle::new(point, 3, colour.filled())))?;
            let series = LineSeries::new(points(), colour.stroke_width(2));
            chart.draw_series(series)?.label(&curve.name).legend(line(colour));
        }
        // Where no curve begins.
        let begins_high = |curve: &Curve| curve.points.first().is_some_and(|(_, y)| *y > top / 2.0);
        let position = match self.curves.iter().any(begins_high) {
            true => SeriesLabelPosition::LowerLeft,
            false => SeriesLabelPosition::UpperLeft,
        };
        chart.configure_series_labels().position(position).label_font(LETTERS.with_color(INK)).draw()?;
        Ok(())
    }
}

/// Whole numbers without a point, others with one digit behind it.
fn label(value: &f64) -> String {
    if (value - value.round()).abs() < 1e-9 { format!("{value:.0}") } else { format!("{value:.1}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_panel_has_its_title_and_its_points() {
        let panel = |title: &str| Panel {
            title: title.to_owned(),
            x: "threads".to_owned(),
            y: "speed-up".to_owned(),
            reference: Curve { name: "in proportion".to_owned(), points: vec![(1.0, 1.0), (2.0, 2.0)] },
            curves: vec![Curve { name: "training".to_owned(), points: vec![(1.0, 1.0), (2.0, 1.9)] }],
        };
        let svg = drawn(&[panel("one"), panel("two")]).unwrap();
        assert!(svg.starts_with("<svg") && svg.contains("one") && svg.contains("two"));
        assert_eq!(svg.matches("<circle").count(), 4);
        assert!(svg.lines().all(|line| !line.ends_with(' ')));
    }

    #[test]
    fn what_is_no_panel_is_an_error() {
        assert!(draw(Path::new("nowhere.svg"), "[1]").is_err());
    }

    #[test]
    fn labels_have_no_needless_digits() {
        assert_eq!([2.0, 0.5, 1000.0].map(|value| label(&value)), ["2", "0.5", "1000"]);
    }
}
