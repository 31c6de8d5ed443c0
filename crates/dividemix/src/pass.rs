//! One network's way through an epoch: what every method needs, so that a method's file holds nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use candle_core::{Device, Tensor};
use candle_nn::ops::softmax_last_dim;
use effnet_ops::Sgd;
use noisy_labels::division::Division;
use noisy_labels::soft::one_hot;

use crate::average::{follow, weights};
use crate::batches::sizes;
use crate::optimiser::Optimiser;
use crate::{
    ClassWeights, Error, Evaluator, Event, Hyperparameters, Losses, Mode, Network, Purpose, Result, Stream,
    TrainingSet, View,
};

/// Views that are made ahead of the step that trains on them.
const PREFETCHED: usize = 2;

/// Which samples a batch is drawn from: each has its own streams.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Set {
    All,
    Labeled,
    Unlabeled,
}

/// Which view of a sample is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ViewKind {
    /// An augmented one.
    Weak,
    /// One to train on: a strong one where strong views were asked for, else an augmented one.
    Strong,
}

/// A batch: its samples and some views of all of them.
pub(crate) struct Batch {
    pub(crate) samples: Vec<usize>,
    /// A tensor `[B, ...]` for each view that was asked for.
    pub(crate) views: Vec<Tensor>,
}

/// The caller's observer.
pub(crate) type Observe<'a> = dyn FnMut(Event) -> Result<()> + 'a;

/// What a pass goes by; most of it stays the same for all passes of a run.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) data: &'a TrainingSet,
    pub(crate) hyper: &'a Hyperparameters,
    /// The samples that the epoch trains on, ascending: all, or those that were drawn.
    pub(crate) samples: &'a [usize],
    /// Soft labels `[N, classes]` that plain training uses instead of the given ones (a run that started from another).
    pub(crate) refined: Option<&'a [f32]>,
    /// Weight of each class in the labeled loss.
    pub(crate) class_weights: Option<&'a [f32]>,
    /// Probability `[classes, classes]` of each label for each true class, where a method needs it.
    pub(crate) transition: Option<&'a [f32]>,
    /// Predicted probabilities `[N, classes]`, averaged over epochs, where a method needs them.
    pub(crate) mean_predictions: Option<&'a [f32]>,
    pub(crate) stop: &'a AtomicBool,
}

/// One network in one epoch.
pub(crate) struct Pass<'a> {
    pub(crate) data: &'a TrainingSet,
    pub(crate) hyper: &'a Hyperparameters,
    /// The samples to train on, ascending.
    pub(crate) samples: &'a [usize],
    /// The epoch, counted from 0.
    pub(crate) epoch: usize,
    /// Views trained on so far.
    pub(crate) images: usize,
    context: Context<'a>,
    index: usize,
    network: &'a dyn Network,
    peer: &'a dyn Network,
    /// Made when it is first asked.
    peer_evaluator: Option<Evaluator<'a>>,
    optimiser: &'a Optimiser,
    sgd: Sgd,
    observe: &'a mut Observe<'a>,
    forwards: u64,
    steps: usize,
    sums: [f64; 3],
    has: [bool; 3],
}

impl<'a> Pass<'a> {
    /// Network `index` of `networks` in `epoch` (both from 0); its peer is the next one.
    pub(crate) fn new(
        context: Context<'a>,
        networks: &'a [Box<dyn Network>],
        optimiser: &'a Optimiser,
        (epoch, index): (usize, usize),
        observe: &'a mut Observe<'a>,
    ) -> Self {
        let Context { data, hyper, samples, .. } = context;
        let lr = hyper.lr * hyper.schedule.factor(epoch, hyper.epochs);
        Self {
            data,
            hyper,
            samples,
            epoch,
            images: 0,
            context,
            index,
            network: networks[index].as_ref(),
            peer: networks[(index + 1) % networks.len()].as_ref(),
            peer_evaluator: None,
            optimiser,
            sgd: Sgd { lr, momentum: hyper.momentum, weight_decay: hyper.weight_decay },
            observe,
            forwards: 0,
            steps: 0,
            sums: [0.0; 3],
            has: [false; 3],
        }
    }

    /// Says how many batches there will be.
    pub(crate) fn start(&mut self, batches: usize) -> Result<()> {
        (self.observe)(Event::PassStarted { network: self.index + 1, batches })
    }

    fn stream(&self, purpose: Purpose) -> Stream {
        Stream::new(self.hyper.seed, purpose).at(self.epoch as u64).at(self.index as u64)
    }

    /// The stream that orders the samples of `set` in this epoch.
    pub(crate) fn order(&self, set: Set) -> Stream {
        self.stream(Purpose::Order).at(set as u64)
    }

