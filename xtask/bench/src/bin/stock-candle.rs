//! `stock-candle JOB`: EfficientNet-B0 built from candle_nn's layers alone, NCHW, as a user of candle would write it. What this
//! project's operations are measured against as the before.
#![allow(clippy::print_stdout, reason = "its output is its answer")]

use anyhow::{Context, Result};
use candle_core::{DType, Device, ModuleT, Tensor, Var};
use candle_nn::{
    BatchNorm, BatchNormConfig, Conv2d, Conv2dConfig, Dropout, Linear, Module, VarBuilder, VarMap,
    batch_norm, conv2d, conv2d_no_bias, linear, loss, ops,
};
use dividemix::memory::peak_rss_bytes;
use effmix_bench::{Answer, Timing, median_seconds};
use effnet_model::{Arch, BlockPlan};
use serde::Deserialize;

/// Of the published networks.
const CLASSES: usize = 1000;

#[derive(Deserialize)]
struct Job {
    #[serde(flatten)]
    timing: Timing,
    work: Work,
    arch: String,
    size: usize,
    batch: usize,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Work {
    Train,
    Predict,
}

fn main() -> Result<()> {
    let job =
        std::env::args().nth(1).context("`stock-candle JOB`, a JSON object; see `cargo xtask bench`")?;
    let job: Job = serde_json::from_str(&job).context("the job")?;
    let seconds = job.seconds_per_batch()?;
    let answer =
        Answer { per_second: job.batch as f64 / seconds, peak_rss_bytes: peak_rss_bytes(), found: None };
    println!("{}", serde_json::to_string(&answer)?);
    Ok(())
}

impl Job {
    fn seconds_per_batch(&self) -> Result<f64> {
        let parameters = VarMap::new();
        let arch = Arch::by_name(&self.arch)?.with_size(self.size);
        let network = Network::new(&arch, &VarBuilder::from_varmap(&parameters, DType::F32, &Device::Cpu))?;
        let images = Tensor::rand(0f32, 1.0, (self.batch, 3, self.size, self.size), &Device::Cpu)?;
        let labels: Vec<u32> = (0..self.batch as u32).map(|i| i % CLASSES as u32).collect();
        let labels = Tensor::new(labels, &Device::Cpu)?;
        let mut optimiser = Sgd::new(&parameters)?;
        let mut step = || -> Result<()> {
            if self.work == Work::Predict {
                network.forward_t(&images, false)?;
                return Ok(());
            }
            let loss = loss::cross_entropy(&network.forward_t(&images, true)?, &labels)?;
            optimiser.step(&loss)
        };
        step()?;
        median_seconds(self.timing, 1, step)
    }
}

/// Momentum 0.9, weight decay 5e-4, which candle_nn's own SGD lacks.
struct Sgd {
    moving: Vec<(Var, Tensor)>,
}

impl Sgd {
    fn new(parameters: &VarMap) -> Result<Self> {
        let moving = parameters.all_vars().into_iter().map(|var| Ok((var.clone(), var.zeros_like()?)));
        Ok(Self { moving: moving.collect::<Result<_>>()? })
    }

