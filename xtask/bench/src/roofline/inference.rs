//! Inference: each layer of the network made ready for evaluation.

use super::cost::{self, Cost, LayerCost};
use super::{Clock, Parts, blocks};
use crate::training_step::{CLASSES, images};
use anyhow::Result;
use effnet_model::candle::{Device, Tensor};
use effnet_model::{Arch, EfficientNet, Evaluator, ParameterStore};

pub(super) struct Inference {
    network: Evaluator,
    images: Tensor,
    blocks: Vec<(usize, usize)>,
    costs: Vec<LayerCost>,
}

impl Inference {
    pub(super) fn new(arch: &Arch, batch: usize) -> Result<Self> {
        let store = ParameterStore::new(0, &Device::Cpu);
        Ok(Self {
            network: EfficientNet::new(arch, CLASSES, store.var_builder())?.evaluator()?,
            images: images(arch, batch)?,
            blocks: blocks(arch)?,
            costs: cost::layers(arch, CLASSES, batch)?,
        })
    }
}

impl Parts for Inference {
    fn passes(&self) -> Vec<(String, &'static str, Cost)> {
        self.costs.iter().map(|layer| (layer.name.clone(), "forward", layer.evaluation)).collect()
    }

    fn whole(&mut self) -> Result<()> {
        self.network.logits(&self.images)?;
        Ok(())
    }

    fn apart(&mut self, clock: &mut Clock) -> Result<()> {
        let network = &self.network;
        let mut x = clock.time(|| Ok(network.encode_stem(&self.images)?))?;
        for &(stage, block) in &self.blocks {
            // The block's input is given back with it, as in a whole pass.
            x = clock.time(move || Ok(network.encode_block(&x, stage, block)?))?;
        }
        let feature = clock.time(move || Ok(network.decode_head(&x)?))?;
        clock.time(|| Ok(network.classify(&feature)?))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pass_is_timed() {
        let mut inference = Inference::new(&Arch::by_name("b0").unwrap().with_size(32), 1).unwrap();
        let mut clock = Clock::default();
        inference.whole().unwrap();
        inference.apart(&mut clock).unwrap();
        assert_eq!(clock.0.len(), inference.passes().len());
    }
}
