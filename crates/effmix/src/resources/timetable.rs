//! What a run has to do, part by part, with the seconds that each part was estimated to take.

use dividemix::{CheckedHyperparameters, Costs, Work};

/// What a run has to do from now on, in order. Its seconds add up to those of the [`super::Estimate`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Timetable {
    parts: Vec<Part>,
}

/// A part of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Part {
    pub(crate) stage: Stage,
    pub(crate) pace: Pace,
    /// What it was estimated to take.
    pub(crate) seconds: f64,
    /// Networks that are trained in it, one after the other.
    pub(crate) networks: usize,
}

/// Which part of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The images of a set are decoded, or become features.
    Images,
    /// The networks are trained through an epoch, counted from 1.
    Train(Epoch),
    /// They are evaluated after it.
    Evaluate(Epoch),
    /// The labels are divided before an epoch; for the last time before the one that would follow the last.
    Divide(Epoch),
}

/// An epoch, counted from 1, of the run's own training, or of the plain one that the demo compares it with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Epoch {
    Main(usize),
    Plain(usize),
}

impl Default for Epoch {
    fn default() -> Self {
        Self::Main(1)
    }
}

/// What a part's speed depends on. Parts of one pace are as much faster or slower than estimated as one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    Images,
    /// Plain steps: warm-up, and all epochs of methods that take no others.
    Plain,
    /// DivideMix's steps, with what is guessed for them.
    Mixed,
    Evaluation,
    Division,
}

impl Pace {
    /// Number of paces.
    pub(crate) const COUNT: usize = Self::Division as usize + 1;
}

/// A training whose epochs come into the timetable.
pub(super) struct Trained<'a> {
    pub(super) hyper: &'a CheckedHyperparameters,
    /// Epochs that are done already.
    pub(super) done: usize,
    /// Which training an epoch is of.
    pub(super) epoch: fn(usize) -> Epoch,
    /// Training samples, test samples, and the share of labels that divisions keep.
    pub(super) data: (usize, usize, f64),
    /// What a view costs, and what that is multiplied with for the size of the images.
    pub(super) costs: (&'a Costs, f64),
}

impl Timetable {
    /// All seconds.
    pub fn seconds(&self) -> f64 {
        self.parts.iter().map(|part| part.seconds).sum()
    }

    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Adds the images of a set.
    pub(super) fn add_images(&mut self, seconds: f64) {
        self.add(Stage::Images, Pace::Images, seconds, 0);
    }

    /// Adds the epochs that are left of a training, and the division after the last one.
    pub(super) fn add_training(&mut self, training: &Trained<'_>) {
        let Trained { hyper, done, epoch: which, data: (n, test, clean), costs: (costs, area) } = training;
        // The time of a fit does not go with the size of images.
        let seconds = |work: &Work| {
            let fits = costs.fit * work.fits as f64;
            area * (costs.seconds(work) - fits) + fits
        };
        let networks = hyper.networks();
        let evaluation = seconds(&Work { evaluated: networks * (n + test), ..Work::default() });
        for epoch in *done..hyper.epochs {
            let work = Work::epoch(hyper, epoch, *n, *test, *clean);
            let pace = if work.mixed > 0 { Pace::Mixed } else { Pace::Plain };
            let (epoch, fits) = (which(epoch + 1), costs.fit * work.fits as f64);
            if work.fits > 0 {
                self.add(Stage::Divide(epoch), Pace::Division, fits, 0);
            }
            self.add(Stage::Train(epoch), pace, seconds(&work) - fits - evaluation, networks);
            self.add(Stage::Evaluate(epoch), Pace::Evaluation, evaluation, 0);
        }
        self.add(Stage::Divide(which(hyper.epochs + 1)), Pace::Division, costs.fit * networks as f64, 0);
    }

    fn add(&mut self, stage: Stage, pace: Pace, seconds: f64, networks: usize) {
        self.parts.push(Part { stage, pace, seconds, networks });
    }

    #[cfg(test)]
    pub(crate) fn of(parts: &[(Stage, Pace, f64, usize)]) -> Self {
        let mut timetable = Self::default();
        parts
            .iter()
            .for_each(|&(stage, pace, seconds, networks)| timetable.add(stage, pace, seconds, networks));
        timetable
    }
}

#[cfg(test)]
mod tests {
    use dividemix::{Cost, Hyperparameters, MethodKind};

    use super::*;

    fn cost(seconds: f64) -> Cost {
        Cost { seconds, rows: 1, peak: None }
    }

    /// Warm-up and DivideMix's epochs differ, and together they are the whole work.
    #[test]
    fn epochs_have_their_own_times_which_add_up_to_the_whole_work() {
        let hyper = Hyperparameters { epochs: 4, warmup: 2, ..Hyperparameters::default() };
        let hyper = hyper.check().unwrap();
        let costs = Costs { plain: cost(1.0), mixed: cost(2.0), evaluated: cost(0.1), fit: 3.0 };
        let (n, test, clean, area) = (640, 64, 0.65, 1.5);
        let mut timetable = Timetable::default();
        timetable.add_training(&Trained {
            hyper: &hyper,
            done: 1,
            epoch: Epoch::Main,
            data: (n, test, clean),
            costs: (&costs, area),
        });
        let work = Work::training(&hyper, 1, n, test, clean);
        let fits = costs.fit * work.fits as f64;
        let all = area * (costs.seconds(&work) - fits) + fits;
        assert!((timetable.seconds() - all).abs() < 1e-6 * all, "{} and {all}", timetable.seconds());
        let of = |stage| timetable.parts().iter().find(|part| part.stage == stage).copied();
        assert_eq!(of(Stage::Train(Epoch::Main(1))), None, "it is done");
        let [warm_up, train] = [2, 3].map(|epoch| of(Stage::Train(Epoch::Main(epoch))).unwrap());
        assert_eq!((warm_up.pace, train.pace), (Pace::Plain, Pace::Mixed));
        // A view of each image for each of two networks.
        assert!((warm_up.seconds - area * 2.0 * n as f64).abs() < 1e-6, "{warm_up:?}");
        assert!(train.seconds > 2.0 * warm_up.seconds, "{train:?}");
        let evaluation = of(Stage::Evaluate(Epoch::Main(3))).unwrap().seconds;
        assert!((evaluation - area * 0.1 * 2.0 * (n + test) as f64).abs() < 1e-9, "{evaluation}");
    }

    #[test]
    fn a_plain_method_has_plain_epochs_throughout() {
        let hyper =
            Hyperparameters { method: MethodKind::Ce, epochs: 3, warmup: 1, ..Hyperparameters::default() };
        let hyper = hyper.check().unwrap();
        let costs = Costs { plain: cost(1.0), mixed: cost(2.0), evaluated: cost(0.1), fit: 3.0 };
        let mut timetable = Timetable::default();
        timetable.add_training(&Trained {
            hyper: &hyper,
            done: 0,
            epoch: Epoch::Plain,
            data: (100, 0, 0.65),
            costs: (&costs, 1.0),
        });
        assert!(timetable.parts().iter().all(|part| part.pace != Pace::Mixed));
        assert_eq!(timetable.parts()[0].stage, Stage::Train(Epoch::Plain(1)));
    }
}
