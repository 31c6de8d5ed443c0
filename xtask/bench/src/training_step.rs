//! The training step of `effmix bench`, in parts that can be called one by one.

use anyhow::{Context, Result};
use effnet_model::candle::backprop::GradStore;
use effnet_model::candle::{Device, Tensor, Var};
use effnet_model::{Arch, EfficientNet, Mode, ParameterStore};
use effnet_ops::{Sgd, SgdParam, backward, sgd_step};
use noisy_labels::losses::cross_entropy;
use noisy_labels::soft::one_hot;

/// Of the published networks.
pub(crate) const CLASSES: usize = 1000;

const SGD: Sgd = Sgd { lr: 1e-3, momentum: 0.9, weight_decay: 5e-4 };

/// A network and the batch that it is trained on.
pub(crate) struct TrainingStep {
    pub(crate) network: EfficientNet,
    pub(crate) images: Tensor,
    targets: Tensor,
    /// Each with its velocity.
    parameters: Vec<(Var, Var)>,
    /// Of what is dropped.
    seed: u64,
}

impl TrainingStep {
    /// A network with fresh weights, at rest.
    pub(crate) fn new(arch: &Arch, batch: usize) -> Result<Self> {
        let store = ParameterStore::new(0, &Device::Cpu);
        let network = EfficientNet::new(arch, CLASSES, store.var_builder())?;
        let at_rest = |(_, var): (String, Var)| Ok((var.clone(), Var::from_tensor(&var.zeros_like()?)?));
        let labels: Vec<usize> = (0..batch).map(|i| i % CLASSES).collect();
        Ok(Self {
            network,
            images: images(arch, batch)?,
            targets: one_hot(&labels, CLASSES, &Device::Cpu)?,
            parameters: store.trainable().into_iter().map(at_rest).collect::<Result<_>>()?,
            seed: 0,
        })
    }

    /// Forward, cross entropy, backward, SGD.
    pub(crate) fn step(&mut self) -> Result<()> {
        let mode = self.next_mode();
        let logits = self.network.forward_t(&self.images, mode)?;
        self.optimise(&backward(&self.loss(&logits)?)?)
    }

    /// Drops something else each time.
    pub(crate) fn next_mode(&mut self) -> Mode {
        self.seed += 1;
        Mode::Train { seed: self.seed }
    }

    pub(crate) fn loss(&self, logits: &Tensor) -> Result<Tensor> {
        Ok(cross_entropy(logits, &self.targets)?)
    }

    pub(crate) fn optimise(&self, gradients: &GradStore) -> Result<()> {
        let moved = self.parameters.iter().map(|(parameter, velocity)| {
            let gradient = gradients.get(parameter).context("every parameter has a gradient")?;
            Ok(SgdParam { parameter, velocity, gradient })
        });
        Ok(sgd_step(&moved.collect::<Result<Vec<_>>>()?, &SGD)?)
    }
}

/// Images of noise, [N, H, W, 3].
pub(crate) fn images(arch: &Arch, batch: usize) -> Result<Tensor> {
    Ok(Tensor::rand(0f32, 1.0, (batch, arch.size, arch.size, 3), &Device::Cpu)?)
}
