//! The classes of images.

use std::path::Path;
use std::sync::Arc;

use noisy_labels::softmax;

use super::inference::InferenceOptions;
use super::inputs::list_images;
use super::open::Model;
use crate::Result;
use crate::data::limits;
use crate::run::Silent;

/// The classes of an image.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// The image.
    pub path: String,
    /// The classes with their probabilities, the likeliest first; none where the network's output is not a number. Or why the image
    /// can't be read.
    pub classes: Result<Vec<(String, f32)>, String>,
}

impl Prediction {
    /// The likeliest class and its probability; `None` where the image can't be read or the network's output is not a number.
    pub fn best(&self) -> Option<(&str, f32)> {
        let (class, p) = self.classes.as_ref().ok()?.first()?;
        Some((class, *p))
    }
}

impl Model {
    /// The classes of the images that `paths` name, in their order; a folder stands for all images below it.
    ///
    /// # Errors
    /// A folder without images; a network that doesn't fit. An image that can't be read is a [`Prediction`] that says so.
    pub fn predict<P: AsRef<Path>>(&self, paths: impl IntoIterator<Item = P>) -> Result<Vec<Prediction>> {
        let samples = Arc::from(list_images(paths, limits(None))?.samples);
        let mut predictions = Vec::new();
        self.infer(&samples, InferenceOptions::default(), &Silent, |batch| -> Result<()> {
            let mut skipped = batch.skipped.into_iter().peekable();
            for (sample, logits) in batch.samples.iter().zip(batch.logits.chunks(self.classes().len())) {
                let classes = match skipped.next_if(|skipped| skipped.path == sample.path) {
                    Some(skipped) => Err(skipped.reason),
                    None => Ok(self.ranked(logits)),
                };
                predictions.push(Prediction { path: sample.path.clone(), classes });
            }
            Ok(())
        })?;
        Ok(predictions)
    }

    /// The classes by their probability, the likeliest first.
    fn ranked(&self, logits: &[f32]) -> Vec<(String, f32)> {
        let p = softmax(logits);
        ranked_classes(&p).into_iter().map(|class| (self.classes()[class].clone(), p[class])).collect()
    }
}

/// The classes (columns) of a row of probabilities, the likeliest first; of equal ones the first column first. A class whose
/// probability is NaN is left out.
pub fn ranked_classes(p: &[f32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..p.len()).filter(|class| !p[*class].is_nan()).collect();
    order.sort_by(|a, b| p[*b].total_cmp(&p[*a]));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_class_comes_first_and_nan_not_at_all() {
        assert_eq!(ranked_classes(&[0.2, 0.5, 0.2, 0.1]), [1, 0, 2, 3]);
        assert_eq!(ranked_classes(&[f32::NAN, 0.5, 0.25]), [1, 2]);
        assert!(ranked_classes(&[f32::NAN; 2]).is_empty());
    }
}
