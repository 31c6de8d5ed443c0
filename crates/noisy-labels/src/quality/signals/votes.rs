//! What the neighbours' labels say of a sample's.

use super::neighbours::Neighbours;
use crate::class_table::ClassTable;
use crate::error::{Error, Result, check_labels};

impl Neighbours {
    /// The share of each class in the labels of a sample's neighbours, `[N, C]`, whose rows sum to 1. A neighbour's vote has the
    /// weight `e^((s - s1) / temperature)`, with its similarity s and that of the most similar neighbour, s1: all votes count
    /// alike at a temperature of infinity, as in SimiFeat's local vote (Zhu, Dong & Liu 2022, "Detecting corrupted labels without
    /// training a model to predict", SimiFeat-V, where the majority is the label, and one that differs is wrong).
    ///
    /// Without neighbours nothing is known, and the row is NaN.
    ///
    /// # Shapes
    /// `labels`: ids below `classes`, one for each sample among which the neighbours are.
    ///
    /// # Errors
    /// [`Error::Label`] for an id that is not a class; [`Error::Length`] where a neighbour has no label; [`Error::OutOfRange`]
    /// for a temperature that is not above 0.
    pub fn votes(&self, labels: &[usize], classes: usize, temperature: f64) -> Result<ClassTable> {
        check_labels(labels, classes)?;
        if temperature.is_nan() || temperature <= 0.0 {
            let (name, range) = ("the temperature of the votes", "above 0");
            return Err(Error::OutOfRange { name, value: temperature, range });
        }
        let last = self.found.iter().map(|neighbour| neighbour.sample + 1).max().unwrap_or(0);
        if last > labels.len() {
            return Err(Error::Length { what: "labels of neighbours", expected: last, found: labels.len() });
        }
        let mut votes = Vec::with_capacity(self.samples * classes);
        for sample in 0..self.len() {
            let neighbours = self.of(sample);
            let mut row = vec![0.0; classes];
            for neighbour in neighbours {
                let below = f64::from(neighbour.similarity) - f64::from(neighbours[0].similarity);
                row[labels[neighbour.sample]] += (below / temperature).exp();
            }
            let sum: f64 = row.iter().sum();
            votes.extend(row.into_iter().map(|vote| (vote / sum) as f32));
        }
        ClassTable::new(votes, classes)
    }
}

/// SimiFeat's score of each label: the cosine similarity of its one-hot vector and the votes, `v_y / |v|`, in `0..=1`, where a low
/// value means a bad label (Zhu, Dong & Liu 2022, the ranking by which SimiFeat-R takes as many labels of a class as are
/// estimated to be wrong).
///
/// # Shapes
/// `votes`: `[N, C]`, of [`Neighbours::votes`]; `labels`: N ids below C.
///
/// # Errors
/// [`Error::Length`] where the lengths do not fit; [`Error::Label`] for an id that is not a class.
pub fn vote_similarity(votes: &ClassTable, labels: &[usize]) -> Result<Vec<f64>> {
    votes.check_labels("votes", labels)?;
    let score = |(row, &label): (&[f32], &usize)| {
        let norm = row.iter().map(|vote| f64::from(*vote).powi(2)).sum::<f64>().sqrt();
        f64::from(row[label]) / norm
    };
    Ok(votes.rows().zip(labels).map(score).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::Features;
    use crate::quality::signals::Neighbour;

    #[test]
    fn votes_are_shares_weighted_by_similarity() {
        let found = |similarities: &[f32]| Neighbours {
            samples: 1,
            per_sample: similarities.len(),
            found: similarities
                .iter()
                .zip(0..)
                .map(|(&similarity, sample)| Neighbour { sample, similarity })
                .collect(),
        };
        let votes = found(&[0.9, 0.8, 0.5]).votes(&[2, 0, 0], 3, 0.1).unwrap();
        let (second, third) = ((-1.0f64).exp(), (-4.0f64).exp());
        let expected = [(second + third), 0.0, 1.0].map(|vote| (vote / (1.0 + second + third)) as f32);
        votes
            .row(0)
            .iter()
            .zip(expected)
            .for_each(|(vote, expected)| assert!((vote - expected).abs() < 1e-6));
        let plain = found(&[0.9, 0.8, 0.5]).votes(&[2, 0, 0], 3, f64::INFINITY).unwrap();
        assert_eq!(plain.row(0), [2.0 / 3.0, 0.0, 1.0 / 3.0]);
        let score = vote_similarity(&plain, &[2]).unwrap()[0];
        assert!((score - 1.0 / 5f64.sqrt()).abs() < 1e-6, "{score}");
        assert!(found(&[0.9]).votes(&[], 1, 1.0).is_err() && found(&[0.9]).votes(&[3], 3, 1.0).is_err());
        assert!(
            found(&[0.9]).votes(&[0], 1, 0.0).is_err() && found(&[0.9]).votes(&[0], 1, f64::NAN).is_err()
        );
        let alone = Features::from_slice(&[1.0], 1).unwrap();
        let alone = Neighbours::within(&alone, 5).unwrap().votes(&[1], 2, 1.0).unwrap();
        assert!(alone.row(0).iter().all(|vote| vote.is_nan()));
    }
}