    fn step(&mut self, loss: &Tensor) -> Result<()> {
        let gradients = loss.backward()?;
        for (parameter, velocity) in &mut self.moving {
            // Running statistics have no gradient.
            let Some(gradient) = gradients.get(parameter) else { continue };
            let decayed = (gradient + (parameter.as_tensor() * 5e-4)?)?;
            *velocity = ((&*velocity * 0.9)? + decayed)?.detach();
            parameter.set(&(parameter.as_tensor() - (&*velocity * 1e-3)?)?)?;
        }
        Ok(())
    }
}

/// A convolution without bias, and its norm.
struct ConvNorm(Conv2d, BatchNorm);

impl ConvNorm {
    fn new(
        input: usize,
        output: usize,
        kernel: usize,
        config: Conv2dConfig,
        vb: &VarBuilder,
    ) -> candle_core::Result<Self> {
        let config = Conv2dConfig { padding: kernel / 2, ..config };
        let norm = BatchNormConfig { momentum: 0.1, ..BatchNormConfig::default() };
        Ok(Self(
            conv2d_no_bias(input, output, kernel, config, vb.pp("conv"))?,
            batch_norm(output, norm, vb.pp("bn"))?,
        ))
    }
}

impl ModuleT for ConvNorm {
    fn forward_t(&self, x: &Tensor, train: bool) -> candle_core::Result<Tensor> {
        self.1.forward_t(&self.0.forward(x)?, train)
    }
}

struct Block {
    expansion: Option<ConvNorm>,
    depthwise: ConvNorm,
    squeeze: Conv2d,
    excitation: Conv2d,
    projection: ConvNorm,
    skip: bool,
    drop_path: f64,
}

impl Block {
    fn new(plan: &BlockPlan, drop_path: f64, vb: &VarBuilder) -> Result<Self> {
        let &BlockPlan { input, hidden, output, kernel, stride, squeeze } = plan;
        let squeeze = squeeze.context("B0's blocks have squeeze and excitation")?;
        let plain = Conv2dConfig::default();
        let depthwise = Conv2dConfig { stride, groups: hidden, ..plain };
        let expansion = plan
            .expands()
            .then(|| ConvNorm::new(input, hidden, 1, plain, &vb.pp("expansion")))
            .transpose()?;
        Ok(Self {
            expansion,
            depthwise: ConvNorm::new(hidden, hidden, kernel, depthwise, &vb.pp("depthwise"))?,
            squeeze: conv2d(hidden, squeeze, 1, plain, vb.pp("squeeze"))?,
            excitation: conv2d(squeeze, hidden, 1, plain, vb.pp("excitation"))?,
            projection: ConvNorm::new(hidden, output, 1, plain, &vb.pp("projection"))?,
            skip: plan.has_skip(),
            drop_path,
        })
    }
}

impl ModuleT for Block {
    fn forward_t(&self, x: &Tensor, train: bool) -> candle_core::Result<Tensor> {
        let mut y = x.clone();
        if let Some(expansion) = &self.expansion {
            y = ops::silu(&expansion.forward_t(&y, train)?)?;
        }
        y = ops::silu(&self.depthwise.forward_t(&y, train)?)?;
        let pooled = y.mean_keepdim((2, 3))?;
        let gate = ops::sigmoid(&self.excitation.forward(&ops::silu(&self.squeeze.forward(&pooled)?)?)?)?;
        y = self.projection.forward_t(&y.broadcast_mul(&gate)?, train)?;
        if !self.skip {
            return Ok(y);
        }
        if train && self.drop_path > 0.0 {
            let keep = 1.0 - self.drop_path;
            let kept =
                Tensor::rand(0f32, 1.0, (x.dim(0)?, 1, 1, 1), x.device())?.lt(keep)?.to_dtype(DType::F32)?;
            y = y.broadcast_mul(&(kept / keep)?)?;
        }
        y + x
    }
}

struct Network {
    stem: ConvNorm,
    blocks: Vec<Block>,
    head: ConvNorm,
    dropout: Dropout,
    classifier: Linear,
}

impl Network {
    fn new(arch: &Arch, vb: &VarBuilder) -> Result<Self> {
        let plan = arch.plan()?;
        let stem = Conv2dConfig { stride: arch.stem_stride, ..Conv2dConfig::default() };
        let mut blocks = Vec::new();
        let mut width = plan.stem;
        for block in plan.stages.iter().flatten() {
            let index = blocks.len();
            let drop_path = arch.drop_path * index as f64 / plan.blocks() as f64;
            blocks.push(Block::new(block, drop_path, &vb.pp(format!("blocks.{index}")))?);
            width = block.output;
        }
        Ok(Self {
            stem: ConvNorm::new(3, plan.stem, 3, stem, &vb.pp("stem"))?,
            blocks,
            head: ConvNorm::new(width, plan.head, 1, Conv2dConfig::default(), &vb.pp("head"))?,
            dropout: Dropout::new(arch.dropout as f32),
            classifier: linear(plan.head, CLASSES, vb.pp("classifier"))?,
        })
    }
}

impl ModuleT for Network {
    fn forward_t(&self, x: &Tensor, train: bool) -> candle_core::Result<Tensor> {
        let mut x = ops::silu(&self.stem.forward_t(x, train)?)?;
        for block in &self.blocks {
            x = block.forward_t(&x, train)?;
        }
        let x = ops::silu(&self.head.forward_t(&x, train)?)?;
        self.classifier.forward(&self.dropout.forward(&x.mean((2, 3))?, train)?)
    }
}
