//! From the settings that were given to all that a run will do: every default is filled in and every value checked, in one place.

use std::sync::Arc;

use effnet_model::{Arch, ClassifierKind, Fit, Preprocessing, Rescale, WeightsFile};

use dividemix::{CheckedHyperparameters, Hyperparameters, MethodKind, Preset};

use super::defaults::{COLUMNS, Defaults, MAX_PIXELS, TEST_FRACTION, defaults_for, freeze_for};
use super::flags::Settings;
use super::ranges::check_size;
use super::stats::DatasetStats;
use super::values::{Augment, CacheKind, StrongView};
use crate::data::Table;
use crate::weights::open_weights;
use crate::{Error, Result};

/// Hidden units of the head on a frozen backbone.
const HEAD_UNITS: usize = 256;

/// Share of each batch in the running statistics, at least. The 0.01 of the published Lite networks is for hundreds of
/// thousands of steps: in an epoch of fifty, the statistics that divisions and tests see would be those of another set.
const BN_MOMENTUM: f64 = 0.1;

/// Why a single run is not trained by these settings.
const SEVERAL: &str = "is for `effmix train` alone, which makes a run of each and compares them; this command takes one seed and one method";

/// All that a run will do.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolvedSettings {
    /// The settings, with no default left out: what `config.toml` holds.
    pub settings: Settings,
    /// The network's shape, classifier and preprocessing included; with several bodies that of the first.
    pub arch: Arch,
    /// The shapes of all bodies whose features stand side by side; none where the network is one.
    pub bodies: Vec<Arch>,
    /// Length of the features of one's own that heads are trained on, if it is these.
    pub own_features: Option<usize>,
    /// The training's numbers.
    pub hyperparameters: CheckedHyperparameters,
    /// How views differ from their images.
    pub augment: Augment,
    /// How views that are trained on differ further.
    pub strong_view: StrongView,
    /// Where decoded images are kept.
    pub cache: CacheKind,
    /// Epochs between two checkpoints.
    pub checkpoint_every: usize,
}

impl ResolvedSettings {
    /// The network, or all bodies; nothing where features are one's own.
    pub(crate) fn archs(&self) -> &[Arch] {
        if self.own_features.is_some() {
            return &[];
        }
        if self.bodies.is_empty() { std::slice::from_ref(&self.arch) } else { &self.bodies }
    }

    /// Length of the features that a head gets: one's own, or of all bodies side by side.
    pub(crate) fn feature_len(&self) -> Result<usize> {
        if let Some(length) = self.own_features {
            return Ok(length);
        }
        self.archs().iter().map(|arch| Ok(arch.plan()?.head)).sum()
    }
}

