//! From what was said to what will be done: every default filled in, every value checked, in one place.

use effnet_model::{Arch, ClassifierKind, WeightsFile};

use super::data::{COLUMNS, TEST_FRACTION};
use super::defaults::{Defaults, Facts, defaults_for};
use super::settings::{Augment, CacheKind, Freeze, Settings, StrongView};
use super::weights::open_weights;
use crate::{Error, Hyperparameters, Method, Preset, Result};

/// Hidden units of the head on a frozen body.
const HEAD_UNITS: usize = 256;

/// The smallest input that the network's five halvings leave something of.
pub(crate) const SMALLEST_SIZE: usize = 8;

/// The largest input side: B7 is published at 600, L2 at 800.
const LARGEST_SIZE: usize = 1024;

/// Share of each batch in the running statistics, at least. The 0.01 of the published Lite networks is for hundreds of
/// thousands of steps: in an epoch of fifty, the statistics that divisions and tests see would be those of another set.
const BN_MOMENTUM: f64 = 0.1;

/// TOML's integers are signed.
const LARGEST_SEED: u64 = i64::MAX as u64;

/// All that a run will do.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The settings, with no default left out: what `config.toml` holds.
    pub settings: Settings,
    /// The network's shape, classifier and preprocessing included.
    pub arch: Arch,
    /// The training's numbers.
    pub hyperparameters: Hyperparameters,
    /// How views differ from their images.
    pub augment: Augment,
    /// How views that are trained on differ further.
    pub strong_view: StrongView,
    /// Where decoded images are kept.
    pub cache: CacheKind,
    /// Epochs between two checkpoints.
    pub checkpoint_every: usize,
}

