//! What grows with an amount: speed with threads, an epoch's time with images, memory with steps (which should not).

use super::along::Along;
use super::numbers::{figure, gb};
use super::results::{Row, Table};
use serde_json::{Value, json};
use std::fmt::Write;

/// The file name of the picture beside the results `name`.
pub(super) fn picture(name: &str) -> String {
    format!("{name}-scaling.svg")
}

/// "2 threads"; the program's own name where there is no amount.
pub(super) fn row_name(along: Along, amount: Option<usize>, program: &str) -> String {
    let Some(amount) = amount else { return program.to_owned() };
    let what = match along {
        Along::Threads => "thread",
        Along::Images => "image",
        Along::Steps => "step",
        Along::Programs | Along::Layers => return program.to_owned(),
    };
    format!("{amount} {what}{}", if amount == 1 { "" } else { "s" })
}

/// A row an amount: speed, its ratio to the first row's, memory; of sets of images the time of an epoch too.
pub(super) fn amounts(text: &mut String, table: &Table) {
    let epochs = table.along == Along::Images;
    let (head, line) = if epochs { (" an epoch, s |", "---|") } else { ("", "") };
    let _ = writeln!(
        text,
        "| | {}, median | least to most | to the first row |{head} peak memory, GB |\n|---|---|---|---|{line}---|",
        table.unit
    );
    for row in &table.rows {
        let Some(spread) = row.spread() else { continue };
        let to_first = table.ratio(row).map_or("?".to_owned(), |ratio| format!("{:.2}", 1.0 / ratio));
        let epoch = match epoch_seconds(row) {
            Some(seconds) if epochs => format!(" {} |", figure(seconds)),
            _ => String::new(),
        };
        let memory = row.peak_rss_bytes.map_or(String::new(), |bytes| format!("{:.3}", gb(bytes)));
        let (median, least, most) = (figure(spread.median), figure(spread.least), figure(spread.most));
        let _ =
            writeln!(text, "| {} | {median} | {least} to {most} | {to_first} |{epoch} {memory} |", row.name);
    }
}

/// Seconds of a pass over so many images.
fn epoch_seconds(row: &Row) -> Option<f64> {
    Some(row.amount? as f64 / row.spread()?.median)
}

/// The panels of the picture, for `effmix-bench draw`; none without such works.
pub(super) fn panels(tables: &[Table]) -> Option<Value> {
    let panels: Vec<Value> = threads(tables).into_iter().chain(images(tables)).collect();
    (!panels.is_empty()).then_some(Value::Array(panels))
}

/// How many times as fast as with one thread.
fn threads(tables: &[Table]) -> Option<Value> {
    let curves = along(tables, Along::Threads, |table, row| Some(1.0 / table.ratio(row)?));
    let most = most(&curves)?;
    Some(json!({
        "title": "224 px, batch 16: speed by threads",
        "x": "threads",
        "y": "times as fast as with one",
        "reference": {"name": "in proportion", "points": [[1.0, 1.0], [most, most]]},
        "curves": curves.iter().map(Curve::to_json).collect::<Vec<_>>(),
    }))
}

/// Seconds of an epoch, beside those that it would take if each image cost what it does in the largest set.
fn images(tables: &[Table]) -> Option<Value> {
    let curves = along(tables, Along::Images, |_, row| epoch_seconds(row));
    let (images, seconds) = *curves.first()?.points.last()?;
    Some(json!({
        "title": "DivideMix at 32 px: an epoch by images",
        "x": "images of the set",
        "y": "seconds an epoch",
        "reference": {"name": "in proportion", "points": [[0.0, 0.0], [images, seconds]]},
        "curves": curves.iter().map(Curve::to_json).collect::<Vec<_>>(),
    }))
}

struct Curve {
    name: String,
    /// Amount and figure.
    points: Vec<(f64, f64)>,
}

impl Curve {
    fn to_json(&self) -> Value {
        json!({"name": self.name, "points": self.points})
    }
}

/// A curve a table that has figures.
fn along(tables: &[Table], along: Along, figure: impl Fn(&Table, &Row) -> Option<f64>) -> Vec<Curve> {
    let curve = |table: &Table| {
        let point = |row: &Row| Some((row.amount? as f64, figure(table, row)?));
        Curve { name: table.name.clone(), points: table.rows.iter().filter_map(point).collect() }
    };
    let curves = tables.iter().filter(|table| table.along == along).map(curve);
    curves.filter(|curve| !curve.points.is_empty()).collect()
}

/// The largest amount.
fn most(curves: &[Curve]) -> Option<f64> {
    curves.iter().flat_map(|curve| &curve.points).map(|point| point.0).reduce(f64::max)
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::table;
    use super::*;

    fn scaled(name: &str, along: Along, figures: &[(usize, f64)]) -> Table {
        let row = |&(amount, figure): &(usize, f64)| Row {
            amount: Some(amount),
            per_second: vec![figure],
            peak_rss_bytes: Some(750_000_000),
            ..Row::new(&row_name(along, Some(amount), "effmix"))
        };
        Table { along, rows: figures.iter().map(row).collect(), ..table(name, &[]) }
    }

    #[test]
    fn rows_are_named_by_what_they_have() {
        assert_eq!(row_name(Along::Threads, Some(1), "effmix"), "1 thread");
        assert_eq!(row_name(Along::Images, Some(512), "effmix"), "512 images");
        assert_eq!(row_name(Along::Programs, None, "effmix"), "effmix");
    }

    #[test]
    fn a_row_shows_its_speed_beside_the_first() {
        let mut text = String::new();
        amounts(&mut text, &scaled("t", Along::Threads, &[(1, 14.0), (2, 27.3)]));
        assert!(text.contains("| 1 thread | 14.0 | 14.0 to 14.0 | 1.00 | 0.750 |"), "{text}");
        assert!(text.contains("| 2 threads | 27.3 | 27.3 to 27.3 | 1.95 | 0.750 |"), "{text}");
        let mut text = String::new();
        amounts(&mut text, &scaled("e", Along::Images, &[(512, 128.0)]));
        assert!(text.contains("| 512 images | 128 | 128 to 128 | 1.00 | 4.00 | 0.750 |"), "{text}");
    }

    #[test]
    fn the_picture_has_a_panel_for_threads_and_one_for_images() {
        let tables = [
            scaled("t", Along::Threads, &[(1, 10.0), (2, 20.0)]),
            scaled("e", Along::Images, &[(512, 128.0), (1024, 128.0)]),
            scaled("s", Along::Steps, &[(10, 1.0)]),
        ];
        let all = panels(&tables).unwrap();
        assert_eq!(all[0]["curves"][0]["points"], json!([[1.0, 1.0], [2.0, 2.0]]));
        assert_eq!(all[0]["reference"]["points"][1], json!([2.0, 2.0]));
        assert_eq!(all[1]["curves"][0]["points"], json!([[512.0, 4.0], [1024.0, 8.0]]));
        assert_eq!(panels(&tables[2..]), None);
    }
}
