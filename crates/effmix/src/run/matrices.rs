//! Matrices by pairs of classes: in `summary.json` where there are few classes, else in files of their own, which NumPy reads.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use noisy_labels::ClassPairs;

use super::findings::Findings;
use super::folder::RunFolder;
use crate::files::NpyFile;
use crate::{Error, Result};

/// The largest number of classes whose matrices are in `summary.json`.
const MOST_IN_SUMMARY: usize = 100;

/// Training images by given label (row) and suggested label (column).
const CONFUSION: &str = "confusion_given_suggested.npy";

/// Probability of each given label (column) for each true class (row), by confident learning.
const CONFIDENT: &str = "transition_confident.npy";

/// The same by the last divisions.
const DIVISION: &str = "transition_division.npy";

/// The full matrix, where there are few enough classes for `summary.json` and what is printed.
pub(crate) fn for_summary(pairs: &ClassPairs<usize>) -> Option<Vec<Vec<usize>>> {
    (pairs.classes() <= MOST_IN_SUMMARY).then(|| pairs.full_rows().collect())
}

/// The full transition matrix, where there are few enough classes for `summary.json`; null for the row of a class that no image seems
/// to be of.
pub(super) fn transition_for_summary(pairs: &ClassPairs<f64>) -> Option<Vec<Option<Vec<f64>>>> {
    let row = |class: usize| (!pairs.row(class).is_empty()).then(|| pairs.full_row(class));
    (pairs.classes() <= MOST_IN_SUMMARY).then(|| (0..pairs.classes()).map(row).collect())
}

/// Bytes of the files of a run of so many classes, at most.
pub(crate) fn matrix_bytes(classes: usize) -> u64 {
    let files = if classes > MOST_IN_SUMMARY { 3 } else { 0 };
    files * (size_of::<f32>() * classes * classes) as u64
}

/// Writes what is too large for `summary.json`, a row at a time. A file that an earlier end of the same run left, and that has no
/// content now, is removed.
pub(super) fn write_matrices(folder: &RunFolder, findings: &Findings<'_>) -> Result<()> {
    let is_large = findings.classes.len() > MOST_IN_SUMMARY;
    let (says, estimates) =
        (is_large && findings.train.range.is_ok(), is_large && findings.estimates_noise());
    let count = |count: usize| count as f32;
    write(&folder.file(CONFUSION), says.then_some(&findings.confusion), 0.0, count)?;
    let (confident, division) = (Some(&findings.noise), findings.noise_by_division.as_ref());
    for (name, noise) in [(CONFIDENT, confident), (DIVISION, division)] {
        let transition = noise.filter(|_| estimates).map(|noise| noise.transition());
        write(&folder.file(name), transition.as_ref(), f32::NAN, |p| p as f32)?;
    }
    Ok(())
}

/// A row of `empty` stands for one that has no number but 0.
fn write<T: Copy>(
    path: &Path,
    pairs: Option<&ClassPairs<T>>,
    empty: f32,
    number: impl Fn(T) -> f32,
) -> Result<()> {
    let Some(pairs) = pairs else {
        return match fs::remove_file(path) {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(Error::io("can't remove", path)(e)),
            _ => Ok(()),
        };
    };
    let classes = pairs.classes();
    let mut file = NpyFile::create(path, &[classes, classes])?;
    for class in 0..classes {
        let numbers = pairs.row(class);
        let mut row = vec![if numbers.is_empty() { empty } else { 0.0 }; classes];
        numbers.iter().for_each(|&(column, value)| row[column] = number(value));
        file.add(&row)?;
    }
    file.commit()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::read_npy;

    #[test]
    fn a_matrix_is_written_in_full_and_an_old_one_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.npy");
        let mut pairs = ClassPairs::new(3);
        [(0, 1, 2), (2, 0, 7)].into_iter().for_each(|(row, column, count)| pairs.add(row, column, count));
        write(&path, Some(&pairs), f32::NAN, |count: usize| count as f32).unwrap();
        let (values, shape) = read_npy(&path).unwrap();
        assert_eq!(shape, [3, 3]);
        assert_eq!((&values[..3], &values[6..]), (&[0.0, 2.0, 0.0][..], &[7.0, 0.0, 0.0][..]));
        assert!(values[3..6].iter().all(|value| value.is_nan()), "nothing is known of the row");
        for _ in 0..2 {
            write(&path, None::<&ClassPairs<usize>>, 0.0, |count| count as f32).unwrap();
            assert!(!path.exists());
        }
    }

    #[test]
    fn the_summary_holds_matrices_of_a_hundred_classes() {
        assert_eq!(for_summary(&ClassPairs::new(100)).unwrap()[99], [0; 100]);
        assert_eq!(transition_for_summary(&ClassPairs::new(100)).unwrap()[99], None);
        assert!(for_summary(&ClassPairs::new(101)).is_none());
        assert!(transition_for_summary(&ClassPairs::new(101)).is_none());
        assert_eq!((matrix_bytes(100), matrix_bytes(1000)), (0, 12_000_000));
    }
}
