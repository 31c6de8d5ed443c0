//! What a run does where its user set nothing. All tuning is here; the measurements are in docs/benchmarks/notebook/.

use dividemix::{Hyperparameters, MethodKind, Schedule};
use effnet_model::Fit;

use super::flags::Settings;
use super::ranges::SMALLEST_SIZE;
use super::stats::DatasetStats;
use super::values::{Augment, CacheKind, Freeze, StrongView};

/// Share of the images that is held out where there is no test set.
pub(crate) const TEST_FRACTION: f64 = 0.1;

/// Columns of a labels CSV where they were not given: of paths, and of labels.
pub(crate) const COLUMNS: (&str, &str) = ("path", "label");

/// Largest number of pixels of an image: 100 megapixels, as many as the largest cameras have.
pub(crate) const MAX_PIXELS: u64 = 100_000_000;

/// Values for all that can be left unsaid.
#[derive(Debug, Clone, PartialEq)]
pub struct Defaults {
    /// `--arch`
    pub arch: &'static str,
    /// `--width`
    pub width: f64,
    /// `--depth`
    pub depth: f64,
    /// `--stem-stride`
    pub stem_stride: usize,
    /// `--size`; `None` is the architecture's own.
    pub size: Option<usize>,
    /// `--dropout`; `None` is the architecture's own.
    pub dropout: Option<f64>,
    /// `--fit`
    pub fit: Fit,
    /// `--augment`
    pub augment: Augment,
    /// `--cache`
    pub cache: CacheKind,
    /// All of the training's own numbers.
    pub hyperparameters: Hyperparameters,
}

/// Images up to this side are small: the network sees them at their own size, by a stem without stride.
pub(crate) const SMALL_SIDE: usize = 64;

/// From-scratch training of photographs at full size takes days on a CPU; this size takes hours.
const SCRATCH_SIDE: usize = 96;

/// Size of the images for a frozen backbone: at half of the cost of the 224 pixels that the networks were trained on, it loses next to
/// nothing of the accuracy.
const FROZEN_SIZE: usize = 160;

/// A head on a frozen backbone is not large enough for more images than this to be learned by heart.
const FEW_FOR_A_HEAD: usize = 10_000;

/// Decoded images up to this many bytes stay in memory.
const RAM_BYTES: usize = 1 << 30;

/// With more images than this, all of a pretrained network is trained: so many teach it more than its features tell.
const FEW_FOR_A_BACKBONE: usize = 50_000;

/// The default of `--freeze`: the backbone of a pretrained network, unless there are many
/// images, or something was asked for that only training all of it can do. The settings of a paper, and a second run that starts from
/// what a first one found, train all of it as well.
pub(super) fn freeze_for(stats: &DatasetStats, said: &Settings) -> Freeze {
    let whole = said.preset.is_some()
        || said.start_from.is_some()
        || said.backbone_lr.is_some()
        || said.strong_view.is_some_and(|view| view != StrongView::None);
    match said.pretrained() {
        _ if said.features.is_some() => Freeze::Backbone,
        // Features of several networks are all that they have in common.
        Some(_) if said.has_several_bodies() => Freeze::Backbone,
        Some(_) if !whole && stats.images <= FEW_FOR_A_BACKBONE => Freeze::Backbone,
        _ => Freeze::None,
    }
}

/// The defaults for this data and the settings that were given: chiefly, whether the network starts from pretrained weights
/// and how much of it is trained.
pub fn defaults_for(stats: &DatasetStats, said: &Settings) -> Defaults {
    let small = stats.side <= SMALL_SIDE;
    let recipe = match (said.pretrained(), said.frozen()) {
        (_, true) => frozen_backbone(kind_of(said), stats.images),
        (Some(_), false) => pretrained(small),
        (None, false) => from_scratch(small, stats),
    };
    let side = said.size.or(recipe.size).unwrap_or(stats.side);
    let bytes = stats.images.saturating_mul(side * side * 3);
    let cache = if bytes > RAM_BYTES { CacheKind::Disk } else { CacheKind::Ram };
    Defaults { cache, fit: if stats.shape.is_long() { Fit::Squeeze } else { Fit::Crop }, ..recipe }
}

/// The method, as far as the defaults depend on it: one's own is taken as those that keep every label.
fn kind_of(said: &Settings) -> MethodKind {
    match (&said.own_method, &said.method) {
        (Some(_), _) => MethodKind::Ce,
        (None, Some(methods)) => methods.first(),
        (None, None) => MethodKind::DivideMix,
    }
}

/// A small head on features of pretrained weights: what most users come with, and minutes on a CPU.
///
/// Of few images, half of the features are dropped in each step: that keeps a head from learning wrong labels by heart better than
/// mixing samples does, and DivideMix mixes none then or ever. Methods that leave out wrong labels or replace them bear, and need, a
/// high rate. Joint optimisation is the one that dropout does not help.
fn frozen_backbone(method: MethodKind, images: usize) -> Defaults {
    let dropout = (images <= FEW_FOR_A_HEAD && method != MethodKind::Joint).then_some(0.5);
    let lr = if matches!(method, MethodKind::DivideMix | MethodKind::Reweight | MethodKind::Joint) {
        0.02
    } else {
        0.005
    };
    let hyperparameters = Hyperparameters {
        epochs: 25,
        warmup: 5,
        batch: 64,
        lr,
        mixup_alpha: 0.0,
        lambda_u: None,
        schedule: Schedule::Cosine,
        ..Default::default()
    };
    Defaults { size: Some(FROZEN_SIZE), dropout, hyperparameters, ..base() }
}

