//! Noise not at random, by the confusions of a trained network.

use rand::Rng;

use super::draw::{count, needs_wrong_classes, pick};
use super::streams::Streams;
use crate::class_table::ClassTable;
use crate::error::{Error, Result, check_entries};

/// The labels after noise: an image of which the network is unsure gets a wrong label more often, and the wrong classes are drawn
/// in proportion to the network's probabilities. (After Chen et al. 2021, "Beyond class-conditional assumption: a
/// primary attempt to combat instance-dependent label noise", algorithm 1, which always takes the most ambiguous images and
/// the most probable wrong class; here both are drawn.)
///
/// Let p be the network's probabilities and y the true class.
/// - Without a rate, each label is drawn from p itself: it is wrong with probability `1 - p_y`.
/// - With a rate, exactly `int(rate * N)` labels are wrong. They are drawn without replacement by the weights `1 - p_y`
///   (Efraimidis & Spirakis 2006), and each gets class c with probability `p_c / (1 - p_y)`. Images of which the network is
///   certain (`p_y = 1`) come last; where they are needed, every other class has the same probability.
///
/// # Shapes
/// `probabilities`: `[N, C]`, rows in proportion to probabilities (they are normalised here); `truth`: N ids below C.
///
/// # Errors
/// [`Error::OutOfRange`] for a rate outside `0..=1`, or where a label is to be wrong and there is no other class;
/// [`Error::Label`] for an id that is not a class; [`Error::Length`] where the lengths do not fit; [`Error::Entry`] for the first
/// probability that is NaN, infinite or below 0, and for a row that has none above 0.
pub fn confused<R: Rng + ?Sized>(
    probabilities: &ClassTable,
    truth: &[usize],
    rate: Option<f64>,
    rng: &mut R,
) -> Result<Vec<usize>> {
    probabilities.check_labels("probabilities", truth)?;
    let classes = probabilities.classes();
    let count = rate.map(|rate| count(truth.len(), rate)).transpose()?;
    let range = "finite and at least 0";
    check_entries("probabilities", probabilities.values(), classes, range, |p| p.is_finite() && p >= 0.0)?;
    let rows = || probabilities.rows().zip(truth);
    if let Some(sample) = rows().position(|(row, _)| row.iter().all(|&p| p == 0.0)) {
        let range = "above 0 in some column of the row";
        return Err(Error::Entry { what: "probabilities", sample, column: 0, value: 0.0, range });
    }

    let (choice, labels) = (Streams::new(rng), Streams::new(rng));
    let doubts: Vec<f64> = rows().map(|(row, &truth)| doubt(row, truth)).collect();
    let wrong: Vec<usize> = match count {
        None => {
            let is_wrong = |&sample: &usize| choice.at(sample).random::<f64>() < doubts[sample];
            (0..truth.len()).filter(is_wrong).collect()
        }
        Some(0) => Vec::new(),
        Some(count) => {
            needs_wrong_classes(classes)?;
            most_doubtful(&doubts, count, choice)
        }
    };
    let mut given = truth.to_vec();
    for sample in wrong {
        let (row, truth) = (probabilities.row(sample), truth[sample]);
        let others = || row.iter().enumerate().filter(move |&(class, _)| class != truth);
        let seen = || others().map(|(class, &p)| (class, f64::from(p)));
        let mut rng = labels.at(sample);
        let sum = seen().map(|(_, p)| p).sum();
        let drawn = pick(seen(), sum, &mut rng);
        let drawn =
            drawn.or_else(|| pick(others().map(|(class, _)| (class, 1.0)), (classes - 1) as f64, &mut rng));
        given[sample] = drawn.unwrap_or(truth);
    }
    Ok(given)
}

/// The probability of all other classes, `1 - p_y`, computed as their sum so that it is not rounded at 1.
fn doubt(row: &[f32], truth: usize) -> f64 {
    let others = row.iter().enumerate().filter(|&(class, _)| class != truth);
    let others: f64 = others.map(|(_, &p)| f64::from(p)).sum();
    others / (others + f64::from(row[truth]))
}

/// `count` samples, drawn without replacement by weight: those with the smallest `-ln(u) / weight`,
/// u uniform in `0..1`. Samples whose weight is 0 come last, in the order of u.
fn most_doubtful(weights: &[f64], count: usize, streams: Streams) -> Vec<usize> {
    let key = |(sample, weight): (usize, &f64)| {
        let u = 1.0 - streams.at(sample).random::<f64>();
        (if *weight > 0.0 { -u.ln() / weight } else { f64::INFINITY }, u, sample)
    };
    let mut keys: Vec<(f64, f64, usize)> = weights.iter().enumerate().map(key).collect();
    let order = |a: &(f64, f64, usize), b: &(f64, f64, usize)| {
        a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.cmp(&b.2))
    };
    if count < keys.len() {
        keys.select_nth_unstable_by(count, order);
        keys.truncate(count);
    }
    keys.into_iter().map(|(_, _, sample)| sample).collect()
}
