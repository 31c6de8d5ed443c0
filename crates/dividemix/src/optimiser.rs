//! SGD over all parameters of one network, and the average of its weights over the steps.

use std::collections::HashSet;

use candle_core::Var;
use candle_core::backprop::GradStore;

use crate::ema::Ema;
use crate::updates::{Sgd, SgdParam, sgd_step};
use crate::{Error, Hyperparameters, Network, Result};

/// SGD with momentum and weight decay (on every parameter, as DivideMix's authors do), with its velocities.
///
/// ```
/// use candle_core::{Device, Tensor, Var};
/// use dividemix::{Mode, Network, Optimiser, Sgd, backward};
///
/// /// Logits are the batch times a weight.
/// struct Scale(Var);
/// impl Network for Scale {
///     fn forward_t(&self, batch: &Tensor, _: Mode) -> candle_core::Result<Tensor> { batch.broadcast_mul(&self.0) }
///     fn parameters(&self) -> Vec<(String, Var)> { vec![("scale".into(), self.0.clone())] }
///     fn buffers(&self) -> Vec<(String, Var)> { vec![] }
/// }
///
/// let network = Scale(Var::new(&[2f32], &Device::Cpu)?);
/// let optimiser = Optimiser::new(&network)?;
/// let loss = network.forward_t(&Tensor::new(&[[3f32]], &Device::Cpu)?, Mode::Train { seed: 0 })?.sum_all()?;
/// optimiser.step(&backward(&loss)?, &Sgd { lr: 0.1, momentum: 0.9, weight_decay: 0.0 })?;
/// assert!((network.0.to_vec1::<f32>()?[0] - 1.7).abs() < 1e-6);
/// # Ok::<(), dividemix::Error>(())
/// ```
pub struct Optimiser {
    parameters: Vec<Parameter>,
    /// Learning rate of the backbone, as a share of the classifier's.
    backbone_share: f64,
    ema: Option<Ema>,
    fused: bool,
}

struct Parameter {
    name: String,
    value: Var,
    velocity: Var,
    in_backbone: bool,
}

impl Optimiser {
    /// An optimiser at rest: all velocities are zero, all parameters have one learning rate, and no average is kept.
    ///
    /// # Errors
    /// candle's, where the velocities can't be made.
    pub fn new(network: &dyn Network) -> Result<Self> {
        let at_rest = |(name, value): (String, Var)| {
            let velocity = Var::zeros(value.shape(), value.dtype(), value.device())?;
            Ok(Parameter { name, value, velocity, in_backbone: false })
        };
        let parameters = network.parameters().into_iter().map(at_rest).collect::<Result<_>>()?;
        Ok(Self { parameters, backbone_share: 1.0, ema: None, fused: true })
    }

    /// The optimiser with a learning rate of the backbone that is `share` of the classifier's.
    ///
    /// # Errors
    /// [`Error::Setting`] where the network doesn't say which parameters are its classifier's, or names one that it doesn't have.
    pub fn with_backbone_share(mut self, network: &dyn Network, share: f64) -> Result<Self> {
        let classifier: HashSet<String> = network.classifier_parameters().into_iter().collect();
        let refused = |problem: String| Err(Error::Setting { name: "backbone_lr", problem });
        if classifier.is_empty() {
            return refused(
                "the network doesn't say which parameters are its classifier's (Network::classifier_parameters)".into(),
            );
        }
        let has = |name: &String| self.parameters.iter().any(|parameter| parameter.name == *name);
        if let Some(unknown) = classifier.iter().find(|name| !has(name)) {
            return refused(format!(
                "the network has no parameter {unknown}, which it calls its classifier's"
            ));
        }
        for parameter in &mut self.parameters {
            parameter.in_backbone = !classifier.contains(&parameter.name);
        }
        self.backbone_share = share;
        Ok(self)
    }

    /// The optimiser with an exponential moving average of the network's weights, updated after each step. `momentum` (from 0 to
    /// below 1) is the largest share of the average that an update keeps.
    ///
    /// # Errors
    /// candle's, where the weights can't be copied.
    pub fn with_ema(self, network: &dyn Network, momentum: f64) -> Result<Self> {
        Ok(Self { ema: Some(Ema::new(network, momentum)?), ..self })
    }

    /// The optimiser with or without fused kernels (the default is with them; see [`crate::Training::fused`]).
    #[must_use]
    pub fn fused(self, fused: bool) -> Self {
        Self { fused, ..self }
    }

