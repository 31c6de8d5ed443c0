//! One network's way through an epoch: what every method needs, so that a method's file holds nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use candle_core::{Device, Tensor};
use candle_nn::ops::softmax_last_dim;
use noisy_labels::division::Division;
use noisy_labels::losses::{cross_entropy, cross_entropy_by_candle};
use noisy_labels::soft::one_hot;

use crate::batch::BatchMaker;
use crate::batches::{endless, number, shuffled};
use crate::ema::update_teacher;
use crate::{
    Batch, ClassWeights, Error, Evaluator, Event, Hyperparameters, Losses, Mode, Network, Objective,
    Optimiser, Prefetch, Purpose, Result, SampleSet, Sgd, Stream, TrainingSet, ViewKind, backward, prefetch,
};

/// Batches whose views are made ahead of the step that trains on them.
const PREFETCHED: usize = 2;

/// The caller's observer.
pub(crate) type Observer<'a> = dyn FnMut(Event) -> Result<()> + 'a;

/// The inputs of a network's epoch; most of them are the same for all epochs of a run.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) data: &'a TrainingSet,
    pub(crate) hyper: &'a Hyperparameters,
    /// The method's strength: [`Hyperparameters::strength`] or the method's default.
    pub(crate) strength: f64,
    /// The samples that the epoch trains on, ascending: all, or those that were drawn.
    pub(crate) samples: &'a [usize],
    /// Soft labels `[N, classes]` that replace the given ones in plain training (in a run that started from another).
    pub(crate) refined: Option<&'a [f32]>,
    /// Weight of each class in the labeled loss.
    pub(crate) class_weights: Option<&'a [f32]>,
    /// Probability `[classes, classes]` of each label for each true class, where a method needs it.
    pub(crate) transition: Option<&'a [f32]>,
    /// Predicted probabilities `[N, classes]`, averaged over epochs, where a method needs them.
    pub(crate) mean_predictions: Option<&'a [f32]>,
    pub(crate) stop: &'a AtomicBool,
    /// Whether the steps are timed alone: then a loss that is no longer a number is no error.
    pub(crate) is_timed: bool,
    /// Whether fused kernels compute where they can.
    pub(crate) fused: bool,
}

/// One network in one epoch: what a [`crate::Method`] trains it with.
///
/// Tables that the loop keeps (labels, predictions, a teacher's logits) come as tensors on the device of a batch's views and
/// in their type.
pub struct NetworkEpoch<'a> {
    context: Context<'a>,
    epoch: usize,
    index: usize,
    network: &'a dyn Network,
    peer: &'a dyn Network,
    /// Made when it is first asked.
    peer_evaluator: Option<Evaluator<'a>>,
    optimiser: &'a Optimiser,
    sgd: Sgd,
    observer: &'a mut Observer<'a>,
    images: usize,
    forwards: u64,
    steps: usize,
    sums: [f64; 3],
    has: [bool; 3],
}

impl<'a> NetworkEpoch<'a> {
    /// Network `index` of `networks` in `epoch` (both from 0); its peer is the next network.
    pub(crate) fn new(
        context: Context<'a>,
        networks: &'a [Box<dyn Network>],
        optimiser: &'a Optimiser,
        (epoch, index): (usize, usize),
        observer: &'a mut Observer<'a>,
    ) -> Self {
        let hyper = context.hyper;
        let lr = hyper.lr * hyper.schedule.factor(epoch, hyper.epochs);
        Self {
            context,
            epoch,
            index,
            network: networks[index].as_ref(),
            peer: networks[(index + 1) % networks.len()].as_ref(),
            peer_evaluator: None,
            optimiser,
            sgd: Sgd { lr, momentum: hyper.momentum, weight_decay: hyper.weight_decay },
            observer,
            images: 0,
            forwards: 0,
            steps: 0,
            sums: [0.0; 3],
            has: [false; 3],
        }
    }

