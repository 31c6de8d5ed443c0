//! The sets of a run, decoded or as features, as the loop takes them.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use candle_core::Device;
use dividemix::{TestSet, TrainingSet, ViewSource};
use effnet_model::Arch;
use image_folder::{Cache, Duplicates, ImageFolder, Left, Policy, Sample, Skipped, Views, duplicates};

use super::features::{EncodedViews, Encoder, Features};
use super::pixels::{PixelViews, transform_for};
use crate::Result;
use crate::run::{Observer, Progress};
use crate::settings::{Augment, CacheKind, OwnFeatures};

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
    /// The images held out that are training images as well, each with the first such training image.
    pub(crate) test_copies: Vec<(usize, usize)>,
    /// Whether the held-out images were split off by chance.
    pub(crate) test_is_split_off: bool,
    /// The features of the training images, if the backbone is frozen.
    pub(crate) features: Option<Arc<Features>>,
    /// What can't be read or has no label, sorted by path.
    pub(crate) skipped: Vec<Skipped>,
    /// The paths of those of them that were found to be unreadable when they were decoded.
    pub(crate) unreadable: HashSet<String>,
    /// The paths of the images whose label a person has verified.
    pub(crate) verified: HashSet<String>,
    /// What was left without a look at its content.
    pub(crate) left: Vec<Left>,
    /// The images that are there more than once, as indices into `samples` and, beyond their number, into `test_samples`.
    pub(crate) duplicates: Vec<Duplicates>,
    /// Whether accuracy is measured against true labels.
    pub(crate) test_is_true: bool,
}

impl Sets {
    /// An image, by its index in [`Self::duplicates`].
    pub(crate) fn image(&self, index: usize) -> &Sample {
        match index.checked_sub(self.samples.len()) {
            None => &self.samples[index],
            Some(held_out) => &self.test_samples[held_out],
        }
    }

    /// Whether the same image has more than one label.
    pub(crate) fn is_under_two_labels(&self, group: &Duplicates) -> bool {
        let mut labels = group.images.iter().map(|index| self.image(*index).label);
        let first = labels.next();
        labels.any(|label| Some(label) != first)
    }
}

/// How a set's images become views.
pub(crate) struct ViewBuilder<'a> {
    pub(crate) arch: &'a Arch,
    pub(crate) augment: Augment,
    pub(crate) strong: Option<Policy>,
    pub(crate) cache: CacheKind,
    /// The networks whose features are the views; none where images are.
    pub(crate) bodies: Vec<Encoder<'a>>,
    /// Features of one's own, which are the views then.
    pub(crate) own_features: Option<OwnFeatures<'a>>,
    /// Where what can be computed again is kept.
    pub(crate) cache_folder: &'a Path,
    pub(crate) observer: &'a dyn Observer,
    /// The device of the networks.
    pub(crate) device: &'a Device,
}

impl ViewBuilder<'_> {
    /// Decodes all images of a set, or gets their features.
    pub(crate) fn sets(&self, mut folder: ImageFolder) -> Result<Sets> {
        let classes = folder.classes.len();
        let mut unreadable = Vec::new();
        let [of_train, of_test] = match &self.own_features {
            Some(own) => {
                let [train, test] = own.of(&mut folder, self.device)?;
                let first = folder.train.len();
                [OfSet::own(train, folder.train, 0), OfSet::own(test, folder.test, first)]
            }
            None => [
                self.views(folder.train, encoded_views(self.augment), &mut unreadable)?,
                self.views(folder.test, EncodedViews::Plain, &mut unreadable)?,
            ],
        };
        let mut skipped = folder.skipped;
        let OfSet { views: train, samples, features, mut fingerprints } = of_train;
        let OfSet { views: test, samples: test_samples, fingerprints: of_test, .. } = of_test;
        fingerprints.extend(of_test);
        let all: Vec<Sample> = samples.iter().chain(&test_samples).cloned().collect();
        let duplicates = duplicates(&all, Some(&fingerprints));
        let test_copies = test_copies(&duplicates, samples.len());
        // By the truth where it is known, else by the given label: of all test images, or of none.
        let truths: Option<Vec<usize>> = test_samples.iter().map(|s| s.truth).collect();
        let test_is_true = truths.is_some();
        let labels = truths.unwrap_or_else(|| test_samples.iter().map(|s| s.label).collect());
        let of_unreadable = unreadable.iter().map(|skipped| skipped.path.clone()).collect();
        skipped.append(&mut unreadable);
        skipped.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Sets {
            train: TrainingSet {
                views: train,
                labels: samples.iter().map(|s| s.label).collect(),
                truth: samples.iter().map(|s| s.truth).collect(),
                sure: (!folder.verified.is_empty())
                    .then(|| samples.iter().map(|s| folder.verified.contains(&s.path)).collect()),
                classes,
                teacher: None,
            },
            test: (!labels.is_empty()).then_some(TestSet { views: test, labels }),
            test_copies,
            duplicates,
            left: folder.left,
            verified: folder.verified,
            unreadable: of_unreadable,
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
        let (of_set, unreadable) = match self.bodies.is_empty() {
            false => {
                let (features, samples, unreadable) = Features::of(
                    samples,
                    &self.bodies,
                    encoded,
                    self.cache_folder,
                    &transform,
                    self.observer,
                )?;
                let features = Arc::new(features);
                let fingerprints = features.fingerprints();
                let views = Arc::clone(&features) as Arc<dyn ViewSource>;
                (OfSet { views, samples, features: Some(features), fingerprints }, unreadable)
            }
            true => {
                let cache = match self.cache {
                    CacheKind::Ram => Cache::Ram,
                    CacheKind::Disk => Cache::Disk(self.cache_folder.to_owned()),
                    CacheKind::None => Cache::None,
                };
                let progress = |done, total| self.observer.observe(Progress::Read { done, total });
                let (views, unreadable) =
                    Views::build(samples, transform, cache, &progress, self.observer.stop())?;
                let (samples, fingerprints) = (views.samples().to_vec(), views.fingerprints()?);
                let views = Arc::new(PixelViews::new(views, self.strong, self.device)?);
                (OfSet { views, samples, features: None, fingerprints }, unreadable)
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
    /// A number for each image that is the same for the same pixels.
    fingerprints: Vec<u128>,
}

impl OfSet {
    /// Of features of one's own. No image is decoded to find duplicates: the fingerprints, from `first` on, are all different.
    fn own(features: Features, samples: Vec<Sample>, first: usize) -> Self {
        let features = Arc::new(features);
        let fingerprints = (first..first + samples.len()).map(|number| number as u128).collect();
        let views = Arc::clone(&features) as Arc<dyn ViewSource>;
        Self { views, samples, features: Some(features), fingerprints }
    }
}

/// The held-out images that are training images as well, each with the first such training image.
fn test_copies(duplicates: &[Duplicates], training: usize) -> Vec<(usize, usize)> {
    let of_group = |group: &Duplicates| {
        let first = group.images.first().copied().filter(|first| *first < training);
        let held_out = group.images.iter().filter_map(|image| image.checked_sub(training));
        held_out.filter_map(|copy| Some((copy, first?))).collect::<Vec<_>>()
    };
    let mut pairs: Vec<(usize, usize)> = duplicates.iter().flat_map(of_group).collect();
    pairs.sort_unstable();
    pairs
}
