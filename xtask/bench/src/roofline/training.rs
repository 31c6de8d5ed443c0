//! The training step: forward and backward through each layer, and SGD.

use super::cost::{self, Cost, LayerCost};
use super::{Clock, Parts, blocks};
use crate::training_step::{CLASSES, TrainingStep};
use anyhow::{Context, Result};
use effnet_model::Arch;
use effnet_model::candle::backprop::GradStore;
use effnet_model::candle::{Tensor, Var};

pub(super) struct Training {
    step: TrainingStep,
    blocks: Vec<(usize, usize)>,
    costs: Vec<LayerCost>,
    optimiser: Cost,
}

impl Training {
    pub(super) fn new(arch: &Arch, batch: usize) -> Result<Self> {
        Ok(Self {
            step: TrainingStep::new(arch, batch)?,
            blocks: blocks(arch)?,
            costs: cost::layers(arch, CLASSES, batch)?,
            optimiser: cost::optimiser(arch.parameters(CLASSES)?),
        })
    }
}

impl Parts for Training {
    fn passes(&self) -> Vec<(String, &'static str, Cost)> {
        let forward = self.costs.iter().map(|layer| (layer.name.clone(), "forward", layer.forward));
        let backward = self.costs.iter().rev().map(|layer| (layer.name.clone(), "backward", layer.backward));
        forward.chain(backward).chain([("optimiser".to_owned(), "step", self.optimiser)]).collect()
    }

    fn whole(&mut self) -> Result<()> {
        self.step.step()
    }

    /// Each layer's input is cut off from the graph behind it, so that a backward pass ends there. It begins with ones in place of
    /// the gradient that would come from the next layer: the arithmetic is the same.
    fn apart(&mut self, clock: &mut Clock) -> Result<()> {
        let mode = self.step.next_mode();
        let (step, network) = (&self.step, &self.step.network);
        // The images have no gradient.
        let mut inputs: Vec<Option<Var>> = vec![None];
        let mut outputs = vec![clock.time(|| Ok(network.encode_stem(&step.images, mode)?))?];
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
        layer(&|x| step.loss(&network.classify(x, mode)?))?;

        let mut gradients: Option<GradStore> = None;
        for (input, output) in inputs.into_iter().zip(outputs).rev() {
            let mut found = clock.time(|| {
                let found = effnet_ops::backward(&output)?;
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
        clock.time(|| step.optimise(&gradients))
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
