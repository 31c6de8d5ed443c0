//! Exponential moving averages of a network's weights.

use std::cell::Cell;

use candle_core::Var;

use crate::network::variables;
use crate::updates::{EmaParam, ema_step};
use crate::{Network, Result};

/// The exponential moving average of a network's parameters and running statistics: where steps scatter about a minimum, the
/// average lies nearer to it than the last step. It begins as the network's first weights.
pub(crate) struct Ema {
    momentum: f64,
    /// Number of updates so far.
    updates: Cell<usize>,
    /// The network's own variables by name.
    own: Vec<(String, Var)>,
    averages: Vec<Var>,
}

impl Ema {
    /// The average of a network that has taken no step. `momentum` (from 0 to below 1) is the largest share of the average that is
    /// kept in an update.
    pub(crate) fn new(network: &dyn Network, momentum: f64) -> Result<Self> {
        let own = variables(network);
        let averages =
            own.iter().map(|(_, var)| Var::from_tensor(&var.copy()?)).collect::<candle_core::Result<_>>()?;
        Ok(Self { momentum, updates: Cell::new(0), own, averages })
    }

    /// Moves the average towards the network's present weights. Update t, counted from 0, keeps `min(momentum, (1 + t) / (10 + t))`
    /// of the average, as TensorFlow's `ExponentialMovingAverage` does: first weights are soon forgotten.
    pub(crate) fn update(&self, fused: bool) -> Result<()> {
        let t = self.updates.get();
        let kept = self.momentum.min((1 + t) as f64 / (10 + t) as f64);
        update(&self.averages, self.own.iter().map(|(_, value)| value), kept, fused)?;
        self.updates.set(t + 1);
        Ok(())
    }

    /// Exchanges the network's weights and their averages. A second call exchanges them back.
    ///
    /// # Errors
    /// candle's, where a variable can't be copied or set; then all variables are as they were.
    fn swap(&self) -> Result<()> {
        let pairs = || self.own.iter().map(|(_, own)| own).zip(&self.averages);
        for (place, (own, average)) in pairs().enumerate() {
            if let Err(error) = exchange(own, average) {
                for (own, average) in pairs().take(place) {
                    // The first error is on its way to the caller already.
                    let _ = exchange(own, average);
                }
                return Err(error);
            }
        }
        Ok(())
    }

    /// Number of updates so far.
    pub(crate) fn updates(&self) -> usize {
        self.updates.get()
    }

    /// Sets the number of updates, to go on from a checkpoint.
    pub(crate) fn set_updates(&self, updates: usize) {
        self.updates.set(updates);
    }

    /// The averages by the names of their variables.
    pub(crate) fn averages(&self) -> impl Iterator<Item = (&str, &Var)> {
        self.own.iter().zip(&self.averages).map(|((name, _), average)| (name.as_str(), average))
    }
}

/// Exchanges the values of two variables: both, or neither.
fn exchange(own: &Var, average: &Var) -> Result<()> {
    let [value, mean] = [own.as_tensor().copy()?, average.as_tensor().copy()?];
    own.set(&mean)?;
    if let Err(error) = average.set(&value) {
        own.set(&value)?;
        return Err(error.into());
    }
    Ok(())
}

/// Networks that hold their averages instead of their own weights, until this guard is dropped: also where an error ends the
/// evaluation in between, each network gets its own weights back.
#[must_use = "the networks get their own weights back when the guard is dropped"]
pub(crate) struct AveragedWeights<'a> {
    swapped: Vec<&'a Ema>,
}

impl<'a> AveragedWeights<'a> {
    /// Puts these averages in their networks' place.
    pub(crate) fn swap(averages: impl Iterator<Item = &'a Ema>) -> Result<Self> {
        let mut guard = Self { swapped: Vec::new() };
        for ema in averages {
            ema.swap()?;
            guard.swapped.push(ema);
        }
        Ok(guard)
    }

    /// Gives the networks their own weights back.
    ///
    /// # Errors
    /// What `Drop` could not report.
    pub(crate) fn swap_back(mut self) -> Result<()> {
        std::mem::take(&mut self.swapped).into_iter().try_for_each(Ema::swap)
    }

    /// Leaves the averages in the networks.
    pub(crate) fn keep(mut self) {
        self.swapped.clear();
    }
}

impl Drop for AveragedWeights<'_> {
    fn drop(&mut self) {
        for ema in self.swapped.drain(..) {
            // Another error is on its way to the caller already.
            let _ = ema.swap();
        }
    }
}

