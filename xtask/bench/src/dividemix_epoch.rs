//! A whole DivideMix epoch: files decoded, both networks trained, all images evaluated, both mixtures fitted.

use crate::loader::views;
use anyhow::{Result, ensure};
use dividemix::{Hyperparameters, Network, Schedule, Start, Trainable, Training, TrainingSet};
use effmix::PixelViews;
use effmix_bench::{Timing, median_seconds};
use effnet_model::candle::Device;
use effnet_model::{Arch, EfficientNet, ParameterStore};
use image_folder::Cache;
use noisy_labels::mixture::MixtureSettings;
use serde::Deserialize;
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;

/// Of the generated files.
const CLASSES: usize = 10;
/// Images of the epoch that is not timed.
const UNTIMED_IMAGES: usize = 128;
/// Clean probabilities of labeled and of unlabeled images: every second one. A division that is given, and not fitted to
/// networks that know nothing yet, makes the work the same for every program.
const CLEAN: [f64; 2] = [0.9, 0.1];

#[derive(Deserialize)]
pub(crate) struct Epoch {
    data: PathBuf,
    images: usize,
    arch: String,
    size: usize,
    batch: usize,
    augmentations: usize,
    temperature: f64,
    mixup_alpha: f64,
    lambda_u: f64,
    lambda_r: f64,
    lr: f64,
    max_iter: u64,
    tol: f64,
    reg_covar: f64,
}

impl Epoch {
    /// Images of the set a second.
    pub(crate) fn measure(&self, timing: Timing) -> Result<(f64, Option<Value>)> {
        let arch = Arch::by_name(&self.arch)?.with_size(self.size);
        let network = |seed| -> Result<Box<dyn Network>> {
            let store = ParameterStore::new(seed, &Device::Cpu);
            let network = EfficientNet::new(&arch, CLASSES, store.var_builder())?;
            Ok(Box::new(Trainable { network, store }))
        };
        let networks = [network(1)?, network(2)?];
        self.epoch(&arch, &networks, UNTIMED_IMAGES)?;
        let seconds = median_seconds(timing, 1, || self.epoch(&arch, &networks, self.images))?;
        Ok((self.images as f64 / seconds, None))
    }

    fn epoch(&self, arch: &Arch, networks: &[Box<dyn Network>], images: usize) -> Result<()> {
        let views = views(&self.data, images, arch, Cache::Ram)?;
        ensure!(views.len() == images, "there are {} images, {images} are wanted", views.len());
        let labels: Vec<usize> = views.samples().iter().map(|sample| sample.label).collect();
        let start = Start {
            clean_probability: (0..images).map(|i| CLEAN[i % 2]).collect(),
            probabilities: vec![1.0 / CLASSES as f32; images * CLASSES],
            label_quality: vec![0.5; images],
        };
        let data = TrainingSet {
            views: Arc::new(PixelViews::new(views, None, &Device::Cpu)?),
            truth: vec![None; images],
            sure: None,
            labels,
            classes: CLASSES,
            teacher: None,
        };
        let settings = self.settings().check()?;
        let outcome = Training::new(networks, &data, &settings).start_from(&start).run(|_| Ok(()))?;
        ensure!(
            outcome.losses.len() == images && outcome.records.len() == networks.len(),
            "the epoch is not whole"
        );
        Ok(())
    }

    fn settings(&self) -> Hyperparameters {
        Hyperparameters {
            epochs: 1,
            warmup: 0,
            batch: self.batch,
            lr: self.lr,
            schedule: Schedule::Constant,
            augmentations: self.augmentations,
            temperature: self.temperature,
            mixup_alpha: self.mixup_alpha,
            lambda_u: Some(self.lambda_u),
            lambda_r: self.lambda_r,
            mixture: MixtureSettings { max_iter: self.max_iter, tol: self.tol, reg_covar: self.reg_covar },
            ..Hyperparameters::default()
        }
    }
}
