//! `label_issues.parquet`: the columns of `label_issues.csv` under their names, with types; what is empty in the CSV is null.

use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FloatType, Int64Type};
use parquet::errors::Result as ParquetResult;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use crate::files::AtomicFile;
use crate::run::folder::RunFolder;
use crate::run::issue::{ImageSet, LabelIssue};
use crate::{Error, Result};

/// The name of the file in a run folder.
const FILE: &str = "label_issues.parquet";

/// Rows of a row group, which is in memory as a whole when it is written.
const ROWS: usize = 1 << 16;

const SCHEMA: &str = "message label_issues {
    REQUIRED INT64 rank;
    REQUIRED BYTE_ARRAY path (UTF8);
    REQUIRED BYTE_ARRAY given_label (UTF8);
    OPTIONAL BYTE_ARRAY suggested_label (UTF8);
    REQUIRED DOUBLE label_quality;
    OPTIONAL DOUBLE p_clean;
    REQUIRED FLOAT p_given;
    OPTIONAL FLOAT p_suggested;
    OPTIONAL BOOLEAN is_issue;
    REQUIRED BYTE_ARRAY set (UTF8);
}";

/// Writes it, worst label first.
pub(super) fn write(folder: &RunFolder, table: &[LabelIssue]) -> Result<()> {
    let path = folder.file(FILE);
    let mut file = AtomicFile::create(&path)?;
    write_rows(&mut file, table)
        .map_err(|error| Error::io("can't write", &path)(std::io::Error::other(error.to_string())))?;
    file.commit()
}

fn write_rows(file: &mut AtomicFile, table: &[LabelIssue]) -> ParquetResult<()> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by(concat!("effmix version ", env!("CARGO_PKG_VERSION")).to_owned());
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties.build()))?;
    for rows in table.chunks(ROWS) {
        let mut group = RowGroup { rows, writer: writer.next_row_group()? };
        group.column::<Int64Type>(|row| Some(row.rank as i64))?;
        group.column::<ByteArrayType>(|row| Some(text(&row.path)))?;
        group.column::<ByteArrayType>(|row| Some(text(&row.given_label)))?;
        group.column::<ByteArrayType>(|row| {
            Some(&row.suggested_label).filter(|s| !s.is_empty()).map(|s| text(s))
        })?;
        group.column::<DoubleType>(|row| Some(row.label_quality))?;
        group.column::<DoubleType>(|row| row.p_clean)?;
        group.column::<FloatType>(|row| Some(row.p_given))?;
        group.column::<FloatType>(|row| row.p_suggested)?;
        group.column::<BoolType>(|row| row.is_issue)?;
        group.column::<ByteArrayType>(|row| Some(text(set_name(row.set))))?;
        group.writer.close()?;
    }
    writer.close().map(drop)
}

/// Rows on their way into a row group, column by column in the order of the schema.
struct RowGroup<'a, 'w, 'f> {
    rows: &'a [LabelIssue],
    writer: SerializedRowGroupWriter<'w, &'f mut AtomicFile>,
}

impl RowGroup<'_, '_, '_> {
    /// Writes the next column. Required columns have a value in each row.
    fn column<T: DataType>(&mut self, value: impl Fn(&LabelIssue) -> Option<T::T>) -> ParquetResult<()> {
        let Some(mut column) = self.writer.next_column()? else { return Ok(()) };
        let values: Vec<Option<T::T>> = self.rows.iter().map(value).collect();
        let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
        let values: Vec<T::T> = values.into_iter().flatten().collect();
        // A required column has no levels, and its writer looks at none.
        column.typed::<T>().write_batch(&values, Some(&levels), None)?;
        column.close()
    }
}

fn text(text: &str) -> ByteArray {
    ByteArray::from(text)
}

fn set_name(set: ImageSet) -> &'static str {
    match set {
        ImageSet::Train => "train",
        ImageSet::Test => "test",
    }
}
