//! The sets of a run, decoded or as features, as the loop takes them.

use std::path::Path;
use std::sync::Arc;

use candle_core::Device;
use dividemix::{TestSet, TrainingSet, ViewSource};
use effnet_model::Arch;
use image_folder::{Cache, ImageFolder, Policy, Sample, Skipped, Views, copies};

use super::features::{EncodedViews, Encoder, Features};
use super::pixels::{PixelViews, transform_for};
use crate::Result;
use crate::run::{Observer, Progress};
use crate::settings::{Augment, CacheKind};

/// The views of a training image that go through a frozen backbone.
pub(crate) fn encoded_views(augment: Augment) -> EncodedViews {
    if augment == Augment::FlipCrop { EncodedViews::PlainAndFlipped } else { EncodedViews::Plain }
}

/// The sets of a run, ready to train on.
pub(crate) struct Sets {
    pub(crate) train: TrainingSet,
    pub(crate) test: Option<TestSet>,
    /// The training images that can be read, in the order of the training set: sorted by path.
    pub(crate) samples: Vec<Sample>,
    /// The images held out that can be read, in the order of the test set: sorted by path.
    pub(crate) test_samples: Vec<Sample>,
    /// The images held out that are training images as well, byte for byte, each with the first such training image.
    pub(crate) test_copies: Vec<(usize, usize)>,
    /// Whether the held-out images were split off by chance.
    pub(crate) test_is_split_off: bool,
    /// The features of the training images, if the backbone is frozen.
    pub(crate) features: Option<Arc<Features>>,
    /// What can't be read or has no label.
    pub(crate) skipped: Vec<Skipped>,
    /// Whether accuracy is measured against true labels.
    pub(crate) test_is_true: bool,
}

/// How a set's images become views.
pub(crate) struct ViewBuilder<'a> {
    pub(crate) arch: &'a Arch,
    pub(crate) augment: Augment,
    pub(crate) strong: Option<Policy>,
    pub(crate) cache: CacheKind,
    /// The backbone whose features are the views, if it is frozen.
    pub(crate) backbone: Option<Encoder<'a>>,
    /// Where what can be computed again is kept.
    pub(crate) cache_folder: &'a Path,
    pub(crate) observer: &'a dyn Observer,
    /// The device of the networks.
    pub(crate) device: &'a Device,
}

impl ViewBuilder<'_> {
    /// Decodes all images of a set, or gets their features.
    pub(crate) fn sets(&self, folder: ImageFolder) -> Result<Sets> {
        let classes = folder.classes.len();
        let mut skipped = folder.skipped;
        let OfSet { views: train, samples, features } =
            self.views(folder.train, encoded_views(self.augment), &mut skipped)?;
        let OfSet { views: test, samples: test_samples, .. } =
            self.views(folder.test, EncodedViews::Plain, &mut skipped)?;
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
            test_copies: copies(&test_samples, &samples),
            samples,
            test_samples,
            test_is_split_off: folder.test_is_split_off,
            features,
            skipped,
            test_is_true,
        })
    }

    fn views(
        &self,
        samples: Vec<Sample>,
        encoded: EncodedViews,
        skipped: &mut Vec<Skipped>,
    ) -> Result<OfSet> {
        let transform = transform_for(self.arch, self.augment);
        let (of_set, unreadable) = match &self.backbone {
            Some(backbone) => {
                let (features, samples, unreadable) =
                    Features::of(samples, backbone, encoded, self.cache_folder, &transform, self.observer)?;
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
                let progress = |done, total| self.observer.observe(Progress::Read { done, total });
                let (views, unreadable) =
                    Views::build(samples, transform, cache, &progress, self.observer.stop())?;
                let samples = views.samples().to_vec();
                let views = Arc::new(PixelViews::new(views, self.strong, self.device)?);
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
