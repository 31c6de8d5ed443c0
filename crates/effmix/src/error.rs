//! The one error type of the crate. Its messages name the flags of the program, and say what to do.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::LazyLock;

/// What can go wrong with a run or a model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A tensor operation failed.
    #[error("tensor operation: {0}")]
    Tensor(#[from] candle_core::Error),
    /// A set of images could not be opened or read.
    #[error(transparent)]
    Images(image_folder::Error),
    /// A network or its weights could not be built, read or written.
    #[error(transparent)]
    Model(#[from] effnet_model::Error),
    /// Noisy-label arithmetic met arguments that it can't use.
    #[error(transparent)]
    Labels(#[from] noisy_labels::Error),
    /// The page of a run could not be made.
    #[error(transparent)]
    Report(#[from] effmix_report::Error),
    /// The training loop failed.
    #[error(transparent)]
    Training(dividemix::Error),
    /// A file could not be read or written.
    #[error("{what} {}: {source}", path.display())]
    Io {
        /// What was tried, as "can't write".
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file's content is not what this program writes.
    #[error("{}: {problem}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A setting is out of its range, or two don't go together.
    #[error("{name}: {problem}")]
    Setting {
        /// The flag that sets it: `--threshold`.
        name: Cow<'static, str>,
        /// What is wrong and what is allowed.
        problem: String,
    },
    /// An output is there already, or is not this program's to replace.
    #[error("{}: {problem}", path.display())]
    Output {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// What should compute can't be used, or failed.
    #[error("{device}: {problem}")]
    Device {
        /// The device: `cuda:0`.
        device: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// There is too little memory or disk.
    #[error(
        "not enough room {place}: the run needs about {needed}, and there are {left}; {remedy}; --anyway starts it as it is"
    )]
    InsufficientResources {
        /// Where: "in memory", "on the disk of FOLDER".
        place: String,
        /// What is needed, with its unit.
        needed: String,
        /// What there is, with its unit.
        left: String,
        /// What to do.
        remedy: String,
    },
    /// Weights by name can't be had.
    #[error("{name}: {problem}")]
    Hub {
        /// The name: `imagenet`, `hf://OWNER/REPO`.
        name: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// Pretrained weights are wanted and can't be had; the text says why, and each way out.
    #[error("{0}")]
    NoWeights(String),
    /// The data can't be used.
    #[error("{0}")]
    Data(String),
    /// The loss is no longer a number.
    #[error("{message}")]
    Diverged {
        /// The network, counted from 1.
        network: usize,
        /// The epoch, counted from 1.
        epoch: usize,
        /// The batch, counted from 1.
        batch: usize,
        /// The loss, NaN or infinite.
        loss: f64,
        /// All of this, and what to do.
        message: String,
    },
    /// The observer's stop flag was raised.
    #[error("stopped")]
    Stopped,
}

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An I/O error with what was tried and where: `map_err(Error::io("can't write", path))`.
    pub fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { what, path, source }
    }

    /// A setting that can't be, by its flag, and what is wrong.
    pub(crate) fn setting(name: &'static str, problem: impl Into<String>) -> Self {
        Self::Setting { name: name.into(), problem: problem.into() }
    }
}

/// The loop's errors name the fields of its settings; here these are flags.
impl From<dividemix::Error> for Error {
    fn from(error: dividemix::Error) -> Self {
        use dividemix::Error as Loop;
        match error {
            Loop::Format { path, problem } => Self::Format { path, problem: with_flags(&problem) },
            Loop::Setting { name, problem } => {
                Self::Setting { name: flag(name).into(), problem: with_flags(&problem) }
            }
            Loop::Diverged { network, epoch, batch, loss, .. } => {
                Self::Diverged { network, epoch, batch, loss, message: with_flags(&error.to_string()) }
            }
            Loop::Stopped => Self::Stopped,
            // An error of this crate's own views or observers, on its way through the loop.
            Loop::Caller(error) => match error.downcast::<Self>() {
                Ok(own) => *own,
                Err(other) => Self::Training(Loop::Caller(other)),
            },
            other => Self::Training(other),
        }
    }
}

impl From<Error> for dividemix::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Stopped => Self::Stopped,
            other => Self::caller(other),
        }
    }
}

