//! The state after an epoch, on disk: all that is needed to go on bit for bit.
//!
//! One safetensors file, `epoch-0007.safetensors`: each network's parameters and running statistics (`net1/NAME`),
//! its velocities (`velocity1/NAME`) and its logits of all training samples (`logits1`), and the margins gathered so
//! far (`margins/…`); where there are any, the weights' averages (`average1/NAME`), the losses that are averaged
//! (`losses1`), the averaged predictions (`predictions`) and the estimated noise (`transition`). The records of all
//! epochs are JSON in its metadata, with the training that the checkpoint is of ([`Binding`]). There is no generator's state: chance is
//! counter-based.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor, Var};
use noisy_labels::ClassTable;
use noisy_labels::history::LossHistory;
use noisy_labels::mixture::NormalisedLosses;
use noisy_labels::predictions::MeanPredictions;
use noisy_labels::quality::{MarginHistory, MarginParts};
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};

use crate::binding::{Binding, CallerSettings};
use crate::ema::Ema;
use crate::files::write_atomic;
use crate::network::variables;
use crate::patience::out_of_patience;
use crate::state::State;
use crate::{CheckedHyperparameters, EpochRecord, Error, Network, Optimiser, Result, TrainingSet};

/// A folder of checkpoints, of which it keeps the newest.
#[derive(Debug, Clone)]
pub struct Checkpoints {
    folder: PathBuf,
    every: usize,
    settings: CallerSettings,
}

/// A checkpoint of this training, as it is on the disk.
pub(crate) struct Opened {
    path: PathBuf,
    bytes: Vec<u8>,
    header: Header,
}

impl Opened {
    /// Epochs that it holds.
    pub(crate) fn epoch(&self) -> usize {
        self.header.epoch
    }
}

/// The JSON in the file's metadata.
#[derive(Serialize, Deserialize)]
struct Header {
    epoch: usize,
    records: Vec<EpochRecord>,
    /// Updates of each network's average.
    #[serde(default)]
    averaged: Vec<usize>,
    /// The epoch from which patience counts.
    #[serde(default)]
    patience_from: usize,
    /// The training that the checkpoint is of.
    #[serde(flatten)]
    binding: Binding,
}

/// Name of the averaged predictions.
const PREDICTIONS: &str = "predictions";

/// Name of the estimated noise.
const TRANSITION: &str = "transition";

/// The metadata's key of [`Header`].
const HEADER: &str = "effmix";

impl Checkpoints {
    /// Checkpoints in `folder` (made when needed), one in `every` epochs (at least 1), and one after the last, also where
    /// [`crate::Hyperparameters::patience`] ends the training.
    pub fn new(folder: impl Into<PathBuf>, every: usize) -> Self {
        Self { folder: folder.into(), every: every.max(1), settings: CallerSettings::new() }
    }

    /// With settings of the caller, by name, that must be the same for a training to go on from a checkpoint: what the loop doesn't know
    /// of, such as how views are made.
    #[must_use]
    pub fn bound_to(self, settings: BTreeMap<String, String>) -> Self {
        Self { settings, ..self }
    }

