//! What another run found, as the start of this one.

use noisy_labels::division::Division;
use noisy_labels::quality::margin_of_quality;

use crate::division::keep_sure;
use crate::{Hyperparameters, TrainingSet};

/// The findings of another run: its division and its refined labels are the first epoch's.
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
    /// Whether the findings are of as many samples and classes as `data` has.
    pub(crate) fn fits(&self, data: &TrainingSet) -> bool {
        let n = data.labels.len();
        self.clean_probability.len() == n
            && self.label_quality.len() == n
            && self.probabilities.len() == n * data.classes
    }

    /// Refined labels `[N, classes]`: w y + (1 - w) p (Algorithm 1, line 18), with that run's w and p.
    pub(crate) fn refined_labels(&self, data: &TrainingSet) -> Vec<f32> {
        let mut refined = self.probabilities.clone();
        for (sample, row) in refined.chunks_mut(data.classes).enumerate() {
            let y = data.labels[sample];
            let w = if data.is_sure(sample) { 1.0 } else { self.clean_probability[sample] };
            row.iter_mut().for_each(|p| *p *= 1.0 - w as f32);
            row[y] += w as f32;
        }
        refined
    }

    /// That run's margins.
    pub(crate) fn margins(&self) -> Vec<f64> {
        self.label_quality.iter().map(|&q| margin_of_quality(q)).collect()
    }

    /// That run's division of the `samples` that each network is trained on.
    pub(crate) fn divisions(
        &self,
        samples: &[Vec<usize>],
        data: &TrainingSet,
        hyper: &Hyperparameters,
    ) -> Vec<Division> {
        let divide = |samples: &Vec<usize>| {
            let clean = samples.iter().map(|&sample| self.clean_probability[sample]).collect();
            let division = Division::by_probability(clean, hyper.threshold);
            keep_sure(division.of_samples(samples, self.clean_probability.len()), data)
        };
        samples.iter().map(divide).collect()
    }
}
