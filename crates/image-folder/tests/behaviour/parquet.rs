//! Sets in Parquet.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use image::ImageFormat;
use image_folder::{LabelsCsv, OpenOptions, TestSplit, duplicates, open};
use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use crate::util::{Tree, encoded, labels, paths, picture};

/// The columns that `datasets` writes, with the label as this.
const SCHEMA: &str = "message schema { OPTIONAL GROUP image { OPTIONAL BYTE_ARRAY bytes; OPTIONAL BYTE_ARRAY path (UTF8); } LABEL }";
const NUMBER: &str = "OPTIONAL INT64 label;";
const TEXT: &str = "OPTIONAL BYTE_ARRAY label (UTF8);";

/// What `datasets` says of a column of classes.
const CLASSES: &str = r#"{"info": {"features": {"image": {"_type": "Image"}, "label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}}}"#;

/// An image whose width tells it from others.
fn image(width: u32) -> Vec<u8> {
    encoded(&picture(width, 4), ImageFormat::Png)
}

fn column<T: DataType>(group: &mut SerializedRowGroupWriter<'_, File>, level: i16, values: &[Option<T::T>]) {
    let mut column = group.next_column().unwrap().unwrap();
    let levels: Vec<i16> =
        values.iter().map(|value| if value.is_some() { level } else { level - 1 }).collect();
    let values: Vec<T::T> = values.iter().flatten().cloned().collect();
    column.typed::<T>().write_batch(&values, Some(&levels), None).unwrap();
    column.close().unwrap();
}

/// Writes a file of these labels. Row i holds an image i + 1 pixels wide.
fn write<T: DataType>(file: &Path, schema: &str, classes: Option<&str>, labels: &[Option<T::T>]) {
    write_images::<T>(file, schema, classes, labels, |row| Some(ByteArray::from(image(row as u32 + 1))));
}

/// Writes a file of these labels and images, in groups of five rows.
fn write_images<T: DataType>(
    file: &Path,
    schema: &str,
    classes: Option<&str>,
    labels: &[Option<T::T>],
    image: impl Fn(usize) -> Option<ByteArray>,
) {
    let about = classes.map(|json| vec![KeyValue::new("huggingface".to_owned(), json.to_owned())]);
    let properties =
        WriterProperties::builder().set_compression(Compression::SNAPPY).set_key_value_metadata(about);
    let schema = Arc::new(parse_message_type(schema).unwrap());
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let file = File::create(file).unwrap();
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties.build())).unwrap();
    for (number, labels) in labels.chunks(5).enumerate() {
        let mut group = writer.next_row_group().unwrap();
        let images: Vec<Option<ByteArray>> = (0..labels.len()).map(|row| image(5 * number + row)).collect();
        column::<ByteArrayType>(&mut group, 2, &images);
        column::<ByteArrayType>(&mut group, 2, &vec![None; labels.len()]);
        column::<T>(&mut group, 1, labels);
        group.close().unwrap();
    }
    writer.close().unwrap();
}

fn write_numbers(tree: &Tree, name: &str, labels: &[Option<i64>]) {
    write::<Int64Type>(&tree.path().join(name), &SCHEMA.replace("LABEL", NUMBER), Some(CLASSES), labels);
}

fn options() -> OpenOptions {
    OpenOptions { test: TestSplit::Folders, ..OpenOptions::default() }
}

#[test]
fn each_row_is_an_image_under_the_name_of_its_number() {
    let tree = Tree::new();
    let numbers: Vec<Option<i64>> = (0..12).map(|row| Some(row % 2)).collect();
    write_numbers(&tree, "pets.parquet", &numbers);
    for data in [tree.path().to_owned(), tree.path().join("pets.parquet")] {
        let set = open(&data, &options()).unwrap();
        assert_eq!(set.classes, ["cat", "dog"]);
        assert_eq!(labels(&set)[10..], [("pets.parquet/10", "cat"), ("pets.parquet/11", "dog")]);
        assert_eq!(set.train[2].path, "pets.parquet/02");
        // In any order, and by several threads.
        for row in [11, 0, 5, 4, 10, 1] {
            assert_eq!(set.train[row].image().unwrap().dimensions(), (row as u32 + 1, 4));
        }
        std::thread::scope(|scope| {
            let read = |row: usize| set.train[row].image().unwrap().width() as usize == row + 1;
            let threads: Vec<_> =
                (0..12).map(|row| scope.spawn(move || (0..20).all(|_| read(row)))).collect();
            assert!(threads.into_iter().all(|thread| thread.join().unwrap()));
        });
    }
}

