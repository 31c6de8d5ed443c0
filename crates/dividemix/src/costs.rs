//! The cost of a view on this machine: the loop's own passes, timed for a moment on networks that are thrown away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use candle_core::{Device, Tensor};
use noisy_labels::division::{Divider, Division, SampleLosses};

use crate::epoch::{Context, NetworkEpoch};
use crate::evaluate::{EVALUATION_BATCH, logits_by};
use crate::memory::{forget_peak_on, peak_on};
use crate::methods::DivideMix;
use crate::supervised::penalised_epoch;
use crate::{
    CheckedHyperparameters, Error, Evaluator, Event, Hyperparameters, Losses, Method, Network, Optimiser,
    Result, TrainingSet, View, ViewKind, ViewSource, Work,
};

/// The cost of a view.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// Seconds.
    pub seconds: f64,
    /// Views in the batch that was timed.
    pub rows: usize,
    /// The most memory of the networks' device that this process had meanwhile, in bytes, where that is known
    /// ([`crate::memory::peak_on`]).
    pub peak: Option<u64>,
}

impl Cost {
    /// As much memory, for so many times the seconds.
    fn times(self, factor: f64) -> Self {
        Self { seconds: factor * self.seconds, ..self }
    }
}

/// Costs by kind of work.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Costs {
    /// A view in a plain step.
    pub plain: Cost,
    /// A view that DivideMix trains on, with all that is guessed for it: lines 9 to 27.
    pub mixed: Cost,
    /// An evaluated image.
    pub evaluated: Cost,
    /// Seconds of a fit of the mixture.
    pub fit: f64,
}

/// Share of the run's time that measuring may take, and the most seconds that it may.
const SHARE: f64 = 0.03;
const LONGEST: f64 = 1.8;

/// Samples in the first, small batches.
const FEW: usize = 4;

/// Steps, or batches evaluated, that are timed, at least and at most; one more before them gets the memory.
const STEPS: (usize, usize) = (2, 12);

/// Losses that a mixture is fitted to for its time, at most.
const MOST_FITTED: usize = 50_000;

/// A view trained on costs about three times one that is evaluated, forward and twice as much back: a first guess.
const TRAINED: f64 = 3.0;

/// Guesses take a view and a half through a network for each view that is trained on: M views of both batches by the
/// network itself, and of the unlabeled one by its peer. A first guess, too: a view alone where the unlabeled batch is left out.
const GUESSES: f64 = 1.5;

impl Costs {
    /// The time that `work` takes.
    pub fn seconds(&self, work: &Work) -> f64 {
        self.plain.seconds * work.plain as f64
            + self.mixed.seconds * work.mixed as f64
            + self.evaluated.seconds * work.evaluated as f64
            + self.fit * work.fits as f64
    }

