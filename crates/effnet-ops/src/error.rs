//! The errors of the operations, which name the shapes.

/// Why an operation was refused. The operations return [`candle_core::Result`], in which this is
/// wrapped ([`candle_core::Error::Wrapped`]); its text names the operation, the shapes it got and
/// the shapes it takes.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The shapes of the arguments do not fit the operation or each other.
    #[error("{op}: shapes do not fit: got {got}; expected {expected}")]
    Shape {
        /// The operation's name.
        op: &'static str,
        /// The arguments with their shapes.
        got: String,
        /// What the operation takes.
        expected: &'static str,
    },
    /// A setting outside its range.
    #[error("{op}: {setting} is {value}, but must be {range}")]
    Setting {
        /// The operation's name.
        op: &'static str,
        /// The setting's name.
        setting: &'static str,
        /// The value that was given.
        value: f64,
        /// The values allowed.
        range: &'static str,
    },
    /// The operation was given a tensor that is not f32 in main memory.
    #[error("{op}: takes f32 tensors on the CPU, got {got}; convert with to_dtype(DType::F32) or to_device")]
    Storage {
        /// The operation's name.
        op: &'static str,
        /// Element type and device of the offender.
        got: String,
    },
    /// A tensor shares its values with one that the operation changes.
    #[error(
        "{op}: the {role} at place {index} of the list shares its values with what the operation changes"
    )]
    Shared {
        /// The operation's name.
        op: &'static str,
        /// What the tensor is to the operation.
        role: &'static str,
        /// Its place in the list.
        index: usize,
    },
    /// A dispatch level that this processor cannot run.
    #[error("dispatch level {level} is not available on this processor (available: {available})")]
    Level {
        /// The level asked for.
        level: &'static str,
        /// The levels there are.
        available: String,
    },
}

impl From<Error> for candle_core::Error {
    fn from(error: Error) -> Self {
        Self::wrap(error)
    }
}

/// A shape error, with the arguments listed as `name [d0, d1, ..]`.
pub(crate) fn shape_error(
    op: &'static str,
    arguments: &[(&str, &[usize])],
    expected: &'static str,
) -> candle_core::Error {
    let got: Vec<String> = arguments.iter().map(|(name, dims)| format!("{name} {dims:?}")).collect();
    Error::Shape { op, got: got.join(", "), expected }.into()
}
