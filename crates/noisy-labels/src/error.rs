//! The one error type of the crate.

/// An argument that a function of this crate does not take, and why.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A class id that is not below the number of classes.
    #[error(
        "label {label} of sample {sample} is not a class: with {classes} classes, ids run from 0 below {classes}"
    )]
    Label {
        /// The index of the sample.
        sample: usize,
        /// Its label.
        label: usize,
        /// The number of classes.
        classes: usize,
    },
    /// Two arguments that belong together have different lengths.
    #[error("{what}: found {found}, expected {expected}")]
    Length {
        /// The argument whose length does not fit.
        what: &'static str,
        /// The length that the other arguments ask for.
        expected: usize,
        /// Its length.
        found: usize,
    },
    /// Values that do not fill the rows of a table.
    #[error("{values} values do not fill the rows of a table with {classes} classes")]
    Table {
        /// The number of values.
        values: usize,
        /// The number of classes, which is the length of a row.
        classes: usize,
    },
    /// Values that do not fill the rows of features.
    #[error("{values} values do not fill the rows of features with {width} columns")]
    Rows {
        /// The number of values.
        values: usize,
        /// The number of features of a sample, which is the length of a row.
        width: usize,
    },
    /// A number outside its range.
    #[error("{name} is {value}, must be {range}")]
    OutOfRange {
        /// The name of the argument.
        name: &'static str,
        /// Its value.
        value: f64,
        /// The values that are allowed, in words.
        range: &'static str,
    },
    /// A matrix that is not a transition matrix.
    #[error(
        "transition matrix, row {row}: {reason}; each row must hold one probability per class and sum to 1"
    )]
    Transition {
        /// The row (the true class), counted from 0.
        row: usize,
        /// What is wrong with the row.
        reason: String,
    },
    /// A noise model names classes that the data do not have.
    #[error(
        "there is no class \"{}\" among the {classes} given: this noise model is defined by class names",
        names.join("\", \"")
    )]
    MissingClasses {
        /// The names that are missing.
        names: Vec<String>,
        /// The number of classes of the data.
        classes: usize,
    },
    /// A number that is not allowed in a table of one row a sample.
    #[error("{what} of sample {sample}: number {column} is {value}, must be {range}")]
    Entry {
        /// The argument that holds the table.
        what: &'static str,
        /// The row.
        sample: usize,
        /// The place in the row.
        column: usize,
        /// The number at this place.
        value: f64,
        /// The numbers that are allowed, in words.
        range: &'static str,
    },
    /// A row of probabilities whose sum is not about 1.
    #[error(
        "{what} of sample {sample}: the sum is {sum}, must be 1 (within {tolerance}); of logits, take the softmax first"
    )]
    RowSum {
        /// The argument that holds the table.
        what: &'static str,
        /// The row.
        sample: usize,
        /// The sum of the row.
        sum: f64,
        /// The largest distance from 1 that is allowed.
        tolerance: f64,
    },
    /// A full matrix by pairs of classes would take too much memory.
    #[error(
        "{what} is a full matrix of {classes} by {classes} classes, and such matrices are made for at most {most} classes"
    )]
    TooManyClasses {
        /// What the matrix holds.
        what: &'static str,
        /// The number of classes.
        classes: usize,
        /// The largest number of classes.
        most: usize,
    },
    /// A tensor operation failed, most often because shapes do not fit.
    #[cfg(feature = "candle")]
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Checks that every label is a class id below `classes`.
pub(crate) fn check_labels(labels: &[usize], classes: usize) -> Result<()> {
    match labels.iter().position(|&label| label >= classes) {
        Some(sample) => Err(Error::Label { sample, label: labels[sample], classes }),
        None => Ok(()),
    }
}

/// Checks the length of an argument against the length that the other arguments ask for.
pub(crate) fn check_length(what: &'static str, expected: usize, found: usize) -> Result<()> {
    if expected == found { Ok(()) } else { Err(Error::Length { what, expected, found }) }
}

/// Checks every number of a table `[N, width]`.
pub(crate) fn check_entries(
    what: &'static str,
    table: &[f32],
    width: usize,
    range: &'static str,
    allowed: impl Fn(f32) -> bool,
) -> Result<()> {
    match table.iter().position(|&value| !allowed(value)) {
        Some(place) => {
            let (sample, column) = (place / width.max(1), place % width.max(1));
            Err(Error::Entry { what, sample, column, value: f64::from(table[place]), range })
        }
        None => Ok(()),
    }
}