#[test]
fn files_are_parts_of_a_set_by_their_names() {
    let tree = Tree::new();
    for name in [
        "data/train-00000-of-00002.parquet",
        "data/train-00001-of-00002.parquet",
        "data/test-00000-of-00001.parquet",
    ] {
        write_numbers(&tree, name, &[Some(0), Some(1)]);
    }
    tree.file("README.md", "a card");
    let set = open(tree.path(), &options()).unwrap();
    assert_eq!(
        paths(&set.train)[2..],
        ["data/train-00001-of-00002.parquet/0", "data/train-00001-of-00002.parquet/1"]
    );
    assert_eq!(
        paths(&set.test),
        ["data/test-00000-of-00001.parquet/0", "data/test-00000-of-00001.parquet/1"]
    );
    assert!(set.warnings.is_empty() && !set.test_is_split_off, "{set:?}");
    write_numbers(&tree, "data/validation-00000-of-00001.parquet", &[Some(0)]);
    let set = open(tree.path(), &options()).unwrap();
    assert_eq!((set.train.len(), set.test.len()), (4, 2));
    assert!(set.warnings[0].contains("files for validation are left out"), "{:?}", set.warnings);
    let all = OpenOptions { test: TestSplit::None, ..options() };
    assert_eq!(open(tree.path(), &all).unwrap().train.len(), 7);
    let alone = tree.path().join("data/test-00000-of-00001.parquet");
    let other = OpenOptions { test: TestSplit::Dir(alone.clone()), ..options() };
    assert_eq!(open(&tree.path().join("data"), &other).unwrap().test.len(), 2);
    assert_eq!(open(&alone, &options()).unwrap().train.len(), 2);
    let part = OpenOptions { test: TestSplit::Fraction(0.5), ..OpenOptions::default() };
    let set = open(&alone, &OpenOptions { per_class: None, ..part }).unwrap();
    assert!(set.test.is_empty(), "a class of one image keeps it");
}

#[test]
fn texts_and_numbers_without_names_are_classes_and_a_row_without_a_label_is_skipped() {
    let tree = Tree::new();
    let file = tree.path().join("t.parquet");
    let text = |text: &str| Some(ByteArray::from(text));
    write::<ByteArrayType>(
        &file,
        &SCHEMA.replace("LABEL", TEXT),
        None,
        &[text("dog"), None, text("cat"), text("")],
    );
    let set = open(&file, &options()).unwrap();
    assert_eq!(labels(&set), [("t.parquet/0", "dog"), ("t.parquet/2", "cat")]);
    assert_eq!(set.skipped.len(), 2);
    assert_eq!(set.skipped[0].reason, "its row has no label");
    write::<Int64Type>(&file, &SCHEMA.replace("LABEL", NUMBER), None, &[Some(10), Some(9)]);
    assert_eq!(open(&file, &options()).unwrap().classes, ["10", "9"]);
    write_numbers(&tree, "t.parquet", &[Some(1), Some(-1), Some(0)]);
    assert_eq!(open(&file, &options()).unwrap().train.len(), 2, "-1 is no label");
}

#[test]
fn a_csv_and_verdicts_name_rows_by_their_paths() {
    let tree = Tree::new();
    write_numbers(&tree, "t.parquet", &[Some(0), Some(1), Some(1)]);
    let beside = Tree::new();
    beside.file("l.csv", "path,label\nt.parquet/0,bird\nt.parquet/1,dog\n");
    beside.file("r.csv", "path,label\nt.parquet/1,bird\n");
    let options = OpenOptions {
        labels: Some(LabelsCsv::new(beside.path().join("l.csv"))),
        reviewed: Some(beside.path().join("r.csv")),
        ..options()
    };
    let set = open(
        tree.path(),
        &OpenOptions { classes: image_folder::Classes::Listed(vec!["bird".into(), "dog".into()]), ..options },
    )
    .unwrap();
    assert_eq!(labels(&set), [("t.parquet/0", "bird"), ("t.parquet/1", "bird")]);
    assert!(set.verified.contains("t.parquet/1") && set.verified.len() == 1);
}

#[test]
fn the_same_image_in_two_rows_is_found() {
    let tree = Tree::new();
    for name in ["a.parquet", "b.parquet"] {
        write_numbers(&tree, name, &[Some(0), Some(1)]);
    }
    let set = open(tree.path(), &options()).unwrap();
    let found = duplicates(&set.train, Some(&[1, 2, 1, 2]));
    assert_eq!(found.iter().map(|group| group.images.clone()).collect::<Vec<_>>(), [[0, 2], [1, 3]]);
}

