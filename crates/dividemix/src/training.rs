//! The loop that all methods share, and the outer half of Algorithm 1.

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use noisy_labels::division::Division;
use noisy_labels::metrics::auc;
use noisy_labels::mixture::min_max;
use noisy_labels::quality::{combined_margins, quality_of_margin};
use noisy_labels::{ClassTable, elementwise_mean};

use crate::division::{division_auc, estimated_transition, kept};
use crate::draw::samples_of;
use crate::ema::AveragedWeights;
use crate::epoch::{Context, NetworkEpoch, Observer, class_weights};
use crate::evaluate::accuracy;
use crate::patience::out_of_patience;
use crate::state::State;
use crate::{
    CheckedHyperparameters, Checkpoints, EpochRecord, Error, Event, Losses, Network, Optimiser, Outcome,
    Phase, Result, Start, TestSet, TrainingSet, logits,
};

/// A training: networks, data and settings, and what else it needs, before it is run.
///
/// It goes on from the newest checkpoint where there is one, to the same bits as a run that was never stopped.
/// A division of all samples follows the last epoch, so that every method ends with clean probabilities. Whatever an epoch trains
/// on ([`crate::Hyperparameters::epoch_images`]), all samples are evaluated after it. With [`crate::Hyperparameters::ema`] the averages
/// of the networks' weights are evaluated, and the networks hold these averages in the end.
#[must_use = "nothing is trained before `run`"]
pub struct Training<'a> {
    networks: &'a [Box<dyn Network>],
    data: &'a TrainingSet,
    hyper: &'a CheckedHyperparameters,
    test: Option<&'a TestSet>,
    start: Option<&'a Start>,
    checkpoints: Option<&'a Checkpoints>,
    stop: &'a AtomicBool,
    fused: bool,
}

/// The flag of a training that is never stopped.
static NEVER: AtomicBool = AtomicBool::new(false);

impl<'a> Training<'a> {
    /// A training of `networks` (as many as [`CheckedHyperparameters::networks`]) on `data`.
    pub fn new(
        networks: &'a [Box<dyn Network>],
        data: &'a TrainingSet,
        hyperparameters: &'a CheckedHyperparameters,
    ) -> Self {
        let hyper = hyperparameters;
        Self { networks, data, hyper, test: None, start: None, checkpoints: None, stop: &NEVER, fused: true }
    }

    /// Measures the accuracy on a test set after each epoch.
    pub fn test(self, test: impl Into<Option<&'a TestSet>>) -> Self {
        Self { test: test.into(), ..self }
    }

    /// Starts from another run's findings.
    pub fn start_from(self, start: impl Into<Option<&'a Start>>) -> Self {
        Self { start: start.into(), ..self }
    }

    /// Writes checkpoints, and goes on from the newest one.
    pub fn checkpoints(self, checkpoints: impl Into<Option<&'a Checkpoints>>) -> Self {
        Self { checkpoints: checkpoints.into(), ..self }
    }

    /// Ends the training with [`Error::Stopped`] soon after this flag is raised.
    pub fn stop(self, stop: &'a AtomicBool) -> Self {
        Self { stop, ..self }
    }

    /// Whether fused operations compute where they can (the default): on the CPU, in f32, with feature `effnet`; cross entropy
    /// without that feature, too. `false` uses candle's operations throughout, as on other devices: slower on a CPU, and with other
    /// roundings.
    pub fn fused(self, fused: bool) -> Self {
        Self { fused, ..self }
    }

    /// Number of epochs that the newest checkpoint holds, from which [`Training::run`] goes on; 0 where there is none. Nothing is changed.
    ///
    /// # Errors
    /// Whatever would end [`Training::run`] before it trains: networks or data that don't fit together, a checkpoint of another training.
    pub fn epochs_done(&self) -> Result<usize> {
        self.check()?;
        let newest = match self.checkpoints {
            Some(checkpoints) => checkpoints.open(self.networks, self.hyper, self.data)?,
            None => None,
        };
        Ok(newest.map_or(0, |newest| newest.epoch()))
    }

    /// Trains, and returns what the networks found out about each label.
    ///
    /// # Errors
    /// Fewer or more networks than the method trains; data that don't fit together; a sample that can't be read; [`Error::Diverged`];
    /// [`Error::Stopped`]; a checkpoint of another training; whatever `observer` returns.
    pub fn run(self, mut observer: impl FnMut(Event) -> Result<()>) -> Result<Outcome> {
        self.check()?;
        let optimisers = self.optimisers()?;
        let mut state = State::new(self.networks.len(), self.data, self.hyper)?;
        if let Some(checkpoints) = self.checkpoints {
            checkpoints.restore(&mut state, self.networks, &optimisers, self.hyper, self.data)?;
        }
        let refined = self.start.map(|s| s.refined_labels(self.data));
        let mut trained = (0, 0.0);

        // 3: while e < MaxEpoch
        while !self.is_over(&state) {
            let began = Instant::now();
            let (mut records, images) =
                self.train(&mut state, &optimisers, refined.as_deref(), &mut observer)?;
            self.evaluate(&mut state, &mut records, &optimisers, &mut observer)?;
            state.records.extend(records.iter().cloned());
            state.epoch += 1;
            let seconds = began.elapsed().as_secs_f64();
            trained = (trained.0 + images, trained.1 + seconds);
            observer(Event::EpochDone { records, seconds, images_per_s: images as f64 / seconds })?;
            if let Some(checkpoints) = self.checkpoints
                && (checkpoints.is_due(state.epoch) || self.is_over(&state))
            {
                checkpoints.write(&state, self.networks, &optimisers, self.hyper, self.data)?;
                observer(Event::CheckpointWritten { epoch: state.epoch })?;
            }
        }
        AveragedWeights::swap(optimisers.iter().filter_map(Optimiser::ema))?.keep();
        self.outcome(state, trained)
    }

