//! The loop that all methods share, and the outer half of Algorithm 1.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use noisy_labels::division::{Division, SampleLosses};
use noisy_labels::history::LossHistory;
use noisy_labels::mixture::min_max;
use noisy_labels::quality::{combined_margins, margin_of_quality, quality_of_margin};
use noisy_labels::{ClassTable, elementwise_mean};

use crate::average::Average;
use crate::checkpoint::{Checkpoints, State};
use crate::division::{clean_auc, co_divide, estimated_transition, kept};
use crate::draw::samples_of;
use crate::evaluate::accuracy;
use crate::methods::{recipe, warm_up};
use crate::optimiser::Optimiser;
use crate::pass::{Context, Observe, Pass, class_weights};
use crate::{
    EpochRecord, Error, Event, Hyperparameters, Losses, Method, Network, Outcome, Phase, Result, Seen,
    ViewSource, logits,
};

/// Samples to train on, with labels that may be wrong.
pub struct TrainingSet {
    /// The samples' views.
    pub views: Arc<dyn ViewSource>,
    /// The given labels, below `classes`.
    pub labels: Vec<usize>,
    /// The true labels where they are known: for measuring, never for training.
    pub truth: Vec<Option<usize>>,
    /// Number of classes.
    pub classes: usize,
    /// A teacher's logits `[N, classes]` of the samples, for distillation.
    pub teacher: Option<Vec<f32>>,
}

/// Samples to measure accuracy on.
pub struct TestSet {
    /// The samples' views.
    pub views: Arc<dyn ViewSource>,
    /// Their labels.
    pub labels: Vec<usize>,
}

/// What another run found, to start from: its division and its refined labels are the first epoch's.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// Clean probability of each training sample.
    pub clean_probability: Vec<f64>,
    /// Predicted probabilities `[N, classes]`.
    pub probabilities: Vec<f32>,
    /// Quality of each label by its margins: this run's margins are added to them.
    pub label_quality: Vec<f64>,
}

impl Start {
    /// Refined labels `[N, classes]`: w y + (1 - w) p (Algorithm 1, line 18), with that run's w and p.
    fn refined(&self, data: &TrainingSet) -> Vec<f32> {
        let mut refined = self.probabilities.clone();
        for ((row, &w), &y) in refined.chunks_mut(data.classes).zip(&self.clean_probability).zip(&data.labels)
        {
            row.iter_mut().for_each(|p| *p *= 1.0 - w as f32);
            row[y] += w as f32;
        }
        refined
    }

    /// That run's margins.
    fn margins(&self) -> Vec<f64> {
        self.label_quality.iter().map(|&q| margin_of_quality(q)).collect()
    }

    /// That run's division, of the `samples` that each network is trained on.
    fn divisions(&self, samples: &[Vec<usize>], hyper: &Hyperparameters) -> Vec<Division> {
        let divide = |samples: &Vec<usize>| {
            let clean = samples.iter().map(|&sample| self.clean_probability[sample]).collect();
            let division = Division::by_probability(clean, hyper.threshold);
            division.of_samples(samples, self.clean_probability.len())
        };
        samples.iter().map(divide).collect()
    }
}