#[test]
fn what_can_not_be_used_is_an_error_that_says_what_is_expected() {
    let tree = Tree::new();
    let file = tree.path().join("t.parquet");
    let error = |column: Option<&str>| {
        let options = OpenOptions { label_column: column.map(str::to_owned), ..options() };
        open(&file, &options).unwrap_err().to_string()
    };
    write_numbers(&tree, "t.parquet", &[Some(0), Some(1)]);
    assert!(error(Some("labl")).contains("no column \"labl\" holds labels; the columns are \"image\", \"label\"; name the one that is meant; did you mean \"label\"?"));
    assert!(error(Some("image")).contains("the column \"image\" holds more than one value a row"));
    write_numbers(&tree, "t.parquet", &[Some(0), Some(2)]);
    assert!(error(None).contains("the label 2 is not below its 2 names"));
    let schema = SCHEMA.replace("LABEL", "OPTIONAL DOUBLE label;");
    write::<DoubleType>(&file, &schema, None, &[Some(0.5)]);
    assert!(error(None).contains("the column \"label\" holds numbers with fractions"));
    let schema = SCHEMA.replace("LABEL", "OPTIONAL INT64 fine; ");
    write::<Int64Type>(&file, &schema, None, &[Some(1)]);
    assert!(error(None).contains("no column \"label\" holds labels; the columns are \"image\", \"fine\""));
    let schema = SCHEMA.replace("bytes;", "bytes (UTF8);").replace("LABEL", NUMBER).replace("bytes", "text");
    write::<Int64Type>(&file, &schema, None, &[Some(1)]);
    assert!(error(None).contains("no column holds the bytes of images"));

    write_numbers(&tree, "t.parquet", &[Some(0), Some(1)]);
    let whole = std::fs::read(&file).unwrap();
    for end in [0, 3, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&file, &whole[..end]).unwrap();
        assert!(
            error(None).contains("t.parquet: is no Parquet file, or is cut off"),
            "{end}: {}",
            error(None)
        );
    }
}

#[test]
fn a_row_without_bytes_is_skipped_and_a_file_of_such_rows_is_refused() {
    let tree = Tree::new();
    let (file, schema) = (tree.path().join("t.parquet"), SCHEMA.replace("LABEL", NUMBER));
    let some = |row: usize| (row > 0).then(|| ByteArray::from(image(row as u32 + 1)));
    let labels = [Some(0), Some(1), Some(1)];
    write_images::<Int64Type>(&file, &schema, Some(CLASSES), &labels, some);
    let set = open(&file, &options()).unwrap();
    assert_eq!(set.train[0].image().unwrap_err(), "its row holds no bytes of an image");
    assert_eq!(set.train[2].image().unwrap().width(), 3);
    write_images::<Int64Type>(&file, &schema, Some(CLASSES), &labels, |_| None);
    let error = || open(&file, &options()).unwrap_err().to_string();
    assert!(error().contains("t.parquet: no row holds the bytes of an image"), "{}", error());
    write_numbers(&tree, "t.parquet", &[None, None]);
    let message = "t.parquet: no row to train on: each needs an image and a label (2 skipped, the first: t.parquet/0: its row has no label)";
    assert!(error().contains(message), "{}", error());
    write_numbers(&tree, "t.parquet", &[]);
    assert!(error().contains("(there are no rows)"), "{}", error());
}

/// Whatever became of a file's bytes, it is refused, or its rows are images or have a reason why they are none.
#[test]
fn a_byte_that_was_changed_is_no_end_of_the_program() {
    let tree = Tree::new();
    let file = tree.path().join("t.parquet");
    write_numbers(&tree, "t.parquet", &[Some(0), Some(1), Some(1)]);
    let whole = std::fs::read(&file).unwrap();
    let (mut refused, mut unreadable) = (0, 0);
    for place in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x55;
        std::fs::write(&file, bytes).unwrap();
        match open(&file, &options()) {
            Err(error) => {
                assert!(error.to_string().contains("t.parquet: "), "{error}");
                refused += 1;
            }
            Ok(set) => unreadable += set.train.iter().filter(|sample| sample.image().is_err()).count(),
        }
    }
    assert!(refused > 100 && unreadable > 100, "{refused} {unreadable}");
}