    /// The stream of a step's MixMatch.
    pub(crate) fn mix(&self, step: usize) -> Stream {
        self.stream(Purpose::Mix).at(step as u64)
    }

    /// Views of these kinds of each batch's samples, each with a seed of its own, made in the background ahead of use.
    pub(crate) fn views(
        &self,
        batches: impl IntoIterator<Item = Vec<usize>, IntoIter: Send + 'static>,
        kinds: &[ViewKind],
        set: Set,
    ) -> image_folder::Prefetch<Batch, Error> {
        let source = Arc::clone(&self.data.views);
        let (kinds, has_strong) = (kinds.to_vec(), self.hyper.strong_views);
        let stream = self.stream(Purpose::Augment).at(set as u64);
        image_folder::prefetch(batches.into_iter().enumerate(), PREFETCHED, move |(number, samples)| {
            let view = |m: usize| -> Vec<View> {
                let stream = stream.at(number as u64).at(m as u64);
                samples.iter().map(|&sample| View { sample, seed: stream.at(sample as u64).key() }).collect()
            };
            let made = |(m, kind): (usize, &ViewKind)| match kind {
                ViewKind::Strong if has_strong => source.strong(&view(m)),
                _ => source.augmented(&view(m)),
            };
            let views = kinds.iter().enumerate().map(made).collect::<Result<_>>()?;
            Ok(Batch { samples, views })
        })
    }

    /// The given labels, one-hot `[B, classes]`.
    pub(crate) fn given_labels(&self, samples: &[usize]) -> Result<Tensor> {
        let labels: Vec<usize> = samples.iter().map(|&i| self.data.labels[i]).collect();
        Ok(one_hot(&labels, self.data.classes, &Device::Cpu)?)
    }

    /// What plain training learns: the given labels, or those that another run refined.
    pub(crate) fn labels(&self, samples: &[usize]) -> Result<Tensor> {
        self.context.refined.map_or_else(|| self.given_labels(samples), |refined| self.rows(refined, samples))
    }

    /// What the network said of samples in the last epochs, `[B, classes]`, if it was asked for.
    pub(crate) fn mean_predictions(&self, samples: &[usize]) -> Result<Option<Tensor>> {
        self.context.mean_predictions.map(|means| self.rows(means, samples)).transpose()
    }

    /// Rows `[B, classes]` of a table `[N, classes]`.
    fn rows(&self, table: &[f32], samples: &[usize]) -> Result<Tensor> {
        let classes = self.data.classes;
        let rows: Vec<f32> =
            samples.iter().flat_map(|&i| &table[i * classes..][..classes]).copied().collect();
        Ok(Tensor::from_vec(rows, (samples.len(), classes), &Device::Cpu)?)
    }

    /// The teacher's logits `[B, classes]` of samples, if there is a teacher.
    pub(crate) fn teacher(&self, samples: &[usize]) -> Result<Option<Tensor>> {
        self.data.teacher.as_deref().map(|logits| self.rows(logits, samples)).transpose()
    }

