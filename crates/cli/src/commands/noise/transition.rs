//! A transition matrix from a file.

use std::path::Path;

use effmix::nearest;
use noisy_labels::noise::Transition;

use crate::failure::Failure;

/// Reads it: a line a true class, numbers between commas or spaces; perhaps under a line of
/// class names, which then give the order of lines and columns.
pub(super) fn read(file: &Path, classes: &[String]) -> Result<Transition, Failure> {
    let wrong =
        |line: usize, problem: String| Failure::Other(format!("{}, line {line}: {problem}", file.display()));
    let text = std::fs::read_to_string(file)
        .map_err(|e| Failure::Other(format!("can't read {}: {e}", file.display())))?;
    let lines = text.lines().enumerate().map(|(number, line)| (number + 1, line.trim()));
    let mut lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).peekable();
    let cells = |line: &str| -> Vec<String> {
        let separators = |c: char| c == ',' || c.is_whitespace();
        line.split(separators).filter(|cell| !cell.is_empty()).map(str::to_owned).collect()
    };
    let mut order: Vec<usize> = (0..classes.len()).collect();
    if let Some((number, header)) =
        lines.next_if(|(_, line)| cells(line).iter().any(|cell| cell.parse::<f64>().is_err()))
    {
        let names: Vec<&str> = header.split(',').map(|name| name.trim().trim_matches('"')).collect();
        let place = |name: &&str| classes.iter().position(|class| class == name);
        order = names.iter().filter_map(place).collect();
        let mut sorted = order.clone();
        sorted.sort_unstable();
        if names.len() != classes.len() || sorted != (0..classes.len()).collect::<Vec<_>>() {
            let unknown = names.iter().find(|name| place(name).is_none());
            let meant = unknown.map_or_else(String::new, |unknown| match nearest(unknown, classes) {
                Some(near) => format!("; {unknown:?} is none of them: did you mean {near:?}?"),
                None => format!("; {unknown:?} is none of them"),
            });
            let problem = format!("the header must name each class once: {}{meant}", classes.join(","));
            return Err(wrong(number, problem));
        }
    }
    let mut rows = vec![vec![0.0; classes.len()]; classes.len()];
    let mut filled = 0;
    for (number, line) in lines {
        let cells = cells(line);
        let Some(&row) = order.get(filled) else {
            return Err(wrong(number, format!("more lines than the {} classes", classes.len())));
        };
        if cells.len() != classes.len() {
            return Err(wrong(
                number,
                format!("{} numbers, but there are {} classes", cells.len(), classes.len()),
            ));
        }
        for (cell, &column) in cells.iter().zip(&order) {
            let parsed = cell.parse().map_err(|_| wrong(number, format!("{cell:?} is not a number")))?;
            rows[row][column] = parsed;
        }
        filled += 1;
    }
    if filled != classes.len() {
        let problem = format!("{filled} lines of numbers, but there are {} classes", classes.len());
        return Err(Failure::Other(format!("{}: {problem}", file.display())));
    }
    Transition::new(rows).map_err(|e| Failure::Other(format!("{}: {e}", file.display())))
}
