//! Names and shapes of a network's tensors, without the memory for their numbers.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use candle_core::{DType, Device, Result as CandleResult, Shape, Tensor, bail};
use candle_nn::VarBuilder;
use candle_nn::init::Init;
use candle_nn::var_builder::SimpleBackend;

use crate::arch::Arch;
use crate::error::Result;
use crate::network::EfficientNet;

/// The shape of each tensor of the network, parameters and running statistics, by timm's name; the classifier's are those of one
/// class. The network's own constructor is asked, with a source that notes what it asks for.
pub(crate) fn shapes(arch: &Arch) -> Result<BTreeMap<String, Vec<usize>>> {
    let asked = Mutex::default();
    let builder = VarBuilder::from_backend(Box::new(Notes(&asked)), DType::F32, Device::Cpu);
    EfficientNet::new(arch, 1, builder)?;
    Ok(asked.into_inner().unwrap_or_else(PoisonError::into_inner))
}

struct Notes<'a>(&'a Mutex<BTreeMap<String, Vec<usize>>>);

impl SimpleBackend for Notes<'_> {
    fn get(&self, shape: Shape, name: &str, _: Init, dtype: DType, device: &Device) -> CandleResult<Tensor> {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        asked.insert(name.to_owned(), shape.dims().to_vec());
        Tensor::zeros((), dtype, device)?.broadcast_as(shape)
    }

    fn get_unchecked(&self, name: &str, _: DType, _: &Device) -> CandleResult<Tensor> {
        bail!("{name} is asked for without a shape")
    }

    fn contains_tensor(&self, _: &str) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ParameterStore;

    #[test]
    fn they_are_those_of_the_network_that_is_built() {
        for name in ["b0", "efficientnet_lite0"] {
            let arch = Arch::by_name(name).unwrap().with_scaling(0.5, 1.0);
            let store = ParameterStore::new(0, &Device::Cpu);
            EfficientNet::new(&arch, 1, store.var_builder()).unwrap();
            let tensors = store.tensors().unwrap();
            let built: BTreeMap<String, Vec<usize>> =
                tensors.into_iter().map(|(name, tensor)| (name, tensor.dims().to_vec())).collect();
            assert_eq!(shapes(&arch).unwrap(), built);
        }
    }
}
