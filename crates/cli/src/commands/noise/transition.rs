//! A transition matrix from a file.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use effmix::nearest;
use noisy_labels::ClassPairs;
use noisy_labels::noise::Transition;

use crate::failure::Failure;

/// Classes that an error names.
const NAMED: usize = 10;

/// Reads it: a line a true class, numbers between commas or spaces; perhaps under a line of
/// class names, which then give the order of lines and columns.
pub(super) fn read(file: &Path, classes: &[String]) -> Result<Transition, Failure> {
    let wrong =
        |line: usize, problem: String| Failure::Other(format!("{}, line {line}: {problem}", file.display()));
    let unreadable = |e: std::io::Error| Failure::Other(format!("can't read {}: {e}", file.display()));
    // A line at a time: a matrix of thousands of classes is a large file, most of it zeros.
    let mut lines = BufReader::new(File::open(file).map_err(unreadable)?).lines().enumerate();
    let mut next = || -> Result<Option<(usize, String)>, Failure> {
        for (number, line) in lines.by_ref() {
            let line = line.map_err(unreadable)?;
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                return Ok(Some((number + 1, line.to_owned())));
            }
        }
        Ok(None)
    };
    let cells = |line: &str| -> Vec<String> {
        let separators = |c: char| c == ',' || c.is_whitespace();
        line.split(separators).filter(|cell| !cell.is_empty()).map(str::to_owned).collect()
    };
    let mut order: Vec<usize> = (0..classes.len()).collect();
    let mut line = next()?;
    let is_header = |(_, line): &(usize, String)| cells(line).iter().any(|cell| cell.parse::<f64>().is_err());
    if let Some((number, header)) = line.take_if(|line| is_header(line)) {
        let names: Vec<&str> = header.split(',').map(|name| name.trim().trim_matches('"')).collect();
        let places: HashMap<&str, usize> = classes.iter().map(String::as_str).zip(0..).collect();
        order = names.iter().filter_map(|name| places.get(name).copied()).collect();
        let mut sorted = order.clone();
        sorted.sort_unstable();
        if names.len() != classes.len() || sorted != (0..classes.len()).collect::<Vec<_>>() {
            let unknown = names.iter().find(|name| !places.contains_key(*name));
            let meant = unknown.map_or_else(String::new, |unknown| match nearest(unknown, classes) {
                Some(near) => format!("; {unknown:?} is none of them: did you mean {near:?}?"),
                None => format!("; {unknown:?} is none of them"),
            });
            let more = if classes.len() > NAMED { ",..." } else { "" };
            let first = classes[..classes.len().min(NAMED)].join(",");
            let problem = format!(
                "the header must name each of the {} classes once: {first}{more}{meant}",
                classes.len()
            );
            return Err(wrong(number, problem));
        }
        line = next()?;
    }
    let mut pairs = ClassPairs::new(classes.len());
    let mut filled = 0;
    while let Some((number, text)) = line {
        let cells = cells(&text);
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
            pairs.add(row, column, parsed);
        }
        filled += 1;
        line = next()?;
    }
    if filled != classes.len() {
        let problem = format!("{filled} lines of numbers, but there are {} classes", classes.len());
        return Err(Failure::Other(format!("{}: {problem}", file.display())));
    }
    Transition::from_pairs(&pairs).map_err(|e| Failure::Other(format!("{}: {e}", file.display())))
}
