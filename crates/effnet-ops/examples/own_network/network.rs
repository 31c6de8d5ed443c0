//! A small network of MobileNetV3's kind (Howard et al., arXiv 1905.02244), built from the operations alone.
//!
//! Tensors are NHWC inside. The door takes candle's NCHW, and the last pooling is candle's own, which wants NCHW too.

use effnet_ops::candle::{DType, Device, Result, Tensor, Var};
use effnet_ops::{
    Activation, Padding, Sgd, SgdParam, SqueezeExcitation, activate, add, backward, batch_norm_eval,
    batch_norm_train, conv2d, depthwise_conv, drop_path, linear, nchw_to_nhwc, nhwc_to_nchw, pointwise_conv,
    sgd_step, squeeze_excitation, swish, swish_learnable,
};

const EPS: f64 = 1e-3;
const MOMENTUM: f64 = 0.1;
/// Rate of drop path.
const DROP_PATH: f64 = 0.1;
const WIDTH: usize = 8;
const EXPANDED: usize = 24;
const SQUEEZED: usize = 6;
const FEATURES: usize = 16;

/// Whether a pass trains, and with which seed for drop path, or evaluates.
#[derive(Clone, Copy)]
pub(crate) enum Pass {
    /// Batch statistics, drop path by this seed; the running statistics move.
    Train {
        /// Decides which images lose the block's branch.
        seed: u64,
    },
    /// Running statistics, nothing is dropped.
    Evaluate,
}

/// Parameters in order of creation, and a generator of their first values.
struct Parameters {
    all: Vec<Var>,
    state: u64,
}

impl Parameters {
    /// Normal numbers of variance 2 / fan-in (He et al., arXiv 1502.01852), here sums of twelve uniform ones.
    fn weight(&mut self, dims: &[usize]) -> Result<Var> {
        let fan_in: usize = dims[1..].iter().product();
        let scale = (2.0 / fan_in as f32).sqrt();
        let mut normal = || (0..12).map(|_| self.uniform()).sum::<f32>() - 6.0;
        let values: Vec<f32> = (0..dims.iter().product()).map(|_| scale * normal()).collect();
        self.keep(Var::from_vec(values, dims, &Device::Cpu)?)
    }

    fn constant(&mut self, n: usize, value: f32) -> Result<Var> {
        self.keep(Var::from_vec(vec![value; n], n, &Device::Cpu)?)
    }

    fn keep(&mut self, var: Var) -> Result<Var> {
        self.all.push(var.clone());
        Ok(var)
    }

    fn uniform(&mut self) -> f32 {
        self.state =
            self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 40) as f32 / (1 << 24) as f32
    }
}

/// Batch norm with its running statistics.
struct Norm {
    weight: Var,
    bias: Var,
    mean: Var,
    var: Var,
}

impl Norm {
    fn new(parameters: &mut Parameters, channels: usize) -> Result<Self> {
        Ok(Self {
            weight: parameters.constant(channels, 1.0)?,
            bias: parameters.constant(channels, 0.0)?,
            mean: Var::zeros(channels, DType::F32, &Device::Cpu)?,
            var: Var::ones(channels, DType::F32, &Device::Cpu)?,
        })
    }

    fn forward(&self, x: &Tensor, activation: Activation, pass: Pass) -> Result<Tensor> {
        let Self { weight, bias, mean, var } = self;
        match pass {
            Pass::Evaluate => batch_norm_eval(x, weight, bias, mean, var, EPS, activation),
            Pass::Train { .. } => {
                let (y, statistics) = batch_norm_train(x, weight, bias, EPS, activation)?;
                statistics.track(mean, var, MOMENTUM)?;
                Ok(y)
            }
        }
    }
}

/// A stem with a learned swish, one inverted residual block with a skip, and a head of two layers.
pub(crate) struct Network {
    stem: Var,
    stem_norm: Norm,
    slope: Var,
    expansion: Var,
    expansion_norm: Norm,
    depthwise: Var,
    depthwise_norm: Norm,
    gate: [Var; 4],
    projection: Var,
    projection_norm: Norm,
    hidden: [Var; 2],
    classifier: [Var; 2],
    parameters: Vec<Var>,
    velocities: Vec<Var>,
}

