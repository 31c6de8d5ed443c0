//! The list of issues for other programs: `--format`.

use super::super::python::Python;
use super::super::setup::{Folder, csv_rows, json, read, train_args};

/// A run with all formats on 18 images, one of which is under two labels and in a folder with an odd name.
fn run_with_all_formats() -> Folder {
    let folder = Folder::with_images(6);
    folder.put_image("data/red/odd & näme +1.png", 2, 30);
    folder.put_image("data/green/copy.png", 2, 30);
    folder.train("out", &["--format", "datalab,huggingface", "--format", "label-studio,parquet"]);
    folder
}

/// The rows of `label_issues.csv`.
fn issues(folder: &Folder) -> Vec<Vec<String>> {
    csv_rows(&read(&folder.path("out/label_issues.csv"))).1
}

#[test]
fn every_format_holds_every_row_of_the_list() {
    let folder = run_with_all_formats();
    let issues = issues(&folder);
    assert_eq!(issues.len(), 20);
    let (header, rows) = csv_rows(&read(&folder.path("out/datalab.csv")));
    assert_eq!(header, ["path", "is_label_issue", "label_score", "given_label", "predicted_label"]);
    assert!(rows.is_sorted_by_key(|row| &row[0]), "the order is the data set's");
    let flagged =
        |rows: &[Vec<String>], column: usize| rows.iter().filter(|row| row[column] == "true").count();
    assert_eq!((rows.len(), flagged(&rows, 1)), (20, flagged(&issues, 8)));
    assert!(rows.iter().all(|row| !row[4].is_empty()), "each image has a prediction");

    let (header, rows) = csv_rows(&read(&folder.path("out/metadata.csv")));
    assert_eq!(header[..3], ["file_name", "label", "suggested_label"]);
    let paths =
        |rows: &[Vec<String>], column: usize| rows.iter().map(|row| row[column].clone()).collect::<Vec<_>>();
    assert_eq!(paths(&rows, 0), paths(&issues, 1), "paths are relative to DATA, worst label first");

    let tasks = json(&read(&folder.path("out/label_studio.json")));
    let tasks = tasks.as_array().unwrap();
    let scores: Vec<f64> =
        tasks.iter().map(|task| task["predictions"][0]["score"].as_f64().unwrap()).collect();
    assert!(tasks.len() == 20 && scores.is_sorted(), "{scores:?}");
    let odd = tasks.iter().find(|task| task["data"]["path"] == "red/odd & näme +1.png").unwrap();
    assert_eq!(odd["data"]["image"], "/data/local-files/?d=data/red/odd%20%26%20n%C3%A4me%20%2B1.png");
    assert!(
        std::str::from_utf8(&read(&folder.path("out/label_studio.xml"))).unwrap().contains("value=\"green\"")
    );
}

#[test]
fn the_list_is_written_in_one_format_and_force_takes_it_away_again() {
    let folder = Folder::with_images(6);
    folder.put("c.toml", "format = [\"parquet\"]");
    folder.train("out", &["--config", "c.toml"]);
    let written = || {
        let names =
            ["datalab.csv", "metadata.csv", "label_studio.json", "label_studio.xml", "label_issues.parquet"];
        names.into_iter().filter(|name| folder.path("out").join(name).exists()).collect::<Vec<_>>()
    };
    assert_eq!(written(), ["label_issues.parquet"]);
    let parquet = read(&folder.path("out/label_issues.parquet"));
    folder.train("out", &["--force"]);
    assert_eq!(written(), [""; 0]);
    folder.train("out", &["--force", "--format", "parquet", "--threads", "1"]);
    assert_eq!(read(&folder.path("out/label_issues.parquet")), parquet, "the same run has the same bytes");
}

#[test]
fn a_format_that_does_not_exist_or_names_files_where_there_are_none_is_refused() {
    let folder = Folder::with_images(6);
    let message = folder.fails(2, &[&train_args("out")[..], &["--format", "datalap"]].concat());
    assert!(message.contains("'datalab'") && message.contains("label-studio"), "{message}");
    let message = folder.fails(2, &["train", "--out", "out", "--format", "parquet,huggingface"]);
    assert!(message.contains("huggingface names the file of each image"), "{message}");
    assert!(!folder.path("out").exists());
}

