//! Formats of the list of issues.

use serde::{Deserialize, Serialize};

/// A format in which the list of issues is written for another program, beside `label_issues.csv`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IssueFormat {
    /// The columns of cleanlab's Datalab, as CSV.
    Datalab,
    /// Metadata of an `imagefolder` of the library `datasets`.
    #[serde(rename = "huggingface")]
    HuggingFace,
    /// Tasks with predictions for Label Studio.
    LabelStudio,
    /// Parquet.
    Parquet,
}

impl IssueFormat {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Datalab, Self::HuggingFace, Self::LabelStudio, Self::Parquet];

    /// Its name in settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Datalab => "datalab",
            Self::HuggingFace => "huggingface",
            Self::LabelStudio => "label-studio",
            Self::Parquet => "parquet",
        }
    }

    /// Whether what is written names the file of each image.
    pub(crate) fn names_files(self) -> bool {
        matches!(self, Self::HuggingFace | Self::LabelStudio)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_has_the_name_that_settings_have() {
        for format in IssueFormat::ALL {
            assert_eq!(serde_json::to_value(format).unwrap(), format.name());
        }
    }
}