    /// The optimiser that these settings describe.
    pub(crate) fn for_training(network: &dyn Network, hyper: &Hyperparameters, fused: bool) -> Result<Self> {
        let mut optimiser = Self::new(network)?.fused(fused);
        if let Some(backbone_lr) = hyper.backbone_lr {
            optimiser = optimiser.with_backbone_share(network, backbone_lr / hyper.lr)?;
        }
        match hyper.ema {
            Some(momentum) => optimiser.with_ema(network, momentum),
            None => Ok(optimiser),
        }
    }

    /// One step down the gradients; a parameter without a gradient stays as it is. The average is updated after it.
    ///
    /// # Errors
    /// candle's, where a gradient's shape is not its parameter's.
    pub fn step(&self, gradients: &GradStore, sgd: &Sgd) -> Result<()> {
        self.descend(gradients, sgd)?;
        self.ema.as_ref().map_or(Ok(()), |ema| ema.update(self.fused))
    }

    fn descend(&self, gradients: &GradStore, sgd: &Sgd) -> Result<()> {
        let group = |wanted: &dyn Fn(&Parameter) -> bool| -> Vec<SgdParam<'_>> {
            let parameters = self.parameters.iter().filter(|parameter| wanted(parameter));
            let with_gradients = parameters.filter_map(|Parameter { value, velocity, .. }| {
                Some(SgdParam { parameter: value, velocity, gradient: gradients.get(value)? })
            });
            with_gradients.collect()
        };
        if self.backbone_share == 1.0 {
            return sgd_step(&group(&|_| true), sgd, self.fused);
        }
        sgd_step(&group(&|parameter| !parameter.in_backbone), sgd, self.fused)?;
        let slower = Sgd { lr: self.backbone_share * sgd.lr, ..*sgd };
        sgd_step(&group(&|parameter| parameter.in_backbone), &slower, self.fused)
    }

    /// The average of the weights, if one is kept.
    pub(crate) fn ema(&self) -> Option<&Ema> {
        self.ema.as_ref()
    }

    /// The velocities by their parameter's name.
    pub(crate) fn velocities(&self) -> impl Iterator<Item = (&str, &Var)> {
        self.parameters.iter().map(|parameter| (parameter.name.as_str(), &parameter.velocity))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Mode;
    use candle_core::{Device, Tensor};

    /// logits = x + body + head
    struct Sum {
        parameters: [(String, Var); 2],
        classifier: Vec<String>,
    }

    impl Network for Sum {
        fn forward_t(&self, batch: &Tensor, _: Mode) -> candle_core::Result<Tensor> {
            (batch + self.parameters[0].1.as_tensor())? + self.parameters[1].1.as_tensor()
        }

        fn parameters(&self) -> Vec<(String, Var)> {
            self.parameters.to_vec()
        }

        fn buffers(&self) -> Vec<(String, Var)> {
            Vec::new()
        }

        fn classifier_parameters(&self) -> Vec<String> {
            self.classifier.clone()
        }
    }

    fn sum(classifier: &[&str]) -> Sum {
        let at_zero = |name: &str| (name.to_owned(), Var::new(&[0f32], &Device::Cpu).unwrap());
        let classifier = classifier.iter().map(|name| (*name).to_owned()).collect();
        Sum { parameters: [at_zero("body"), at_zero("head")], classifier }
    }

    /// Gradients of the sum are 1, so the first step is the rate and the second, with momentum 1/2, one and a half times that.
    #[test]
    fn the_backbone_moves_at_its_share_of_the_rate() {
        for (share, fused) in [(1.0, true), (0.25, true), (0.0, true), (0.25, false)] {
            let network = sum(&["head"]);
            let optimiser =
                Optimiser::new(&network).unwrap().with_backbone_share(&network, share).unwrap().fused(fused);
            let x = Tensor::new(&[0f32], &Device::Cpu).unwrap();
            for _ in 0..2 {
                let loss = network.forward_t(&x, Mode::Eval).unwrap().sum_all().unwrap();
                let sgd = Sgd { lr: 0.5, momentum: 0.5, weight_decay: 0.0 };
                optimiser.step(&loss.backward().unwrap(), &sgd).unwrap();
            }
            let value = |index: usize| network.parameters[index].1.to_vec1::<f32>().unwrap()[0];
            assert_eq!([value(0), value(1)], [-1.25 * share as f32, -1.25], "share {share}");
        }
    }

    #[test]
    fn a_network_that_names_no_classifier_or_an_unknown_one_is_refused() {
        for (classifier, expected) in [(&[][..], "doesn't say"), (&["fc"][..], "no parameter fc")] {
            let network = sum(classifier);
            let refused = Optimiser::new(&network).unwrap().with_backbone_share(&network, 0.5).err().unwrap();
            assert!(matches!(&refused, Error::Setting { name: "backbone_lr", .. }), "{refused}");
            assert!(refused.to_string().contains(expected), "{refused}");
        }
    }
}