    /// Whether the last epoch is done: the last of the settings, or the one in which patience ended.
    fn is_over(&self, state: &State) -> bool {
        let from = state.patience_from;
        state.epoch >= self.hyper.epochs || out_of_patience(&state.records, from, self.hyper)
    }

    /// Trains all networks through an epoch. Returns a record of each, and the number of views trained on.
    fn train(
        &self,
        state: &mut State,
        optimisers: &[Optimiser],
        refined: Option<&[f32]>,
        observer: &mut Observer<'_>,
    ) -> Result<(Vec<EpochRecord>, usize)> {
        let Self { networks, data, hyper, .. } = *self;
        let (epoch, method) = (state.epoch, hyper.method());
        let phase = if epoch < hyper.warmup { Phase::WarmUp } else { Phase::Train };
        observer(Event::EpochStarted { epoch: epoch + 1, epochs: hyper.epochs, phase })?;
        let samples: Vec<Vec<usize>> =
            (0..networks.len()).map(|network| samples_of(data, hyper, (epoch, network))).collect();
        // 4, 5: both divisions before the first network trains.
        let divisions = self.divisions(state, &samples, phase)?;
        let needs = method.needs(hyper.strength());
        if needs.transition && phase == Phase::Train && state.transition.is_none() {
            state.transition = Some(estimated_transition(&state.logits[0], data)?);
        }
        // 6: train the networks one by one.
        let mut records = Vec::new();
        let mut images = 0;
        for (network, samples) in samples.iter().enumerate() {
            let weights = class_weights(data, samples, hyper.class_weights);
            let context = Context {
                data,
                hyper,
                strength: hyper.strength(),
                samples,
                refined,
                class_weights: weights.as_deref(),
                transition: state.transition.as_deref(),
                mean_predictions: state.mean_predictions.mean().map(ClassTable::values),
                stop: self.stop,
                is_timed: false,
                fused: self.fused,
            };
            let division = divisions.as_ref().map(|d| &d[network]);
            if let Some(d) = division {
                let (labeled, unlabeled) = (d.labeled.len(), d.unlabeled.len());
                observer(Event::Division { network: network + 1, labeled, unlabeled })?;
            }
            let mut pass =
                NetworkEpoch::new(context, networks, &optimisers[network], (epoch, network), observer);
            let losses = match phase {
                Phase::WarmUp => method.warm_up(&mut pass)?,        // 2
                Phase::Train => method.epoch(&mut pass, division)?, // 7 to 28
            };
            images += pass.images();
            records.push(record(epoch, network, phase, losses, division, (samples, data)));
        }
        Ok((records, images))
    }

    /// The divisions of the `samples` that each network is trained on, where the method needs them.
    fn divisions(
        &self,
        state: &State,
        samples: &[Vec<usize>],
        phase: Phase,
    ) -> Result<Option<Vec<Division>>> {
        if phase == Phase::WarmUp || !self.hyper.method().needs(self.hyper.strength()).division {
            return Ok(None);
        }
        let divisions = match self.start {
            Some(start) if state.epoch == 0 => start.divisions(samples, self.data, self.hyper),
            _ => state.divide(samples, self.data, self.hyper)?,
        };
        Ok(Some(divisions))
    }

    /// Evaluates all networks (their averages, where there are any) after an epoch, and fills in what the records say of it.
    fn evaluate(
        &self,
        state: &mut State,
        records: &mut [EpochRecord],
        optimisers: &[Optimiser],
        observer: &mut Observer<'_>,
    ) -> Result<()> {
        let (data, hyper) = (self.data, self.hyper);
        let averaged = AveragedWeights::swap(optimisers.iter().filter_map(Optimiser::ema))?;
        state.evaluate_training_set(self.networks, data, self.stop)?;
        observer(state.evaluated())?;
        let clean_auc = self.clean_auc(state)?;
        records.iter_mut().for_each(|record| record.clean_auc = clean_auc);
        if let Some(test) = self.test {
            measure(records, self.networks, test, data.classes, self.stop)?;
        }
        averaged.swap_back()?;
        if hyper.method().needs(hyper.strength()).mean_predictions {
            state.average_predictions()?;
        }
        if state.epoch + 1 >= hyper.warmup {
            state.push_losses(hyper.loss_average)?;
        }
        Ok(())
    }

