//! SGD over all parameters of one network, and the average of where it went.

use candle_core::Var;
use candle_core::backprop::GradStore;
use effnet_ops::{Sgd, SgdParam, sgd_step};

use crate::average::Average;
use crate::{Network, Result};

/// SGD with momentum and weight decay (on every parameter, as DivideMix's authors do), with its velocities.
pub(crate) struct Optimiser {
    parameters: Vec<(String, Var)>,
    velocities: Vec<Var>,
    /// Rate of all but the classifier, as a share of the classifier's.
    body_share: f64,
    average: Option<Average>,
}

/// What the names of a classifier's parameters begin with.
const CLASSIFIER: &str = "classifier.";

impl Optimiser {
    /// An optimiser at rest. All but the classifier is to move at `body_share` of the learning rate; with `ema`, the weights are
    /// averaged with that momentum.
    pub(crate) fn new(network: &dyn Network, body_share: f64, ema: Option<f64>) -> Result<Self> {
        let parameters = network.parameters();
        let velocities = parameters
            .iter()
            .map(|(_, p)| Var::zeros(p.shape(), p.dtype(), p.device()))
            .collect::<candle_core::Result<_>>()?;
        let average = ema.map(|momentum| Average::new(network, momentum)).transpose()?;
        Ok(Self { parameters, velocities, body_share, average })
    }

    /// One step down the gradients of `loss`; a parameter that has none stays. The average follows.
    pub(crate) fn step(&self, gradients: &GradStore, sgd: &Sgd) -> Result<()> {
        self.descend(gradients, sgd)?;
        self.average.as_ref().map_or(Ok(()), Average::follow)
    }

    fn descend(&self, gradients: &GradStore, sgd: &Sgd) -> Result<()> {
        let moved = |wanted: &dyn Fn(&str) -> bool| -> Vec<SgdParam<'_>> {
            let parameters = self.parameters.iter().zip(&self.velocities);
            let wanted = parameters.filter(|((name, _), _)| wanted(name));
            let moved = wanted.filter_map(|((_, parameter), velocity)| {
                Some(SgdParam { parameter, velocity, gradient: gradients.get(parameter)? })
            });
            moved.collect()
        };
        if self.body_share == 1.0 {
            return Ok(sgd_step(&moved(&|_| true), sgd)?);
        }
        sgd_step(&moved(&|name| name.starts_with(CLASSIFIER)), sgd)?;
        let slower = Sgd { lr: self.body_share * sgd.lr, ..*sgd };
        Ok(sgd_step(&moved(&|name| !name.starts_with(CLASSIFIER)), &slower)?)
    }

    /// The average of the weights, if there is one.
    pub(crate) fn average(&self) -> Option<&Average> {
        self.average.as_ref()
    }

    /// The velocities by their parameter's name.
    pub(crate) fn velocities(&self) -> impl Iterator<Item = (&str, &Var)> {
        self.parameters.iter().zip(&self.velocities).map(|((name, _), v)| (name.as_str(), v))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Tensor};
    use effnet_model::Mode;

    /// logits = x + body + classifier
    struct Two([(String, Var); 2]);

    impl Network for Two {
        fn forward_t(&self, batch: &Tensor, _: Mode) -> candle_core::Result<Tensor> {
            (batch + self.0[0].1.as_tensor())? + self.0[1].1.as_tensor()
        }

        fn parameters(&self) -> Vec<(String, Var)> {
            self.0.to_vec()
        }

        fn buffers(&self) -> Vec<(String, Var)> {
            Vec::new()
        }
    }

    /// Gradients of the sum are 1, so the first step is the rate and the second, with momentum 1/2, one and a half times that.
    #[test]
    fn the_body_moves_at_its_share_of_the_rate() {
        let at_zero = |name: &str| (name.to_owned(), Var::new(&[0f32], &Device::Cpu).unwrap());
        for share in [1.0, 0.25, 0.0] {
            let network = Two([at_zero("blocks.0.bias"), at_zero("classifier.bias")]);
            let optimiser = Optimiser::new(&network, share, None).unwrap();
            let x = Tensor::new(&[0f32], &Device::Cpu).unwrap();
            for _ in 0..2 {
                let loss = network.forward_t(&x, Mode::Eval).unwrap().sum_all().unwrap();
                let sgd = Sgd { lr: 0.5, momentum: 0.5, weight_decay: 0.0 };
                optimiser.step(&loss.backward().unwrap(), &sgd).unwrap();
            }
            let value = |index: usize| network.0[index].1.to_vec1::<f32>().unwrap()[0];
            assert_eq!([value(0), value(1)], [-1.25 * share as f32, -1.25], "share {share}");
        }
    }
}
