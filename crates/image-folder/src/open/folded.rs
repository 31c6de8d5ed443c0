//! Names as file systems that disagree may all have them.

use unicode_normalization::UnicodeNormalization;

/// The name without what file systems disagree about: case, and how letters with marks are made up.
pub(super) fn folded(name: &str) -> String {
    name.nfc().collect::<String>().to_lowercase()
}
