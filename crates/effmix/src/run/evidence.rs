//! How many labels are wrong by a run's predictions, or why that can't be estimated.
//!
//! Predictions of images whose labels the networks learnt are no evidence by themselves: a network that learns labels by heart agrees
//! with every one. So the evidence is out of sample. For a head on a frozen backbone, a second classifier is fitted to the features
//! by folds, in seconds, and scores every training image. Else the held-out images are used, where they were split off by chance
//! and so are labelled as the others. Else (a test set of its own, perhaps with better labels) they only tell how often the
//! networks err.

use std::collections::HashSet;

use noisy_labels::evidence::{Contradictions, LabelEvidence, NoEvidence, NoiseRange, out_of_fold_scores};
use noisy_labels::quality::{ConfidentJoint, MarginHistory};
use noisy_labels::{ClassTable, Features, argmax};

use dividemix::Outcome;

use crate::Result;
use crate::data::Sets;

/// The networks' predictions of the held-out images at the end.
#[derive(Debug)]
pub(crate) struct HeldOut {
    /// Logits `[T, classes]`, the networks' mean.
    pub(crate) logits: ClassTable,
    /// Quality of each given label.
    pub(crate) quality: Vec<f64>,
    /// Probabilities `[T, classes]`.
    pub(crate) probabilities: ClassTable,
}

impl HeldOut {
    /// From each network's logits `[T, classes]` and the given labels.
    pub(crate) fn new(outputs: Vec<Vec<f32>>, given: &[usize], classes: usize) -> Result<Self> {
        let mut margins = MarginHistory::new(given.len(), classes);
        let outputs: Vec<ClassTable> = outputs
            .into_iter()
            .map(|logits| ClassTable::new(logits, classes))
            .collect::<noisy_labels::Result<_>>()?;
        outputs.iter().try_for_each(|logits| margins.add(logits, given))?;
        Ok(Self {
            logits: ClassTable::mean(&outputs)?,
            quality: margins.label_quality(),
            probabilities: margins.probabilities(),
        })
    }

    /// The predictions that contradict `labels`. Images that are training images as well are left out: they are no evidence.
    fn contradictions(&self, sets: &Sets, labels: &[usize], classes: usize) -> Result<Contradictions> {
        let mut logits = self.logits.values().to_vec();
        for (copy, _) in &sets.test_copies {
            logits[copy * classes..][..classes].fill(f32::NAN);
        }
        Ok(Contradictions::count(&ClassTable::new(logits, classes)?, labels)?)
    }
}

/// Why no estimate is given of a set's labels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Withheld {
    /// What the predictions tell is not enough.
    NoEvidence(NoEvidence),
    /// There are no images that the networks have not learnt.
    NothingHeldOut,
}

/// The estimates for the labels of the training images, and of the held-out ones.
pub(crate) struct Evidence {
    pub(crate) train: std::result::Result<NoiseRange, Withheld>,
    pub(crate) test: std::result::Result<NoiseRange, Withheld>,
}

impl Evidence {
    /// `confident` is the noise rate that confident learning finds on the training images.
    pub(crate) fn new(
        sets: &Sets,
        outcome: &Outcome,
        held_out: Option<&HeldOut>,
        confident: f64,
        classes: usize,
    ) -> Result<Self> {
        let given: Vec<usize> = sets.samples.iter().map(|sample| sample.label).collect();
        let given_in_test: Vec<usize> = sets.test_samples.iter().map(|sample| sample.label).collect();
        let train: LabelEvidence = match (&sets.features, held_out) {
            (Some(features), _) => {
                let row = |sample: usize, out: &mut [f32]| features.copy_plain(sample, out);
                let features = Features::from_fn(given.len(), features.width(), row);
                match out_of_fold_scores(&features, &given, classes)? {
                    None => Err(NoEvidence::Alike),
                    Some(scores) => {
                        let found = Contradictions::count(&scores, &given)?;
                        NoiseRange::out_of_sample(&found, confident)
                    }
                }
            }
            (None, None) => {
                let nothing = Err(Withheld::NothingHeldOut);
                return Ok(Self { train: nothing, test: nothing });
            }
            (None, Some(held_out)) if sets.test_is_split_off => {
                let found = held_out.contradictions(sets, &given_in_test, classes)?;
                NoiseRange::out_of_sample(&found, confident)
            }
            (None, Some(held_out)) => {
                let rows = outcome.mean_probabilities.rows().zip(&given);
                let contradicted = rows.filter(|(row, y)| argmax(row) != **y).count();
                let contradicted = contradicted as f64 / given.len().max(1) as f64;
                let labels = sets.test.as_ref().map_or(&[][..], |test| &test.labels);
                let found = held_out.contradictions(sets, labels, classes)?;
                let occurring = given.iter().collect::<HashSet<_>>().len();
                NoiseRange::by_accuracy(&found, (given.len(), occurring), contradicted, confident)
            }
        };
        let train = train.map_err(Withheld::NoEvidence);
        let test = match held_out {
            None => Err(Withheld::NothingHeldOut),
            // Networks that tell nothing of the one set tell nothing of the other.
            Some(_) if sets.test_is_split_off || train.is_err() => train,
            Some(held_out) => {
                let found = held_out.contradictions(sets, &given_in_test, classes)?;
                let confident = ConfidentJoint::count(&held_out.probabilities, &given_in_test)?;
                NoiseRange::out_of_sample(&found, confident.noise_rate()).map_err(Withheld::NoEvidence)
            }
        };
        Ok(Self { train, test })
    }
}

