//! An estimate of the noise rate with its range, or why there is none.

use super::contradiction::Contradictions;

/// The smallest number of samples that is evidence.
const FEWEST_SAMPLES: usize = 40;

/// The smallest number of samples for each class that is given, on average, that is evidence.
const FEWEST_OF_A_CLASS: usize = 20;

/// An agreement that is not further above the baseline than this many standard deviations may be luck.
const DEVIATIONS: f64 = 3.0;

/// The agreement must be further above the baseline than this share of the distance to 1.
const LEAST_SKILL: f64 = 0.05;

/// The largest width of a range that is of use is this, plus [`WIDER_BY`] times the lower end.
const WIDEST: f64 = 0.25;

/// See [`WIDEST`].
const WIDER_BY: f64 = 0.1;

/// A predictor whose [`Contradictions::rise`] is above this errs where it is surest, too, so only implausible labels count as wrong.
/// With pretrained features and right labels the rise was 0.11 to 0.17, and on people's labels up to 0.25. With networks trained from
/// random weights, and with features made worse on purpose, it was 0.28 to 0.59.
const WEAK: f64 = 0.28;

/// The estimate is this many times the rate among the surest predictions, because people err on difficult images more often. On
/// people's own labels of CIFAR the factor was 1.5 (one annotator) and 2.6 (the majority of three); with noise that is independent of
/// the image it was 1.0.
const BEYOND_THE_SUREST: f64 = 1.25;

/// The lower end is this times the bound, because strong noise makes the predictor err where it is surest as well.
const OF_THE_LOWER_END: f64 = 0.9;

/// The share of labels that are wrong, with a range that holds it in nine cases of ten.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NoiseRange {
    /// The estimate.
    pub rate: f64,
    /// The range's lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// The reason why nothing can be said about the labels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NoEvidence {
    /// There are too few samples.
    Few {
        /// The number of samples.
        samples: usize,
        /// The smallest number that is enough.
        needed: usize,
    },
    /// All samples look the same to the predictor.
    Alike,
    /// The predictor is right no more often than one that only knows the most frequent label.
    Chance {
        /// The share of labels that equal the prediction.
        agreement: f64,
        /// The share of the most frequent label.
        baseline: f64,
    },
    /// The range is too wide: the predictor is too weak to tell wrong labels from difficult samples.
    Wide {
        /// The share of labels that equal the prediction.
        agreement: f64,
        /// The lower end of the range of wrong labels.
        low: f64,
        /// The upper end of the range.
        high: f64,
    },
}

/// The range of wrong labels, or the reason why there is none.
pub type LabelEvidence = Result<NoiseRange, NoEvidence>;

impl NoiseRange {
    /// The range by predictions out of sample. `confident` is the noise rate that confident learning finds on the predictions of
    /// training ([`crate::quality::ConfidentJoint::noise_rate`]); the estimate is not larger.
    ///
    /// The lower end is the share of labels contradicted where the predictor is surest, the upper end the share contradicted where it
    /// is fairly sure. Where few labels are wrong, the lower end is near 0, however many samples are difficult. A weak predictor errs
    /// where it is surest, too, so only the implausible ones of its contradictions count.
    ///
    /// # Errors
    /// [`NoEvidence`] says why nothing can be said.
    pub fn out_of_sample(found: &Contradictions, confident: f64) -> LabelEvidence {
        differ(found)?;
        enough(found.samples, found.classes)?;
        knows_something(found)?;
        let (surest, at_least) = match found.rise > WEAK {
            true => {
                (found.surest.min(found.implausible), found.surest_at_least.min(found.implausible_at_least))
            }
            false => (found.surest, found.surest_at_least),
        };
        let low = (at_least * OF_THE_LOWER_END).min(found.fairly_sure_at_most);
        let rate = (BEYOND_THE_SUREST * surest).min(confident);
        Self::between(rate, low, found.fairly_sure_at_most, found.agreement)
    }

