//! What the loop's streams draw, as the input of the independent program: a line of JSON for each network and
//! epoch.

use noisy_labels::division::{Division, SampleLosses};
use noisy_labels::mixup::Mixup;
use serde::Serialize;

use super::SAMPLES;
use crate::batches::shuffled;
use crate::division::co_divide;
use crate::{Hyperparameters, Purpose, Result, SampleSet, Stream, TrainingSet};

#[derive(Serialize)]
struct Line<'a> {
    case: &'a str,
    epoch: usize,
    network: usize,
    #[serde(flatten)]
    draws: Draws,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Draws {
    WarmUp { all: SetDraws },
    DivideMix { labeled: SetDraws, unlabeled: SetDraws, mixes: Vec<Mix> },
}

/// The order of a set's samples in each round through the set, and the seeds `[views, samples of all rounds]`
/// of their views.
#[derive(Serialize)]
struct SetDraws {
    rounds: Vec<Vec<usize>>,
    seeds: Vec<Vec<u64>>,
}

#[derive(Serialize)]
struct Mix {
    lambda: f64,
    permutation: Vec<usize>,
}

/// The streams of one network in one epoch.
struct Streams<'a> {
    hyper: &'a Hyperparameters,
    epoch: usize,
    network: usize,
}

impl Streams<'_> {
    fn of(&self, purpose: Purpose) -> Stream {
        Stream::new(self.hyper.seed, purpose).at(self.epoch as u64).at(self.network as u64)
    }

    fn order(&self, set: SampleSet) -> Stream {
        self.of(Purpose::Order).at(set as u64)
    }

    /// The draws for `views` views of each sample in these rounds of batches.
    fn set(&self, set: SampleSet, rounds: &[Vec<Vec<usize>>], views: usize) -> SetDraws {
        let stream = self.of(Purpose::Augment).at(set as u64);
        let batches = rounds.concat();
        let seeds = |view: usize| {
            let of_batch = |(number, samples): (usize, &Vec<usize>)| -> Vec<u64> {
                let stream = stream.at(number as u64).at(view as u64);
                samples.iter().map(|&sample| stream.at(sample as u64).key()).collect()
            };
            batches.iter().enumerate().flat_map(of_batch).collect()
        };
        SetDraws {
            rounds: rounds.iter().map(|batches| batches.concat()).collect(),
            seeds: (0..views).map(seeds).collect(),
        }
    }

    fn line(&self, case: &str, draws: Draws) -> String {
        serde_json::to_string(&Line { case, epoch: self.epoch, network: self.network, draws }).unwrap()
    }
}

/// The lines of the warm-up epoch.
pub(super) fn of_warm_up(case: &str, hyper: &Hyperparameters) -> Vec<String> {
    let all: Vec<usize> = (0..SAMPLES).collect();
    let line = |network| {
        let streams = Streams { hyper, epoch: 0, network };
        let batches = shuffled(&all, hyper.batch, streams.order(SampleSet::All));
        streams.line(case, Draws::WarmUp { all: streams.set(SampleSet::All, &[batches], 1) })
    };
    (0..2).map(line).collect()
}

/// The lines of an epoch of DivideMix, where the samples are divided by these losses of each network.
pub(super) fn of_epoch(
    case: &str,
    epoch: usize,
    losses: &[Vec<f32>],
    data: &TrainingSet,
    hyper: &Hyperparameters,
) -> Result<Vec<String>> {
    let all: Vec<usize> = (0..SAMPLES).collect();
    let losses: Vec<SampleLosses<'_>> = losses.iter().map(|losses| SampleLosses::Epoch(losses)).collect();
    let divisions = co_divide(&losses, &[all.clone(), all], data, hyper)?;
    let line = |(network, division): (usize, &Division)| {
        let streams = Streams { hyper, epoch, network };
        let views = hyper.augmentations;
        let labeled = shuffled(&division.labeled, hyper.batch, streams.order(SampleSet::Labeled));
        // There are as many rounds as give each labeled batch an unlabeled one.
        let mut unlabeled = Vec::new();
        while unlabeled.iter().map(Vec::len).sum::<usize>() < labeled.len() {
            let round = streams.order(SampleSet::Unlabeled).at(unlabeled.len() as u64);
            unlabeled.push(shuffled(&division.unlabeled, hyper.batch, round));
        }
        let mix = |(step, (x, u)): (usize, (&Vec<usize>, &Vec<usize>))| {
            let mut rng = streams.of(Purpose::Mix).at(step as u64).rng();
            let mixup = Mixup::draw(views * (x.len() + u.len()), hyper.mixup_alpha, &mut rng);
            Mix { lambda: mixup.lambda(), permutation: mixup.permutation().to_vec() }
        };
        let mixes = labeled.iter().zip(unlabeled.iter().flatten()).enumerate().map(mix).collect();
        let unlabeled = streams.set(SampleSet::Unlabeled, &unlabeled, views);
        let labeled = streams.set(SampleSet::Labeled, &[labeled], views);
        streams.line(case, Draws::DivideMix { labeled, unlabeled, mixes })
    };
    Ok(divisions.iter().enumerate().map(line).collect())
}