    /// Epochs that the newest checkpoint holds; `None` where there is no checkpoint.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub fn newest(&self) -> Result<Option<usize>> {
        Ok(self.list()?.into_iter().map(|(epoch, _)| epoch).max())
    }

    /// The checkpoints in the folder: the number of epochs, and the file.
    fn list(&self) -> Result<Vec<(usize, PathBuf)>> {
        let entries = match std::fs::read_dir(&self.folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(Error::io("can't read", &self.folder))?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let path = entry.map_err(Error::io("can't read", &self.folder))?.path();
            let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
            let number = name.strip_prefix("epoch-").and_then(|n| n.strip_suffix(".safetensors"));
            if let Some(epoch) = number.and_then(|n| n.parse().ok()) {
                found.push((epoch, path));
            }
        }
        Ok(found)
    }

    /// Whether a checkpoint is written after this epoch, wherever the training ends.
    pub(crate) fn is_due(&self, epoch: usize) -> bool {
        epoch.is_multiple_of(self.every)
    }

    /// Writes the state, and then removes older checkpoints.
    pub(crate) fn write(
        &self,
        state: &State,
        networks: &[Box<dyn Network>],
        optimisers: &[Optimiser],
        hyper: &CheckedHyperparameters,
        data: &TrainingSet,
    ) -> Result<()> {
        let averaged = optimisers.iter().filter_map(Optimiser::ema).map(Ema::updates).collect();
        let State { epoch, patience_from, .. } = *state;
        let binding = Binding::of(networks, hyper, data, &self.settings);
        let header = Header { epoch, records: state.records.clone(), averaged, patience_from, binding };
        let json = serde_json::to_string(&header).map_err(|e| self.bad(&self.folder, e))?;
        let tensors = state.tensors(networks, optimisers, data.classes)?;
        let bytes = safetensors::serialize(&tensors, Some(HashMap::from([(HEADER.to_owned(), json)])))
            .map_err(|e| self.bad(&self.folder, e))?;
        write_atomic(&self.folder.join(format!("epoch-{:04}.safetensors", state.epoch)), &bytes)?;
        // The new checkpoint outlives a loss of power from here on, so the older ones can go.
        for (epoch, old) in self.list()? {
            if epoch != state.epoch {
                std::fs::remove_file(&old).map_err(Error::io("can't remove", &old))?;
            }
        }
        Ok(())
    }

    /// The newest checkpoint, where there is one, once it is known to be of this training.
    pub(crate) fn open(
        &self,
        networks: &[Box<dyn Network>],
        hyper: &CheckedHyperparameters,
        data: &TrainingSet,
    ) -> Result<Option<Opened>> {
        let Some((epoch, path)) = self.list()?.into_iter().max() else { return Ok(None) };
        let bytes = std::fs::read(&path).map_err(Error::io("can't read", &path))?;
        // Of the whole file, so that one that was cut off is refused here.
        SafeTensors::deserialize(&bytes).map_err(|e| self.bad(&path, e))?;
        let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|e| self.bad(&path, e))?;
        let json = metadata.metadata().as_ref().and_then(|m| m.get(HEADER));
        let json = json.ok_or_else(|| self.bad(&path, "it has no record of the run"))?;
        let header: Header = serde_json::from_str(json)
            .map_err(|e| self.bad(&path, format!("its record of the run can't be read ({e})")))?;
        if header.epoch != epoch {
            return Err(self.bad(&path, format!("it is of epoch {}, and not of {epoch}", header.epoch)));
        }
        let now = Binding::of(networks, hyper, data, &self.settings);
        if let Some(difference) = header.binding.difference(&now) {
            return Err(self.bad(&path, difference));
        }
        if epoch > hyper.epochs {
            let problem = format!("it is of epoch {epoch}, and `epochs` is {}; set it higher", hyper.epochs);
            return Err(self.bad(&path, problem));
        }
        Ok(Some(Opened { path, bytes, header }))
    }

    /// Sets state, networks and optimisers to the newest checkpoint, where there is one.
    pub(crate) fn restore(
        &self,
        state: &mut State,
        networks: &[Box<dyn Network>],
        optimisers: &[Optimiser],
        hyper: &CheckedHyperparameters,
        data: &TrainingSet,
    ) -> Result<()> {
        let Some(Opened { path, bytes, header }) = self.open(networks, hyper, data)? else { return Ok(()) };
        let samples = data.labels.len();
        let mut tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu)?;
        // Only some methods have these.
        let histories: Vec<_> = (0..networks.len()).map(|k| tensors.remove(&history_key(k))).collect();
        let predictions = tensors.remove(PREDICTIONS);
        let transition = tensors.remove(TRANSITION);
        let mut outputs = Vec::new();
        let mut take =
            |name: &str| tensors.remove(name).ok_or_else(|| self.bad(&path, format!("{name} is missing")));
        for (k, (network, optimiser)) in networks.iter().zip(optimisers).enumerate() {
            for (name, var) in variables(network.as_ref()) {
                set(&var, &take(&network_key(k, &name))?)?;
            }
            for (name, velocity) in optimiser.velocities() {
                set(velocity, &take(&velocity_key(k, name))?)?;
            }
            if let Some(average) = optimiser.ema() {
                for (name, var) in average.averages() {
                    set(var, &take(&average_key(k, name))?)?;
                }
                average.set_updates(header.averaged.get(k).copied().unwrap_or_default());
            }
            let logits: Vec<f32> = take(&logits_key(k))?.flatten_all()?.to_vec1()?;
            self.has(&path, "logits", logits.len(), samples * data.classes)?;
            outputs.push(ClassTable::new(logits, data.classes)?);
        }
        state.update_predictions(outputs, data)?;
        let passes: Vec<_> = take("margins/passes")?.to_vec1()?;
        self.has(&path, "margins", passes.len(), samples)?;
        state.margins = MarginHistory::from_parts(MarginParts {
            classes: data.classes,
            passes,
            margin_sum: take("margins/margin_sum")?.to_vec1()?,
            probability_sum: take("margins/probability_sum")?.flatten_all()?.to_vec1()?,
        })?;
        for (history, epochs) in state.histories.iter_mut().zip(histories) {
            let Some(epochs) = epochs else { continue };
            self.has(&path, "losses an epoch", epochs.dims2()?.1, samples)?;
            let epochs: Vec<Vec<f64>> = epochs.to_vec2()?;
            let epochs = epochs
                .into_iter()
                .map(NormalisedLosses::from_normalised)
                .collect::<noisy_labels::Result<_>>();
            let epochs = epochs.map_err(|e| self.bad(&path, e))?;
            *history = LossHistory::from_epochs(history.kept(), epochs)?;
        }
        if let Some(predictions) = predictions {
            self.has(&path, "averaged predictions", predictions.elem_count(), samples * data.classes)?;
            let predictions = ClassTable::new(predictions.flatten_all()?.to_vec1()?, data.classes)?;
            state.mean_predictions = MeanPredictions::of(header.epoch, predictions);
        }
        if let Some(transition) = &transition {
            self.has(&path, "probabilities of labels", transition.elem_count(), data.classes.pow(2))?;
        }
        state.transition = transition.map(|matrix| matrix.flatten_all()?.to_vec1()).transpose()?;
        // A training that patience had ended, and that is made longer now, goes on: patience counts anew.
        let is_longer = hyper.epochs > header.binding.epochs();
        let had_ended = out_of_patience(&header.records, header.patience_from, hyper);
        state.patience_from = if is_longer && had_ended { header.epoch } else { header.patience_from };
        state.epoch = header.epoch;
        state.records = header.records;
        Ok(())
    }

    /// Checks that there are as many of these as the data need.
    fn has(&self, path: &Path, what: &str, found: usize, expected: usize) -> Result<()> {
        match found == expected {
            true => Ok(()),
            false => Err(self.bad(path, format!("it has {found} {what}, and {expected} are needed"))),
        }
    }

    fn bad(&self, path: &Path, problem: impl std::fmt::Display) -> Error {
        Error::Format { path: path.to_owned(), problem: format!("not a checkpoint to go on from: {problem}") }
    }
}