impl Network {
    /// A network for images of three channels.
    pub(crate) fn new(classes: usize) -> Result<Self> {
        let mut new = Parameters { all: vec![], state: 1905 };
        let stem = new.weight(&[WIDTH, 3, 3, 3])?;
        let stem_norm = Norm::new(&mut new, WIDTH)?;
        let slope = new.constant(1, 1.0)?;
        let expansion = new.weight(&[EXPANDED, WIDTH, 1, 1])?;
        let expansion_norm = Norm::new(&mut new, EXPANDED)?;
        let depthwise = new.weight(&[EXPANDED, 1, 3, 3])?;
        let depthwise_norm = Norm::new(&mut new, EXPANDED)?;
        let gate = [
            new.weight(&[SQUEEZED, EXPANDED, 1, 1])?,
            new.constant(SQUEEZED, 0.0)?,
            new.weight(&[EXPANDED, SQUEEZED, 1, 1])?,
            new.constant(EXPANDED, 0.0)?,
        ];
        let projection = new.weight(&[WIDTH, EXPANDED, 1, 1])?;
        let projection_norm = Norm::new(&mut new, WIDTH)?;
        let hidden = [new.weight(&[FEATURES, WIDTH])?, new.constant(FEATURES, 0.0)?];
        let classifier = [new.weight(&[classes, FEATURES])?, new.constant(classes, 0.0)?];
        let parameters = new.all;
        let at_rest = |var: &Var| Var::zeros(var.dims(), DType::F32, &Device::Cpu);
        let velocities = parameters.iter().map(at_rest).collect::<Result<_>>()?;
        Ok(Self {
            stem,
            stem_norm,
            slope,
            expansion,
            expansion_norm,
            depthwise,
            depthwise_norm,
            gate,
            projection,
            projection_norm,
            hidden,
            classifier,
            parameters,
            velocities,
        })
    }

    /// Logits of images: [N, 3, H, W] -> [N, classes].
    pub(crate) fn forward(&self, images: &Tensor, pass: Pass) -> Result<Tensor> {
        let x = conv2d(&nchw_to_nhwc(images)?, &self.stem, 2, Padding::Same)?;
        let x = swish_learnable(&self.stem_norm.forward(&x, Activation::Identity, pass)?, &self.slope)?;
        let x = add(&x, &self.branch(&x, pass)?)?;
        // Maximum pooling is candle's, in candle's layout.
        let size = (x.dim(1)?, x.dim(2)?);
        let pooled = nhwc_to_nchw(&activate(&x, Activation::Relu6)?)?.max_pool2d(size)?.flatten_from(1)?;
        let [weight, bias] = &self.hidden;
        // x sigmoid(1.702 x) stands for GELU (Hendrycks & Gimpel, arXiv 1606.08415).
        let hidden = swish(&linear(&pooled, weight, bias)?, 1.702)?;
        let [weight, bias] = &self.classifier;
        linear(&hidden, weight, bias)
    }

    /// The block without its skip.
    fn branch(&self, x: &Tensor, pass: Pass) -> Result<Tensor> {
        let y = pointwise_conv(x, &self.expansion)?;
        let y = self.expansion_norm.forward(&y, Activation::Swish, pass)?;
        let y = depthwise_conv(&y, &self.depthwise, 1, Padding::Same)?;
        let y = self.depthwise_norm.forward(&y, Activation::Swish, pass)?;
        let [reduce_weight, reduce_bias, expand_weight, expand_bias] =
            self.gate.each_ref().map(Var::as_tensor);
        let gate = SqueezeExcitation { reduce_weight, reduce_bias, expand_weight, expand_bias };
        let y = pointwise_conv(&squeeze_excitation(&y, &gate)?, &self.projection)?;
        let y = self.projection_norm.forward(&y, Activation::Identity, pass)?;
        match pass {
            Pass::Train { seed } => drop_path(&y, DROP_PATH, seed),
            Pass::Evaluate => Ok(y),
        }
    }

    /// One step of SGD on the cross entropy of a batch; the loss before it.
    pub(crate) fn step(&self, images: &Tensor, labels: &Tensor, seed: u64) -> Result<f32> {
        let loss = candle_nn::loss::cross_entropy(&self.forward(images, Pass::Train { seed })?, labels)?;
        let gradients = backward(&loss)?;
        let moving = self.parameters.iter().zip(&self.velocities);
        let list: Vec<SgdParam<'_>> = moving
            .filter_map(|(parameter, velocity)| {
                Some(SgdParam { parameter, velocity, gradient: gradients.get(parameter)? })
            })
            .collect();
        sgd_step(&list, &Sgd { lr: 0.05, momentum: 0.9, weight_decay: 1e-4 })?;
        loss.to_scalar()
    }
}

/// Images [N, 3, 12, 12] of bright bars, some upright (class 0) and some lying (class 1), and their labels [N].
pub(crate) fn bars(n: usize) -> Result<(Tensor, Tensor)> {
    const SIZE: usize = 12;
    let mut pixels = vec![0f32; n * 3 * SIZE * SIZE];
    for (i, image) in pixels.chunks_mut(3 * SIZE * SIZE).enumerate() {
        for (at, pixel) in image.iter_mut().enumerate() {
            let (row, column) = (at / SIZE % SIZE, at % SIZE);
            let across = if i % 2 == 0 { column } else { row };
            let noise = ((at * 7919 + i * 104_729) % 101) as f32 / 101.0 - 0.5;
            *pixel = if (across + i / 2) % SIZE < 3 { 1.0 } else { 0.0 } + 0.3 * noise;
        }
    }
    let labels = (0..n).map(|i| (i % 2) as u32).collect();
    Ok((
        Tensor::from_vec(pixels, (n, 3, SIZE, SIZE), &Device::Cpu)?,
        Tensor::from_vec(labels, n, &Device::Cpu)?,
    ))
}