impl Settings {
    /// Fills in what was not said and checks everything.
    ///
    /// # Errors
    /// [`Error::Setting`] names the flag, its value and what is allowed.
    pub fn resolve(mut self, facts: &Facts) -> Result<Plan> {
        self.check()?;
        let defaults = defaults_for(facts, &self);
        let arch = self.resolve_arch(&defaults)?;
        let d = self.preset.map_or(defaults.hyperparameters.clone(), Preset::hyperparameters);
        let strong_view = *self.strong_view.get_or_insert(StrongView::None);
        // Not said where each division decides.
        let lambda_u = self.lambda_u.or(d.lambda_u);
        self.lambda_u = lambda_u;
        let epoch_images = self.epoch_images.or(d.epoch_images);
        self.epoch_images = epoch_images;
        let hyperparameters = Hyperparameters {
            method: *self.method.get_or_insert(d.method),
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
            body_lr: self.body_lr.or(d.body_lr),
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
        hyperparameters.check()?;
        self.freeze.get_or_insert(Freeze::None);
        self.resolve_data();
        let augment = *self.augment.get_or_insert(defaults.augment);
        // With a frozen body the features are what is kept, whatever was said of images.
        let cache = if self.frozen() { CacheKind::None } else { self.cache.unwrap_or(defaults.cache) };
        self.cache = Some(cache);
        let checkpoint_every = *self.checkpoint_every.get_or_insert(1);
        Ok(Plan { settings: self, arch, hyperparameters, augment, strong_view, cache, checkpoint_every })
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
    }

    /// The network: of the pretrained weights where they say what they are, else by name and scaling.
    fn resolve_arch(&mut self, defaults: &Defaults) -> Result<Arch> {
        let weights = self.weights.as_deref().map(open_weights).transpose()?;
        let recorded = match &weights {
            Some(weights) => self.recorded_arch(weights)?,
            None => None,
        };
        let mut arch = match recorded {
            Some(arch) => {
                self.arch.get_or_insert_with(|| arch.name.clone());
                arch
            }
            None => {
                let name = self.arch.get_or_insert_with(|| defaults.arch.to_owned());
                let width = *self.width.get_or_insert(defaults.width);
                let depth = *self.depth.get_or_insert(defaults.depth);
                let stride = *self.stem_stride.get_or_insert(defaults.stem_stride);
                let arch = Arch::by_name(name)?.with_scaling(width, depth).with_stem_stride(stride);
                match &weights {
                    Some(weights) => weights.flavour(&arch)?,
                    None => arch,
                }
            }
        };
        let size = *self.size.get_or_insert(defaults.size.unwrap_or(arch.size));
        check_size(Some(size))?;
        let kind =
            if self.frozen() { ClassifierKind::Mlp { hidden: HEAD_UNITS } } else { ClassifierKind::Linear };
        arch = arch.with_size(size).with_classifier(kind);
        // The user's images are seen as a whole, also where the weights were trained to see their middle.
        arch.preprocessing.crop = 1.0;
        arch.dropout = *self.dropout.get_or_insert(defaults.dropout.unwrap_or(arch.dropout));
        arch.drop_path = *self.drop_path.get_or_insert(arch.drop_path);
        arch.bn_momentum = arch.bn_momentum.max(BN_MOMENTUM);
        Ok(arch)
    }

    /// The architecture that the weights themselves record, or, where no `--arch` is given, that their tensors are of; then flags
    /// that would change it are refused.
    fn recorded_arch(&self, weights: &WeightsFile) -> Result<Option<Arch>> {
        let told = if self.arch.is_some() { weights.arch()? } else { Some(weights.identify()?) };
        let Some(arch) = told else { return Ok(None) };
        let said = [("--width", self.width.is_some()), ("--depth", self.depth.is_some())];
        if let Some((name, _)) = said.iter().find(|(_, given)| *given) {
            let problem = format!(
                "{} says itself how wide and deep its network is; leave it out",
                weights.path().display()
            );
            return Err(Error::Setting { name, problem });
        }
        match &self.arch {
            Some(name) if Arch::by_name(name)?.name != arch.name => Err(Error::Setting {
                name: "--arch",
                problem: format!(
                    "{name}, but {} holds {}; leave it out",
                    weights.path().display(),
                    arch.name
                ),
            }),
            _ => Ok(Some(arch)),
        }
    }

    /// Checks what is not the training's own number; [`Hyperparameters::check`] does those.
    fn check(&self) -> Result<()> {
        let positive = |value: f64| value > 0.0 && value <= 10.0;
        require("--width", self.width, positive, "above 0, at most 10")?;
        require("--depth", self.depth, positive, "above 0, at most 10")?;
        let rate = |value: f64| (0.0..1.0).contains(&value);
        require("--dropout", self.dropout, rate, "at least 0, below 1")?;
        require("--drop-path", self.drop_path, rate, "at least 0, below 1")?;
        require("--stem-stride", self.stem_stride, |stride| matches!(stride, 1 | 2), "1 or 2")?;
        check_size(self.size)?;
        require("--test-fraction", self.test_fraction, |part| (0.0..=0.9).contains(&part), "from 0 to 0.9")?;
        require("--per-class", self.per_class, |images| images >= 1, "at least 1")?;
        require("--checkpoint-every", self.checkpoint_every, |epochs| epochs >= 1, "at least 1")?;
        require("--patience", self.patience, |epochs| epochs >= 1, "at least 1")?;
        require("--threads", self.threads, |threads| (1..=1024).contains(&threads), "from 1 to 1024")?;
        require("--seed", self.seed, |seed| seed <= LARGEST_SEED, "at most 9223372036854775807")?;
        if self.frozen() && self.weights.is_none() {
            let problem = "body needs --weights: a body with random weights has nothing to say".to_owned();
            return Err(Error::Setting { name: "--freeze", problem });
        }
        if self.frozen() && self.body_lr.is_some() {
            let problem = "has nothing to set: --freeze body keeps the body as it is".to_owned();
            return Err(Error::Setting { name: "--body-lr", problem });
        }
        let strong_view = self.strong_view.unwrap_or(StrongView::None);
        if self.frozen() && strong_view != StrongView::None {
            let problem = "changes images, and --freeze body trains on features that are computed once, of each image as it is \
                           and mirrored";
            return Err(Error::Setting { name: "--strong-view", problem: problem.to_owned() });
        }
        let distills = self.method == Some(Method::Distill);
        if distills != self.teacher.is_some() {
            let problem = match distills {
                true => "is missing: --method distill learns from a MODEL for the same classes",
                false => "is for --method distill alone",
            };
            return Err(Error::Setting { name: "--teacher", problem: problem.to_owned() });
        }
        if self.data.is_none() {
            let needs_data = [
                ("--labels", self.labels.is_some()),
                ("--test", self.test.is_some()),
                ("--test-fraction", self.test_fraction.is_some()),
                ("--per-class", self.per_class.is_some()),
            ];
            if let Some((name, _)) = needs_data.iter().find(|(_, given)| *given) {
                let problem = "is about a folder of images, and none was given (DATA)".to_owned();
                return Err(Error::Setting { name, problem });
            }
        }
        let needs_labels = [
            ("--path-column", self.path_column.is_some()),
            ("--label-column", self.label_column.is_some()),
            ("--truth-column", self.truth_column.is_some()),
        ];
        match needs_labels.iter().find(|(_, given)| *given && self.labels.is_none()) {
            Some((name, _)) => Err(Error::Setting {
                name,
                problem: "names a column of a CSV; give it with --labels".to_owned(),
            }),
            None => Ok(()),
        }
    }
}

/// Also where it was not said: weights can say what they are for.
fn check_size(size: Option<usize>) -> Result<()> {
    let sizes = SMALLEST_SIZE..=LARGEST_SIZE;
    require("--size", size, |size| sizes.contains(&size), "from 8 to 1024")
}

/// A value outside its range is an error that says which is allowed; one not given is right.
fn require<T: Copy + std::fmt::Display>(
    name: &'static str,
    value: Option<T>,
    allowed: impl Fn(T) -> bool,
    range: &str,
) -> Result<()> {
    match value {
        Some(value) if !allowed(value) => {
            Err(Error::Setting { name, problem: format!("{value} is not allowed; it must be {range}") })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTS: Facts = Facts { images: 100, classes: 3, side: 32, demo: false };

    #[test]
    fn resolved_settings_resolve_to_themselves() {
        let plan = Settings { data: Some("d".into()), epochs: Some(3), ..Settings::default() }
            .resolve(&FACTS)
            .unwrap();
        assert_eq!(plan.hyperparameters.epochs, 3);
        assert_eq!(plan.settings.clone().resolve(&FACTS).unwrap(), plan);
        let said = Settings { preset: Some(Preset::Clothing1m), ..Settings::default() };
        let plan = said.resolve(&FACTS).unwrap();
        assert_eq!([plan.settings.epoch_images, plan.hyperparameters.epoch_images], [Some(32_000); 2]);
        assert_eq!(plan.settings.clone().resolve(&FACTS).unwrap(), plan);
    }

    #[test]
    fn running_statistics_keep_up_with_short_trainings() {
        let lite = Settings { arch: Some("efficientnet_lite0".into()), ..Settings::default() };
        assert_eq!(lite.resolve(&FACTS).unwrap().arch.bn_momentum, BN_MOMENTUM);
    }

    #[test]
    fn an_error_names_the_flag_the_value_and_the_range() {
        let bad = |settings: Settings| settings.resolve(&FACTS).unwrap_err().to_string();
        let data = Settings { data: Some("d".into()), ..Settings::default() };
        let message = bad(Settings { size: Some(4), ..data.clone() });
        assert_eq!(message, "--size: 4 is not allowed; it must be from 8 to 1024");
        let message = bad(Settings { threshold: Some(1.5), ..data.clone() });
        assert!(
            message.contains("--threshold") && message.contains("1.5") && message.contains("from 0 to 1")
        );
        let message = bad(Settings { freeze: Some(Freeze::Body), ..data.clone() });
        assert!(message.contains("--freeze") && message.contains("--weights"));
        let frozen = Settings { freeze: Some(Freeze::Body), weights: Some("w.pth".into()), ..data.clone() };
        let message = bad(Settings { body_lr: Some(0.001), ..frozen.clone() });
        assert!(message.contains("--body-lr") && message.contains("--freeze body"));
        let message = bad(Settings { strong_view: Some(StrongView::RandAugment), ..frozen });
        assert!(message.starts_with("--strong-view") && message.contains("--freeze body"), "{message}");
        let message = bad(Settings { label_column: Some("x".to_owned()), ..data });
        assert!(message.contains("--label-column") && message.contains("--labels"));
    }
}
