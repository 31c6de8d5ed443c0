//! The most similar samples of each sample, exactly, by a product of matrices in tiles.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use crate::error::{Result, check_length};
use crate::features::{Features, normalise};

/// The number of samples on a side of a tile. A tile of similarities takes 4 MB, and reading its features a twentieth of the time
/// of their product.
const TILE: usize = 1024;

/// A sample that is similar to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbour {
    /// Its index.
    pub sample: usize,
    /// The cosine of the angle between the features of both, in `-1..=1`; 0 where one of them has only zeros.
    pub similarity: f32,
}

/// The most similar samples of each of N samples, by the cosine similarity of their features, `a . b / (|a| |b|)`.
///
/// The search is exact. It takes memory for a tile a thread and for its result, never for N^2 numbers. A similarity is computed
/// in one piece of work, so the result has the same bits for any number of threads.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbours {
    pub(super) samples: usize,
    pub(super) per_sample: usize,
    pub(super) found: Vec<Neighbour>,
}

impl Neighbours {
    /// The `most` most similar other samples of each sample; all others where there are fewer. It takes `N^2 F / 2`
    /// multiplications: each pair of samples is compared once.
    ///
    /// # Shapes
    /// `features`: `[N, F]`.
    ///
    /// # Errors
    /// [`crate::Error::Entry`] for the first feature that is not finite.
    pub fn within(features: &Features<'_>, most: usize) -> Result<Self> {
        features.check_finite()?;
        let tiles = tiles(features.len());
        let most = most.min(features.len().saturating_sub(1));
        let best = Best::new(features.len(), most);
        let pairs: Vec<(usize, usize)> =
            (0..tiles.len()).flat_map(|a| (a..tiles.len()).map(move |b| (a, b))).collect();
        pairs.into_par_iter().for_each(|(a, b)| {
            let similarities = similarities((features, &tiles[a]), (features, &tiles[b]));
            best.offer(a, similarities.view(), tiles[b].start, (a == b).then_some(tiles[a].start));
            if a != b {
                best.offer(b, similarities.t(), tiles[a].start, None);
            }
        });
        Ok(best.into_neighbours())
    }

    /// The `most` most similar samples of `references` for each sample of `queries`; all of them where there are fewer. A sample
    /// that is in both sets finds itself.
    ///
    /// # Shapes
    /// `queries`: `[N, F]`; `references`: `[M, F]`.
    ///
    /// # Errors
    /// [`crate::Error::Length`] where the widths differ; [`crate::Error::Entry`] for the first feature that is not finite.
    pub fn between(queries: &Features<'_>, references: &Features<'_>, most: usize) -> Result<Self> {
        check_length("features of a query", references.width(), queries.width())?;
        queries.check_finite()?;
        references.check_finite()?;
        let (rows, columns) = (tiles(queries.len()), tiles(references.len()));
        let best = Best::new(queries.len(), most.min(references.len()));
        let pairs: Vec<(usize, usize)> =
            (0..rows.len()).flat_map(|a| (0..columns.len()).map(move |b| (a, b))).collect();
        pairs.into_par_iter().for_each(|(a, b)| {
            let similarities = similarities((queries, &rows[a]), (references, &columns[b]));
            best.offer(a, similarities.view(), columns[b].start, None);
        });
        Ok(best.into_neighbours())
    }

    /// The number of neighbours of each sample.
    pub fn per_sample(&self) -> usize {
        self.per_sample
    }

    /// The neighbours of a sample, the most similar first; of equally similar ones the one with the smaller index.
    ///
    /// # Panics
    /// If there is no such sample, and it would have neighbours.
    pub fn of(&self, sample: usize) -> &[Neighbour] {
        &self.found[sample * self.per_sample..][..self.per_sample]
    }

    /// The number of samples that have neighbours, N.
    pub fn len(&self) -> usize {
        self.samples
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.samples == 0
    }
}

/// The samples of each tile.
fn tiles(samples: usize) -> Vec<Range<usize>> {
    (0..samples).step_by(TILE).map(|start| start..samples.min(start + TILE)).collect()
}

