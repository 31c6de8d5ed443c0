//! How similar each sample is to the mean of each class.

use rayon::prelude::*;

use crate::class_table::ClassTable;
use crate::error::{Error, Result, check_labels, check_length};
use crate::features::{Features, normalise};

/// The logit of each class for every sample by the classes' prototypes, `[N, C]`: `scale cos(x, m_c)`, where the prototype m_c is
/// the mean of the normalised features of the samples of class c (Snell, Swersky & Zemel 2017, "Prototypical networks for
/// few-shot learning", section 2.2, with the cosine in place of the distance, as Gidaris & Komodakis 2018, "Dynamic few-shot
/// visual learning without forgetting"). A sample is left out of its own class's mean, since else a small class would agree with
/// each of its labels.
///
/// A class without samples has the logit minus infinity. The softmax of a row is the probabilities of the classes. The row of a
/// sample that is the only one of its class is NaN, because nothing is known of its label. A sample whose features are all 0 has
/// the cosine 0 with every class.
///
/// # Shapes
/// `features`: `[N, F]`; `labels`: N ids below `classes`.
///
/// # Errors
/// [`Error::Length`] where the numbers of samples differ; [`Error::Label`] for an id that is not a class; [`Error::Entry`] for the
/// first feature that is not finite; [`Error::OutOfRange`] for a scale that is not a number above 0.
pub fn prototype_logits(
    features: &Features<'_>,
    labels: &[usize],
    classes: usize,
    scale: f64,
) -> Result<ClassTable> {
    check_labels(labels, classes)?;
    check_length("labels of samples with features", features.len(), labels.len())?;
    if !(scale > 0.0 && scale.is_finite()) {
        return Err(Error::OutOfRange {
            name: "the scale of the cosines",
            value: scale,
            range: "a number above 0",
        });
    }
    features.check_finite()?;
    let width = features.width();
    let mut sums = vec![0.0f64; classes * width];
    let mut counts = vec![0usize; classes];
    let mut row = vec![0.0; width];
    for (sample, &label) in labels.iter().enumerate() {
        features.copy_row(sample, &mut row);
        normalise(&mut row);
        counts[label] += 1;
        sums[label * width..][..width]
            .iter_mut()
            .zip(&row)
            .for_each(|(sum, value)| *sum += f64::from(*value));
    }
    let sum = |class: usize| &sums[class * width..][..width];
    let norms: Vec<f64> = (0..classes).map(|class| norm(sum(class).iter().copied())).collect();
    let logits = |(sample, &label): (usize, &usize)| -> Vec<f64> {
        let mut row = vec![0.0; width];
        features.copy_row(sample, &mut row);
        normalise(&mut row);
        if counts[label] == 1 {
            return vec![f64::NAN; classes];
        }
        let product =
            |class: usize| row.iter().zip(sum(class)).map(|(x, sum)| f64::from(*x) * sum).sum::<f64>();
        (0..classes)
            .map(|class| match counts[class] {
                0 => f64::NEG_INFINITY,
                _ if class == label => {
                    let own = norm(sum(class).iter().zip(&row).map(|(sum, x)| sum - f64::from(*x)));
                    let square: f64 = row.iter().map(|x| f64::from(*x).powi(2)).sum();
                    scale * cosine(product(class) - square, own)
                }
                _ => scale * cosine(product(class), norms[class]),
            })
            .collect()
    };
    let rows: Vec<Vec<f64>> =
        labels.par_iter().enumerate().map(|(sample, label)| logits((sample, label))).collect();
    ClassTable::new(rows.into_iter().flatten().map(|logit| logit as f32).collect(), classes)
}

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|value| value * value).sum::<f64>().sqrt()
}

/// The cosine of a normalised row with a sum of such rows; 0 where these cancel out.
fn cosine(product: f64, norm: f64) -> f64 {
    if norm > 0.0 { (product / norm).clamp(-1.0, 1.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logits(values: &[f32], labels: &[usize], classes: usize) -> ClassTable {
        prototype_logits(&Features::from_slice(values, 2).unwrap(), labels, classes, 1.0).unwrap()
    }

    #[test]
    fn a_sample_is_no_part_of_its_own_prototype() {
        // Two samples of class 0 at a right angle; the cosine with itself would be above 0.
        let found = logits(&[1.0, 0.0, 0.0, 3.0, 2.0, 2.0], &[0, 0, 1], 2);
        let half = 0.5f32.sqrt();
        assert_eq!(found.row(0)[0], 0.0);
        assert!((found.row(0)[1] - half).abs() < 1e-6 && (found.row(1)[1] - half).abs() < 1e-6);
        assert!(found.row(2).iter().all(|logit| logit.is_nan()), "the only one of its class");
    }

    #[test]
    fn empty_classes_zeros_and_sums_that_cancel_out_have_values() {
        let found = logits(&[0.0, 0.0, 1.0, 0.0, -1.0, 0.0], &[0, 0, 0], 2);
        assert_eq!(
            found.values(),
            [0.0, f32::NEG_INFINITY, -1.0, f32::NEG_INFINITY, -1.0, f32::NEG_INFINITY]
        );
        assert_eq!(logits(&[], &[], 3).len(), 0);
        let features = Features::from_slice(&[1.0, 2.0], 2).unwrap();
        assert!(prototype_logits(&features, &[0], 1, 0.0).is_err());
        assert!(prototype_logits(&features, &[1], 1, 1.0).is_err());
        assert!(prototype_logits(&features, &[], 1, 1.0).is_err());
        assert!(prototype_logits(&Features::from_slice(&[f32::NAN], 1).unwrap(), &[0], 1, 1.0).is_err());
    }
}
