//! Data sets as Hugging Face keeps them: an imagefolder with metadata, and Parquet with the bytes of images.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::super::python::Python;
use super::super::setup::{Folder, csv_rows, json, read, train_args};

/// 18 images of three classes, as `datasets` 5.2 writes them by `Dataset.to_parquet`.
fn colours() -> Vec<u8> {
    let text: String = include_str!("colours.parquet.base64").lines().collect();
    STANDARD.decode(text).unwrap()
}

/// The rows of `label_issues.csv` of a run, by path.
fn rows(folder: &Folder, out: &str) -> Vec<Vec<String>> {
    let (_, mut rows) = csv_rows(&read(&folder.path(out).join("label_issues.csv")));
    rows.sort_by(|a, b| a[1].cmp(&b[1]));
    rows
}

#[test]
fn a_file_of_parquet_is_trained_on_measured_and_named_by_its_rows() {
    let folder = Folder::new();
    folder.put("data/train-00000-of-00001.parquet", colours());
    folder.train("out", &["--format", "parquet"]);
    let found = rows(&folder, "out");
    assert_eq!(found.len(), 18);
    assert_eq!(found[3][1..3], ["train-00000-of-00001.parquet/03", "blue"]);
    let evaluation =
        json(folder.run(&["evaluate", "out", "data/train-00000-of-00001.parquet", "--json"]).as_bytes());
    assert_eq!(evaluation["images"], 18);
    assert!(
        std::fs::read_to_string(folder.path("out/report.html")).unwrap().contains("data:image/"),
        "pictures"
    );
    folder.run(&["resume", "out", "--epochs", "4"]);

    // The same images from the cache, from the disk each time, and by their features.
    for (out, more) in [("disk", ["--cache", "disk"]), ("none", ["--cache", "none"])] {
        folder.train(out, &more);
        folder.train("ram", &["--force"]);
        assert_eq!(
            read(&folder.path(out).join("label_issues.csv")),
            read(&folder.path("ram/label_issues.csv")),
            "{out}"
        );
    }
    folder.run(&["noise", "data", "--out", "noisy.csv", "--rate", "0.3", "--seed", "4"]);
    folder.train("noisy", &["--labels", "noisy.csv", "--truth-column", "true_label"]);
    let wrong =
        rows(&folder, "noisy").iter().zip(&found).filter(|(noisy, right)| noisy[2] != right[2]).count();
    assert!(wrong > 0, "labels of a CSV are taken for rows too");

    let message = folder.fails(2, &[&train_args("new")[..], &["--format", "label-studio"]].concat());
    assert!(message.contains("label-studio names the file of each image"), "{message}");
}

#[test]
fn a_file_alone_is_data_and_names_its_run() {
    let folder = Folder::new();
    folder.put("colours.parquet", colours());
    let args: Vec<&str> = train_args("out")
        .into_iter()
        .map(|arg| if arg == "data" { "colours.parquet" } else { arg })
        .collect();
    folder.run(&args[..2].iter().chain(&args[4..]).copied().collect::<Vec<_>>());
    assert!(folder.path("runs/colours-1/summary.json").is_file());
}

#[test]
fn parquet_that_can_not_be_used_is_refused_before_anything_is_written() {
    let (folder, colours) = (Folder::new(), colours());
    for (content, more, message) in [
        (&colours[..colours.len() / 2], ["--seed", "1"], "is no Parquet file, or is cut off"),
        (&b"PAR1"[..], ["--seed", "1"], "is no Parquet file, or is cut off"),
        (
            &colours,
            ["--label-column", "labels"],
            "no column \"labels\" holds labels; the columns are \"image\", \"label\"",
        ),
        (&colours, ["--test", "elsewhere"], "holds no Parquet, as the set does"),
    ] {
        folder.put("data/train.parquet", content);
        folder.put("elsewhere/notes.txt", "x");
        let args = train_args("new");
        let args: Vec<&str> = args[..args.len() - 4].iter().copied().chain(more).collect();
        let said = folder.fails(1, &args);
        assert!(said.contains(message), "{said}");
        assert!(!folder.path("new").exists());
    }
}

