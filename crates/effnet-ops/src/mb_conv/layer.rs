//! The block as a layer of a sequence.

use candle_core::Result;

use super::forward::SavedForBackward;
use super::geometry::{Geometry, NAME};
use super::params::MbConv;
use crate::activation::cpu::Function;
use crate::dispatch::Level;
use crate::host;
use crate::layer::{LayerBackward, LayerOutput};
use crate::multi_input_op::Gradients;
use crate::window::Window;

impl MbConv<'_> {
    /// The forward pass for x of shape `dims`; `f` is the block's activation.
    pub(crate) fn forward<F: Function + 'static>(
        &self,
        level: Level,
        x: &[f32],
        dims: &[usize],
        f: F,
    ) -> Result<LayerOutput> {
        let geometry = Geometry::new(dims, self)?;
        let (y, saved) = host::read_all(NAME, &self.in_order(), |values| {
            Ok(SavedForBackward::forward(level, geometry, x, &geometry.parameters(values), f))
        })?;
        let Window { images, y: down, x: across } = geometry.window;
        Ok(LayerOutput {
            y,
            dims: [images, down.output, across.output, geometry.output],
            statistics: saved.statistics()?,
            backward: Box::new(BackwardPass { geometry, saved, f }),
        })
    }
}

struct BackwardPass<F> {
    geometry: Geometry,
    saved: SavedForBackward,
    f: F,
}

impl<F: Function> LayerBackward for BackwardPass<F> {
    fn backward(&self, level: Level, x: &[f32], parameters: &[&[f32]], dy: &[f32], _: bool) -> Gradients {
        let parameters = self.geometry.parameters(parameters);
        self.saved.backward(level, self.geometry, x, &parameters, dy, self.f)
    }
}
