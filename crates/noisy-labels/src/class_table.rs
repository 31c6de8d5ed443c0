//! A table with a row for each sample and a column for each class, and the row operations that everything shares.

use ndarray::NdFloat;

use crate::error::{Error, Result, check_labels, check_length};

/// A table `[N, C]` of f32, row-major: a row for each of N samples, a column for each of C classes. It holds logits,
/// probabilities or scores; the name of a parameter says which.
///
/// ```
/// use noisy_labels::ClassTable;
///
/// let logits = ClassTable::new(vec![0.0, 0.0, 2.0, 1.0], 2)?;
/// assert_eq!((logits.len(), logits.row(1)), (2, &[2.0, 1.0][..]));
/// assert_eq!(logits.softmax().row(0), [0.5, 0.5]);
/// assert_eq!(logits.argmax(), [0, 0]);
/// # Ok::<(), noisy_labels::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ClassTable {
    values: Vec<f32>,
    classes: usize,
}

impl ClassTable {
    /// The table of these values, row by row. No values make a table without rows, whatever `classes`.
    ///
    /// # Errors
    /// [`Error::Table`] where the values do not fill rows of `classes` columns.
    pub fn new(values: Vec<f32>, classes: usize) -> Result<Self> {
        let fits = if classes == 0 { values.is_empty() } else { values.len().is_multiple_of(classes) };
        if fits { Ok(Self { values, classes }) } else { Err(Error::Table { values: values.len(), classes }) }
    }

    /// The element-wise mean of tables of one shape: DivideMix's prediction at test time is that of both networks' logits
    /// (the authors' sum, halved).
    ///
    /// # Errors
    /// [`Error::Length`] where there is no table, or the shapes differ.
    pub fn mean(tables: &[Self]) -> Result<Self> {
        let classes = tables.first().map_or(0, |table| table.classes);
        for table in tables {
            check_length("classes of a table", classes, table.classes)?;
        }
        let values: Vec<&[f32]> = tables.iter().map(Self::values).collect();
        Ok(Self { values: elementwise_mean(&values)?, classes })
    }

    /// The number of classes, C.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The number of rows, N.
    pub fn len(&self) -> usize {
        self.rows().len()
    }

    /// Whether the table has no rows.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The row of one sample: C values.
    ///
    /// # Panics
    /// If `sample` is not below [`Self::len`].
    pub fn row(&self, sample: usize) -> &[f32] {
        &self.values[sample * self.classes..][..self.classes]
    }

    /// The rows in order, C values each.
    pub fn rows(&self) -> std::slice::ChunksExact<'_, f32> {
        self.values.chunks_exact(self.classes.max(1))
    }

    /// All values, row by row.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// All values, row by row, without a copy.
    pub fn into_values(self) -> Vec<f32> {
        self.values
    }

    /// The softmax of each row; see [`softmax`].
    #[must_use]
    pub fn softmax(&self) -> Self {
        let mut values = self.values.clone();
        values.chunks_exact_mut(self.classes.max(1)).for_each(softmax_in_place);
        Self { values, classes: self.classes }
    }

    /// The class of each row's largest value; see [`argmax`].
    pub fn argmax(&self) -> Vec<usize> {
        self.rows().map(argmax).collect()
    }

    /// Checks that there is one row for each label, and that each label is a class.
    pub(crate) fn check_labels(&self, what: &'static str, labels: &[usize]) -> Result<()> {
        check_labels(labels, self.classes)?;
        check_length(what, labels.len(), self.len())
    }
}

/// The class of the largest value of a row; of tied ones the first, and 0 where there is none. A NaN is larger than no value, and no value
/// is larger than a NaN: a row that begins with one gives 0.
pub fn argmax(row: &[f32]) -> usize {
    let mut best = 0;
    for (class, value) in row.iter().enumerate() {
        if *value > row[best] {
            best = class;
        }
    }
    best
}

/// The softmax of a row, computed with its largest value subtracted, so that no logit overflows. A NaN makes the whole row NaN.
pub fn softmax(row: &[f32]) -> Vec<f32> {
    let mut row = row.to_vec();
    softmax_in_place(&mut row);
    row
}