/// The cosine similarity of each sample of one tile with each of another.
fn similarities(
    (rows, of_rows): (&Features<'_>, &Range<usize>),
    (columns, of_columns): (&Features<'_>, &Range<usize>),
) -> Array2<f32> {
    let normalised = |features: &Features<'_>, samples: &Range<usize>| {
        let mut rows = features.rows(samples.clone());
        rows.outer_iter_mut().filter_map(|row| row.into_slice()).for_each(normalise);
        rows
    };
    let mut similarities = normalised(rows, of_rows).dot(&normalised(columns, of_columns).t());
    // + 0.0 makes -0 into 0, so that both are the same similarity.
    similarities.mapv_inplace(|cosine| cosine.clamp(-1.0, 1.0) + 0.0);
    similarities
}

/// The best neighbours so far, in their order, tile by tile: a tile's are changed by one thread at a time. The order is a total
/// one, so they do not depend on which came first.
struct Best {
    samples: usize,
    most: usize,
    tiles: Vec<Mutex<Vec<Vec<Neighbour>>>>,
}

impl Best {
    fn new(samples: usize, most: usize) -> Self {
        let empty = |tile: Range<usize>| Mutex::new(vec![Vec::new(); tile.len()]);
        Self { samples, most, tiles: tiles(samples).into_iter().map(empty).collect() }
    }

    /// Offers to each sample of a tile the samples from `first` on, with its row of similarities. Where these are the tile's own
    /// samples, which begin at `own`, a sample is not offered itself.
    fn offer(&self, tile: usize, similarities: ArrayView2<'_, f32>, first: usize, own: Option<usize>) {
        if self.most == 0 {
            return;
        }
        // A thread that panicked leaves lists of whole neighbours; its panic goes on.
        let mut best = self.tiles[tile].lock().unwrap_or_else(PoisonError::into_inner);
        for (row, (best, similarities)) in best.iter_mut().zip(similarities.outer_iter()).enumerate() {
            let own = own.map(|start| start + row);
            let mut least =
                if best.len() < self.most { f32::NEG_INFINITY } else { best[self.most - 1].similarity };
            for (sample, &similarity) in (first..).zip(&similarities) {
                if similarity >= least && own != Some(sample) {
                    insert(best, Neighbour { sample, similarity }, self.most);
                    least = if best.len() < self.most { least } else { best[self.most - 1].similarity };
                }
            }
        }
    }

    fn into_neighbours(self) -> Neighbours {
        let tiles = self.tiles.into_iter();
        let samples = tiles.flat_map(|tile| tile.into_inner().unwrap_or_else(PoisonError::into_inner));
        Neighbours { samples: self.samples, per_sample: self.most, found: samples.flatten().collect() }
    }
}

/// Puts a neighbour at its place among the best, of which `most` are kept.
fn insert(best: &mut Vec<Neighbour>, neighbour: Neighbour, most: usize) {
    let place = best.partition_point(|other| order(other, &neighbour) == Ordering::Less);
    if place < most {
        if best.len() == most {
            best.pop();
        }
        best.insert(place, neighbour);
    }
}

/// The more similar one first; of equally similar ones the one with the smaller index.
fn order(a: &Neighbour, b: &Neighbour) -> Ordering {
    b.similarity.total_cmp(&a.similarity).then(a.sample.cmp(&b.sample))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers in -1..1 without a pattern.
    fn values(count: usize) -> Vec<f32> {
        (0..count)
            .map(|i| ((i as f64 * 0.618_033_988_749_895).fract() * (i % 7 + 1) as f64).sin() as f32)
            .collect()
    }

    /// The slow twin: all similarities, in f64, sorted.
    fn reference(
        queries: &[f32],
        references: &[f32],
        width: usize,
        same: bool,
        most: usize,
    ) -> Vec<Vec<(usize, f64)>> {
        let norm = |row: &[f32]| row.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
        let row = |(i, a): (usize, &[f32])| {
            let others = references.chunks(width).enumerate().filter(|(j, _)| !(same && *j == i));
            let cosine = |b: &[f32]| {
                let product: f64 = a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                product / (norm(a) * norm(b))
            };
            let mut all: Vec<(usize, f64)> = others.map(|(j, b)| (j, cosine(b))).collect();
            all.sort_by(|a, b| b.1.total_cmp(&a.1));
            all.truncate(most);
            all
        };
        queries.chunks(width).enumerate().map(row).collect()
    }

    fn assert_same(found: &Neighbours, expected: &[Vec<(usize, f64)>]) {
        for (i, expected) in expected.iter().enumerate() {
            assert_eq!(found.of(i).len(), expected.len());
            for (found, (sample, similarity)) in found.of(i).iter().zip(expected) {
                assert!(
                    (f64::from(found.similarity) - similarity).abs() < 1e-5,
                    "{i}: {found:?} {sample} {similarity}"
                );
            }
            let distinct = expected.windows(2).all(|pair| pair[0].1 - pair[1].1 > 1e-5);
            let samples = |all: &[Neighbour]| all.iter().map(|n| n.sample).collect::<Vec<_>>();
            let named: Vec<usize> = expected.iter().map(|(sample, _)| *sample).collect();
            // The last may be as similar as the first that is left out.
            let sure = named.len().saturating_sub(1);
            assert!(!distinct || samples(&found.of(i)[..sure]) == named[..sure], "{i}");
        }
    }

    #[test]
    fn the_neighbours_are_the_most_similar_samples_of_all() {
        // On both sides of a tile's end, and with one sample in the last tile.
        for samples in [1, 2, 37, TILE, TILE + 1, 2 * TILE + 3] {
            let values = values(samples * 5);
            let features = Features::from_slice(&values, 5).unwrap();
            let found = Neighbours::within(&features, 4).unwrap();
            assert_eq!(found.per_sample(), 4.min(samples - 1));
            assert_same(&found, &reference(&values, &values, 5, true, 4));
        }
    }

    #[test]
    fn between_two_sets_a_sample_finds_itself() {
        let (a, b) = (values(50 * 3), values((TILE + 9) * 3));
        let of = |values| Features::from_slice(values, 3).unwrap();
        let found = Neighbours::between(&of(&a), &of(&b), 3).unwrap();
        assert_same(&found, &reference(&a, &b, 3, false, 3));
        assert!((0..50).all(|i| found.of(i).iter().any(|n| n.similarity > 0.999_999)));
        assert_eq!(Neighbours::between(&of(&a), &of(&[]), 3).unwrap().per_sample(), 0);
        assert!(Neighbours::between(&of(&a), &Features::from_slice(&b, 1).unwrap(), 3).is_err());
    }

    #[test]
    fn threads_change_no_bit() {
        let values = values((2 * TILE + 100) * 8);
        let features = Features::from_slice(&values, 8).unwrap();
        let found = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| Neighbours::within(&features, 7).unwrap())
        };
        let one = found(1);
        assert!([2, 3, 5].into_iter().all(|threads| found(threads) == one));
    }

    #[test]
    fn equally_similar_samples_come_by_index_and_zeros_are_similar_to_nothing() {
        let values = [0.0, 0.0, 1.0, 0.0, 2.0, 0.0, 3.0, 0.0, -1.0, 0.0];
        let found = Neighbours::within(&Features::from_slice(&values, 2).unwrap(), 9).unwrap();
        let of = |i: usize| found.of(i).iter().map(|n| (n.sample, n.similarity)).collect::<Vec<_>>();
        assert_eq!(of(3), [(1, 1.0), (2, 1.0), (0, 0.0), (4, -1.0)]);
        assert_eq!(of(0), [(1, 0.0), (2, 0.0), (3, 0.0), (4, 0.0)]);
        let nan = Features::from_slice(&[0.0, f32::NAN], 2).unwrap();
        assert!(Neighbours::within(&nan, 1).is_err());
    }
}
