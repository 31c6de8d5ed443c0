//! Noise not at random, which depends on the features of an image.

use rand::Rng;
use rand_distr::StandardNormal;

use super::draw::{count, needs_wrong_classes, pick};
use super::streams::Streams;
use crate::class_table::softmax_in_place;
use crate::error::{Result, check_entries, check_labels, check_length};

/// The standard deviation of the images' noise rates around the set's; the published value.
const SPREAD: f64 = 0.1;

/// Part-dependent noise (Xia et al. 2020, "Part-dependent label noise: towards instance-dependent label noise", algorithm 2
/// of the appendix): each image has a noise rate of its own, and its features determine the wrong classes that it gets.
///
/// For image i with features x of length d and true class y:
///
/// - its rate q is drawn from a normal distribution around the set's rate, standard deviation 0.1, cut off below 0 and
///   above 1;
/// - `p = q softmax(x W_y)` over the classes but y, and `p_y = 1 - q`; each class has a `W_y` `[d, C]` of its own, drawn from
///   the standard normal distribution.
///
/// So the number of wrong labels is random, `sum q` on average; and near 0 and 1, where much of the normal distribution is
/// cut off, the mean of q is not the rate. The rates 0 and 1 are exact: no label and every label is wrong.
/// Features that are all 0 give every other class the same probability.
///
/// The generator that a model is made with determines it, and labels can be drawn from it many times. The label drawn for an image
/// depends on its index, features and class, and on no other image.
///
/// ```
/// use noisy_labels::noise::InstanceNoise;
/// use rand::SeedableRng;
///
/// let mut rng = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(1);
/// let (features, truth) = ([0.5, -1.0, 2.0, 0.3], [0, 1]);
/// let model = InstanceNoise::new(&features, &truth, 3, 0.4, &mut rng)?;
/// let given = model.draw(&mut rng);
/// assert_eq!(given.len(), 2);
/// # Ok::<(), noisy_labels::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct InstanceNoise<'a> {
    features: &'a [f32],
    width: usize,
    truth: &'a [usize],
    classes: usize,
    rates: Vec<f64>,
    projections: Streams,
}

impl<'a> InstanceNoise<'a> {
    /// The noise model of a set.
    ///
    /// # Shapes
    /// `features`: `[N, d]`, row-major: pixels or a network's global features, best with mean 0 and the same scale. `truth`: N ids
    /// below `classes`.
    ///
    /// # Errors
    /// [`crate::Error::OutOfRange`] for a rate outside `0..=1`, or where labels are to be wrong and there is no other class;
    /// [`crate::Error::Label`] for an id that is not a class; [`crate::Error::Length`] where the features do not fill N rows;
    /// [`crate::Error::Entry`] for the first feature that is not finite.
    pub fn new<R: Rng + ?Sized>(
        features: &'a [f32],
        truth: &'a [usize],
        classes: usize,
        rate: f64,
        rng: &mut R,
    ) -> Result<Self> {
        check_labels(truth, classes)?;
        count(truth.len(), rate)?;
        let width = features.len() / truth.len().max(1);
        check_length("features", width * truth.len(), features.len())?;
        check_entries("features", features, width, "finite", f32::is_finite)?;
        if rate > 0.0 && !truth.is_empty() {
            needs_wrong_classes(classes)?;
        }
        let (rates, projections) = (Streams::new(rng), Streams::new(rng));
        let rates = (0..truth.len()).map(|sample| own_rate(rate, &mut rates.at(sample))).collect();
        Ok(Self { features, width, truth, classes, rates, projections })
    }

    /// The probability that each label is wrong; N values in `0..=1`.
    pub fn rates(&self) -> &[f64] {
        &self.rates
    }

    /// The probability of each given label for each sample, which is the sample's own row of a transition matrix.
    ///
    /// # Shapes
    /// `[N, C]`, row-major.
    pub fn probabilities(&self) -> Vec<f64> {
        let mut rows = vec![0.0; self.truth.len() * self.classes];
        let all: Vec<usize> = (0..self.truth.len()).collect();
        self.for_each_mistaken(&all, |sample, mistaken| {
            let (rate, truth) = (self.rates[sample], self.truth[sample]);
            let row = &mut rows[sample * self.classes..][..self.classes];
            row.iter_mut().zip(mistaken).for_each(|(p, share)| *p = rate * share);
            row[truth] = 1.0 - rate;
        });
        rows
    }

    /// Labels drawn from the model.
    pub fn draw<R: Rng + ?Sized>(&self, rng: &mut R) -> Vec<usize> {
        let (is_wrong, labels) = (Streams::new(rng), Streams::new(rng));
        let wrong = |&sample: &usize| is_wrong.at(sample).random::<f64>() < self.rates[sample];
        let wrong: Vec<usize> = (0..self.truth.len()).filter(wrong).collect();
        let mut given = self.truth.to_vec();
        self.for_each_mistaken(&wrong, |sample, mistaken| {
            let drawn = pick(mistaken.iter().copied().enumerate(), 1.0, &mut labels.at(sample));
            given[sample] = drawn.unwrap_or(self.truth[sample]);
        });
        given
    }

    /// Calls `take` with each of the samples and the probability of each label if it is wrong: 0 for the true one, and 1 in sum.
    ///
    /// It goes class by class, since the projections of all classes at once would take C times as much memory.
    fn for_each_mistaken(&self, samples: &[usize], mut take: impl FnMut(usize, &[f64])) {
        let mut of_class = vec![Vec::new(); self.classes];
        samples.iter().for_each(|&sample| of_class[self.truth[sample]].push(sample));
        let mut shares = vec![0.0; self.classes];
        for (class, samples) in of_class.iter().enumerate().filter(|(_, samples)| !samples.is_empty()) {
            let normal = self.projections.at(class).sample_iter(StandardNormal);
            let projection: Vec<f64> = normal.take(self.width * self.classes).collect();
            for &sample in samples {
                let features = &self.features[sample * self.width..][..self.width];
                shares.fill(0.0);
                for (&x, row) in features.iter().zip(projection.chunks_exact(self.classes)) {
                    shares.iter_mut().zip(row).for_each(|(sum, w)| *sum += f64::from(x) * w);
                }
                softmax_without(class, &mut shares);
                take(sample, &shares);
            }
        }
    }
}

/// The noise rate of one image: normal around the set's, drawn again until it is in `0..=1`.
fn own_rate<R: Rng + ?Sized>(rate: f64, rng: &mut R) -> f64 {
    if rate == 0.0 || rate == 1.0 {
        return rate;
    }
    loop {
        let own = rate + SPREAD * rng.sample::<f64, _>(StandardNormal);
        // At least every second draw is, also for a rate at an end.
        if (0.0..=1.0).contains(&own) {
            return own;
        }
    }
}

/// The softmax over all values but `class`'s, which becomes 0. With one class alone it is 0, too.
fn softmax_without(class: usize, values: &mut [f64]) {
    values[class] = f64::NEG_INFINITY;
    match values {
        [only] => *only = 0.0,
        several => softmax_in_place(several),
    }
}
