//! Features of samples, read row by row, so that whoever holds them in a file or in half precision need not copy them.

use ndarray::Array2;

use crate::error::{Error, Result, check_length};

/// Writes the features of a sample into a row of their length.
type ReadRow<'a> = Box<dyn Fn(usize, &mut [f32]) + Send + Sync + 'a>;

/// The features of N samples, F numbers each: a table `[N, F]` of f32 that is read a row at a time.
///
/// ```
/// use noisy_labels::Features;
///
/// let lite0 = [3.0, 4.0, 0.0, 2.0];
/// let lite1 = Features::from_fn(2, 1, |sample, row| row[0] = 5.0 - 10.0 * sample as f32);
/// let both = Features::side_by_side(vec![Features::from_slice(&lite0, 2)?, lite1])?;
/// assert_eq!((both.len(), both.width()), (2, 3));
/// let mut row = [0.0; 3];
/// both.copy_row(0, &mut row);
/// assert_eq!(row, [0.6, 0.8, 1.0]);
/// # Ok::<(), noisy_labels::Error>(())
/// ```
pub struct Features<'a> {
    samples: usize,
    width: usize,
    read: ReadRow<'a>,
}

impl<'a> Features<'a> {
    /// The features of these values, row by row: `width` values a sample.
    ///
    /// # Errors
    /// [`Error::Rows`] where the values do not fill rows of `width` columns.
    pub fn from_slice(values: &'a [f32], width: usize) -> Result<Self> {
        let fits = if width == 0 { values.is_empty() } else { values.len().is_multiple_of(width) };
        if !fits {
            return Err(Error::Rows { values: values.len(), width });
        }
        let read = move |sample: usize, row: &mut [f32]| {
            row.copy_from_slice(&values[sample * width..][..width]);
        };
        Ok(Self::from_fn(values.len() / width.max(1), width, read))
    }

    /// The features of `samples` samples that `read(sample, row)` writes into a row of `width` values. A row is read several
    /// times, by several threads, and must be the same each time.
    pub fn from_fn(
        samples: usize,
        width: usize,
        read: impl Fn(usize, &mut [f32]) + Send + Sync + 'a,
    ) -> Self {
        Self { samples, width, read: Box::new(read) }
    }

    /// The same features, each row divided by its Euclidean norm. A row of zeros stays as it is.
    #[must_use]
    pub fn normalised(self) -> Self {
        let (samples, width) = (self.samples, self.width);
        let read = move |sample: usize, row: &mut [f32]| {
            self.copy_row(sample, row);
            normalise(row);
        };
        Self::from_fn(samples, width, read)
    }

    /// The features of several networks for the same samples, joined to one row a sample. Each network's row is divided by its
    /// Euclidean norm, so that networks count alike whatever the unit of their features is.
    ///
    /// # Errors
    /// [`Error::Length`] where there is no network, or the numbers of samples differ.
    pub fn side_by_side(bodies: Vec<Features<'a>>) -> Result<Self> {
        let Some(first) = bodies.first() else {
            return Err(Error::Length { what: "networks with features", expected: 1, found: 0 });
        };
        let samples = first.samples;
        for body in &bodies {
            check_length("samples with features of a network", samples, body.samples)?;
        }
        let width = bodies.iter().map(Self::width).sum();
        let bodies: Vec<Self> = bodies.into_iter().map(Self::normalised).collect();
        let read = move |sample: usize, mut row: &mut [f32]| {
            for body in &bodies {
                let (own, rest) = row.split_at_mut(body.width);
                body.copy_row(sample, own);
                row = rest;
            }
        };
        Ok(Self::from_fn(samples, width, read))
    }

    /// The number of samples, N.
    pub fn len(&self) -> usize {
        self.samples
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.samples == 0
    }

    /// The number of features of a sample, F.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Writes the features of one sample into `row`, which has [`Self::width`] values.
    pub fn copy_row(&self, sample: usize, row: &mut [f32]) {
        (self.read)(sample, row);
    }

    /// The features of these samples, `[samples, F]`.
    pub(crate) fn rows(&self, samples: impl ExactSizeIterator<Item = usize>) -> Array2<f32> {
        let mut rows = Array2::zeros((samples.len(), self.width));
        for (sample, mut row) in samples.zip(rows.outer_iter_mut()) {
            // A row of an array that was just made lies in one piece.
            if let Some(row) = row.as_slice_mut() {
                self.copy_row(sample, row);
            }
        }
        rows
    }

    /// Checks that every feature is a finite number.
    pub(crate) fn check_finite(&self) -> Result<()> {
        let mut row = vec![0.0; self.width];
        for sample in 0..self.samples {
            self.copy_row(sample, &mut row);
            if let Some(column) = row.iter().position(|value| !value.is_finite()) {
                let value = f64::from(row[column]);
                return Err(Error::Entry { what: "features", sample, column, value, range: "finite" });
            }
        }
        Ok(())
    }
}

impl std::fmt::Debug for Features<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Features [{}, {}]", self.samples, self.width)
    }
}

/// Divides a row by its Euclidean norm, which is summed in f64 so that no square overflows. A row of zeros stays as it is.
pub(crate) fn normalise(row: &mut [f32]) {
    let norm = row.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
    if norm > 0.0 {
        row.iter_mut().for_each(|value| *value = (f64::from(*value) / norm) as f32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_as_they_lie_and_normalised_by_network() {
        let values = [1.0, 2.0, 2.0, 0.0, 0.0, 0.0];
        let features = Features::from_slice(&values, 3).unwrap();
        assert_eq!(
            features.rows([1, 0].into_iter()).into_raw_vec_and_offset().0,
            [0.0, 0.0, 0.0, 1.0, 2.0, 2.0]
        );
        let huge = Features::from_fn(2, 2, |_, row| {
            row.copy_from_slice(&[3.0, -4.0].map(|value| value * 2f32.powi(100)))
        });
        let both = Features::side_by_side(vec![features, huge]).unwrap();
        let third = 1.0 / 3.0;
        assert_eq!(
            both.rows(0..2).into_raw_vec_and_offset().0,
            [third, 2.0 * third, 2.0 * third, 0.6, -0.8, 0.0, 0.0, 0.0, 0.6, -0.8]
        );
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let refused = Features::from_slice(&[0.0; 5], 2).unwrap_err().to_string();
        assert_eq!(refused, "5 values do not fill the rows of features with 2 columns");
        assert!(Features::from_slice(&[0.0], 0).is_err());
        assert!(Features::side_by_side(vec![]).is_err());
        let of = |samples| Features::from_fn(samples, 1, |_, _| ());
        assert!(Features::side_by_side(vec![of(2), of(3)]).is_err());
        let infinite = Features::from_slice(&[0.0, 1.0, 2.0, f32::INFINITY], 2).unwrap();
        let refused = infinite.check_finite().unwrap_err().to_string();
        assert_eq!(refused, "features of sample 1: number 1 is inf, must be finite");
    }
}
