//! The images that the settings name, listed but not decoded.

use std::path::{Path, PathBuf};

use dividemix::Hyperparameters;
use image_folder::{DemoOptions, ImageFolder, LabelsCsv, OpenOptions, Pixels, Sample, TestSplit, demo};

use crate::Result;
use crate::settings::{COLUMNS, DatasetStats, Settings, TEST_FRACTION};

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
            Some(data) => image_folder::open(data, &options(settings, test_name))?,
        };
        let stats = DatasetStats {
            images: folder.train.len(),
            classes: folder.classes.len(),
            side: typical_side(&folder.train),
            demo: settings.data.is_none(),
        };
        Ok(Self { folder, stats })
    }
}

fn options(settings: &Settings, test_name: Option<&Path>) -> OpenOptions {
    let column = |name: &Option<String>, default: &str| name.clone().unwrap_or_else(|| default.to_owned());
    let labels = settings.labels.as_ref().map(|file| LabelsCsv {
        file: file.clone(),
        path_column: column(&settings.path_column, COLUMNS.0),
        label_column: column(&settings.label_column, COLUMNS.1),
        truth_column: settings.truth_column.clone(),
    });
    let test = match &settings.test {
        Some(folder) => TestSplit::Dir(folder.clone()),
        None => TestSplit::Fraction(settings.test_fraction.unwrap_or(TEST_FRACTION)),
    };
    OpenOptions { labels, test, per_class: settings.per_class, test_name: test_name.map(Path::to_owned) }
}

/// Median of the short sides of some images spread over the set, by their headers alone.
fn typical_side(samples: &[Sample]) -> usize {
    let step = samples.len().div_ceil(LOOKED_AT).max(1);
    let mut sides: Vec<u32> = samples.iter().step_by(step).filter_map(short_side).collect();
    sides.sort_unstable();
    sides.get(sides.len() / 2).map_or(32, |side| *side as usize)
}

fn short_side(sample: &Sample) -> Option<u32> {
    let (width, height) = match &sample.source {
        Pixels::Memory(image) => image.dimensions(),
        Pixels::File(path) => {
            image::ImageReader::open(path).ok()?.with_guessed_format().ok()?.into_dimensions().ok()?
        }
    };
    Some(width.min(height))
}

/// The name of a run on this data, for its folder: of the data's own folder, or `demo`.
pub fn name_of(data: Option<&Path>) -> String {
    let named = |path: &Path| {
        let whole: PathBuf = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        whole.file_name().map(|name| name.to_string_lossy().into_owned())
    };
    data.map_or_else(|| "demo".to_owned(), |path| named(path).unwrap_or_else(|| "run".to_owned()))
}
