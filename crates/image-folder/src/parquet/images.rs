//! One Parquet file, and the bytes of its images by row.
//!
//! A page of Parquet is read as a whole, and holds many images. So all rows of a page are kept for those that are asked for next. There is one
//! such page for each thread, so that memory stays bounded, however large the file is.

use std::collections::VecDeque;
use std::fmt::{self, Debug, Formatter};
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::column::reader::ColumnReaderImpl;
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::{SerializedFileReader, SerializedPageReader};
use parquet::file::statistics::Statistics;

use super::columns::Columns;
use super::labels::labels;

/// A Parquet file whose rows hold images.
pub struct ParquetImages {
    path: PathBuf,
    metadata: Arc<ParquetMetaData>,
    columns: Columns,
    /// The first row of each group of rows, and the number of all rows.
    starts: Vec<usize>,
    /// The pages that were used last, the last one at the end.
    pages: Mutex<VecDeque<Arc<PageOfImages>>>,
}

/// The images in the rows of a page; nothing where a row has none.
struct PageOfImages {
    first: usize,
    images: Vec<Option<ByteArray>>,
}

impl PageOfImages {
    /// The image of a row of this page.
    fn image(&self, row: usize) -> Option<&Option<ByteArray>> {
        row.checked_sub(self.first).and_then(|place| self.images.get(place))
    }
}

impl ParquetImages {
    /// Opens a file, and gives the label of each row; nothing where a row has none. The labels are in the column `label`, where one is named;
    /// else in the column of this name, or in the only one whose numbers have names.
    ///
    /// # Errors
    /// In words: a file that can't be read or is cut off; columns that are missing or of another type.
    pub(crate) fn open(path: &Path, label: Option<&str>) -> Result<(Self, Vec<Option<String>>), String> {
        unless_it_panics(|| Self::open_sound(path, label))
    }

    fn open_sound(path: &Path, label: Option<&str>) -> Result<(Self, Vec<Option<String>>), String> {
        let file = File::open(path).map_err(|error| format!("can't be read: {error}"))?;
        let file = SerializedFileReader::new(file)
            .map_err(|error| format!("is no Parquet file, or is cut off: {error}"))?;
        let metadata = Arc::new(file.metadata().clone());
        let columns = Columns::find(metadata.file_metadata(), label)?;
        let is_empty = |group: &RowGroupMetaData| {
            let chunk = group.column(columns.images);
            let without = chunk.statistics().and_then(Statistics::null_count_opt);
            without.is_some_and(|without| i64::try_from(without) == Ok(chunk.num_values()))
        };
        if !metadata.row_groups().is_empty() && metadata.row_groups().iter().all(is_empty) {
            return Err("no row holds the bytes of an image, only the path of one at most: write the images into the file (datasets does so \
                        where embed_table_storage is mapped over the set first)"
                .to_owned());
        }
        let labels = labels(&file, &columns)?;
        let mut starts = vec![0];
        for group in metadata.row_groups() {
            let rows = usize::try_from(group.num_rows()).unwrap_or_default();
            starts.push(starts.last().copied().unwrap_or_default() + rows);
        }
        Ok((Self { path: path.to_owned(), metadata, columns, starts, pages: Mutex::default() }, labels))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The bytes of the image file that a row holds.
    ///
    /// # Errors
    /// In words: a row without an image, or a file that can't be read any more.
    pub fn bytes(&self, row: usize) -> Result<Vec<u8>, String> {
        let page = match self.kept(row) {
            Some(page) => page,
            None => Arc::new(unless_it_panics(|| {
                self.read(row).map_err(|error| format!("can't be read: {error}"))
            })?),
        };
        self.keep(&page);
        match page.image(row) {
            Some(Some(bytes)) => Ok(bytes.data().to_vec()),
            Some(None) => Err("its row holds no bytes of an image".to_owned()),
            None => Err("its row is not there: the file is cut off".to_owned()),
        }
    }

    /// The page that holds a row, if it is kept.
    fn kept(&self, row: usize) -> Option<Arc<PageOfImages>> {
        let pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        pages.iter().rev().find(|page| page.image(row).is_some()).cloned()
    }

    /// Makes a page the one that was used last.
    fn keep(&self, page: &Arc<PageOfImages>) {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        pages.retain(|kept| kept.first != page.first);
        while pages.len() >= rayon::current_num_threads() {
            pages.pop_front();
        }
        pages.push_back(Arc::clone(page));
    }

    /// Reads the page that holds a row, from a handle of its own: threads that share one would move each other's place in the file.
    fn read(&self, row: usize) -> parquet::errors::Result<PageOfImages> {
        let group = self.starts.partition_point(|start| *start <= row).saturating_sub(1);
        let (mut first, end) = (self.starts[group], self.starts.get(group + 1).copied().unwrap_or_default());
        let file = Arc::new(File::open(&self.path)?);
        let chunk = self.metadata.row_group(group).column(self.columns.images);
        let mut pages = SerializedPageReader::new(file, chunk, end - first, None)?;
        while let Some(page) = pages.peek_next_page()? {
            // A dictionary that is skipped is read when a page needs it. Without lists, a level is a row.
            let rows = page.num_rows.or(page.num_levels).unwrap_or_default();
            if !page.is_dict && first + rows > row {
                break;
            }
            pages.skip_next_page()?;
            first += if page.is_dict { 0 } else { rows };
        }
        let column = chunk.column_descr_ptr();
        let max_level = column.max_def_level();
        let pages = OnePage { pages: Box::new(pages), is_read: false };
        let mut reader = ColumnReaderImpl::<ByteArrayType>::new(column, Box::new(pages));
        let (mut levels, mut values) = (Vec::new(), Vec::new());
        while reader.read_records(end - first, Some(&mut levels), None, &mut values)?.0 > 0 {}
        let mut values = values.into_iter();
        let images = match max_level {
            0 => values.map(Some).collect(),
            _ => levels
                .into_iter()
                .map(|level| (level == max_level).then(|| values.next()).flatten())
                .collect(),
        };
        Ok(PageOfImages { first, images })
    }
}

/// What `read` gives; an error where it panics: the crate `parquet` does so for some broken files, which must not end the program.
fn unless_it_panics<T>(read: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err("is broken: its reader failed".to_owned()))
}

/// The pages of a column until one with values was read, so that none after it is.
struct OnePage {
    pages: Box<dyn PageReader>,
    is_read: bool,
}

impl Iterator for OnePage {
    type Item = parquet::errors::Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for OnePage {
    fn get_next_page(&mut self) -> parquet::errors::Result<Option<Page>> {
        if self.is_read {
            return Ok(None);
        }
        let page = self.pages.get_next_page()?;
        self.is_read = matches!(page, Some(Page::DataPage { .. } | Page::DataPageV2 { .. }));
        Ok(page)
    }

    fn peek_next_page(&mut self) -> parquet::errors::Result<Option<PageMetadata>> {
        if self.is_read { Ok(None) } else { self.pages.peek_next_page() }
    }

    fn skip_next_page(&mut self) -> parquet::errors::Result<()> {
        self.pages.skip_next_page()
    }

    fn supports_deferred_dictionary(&self) -> bool {
        self.pages.supports_deferred_dictionary()
    }

    fn take_deferred_dictionary(&mut self) -> parquet::errors::Result<Option<Page>> {
        self.pages.take_deferred_dictionary()
    }
}

impl Debug for ParquetImages {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParquetImages").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Two are equal where they are the same file.
impl PartialEq for ParquetImages {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path
    }
}
