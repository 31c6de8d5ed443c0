//! Label Studio's exports "JSON" and "JSON-MIN", as far as they hold one choice for each image.

use std::path::Path;

use serde_json::{Map, Value};

use super::verdict::{Place, Verdict, error_at};
use crate::{Error, Result};

/// What the URL of a file of Label Studio's own machine has before the file's path, which is percent-encoded.
const LOCAL_FILE: &str = "/data/local-files/?d=";

/// The name of the choice in the labelling interface that effmix writes.
const CHOICE: &str = "label";

/// The verdicts in an export: of each task the last annotation that was not cancelled. A task without one has a verdict without a label.
///
/// # Errors
/// [`Error::LabelsLine`] where the file is no JSON; [`Error::LabelsTask`] for a task that names no image, or that has several labels.
pub(super) fn verdicts(file: &Path, bytes: &[u8]) -> Result<Vec<Verdict>> {
    let wrong = |line: usize, problem: String| {
        let line = line as u64;
        Error::LabelsLine { file: file.to_owned(), line, problem }
    };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let tasks: Value = serde_json::from_slice(bytes).map_err(|e| wrong(e.line(), format!("no JSON: {e}")))?;
    let Value::Array(tasks) = tasks else {
        return Err(wrong(1, "a list of tasks is expected, as Label Studio exports it as JSON".to_owned()));
    };
    let verdict = |(task, number): (&Value, usize)| {
        let place = Place::Task(number);
        let at = |problem: String| error_at(file, place, problem);
        let task =
            task.as_object().ok_or_else(|| at("it is no object with data and annotations".to_owned()))?;
        Ok(Verdict { place, path: path(task).map_err(at)?, label: label(task).map_err(at)? })
    };
    tasks.iter().zip(1..).map(verdict).collect()
}

/// The path of a task's image: the one that effmix wrote into its data, or the image's URL.
fn path(task: &Map<String, Value>) -> std::result::Result<String, String> {
    let data = task.get("data").and_then(Value::as_object).unwrap_or(task);
    let text = |name: &str| data.get(name).and_then(Value::as_str);
    if let Some(path) = text("path") {
        return Ok(path.to_owned());
    }
    let url = text("image").ok_or("its data have neither a path nor an image")?;
    Ok(match url.split_once(LOCAL_FILE) {
        Some((_, path)) => decoded(path.split('&').next().unwrap_or_default()),
        None => url.to_owned(),
    })
}