impl State {
    fn tensors(
        &self,
        networks: &[Box<dyn Network>],
        optimisers: &[Optimiser],
        classes: usize,
    ) -> Result<HashMap<String, Tensor>> {
        let (n, cpu) = (self.losses[0].len(), &Device::Cpu);
        let mut tensors = HashMap::new();
        for (k, (network, optimiser)) in networks.iter().zip(optimisers).enumerate() {
            for (name, var) in variables(network.as_ref()) {
                tensors.insert(network_key(k, &name), Var::as_detached_tensor(&var));
            }
            for (name, velocity) in optimiser.velocities() {
                tensors.insert(velocity_key(k, name), velocity.as_detached_tensor());
            }
            for (name, var) in optimiser.ema().into_iter().flat_map(Ema::averages) {
                tensors.insert(average_key(k, name), var.as_detached_tensor());
            }
            tensors.insert(logits_key(k), Tensor::from_slice(self.logits[k].values(), (n, classes), cpu)?);
            let epochs: Vec<Vec<f64>> =
                self.histories[k].epochs().map(|epoch| epoch.as_slice().to_vec()).collect();
            if !epochs.is_empty() {
                tensors.insert(history_key(k), Tensor::new(epochs, cpu)?);
            }
        }
        let margins = self.margins.clone().into_parts();
        tensors.insert("margins/passes".into(), Tensor::new(margins.passes, cpu)?);
        tensors.insert("margins/margin_sum".into(), Tensor::new(margins.margin_sum, cpu)?);
        let probability_sum = Tensor::from_vec(margins.probability_sum, (n, classes), cpu)?;
        tensors.insert("margins/probability_sum".into(), probability_sum);
        if let Some(means) = self.mean_predictions.mean() {
            tensors.insert(PREDICTIONS.into(), Tensor::from_slice(means.values(), (n, classes), cpu)?);
        }
        if let Some(transition) = &self.transition {
            tensors.insert(TRANSITION.into(), Tensor::from_slice(transition, (classes, classes), cpu)?);
        }
        Ok(tensors)
    }
}

fn network_key(k: usize, name: &str) -> String {
    format!("net{}/{name}", k + 1)
}

fn velocity_key(k: usize, name: &str) -> String {
    format!("velocity{}/{name}", k + 1)
}

fn average_key(k: usize, name: &str) -> String {
    format!("average{}/{name}", k + 1)
}

fn logits_key(k: usize) -> String {
    format!("logits{}", k + 1)
}

fn history_key(k: usize) -> String {
    format!("losses{}", k + 1)
}

/// Sets a variable to a tensor that was read from a file.
fn set(var: &Var, value: &Tensor) -> candle_core::Result<()> {
    var.set(&value.to_device(var.device())?)
}