    fn outcome(&self, state: State, trained: (usize, f64)) -> Result<Outcome> {
        let (data, hyper) = (self.data, self.hyper);
        let n = data.labels.len();
        let all: Vec<usize> = (0..n).collect();
        let divisions = state.divide(&vec![all; state.losses.len()], data, hyper)?;
        let share = 1.0 / divisions.len() as f64;
        let clean_probability =
            (0..n).map(|i| divisions.iter().map(|d| d.clean_probability[i] * share).sum()).collect();
        Ok(Outcome {
            clean_probability,
            label_quality: self.label_quality(&state)?,
            probabilities: ClassTable::mean(&state.logits)?.softmax(),
            mean_probabilities: state.margins.probabilities(),
            losses: min_max(&elementwise_mean(&state.losses)?),
            mixtures: state.mixtures(&divisions, hyper),
            records: state.records,
            trained,
        })
    }

    /// Quality of each label by all epochs so far.
    fn label_quality(&self, state: &State) -> Result<Vec<f64>> {
        Ok(match self.start {
            // Both runs' margins, each standardised.
            Some(start) => combined_margins(&[&start.margins(), &state.margins.margins()])?
                .into_iter()
                .map(quality_of_margin)
                .collect(),
            None => state.margins.label_quality(),
        })
    }

    /// AUC of [`Training::label_quality`], where the truth is known of every sample.
    fn clean_auc(&self, state: &State) -> Result<Option<f64>> {
        let clean: Option<Vec<bool>> = (0..self.data.labels.len()).map(|i| self.data.is_clean(i)).collect();
        clean.map_or(Ok(None), |clean| Ok(auc(&self.label_quality(state)?, &clean)))
    }

    fn optimisers(&self) -> Result<Vec<Optimiser>> {
        let networks = self.networks.iter().map(|network| network.as_ref());
        networks.map(|network| Optimiser::for_training(network, self.hyper, self.fused)).collect()
    }

    /// Checks that networks, data and start fit together.
    fn check(&self) -> Result<()> {
        let Self { networks, data, hyper, .. } = *self;
        let n = data.views.len();
        hyper.check_classes(data.classes)?;
        let problem = if networks.len() != hyper.networks() {
            format!("the method trains {} networks, {} were given", hyper.networks(), networks.len())
        } else if n < 2 {
            format!("there are {n} training samples; at least 2 are needed")
        } else if data.labels.len() != n || data.truth.len() != n {
            format!("{n} samples have {} labels and {} true labels", data.labels.len(), data.truth.len())
        } else if data.sure.as_ref().is_some_and(|sure| sure.len() != n) {
            "which labels are sure is said of another number of samples".into()
        } else if hyper.method().needs(hyper.strength()).teacher && data.teacher.is_none() {
            "there are no logits of a teacher to learn from".into()
        } else if data.teacher.as_ref().is_some_and(|logits| logits.len() != n * data.classes) {
            "the teacher's logits are of other samples or classes".into()
        } else if let Some(label) = data.labels.iter().find(|y| **y >= data.classes) {
            format!("label {label} is not below the {} classes", data.classes)
        } else if let Some(problem) = self.test.and_then(|test| test.problem(data.classes)) {
            problem
        } else if self.start.is_some_and(|start| !start.fits(data)) {
            "the run to start from has other samples or classes".into()
        } else {
            return Ok(());
        };
        Err(Error::Data(problem))
    }
}

fn record(
    epoch: usize,
    network: usize,
    phase: Phase,
    losses: Losses,
    division: Option<&Division>,
    (samples, data): (&[usize], &TrainingSet),
) -> EpochRecord {
    let mixture = division.and_then(|d| d.mixture.as_ref());
    EpochRecord {
        epoch: epoch + 1,
        phase,
        network: network + 1,
        losses,
        clean_fraction: division.map(kept),
        gmm_means: mixture.map(|m| m.means),
        gmm_weights: mixture.map(|m| m.weights),
        test_accuracy: None,
        network_test_accuracy: None,
        clean_auc: None,
        division_auc: division.and_then(|d| division_auc(d, samples, data)),
    }
}

/// Fills in the accuracies on the test set: of each network, and of all networks together.
fn measure(
    records: &mut [EpochRecord],
    networks: &[Box<dyn Network>],
    test: &TestSet,
    classes: usize,
    stop: &AtomicBool,
) -> Result<()> {
    let outputs =
        networks.iter().map(|n| logits(n.as_ref(), &test.views, stop)).collect::<Result<Vec<_>>>()?;
    let together = accuracy(&elementwise_mean(&outputs)?, &test.labels, classes);
    for (record, own) in records.iter_mut().zip(&outputs) {
        record.test_accuracy = Some(together);
        record.network_test_accuracy = Some(accuracy(own, &test.labels, classes));
    }
    Ok(())
}