/// The stop flag's error is the same one everywhere.
impl From<image_folder::Error> for Error {
    fn from(error: image_folder::Error) -> Self {
        match error {
            image_folder::Error::Stopped => Self::Stopped,
            other => Self::Images(other),
        }
    }
}

/// Fields of [`dividemix::Hyperparameters`] whose flags have other names, or that have none.
const FLAGS: [(&str, &str); 3] =
    [("ablation", "--ablate"), ("strong_views", "--strong-view"), ("mixture", "the mixture's settings")];

/// The flag that sets a field.
fn flag(field: &str) -> String {
    match FLAGS.iter().find(|(name, _)| *name == field) {
        Some((_, flag)) => (*flag).to_owned(),
        None => format!("--{}", field.replace('_', "-")),
    }
}

/// Whether it is a field of [`dividemix::Hyperparameters`].
pub(crate) fn is_hyperparameter(name: &str) -> bool {
    static FIELDS: LazyLock<serde_json::Value> =
        LazyLock::new(|| serde_json::json!(dividemix::Hyperparameters::default()));
    FIELDS.get(name).is_some()
}

/// A text whose fields of the loop's settings, which stand in backticks, are flags. Other names in backticks stay as they are.
pub(crate) fn with_flags(text: &str) -> String {
    let mut rest = text;
    let mut flags = String::new();
    while let Some((before, quoted)) = rest.split_once('`') {
        flags.push_str(before);
        rest = match quoted.split_once('`') {
            Some((name, after)) if is_hyperparameter(name) => {
                flags.push_str(&flag(name));
                after
            }
            _ => {
                flags.push('`');
                quoted
            }
        };
    }
    flags + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_the_loop_become_flags() {
        let problem = "30 is not allowed; it must be at most `epochs`".to_owned();
        let error = Error::from(dividemix::Error::Setting { name: "lambda_u_ramp", problem });
        assert_eq!(error.to_string(), "--lambda-u-ramp: 30 is not allowed; it must be at most --epochs");
    }

    #[test]
    fn a_checkpoint_of_other_settings_names_flags() {
        let problem = "it was made with other settings: `lambda_u` was 25, and is now 0".to_owned();
        let error = Error::from(dividemix::Error::Format { path: "a `name`".into(), problem });
        assert_eq!(
            error.to_string(),
            "a `name`: it was made with other settings: --lambda-u was 25, and is now 0"
        );
    }

    #[test]
    fn names_in_backticks_that_are_no_fields_stay() {
        for text in ["missing field `epoch` at line 1", "a ` alone", "`", "``", "no name", "`epochs"] {
            assert_eq!(with_flags(text), text);
        }
        assert_eq!(with_flags("`epoch` and `epochs`, `lr`"), "`epoch` and --epochs, --lr");
    }

    #[test]
    fn a_training_that_diverged_names_the_flag_to_lower() {
        let diverged = |weight_decay| {
            let (network, epoch, batch, loss, lr) = (1, 2, 3, f64::NAN, 0.05);
            Error::from(dividemix::Error::Diverged { network, epoch, batch, loss, lr, weight_decay })
                .to_string()
        };
        assert!(diverged(5e-4).ends_with("lower the learning rate (--lr, now 0.05)"), "{}", diverged(5e-4));
        assert!(diverged(1e38).contains("(--weight-decay, now 1e38, at a learning rate --lr of 0.05)"));
    }

    #[test]
    fn every_field_of_the_loop_has_a_flag() {
        let fields = serde_json::to_value(dividemix::Hyperparameters::default()).unwrap();
        // The mixture's own settings are a preset's; they have no flag.
        for field in fields.as_object().unwrap().keys().filter(|field| *field != "mixture") {
            let line = format!("{} = 0", &flag(field)[2..]);
            let read = toml::from_str::<crate::Settings>(&line);
            let unknown = read.is_err_and(|e| e.to_string().contains("unknown field"));
            assert!(!unknown, "{field}: {line}");
        }
    }

    #[test]
    fn an_error_of_this_crate_comes_back_from_the_loop_as_it_was() {
        let there = dividemix::Error::from(Error::Data("b.jpg: gone".to_owned()));
        assert!(matches!(Error::from(there), Error::Data(text) if text == "b.jpg: gone"));
        assert!(matches!(Error::from(dividemix::Error::from(Error::Stopped)), Error::Stopped));
    }
}
