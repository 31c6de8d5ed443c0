//! Numbers by pairs of classes.

use std::ops::AddAssign;

use crate::error::{Error, Result};

/// The largest number of classes C of which a full matrix `[C, C]` is made, 128 MB in f64. Where a matrix has few numbers that are
/// not 0, any number of classes is taken.
pub const MOST_CLASSES_OF_A_FULL_MATRIX: usize = 4000;

/// A matrix `[C, C]` of numbers by pairs of classes. Only the numbers that are not 0 take memory: of N samples at most N are counted,
/// however many classes there are.
///
/// ```
/// use noisy_labels::metrics::confusion;
///
/// let counts = confusion(&[0, 0, 9999], &[0, 1, 9999], 10_000)?;
/// assert_eq!((counts.get(0, 1), counts.get(1, 0)), (1, 0));
/// assert_eq!(counts.row(0), [(0, 1), (1, 1)]);
/// # Ok::<(), noisy_labels::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassPairs<T> {
    /// For each first class the second classes, ascending, with the pair's number.
    rows: Vec<Vec<(usize, T)>>,
}

impl<T> ClassPairs<T> {
    /// The number of classes, C.
    pub fn classes(&self) -> usize {
        self.rows.len()
    }

    /// The second classes of the pairs that have this first class, ascending, with their numbers; only those that are not 0.
    ///
    /// # Panics
    /// If `first` is not below [`Self::classes`].
    pub fn row(&self, first: usize) -> &[(usize, T)] {
        &self.rows[first]
    }
}

impl<T: Copy + Default + PartialEq + AddAssign> ClassPairs<T> {
    /// The matrix of zeros.
    pub fn new(classes: usize) -> Self {
        Self { rows: vec![Vec::new(); classes] }
    }

    /// The matrix of these full rows, of which each must have as many numbers as there are rows.
    ///
    /// # Errors
    /// [`Error::Length`] for the first row that has more or fewer.
    pub fn from_rows<R: AsRef<[T]>>(rows: impl ExactSizeIterator<Item = R>) -> Result<Self> {
        let classes = rows.len();
        let sparse = |row: R| {
            let row = row.as_ref();
            crate::error::check_length("numbers in a row of a square matrix", classes, row.len())?;
            Ok(row.iter().copied().enumerate().filter(|(_, number)| *number != T::default()).collect())
        };
        Ok(Self { rows: rows.map(sparse).collect::<Result<_>>()? })
    }

    /// Adds to the number of a pair.
    ///
    /// # Panics
    /// If `first` or `second` is not below [`Self::classes`].
    pub fn add(&mut self, first: usize, second: usize, number: T) {
        assert!(second < self.classes(), "class {second} of {}", self.classes());
        let row = &mut self.rows[first];
        match row.binary_search_by_key(&second, |(class, _)| *class) {
            Ok(place) => row[place].1 += number,
            Err(_) if number == T::default() => {}
            Err(place) => row.insert(place, (second, number)),
        }
    }

    /// The number of a pair.
    ///
    /// # Panics
    /// If `first` is not below [`Self::classes`].
    pub fn get(&self, first: usize, second: usize) -> T {
        let row = &self.rows[first];
        row.binary_search_by_key(&second, |(class, _)| *class).map_or(T::default(), |place| row[place].1)
    }

    /// All numbers that are not 0, row by row, each after its first and second class.
    pub fn iter(&self) -> impl Iterator<Item = (usize, usize, T)> + Clone {
        let rows = self.rows.iter().enumerate();
        rows.flat_map(|(first, row)| row.iter().map(move |&(second, number)| (first, second, number)))
    }

    /// A full row of C numbers, the zeros as well.
    ///
    /// # Panics
    /// If `first` is not below [`Self::classes`].
    pub fn full_row(&self, first: usize) -> Vec<T> {
        let mut full = vec![T::default(); self.classes()];
        self.rows[first].iter().for_each(|&(second, number)| full[second] = number);
        full
    }

    /// The full rows, one at a time.
    pub fn full_rows(&self) -> impl ExactSizeIterator<Item = Vec<T>> + '_ {
        (0..self.classes()).map(|first| self.full_row(first))
    }

    /// The matrix with first and second classes exchanged.
    #[must_use]
    pub fn transposed(&self) -> Self {
        let mut rows = vec![Vec::new(); self.classes()];
        for (first, row) in self.rows.iter().enumerate() {
            row.iter().for_each(|&(second, number)| rows[second].push((first, number)));
        }
        Self { rows }
    }

    /// The matrix with each row made anew by `change`, from the first class and the row's numbers that are not 0.
    pub(crate) fn map_rows<U>(
        &self,
        mut change: impl FnMut(usize, &[(usize, T)]) -> Vec<(usize, U)>,
    ) -> ClassPairs<U> {
        ClassPairs { rows: self.rows.iter().enumerate().map(|(first, row)| change(first, row)).collect() }
    }
}

impl ClassPairs<f64> {
    /// The sum of the numbers off the diagonal.
    pub(crate) fn off_diagonal(&self) -> f64 {
        self.iter().filter(|(first, second, _)| first != second).map(|(.., number)| number).sum()
    }
}

/// Checks that a full matrix of so many classes may be made.
pub(crate) fn check_full_matrix(what: &'static str, classes: usize) -> Result<()> {
    let most = MOST_CLASSES_OF_A_FULL_MATRIX;
    if classes > most { Err(Error::TooManyClasses { what, classes, most }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sparse_matrix_is_the_full_one() {
        let full = [[0, 2, 0], [1, 0, 3], [0, 0, 0]];
        let pairs = ClassPairs::from_rows(full.iter()).unwrap();
        assert_eq!(pairs.full_rows().collect::<Vec<_>>(), full);
        assert_eq!(pairs.iter().collect::<Vec<_>>(), [(0, 1, 2), (1, 0, 1), (1, 2, 3)]);
        assert_eq!(pairs.transposed().full_rows().collect::<Vec<_>>(), [[0, 1, 0], [2, 0, 0], [0, 3, 0]]);
        assert!(ClassPairs::from_rows([[1, 2]].iter()).is_err());
        let mut added = ClassPairs::new(3);
        for (first, second, number) in [(1, 2, 1), (1, 0, 1), (0, 1, 2), (1, 2, 2), (2, 2, 0)] {
            added.add(first, second, number);
        }
        assert_eq!(added, pairs);
        assert_eq!((pairs.get(1, 2), pairs.get(2, 2), pairs.row(2).len()), (3, 0, 0));
    }

    #[test]
    fn only_what_is_off_the_diagonal_is_summed() {
        let pairs = ClassPairs::from_rows([[0.5, 0.125], [0.25, 0.125]].iter()).unwrap();
        assert_eq!(pairs.off_diagonal(), 0.375);
    }
}
