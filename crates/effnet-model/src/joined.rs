//! Networks whose global features stand side by side.

use candle_core::{Result as CandleResult, Tensor};

use crate::arch::Arch;
use crate::error::Result;
use crate::evaluator::Evaluator;
use crate::side_by_side::{Rescale, join_features};

/// Networks whose global features are joined ([`join_features`]). Images are prepared for the first one, and rescaled to the mean and
/// deviation of each other one.
#[derive(Debug, Clone)]
pub(crate) struct JoinedEncoder {
    bodies: Vec<(Option<Rescale>, Evaluator)>,
}

impl JoinedEncoder {
    pub(crate) fn new(bodies: Vec<(Arch, Evaluator)>) -> Result<Self> {
        let first = bodies.first().map(|(arch, _)| arch.clone());
        let rescaled = |(arch, body): (Arch, Evaluator)| {
            let rescale = first.as_ref().map_or(Ok(None), |first| Rescale::between(first, &arch))?;
            Ok((rescale, body))
        };
        Ok(Self { bodies: bodies.into_iter().map(rescaled).collect::<Result<_>>()? })
    }

    /// [N, H, W, C] -> [N, F], F the sum of the networks' lengths.
    pub(crate) fn features(&self, images: &Tensor) -> CandleResult<Tensor> {
        let of_body = |(rescale, body): &(Option<Rescale>, Evaluator)| {
            let images = rescale.as_ref().map_or(Ok(images.clone()), |rescale| rescale.of(images))?;
            body.features(&images)?.to_vec2::<f32>()
        };
        let of_bodies = self.bodies.iter().map(of_body).collect::<CandleResult<Vec<_>>>()?;
        let length: usize = self.bodies.iter().map(|(_, body)| body.feature_len()).sum();
        let count = of_bodies.first().map_or(0, Vec::len);
        let mut joined = vec![0.0; count * length];
        for (row, out) in joined.chunks_exact_mut(length.max(1)).enumerate() {
            let of_image: Vec<&[f32]> = of_bodies.iter().map(|rows| rows[row].as_slice()).collect();
            join_features(&of_image, out);
        }
        Tensor::from_vec(joined, (count, length), images.device())
    }
}