/// The label of a task: of the last annotation that was finished.
fn label(task: &Map<String, Value>) -> std::result::Result<Option<String>, String> {
    let Some(annotations) = task.get("annotations") else {
        // JSON-MIN has the choice beside the data.
        return match task.get(CHOICE) {
            Some(choice) => one_choice(choice).map(Some),
            None => Err("it has no annotations: export the project as JSON".to_owned()),
        };
    };
    let finished =
        |annotation: &&Value| annotation.get("was_cancelled").and_then(Value::as_bool) != Some(true);
    let time = |annotation: &&Value| {
        let time = annotation.get("updated_at").or_else(|| annotation.get("created_at"));
        time.and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let annotations = annotations.as_array().ok_or("its annotations are no list")?;
    // Times are ISO 8601, so that the last is the greatest; of equals `max_by_key` gives the last.
    let Some(last) = annotations.iter().filter(finished).max_by_key(time) else { return Ok(None) };
    let regions = last.get("result").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let choices: Vec<&Value> = regions
        .iter()
        .filter(|region| region.get("type").and_then(Value::as_str) == Some("choices"))
        .collect();
    let named = |region: &&&Value| region.get("from_name").and_then(Value::as_str) == Some(CHOICE);
    let region = match choices.as_slice() {
        [] => return Ok(None),
        [one] => one,
        several => several.iter().find(named).ok_or_else(|| {
            format!(
                "it has {} choices, and none is named {CHOICE:?}: one label an image is expected",
                several.len()
            )
        })?,
    };
    one_choice(region.get("value").and_then(|value| value.get("choices")).unwrap_or(&Value::Null)).map(Some)
}

/// The only one of some choices.
fn one_choice(choices: &Value) -> std::result::Result<String, String> {
    let choices = choices.get("choices").unwrap_or(choices);
    let all = match choices {
        Value::Array(all) => all.as_slice(),
        one => std::slice::from_ref(one),
    };
    match all {
        [Value::String(label)] => Ok(label.trim().to_owned()),
        _ => Err(format!("its choice is {choices}, where one label is expected")),
    }
}

/// A text whose bytes may be written as `%` and two hexadecimal digits, and whose blanks as `+`.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| byte == b'%');
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(code) => {
                bytes.push(code);
                rest = &after[2..];
            }
            None => {
                bytes.push(if byte == b'+' { b' ' } else { byte });
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> std::result::Result<Vec<(String, Option<String>)>, String> {
        let verdicts = verdicts(Path::new("e.json"), json.as_bytes()).map_err(|error| error.to_string())?;
        Ok(verdicts.into_iter().map(|verdict| (verdict.path, verdict.label)).collect())
    }

    fn task(data: &str, annotations: &str) -> String {
        format!(r#"[{{"id": 7, "data": {data}, "annotations": {annotations}}}]"#)
    }

    fn annotation(choices: &str, more: &str) -> String {
        format!(
            r#"{{"result": [{{"type": "choices", "from_name": "x", "value": {{"choices": {choices}}}}}]{more}}}"#
        )
    }

    #[test]
    fn the_last_annotation_that_was_finished_counts() {
        let of =
            |annotations: &str| read(&task(r#"{"path": "cat/1.jpg"}"#, annotations)).unwrap().remove(0).1;
        let (cat, dog) = (annotation(r#"["cat"]"#, ""), annotation(r#"["dog"]"#, ""));
        assert_eq!(of("[]"), None);
        assert_eq!(of(r#"[{"result": []}]"#), None);
        assert_eq!(of(&format!("[{cat}]")).unwrap(), "cat");
        assert_eq!(of(&format!("[{cat}, {dog}]")).unwrap(), "dog");
        let cancelled = annotation(r#"["dog"]"#, r#", "was_cancelled": true"#);
        assert_eq!(of(&format!("[{cat}, {cancelled}]")).unwrap(), "cat");
        let [early, late] = ["2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"].map(|time| {
            annotation(&format!("[{:?}]", &time[8..10]), &format!(r#", "updated_at": {time:?}"#))
        });
        assert_eq!(of(&format!("[{late}, {early}]")).unwrap(), "03");
    }

    #[test]
    fn an_image_is_named_by_its_path_or_its_url() {
        let of = |data: &str| read(&task(data, "[]")).unwrap().remove(0).0;
        assert_eq!(of(r#"{"image": "/data/local-files/?d=x", "path": "cat/1.jpg"}"#), "cat/1.jpg");
        assert_eq!(of(r#"{"image": "/data/local-files/?d=a%20b/c%2B+d.jpg&x=1"}"#), "a b/c+ d.jpg");
        assert_eq!(of(r#"{"image": "/data/local-files/?d=50%"}"#), "50%");
        assert_eq!(of(r#"{"image": "https://x/1.jpg"}"#), "https://x/1.jpg");
        let minimal = read(
            r#"[{"image": "1.jpg", "id": 1, "label": "cat"}, {"image": "2.jpg", "label": {"choices": ["dog"]}}]"#,
        );
        let expected = [("1.jpg", "cat"), ("2.jpg", "dog")].map(|(p, l)| (p.to_owned(), Some(l.to_owned())));
        assert_eq!(minimal.unwrap(), expected);
    }

    #[test]
    fn what_is_no_export_of_labels_is_an_error_that_names_the_task() {
        for (json, message) in [
            ("[{", "e.json, line 1: no JSON"),
            ("{}", "e.json, line 1: a list of tasks is expected"),
            ("[1]", "e.json, task 1: it is no object"),
            (r#"[{"data": {"path": "a"}}]"#, "task 1: it has no annotations: export the project as JSON"),
            (&task("{}", "[]"), "task 1: its data have neither a path nor an image"),
            (
                &task(r#"{"path": "a"}"#, &format!("[{}]", annotation(r#"["a", "b"]"#, ""))),
                r#"task 1: its choice is ["a","b"], where one label is expected"#,
            ),
        ] {
            let error = read(json).unwrap_err();
            assert!(error.contains(message), "{json}: {error}");
        }
    }
}
