//! The images that the settings name, listed but not decoded.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use dividemix::Hyperparameters;
use image_folder::{
    Classes, DemoOptions, ImageFolder, LabelsCsv, Limits, OpenOptions, Pixels, Sample, TestSplit, demo,
    has_label_columns, read_classes,
};

use crate::run::RunFolder;
use crate::settings::{COLUMNS, DatasetStats, MAX_PIXELS, Settings, Shape, TEST_FRACTION};
use crate::{Error, Result};

/// Number of images whose size is read to know the typical size of the set.
const LOOKED_AT: usize = 25;

/// The images of a run, listed, not yet decoded.
#[derive(Debug)]
pub struct Data {
    /// The set.
    pub folder: ImageFolder,
    /// What the defaults depend on.
    pub stats: DatasetStats,
}

impl Data {
    /// Lists the images that the settings name; makes the demo set if they name none.
    ///
    /// # Errors
    /// A setting out of its range; what is wrong with the folder or the labels file.
    pub fn open(settings: &Settings) -> Result<Self> {
        Self::open_named(settings, None)
    }

    /// [`Data::open`], where the paths of the images below `--test DIR` begin with `test_name`, as the user gave DIR.
    pub(crate) fn open_named(settings: &Settings, test_name: Option<&Path>) -> Result<Self> {
        settings.check_ranges()?;
        let folder = match &settings.data {
            None => demo(
                settings.seed.unwrap_or_else(|| Hyperparameters::default().seed),
                &DemoOptions::default(),
            ),
            Some(data) => image_folder::open(data, &options(settings, test_name)?)?,
        };
        let sizes = sizes(&folder.train);
        let stats = DatasetStats {
            images: folder.train.len(),
            classes: folder.classes.len(),
            side: typical_side(&sizes),
            shape: shape(&sizes),
            demo: settings.data.is_none(),
        };
        Ok(Self { folder, stats })
    }
}

fn options(settings: &Settings, test_name: Option<&Path>) -> Result<OpenOptions> {
    let column = |name: &Option<String>, default: &str| name.clone().unwrap_or_else(|| default.to_owned());
    let labels = settings.labels.as_ref().map(|file| LabelsCsv {
        file: file.clone(),
        path_column: column(&settings.path_column, COLUMNS.0),
        label_column: column(&settings.label_column, COLUMNS.1),
        truth_column: settings.truth_column.clone(),
        split_column: settings.split_column.clone(),
    });
    if let (Some(_), None, Some(data)) = (&settings.label_column, &labels, &settings.data)
        && !has_label_columns(data)
    {
        let problem =
            "names a column of a CSV, of Parquet or of an imagefolder's metadata; give a CSV with --labels";
        return Err(Error::setting("--label-column", problem));
    }
    let test = match &settings.test {
        Some(folder) => TestSplit::Dir(folder.clone()),
        None => TestSplit::Fraction(settings.test_fraction.unwrap_or(TEST_FRACTION)),
    };
    let classes = settings.classes.as_deref().map(read_classes).transpose()?;
    Ok(OpenOptions {
        labels,
        label_column: settings.label_column.clone(),
        reviewed: settings.reviewed.clone(),
        test,
        per_class: settings.per_class,
        test_name: test_name.map(Path::to_owned),
        classes: classes.map_or(Classes::Found, Classes::Listed),
        limits: limits(settings.max_pixels),
        is_output: Some(RunFolder::is_at),
    })
}

/// The limits of images where `--max-pixels` is this.
pub fn limits(max_pixels: Option<u64>) -> Limits {
    Limits { max_pixels: max_pixels.unwrap_or(MAX_PIXELS), ..Limits::default() }
}

/// Width and height of some images spread over the set, by their headers alone.
fn sizes(samples: &[Sample]) -> Vec<(u32, u32)> {
    let step = samples.len().div_ceil(LOOKED_AT).max(1);
    samples.iter().step_by(step).filter_map(size).collect()
}

fn size(sample: &Sample) -> Option<(u32, u32)> {
    match &sample.source {
        Pixels::Memory(image) => Some(image.dimensions()),
        Pixels::File { path, .. } => {
            image::ImageReader::open(path).ok()?.with_guessed_format().ok()?.into_dimensions().ok()
        }
        Pixels::Row { table, row, .. } => {
            let bytes = Cursor::new(table.bytes(*row).ok()?);
            image::ImageReader::new(bytes).with_guessed_format().ok()?.into_dimensions().ok()
        }
    }
}

/// Median of the short sides.
fn typical_side(sizes: &[(u32, u32)]) -> usize {
    let mut sides: Vec<u32> = sizes.iter().map(|(width, height)| *width.min(height)).collect();
    sides.sort_unstable();
    sides.get(sides.len() / 2).map_or(32, |side| *side as usize)
}

/// How many images are far from square, and the size of the one in the middle of these by their proportions.
fn shape(sizes: &[(u32, u32)]) -> Shape {
    let proportion =
        |(width, height): (u32, u32)| f64::from(width.max(height)) / f64::from(width.min(height).max(1));
    let mut long: Vec<(u32, u32)> = sizes.iter().copied().filter(|size| proportion(*size) > 2.0).collect();
    long.sort_by(|a, b| proportion(*a).total_cmp(&proportion(*b)));
    let typical = long.get(long.len() / 2).copied().unwrap_or_default();
    Shape { looked_at: sizes.len(), long: long.len(), typical }
}

/// The name of a run on this data, for its folder: of the data's own folder, or `demo`.
pub fn name_of(data: Option<&Path>) -> String {
    let named = |path: &Path| {
        let whole: PathBuf = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let name = if whole.is_file() { whole.file_stem() } else { whole.file_name() };
        name.map(|name| name.to_string_lossy().into_owned())
    };
    data.map_or_else(|| "demo".to_owned(), |path| named(path).unwrap_or_else(|| "run".to_owned()))
}