#[test]
fn pandas_reads_the_columns_that_datalab_returns() {
    let name = "pandas_reads_the_columns_that_datalab_returns";
    let Some(python) = Python::with("cleanlab.datalab.internal.data_issues", name) else { return };
    let folder = run_with_all_formats();
    // Datalab itself, on numbers of its own, has these columns and types.
    let script = "
import numpy as np, pandas as pd
from cleanlab import Datalab
ours = pd.read_csv('out/datalab.csv', index_col='path')
lab = Datalab({'y': ['a', 'b'] * 20}, label_name='y', verbosity=0)
lab.find_issues(pred_probs=np.tile([[0.9, 0.1], [0.2, 0.8]], (20, 1)), issue_types={'label': {}})
theirs = lab.get_issues('label')
assert list(ours.columns) == list(theirs.columns), (ours.columns, theirs.columns)
assert list(ours.dtypes) == list(theirs.dtypes), (ours.dtypes, theirs.dtypes)
print(len(ours), ours.index.is_unique, 'red/odd & näme +1.png' in ours.index)
";
    assert_eq!(python.run(&folder, script), "20 True True\n");
}

#[test]
fn datasets_loads_the_metadata_beside_the_images() {
    let name = "datasets_loads_the_metadata_beside_the_images";
    let Some(python) = Python::with("datasets", name) else { return };
    let folder = run_with_all_formats();
    std::fs::copy(folder.path("out/metadata.csv"), folder.path("data/metadata.csv")).unwrap();
    let script = "
from datasets import load_dataset
for given in dict(data_files='data/metadata.csv'), dict(data_dir='data'):
    rows = load_dataset('imagefolder', split='train', **given)
    print(len(rows), rows[0]['image'].size, rows[0]['label_quality'], sorted(set(rows['label'])))
";
    let line = "20 (12, 12) 0.0 ['blue', 'green', 'red']\n";
    assert_eq!(python.run(&folder, script), line.repeat(2));
}

#[test]
fn label_studio_takes_the_tasks_by_the_interface() {
    let name = "label_studio_takes_the_tasks_by_the_interface";
    let Some(python) = Python::with("label_studio_sdk.label_interface", name) else { return };
    let folder = run_with_all_formats();
    let script = "
import json, os
os.environ['LOCAL_FILES_DOCUMENT_ROOT'] = os.getcwd()
from label_studio_sdk.label_interface import LabelInterface
from label_studio_sdk._extensions.label_studio_tools.core.utils.io import get_local_path
interface = LabelInterface(open('out/label_studio.xml').read())
interface.validate()
tasks = json.load(open('out/label_studio.json'))
for task in tasks:
    assert interface.validate_task({'data': task['data']}), task
    for prediction in task['predictions']:
        assert not interface.validate_prediction(prediction, return_errors=True), prediction
    found = get_local_path(task['data']['image'])
    assert os.path.samefile(found, os.path.join('data', task['data']['path'])), found
print(len(tasks))
";
    assert_eq!(python.run(&folder, script), "20\n");
}

#[test]
fn pyarrow_reads_the_list_with_its_types() {
    let name = "pyarrow_reads_the_list_with_its_types";
    let Some(python) = Python::with("pyarrow.parquet, pandas", name) else { return };
    let folder = run_with_all_formats();
    let script = "
import pandas as pd, pyarrow.parquet as pq
table = pq.read_table('out/label_issues.parquet')
print(*(f'{f.name}:{f.type}' for f in table.schema))
ours, csv = table.to_pandas(), pd.read_csv('out/label_issues.csv')
assert list(ours.columns) == list(csv.columns)
for name in csv.columns:
    ours_of, csv_of = ours[name].astype(object), csv[name].astype(object)
    same = (ours_of.isna() & csv_of.isna()) | (ours_of == csv_of)
    if name.startswith('p_'):
        same |= (ours_of.astype(float) - csv_of.astype(float)).abs() < 1e-6
    assert same.all(), name
";
    let types = "rank:int64 path:string given_label:string suggested_label:string label_quality:double p_clean:double p_given:float \
                 p_suggested:float is_issue:bool set:string\n";
    assert_eq!(python.run(&folder, script), types);
}
