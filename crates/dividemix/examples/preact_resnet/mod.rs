//! The PreAct-ResNet-18 of DivideMix's authors (He et al. 2016, "Identity mappings in deep residual networks"), built from candle_nn
//! alone, and what the loop asks of it. As in their code, a norm follows the stem and none the last block.

use candle_nn::{
    BatchNorm, Conv2d, Conv2dConfig, Linear, Module, ModuleT, VarBuilder, VarMap, batch_norm, conv2d_no_bias,
    linear,
};
use dividemix::candle::{D, Device, Result, Tensor, Var};
use dividemix::{Mode, Network, Purpose, Stream};

/// A block: norm and activation come before each convolution; the shortcut leaves after the first of these pairs' activations.
struct Block {
    norms: [BatchNorm; 2],
    convs: [Conv2d; 2],
    shortcut: Option<Conv2d>,
}

impl Block {
    fn new(input: usize, output: usize, stride: usize, vb: VarBuilder) -> Result<Self> {
        let conv = |name: &str, input, kernel, stride| {
            let config = Conv2dConfig { stride, padding: kernel / 2, ..Conv2dConfig::default() };
            conv2d_no_bias(input, output, kernel, config, vb.pp(name))
        };
        Ok(Self {
            norms: [batch_norm(input, 1e-5, vb.pp("bn1"))?, batch_norm(output, 1e-5, vb.pp("bn2"))?],
            convs: [conv("conv1", input, 3, stride)?, conv("conv2", output, 3, 1)?],
            shortcut: match stride > 1 || input != output {
                true => Some(conv("shortcut", input, 1, stride)?),
                false => None,
            },
        })
    }
}

impl ModuleT for Block {
    fn forward_t(&self, x: &Tensor, train: bool) -> Result<Tensor> {
        let first = self.norms[0].forward_t(x, train)?.relu()?;
        let around = self.shortcut.as_ref().map_or(Ok(x.clone()), |conv| conv.forward(&first))?;
        let y = self.norms[1].forward_t(&self.convs[0].forward(&first)?, train)?.relu()?;
        self.convs[1].forward(&y)? + around
    }
}

/// [N, H, W, 3] to logits [N, classes].
pub(crate) struct PreActResNet18 {
    stem: (Conv2d, BatchNorm),
    blocks: Vec<Block>,
    classifier: Linear,
    parameters: VarMap,
}

impl PreActResNet18 {
    /// `width` channels after the stem, eight times as many at the end; `seed` alone decides the first weights.
    ///
    /// # Errors
    /// None on the CPU.
    pub(crate) fn new(width: usize, classes: usize, seed: u64) -> Result<Self> {
        let parameters = VarMap::new();
        let vb = VarBuilder::from_varmap(&parameters, candle_core::DType::F32, &Device::Cpu);
        let config = Conv2dConfig { padding: 1, ..Conv2dConfig::default() };
        let stem =
            (conv2d_no_bias(3, width, 3, config, vb.pp("conv1"))?, batch_norm(width, 1e-5, vb.pp("bn1"))?);
        let mut blocks = Vec::new();
        for (stage, stride) in [1, 2, 2, 2].into_iter().enumerate() {
            let (input, output) = (width << stage.saturating_sub(1), width << stage);
            let vb = vb.pp(format!("layer{}", stage + 1));
            blocks.push(Block::new(input, output, stride, vb.pp(0))?);
            blocks.push(Block::new(output, output, 1, vb.pp(1))?);
        }
        let classifier = linear(width << 3, classes, vb.pp("linear"))?;
        let network = Self { stem, blocks, classifier, parameters };
        network.initialise(seed)?;
        Ok(network)
    }

    /// Weights uniform with variance 2 / fan_in (He et al. 2015): candle's own first values can't be repeated on the CPU.
    fn initialise(&self, seed: u64) -> Result<()> {
        for (number, (_, weight)) in self.named(|name| name.ends_with("weight")).iter().enumerate() {
            let fan_in: usize = weight.dims().iter().skip(1).product();
            if weight.rank() == 1 {
                continue; // batch norm's, which are one
            }
            let (bound, count) = ((6.0 / fan_in as f32).sqrt(), weight.elem_count() as u64);
            let stream = Stream::new(seed, Purpose::Initialise).at(number as u64).key();
            let values = (0..count).map(|place| bound * noise(stream, place)).collect();
            weight.set(&Tensor::from_vec(values, weight.shape(), &Device::Cpu)?)?;
        }
        Ok(())
    }

    fn forward(&self, images: &Tensor, train: bool) -> Result<Tensor> {
        let (conv, norm) = &self.stem;
        let x = conv.forward(&images.permute((0, 3, 1, 2))?.contiguous()?)?;
        let mut x = norm.forward_t(&x, train)?.relu()?;
        for block in &self.blocks {
            x = block.forward_t(&x, train)?;
        }
        self.classifier.forward(&x.mean(D::Minus1)?.mean(D::Minus1)?)
    }

    /// Parameters whose names `wanted` takes, always in the same order.
    fn named(&self, wanted: impl Fn(&str) -> bool) -> Vec<(String, Var)> {
        let all = self.parameters.data().lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut found: Vec<_> =
            all.iter().filter(|(name, _)| wanted(name)).map(|(n, v)| (n.clone(), v.clone())).collect();
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        found
    }
}

impl Network for PreActResNet18 {
    fn forward_t(&self, images: &Tensor, mode: Mode) -> Result<Tensor> {
        match mode {
            Mode::Train { .. } => self.forward(images, true),
            Mode::TrainNoGrad { .. } => Ok(self.forward(images, true)?.detach()),
            Mode::Eval => Ok(self.forward(images, false)?.detach()),
        }
    }

    fn parameters(&self) -> Vec<(String, Var)> {
        self.named(|name| !name.contains("running_"))
    }

    fn buffers(&self) -> Vec<(String, Var)> {
        self.named(|name| name.contains("running_"))
    }

    fn classifier_parameters(&self) -> Vec<String> {
        vec!["linear.bias".to_owned(), "linear.weight".to_owned()]
    }
}

/// -1 to 1, always the same for a seed and a place.
pub(crate) fn noise(seed: u64, place: u64) -> f32 {
    let mut z = seed.wrapping_add(place.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (z >> 40) as f32 / (1u64 << 23) as f32 - 1.0
}
