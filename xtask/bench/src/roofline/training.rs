//! The training step: forward and backward through each layer, and SGD.

use super::cost::{self, Cost, LayerCost};
use super::{CLASSES, Clock, Parts, blocks, images};
use anyhow::{Context, Result};
use effnet_model::candle::backprop::GradStore;
use effnet_model::candle::{Device, Tensor, Var};
use effnet_model::{Arch, EfficientNet, Mode, ParameterStore};
use effnet_ops::{Sgd, sgd_step};
use noisy_labels::losses::cross_entropy;
use noisy_labels::soft::one_hot;

/// As in `effmix bench`.
const SGD: Sgd = Sgd { lr: 1e-3, momentum: 0.9, weight_decay: 5e-4 };

pub(super) struct Training {
    network: EfficientNet,
    /// Each with its velocity.
    parameters: Vec<(Var, Var)>,
    images: Tensor,
    targets: Tensor,
    blocks: Vec<(usize, usize)>,
    costs: Vec<LayerCost>,
    optimiser: Cost,
    /// Of what is dropped, another one each step.
    seed: u64,
}

impl Training {
    pub(super) fn new(arch: &Arch, batch: usize) -> Result<Self> {
        let store = ParameterStore::new(0, &Device::Cpu);
        let network = EfficientNet::new(arch, CLASSES, store.var_builder())?;
        let at_rest = |(_, var): (String, Var)| Ok((var.clone(), Var::from_tensor(&var.zeros_like()?)?));
        let labels: Vec<usize> = (0..batch).map(|i| i % CLASSES).collect();
        Ok(Self {
            network,
            parameters: store.trainable().into_iter().map(at_rest).collect::<Result<_>>()?,
            images: images(arch, batch)?,
            targets: one_hot(&labels, CLASSES, &Device::Cpu)?,
            blocks: blocks(arch)?,
            costs: cost::layers(arch, CLASSES, batch)?,
            optimiser: cost::optimiser(arch.parameters(CLASSES)?),
            seed: 0,
        })
    }

    fn next_mode(&mut self) -> Mode {
        self.seed += 1;
        Mode::Train { seed: self.seed }
    }

    fn optimise(&self, gradients: &GradStore) -> Result<()> {
        for (parameter, velocity) in &self.parameters {
            let gradient = gradients.get(parameter).context("every parameter has a gradient")?;
            sgd_step(parameter, velocity, gradient, &SGD)?;
        }
        Ok(())
    }
}

impl Parts for Training {
    fn passes(&self) -> Vec<(String, &'static str, Cost)> {
        let forward = self.costs.iter().map(|layer| (layer.name.clone(), "forward", layer.forward));
        let backward = self.costs.iter().rev().map(|layer| (layer.name.clone(), "backward", layer.backward));
        forward.chain(backward).chain([("optimiser".to_owned(), "step", self.optimiser)]).collect()
    }

    fn whole(&mut self) -> Result<()> {
        let mode = self.next_mode();
        let logits = self.network.forward_t(&self.images, mode)?;
        let gradients = cross_entropy(&logits, &self.targets)?.backward()?;
        self.optimise(&gradients)
    }

    /// Each layer's input is cut off from the graph behind it, so that a backward pass ends there. It begins with ones in place of
    /// the gradient that would come from the next layer: the arithmetic is the same.
    fn apart(&mut self, clock: &mut Clock) -> Result<()> {
        let mode = self.next_mode();
        let network = &self.network;
        // The images have no gradient.
        let mut inputs: Vec<Option<Var>> = vec![None];
        let mut outputs = vec![clock.time(|| Ok(network.encode_stem(&self.images, mode)?))?];
        let mut layer = |forward: &dyn Fn(&Tensor) -> Result<Tensor>| -> Result<()> {
            let input = Var::from_tensor(&outputs.last().context("the stem's")?.detach())?;
            outputs.push(clock.time(|| forward(&input))?);
            inputs.push(Some(input));
            Ok(())
        };
        for &(stage, block) in &self.blocks {
            layer(&|x| Ok(network.encode_block(x, stage, block, mode)?))?;
        }
        layer(&|x| Ok(network.decode(&network.encode_head(x, mode)?)?))?;
        layer(&|x| Ok(cross_entropy(&network.classify(x, mode)?, &self.targets)?))?;

        let mut gradients: Option<GradStore> = None;
        for (input, output) in inputs.into_iter().zip(outputs).rev() {
            let mut found = clock.time(|| {
                let found = output.backward()?;
                // What the layer kept is given back, as it is in a whole step.
                drop(output);
                Ok(found)
            })?;
            if let Some(input) = input {
                found.remove(&input);
            }
            match &mut gradients {
                Some(all) => all.extend(found)?,
                None => gradients = Some(found),
            }
        }
        let gradients = gradients.context("there are layers")?;
        clock.time(|| self.optimise(&gradients))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pass_is_timed_and_named() {
        let mut training = Training::new(&Arch::by_name("b0").unwrap().with_size(32), 2).unwrap();
        let mut clock = Clock::default();
        training.whole().unwrap();
        training.apart(&mut clock).unwrap();
        let passes = training.passes();
        assert_eq!(clock.0.len(), passes.len());
        let names = [&passes[0], &passes[18], &passes[19], &passes[37], &passes[38]];
        let expected = [
            ("stem", "forward"),
            ("classifier", "forward"),
            ("classifier", "backward"),
            ("stem", "backward"),
            ("optimiser", "step"),
        ];
        assert_eq!(names.map(|(name, pass, _)| (name.as_str(), *pass)), expected);
    }
}