    /// Times evaluation and steps of both kinds on `views`, for a thirtieth of the time that a training of `n` samples with
    /// this `work` takes, and for two seconds at most: at the real batch size where that is short enough, else at a
    /// smaller one.
    ///
    /// `networks` are trained by it (with a rate that moves them little), so they should be made for it.
    ///
    /// # Errors
    /// A view that can't be read or doesn't fit the networks; [`crate::Error::Stopped`].
    pub fn measure(
        networks: &[Box<dyn Network>],
        views: &Arc<dyn ViewSource>,
        classes: usize,
        hyper: &CheckedHyperparameters,
        (n, work): (usize, &Work),
        stop: &AtomicBool,
    ) -> Result<Self> {
        let optimiser = Optimiser::for_training(networks[0].as_ref(), hyper, true)?;
        let views = Arc::clone(views);
        let evaluator = networks[0].evaluator()?;
        let device = networks[0].device();
        let timer = Timer { networks, device, evaluator, optimiser, views, classes, hyper, stop };
        let few = FEW.min(n).max(2);
        timer.evaluate(few, 1)?;
        let evaluated = timer.evaluate(few, STEPS.0)?;
        if stop.load(Ordering::Relaxed) {
            return Err(Error::Stopped);
        }
        let fit = fit_seconds(hyper.images_an_epoch(n), hyper)?;
        let (plain, mixed) = (evaluated.times(TRAINED), evaluated.times(TRAINED + GUESSES));
        let mut costs = Self { plain, mixed, evaluated, fit };
        let limit = (costs.seconds(work) * SHARE).min(LONGEST) / 3.0;
        // How many views a cost lets us try, and how many steps that makes.
        let affordable = |cost: &Cost| (limit / cost.seconds.max(1e-9)) as usize;
        let steps = |views: usize, batch: usize| (views / batch).clamp(STEPS.0, STEPS.1);

        let views = affordable(&evaluated);
        let batch = EVALUATION_BATCH.min(n).min(views / (STEPS.0 + 1));
        if batch > few {
            timer.evaluate(batch, 1)?;
            costs.evaluated = timer.evaluate(batch, steps(views, batch))?;
            // A view costs less in a larger batch: with the cost in a small one, steps would be timed on smaller ones than need be.
            costs.plain = costs.evaluated.times(TRAINED);
        }
        let views = affordable(&costs.plain);
        let batch = hyper.batch.min(n).min(views / (STEPS.0 + 1)).max(few);
        costs.plain = timer.plain(batch, steps(views, batch))?;

        let guesses = GUESSES * costs.evaluated.seconds;
        costs.mixed = Cost { seconds: costs.plain.seconds + guesses, ..costs.plain };
        let (views, a_sample) = (affordable(&costs.mixed), Self::rows_mixed(1, hyper));
        let batch = hyper.batch.min(n / 2).min(views / (STEPS.0 + 1) / a_sample);
        if work.mixed > 0 && batch >= 2 {
            costs.mixed = timer.mixed(batch, steps(views, batch * a_sample))?;
        }
        Ok(costs)
    }

    /// Views that a step of DivideMix trains on, where half of the samples are labeled and a batch is of `batch` samples.
    pub fn rows_mixed(batch: usize, hyper: &Hyperparameters) -> usize {
        let batches = if hyper.uses_unlabeled(0.5) { 2 } else { 1 };
        batches * hyper.augmentations * batch
    }
}

/// The passes of the loop, with a clock.
struct Timer<'a> {
    networks: &'a [Box<dyn Network>],
    device: Device,
    evaluator: Evaluator<'a>,
    optimiser: Optimiser,
    views: Arc<dyn ViewSource>,
    classes: usize,
    hyper: &'a CheckedHyperparameters,
    stop: &'a AtomicBool,
}

impl Timer<'_> {
    /// Plain training.
    fn plain(&self, batch: usize, steps: usize) -> Result<Cost> {
        // DivideMix's warm-up is on weak views; other methods train on strong ones throughout.
        let is_dividemix = self.hyper.method().name() == DivideMix.name();
        let view = if is_dividemix { ViewKind::Weak } else { ViewKind::Strong };
        let penalty = self.hyper.warmup_penalty;
        self.steps((batch, batch), batch * (steps + 1), |pass| penalised_epoch(pass, penalty, view))
    }

    /// DivideMix, half of the samples labeled.
    fn mixed(&self, batch: usize, steps: usize) -> Result<Cost> {
        let half = batch * (steps + 1);
        let clean = [vec![1.0; half], vec![0.0; half]].concat();
        let division = Division::by_probability(clean, 0.5);
        let rows = Costs::rows_mixed(batch, self.hyper);
        self.steps((batch, rows), 2 * half, |pass| DivideMix.epoch(pass, Some(&division)))
    }

    /// Evaluation, batch by batch; the median batch.
    fn evaluate(&self, rows: usize, batches: usize) -> Result<Cost> {
        forget_peak_on(&self.device);
        let batch = || {
            let began = Instant::now();
            logits_by(&self.evaluator, &self.samples(rows), self.stop)?;
            Ok(began.elapsed())
        };
        let batches = (0..batches).map(|_| batch()).collect::<Result<_>>()?;
        Ok(Cost { seconds: median(batches) / rows as f64, rows, peak: peak_on(&self.device) })
    }

    /// A pass over `count` samples in steps of `batch` samples and `rows` views; the median step, but for the first.
    fn steps(
        &self,
        (batch, rows): (usize, usize),
        count: usize,
        train: impl FnOnce(&mut NetworkEpoch<'_>) -> Result<Losses>,
    ) -> Result<Cost> {
        forget_peak_on(&self.device);
        let data = TrainingSet {
            views: self.samples(count),
            labels: (0..count).map(|i| i % self.classes).collect(),
            truth: vec![None; count],
            sure: None,
            classes: self.classes,
            teacher: None,
        };
        // The rate is above 0, as it must be, and too low to spoil the weights.
        let hyper = Hyperparameters { batch, lr: 1e-9, ..Hyperparameters::clone(self.hyper) };
        let samples: Vec<usize> = (0..count).collect();
        let context = Context {
            data: &data,
            hyper: &hyper,
            strength: self.hyper.strength(),
            samples: &samples,
            refined: None,
            class_weights: None,
            transition: None,
            mean_predictions: None,
            stop: self.stop,
            is_timed: true,
            fused: true,
        };
        let mut times = Vec::new();
        let mut observe = |event: Event| {
            if let Event::Batch { .. } = event {
                times.push(Instant::now());
            }
            Ok(())
        };
        train(&mut NetworkEpoch::new(context, self.networks, &self.optimiser, (0, 0), &mut observe))?;
        let steps = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        Ok(Cost { seconds: median(steps) / rows as f64, rows, peak: peak_on(&self.device) })
    }

    fn samples(&self, count: usize) -> Arc<dyn ViewSource> {
        Arc::new(Repeated { views: Arc::clone(&self.views), count })
    }
}