/// What a network started from, as far as it decides what would help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Began {
    /// Features of one's own.
    Features,
    /// Pretrained weights.
    Pretrained,
    /// Random numbers.
    Random,
    /// Random numbers, on the demo set.
    Demo,
}

/// The largest part of a set that it is advised to hold out.
const LARGEST_PART: f64 = 0.5;

/// The part of so many images that holds out the needed ones, and some more, since a path's hash decides: in twentieths.
fn fraction_for(needed: usize, images: usize) -> f64 {
    (1.1 * needed as f64 / images as f64 * 20.0).ceil() / 20.0
}

impl Withheld {
    /// Why no estimate is given, and what to do about it, in words. Of so many images a larger part could be held out, if they are split by
    /// `--test-fraction` and the estimate comes from the held-out ones.
    pub(crate) fn in_words(self, began: Began, split: Option<usize>) -> String {
        let percent = |share: f64| format!("{:.0} %", 100.0 * share);
        let better = match began {
            Began::Pretrained => {
                "More images help, and perhaps larger ones (--size 224), another pretrained network (--arch efficientnet_b0), or training all of \
                 it (--freeze none)."
            }
            Began::Features => {
                "More images help, and features of a larger network, or of one for such images."
            }
            Began::Random => "Pretrained weights help most (--weights auto), and more images.",
            Began::Demo => "More epochs help (--epochs).",
        };
        match self {
            Self::NothingHeldOut => "Nothing is said about the labels: no image was held out, so nothing shows what the networks know. \
                 Hold some out with --test-fraction 0.1."
                .to_owned(),
            Self::NoEvidence(NoEvidence::Few { samples, needed }) => {
                let part = split.map(|images| fraction_for(needed, images)).filter(|part| *part <= LARGEST_PART);
                let larger = part.map_or_else(String::new, |part| {
                    format!(", or a larger part of them held out (--test-fraction {part:.2})")
                });
                format!(
                    "Nothing is said about the labels: {samples} images whose label the networks have not seen are too few to tell \
                     wrong labels from difficult images; {needed} are needed. More images help{larger}."
                )
            }
            Self::NoEvidence(NoEvidence::Alike) => "Nothing is said about the labels: all images look the same to the network. \
                 Are these the right files?"
                .to_owned(),
            Self::NoEvidence(NoEvidence::Chance { agreement, baseline }) => format!(
                "Nothing is said about the labels: of images whose label it has not seen, the classifier gives {} the label that they \
                 have, and the most frequent class alone would be right for {}. Either the labels have nothing to do with the images, or \
                 the network can't see what they mean. {better}",
                percent(agreement),
                percent(baseline)
            ),
            Self::NoEvidence(NoEvidence::Wide { agreement, low, high }) => format!(
                "Nothing is said about the labels: of images whose label it has not seen, the classifier gives {} the label that they \
                 have, and so weak a classifier can't tell a wrong label from a difficult image. Between {} and {} of the labels may be \
                 wrong. {better}",
                percent(agreement),
                percent(low),
                percent(high)
            ),
        }
    }
}
