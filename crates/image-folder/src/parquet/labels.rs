//! The label of each row of a Parquet file.

use parquet::basic::Type;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::file::reader::FileReader;

use super::columns::Columns;

/// The labels of all rows; nothing where a row has none.
///
/// # Errors
/// In words: a column of another type, a number without a name, or a file that can't be read.
pub(super) fn labels(file: &impl FileReader, columns: &Columns) -> Result<Vec<Option<String>>, String> {
    let broken = |error: parquet::errors::ParquetError| format!("its labels can't be read: {error}");
    let schema = file.metadata().file_metadata().schema_descr_ptr();
    let column = schema.column(columns.labels);
    let mut labels = Vec::new();
    for group in 0..file.num_row_groups() {
        let group = file.get_row_group(group).map_err(broken)?;
        let rows =
            usize::try_from(group.metadata().num_rows()).map_err(|_| "its number of rows is negative")?;
        let levels = column.max_def_level();
        let found: Vec<Option<String>> = match group.get_column_reader(columns.labels).map_err(broken)? {
            ColumnReader::Int32ColumnReader(reader) => {
                named(values(reader, rows, levels).map_err(broken)?, columns)?
            }
            ColumnReader::Int64ColumnReader(reader) => {
                named(values(reader, rows, levels).map_err(broken)?, columns)?
            }
            ColumnReader::ByteArrayColumnReader(reader) => {
                texts(values(reader, rows, levels).map_err(broken)?)?
            }
            _ => {
                return Err(format!(
                    "the column {:?} holds {}, where labels are whole numbers or texts",
                    column.name(),
                    of_type(column.physical_type())
                ));
            }
        };
        if found.len() != rows {
            return Err(format!(
                "it is cut off: {} of {rows} labels of a group of rows are there",
                found.len()
            ));
        }
        labels.extend(found);
    }
    Ok(labels)
}

/// All values of a column in a group of rows; nothing where a row has none.
fn values<T: DataType>(
    mut reader: ColumnReaderImpl<T>,
    rows: usize,
    max_level: i16,
) -> parquet::errors::Result<Vec<Option<T::T>>> {
    let (mut levels, mut values, mut read) = (Vec::new(), Vec::new(), 0);
    while read < rows {
        let (records, _, _) = reader.read_records(rows - read, Some(&mut levels), None, &mut values)?;
        if records == 0 {
            break;
        }
        read += records;
    }
    if max_level == 0 {
        return Ok(values.into_iter().map(Some).collect());
    }
    let mut values = values.into_iter();
    Ok(levels.into_iter().map(|level| if level == max_level { values.next() } else { None }).collect())
}

/// Numbers by their names, or written down where there are no names. -1 stands for an image without a label, as `datasets` has it.
fn named<N: Copy + Into<i64>>(
    numbers: Vec<Option<N>>,
    columns: &Columns,
) -> Result<Vec<Option<String>>, String> {
    let name = |number: N| {
        let number: i64 = number.into();
        let Some(names) = &columns.names else { return Ok(Some(number.to_string())) };
        if number == -1 {
            return Ok(None);
        }
        let name = usize::try_from(number).ok().and_then(|number| names.get(number));
        let name =
            name.ok_or_else(|| format!("the label {number} is not below its {} names", names.len()))?;
        Ok(Some(name.clone()))
    };
    numbers.into_iter().map(|number| number.map_or(Ok(None), name)).collect()
}

fn texts(texts: Vec<Option<ByteArray>>) -> Result<Vec<Option<String>>, String> {
    let text = |bytes: ByteArray| {
        let text = bytes.as_utf8().map_err(|_| "a label is not UTF-8".to_owned())?.trim();
        Ok(Some(text).filter(|text| !text.is_empty()).map(str::to_owned))
    };
    texts.into_iter().map(|bytes| bytes.map_or(Ok(None), text)).collect()
}

/// A type in words.
fn of_type(kind: Type) -> &'static str {
    match kind {
        Type::BOOLEAN => "true and false",
        Type::FLOAT | Type::DOUBLE => "numbers with fractions",
        _ => "values of another type",
    }
}