    /// The range where the only predictions of these samples are of a predictor that learnt their labels, by its accuracy on held-out
    /// samples. Of the labels that it contradicts, the share that it errs on held-out samples may be right; of the labels that it
    /// confirms, the same share may be wrong. `classes` is the number of classes that the samples are given.
    ///
    /// # Errors
    /// [`NoEvidence`] says why nothing can be said.
    pub fn by_accuracy(
        held_out: &Contradictions,
        (samples, classes): (usize, usize),
        contradicted: f64,
        confident: f64,
    ) -> LabelEvidence {
        differ(held_out)?;
        enough(samples, classes)?;
        knows_something(held_out)?;
        let errs = 1.0 - held_out.agreement;
        let high = (contradicted / (1.0 - errs)).max(errs).min(1.0);
        Self::between(confident, (confident - errs).max(0.0), high, held_out.agreement)
    }

    /// The range of these ends, if it is narrow enough. An estimate below the lower end shows that the end does not hold, so the end
    /// moves down to it.
    fn between(rate: f64, low: f64, high: f64, agreement: f64) -> LabelEvidence {
        let low = low.min(rate);
        if high - low > WIDEST + WIDER_BY * low {
            return Err(NoEvidence::Wide { agreement, low, high });
        }
        // Where nothing is wrong it is 0, and not -0.
        Ok(Self { rate: rate.min(high) + 0.0, low: low + 0.0, high })
    }
}

fn differ(found: &Contradictions) -> Result<(), NoEvidence> {
    if found.alike && found.samples > 1 { Err(NoEvidence::Alike) } else { Ok(()) }
}

fn enough(samples: usize, classes: usize) -> Result<(), NoEvidence> {
    let needed = FEWEST_SAMPLES.max(FEWEST_OF_A_CLASS * classes);
    if samples < needed { Err(NoEvidence::Few { samples, needed }) } else { Ok(()) }
}