impl Settings {
    /// Fills in the defaults and checks everything.
    ///
    /// # Errors
    /// [`Error::Setting`] names the flag, its value and what is allowed.
    pub fn resolve(mut self, stats: &DatasetStats) -> Result<ResolvedSettings> {
        let freeze = freeze_for(stats, &self);
        self.freeze.get_or_insert(freeze);
        self.check()?;
        let defaults = defaults_for(stats, &self);
        let (arch, bodies) = self.resolve_archs(&defaults)?;
        let table = self.features.as_deref().map(Table::of_npy).transpose()?;
        let own_features = table.map(|table| table.length);
        let d = self.preset.map_or(defaults.hyperparameters.clone(), Preset::hyperparameters);
        let strong_view = *self.strong_view.get_or_insert(StrongView::None);
        // Stays open where each division decides.
        let lambda_u = self.lambda_u.or(d.lambda_u);
        self.lambda_u = lambda_u;
        let epoch_images = self.epoch_images.or(d.epoch_images);
        self.epoch_images = epoch_images;
        let hyperparameters = Hyperparameters {
            method: self.method_of_run(d.method)?,
            strength: self.strength.or(d.strength),
            ablation: self.ablate.or(d.ablation),
            loss_average: *self.loss_average.get_or_insert(d.loss_average),
            teacher_temperature: *self.teacher_temperature.get_or_insert(d.teacher_temperature),
            epochs: *self.epochs.get_or_insert(d.epochs),
            // A run shorter than the default warm-up is all warm-up.
            warmup: *self.warmup.get_or_insert(d.warmup.min(self.epochs.unwrap_or(d.epochs))),
            batch: *self.batch.get_or_insert(d.batch),
            epoch_images,
            lr: *self.lr.get_or_insert(d.lr),
            backbone_lr: self.backbone_lr.or(d.backbone_lr),
            schedule: *self.schedule.get_or_insert(d.schedule),
            momentum: *self.momentum.get_or_insert(d.momentum),
            weight_decay: *self.weight_decay.get_or_insert(d.weight_decay),
            ema: self.ema.or(d.ema),
            threshold: *self.threshold.get_or_insert(d.threshold),
            division: *self.division.get_or_insert(d.division),
            augmentations: *self.augmentations.get_or_insert(d.augmentations),
            strong_views: strong_view != StrongView::None,
            temperature: *self.temperature.get_or_insert(d.temperature),
            mixup_alpha: *self.mixup_alpha.get_or_insert(d.mixup_alpha),
            lambda_u,
            lambda_u_ramp: *self.lambda_u_ramp.get_or_insert(d.lambda_u_ramp),
            lambda_r: *self.lambda_r.get_or_insert(d.lambda_r),
            warmup_penalty: *self.warmup_penalty.get_or_insert(d.warmup_penalty),
            class_weights: *self.class_weights.get_or_insert(d.class_weights),
            patience: self.patience.or(d.patience),
            seed: *self.seed.get_or_insert(d.seed),
            mixture: d.mixture,
        };
        let hyperparameters = match &self.own_method {
            Some(own) => hyperparameters.check_for(Arc::clone(own.method()))?,
            None => hyperparameters.check()?,
        };
        self.resolve_data();
        let augment = *self.augment.get_or_insert(defaults.augment);
        // With a frozen backbone its features are kept, whatever was set for images.
        let cache = if self.frozen() { CacheKind::None } else { self.cache.unwrap_or(defaults.cache) };
        self.cache = Some(cache);
        let checkpoint_every = *self.checkpoint_every.get_or_insert(1);
        Ok(ResolvedSettings {
            settings: self,
            arch,
            bodies,
            own_features,
            hyperparameters,
            augment,
            strong_view,
            cache,
            checkpoint_every,
        })
    }

    /// The one method of a run, `usual` where none was given. One's own method has no name in the settings; then this one is not used.
    fn method_of_run(&mut self, usual: MethodKind) -> Result<MethodKind> {
        if self.seeds.is_some() {
            return Err(Error::setting("--seeds", SEVERAL));
        }
        match (&self.own_method, &self.method) {
            (Some(own), Some(_)) => {
                let problem =
                    format!("can't be used with a method of one's own, {}; leave it out", own.name());
                Err(Error::setting("--method", problem))
            }
            (Some(_), None) => Ok(usual),
            (None, Some(methods)) if methods.all().len() > 1 => Err(Error::setting("--method", SEVERAL)),
            (None, Some(methods)) => Ok(methods.first()),
            (None, None) => {
                self.method = Some(usual.into());
                Ok(usual)
            }
        }
    }

    /// How the data is read, where that is a choice at all.
    fn resolve_data(&mut self) {
        if self.data.is_some() && self.test.is_none() {
            self.test_fraction.get_or_insert(TEST_FRACTION);
        }
        if self.labels.is_some() {
            self.path_column.get_or_insert_with(|| COLUMNS.0.to_owned());
            self.label_column.get_or_insert_with(|| COLUMNS.1.to_owned());
        }
        if self.data.is_some() {
            self.max_pixels.get_or_insert(MAX_PIXELS);
        }
    }

