//! What is known of a block before any arithmetic: its shapes, and which parts it has.

use candle_core::Result;

use super::params::MbConv;
use crate::batch_norm::context::ConvNormValues;
use crate::batch_norm::cpu::check_eps;
use crate::channels::Rows;
use crate::conv_norm::ConvNorm;
use crate::drop::DropPath;
use crate::error::shape_error;
use crate::squeeze_excitation::cpu::Layers;
use crate::window::Window;

/// The name of the operation in errors.
pub(super) const NAME: &str = "mb_conv";

/// The shapes and settings of a block for an input, without any values.
#[derive(Debug, Clone, Copy)]
pub(super) struct Geometry {
    pub(super) window: Window,
    pub(super) input: usize,
    pub(super) hidden: usize,
    pub(super) output: usize,
    has_expansion: bool,
    has_squeeze_excitation: bool,
    pub(super) eps: f64,
    pub(super) skip: Option<DropPath>,
}

/// The values of a block's parameters.
pub(super) struct Parameters<'a> {
    pub(super) expansion: Option<ConvNormValues<'a>>,
    pub(super) depthwise: ConvNormValues<'a>,
    pub(super) projection: ConvNormValues<'a>,
    pub(super) squeeze_excitation: Option<Layers<'a>>,
}

impl Geometry {
    /// The geometry of the block for x of shape `dims`.
    ///
    /// # Errors
    /// If the shapes do not fit or a setting is out of its range.
    pub(super) fn new(dims: &[usize], block: &MbConv<'_>) -> Result<Self> {
        let window = Window::new(NAME, dims, block.depthwise.weight.dims(), block.stride, block.padding)?;
        check_eps(NAME, block.eps)?;
        if let Some(drop_path) = &block.skip {
            drop_path.check(NAME)?;
        }
        let input = dims[3];
        let hidden = block.depthwise.weight.dims()[0];
        let output = block.projection.norm_bias.elem_count();
        let norm = |conv: &ConvNorm<'_>, channels: usize| {
            conv.norm_weight.dims() == [channels] && conv.norm_bias.dims() == [channels]
        };
        let fits = block.expansion.as_ref().map_or(hidden == input, |conv| {
            conv.weight.dims() == [hidden, input, 1, 1] && norm(conv, hidden)
        }) && block.depthwise.weight.dims()[1] == 1
            && norm(&block.depthwise, hidden)
            && block.projection.weight.dims() == [output, hidden, 1, 1]
            && norm(&block.projection, output)
            && output > 0
            && block.squeeze_excitation.as_ref().is_none_or(|gate| gate.fits(hidden))
            && (block.skip.is_none() || (block.stride == 1 && input == output));
        if !fits {
            let mut arguments = vec![("x", dims)];
            arguments.extend(block.in_order().iter().map(|parameter| ("parameter", parameter.dims())));
            let expected = "x [N, H, W, C], expansion [H, C, 1, 1] or H = C, depthwise [H, 1, k, k], \
                            squeeze-and-excitation on H, projection [O, H, 1, 1], a norm's two vectors after each \
                            convolution, and O = C with a stride of 1 where there is a skip";
            return Err(shape_error(NAME, &arguments, expected));
        }
        Ok(Self {
            window,
            input,
            hidden,
            output,
            has_expansion: block.expansion.is_some(),
            has_squeeze_excitation: block.squeeze_excitation.is_some(),
            eps: block.eps,
            skip: block.skip,
        })
    }

    /// The shape of the depthwise convolution's input; each image is a group.
    pub(super) fn depthwise_input(&self) -> Rows {
        let Window { images, y, x } = self.window;
        Rows { groups: images, rows: y.input * x.input, channels: self.hidden }
    }

    /// The shape of the depthwise convolution's result; each image is a group.
    pub(super) fn depthwise_output(&self) -> Rows {
        let Window { images, y, x } = self.window;
        Rows { groups: images, rows: y.output * x.output, channels: self.hidden }
    }

    /// The shape of the block's result, all of it one group.
    pub(super) fn output(&self) -> Rows {
        let Rows { groups, rows, channels } = self.output_by_image();
        Rows { groups: 1, rows: groups * rows, channels }
    }

    /// The shape of the block's result; each image is a group.
    pub(super) fn output_by_image(&self) -> Rows {
        Rows { channels: self.output, ..self.depthwise_output() }
    }

    /// The block's parameters, from their values in the order of [`MbConv::in_order`].
    pub(super) fn parameters<'a>(&self, values: &[&'a [f32]]) -> Parameters<'a> {
        let mut values = values.iter().copied();
        let mut next = || values.next().unwrap_or_default();
        let mut layer = || ConvNormValues { weight: next(), norm_weight: next(), norm_bias: next() };
        let expansion = self.has_expansion.then(&mut layer);
        let (depthwise, projection) = (layer(), layer());
        let squeeze_excitation =
            self.has_squeeze_excitation.then(|| Layers::new(std::array::from_fn(|_| next())));
        Parameters { expansion, depthwise, projection, squeeze_excitation }
    }
}