    /// The estimated noise, if it was asked for.
    pub(crate) fn transition(&self) -> Option<&'a [f32]> {
        self.context.transition
    }

    /// Whether this is the second of two networks.
    pub(crate) fn is_second(&self) -> bool {
        self.index == 1
    }

    /// Steps of an epoch over all its samples.
    pub(crate) fn steps_over_all(&self) -> usize {
        sizes(self.samples.len(), self.hyper.batch).len()
    }

    /// The clean probabilities `[B]` of samples.
    pub(crate) fn clean_probability(&self, samples: &[usize], division: &Division) -> Result<Tensor> {
        let w: Vec<f32> = samples.iter().map(|&i| division.clean_probability[i] as f32).collect();
        Ok(Tensor::new(w, &Device::Cpu)?)
    }

    /// Targets `[B, classes]` with each class's column times its weight.
    pub(crate) fn weigh_classes(&self, targets: &Tensor) -> Result<Tensor> {
        match self.context.class_weights {
            None => Ok(targets.clone()),
            Some(weights) => Ok(targets.broadcast_mul(&Tensor::new(weights, targets.device())?)?),
        }
    }

    /// Whether a division can be trained on; where it can't, says why (the epoch then trains plainly).
    pub(crate) fn can_use(&mut self, division: &Division) -> bool {
        let (labeled, unlabeled) = (division.labeled.len(), division.unlabeled.len());
        // Batch norm knows nothing from one sample.
        if division.degenerate.is_none() && (labeled < 2 || unlabeled < 2) {
            self.trains_plainly(&format!(
                "{labeled} samples are above the threshold and {unlabeled} are not"
            ));
            return false;
        }
        self.is_told_apart(division)
    }

    /// Whether a division tells samples apart; where it doesn't, says why.
    pub(crate) fn is_told_apart(&mut self, division: &Division) -> bool {
        if let Some(degenerate) = &division.degenerate {
            self.trains_plainly(&degenerate.to_string());
        }
        division.degenerate.is_none()
    }

    /// Says that this epoch is plain training, and why.
    pub(crate) fn trains_plainly(&mut self, reason: &str) {
        let (epoch, network) = (self.epoch + 1, self.index + 1);
        let warning = format!("epoch {epoch}, network {network}: trained plainly, because {reason}");
        // An observer that fails will fail again at the next batch, where its error can leave.
        let _ = (self.observe)(Event::Warning(warning));
    }

    fn seed(&mut self) -> u64 {
        self.forwards += 1;
        self.stream(Purpose::Forward).at(self.forwards).key()
    }

    /// This network's softmax for each tensor of views, in training mode, without gradient.
    pub(crate) fn predictions(&mut self, views: &[Tensor]) -> Result<Vec<Tensor>> {
        views
            .iter()
            .map(|v| {
                let mode = Mode::TrainNoGrad { seed: self.seed() };
                Ok(softmax_last_dim(&self.network.forward_t(v, mode)?)?.detach())
            })
            .collect()
    }

    /// The other network's softmax for each tensor of views, in evaluation mode.
    pub(crate) fn peer_predictions(&mut self, views: &[Tensor]) -> Result<Vec<Tensor>> {
        // The peer rests while this network is trained.
        let peer = match &self.peer_evaluator {
            Some(peer) => peer,
            None => self.peer_evaluator.insert(self.peer.evaluator()?),
        };
        views.iter().map(|v| Ok(softmax_last_dim(&peer(v)?)?.detach())).collect()
    }

    /// What the other network says of views now, while it changes: softmax, in training mode, without gradient. Evaluation would
    /// be made ready anew for each step.
    pub(crate) fn peer_now(&mut self, views: &Tensor) -> Result<Tensor> {
        let mode = Mode::TrainNoGrad { seed: self.seed() };
        Ok(softmax_last_dim(&self.peer.forward_t(views, mode)?)?.detach())
    }

    /// Moves the other network towards this one: momentum theirs + (1 - momentum) ours, running statistics too.
    pub(crate) fn lead(&self, momentum: f64) -> Result<()> {
        let [theirs, ours] = [self.peer, self.network].map(weights);
        follow(theirs.iter().map(|(_, var)| var), ours.iter().map(|(_, var)| var), momentum)
    }

    /// This network's logits in training mode, to be differentiated.
    pub(crate) fn forward(&mut self, batch: &Tensor) -> Result<Tensor> {
        let mode = Mode::Train { seed: self.seed() };
        Ok(self.network.forward_t(batch, mode)?)
    }

    /// One SGD step down `loss`, made from `images` views; its parts are told and averaged.
    pub(crate) fn step(
        &mut self,
        loss: &Tensor,
        images: usize,
        loss_x: &Tensor,
        loss_u: Option<&Tensor>,
        loss_reg: Option<&Tensor>,
    ) -> Result<()> {
        if self.context.stop.load(Ordering::Relaxed) {
            return Err(Error::Stopped);
        }
        let value = f64::from(loss.to_scalar::<f32>()?);
        if !value.is_finite() {
            let (network, epoch, batch, lr) = (self.index + 1, self.epoch + 1, self.steps + 1, self.sgd.lr);
            return Err(Error::Diverged { network, epoch, batch, loss: value, lr });
        }
        self.optimiser.step(&effnet_ops::backward(loss)?, &self.sgd)?;
        self.steps += 1;
        self.images += images;
        let mut parts = [None; 3];
        for (i, part) in [Some(loss_x), loss_u, loss_reg].into_iter().enumerate() {
            let Some(part) = part else { continue };
            let value = f64::from(part.to_scalar::<f32>()?);
            parts[i] = Some(value);
            self.sums[i] += value;
            self.has[i] = true;
        }
        let [loss_x, loss_u, loss_reg] = parts;
        let losses = Losses { loss_x, loss_u, loss_reg };
        (self.observe)(Event::Batch { network: self.index + 1, batch: self.steps, images, losses })
    }

    /// The losses, averaged over the batches so far.
    pub(crate) fn mean_losses(&self) -> Losses {
        let mean = |i: usize| self.has[i].then(|| self.sums[i] / self.steps.max(1) as f64);
        Losses { loss_x: mean(0), loss_u: mean(1), loss_reg: mean(2) }
    }
}

/// Weights of the classes, inverse to their number of given labels among `samples`; their mean over these is 1.
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
