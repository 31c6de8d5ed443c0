//! `label_studio.json`, tasks with predictions for Label Studio, and `label_studio.xml`, the labelling interface that they are for.
//!
//! An image is named as Label Studio serves files of its own machine: `/data/local-files/?d=PATH`, with PATH relative to
//! `LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT`. That root must lie above the folder that is added as local storage, so it is the folder which
//! the set's folder is in. Source: labelstud.io/guide/predictions and /guide/storage.

use std::fmt::Write as _;

use serde::Serialize;

use super::image_files::ImageFiles;
use crate::Result;
use crate::files::write_atomic;
use crate::run::folder::RunFolder;
use crate::run::issue::{ImageSet, LabelIssue};

/// The tasks.
const TASKS: &str = "label_studio.json";

/// The labelling interface.
const INTERFACE: &str = "label_studio.xml";

/// What a URL of a local file begins with.
const LOCAL_FILES: &str = "/data/local-files/?d=";

/// The names of the image and of the choice in the labelling interface.
const IMAGE: &str = "image";
const CHOICE: &str = "label";

#[derive(Serialize)]
struct Task<'a> {
    data: TaskData<'a>,
    predictions: [Prediction<'a>; 1],
}

/// What a task is about, and the columns that can be shown and sorted by in Label Studio.
#[derive(Serialize)]
struct TaskData<'a> {
    image: String,
    path: &'a str,
    given_label: &'a str,
    label_quality: f64,
    is_issue: Option<bool>,
    set: ImageSet,
}

#[derive(Serialize)]
struct Prediction<'a> {
    model_version: &'static str,
    /// Label Studio shows tasks of the lowest score first, where it is told to sort by it.
    score: f64,
    result: [Region<'a>; 1],
}

#[derive(Serialize)]
struct Region<'a> {
    from_name: &'static str,
    to_name: &'static str,
    r#type: &'static str,
    value: Value<'a>,
}

#[derive(Serialize)]
struct Value<'a> {
    choices: [&'a str; 1],
}

/// Writes both files, a task for each image and the worst label first, and returns how they are used.
pub(super) fn write(
    folder: &RunFolder,
    table: &[LabelIssue],
    images: &ImageFiles<'_>,
    classes: &[String],
) -> Result<String> {
    let root = images.root();
    let tasks = table.iter().filter_map(|row| Some(task(row, &images.below(root, &row.path)?)));
    write_atomic(&folder.file(TASKS), |out| {
        out.write_all(b"[")?;
        for (task, separator) in tasks.zip(std::iter::once("\n").chain(std::iter::repeat(",\n"))) {
            out.write_all(separator.as_bytes())?;
            serde_json::to_writer(&mut *out, &task)?;
        }
        out.write_all(b"\n]\n")
    })?;
    write_atomic(&folder.file(INTERFACE), |out| out.write_all(interface(classes).as_bytes()))?;
    Ok(format!(
        "Label Studio finds the images of {TASKS} if it is started with LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true and \
         LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT={}, and {} is added as local storage; {INTERFACE} is the labelling interface",
        root.display(),
        images.data().display()
    ))
}

fn task<'a>(row: &'a LabelIssue, file: &str) -> Task<'a> {
    Task {
        data: TaskData {
            image: format!("{LOCAL_FILES}{}", percent_encoded(file)),
            path: &row.path,
            given_label: &row.given_label,
            label_quality: row.label_quality,
            is_issue: row.is_issue,
            set: row.set,
        },
        predictions: [Prediction {
            model_version: concat!("effmix ", env!("CARGO_PKG_VERSION")),
            score: row.label_quality,
            result: [Region {
                from_name: CHOICE,
                to_name: IMAGE,
                r#type: "choices",
                value: Value { choices: [row.predicted_label()] },
            }],
        }],
    }
}

/// One choice of these classes for each image.
fn interface(classes: &[String]) -> String {
    let mut text = format!("<View>\n  <Image name=\"{IMAGE}\" value=\"$image\"/>\n");
    text += &format!("  <Choices name=\"{CHOICE}\" toName=\"{IMAGE}\" choice=\"single\">\n");
    for class in classes {
        text += &format!("    <Choice value=\"{}\"/>\n", escaped(class));
    }
    text + "  </Choices>\n</View>\n"
}

/// A text in an attribute's double quotes.
fn escaped(text: &str) -> String {
    let escape = |c: char| match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        c if c.is_control() => format!("&#{};", u32::from(c)),
        c => c.to_string(),
    };
    text.chars().map(escape).collect()
}

/// A path as the value of a query: all but letters, digits, `-._~` and `/` become the codes of their bytes.
fn percent_encoded(path: &str) -> String {
    path.bytes().fold(String::with_capacity(path.len()), |mut text, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                text.push(byte.into())
            }
            // Writing to a string can't fail.
            _ => drop(write!(text, "%{byte:02X}")),
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_classes_of_any_name_are_escaped() {
        assert_eq!(
            percent_encoded("photos/Käse & mehr/a+b 1.jpg"),
            "photos/K%C3%A4se%20%26%20mehr/a%2Bb%201.jpg"
        );
        assert_eq!(escaped("a<b> & \"c\"\n"), "a&lt;b&gt; &amp; &quot;c&quot;&#10;");
    }
}