    /// The network, and with several bodies all of them.
    fn resolve_archs(&mut self, defaults: &Defaults) -> Result<(Arch, Vec<Arch>)> {
        let weights = self.weights_sources().map(open_weights).collect::<Result<Vec<_>>>()?;
        let [first, others @ ..] = &weights[..] else {
            return Ok((self.resolve_arch(None, defaults)?, Vec::new()));
        };
        let given = self.arch.clone().unwrap_or_default();
        if !given.is_empty() && given.len() != weights.len() {
            let problem = format!(
                "is there {} time(s) and --weights {}; give the architecture of each, in their order, or none",
                given.len(),
                weights.len()
            );
            return Err(Error::setting("--arch", problem));
        }
        // Each as if it were alone: what is said of the first one's shape is said of all.
        let of_one =
            |weights: &WeightsFile, arch: Option<&String>, settings: &Self| -> Result<(Arch, Self)> {
                let mut own = Self { arch: arch.map(|arch| vec![arch.clone()]), ..settings.clone() };
                Ok((own.resolve_arch(Some(weights), defaults)?, own))
            };
        let asked = self.clone();
        let (arch, resolved) = of_one(first, given.first(), self)?;
        *self = resolved;
        if others.is_empty() {
            return Ok((arch, Vec::new()));
        }
        let mut bodies = vec![arch.clone()];
        let unscaled = Self { width: None, depth: None, stem_stride: None, ..asked };
        let asked = Self { size: self.size, fit: self.fit, ..unscaled };
        for (number, weights) in others.iter().enumerate() {
            let body = of_one(weights, given.get(number + 1), &asked)?.0;
            Rescale::between(&arch, &body)?;
            // Images are prepared once, as the first one wants them.
            let preprocessing = Preprocessing {
                mean: body.preprocessing.mean,
                std: body.preprocessing.std,
                alpha: body.preprocessing.alpha,
                ..arch.preprocessing
            };
            bodies.push(Arch { preprocessing, ..body });
        }
        self.arch = Some(bodies.iter().map(|body| body.name.clone()).collect());
        Ok((arch, bodies))
    }

    /// A network: that of the pretrained weights where they record it, else by name and scaling.
    fn resolve_arch(&mut self, weights: Option<&WeightsFile>, defaults: &Defaults) -> Result<Arch> {
        let recorded = match weights {
            Some(weights) => self.arch_of(weights)?,
            None => None,
        };
        let mut arch = match recorded {
            Some(arch) => {
                self.arch.get_or_insert_with(|| vec![arch.name.clone()]);
                arch
            }
            None => {
                let name = self.arch.get_or_insert_with(|| vec![defaults.arch.to_owned()]).concat();
                let width = *self.width.get_or_insert(defaults.width);
                let depth = *self.depth.get_or_insert(defaults.depth);
                let stride = *self.stem_stride.get_or_insert(defaults.stem_stride);
                let arch = Arch::by_name(&name)?.with_scaling(width, depth).with_stem_stride(stride);
                match weights {
                    Some(weights) => weights.flavour(&arch)?,
                    None => arch,
                }
            }
        };
        if let Some(channels) = self.channels {
            arch = arch.with_channels(channels);
        }
        let size = *self.size.get_or_insert(defaults.size.unwrap_or(arch.size));
        check_size(Some(size))?;
        let kind =
            if self.frozen() { ClassifierKind::Mlp { hidden: HEAD_UNITS } } else { ClassifierKind::Linear };
        arch = arch.with_size(size).with_classifier(kind);
        // The user's images are seen as a whole, also where the weights were trained to see their middle.
        arch.preprocessing.crop = 1.0;
        // The demo's images are square.
        arch.preprocessing.fit = match self.data {
            Some(_) => *self.fit.get_or_insert(defaults.fit),
            None => Fit::Crop,
        };
        arch.dropout = *self.dropout.get_or_insert(defaults.dropout.unwrap_or(arch.dropout));
        arch.drop_path = *self.drop_path.get_or_insert(arch.drop_path);
        arch.bn_momentum = arch.bn_momentum.max(BN_MOMENTUM);
        Ok(arch)
    }

