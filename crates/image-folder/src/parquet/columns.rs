//! The columns of a Parquet file that hold images and labels.

use parquet::basic::{ConvertedType, Type};
use parquet::file::metadata::FileMetaData;
use parquet::schema::types::ColumnDescriptor;
use serde_json::Value;

use crate::nearest::nearest;

/// The key under which `datasets` keeps the features of a set in a file's metadata, as JSON.
const FEATURES: &str = "huggingface";

/// Usual names of the column with images, the best first.
const IMAGES: [&str; 2] = ["image", "img"];

/// The name of the column with labels, where another is not asked for.
const LABEL: &str = "label";

/// The columns of a file that are read, as places among its leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Columns {
    /// The bytes of the images.
    pub(super) images: usize,
    /// The labels.
    pub(super) labels: usize,
    /// The names of the labels' numbers, where the file has them.
    pub(super) names: Option<Vec<String>>,
}

impl Columns {
    /// The columns of a file with this schema; the labels are in the column `label`, where one is asked for.
    ///
    /// # Errors
    /// What is missing or can't be read, in words.
    pub(super) fn find(about: &FileMetaData, label: Option<&str>) -> Result<Self, String> {
        let leaves = about.schema_descr().columns();
        let features = features(about);
        let images: Vec<usize> = (0..leaves.len()).filter(|&leaf| holds_images(&leaves[leaf])).collect();
        let usual = IMAGES.iter().find_map(|name| images.iter().find(|&&leaf| top(&leaves[leaf]) == *name));
        let tops = || {
            let mut tops: Vec<&str> = leaves.iter().map(|leaf| top(leaf)).collect();
            tops.dedup();
            tops
        };
        let quoted =
            |names: &[&str]| names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
        let images = match (usual, images.as_slice()) {
            (Some(usual), _) => *usual,
            (None, [only]) => *only,
            (None, []) => {
                return Err(format!(
                    "no column holds the bytes of images: a column of structs with the field bytes is expected, or one of bytes; the columns are {}",
                    quoted(&tops())
                ));
            }
            (None, several) => {
                let names: Vec<&str> = several.iter().map(|&leaf| top(&leaves[leaf])).collect();
                return Err(format!(
                    "several columns hold images: {}; name the one that is meant \"image\"",
                    quoted(&names)
                ));
            }
        };
        let classes: Vec<&str> =
            tops().into_iter().filter(|name| names_of(features.as_ref(), name).is_some()).collect();
        let wanted = match (label, classes.as_slice()) {
            (Some(label), _) => label,
            (None, [only]) if !tops().contains(&LABEL) => only,
            (None, _) => LABEL,
        };
        let Some(labels) = leaves.iter().position(|leaf| top(leaf) == wanted) else {
            let hint = match nearest(wanted, tops().into_iter()).first() {
                Some(nearest) => format!("; did you mean {nearest:?}?"),
                None => String::new(),
            };
            return Err(format!(
                "no column {wanted:?} holds labels; the columns are {}; name the one that is meant{hint}",
                quoted(&tops())
            ));
        };
        let leaf = &leaves[labels];
        if leaf.path().parts().len() > 1 || leaf.max_rep_level() > 0 {
            return Err(format!(
                "the column {wanted:?} holds more than one value a row, where one label is expected"
            ));
        }
        Ok(Self { images, labels, names: names_of(features.as_ref(), wanted) })
    }
}

/// The name of the column that a leaf is in.
fn top(leaf: &ColumnDescriptor) -> &str {
    leaf.path().parts().first().map_or("", String::as_str)
}

/// Whether a leaf is the bytes of a struct, or bytes that are no text, one a row.
fn holds_images(leaf: &ColumnDescriptor) -> bool {
    if leaf.physical_type() != Type::BYTE_ARRAY || leaf.max_rep_level() > 0 {
        return false;
    }
    match leaf.path().parts() {
        [_] => leaf.converted_type() == ConvertedType::NONE && leaf.logical_type_ref().is_none(),
        [_, field] => field == "bytes",
        _ => false,
    }
}

/// The features of a set by column, where `datasets` wrote them.
fn features(about: &FileMetaData) -> Option<Value> {
    let found = about.key_value_metadata()?.iter().find(|entry| entry.key == FEATURES)?;
    let json: Value = serde_json::from_str(found.value.as_deref()?).ok()?;
    Some(json.get("info")?.get("features")?.clone())
}

/// The names of a column's numbers.
fn names_of(features: Option<&Value>, column: &str) -> Option<Vec<String>> {
    let names = features?.get(column)?.get("names")?.as_array()?;
    names.iter().map(|name| name.as_str().map(str::to_owned)).collect()
}