/// Moves a mean teacher towards its student: `momentum` of the teacher is kept. Running statistics move as parameters do.
pub(crate) fn update_teacher(
    teacher: &dyn Network,
    student: &dyn Network,
    momentum: f64,
    fused: bool,
) -> Result<()> {
    let [teacher, student] = [teacher, student].map(variables);
    update(teacher.iter().map(|(_, var)| var), student.iter().map(|(_, var)| var), momentum, fused)
}

/// `average <- momentum average + (1 - momentum) value` for all pairs.
fn update<'a>(
    averages: impl IntoIterator<Item = &'a Var>,
    values: impl IntoIterator<Item = &'a Var>,
    momentum: f64,
    fused: bool,
) -> Result<()> {
    let pairs = averages.into_iter().zip(values);
    let list: Vec<EmaParam<'_>> = pairs.map(|(average, value)| EmaParam { average, value }).collect();
    ema_step(&list, momentum, fused)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Mode;
    use candle_core::{Device, Tensor};

    /// A network of a parameter and a running statistic.
    struct Moving(Var, Var);

    impl Moving {
        fn new(parameter: f32, statistic: f32) -> Self {
            let var = |value: f32| Var::new(&[value], &Device::Cpu).unwrap();
            Self(var(parameter), var(statistic))
        }

        fn values(&self) -> [f32; 2] {
            [&self.0, &self.1].map(|var| var.to_vec1::<f32>().unwrap()[0])
        }
    }

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
        for fused in [true, false] {
            let network = Moving::new(3.0, -1.0);
            let average = Ema::new(&network, 0.4).unwrap();
            let mut slow = [3.0, -1.0];
            for t in 0..20 {
                for (place, var) in [&network.0, &network.1].into_iter().enumerate() {
                    let value = (t * 7 % 5) as f32 - place as f32;
                    var.set(&Tensor::new(&[value], &Device::Cpu).unwrap()).unwrap();
                    // A warm start: a tenth, 2 / 11, 3 / 12, 4 / 13, 5 / 14, and from then on 0.4.
                    let kept = f64::min(0.4, f64::from(1 + t) / f64::from(10 + t));
                    slow[place] = kept * slow[place] + (1.0 - kept) * f64::from(value);
                }
                average.update(fused).unwrap();
                for ((name, average), slow) in average.averages().zip(slow) {
                    let average = f64::from(average.to_vec1::<f32>().unwrap()[0]);
                    assert!((average - slow).abs() < 1e-6, "{name} after step {t}: {average}, {slow}");
                }
            }
            let own = network.values();
            let swapped = AveragedWeights::swap([&average].into_iter()).unwrap();
            assert!(
                network
                    .values()
                    .iter()
                    .zip(slow)
                    .all(|(value, slow)| (f64::from(*value) - slow).abs() < 1e-6)
            );
            swapped.swap_back().unwrap();
            assert_eq!(network.values(), own);
        }
    }

    #[test]
    fn an_exchange_that_fails_halfway_leaves_every_weight_in_its_place() {
        let network = Moving::new(3.0, -1.0);
        let mut average = Ema::new(&network, 0.9).unwrap();
        network.0.set(&Tensor::new(&[5f32], &Device::Cpu).unwrap()).unwrap();
        average.averages[1] = Var::new(&[0f32, 0.0], &Device::Cpu).unwrap();
        assert!(AveragedWeights::swap([&average].into_iter()).is_err());
        assert_eq!(network.values(), [5.0, -1.0]);
        assert_eq!(average.averages[0].to_vec1::<f32>().unwrap(), [3.0]);
        assert_eq!(average.averages[1].to_vec1::<f32>().unwrap(), [0.0, 0.0]);
    }

    #[test]
    fn a_guard_that_is_dropped_gives_the_weights_back_and_one_that_is_kept_does_not() {
        let network = Moving::new(3.0, -1.0);
        let average = Ema::new(&network, 0.9).unwrap();
        network.0.set(&Tensor::new(&[5f32], &Device::Cpu).unwrap()).unwrap();
        drop(AveragedWeights::swap([&average].into_iter()).unwrap());
        assert_eq!(network.values(), [5.0, -1.0]);
        AveragedWeights::swap([&average].into_iter()).unwrap().keep();
        assert_eq!(network.values(), [3.0, -1.0]);
    }
}
