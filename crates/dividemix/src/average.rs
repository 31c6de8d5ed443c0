//! A network's weights, averaged over its steps.

use std::cell::Cell;

use candle_core::Var;
use effnet_ops::{EmaParam, ema_step};

use crate::{Network, Result};

/// The exponential moving average of a network's parameters and running statistics: where steps scatter about a minimum, it lies
/// nearer to it than the last of them. It begins as the network's first weights.
pub(crate) struct Average {
    momentum: f64,
    /// Steps that it followed.
    steps: Cell<usize>,
    /// The network's own, by name.
    of: Vec<(String, Var)>,
    averages: Vec<Var>,
}

impl Average {
    /// Of a network that has taken no step. The most that is kept of the average in a step is `momentum`, from 0 to below 1.
    pub(crate) fn new(network: &dyn Network, momentum: f64) -> Result<Self> {
        let of = weights(network);
        let averages =
            of.iter().map(|(_, var)| Var::from_tensor(&var.copy()?)).collect::<candle_core::Result<_>>()?;
        Ok(Self { momentum, steps: Cell::new(0), of, averages })
    }

    /// Follows the network by a step. In step t, counted from 0, `min(momentum, (1 + t) / (10 + t))` is kept, as TensorFlow's
    /// `ExponentialMovingAverage` does: first weights are soon forgotten.
    pub(crate) fn follow(&self) -> Result<()> {
        let t = self.steps.get();
        let kept = self.momentum.min((1 + t) as f64 / (10 + t) as f64);
        follow(&self.averages, self.of.iter().map(|(_, value)| value), kept)?;
        self.steps.set(t + 1);
        Ok(())
    }

    /// Puts the averages in the place of the network's own weights, and those in theirs; a second time, back again.
    pub(crate) fn exchange(&self) -> Result<()> {
        for ((_, own), average) in self.of.iter().zip(&self.averages) {
            let value = own.as_tensor().copy()?;
            own.set(average)?;
            average.set(&value)?;
        }
        Ok(())
    }

    /// Steps that it followed.
    pub(crate) fn steps(&self) -> usize {
        self.steps.get()
    }

    /// Goes on from a checkpoint.
    pub(crate) fn set_steps(&self, steps: usize) {
        self.steps.set(steps);
    }

    /// The averages by the names of what they are of.
    pub(crate) fn averages(&self) -> impl Iterator<Item = (&str, &Var)> {
        self.of.iter().zip(&self.averages).map(|((name, _), average)| (name.as_str(), average))
    }
}

/// All that makes a network what it is: parameters and running statistics.
pub(crate) fn weights(network: &dyn Network) -> Vec<(String, Var)> {
    [network.parameters(), network.buffers()].concat()
}

/// `average <- momentum average + (1 - momentum) value`, of all in one go.
pub(crate) fn follow<'a>(
    averages: impl IntoIterator<Item = &'a Var>,
    values: impl IntoIterator<Item = &'a Var>,
    momentum: f64,
) -> Result<()> {
    let pairs = averages.into_iter().zip(values);
    let list: Vec<EmaParam<'_>> = pairs.map(|(average, value)| EmaParam { average, value }).collect();
    Ok(ema_step(&list, momentum)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Tensor};
    use effnet_model::Mode;

    /// A parameter and a running statistic.
    struct Moving(Var, Var);

    impl Network for Moving {
        fn forward_t(&self, batch: &Tensor, _: Mode) -> candle_core::Result<Tensor> {
            Ok(batch.clone())
        }

        fn parameters(&self) -> Vec<(String, Var)> {
            vec![("weight".to_owned(), self.0.clone())]
        }

        fn buffers(&self) -> Vec<(String, Var)> {
            vec![("running_mean".to_owned(), self.1.clone())]
        }
    }

    #[test]
    fn the_average_of_some_steps_is_its_formula_s() {
        let var = |value: f32| Var::new(&[value], &Device::Cpu).unwrap();
        let network = Moving(var(3.0), var(-1.0));
        let average = Average::new(&network, 0.4).unwrap();
        let mut slow = [3.0, -1.0];
        for t in 0..20 {
            for (place, var) in [&network.0, &network.1].into_iter().enumerate() {
                let value = (t * 7 % 5) as f32 - place as f32;
                var.set(&Tensor::new(&[value], &Device::Cpu).unwrap()).unwrap();
                // A warm start: a tenth, 2 / 11, 3 / 12, 4 / 13, 5 / 14, and from then on 0.4.
                let kept = f64::min(0.4, f64::from(1 + t) / f64::from(10 + t));
                slow[place] = kept * slow[place] + (1.0 - kept) * f64::from(value);
            }
            average.follow().unwrap();
            for ((name, average), slow) in average.averages().zip(slow) {
                let average = f64::from(average.to_vec1::<f32>().unwrap()[0]);
                assert!((average - slow).abs() < 1e-6, "{name} after step {t}: {average}, {slow}");
            }
        }
        let values = || [&network.0, &network.1].map(|var| var.to_vec1::<f32>().unwrap()[0]);
        let raw = values();
        average.exchange().unwrap();
        assert!(values().iter().zip(slow).all(|(value, slow)| (f64::from(*value) - slow).abs() < 1e-6));
        average.exchange().unwrap();
        assert_eq!(values(), raw);
    }
}
