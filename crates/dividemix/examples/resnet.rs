//! Somebody's own candle model in the loop: the PreAct-ResNet-18 of DivideMix's authors (He et al. 2016, "Identity mappings in
//! deep residual networks"), built from candle_nn alone, trained by DivideMix on pictures of which a third has a wrong label.
//!
//! `cargo run --release -p dividemix --example resnet -- [WIDTH [EPOCHS]]` (the published width is 64; 8 takes a minute)

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use candle_core::{D, Device, Result, Tensor, Var};
use candle_nn::{
    BatchNorm, Conv2d, Conv2dConfig, Linear, Module, ModuleT, VarBuilder, VarMap, batch_norm, conv2d_no_bias,
    linear,
};
use dividemix::{
    Event, Hyperparameters, Mode, Network, Purpose, Stream, TestSet, TrainingSet, View, ViewSource, train,
};

/// A block: norm and activation come before each convolution; the shortcut leaves behind the first of them.
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
    stem: Conv2d,
    blocks: Vec<Block>,
    classifier: Linear,
    parameters: VarMap,
}

impl PreActResNet18 {
    /// `width` channels behind the stem, eight times as many at the end; `seed` alone decides the first weights.
    ///
    /// # Errors
    /// None on the CPU.
    pub(crate) fn new(width: usize, classes: usize, seed: u64) -> Result<Self> {
        let parameters = VarMap::new();
        let vb = VarBuilder::from_varmap(&parameters, candle_core::DType::F32, &Device::Cpu);
        let config = Conv2dConfig { padding: 1, ..Conv2dConfig::default() };
        let stem = conv2d_no_bias(3, width, 3, config, vb.pp("conv1"))?;
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
        let mut x = self.stem.forward(&images.permute((0, 3, 1, 2))?.contiguous()?)?;
        for block in &self.blocks {
            x = block.forward_t(&x, train)?;
        }
        self.classifier.forward(&x.relu()?.mean(D::Minus1)?.mean(D::Minus1)?)
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

/// All that the loop asks of a network.
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
}

/// Pictures of 16 pixels: a square in one of four corners, in front of noise. A view is the picture with other noise.
struct Squares {
    corners: Vec<usize>,
    seed: u64,
}

const SIDE: usize = 16;
const CLASSES: usize = 4;

impl Squares {
    fn pictures(&self, samples: impl ExactSizeIterator<Item = (usize, u64)>) -> dividemix::Result<Tensor> {
        let count = samples.len();
        let mut pixels = Vec::with_capacity(count * SIDE * SIDE * 3);
        for (sample, seed) in samples {
            let (down, right) = (self.corners[sample] / 2 * SIDE / 2, self.corners[sample] % 2 * SIDE / 2);
            for place in 0..SIDE * SIDE * 3 {
                let (y, x) = (place / 3 / SIDE, place / 3 % SIDE);
                let inside = (down + 2..down + 6).contains(&y) && (right + 2..right + 6).contains(&x);
                pixels.push(noise(seed ^ self.seed, place as u64) + if inside { 1.0 } else { 0.0 });
            }
        }
        Ok(Tensor::from_vec(pixels, (count, SIDE, SIDE, 3), &Device::Cpu)?)
    }
}

/// -1 to 1, always the same for a seed and a place.
fn noise(seed: u64, place: u64) -> f32 {
    let mut z = seed.wrapping_add(place.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (z >> 40) as f32 / (1u64 << 23) as f32 - 1.0
}

impl ViewSource for Squares {
    fn len(&self) -> usize {
        self.corners.len()
    }

    fn plain(&self, samples: &[usize]) -> dividemix::Result<Tensor> {
        self.pictures(samples.iter().map(|&sample| (sample, sample as u64)))
    }

    fn augmented(&self, views: &[View]) -> dividemix::Result<Tensor> {
        self.pictures(views.iter().map(|view| (view.sample, view.seed)))
    }
}

/// Trains two networks on `images` pictures; `tell` is told of each epoch. The accuracy on others at the end, and how many of the
/// third of samples with the lowest quality are those with a wrong label.
///
/// # Errors
/// When training diverges.
pub(crate) fn run(
    (width, epochs, images): (usize, usize, usize),
    mut tell: impl FnMut(&str),
) -> dividemix::Result<(f64, f64)> {
    let of = |count, seed| Squares { corners: (0..count).map(|i| i % CLASSES).collect(), seed };
    let labels: Vec<usize> =
        (0..images).map(|i| (i + if i % 3 == 0 { 1 + i / 3 % 3 } else { 0 }) % CLASSES).collect();
    let data = TrainingSet {
        views: Arc::new(of(images, 1)),
        labels,
        truth: vec![None; images],
        classes: CLASSES,
        teacher: None,
    };
    let test = TestSet { views: Arc::new(of(100, 2)), labels: (0..100).map(|i| i % CLASSES).collect() };
    let networks: [Box<dyn Network>; 2] = [
        Box::new(PreActResNet18::new(width, CLASSES, 1)?),
        Box::new(PreActResNet18::new(width, CLASSES, 2)?),
    ];
    let hyper = Hyperparameters {
        epochs,
        warmup: epochs / 2,
        batch: 16,
        warmup_penalty: 0.0,
        ..Hyperparameters::default()
    };
    let mut observe = |event: Event| {
        if let Event::EpochDone { records, seconds, .. } = event
            && let Some(accuracy) = records[0].test_accuracy
        {
            tell(&format!("epoch {}: {:.1} % after {seconds:.1} s", records[0].epoch, 100.0 * accuracy));
        }
        Ok(())
    };
    let stop = AtomicBool::new(false);
    let found = train(&networks, &data, Some(&test), None, &hyper, None, &stop, &mut observe)?;
    let mut worst: Vec<usize> = (0..images).collect();
    worst.sort_by(|&a, &b| found.label_quality[a].total_cmp(&found.label_quality[b]));
    let wrong = images.div_ceil(3);
    let right = worst[..wrong].iter().filter(|&&sample| sample % 3 == 0).count();
    Ok((found.last_accuracy().unwrap_or_default(), right as f64 / wrong as f64))
}

#[allow(clippy::print_stdout, dead_code, reason = "its result; a test calls `run`")]
fn main() -> dividemix::Result<()> {
    let mut arguments = std::env::args().skip(1).filter_map(|argument| argument.parse().ok());
    let (width, epochs) = (arguments.next().unwrap_or(8), arguments.next().unwrap_or(6));
    let (accuracy, found) = run((width, epochs, 600), |line| println!("{line}"))?;
    println!(
        "{:.1} % right; of the labels it ranks worst, {:.1} % are wrong",
        100.0 * accuracy,
        100.0 * found
    );
    Ok(())
}
