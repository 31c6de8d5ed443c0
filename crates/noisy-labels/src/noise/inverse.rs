//! The inverse of a transition matrix.

use super::transition::Transition;
use crate::class_pairs::check_full_matrix;
use crate::error::Result;

impl Transition {
    /// The inverse T^-1, row-major `[C, C]`; `None` where T has no inverse in f64. It takes 16 C^2 bytes and C^3 multiplications.
    ///
    /// Its rows sum to 1 as T's do, but some entries are below 0. The largest sum of a row's absolute values is T's condition number
    /// in the maximum norm, since a row of T sums to 1. T^-1 makes errors grow by this factor, which has no limit as the rows of two
    /// classes become alike.
    ///
    /// # Errors
    /// [`crate::Error::TooManyClasses`] above [`crate::MOST_CLASSES_OF_A_FULL_MATRIX`].
    pub fn inverse(&self) -> Result<Option<Vec<f64>>> {
        let classes = self.classes();
        check_full_matrix("the inverse of a transition matrix", classes)?;
        let unit = |class: usize| (0..classes).map(move |column| f64::from(u8::from(column == class)));
        // Gauss-Jordan elimination of [T | I], each column by its largest pivot.
        let mut rows: Vec<Vec<f64>> = self.pairs().full_rows().collect();
        rows.iter_mut().enumerate().for_each(|(class, row)| row.extend(unit(class)));
        for column in 0..classes {
            let size = |row: &usize| rows[*row][column].abs();
            let pivot = (column..classes).max_by(|a, b| size(a).total_cmp(&size(b)));
            let Some(pivot) = pivot.filter(|pivot| size(pivot) > f64::EPSILON) else { return Ok(None) };
            rows.swap(column, pivot);
            let mut row = std::mem::take(&mut rows[column]);
            let scale = 1.0 / row[column];
            row.iter_mut().for_each(|value| *value *= scale);
            for other in rows.iter_mut().filter(|other| !other.is_empty()) {
                let factor = other[column];
                other[column..].iter_mut().zip(&row[column..]).for_each(|(o, r)| *o -= factor * r);
            }
            rows[column] = row;
        }
        Ok(Some(rows.into_iter().flat_map(|row| row.into_iter().skip(classes)).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(a: &[Vec<f64>], b: &[f64]) -> Vec<f64> {
        let classes = a.len();
        let entry = |place: usize| {
            (0..classes).map(|k| a[place / classes][k] * b[k * classes + place % classes]).sum()
        };
        (0..classes * classes).map(entry).collect()
    }

    #[test]
    fn a_matrix_times_its_inverse_is_the_identity() {
        let uneven = |classes: usize| {
            let row = |i: usize| {
                let entry = |j: usize| if i == j { classes } else { 0 } + 1 + (i * 7 + j * 5) % 11;
                let sum: usize = (0..classes).map(entry).sum();
                (0..classes).map(|j| entry(j) as f64 / sum as f64).collect()
            };
            Transition::new((0..classes).map(row).collect()).unwrap()
        };
        // A permutation has zeros for pivots, unless rows are swapped.
        for matrix in [uneven(1), uneven(5), uneven(60), Transition::pair_flip(4)] {
            let (classes, inverse) = (matrix.classes(), matrix.inverse().unwrap().unwrap());
            for (place, value) in
                product(&matrix.pairs().full_rows().collect::<Vec<_>>(), &inverse).into_iter().enumerate()
            {
                let expected = f64::from(u8::from(place / classes == place % classes));
                assert!((value - expected).abs() < 1e-12, "{classes} classes, {place}: {value}");
            }
            assert!(inverse.chunks(classes).all(|row| (row.iter().sum::<f64>() - 1.0).abs() < 1e-12));
        }
    }

    #[test]
    fn classes_whose_labels_are_alike_cannot_be_told_apart() {
        let alike = vec![vec![0.5, 0.3, 0.2], vec![0.5, 0.3, 0.2], vec![0.0, 0.0, 1.0]];
        assert_eq!(Transition::new(alike).unwrap().inverse().unwrap(), None);
        assert_eq!(Transition::new(vec![vec![0.1; 10]; 10]).unwrap().inverse().unwrap(), None);
    }

    #[test]
    fn a_matrix_of_too_many_classes_is_not_inverted() {
        let error = Transition::pair_flip(4001).inverse().unwrap_err().to_string();
        assert!(error.contains("4001 by 4001") && error.contains("at most 4000"), "{error}");
    }
}