/// The median in seconds; 0 where there are no times.
fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(0.0, Duration::as_secs_f64)
}

/// Any number of samples from a few.
struct Repeated {
    views: Arc<dyn ViewSource>,
    count: usize,
}

impl Repeated {
    fn of_few(&self, views: &[View]) -> Vec<View> {
        let few = self.views.len();
        views.iter().map(|view| View { sample: view.sample % few, seed: view.seed }).collect()
    }
}

impl ViewSource for Repeated {
    fn len(&self) -> usize {
        self.count
    }

    fn plain(&self, samples: &[usize]) -> Result<Tensor> {
        let few = self.views.len();
        self.views.plain(&samples.iter().map(|sample| sample % few).collect::<Vec<_>>())
    }

    fn augmented(&self, views: &[View]) -> Result<Tensor> {
        self.views.augmented(&self.of_few(views))
    }

    fn strong(&self, views: &[View]) -> Result<Tensor> {
        self.views.strong(&self.of_few(views))
    }

    fn together(&self, wanted: &[(ViewKind, Vec<View>)]) -> Result<Vec<Tensor>> {
        let of_few: Vec<_> = wanted.iter().map(|(kind, views)| (*kind, self.of_few(views))).collect();
        self.views.together(&of_few)
    }
}

/// Seconds of a fit to the losses of `n` samples, by a fit to at most [`MOST_FITTED`] losses of two modes: a fit's time goes with their
/// number.
fn fit_seconds(n: usize, hyper: &Hyperparameters) -> Result<f64> {
    let (all, n) = (n, n.min(MOST_FITTED));
    let losses: Vec<f32> = (0..n).map(|i| (i % 97) as f32 / 97.0 + 2.0 * (i % 2) as f32).collect();
    let began = Instant::now();
    let (mixture, labels) = (hyper.mixture, vec![0; n]);
    let divider = Divider { mixture, threshold: hyper.threshold, ..Divider::default() };
    std::hint::black_box(divider.divide(SampleLosses::Epoch(&losses), &labels, 1)?);
    Ok(began.elapsed().as_secs_f64() * (all as f64 / n.max(1) as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fit_to_any_number_of_samples_is_timed_in_a_moment() {
        let (hyper, began) = (Hyperparameters::default(), Instant::now());
        let some = fit_seconds(MOST_FITTED, &hyper).unwrap();
        let more = fit_seconds(1_000_000 * MOST_FITTED, &hyper).unwrap();
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
        assert!(more > 1e4 * some, "{some} s and {more} s");
    }
}
