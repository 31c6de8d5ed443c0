//! From the settings to the images of a run: opened, decoded, and wrapped for the loop.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use effnet_model::Arch;
use image_folder::{
    Cache, DemoOptions, ImageFolder, LabelsCsv, OpenOptions, Pixels, Policy, Sample, Skipped, TestSplit,
    Views, copies, demo,
};

use super::defaults::Facts;
use super::features::{Body, Features, Wanted};
use super::pixels::{PixelViews, stopped, transform_for};
use super::settings::{Augment, CacheKind, Settings};
use crate::{Hyperparameters, Result, TestSet, TrainingSet, ViewSource};

/// Part of the images held out where there is no test set.
pub(super) const TEST_FRACTION: f64 = 0.1;

/// Columns of a labels CSV that doesn't say otherwise.
pub(super) const COLUMNS: (&str, &str) = ("path", "label");

/// Images whose size is looked at, to know what the set is like.
const LOOKED_AT: usize = 25;

/// The images of a run, listed, not yet decoded.
#[derive(Debug)]
pub struct Data {
    /// The set.
    pub folder: ImageFolder,
    /// What the defaults depend on.
    pub facts: Facts,
}

impl Data {
    /// Lists the images that the settings name; makes the demo set if they name none.
    ///
    /// # Errors
    /// What is wrong with the folder or the labels file.
    pub fn open(settings: &Settings) -> Result<Self> {
        Self::open_named(settings, None)
    }

    /// [`Data::open`], where the paths of the images below `--test DIR` begin with `test_name`, as the user gave DIR.
    pub(super) fn open_named(settings: &Settings, test_name: Option<&Path>) -> Result<Self> {
        let folder = match &settings.data {
            None => demo(
                settings.seed.unwrap_or_else(|| Hyperparameters::default().seed),
                &DemoOptions::default(),
            ),
            Some(data) => image_folder::open(data, &options(settings, test_name))?,
        };
        let facts = Facts {
            images: folder.train.len(),
            classes: folder.classes.len(),
            side: typical_side(&folder.train),
            demo: settings.data.is_none(),
        };
        Ok(Self { folder, facts })
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

/// The views of a training image that go through a frozen body.
pub(super) fn wanted_for(augment: Augment) -> Wanted {
    if augment == Augment::FlipCrop { Wanted::PlainAndFlipped } else { Wanted::Plain }
}

/// The sets of a run, ready to train on.
pub(crate) struct Sets {
    pub(crate) train: TrainingSet,
    pub(crate) test: Option<TestSet>,
    /// The training images that can be read, in the order of the training set: sorted by path.
    pub(crate) samples: Vec<Sample>,
    /// The images held out that can be read, in the order of the test set: sorted by path.
    pub(crate) test_samples: Vec<Sample>,
    /// Which of the images held out are training images as well, byte for byte.
    pub(crate) test_copies: Vec<usize>,
    /// Whether the held-out images were split off by chance.
    pub(crate) test_is_split_off: bool,
    /// The features of the training images, if the body is frozen.
    pub(crate) features: Option<Arc<Features>>,
    /// What can't be read or has no label.
    pub(crate) skipped: Vec<Skipped>,
    /// Whether accuracy is measured against true labels.
    pub(crate) test_is_true: bool,
}

/// How a set's images become views.
pub(crate) struct Making<'a> {
    pub(crate) arch: &'a Arch,
    pub(crate) augment: Augment,
    pub(crate) strong: Option<Policy>,
    pub(crate) cache: CacheKind,
    /// The body whose features are the views, if it is frozen.
    pub(crate) body: Option<Body<'a>>,
    /// Where what can be computed again is kept.
    pub(crate) cache_folder: &'a Path,
    pub(crate) progress: &'a (dyn Fn(usize, usize) + Sync),
    pub(crate) features: &'a (dyn Fn(usize, usize) + Sync),
    pub(crate) stop: &'a AtomicBool,
}

impl Making<'_> {
    /// Decodes all images of a set, or gets their features.
    pub(crate) fn sets(&self, folder: ImageFolder) -> Result<Sets> {
        let classes = folder.classes.len();
        let mut skipped = folder.skipped;
        let OfSet { views: train, samples, features } =
            self.views(folder.train, wanted_for(self.augment), &mut skipped)?;
        let OfSet { views: test, samples: test_samples, .. } =
            self.views(folder.test, Wanted::Plain, &mut skipped)?;
        // By the truth where it is known, else by the given label: of all test images, or of none.
        let truths: Option<Vec<usize>> = test_samples.iter().map(|s| s.truth).collect();
        let test_is_true = truths.is_some();
        let labels = truths.unwrap_or_else(|| test_samples.iter().map(|s| s.label).collect());
        skipped.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Sets {
            train: TrainingSet {
                views: train,
                labels: samples.iter().map(|s| s.label).collect(),
                truth: samples.iter().map(|s| s.truth).collect(),
                classes,
                teacher: None,
            },
            test: (!labels.is_empty()).then_some(TestSet { views: test, labels }),
            test_copies: copies(&test_samples, &samples).into_iter().map(|(copy, _)| copy).collect(),
            samples,
            test_samples,
            test_is_split_off: folder.test_is_split_off,
            features,
            skipped,
            test_is_true,
        })
    }

    fn views(&self, samples: Vec<Sample>, wanted: Wanted, skipped: &mut Vec<Skipped>) -> Result<OfSet> {
        let transform = transform_for(self.arch, self.augment);
        let (of_set, unreadable) = match &self.body {
            Some(body) => {
                let (features, samples, unreadable) = Features::of(
                    samples,
                    body,
                    wanted,
                    self.cache_folder,
                    &transform,
                    self.features,
                    self.stop,
                )?;
                let features = Arc::new(features);
                let views = Arc::clone(&features) as Arc<dyn ViewSource>;
                (OfSet { views, samples, features: Some(features) }, unreadable)
            }
            None => {
                let cache = match self.cache {
                    CacheKind::Ram => Cache::Ram,
                    CacheKind::Disk => Cache::Disk(self.cache_folder.to_owned()),
                    CacheKind::None => Cache::None,
                };
                let (views, unreadable) =
                    Views::build(samples, transform, cache, self.progress, self.stop).map_err(stopped)?;
                let samples = views.samples().to_vec();
                let views = Arc::new(PixelViews { views, strong: self.strong });
                (OfSet { views, samples, features: None }, unreadable)
            }
        };
        skipped.extend(unreadable);
        Ok(of_set)
    }
}

/// What the loop trains or measures on, and what it is made of.
struct OfSet {
    views: Arc<dyn ViewSource>,
    /// The images that can be read, in the order of the views.
    samples: Vec<Sample>,
    features: Option<Arc<Features>>,
}

/// The name of a run on this data, for its folder: of the data's own folder, or `demo`.
pub fn name_of(data: Option<&Path>) -> String {
    let named = |path: &Path| {
        let whole: PathBuf = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        whole.file_name().map(|name| name.to_string_lossy().into_owned())
    };
    data.map_or_else(|| "demo".to_owned(), |path| named(path).unwrap_or_else(|| "run".to_owned()))
}