#[test]
fn an_imagefolder_with_metadata_is_trained_on() {
    let folder = Folder::new();
    let mut csv = "file_name,label\n".to_owned();
    for number in 0..18 {
        folder.put_image(&format!("data/images/{number:02}.png"), number % 3, number);
        csv += &format!("images/{number:02}.png,{}\n", ["sky", "wood", "brick"][number % 3]);
    }
    folder.put("data/metadata.csv", csv);
    folder.train("out", &[]);
    let found = rows(&folder, "out");
    assert_eq!(found[4][1..3], ["images/04.png", "wood"]);
    assert_eq!(found.len(), 18);
    let evaluation = json(folder.run(&["evaluate", "out", "data", "--json"]).as_bytes());
    assert_eq!(evaluation["images"], 18);
    let message = folder.fails(1, &[&train_args("new")[..], &["--label-column", "lable"]].concat());
    assert!(
        message.contains("metadata.csv: there is no column \"lable\"")
            && message.contains("did you mean \"label\"?"),
        "{message}"
    );
}

#[test]
fn a_label_column_of_class_folders_is_refused() {
    let folder = Folder::with_images(6);
    let message = folder.fails(2, &[&train_args("out")[..], &["--label-column", "x"]].concat());
    assert!(message.contains("--label-column") && message.contains("--labels"), "{message}");
}

#[test]
fn what_other_writers_make_of_parquet_is_read() {
    let name = "what_other_writers_make_of_parquet_is_read";
    let Some(python) = Python::with("datasets, pyarrow.parquet", name) else { return };
    let folder = Folder::with_images(6);
    let script = "
import glob, os
import pyarrow as pa, pyarrow.parquet as pq
from datasets import load_dataset
from datasets.table import embed_table_storage
rows = load_dataset('imagefolder', data_dir='data', split='train')
parts = rows.train_test_split(0.25, seed=1, stratify_by_column='label')
for part in parts:
    os.makedirs('hub/data', exist_ok=True)
    parts[part].to_parquet(f'{part}-paths.parquet')
    parts[part].with_format('arrow').map(embed_table_storage).to_parquet(f'hub/data/{part}-00000-of-00001.parquet')
files = sorted(glob.glob('data/*/*.png'))
images, labels = [open(f, 'rb').read() for f in files], [f.split('/')[1] for f in files]
table = pa.table({'img': images, 'label': pa.array(labels).dictionary_encode()})
for kind in 'zstd', 'gzip', 'none', 'snappy':
    os.makedirs(kind)
    pq.write_table(table, f'{kind}/all.parquet', compression=kind, row_group_size=7, data_page_size=300, data_page_version='2.0')
pq.write_table(table, 'brotli.parquet', compression='brotli')
";
    python.run(&folder, script);
    let of = |data: &'static str, out: &'static str| -> Vec<&'static str> {
        let more = |arg: &'static str| if arg == "data" { data } else { arg };
        train_args(out).into_iter().map(more).collect()
    };
    folder.run(&of("hub", "hub-run"));
    let summary = json(&read(&folder.path("hub-run/summary.json")));
    assert_eq!((&summary["images"], &summary["test_images"]), (&13.into(), &5.into()));
    for kind in ["zstd", "gzip", "none", "snappy"] {
        folder.run(&of(kind, "out").into_iter().chain(["--force"]).collect::<Vec<_>>());
        let found = rows(&folder, "out");
        assert!(found.len() == 18 && found[0][1..3] == ["all.parquet/00", "blue"], "{kind}: {:?}", found[0]);
        assert_eq!(json(&read(&folder.path("out/summary.json")))["skipped_files"], json(b"[]"), "{kind}");
    }
    let message = folder.fails(1, &of("train-paths.parquet", "new"));
    assert!(message.contains("no row holds the bytes of an image"), "{message}");
    let message = folder.fails(1, &of("brotli.parquet", "new"));
    assert!(message.contains("brotli.parquet: ") && message.to_lowercase().contains("brotli"), "{message}");
}