    /// The settings of the training.
    pub fn hyperparameters(&self) -> &'a Hyperparameters {
        self.context.hyper
    }

    /// The method's strength: the one that was set, or the method's default. 0 is plain training.
    pub fn strength(&self) -> f64 {
        self.context.strength
    }

    /// The training set.
    pub fn data(&self) -> &'a TrainingSet {
        self.context.data
    }

    /// The samples that the epoch trains on, ascending: all, or those that were drawn ([`Hyperparameters::epoch_images`]).
    pub fn samples(&self) -> &'a [usize] {
        self.context.samples
    }

    /// The epoch, counted from 0.
    pub fn epoch(&self) -> usize {
        self.epoch
    }

    /// The network's index, from 0.
    pub fn network_index(&self) -> usize {
        self.index
    }

    /// Number of steps of an epoch that trains once on all its samples ([`crate::supervised_epoch`]).
    pub fn steps_per_epoch(&self) -> usize {
        number(self.samples().len(), self.hyperparameters().batch)
    }

    /// Number of views trained on so far.
    pub(crate) fn images(&self) -> usize {
        self.images
    }

    // Batches and views.

    /// `samples` in this epoch's random order, cut into batches of [`Hyperparameters::batch`].
    pub fn shuffled(&self, samples: &[usize], set: SampleSet) -> Vec<Vec<usize>> {
        shuffled(samples, self.hyperparameters().batch, self.order(set))
    }

    /// Batches of `samples` without end: shuffled anew each time that all have been drawn.
    pub fn endless(
        &self,
        samples: Vec<usize>,
        set: SampleSet,
    ) -> impl Iterator<Item = Vec<usize>> + Send + use<> {
        endless(samples, self.hyperparameters().batch, self.order(set))
    }

    /// Views of these kinds of each batch's samples, each with a seed of its own, made in the background ahead of use.
    pub fn views(
        &self,
        batches: impl IntoIterator<Item = Vec<usize>, IntoIter: Send + 'static>,
        kinds: &[ViewKind],
        set: SampleSet,
    ) -> Prefetch<Batch, Error> {
        let maker = self.batch_maker(kinds);
        prefetch(batches.into_iter().enumerate(), PREFETCHED, move |(number, samples)| {
            Ok(maker.batches(number, vec![(set, samples)])?.into_iter().next().unwrap_or_default())
        })
    }

    /// The same of two sets at a time: a batch of labeled samples and, where there are any, one of unlabeled samples.
    pub fn views_of_both(
        &self,
        labeled: impl IntoIterator<Item = Vec<usize>, IntoIter: Send + 'static>,
        unlabeled: Option<impl Iterator<Item = Vec<usize>> + Send + 'static>,
        kinds: &[ViewKind],
    ) -> Prefetch<(Batch, Option<Batch>), Error> {
        let (maker, mut unlabeled) = (self.batch_maker(kinds), unlabeled);
        let both = labeled.into_iter().map(move |x| (x, unlabeled.as_mut().and_then(Iterator::next)));
        prefetch(both.enumerate(), PREFETCHED, move |(number, (x, u))| {
            let sets = std::iter::once((SampleSet::Labeled, x)).chain(u.map(|u| (SampleSet::Unlabeled, u)));
            let mut batches = maker.batches(number, sets.collect())?.into_iter();
            let x = batches.next().unwrap_or_default();
            Ok((x, batches.next()))
        })
    }

    fn batch_maker(&self, kinds: &[ViewKind]) -> BatchMaker {
        let has_strong = self.hyperparameters().strong_views;
        let kind = |kind: &ViewKind| if has_strong { *kind } else { ViewKind::Weak };
        BatchMaker {
            source: Arc::clone(&self.data().views),
            kinds: kinds.iter().map(kind).collect(),
            stream: self.stream(Purpose::Augment),
        }
    }

    /// The random stream of a step's MixMatch or mixup.
    pub fn mix(&self, step: usize) -> Stream {
        self.stream(Purpose::Mix).at(step as u64)
    }

    fn stream(&self, purpose: Purpose) -> Stream {
        Stream::new(self.hyperparameters().seed, purpose).at(self.epoch as u64).at(self.index as u64)
    }

    /// The stream that orders the samples of `set` in this epoch.
    fn order(&self, set: SampleSet) -> Stream {
        self.stream(Purpose::Order).at(set as u64)
    }

    // Tables of the loop, as tensors for a batch.

    /// The given labels, one-hot `[B, classes]`.
    ///
    /// # Errors
    /// candle's.
    pub fn given_labels(&self, batch: &Batch) -> Result<Tensor> {
        let labels: Vec<usize> = batch.samples.iter().map(|&i| self.data().labels[i]).collect();
        batch.match_views(&one_hot(&labels, self.data().classes, &Device::Cpu)?)
    }

    /// The labels `[B, classes]` of plain training: the given ones, or those that another run refined.
    ///
    /// # Errors
    /// candle's.
    pub fn labels(&self, batch: &Batch) -> Result<Tensor> {
        match self.context.refined {
            Some(refined) => self.rows(refined, batch),
            None => self.given_labels(batch),
        }
    }

    /// Labels `[B, classes]` that a method found, but for the samples whose label is sure ([`TrainingSet::sure`]): these keep the given one.
    ///
    /// # Errors
    /// candle's.
    pub fn keep_sure(&self, batch: &Batch, labels: Tensor) -> Result<Tensor> {
        let sure: Vec<u8> = batch.samples.iter().map(|&i| u8::from(self.data().is_sure(i))).collect();
        if sure.iter().all(|sure| *sure == 0) {
            return Ok(labels);
        }
        let sure = Tensor::from_vec(sure, (batch.samples.len(), 1), labels.device())?;
        let sure = sure.broadcast_as(labels.shape())?.contiguous()?;
        Ok(sure.where_cond(&self.given_labels(batch)?.to_dtype(labels.dtype())?, &labels)?)
    }

    /// The network's predictions `[B, classes]`, averaged over the last epochs, with [`crate::Needs::mean_predictions`]; `None` before
    /// the first evaluation.
    ///
    /// # Errors
    /// candle's.
    pub fn mean_predictions(&self, batch: &Batch) -> Result<Option<Tensor>> {
        self.context.mean_predictions.map(|means| self.rows(means, batch)).transpose()
    }

    /// The teacher's logits `[B, classes]`, if there is a teacher.
    ///
    /// # Errors
    /// candle's.
    pub fn teacher_logits(&self, batch: &Batch) -> Result<Option<Tensor>> {
        self.data().teacher.as_deref().map(|logits| self.rows(logits, batch)).transpose()
    }

    /// The estimated probability `[classes, classes]` of each label (column) for each true class (row), with
    /// [`crate::Needs::transition`].
    pub fn transition(&self) -> Option<&'a [f32]> {
        self.context.transition
    }

    /// The clean probabilities `[B]` that a division gives.
    ///
    /// # Errors
    /// candle's.
    pub fn clean_probability(&self, batch: &Batch, division: &Division) -> Result<Tensor> {
        let w: Vec<f32> = batch.samples.iter().map(|&i| division.clean_probability[i] as f32).collect();
        batch.match_views(&Tensor::new(w, &Device::Cpu)?)
    }

    /// Targets `[B, classes]` with each class's column multiplied by its weight ([`Hyperparameters::class_weights`]).
    ///
    /// # Errors
    /// candle's.
    pub fn weigh_classes(&self, targets: &Tensor) -> Result<Tensor> {
        match self.context.class_weights {
            None => Ok(targets.clone()),
            Some(weights) => {
                let weights = Tensor::new(weights, targets.device())?.to_dtype(targets.dtype())?;
                Ok(targets.broadcast_mul(&weights)?)
            }
        }
    }

    /// The batch's rows `[B, classes]` of a table `[N, classes]`.
    fn rows(&self, table: &[f32], batch: &Batch) -> Result<Tensor> {
        let (samples, classes) = (&batch.samples, self.data().classes);
        let rows: Vec<f32> =
            samples.iter().flat_map(|&i| &table[i * classes..][..classes]).copied().collect();
        batch.match_views(&Tensor::from_vec(rows, (samples.len(), classes), &Device::Cpu)?)
    }

    // Divisions.

    /// Whether a network can be trained on both sets of a division. Where it can't, a warning says why, and the epoch should
    /// train plainly.
    pub fn has_two_sets(&mut self, division: &Division) -> bool {
        let (labeled, unlabeled) = (division.labeled.len(), division.unlabeled.len());
        // Batch norm has no statistics of one sample.
        if division.degenerate.is_none() && (labeled < 2 || unlabeled < 2) {
            self.warn_of_plain_training(&format!(
                "{labeled} samples are above the threshold and {unlabeled} are not"
            ));
            return false;
        }
        self.is_sound(division)
    }

    /// Whether a division tells samples apart. Where it doesn't, a warning says why, and the epoch should train plainly.
    pub fn is_sound(&mut self, division: &Division) -> bool {
        if let Some(degenerate) = &division.degenerate {
            self.warn_of_plain_training(&degenerate.to_string());
        }
        division.degenerate.is_none()
    }

    /// Tells the observer that this epoch is plain training, and why.
    pub fn warn_of_plain_training(&mut self, reason: &str) {
        let (epoch, network) = (self.epoch + 1, self.index + 1);
        let warning = format!("epoch {epoch}, network {network}: trained plainly, because {reason}");
        // The error is ignored here; the observer is called again at the next batch, and that call returns it.
        let _ = (self.observer)(Event::Warning(warning));
    }

    // Passes through networks.

    /// This network's logits in training mode, to be differentiated.
    ///
    /// # Errors
    /// The network's.
    pub fn forward(&mut self, batch: &Tensor) -> Result<Tensor> {
        let mode = Mode::Train { seed: self.forward_seed() };
        Ok(self.network.forward_t(batch, mode)?)
    }

    /// This network's softmax for each tensor of views, in training mode, without gradient.
    ///
    /// # Errors
    /// The network's.
    pub fn predictions(&mut self, views: &[Tensor]) -> Result<Vec<Tensor>> {
        views
            .iter()
            .map(|v| {
                let mode = Mode::TrainNoGrad { seed: self.forward_seed() };
                Ok(softmax_last_dim(&self.network.forward_t(v, mode)?)?.detach())
            })
            .collect()
    }

    /// The other network's softmax for each tensor of views, in evaluation mode. The other network must not change during this epoch.
    ///
    /// # Errors
    /// The network's.
    pub fn peer_predictions(&mut self, views: &[Tensor]) -> Result<Vec<Tensor>> {
        let peer = match &self.peer_evaluator {
            Some(peer) => peer,
            None => self.peer_evaluator.insert(self.peer.evaluator()?),
        };
        views.iter().map(|v| Ok(softmax_last_dim(&peer(v)?)?.detach())).collect()
    }

    /// The softmax of a teacher that changes with each step (the other network), in training mode, without gradient.
    ///
    /// # Errors
    /// The network's.
    pub fn mean_teacher_predictions(&mut self, views: &Tensor) -> Result<Tensor> {
        // An evaluator would have to be made anew for each step.
        let mode = Mode::TrainNoGrad { seed: self.forward_seed() };
        Ok(softmax_last_dim(&self.peer.forward_t(views, mode)?)?.detach())
    }

    /// Moves a mean teacher (the other network) towards this network: `momentum` of the teacher is kept, of its running statistics
    /// too.
    ///
    /// # Errors
    /// candle's, where the networks' shapes differ.
    pub fn update_teacher(&self, momentum: f64) -> Result<()> {
        update_teacher(self.peer, self.network, momentum, self.context.fused)
    }

    fn forward_seed(&mut self) -> u64 {
        self.forwards += 1;
        self.stream(Purpose::Forward).at(self.forwards).key()
    }

    // Steps.

    /// Tells the observer how many batches there will be.
    ///
    /// # Errors
    /// The observer's.
    pub fn start(&mut self, batches: usize) -> Result<()> {
        (self.observer)(Event::PassStarted { network: self.index + 1, batches })
    }

    /// Cross entropy with soft targets, `-mean_b sum_c y_bc log p_bc`, of logits and targets `[B, classes]`: by one fused operation
    /// on the CPU, else by candle's.
    ///
    /// # Errors
    /// candle's, where shapes or types differ.
    pub fn cross_entropy(&self, logits: &Tensor, targets: &Tensor) -> Result<Tensor> {
        let compute = if self.context.fused { cross_entropy } else { cross_entropy_by_candle };
        Ok(compute(logits, targets)?)
    }

    /// Takes one SGD step on this network alone to minimise the objective, which was made from `images` views, and reports the
    /// objective's parts.
    ///
    /// # Errors
    /// [`Error::Diverged`] where the loss is no longer finite; [`Error::Stopped`]; candle's; the observer's.
    pub fn step(&mut self, objective: &Objective, images: usize) -> Result<()> {
        if self.context.stop.load(Ordering::Relaxed) {
            return Err(Error::Stopped);
        }
        let (loss, parts) = objective.fetch()?;
        if !loss.is_finite() && !self.context.is_timed {
            let (network, epoch, batch) = (self.index + 1, self.epoch + 1, self.steps + 1);
            let Hyperparameters { lr, weight_decay, .. } = *self.context.hyper;
            return Err(Error::Diverged { network, epoch, batch, loss, lr, weight_decay });
        }
        let gradients =
            if self.context.fused { backward(&objective.loss)? } else { objective.loss.backward()? };
        self.optimiser.step(&gradients, &self.sgd)?;
        self.steps += 1;
        self.images += images;
        for (i, value) in parts.into_iter().enumerate() {
            self.sums[i] += value.unwrap_or_default();
            self.has[i] |= value.is_some();
        }
        let [loss_x, loss_u, loss_reg] = parts;
        let losses = Losses { loss_x, loss_u, loss_reg };
        (self.observer)(Event::Batch { network: self.index + 1, batch: self.steps, images, losses })
    }

    /// The reported losses, averaged over the steps so far.
    pub fn mean_losses(&self) -> Losses {
        let mean = |i: usize| self.has[i].then(|| self.sums[i] / self.steps.max(1) as f64);
        Losses { loss_x: mean(0), loss_u: mean(1), loss_reg: mean(2) }
    }
}

/// Weights of the classes, inverse to their number of given labels among `samples`; their mean over these samples is 1.
pub(crate) fn class_weights(
    data: &TrainingSet,
    samples: &[usize],
    weights: ClassWeights,
) -> Option<Vec<f32>> {
    if weights == ClassWeights::None {
        return None;
    }
    let mut counts = vec![0usize; data.classes];
    samples.iter().for_each(|&sample| counts[data.labels[sample]] += 1);
    let share = samples.len() as f32 / data.classes as f32;
    Some(counts.iter().map(|&n| if n == 0 { 0.0 } else { share / n as f32 }).collect())
}