fn knows_something(found: &Contradictions) -> Result<(), NoEvidence> {
    let Contradictions { samples, agreement, baseline, .. } = *found;
    let luck = (baseline * (1.0 - baseline) / samples.max(1) as f64).sqrt();
    let least = baseline + (DEVIATIONS * luck).max(LEAST_SKILL * (1.0 - baseline));
    if agreement <= least { Err(NoEvidence::Chance { agreement, baseline }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOUND: Contradictions = Contradictions {
        samples: 4000,
        classes: 10,
        agreement: 0.75,
        baseline: 0.1,
        alike: false,
        surest: 0.1,
        surest_at_least: 0.08,
        implausible: 0.02,
        implausible_at_least: 0.01,
        rise: 0.2,
        fairly_sure_at_most: 0.2,
    };

    #[test]
    fn the_estimate_lies_in_its_range_and_is_no_more_than_confident_learning_finds() {
        let range = |confident| NoiseRange::out_of_sample(&FOUND, confident).unwrap();
        let found = range(0.9);
        assert!((found.rate - 0.125).abs() < 1e-12 && (found.low - 0.072).abs() < 1e-12);
        assert_eq!(found.high, 0.2);
        assert!((range(0.11).rate - 0.11).abs() < 1e-12);
        let found = range(0.03);
        assert_eq!((found.rate, found.low), (0.03, 0.03), "the lower end gives way");
    }

    #[test]
    fn an_estimate_above_the_upper_end_is_the_upper_end() {
        let range = NoiseRange::out_of_sample(&Contradictions { surest: 0.19, ..FOUND }, 0.9).unwrap();
        assert_eq!((range.rate, range.high), (0.2, 0.2));
    }

    #[test]
    fn limits_hold_up_to_their_very_value() {
        let range = |found: Contradictions| NoiseRange::out_of_sample(&found, 0.9);
        // An agreement must be above its limit; here that is the baseline and a twentieth of the rest.
        let agreeing = |agreement| range(Contradictions { agreement, baseline: 0.5, ..FOUND });
        let least = 0.5 + 0.05 * 0.5;
        assert!(
            matches!(agreeing(least), Err(NoEvidence::Chance { .. })) && agreeing(least.next_up()).is_ok()
        );
        // A predictor is weak above its limit.
        let not_weak = range(Contradictions { rise: WEAK, ..FOUND }).unwrap();
        assert_eq!(not_weak, range(FOUND).unwrap());
        // A range is too wide above its limit.
        let up_to = |high| {
            range(Contradictions { surest: 0.0, surest_at_least: 0.0, fairly_sure_at_most: high, ..FOUND })
        };
        assert!(up_to(0.25).is_ok() && up_to(0.25f64.next_up()).is_err());
    }

    #[test]
    fn a_range_may_be_wider_where_more_labels_are_wrong() {
        // From 0.45 a range may be 0.295 wide.
        let up_to = |high| {
            let found =
                Contradictions { surest: 0.5, surest_at_least: 0.5, fairly_sure_at_most: high, ..FOUND };
            NoiseRange::out_of_sample(&found, 0.9)
        };
        assert!(up_to(0.74).is_ok() && up_to(0.75).is_err());
    }

    #[test]
    fn one_sample_is_too_few_and_not_alike() {
        let one = Contradictions { samples: 1, classes: 2, alike: true, ..FOUND };
        let error = NoiseRange::out_of_sample(&one, 0.1).unwrap_err();
        assert_eq!(error, NoEvidence::Few { samples: 1, needed: 40 });
        let two = Contradictions { samples: 2, classes: 2, alike: true, ..FOUND };
        assert_eq!(NoiseRange::out_of_sample(&two, 0.1), Err(NoEvidence::Alike));
    }

    #[test]
    fn no_more_than_all_labels_are_wrong() {
        let held_out = Contradictions { agreement: 0.95, ..FOUND };
        let range = NoiseRange::by_accuracy(&held_out, (2000, 10), 0.98, 0.9).unwrap();
        assert_eq!(range.high, 1.0);
    }

    #[test]
    fn of_a_weak_predictor_only_what_is_implausible_counts() {
        let weak = Contradictions { rise: 0.4, ..FOUND };
        let range = NoiseRange::out_of_sample(&weak, 0.3).unwrap();
        assert!((range.rate - 0.025).abs() < 1e-12 && (range.low - 0.009).abs() < 1e-12);
    }

    #[test]
    fn there_is_no_evidence_in_few_samples() {
        let few = |samples, classes| {
            NoiseRange::out_of_sample(&Contradictions { samples, classes, ..FOUND }, 0.1).is_err()
        };
        assert!(few(39, 2) && !few(40, 2) && few(199, 10) && !few(200, 10));
    }

    #[test]
    fn there_is_no_evidence_at_chance() {
        for (agreement, baseline, samples) in
            [(0.1, 0.1, 4000), (0.13, 0.1, 4000), (0.19, 0.19, 1249), (0.5, 0.45, 100)]
        {
            let found = Contradictions { agreement, baseline, samples, classes: 2, ..FOUND };
            let error = NoiseRange::out_of_sample(&found, 0.1).unwrap_err();
            assert_eq!(error, NoEvidence::Chance { agreement, baseline });
        }
        let heavy_noise = Contradictions {
            agreement: 0.2,
            surest: 0.75,
            surest_at_least: 0.7,
            fairly_sure_at_most: 0.8,
            ..FOUND
        };
        assert!(NoiseRange::out_of_sample(&heavy_noise, 0.7).is_ok());
    }

    #[test]
    fn a_range_that_says_nothing_is_none() {
        let weak = Contradictions { agreement: 0.4, surest_at_least: 0.0, fairly_sure_at_most: 0.5, ..FOUND };
        assert_eq!(
            NoiseRange::out_of_sample(&weak, 0.4),
            Err(NoEvidence::Wide { agreement: 0.4, low: 0.0, high: 0.5 })
        );
    }

    #[test]
    fn an_accurate_predictor_may_be_believed_on_what_it_learnt() {
        let held_out = Contradictions { agreement: 0.95, ..FOUND };
        let range = NoiseRange::by_accuracy(&held_out, (2000, 10), 0.38, 0.37).unwrap();
        assert!((range.low - 0.32).abs() < 1e-12 && (range.high - 0.4).abs() < 1e-12 && range.rate == 0.37);
        let weak = Contradictions { agreement: 0.4, ..FOUND };
        assert!(matches!(NoiseRange::by_accuracy(&weak, (2000, 6), 0.4, 0.4), Err(NoEvidence::Wide { .. })));
    }
}
