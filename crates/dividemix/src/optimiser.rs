//! SGD over all parameters of one network.

use candle_core::Var;
use candle_core::backprop::GradStore;
use effnet_ops::{Moved, Sgd, sgd_step};

use crate::{Network, Result};

/// SGD with momentum and weight decay (on every parameter, as DivideMix's authors do), with its velocities.
pub(crate) struct Optimiser {
    parameters: Vec<(String, Var)>,
    velocities: Vec<Var>,
}

impl Optimiser {
    /// An optimiser at rest.
    pub(crate) fn new(network: &dyn Network) -> Result<Self> {
        let parameters = network.parameters();
        let velocities = parameters
            .iter()
            .map(|(_, p)| Var::zeros(p.shape(), p.dtype(), p.device()))
            .collect::<candle_core::Result<_>>()?;
        Ok(Self { parameters, velocities })
    }

    /// One step down the gradients of `loss`; a parameter that has none stays.
    pub(crate) fn step(&self, gradients: &GradStore, sgd: &Sgd) -> Result<()> {
        let moved = self.parameters.iter().zip(&self.velocities).filter_map(|((_, parameter), velocity)| {
            Some(Moved { parameter, velocity, gradient: gradients.get(parameter)? })
        });
        Ok(sgd_step(&moved.collect::<Vec<_>>(), sgd)?)
    }

    /// The velocities by their parameter's name.
    pub(crate) fn velocities(&self) -> impl Iterator<Item = (&str, &Var)> {
        self.parameters.iter().zip(&self.velocities).map(|((name, _), v)| (name.as_str(), v))
    }
}
