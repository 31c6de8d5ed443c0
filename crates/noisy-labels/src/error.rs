//! The one error type of the crate.

/// What can be wrong with the arguments of this crate's functions.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A class id that is not below the number of classes.
    #[error(
        "label {label} of sample {sample} is not a class: with {classes} classes, ids run from 0 below {classes}"
    )]
    Label {
        /// Index of the sample.
        sample: usize,
        /// The label found there.
        label: usize,
        /// Number of classes.
        classes: usize,
    },
    /// Two things which belong together have different lengths.
    #[error("{what}: found {found} values where {expected} belong")]
    Length {
        /// Which of the arguments.
        what: &'static str,
        /// The length that the other arguments ask for.
        expected: usize,
        /// Its length.
        found: usize,
    },
    /// A number outside its range.
    #[error("{name} is {value}, must be {range}")]
    OutOfRange {
        /// Which argument.
        name: &'static str,
        /// Its value.
        value: f64,
        /// The values allowed, in words.
        range: &'static str,
    },
    /// A matrix that is no transition matrix.
    #[error(
        "transition matrix, row {row}: {reason}; each row must hold one probability per class and sum to 1"
    )]
    Transition {
        /// Row (the true class), counted from 0.
        row: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// Classes named by a noise model which the data do not have.
    #[error(
        "there is no class \"{}\" among the {classes} given: this noise model is defined by class names",
        names.join("\", \"")
    )]
    MissingClasses {
        /// The names looked for.
        names: Vec<String>,
        /// Number of classes given.
        classes: usize,
    },
    /// A number in a table, a row a sample, that can't be there.
    #[error("{what} of sample {sample}: number {column} is {value}, must be {range}")]
    Entry {
        /// Which of the arguments.
        what: &'static str,
        /// Row of the table.
        sample: usize,
        /// Place in the row.
        column: usize,
        /// The number found there.
        value: f64,
        /// The numbers allowed, in words.
        range: &'static str,
    },
    /// A tensor operation failed, mostly because shapes do not fit.
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

/// Checks the length of an argument against that of the others.
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