/// [`softmax`], in f32 or f64, over the row itself.
pub(crate) fn softmax_in_place<T: NdFloat>(row: &mut [T]) {
    let largest = largest(row);
    row.iter_mut().for_each(|value| *value = (*value - largest).exp());
    let sum = row.iter().fold(T::zero(), |sum, value| sum + *value);
    row.iter_mut().for_each(|value| *value /= sum);
}

/// `log sum_c e^(x_c)` of a row, computed with its largest value subtracted.
pub(crate) fn log_sum_exp(row: &[f32]) -> f32 {
    let largest = largest(row);
    let sum: f32 = row.iter().map(|value| (value - largest).exp()).sum();
    sum.ln() + largest
}

fn largest<T: NdFloat>(row: &[T]) -> T {
    row.iter().fold(T::neg_infinity(), |largest, value| largest.max(*value))
}

/// The element-wise mean of slices of one length: of several networks' losses or logits.
///
/// # Errors
/// [`Error::Length`] where there is no slice, or the lengths differ.
pub fn elementwise_mean<S: AsRef<[f32]>>(slices: &[S]) -> Result<Vec<f32>> {
    let Some((first, rest)) = slices.split_first() else {
        return Err(Error::Length { what: "values to take the mean of", expected: 1, found: 0 });
    };
    let mut mean = first.as_ref().to_vec();
    for other in rest {
        check_length("values to take the mean of", mean.len(), other.as_ref().len())?;
        mean.iter_mut().zip(other.as_ref()).for_each(|(sum, value)| *sum += value);
    }
    mean.iter_mut().for_each(|sum| *sum /= slices.len() as f32);
    Ok(mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(values: &[f32], classes: usize) -> ClassTable {
        ClassTable::new(values.to_vec(), classes).unwrap()
    }

    #[test]
    fn values_that_fill_no_rows_are_refused_with_their_number() {
        let refused =
            |values: usize, classes| ClassTable::new(vec![0.0; values], classes).unwrap_err().to_string();
        assert_eq!(refused(5, 2), "5 values do not fill the rows of a table with 2 classes");
        assert_eq!(refused(1, 0), "1 values do not fill the rows of a table with 0 classes");
        assert_eq!((table(&[], 0).len(), table(&[], 3).len(), table(&[0.0; 6], 3).len()), (0, 0, 2));
    }

    #[test]
    fn a_softmax_row_sums_to_one_also_for_huge_logits() {
        // Ratios of e^1, by hand.
        let e = std::f32::consts::E;
        let rows = table(&[1.0, 0.0, 1e4, 1e4 - 1.0, -1e4, -1e4 - 1.0], 2).softmax();
        for row in rows.rows() {
            assert!((row[0] - e / (1.0 + e)).abs() < 1e-6 && (row[0] + row[1] - 1.0).abs() < 1e-6, "{row:?}");
        }
        assert!(softmax(&[f32::NAN, 1.0]).iter().all(|p| p.is_nan()));
        assert_eq!(softmax(&[]), [0.0f32; 0]);
    }

    #[test]
    fn of_tied_values_the_first_is_the_largest_and_nan_never_is() {
        assert_eq!(table(&[0.1, 0.4, 0.4, 3.0, f32::NAN, 3.5], 3).argmax(), [1, 2]);
        assert_eq!(argmax(&[]), 0);
    }

    #[test]
    fn log_sum_exp_neither_overflows_nor_vanishes() {
        assert!((log_sum_exp(&[1e4, 1e4]) - (1e4 + 2f32.ln())).abs() < 1e-2);
        assert!((log_sum_exp(&[-1e4, -1e4]) + 1e4 - 2f32.ln()).abs() < 1e-2);
        assert_eq!(log_sum_exp(&[f32::NEG_INFINITY, 3.0]), 3.0);
    }

    #[test]
    fn the_mean_is_of_tables_of_one_shape() {
        let (a, b) = (table(&[1.0, 2.0], 2), table(&[3.0, 6.0], 2));
        assert_eq!(ClassTable::mean(&[a.clone(), b]).unwrap(), table(&[2.0, 4.0], 2));
        assert!(ClassTable::mean(&[a.clone(), table(&[0.0; 4], 2)]).is_err());
        assert!(ClassTable::mean(&[a, table(&[0.0; 2], 1)]).is_err());
        assert!(ClassTable::mean(&[]).is_err());
    }
}