/// Trains `networks` on `data` and says what is known of each label.
///
/// Goes on from the newest of `checkpoints` where there is one, to the same bits as a run that was never stopped.
/// A division of all samples follows the last epoch, so that every method ends with clean probabilities. Whatever an epoch trains on
/// ([`Hyperparameters::epoch_images`]), all samples are evaluated after it.
/// With [`Hyperparameters::ema`] the networks' averages are what is evaluated, and the networks are these averages in the end.
///
/// # Errors
/// A setting out of range; fewer networks than the method trains; a sample that can't be read; [`Error::Diverged`];
/// [`Error::Stopped`] soon after `stop` is raised; whatever `observe` returns.
#[allow(clippy::too_many_arguments, reason = "each is one thing that a caller decides")]
pub fn train(
    networks: &[Box<dyn Network>],
    data: &TrainingSet,
    test: Option<&TestSet>,
    start: Option<&Start>,
    hyper: &Hyperparameters,
    checkpoints: Option<&Checkpoints>,
    stop: &AtomicBool,
    observe: &mut Observe<'_>,
) -> Result<Outcome> {
    check(networks, data, start, hyper)?;
    let refined = start.map(|s| s.refined(data));
    let optimisers = networks
        .iter()
        .map(|n| Optimiser::new(n.as_ref(), hyper.body_share(), hyper.ema))
        .collect::<Result<Vec<_>>>()?;
    let mut state = State::new(networks.len(), data, hyper);
    if let Some(checkpoints) = checkpoints {
        checkpoints.restore(&mut state, networks, &optimisers, data)?;
    }
    let (warm_up, method) = (warm_up(hyper), recipe(hyper));
    let mut trained = (0, 0.0);

    // 3: while e < MaxEpoch
    while state.epoch < hyper.epochs && !out_of_patience(&state.records, hyper) {
        let began = Instant::now();
        let epoch = state.epoch;
        let (phase, recipe) = if epoch < hyper.warmup {
            (Phase::WarmUp, warm_up.as_ref()) // 2
        } else {
            (Phase::Train, method.as_ref())
        };
        observe(Event::EpochStarted { epoch: epoch + 1, epochs: hyper.epochs, phase })?;
        let samples: Vec<Vec<usize>> =
            (0..networks.len()).map(|network| samples_of(data, hyper, (epoch, network))).collect();
        // 4, 5: both divisions before the first network trains.
        let divisions = match (recipe.divides(), start) {
            (false, _) => None,
            (true, Some(start)) if epoch == 0 => Some(start.divisions(&samples, hyper)),
            (true, _) => Some(state.divide(&samples, data, hyper)?),
        };
        if recipe.needs_transition() && state.transition.is_none() {
            state.transition = Some(estimated_transition(&state.outputs[0], data)?);
        }
        let transition = state.transition.as_deref();
        let mean_predictions = state.predictions.mean().map(ClassTable::values);
        // 6: train the networks one by one.
        let mut records = Vec::new();
        let mut images = 0;
        for (network, samples) in samples.iter().enumerate() {
            let weights = class_weights(data, samples, hyper.class_weights);
            let context = Context {
                data,
                hyper,
                samples,
                refined: refined.as_deref(),
                class_weights: weights.as_deref(),
                transition,
                mean_predictions,
                stop,
            };
            let division = divisions.as_ref().map(|d| &d[network]);
            if let Some(d) = division {
                let (labeled, unlabeled) = (d.labeled.len(), d.unlabeled.len());
                observe(Event::Division { network: network + 1, labeled, unlabeled })?;
            }
            let mut pass = Pass::new(context, networks, &optimisers[network], (epoch, network), observe);
            let losses = recipe.epoch(&mut pass, division)?; // 7 to 28
            images += pass.images;
            records.push(record(epoch, network, phase, losses, division, (samples, data)));
        }
        exchange(&optimisers)?;
        state.look_at(networks, data, stop)?;
        observe(state.evaluated(data.classes))?;
        if let Some(test) = test {
            measure(&mut records, networks, test, data.classes, stop)?;
        }
        exchange(&optimisers)?;
        if method.averages_predictions() {
            state.predictions.add(&ClassTable::new(state.outputs[0].clone(), data.classes)?.softmax())?;
        }
        if epoch + 1 >= hyper.warmup {
            state.remember(hyper.loss_average)?;
        }
        state.records.extend(records.iter().cloned());
        state.epoch += 1;
        let seconds = began.elapsed().as_secs_f64();
        trained = (trained.0 + images, trained.1 + seconds);
        observe(Event::EpochDone { records, seconds, images_per_s: images as f64 / seconds })?;
        if let Some(checkpoints) = checkpoints
            && checkpoints.write(&state, networks, &optimisers, hyper, data)?
        {
            observe(Event::CheckpointWritten { epoch: state.epoch })?;
        }
    }
    exchange(&optimisers)?;
    state.outcome(data, start, hyper, trained)
}

/// Puts the networks' averages in their place, to be evaluated, and their own weights back again, where there are averages.
fn exchange(optimisers: &[Optimiser]) -> Result<()> {
    optimisers.iter().filter_map(Optimiser::average).try_for_each(Average::exchange)
}

fn check(
    networks: &[Box<dyn Network>],
    data: &TrainingSet,
    start: Option<&Start>,
    hyper: &Hyperparameters,
) -> Result<()> {
    hyper.check()?;
    let n = data.views.len();
    let problem = if networks.len() != hyper.networks() {
        format!("the method trains {} networks, {} were given", hyper.networks(), networks.len())
    } else if n < 2 {
        format!("there are {n} training images; at least 2 are needed")
    } else if data.labels.len() != n || data.truth.len() != n {
        format!("{n} samples have {} labels and {} true labels", data.labels.len(), data.truth.len())
    } else if hyper.method == Method::Distill && data.teacher.is_none() {
        "there are no logits of a teacher to learn from".into()
    } else if data.teacher.as_ref().is_some_and(|logits| logits.len() != n * data.classes) {
        "the teacher's logits are of other samples or classes".into()
    } else if let Some(label) = data.labels.iter().find(|y| **y >= data.classes) {
        format!("label {label} is not below the {} classes", data.classes)
    } else if start
        .is_some_and(|s| s.clean_probability.len() != n || s.probabilities.len() != n * data.classes)
    {
        "the run to start from has other samples or classes".into()
    } else {
        return Ok(());
    };
    Err(Error::Data(problem))
}