    /// The architecture that the weights themselves record, or by what their tensors are told, where none was given; then flags
    /// that would change it are refused.
    fn arch_of(&self, weights: &WeightsFile) -> Result<Option<Arch>> {
        let told = match (weights.arch()?, self.first_arch()) {
            (None, None) => Some(weights.identify()?),
            // As a run keeps what its weights told, so that it goes on with the same; one that was given with a scaling is made by it.
            (None, Some(name)) if (self.width, self.depth, self.stem_stride) == (None, None, None) => {
                let name = Arch::by_name(name)?.name;
                weights.identify().ok().filter(|arch| arch.name == name)
            }
            (recorded, _) => recorded,
        };
        let Some(arch) = told else { return Ok(None) };
        let said = [("--width", self.width.is_some()), ("--depth", self.depth.is_some())];
        if let Some((name, _)) = said.iter().find(|(_, given)| *given) {
            let problem = format!(
                "{} says itself how wide and deep its network is; leave it out",
                weights.path().display()
            );
            return Err(Error::setting(name, problem));
        }
        match self.first_arch() {
            Some(name) if Arch::by_name(name)?.name != arch.name => Err(Error::setting(
                "--arch",
                format!("{name}, but {} holds {}; leave it out", weights.path().display(), arch.name),
            )),
            _ => Ok(Some(arch)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Freeze, Shape, Weights};

    const SHAPE: Shape = Shape { looked_at: 25, long: 0, typical: (32, 32) };
    const STATS: DatasetStats = DatasetStats { images: 100, classes: 3, side: 32, shape: SHAPE, demo: false };

    #[test]
    fn resolved_settings_resolve_to_themselves() {
        let plan = Settings { data: Some("d".into()), epochs: Some(3), ..Settings::default() }
            .resolve(&STATS)
            .unwrap();
        assert_eq!(plan.hyperparameters.epochs, 3);
        assert_eq!(plan.settings.clone().resolve(&STATS).unwrap(), plan);
        let said = Settings { preset: Some(Preset::Clothing1m), ..Settings::default() };
        let plan = said.resolve(&STATS).unwrap();
        assert_eq!([plan.settings.epoch_images, plan.hyperparameters.epoch_images], [Some(32_000); 2]);
        assert_eq!(plan.settings.clone().resolve(&STATS).unwrap(), plan);
    }

    #[test]
    fn running_statistics_keep_up_with_short_trainings() {
        let lite = Settings { arch: Some(vec!["efficientnet_lite0".into()]), ..Settings::default() };
        assert_eq!(lite.resolve(&STATS).unwrap().arch.bn_momentum, BN_MOMENTUM);
    }

    #[test]
    fn an_error_names_the_flag_the_value_and_the_range() {
        let bad = |settings: Settings| settings.resolve(&STATS).unwrap_err().to_string();
        let data = Settings { data: Some("d".into()), ..Settings::default() };
        let message = bad(Settings { size: Some(4), ..data.clone() });
        assert_eq!(message, "--size: 4 is not allowed; it must be from 8 to 1024");
        let message = bad(Settings { threshold: Some(1.5), ..data.clone() });
        assert!(
            message.contains("--threshold") && message.contains("1.5") && message.contains("from 0 to 1")
        );
        let message = bad(Settings { freeze: Some(Freeze::Backbone), ..data.clone() });
        assert!(message.contains("--freeze") && message.contains("--weights"));
        let frozen = Settings {
            freeze: Some(Freeze::Backbone),
            weights: Some(vec![Weights::Model("w.pth".into())]),
            ..data.clone()
        };
        let message = bad(Settings { backbone_lr: Some(0.001), ..frozen.clone() });
        assert!(message.contains("--backbone-lr") && message.contains("--freeze backbone"));
        let message = bad(Settings { strong_view: Some(StrongView::RandAugment), ..frozen });
        assert!(message.starts_with("--strong-view") && message.contains("--freeze backbone"), "{message}");
        let message = bad(Settings { path_column: Some("x".to_owned()), ..data });
        assert!(message.contains("--path-column") && message.contains("--labels"));
    }
}
