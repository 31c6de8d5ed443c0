//! All signals from features, as they are combined.

use super::combine::{Signal, combined_quality};
use super::discriminant::SHRINKAGE;
use super::kept::kept_labels;
use super::logistic::LogisticSettings;
use super::margin::{logit_margins, share_margins};
use super::neighbours::Neighbours;
use super::out_of_fold::OutOfFold;
use crate::class_table::ClassTable;
use crate::error::Result;
use crate::features::Features;

/// The number of neighbours that vote.
pub const NEIGHBOURS: usize = 50;

/// The temperature of their votes ([`Neighbours::votes`]).
pub const VOTE_TEMPERATURE: f64 = 0.05;

/// A label is not learnt from in the second round if its quality in the first is not above this: if another class is clearly more
/// likely.
const LEAST_QUALITY: f64 = 0.4;

/// The part of a class that is learnt from in the second round at least.
const LEAST_PART: f64 = 0.25;

/// The weights by which the first round chooses what the second learns from.
const FIRST_ROUND: Weights =
    Weights { logistic: 1.0, discriminant: 2.0, neighbours: 1.0, second_logistic: 0.0 };

/// The weight of each signal beside the others: the second logistic regression takes the place of the first.
///
/// These, and the numbers above, were chosen on two sets of 5,000 CIFAR-10 images (`s1`, `s2`) with seven kinds of wrong labels
/// each, among eight candidates, and judged on a third set: docs/benchmarks/notebook/2026-11-29-signals.md.
pub const WEIGHTS: Weights =
    Weights { logistic: 0.0, discriminant: 2.0, neighbours: 1.0, second_logistic: 2.0 };

/// How much each signal of [`FeatureSignals`] counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights {
    /// Of [`FeatureSignals::logistic`].
    pub logistic: f64,
    /// Of [`FeatureSignals::discriminant`].
    pub discriminant: f64,
    /// Of [`FeatureSignals::neighbours`].
    pub neighbours: f64,
    /// Of [`FeatureSignals::second_logistic`].
    pub second_logistic: f64,
}

/// The margin of each label by each way of judging it from features, N numbers each. NaN: nothing is known of the label.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureSignals {
    /// By logistic regression on the other folds.
    pub logistic: Vec<f64>,
    /// By discriminant analysis on the other folds.
    pub discriminant: Vec<f64>,
    /// By the votes of the most similar samples.
    pub neighbours: Vec<f64>,
    /// By logistic regression on the labels of the other folds that the first three do not doubt.
    pub second_logistic: Vec<f64>,
    /// The logits of the first logistic regression, `[N, C]`, which has learnt from wrong labels as well as from right ones.
    pub first_logits: ClassTable,
    /// The logits of the second logistic regression, `[N, C]`: the best single classifier of these.
    pub logits: ClassTable,
}

impl FeatureSignals {
    /// The signals of these features, of which each row should have a norm of about 1 ([`Features::side_by_side`],
    /// [`Features::normalised`]).
    ///
    /// # Shapes
    /// `features`: `[N, F]`; `labels`: N ids below `classes`.
    ///
    /// # Errors
    /// [`crate::Error::Length`] where the numbers of samples differ; [`crate::Error::Label`] for an id that is not a class;
    /// [`crate::Error::Entry`] for the first feature that is not finite.
    pub fn of(features: &Features<'_>, labels: &[usize], classes: usize) -> Result<Self> {
        let first = OutOfFold::new(features, labels, classes)?;
        let settings = LogisticSettings::default();
        let first_logits = first.logistic(&settings)?;
        let logistic = logit_margins(&first_logits, labels)?;
        let discriminant = logit_margins(&first.discriminant(SHRINKAGE)?, labels)?;
        let votes = Neighbours::within(features, NEIGHBOURS)?.votes(labels, classes, VOTE_TEMPERATURE)?;
        let neighbours = share_margins(&votes, labels)?;
        let mut found = Self {
            logistic,
            discriminant,
            neighbours,
            second_logistic: vec![f64::NAN; labels.len()],
            first_logits,
            logits: ClassTable::new(Vec::new(), classes)?,
        };
        let first_quality = combined_quality(&found.weighted(&FIRST_ROUND))?;
        let kept = kept_labels(&first_quality, labels, classes, LEAST_QUALITY, LEAST_PART)?;
        found.logits = first.keeping(&kept)?.logistic(&settings)?;
        found.second_logistic = logit_margins(&found.logits, labels)?;
        Ok(found)
    }

    /// The signals with [`WEIGHTS`]. Others can be added: the margins of a network averaged over its training
    /// ([`crate::quality::MarginHistory::margins`]) are a signal as well.
    pub fn signals(&self) -> Vec<Signal<'_>> {
        self.weighted(&WEIGHTS)
    }

    fn weighted(&self, weights: &Weights) -> Vec<Signal<'_>> {
        let signal = |(margins, weight)| Signal { margins, weight };
        let parts = [
            (self.logistic.as_slice(), weights.logistic),
            (&self.discriminant, weights.discriminant),
            (&self.neighbours, weights.neighbours),
            (&self.second_logistic, weights.second_logistic),
        ];
        parts.into_iter().map(signal).collect()
    }

    /// The quality of each label, in `0..=1`, where a low value means a bad label: [`combined_quality`] of [`Self::signals`].
    ///
    /// # Errors
    /// [`crate::Error::Length`] where the fields differ in length.
    pub fn quality(&self) -> Result<Vec<f64>> {
        combined_quality(&self.signals())
    }
}