/// Whether the test accuracy has not risen for as many epochs as the user has patience for.
fn out_of_patience(records: &[EpochRecord], hyper: &Hyperparameters) -> bool {
    let Some(patience) = hyper.patience else { return false };
    let first = records.iter().filter(|r| r.network == 1 && r.phase == Phase::Train);
    let accuracies: Vec<f64> = first.filter_map(|r| r.test_accuracy).collect();
    let Some(recent) = accuracies.len().checked_sub(patience).filter(|before| *before > 0) else {
        return false;
    };
    let best = |range: &[f64]| range.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    best(&accuracies[recent..]) <= best(&accuracies[..recent])
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
        clean_auc: division.and_then(|d| clean_auc(d, samples, data)),
    }
}

/// Fills in the accuracies on the test set: of each network, and of all together.
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

impl State {
    /// Evaluates every training sample under every network: for the next division, and for the margins.
    fn look_at(
        &mut self,
        networks: &[Box<dyn Network>],
        data: &TrainingSet,
        stop: &AtomicBool,
    ) -> Result<()> {
        let mut outputs = Vec::new();
        for network in networks {
            let output = ClassTable::new(logits(network.as_ref(), &data.views, stop)?, data.classes)?;
            self.margins.add(&output, &data.labels)?;
            outputs.push(output);
        }
        self.see(outputs, data)
    }

    /// What was seen of the samples after the epoch that is being done.
    fn evaluated(&self, classes: usize) -> Event {
        let (logits, losses) = (Arc::clone(&self.outputs), Arc::clone(&self.losses));
        Event::Evaluated { epoch: self.epoch + 1, seen: Seen { logits, losses, classes } }
    }

    /// Keeps the losses, where more than an epoch's are averaged: from the end of warm-up on.
    fn remember(&mut self, epochs: usize) -> Result<()> {
        if epochs > 1 {
            for (history, losses) in self.histories.iter_mut().zip(self.losses.iter()) {
                history.push(losses)?;
            }
        }
        Ok(())
    }

    /// 4, 5: the divisions for all networks, of the `samples` that each is trained on, by the last epoch's losses or by the average of
    /// some.
    fn divide(
        &self,
        samples: &[Vec<usize>],
        data: &TrainingSet,
        hyper: &Hyperparameters,
    ) -> Result<Vec<Division>> {
        let averages = self.histories.iter().map(LossHistory::average).collect::<Option<Vec<_>>>();
        let losses: Vec<SampleLosses<'_>> = match &averages {
            Some(averages) if hyper.loss_average > 1 => {
                averages.iter().map(SampleLosses::Normalised).collect()
            }
            _ => self.losses.iter().map(|losses| SampleLosses::Epoch(losses)).collect(),
        };
        co_divide(&losses, samples, data, hyper)
    }

    fn outcome(
        self,
        data: &TrainingSet,
        start: Option<&Start>,
        hyper: &Hyperparameters,
        trained: (usize, f64),
    ) -> Result<Outcome> {
        let n = data.labels.len();
        let all: Vec<usize> = (0..n).collect();
        let divisions = self.divide(&vec![all; self.losses.len()], data, hyper)?;
        let share = 1.0 / divisions.len() as f64;
        let clean_probability =
            (0..n).map(|i| divisions.iter().map(|d| d.clean_probability[i] * share).sum()).collect();
        let label_quality = match start {
            // Both runs' margins, each standardised.
            Some(start) => combined_margins(&[&start.margins(), &self.margins.margins()])?
                .into_iter()
                .map(quality_of_margin)
                .collect(),
            None => self.margins.label_quality(),
        };
        Ok(Outcome {
            clean_probability,
            label_quality,
            probabilities: ClassTable::new(elementwise_mean(&self.outputs)?, data.classes)?
                .softmax()
                .into_values(),
            mean_probabilities: self.margins.probabilities(),
            losses: min_max(&elementwise_mean(&self.losses)?),
            records: self.records,
            trained,
        })
    }
}
