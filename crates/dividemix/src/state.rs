//! The loop's state between epochs, besides networks and optimisers.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use noisy_labels::ClassTable;
use noisy_labels::division::{Division, SampleLosses};
use noisy_labels::history::LossHistory;
use noisy_labels::losses::cross_entropy_per_sample;
use noisy_labels::mixture::NormalisedLosses;
use noisy_labels::predictions::MeanPredictions;
use noisy_labels::quality::MarginHistory;

use crate::division::{co_divide, divider, source};
use crate::evaluate::logits;
use crate::{
    EpochRecord, Event, FittedMixture, Hyperparameters, Network, Result, TrainPredictions, TrainingSet,
};

/// Everything that a checkpoint holds besides networks and optimisers.
pub(crate) struct State {
    /// Number of epochs trained.
    pub(crate) epoch: usize,
    pub(crate) records: Vec<EpochRecord>,
    /// The epoch from which patience counts: 0, or where a training that patience had ended was made longer.
    pub(crate) patience_from: usize,
    pub(crate) margins: MarginHistory,
    /// Each network's logits of the training samples' plain views after the last epoch.
    pub(crate) logits: Arc<Vec<ClassTable>>,
    /// The losses of the given labels under each network, from these logits.
    pub(crate) losses: Arc<Vec<Vec<f32>>>,
    /// Each network's losses of some epochs, where they are averaged.
    pub(crate) histories: Vec<LossHistory>,
    /// The first network's predictions, averaged over epochs, where a method relabels by them.
    pub(crate) mean_predictions: MeanPredictions,
    /// Probability `[classes, classes]` of each label for each true class, once a method asked for it.
    pub(crate) transition: Option<Vec<f32>>,
}

impl State {
    /// The state before the first epoch.
    pub(crate) fn new(networks: usize, data: &TrainingSet, hyper: &Hyperparameters) -> Result<Self> {
        let n = data.labels.len();
        let logits = ClassTable::new(vec![0.0; n * data.classes], data.classes)?;
        Ok(Self {
            epoch: 0,
            records: Vec::new(),
            patience_from: 0,
            margins: MarginHistory::new(n, data.classes),
            logits: Arc::new(vec![logits; networks]),
            losses: Arc::new(vec![vec![0.0; n]; networks]),
            histories: vec![LossHistory::new(hyper.loss_average); networks],
            mean_predictions: MeanPredictions::default(),
            transition: None,
        })
    }

    /// Evaluates every training sample under every network: for the next division, and for the margins.
    pub(crate) fn evaluate_training_set(
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
        self.update_predictions(outputs, data)
    }

    /// Takes these logits for those of the last epoch.
    pub(crate) fn update_predictions(&mut self, logits: Vec<ClassTable>, data: &TrainingSet) -> Result<()> {
        let losses = logits.iter().map(|table| cross_entropy_per_sample(table, &data.labels));
        self.losses = Arc::new(losses.collect::<noisy_labels::Result<_>>()?);
        self.logits = Arc::new(logits);
        Ok(())
    }

    /// Adds the first network's predictions of the last epoch to their average.
    pub(crate) fn average_predictions(&mut self) -> Result<()> {
        Ok(self.mean_predictions.add(&self.logits[0].softmax())?)
    }

    /// Adds the last epoch's losses to the histories, where the losses of more than one epoch are averaged.
    pub(crate) fn push_losses(&mut self, epochs: usize) -> Result<()> {
        if epochs > 1 {
            for (history, losses) in self.histories.iter_mut().zip(self.losses.iter()) {
                history.push(losses)?;
            }
        }
        Ok(())
    }

    /// The event after the evaluation of the present epoch.
    pub(crate) fn evaluated(&self) -> Event {
        let (logits, losses) = (Arc::clone(&self.logits), Arc::clone(&self.losses));
        let predictions = TrainPredictions { logits, losses };
        Event::Evaluated { epoch: self.epoch + 1, predictions }
    }

    /// 4, 5: the divisions for all networks, of the `samples` that each is trained on, by the last epoch's losses or by the average of
    /// some epochs' losses.
    pub(crate) fn divide(
        &self,
        samples: &[Vec<usize>],
        data: &TrainingSet,
        hyper: &Hyperparameters,
    ) -> Result<Vec<Division>> {
        let averages = self.averaged_losses(hyper);
        co_divide(&self.sample_losses(averages.as_deref()), samples, data, hyper)
    }

    /// The mixtures of these divisions of all samples, by the network under which the losses are that each was fitted to.
    pub(crate) fn mixtures(&self, divisions: &[Division], hyper: &Hyperparameters) -> Vec<FittedMixture> {
        let averages = self.averaged_losses(hyper);
        let losses = self.sample_losses(averages.as_deref());
        let divided_by = |network| (0..losses.len()).find(|&k| source(k, losses.len(), hyper) == network);
        let fitted = |network: usize| {
            let units = divider(hyper).units(losses[network]);
            let losses = units.map_or_else(Vec::new, |units| units.as_slice().to_vec());
            let mixture = divided_by(network).and_then(|k| divisions[k].mixture.clone());
            FittedMixture { mixture, losses }
        };
        (0..losses.len()).map(fitted).collect()
    }

    /// The losses that divisions are made by: of the last epoch, or averages.
    fn sample_losses<'a>(&'a self, averages: Option<&'a [NormalisedLosses]>) -> Vec<SampleLosses<'a>> {
        match averages {
            Some(averages) => averages.iter().map(SampleLosses::Normalised).collect(),
            None => self.losses.iter().map(|losses| SampleLosses::Epoch(losses)).collect(),
        }
    }

    /// Each network's normalised losses, averaged over epochs, if they are averaged and there are any yet.
    fn averaged_losses(&self, hyper: &Hyperparameters) -> Option<Vec<NormalisedLosses>> {
        if hyper.loss_average <= 1 {
            return None;
        }
        self.histories.iter().map(LossHistory::average).collect()
    }
}