/// All of a pretrained network. Its warm-up is long, and without the penalty, because after two epochs its losses do not
/// tell right from wrong labels yet.
fn pretrained(small: bool) -> Defaults {
    let hyperparameters = Hyperparameters {
        epochs: 10,
        warmup: 4,
        batch: 64,
        lr: 0.005,
        warmup_penalty: 0.0,
        ..Default::default()
    };
    Defaults { size: small.then_some(SMALL_SIDE), hyperparameters, ..base() }
}

/// A narrow, shallow member of the family, with random first weights: many small steps, since a few thousand images make
/// few large ones. No confidence penalty: it holds back a network that knows nothing yet.
fn from_scratch(small: bool, stats: &DatasetStats) -> Defaults {
    let hyperparameters = Hyperparameters {
        epochs: 20,
        warmup: 8,
        batch: 32,
        lr: 0.05,
        warmup_penalty: 0.0,
        ..Default::default()
    };
    if stats.demo {
        return demo(hyperparameters, stats.side);
    }
    let side = stats.side.max(SMALLEST_SIZE);
    if small {
        let size = Some(side.min(SMALL_SIDE));
        Defaults { width: 0.35, depth: 0.2, stem_stride: 1, size, hyperparameters, ..base() }
    } else {
        let size = Some(side.min(SCRATCH_SIDE));
        Defaults { width: 0.5, depth: 0.5, stem_stride: 2, size, hyperparameters, ..base() }
    }
}

/// The demo set is done within minutes: a stem that halves the image makes epochs cheap. Its shapes neither move nor turn
/// far, so it needs no augmentation; without it, plain training soon learns the wrong labels by heart.
fn demo(hyperparameters: Hyperparameters, side: usize) -> Defaults {
    let hyperparameters = Hyperparameters { epochs: 14, warmup: 6, lr: 0.02, ..hyperparameters };
    let augment = Augment::None;
    Defaults { width: 0.5, depth: 0.2, stem_stride: 2, size: Some(side), augment, hyperparameters, ..base() }
}

/// The published network, unscaled.
fn base() -> Defaults {
    Defaults {
        arch: "efficientnet_b0",
        width: 1.0,
        depth: 1.0,
        stem_stride: 2,
        size: None,
        dropout: None,
        fit: Fit::Crop,
        augment: Augment::FlipCrop,
        cache: CacheKind::Ram,
        hyperparameters: Hyperparameters::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Shape, Weights};

    const SHAPE: Shape = Shape { looked_at: 25, long: 0, typical: (340, 256) };
    const PHOTOGRAPHS: DatasetStats =
        DatasetStats { images: 1000, classes: 6, side: 256, shape: SHAPE, demo: false };

    #[test]
    fn what_is_mostly_long_is_squeezed() {
        let fit = |long| {
            let stats = DatasetStats { shape: Shape { long, ..SHAPE }, ..PHOTOGRAPHS };
            defaults_for(&stats, &Settings::default()).fit
        };
        assert_eq!([0, 12, 13, 25].map(fit), [Fit::Crop, Fit::Crop, Fit::Squeeze, Fit::Squeeze]);
    }

    #[test]
    fn small_images_keep_their_size_and_are_not_halved_by_the_stem() {
        let defaults = defaults_for(&DatasetStats { side: 32, ..PHOTOGRAPHS }, &Settings::default());
        assert_eq!((defaults.size, defaults.stem_stride), (Some(32), 1));
        let defaults = defaults_for(&PHOTOGRAPHS, &Settings::default());
        assert_eq!((defaults.size, defaults.stem_stride), (Some(SCRATCH_SIDE), 2));
    }

    #[test]
    fn images_smaller_than_any_network_takes_are_enlarged() {
        for side in [1, SMALLEST_SIZE - 1, SMALLEST_SIZE] {
            let stats = DatasetStats { side, ..PHOTOGRAPHS };
            let plan = Settings::default().resolve(&stats).unwrap();
            assert_eq!(plan.arch.size, SMALLEST_SIZE);
            assert_eq!(plan.settings.clone().resolve(&stats).unwrap(), plan, "as a run goes on");
        }
    }

    #[test]
    fn a_frozen_backbone_has_the_published_networks_shape() {
        let said = Settings {
            weights: Some(vec![Weights::Model("w.pth".into())]),
            freeze: Some(Freeze::Backbone),
            ..Settings::default()
        };
        let defaults = defaults_for(&PHOTOGRAPHS, &said);
        assert_eq!((defaults.width, defaults.depth, defaults.stem_stride), (1.0, 1.0, 2));
        assert_eq!(defaults.size, Some(FROZEN_SIZE));
    }

    #[test]
    fn a_head_on_few_images_drops_half_of_the_features_but_for_joint_optimisation() {
        let said = Settings {
            weights: Some(vec![Weights::Model("w.pth".into())]),
            freeze: Some(Freeze::Backbone),
            ..Settings::default()
        };
        let dropout = |images, method: Option<MethodKind>| {
            defaults_for(
                &DatasetStats { images, ..PHOTOGRAPHS },
                &Settings { method: method.map(Into::into), ..said.clone() },
            )
            .dropout
        };
        for method in [None, Some(MethodKind::Ce), Some(MethodKind::Reweight)] {
            assert_eq!(dropout(FEW_FOR_A_HEAD, method), Some(0.5));
            assert_eq!(dropout(FEW_FOR_A_HEAD + 1, method), None);
        }
        assert_eq!(dropout(1000, Some(MethodKind::Joint)), None);
    }

    #[test]
    fn sets_too_large_for_memory_are_cached_on_disk() {
        let defaults = defaults_for(&DatasetStats { images: 1_000_000, ..PHOTOGRAPHS }, &Settings::default());
        assert_eq!(defaults.cache, CacheKind::Disk);
    }
}
