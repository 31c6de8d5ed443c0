//! Networks that start from a file of weights.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use candle_core::{DType, Device, Result as CandleResult, Shape, Tensor, bail};
use candle_nn::VarBuilder;
use candle_nn::init::Init;
use candle_nn::var_builder::SimpleBackend;

use crate::arch::Arch;
use crate::classifier::is_classifier;
use crate::error::{Error, Mismatch, Misshapen, Result};
use crate::layouts::{self, Layout};
use crate::network::EfficientNet;
use crate::store::ParameterStore;
use crate::weights::WeightsFile;

/// The name of the stem's weight.
const STEM: &str = "conv_stem.weight";

/// What the names of running variances end with.
const VARIANCE: &str = "running_var";

/// A network with the weights of a file.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Pretrained {
    /// The network.
    pub network: EfficientNet,
    /// Its parameters.
    pub store: ParameterStore,
    /// The library whose names the file's tensors have.
    pub layout: Layout,
    /// Whether the file's classifier is of another size or kind, or there is none, so that the network's is new and
    /// untrained.
    pub classifier_made_new: bool,
}

/// A network on `device` from a file of weights, ours or another library's, whose flavour `arch` is ([`WeightsFile::flavour`]). The names are
/// mapped to ours; a stem for images of other channels is adapted as timm does it; a classifier of another size or kind is made new, by `seed`. A parameter is read when the network asks for
/// it: nothing is held but the network and one parameter more.
///
/// # Errors
/// As [`WeightsFile::values`]; [`Error::OtherNetwork`] if the tensors are those of a network that is not of the family;
/// [`Error::WeightsMismatch`] with every tensor that is missing, too many, or of another shape, and with the member that they are
/// of, if they are a published one's.
pub fn load_pretrained(
    file: &WeightsFile,
    arch: &Arch,
    classes: usize,
    seed: u64,
    device: &Device,
) -> Result<Pretrained> {
    let (network, store, mut mismatch) = filled(file, arch, classes, Some(seed), device)?;
    let before = mismatch.len();
    mismatch.retain(|name| !is_classifier(name));
    let classifier_made_new = mismatch.len() < before;
    let (network, store) = fitting(file, arch, network, store, mismatch)?;
    let layout = file.layout()?;
    tracing::debug!(path = %file.path().display(), ?layout, classifier_made_new, "weights loaded");
    Ok(Pretrained { network, store, layout, classifier_made_new })
}

/// A network whose every tensor, the classifier's too, is the file's.
pub(crate) fn load_whole(
    file: &WeightsFile,
    arch: &Arch,
    classes: usize,
    device: &Device,
) -> Result<(EfficientNet, ParameterStore)> {
    let (network, store, mismatch) = filled(file, arch, classes, None, device)?;
    fitting(file, arch, network, store, mismatch)
}

/// Whether the file has the network's tensors, apart from the classifier's.
///
/// # Errors
/// As [`load_pretrained`], if it hasn't.
pub(crate) fn check_fit(file: &WeightsFile, arch: &Arch) -> Result<()> {
    let mismatch = file.difference_from(arch)?;
    if mismatch.len() > 0 { Err(file.misfit(arch, mismatch)?) } else { Ok(()) }
}

/// Number of classes of the file's classifier, if it has one.
pub(crate) fn classes_of(file: &WeightsFile, arch: &Arch) -> Result<Option<usize>> {
    let names = layouts::names(file, &arch.plan()?)?;
    let last = ["classifier.bias", "classifier.3.bias"].iter().find_map(|name| names.get(*name));
    Ok(last.and_then(|name| file.shape(name)).map(|shape| shape.iter().product()))
}

/// The network, if nothing differs. Else it is dropped before others are made, which tell whose the weights are.
fn fitting(
    file: &WeightsFile,
    arch: &Arch,
    network: EfficientNet,
    store: ParameterStore,
    mismatch: Mismatch,
) -> Result<(EfficientNet, ParameterStore)> {
    if mismatch.len() == 0 {
        return Ok((network, store));
    }
    drop((network, store));
    Err(file.misfit(arch, mismatch)?)
}

/// The network, and how the file differs from it. A classifier that the file doesn't have is made new by `seed`; without one, a
/// network that differs in anything is no more than its shapes.
fn filled(
    file: &WeightsFile,
    arch: &Arch,
    classes: usize,
    seed: Option<u64>,
    device: &Device,
) -> Result<(EfficientNet, ParameterStore, Mismatch)> {
    let names = layouts::names(file, &arch.plan()?)?;
    let store = ParameterStore::new(seed.unwrap_or_default(), device);
    let found = Mutex::default();
    let makes_new = seed.is_some();
    let source = Source { file, names: &names, store: store.clone(), makes_new, found: &found };
    let builder = VarBuilder::from_backend(Box::new(source), DType::F32, device.clone());
    let network = EfficientNet::new(arch, classes, builder);
    let Found { mut mismatch, error } = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(error) = error {
        return Err(error);
    }
    let network = network?;
    let misshapen = |name: &str| mismatch.misshapen.iter().any(|other| other.name == name);
    let asked = |name: &str| store.contains_tensor(name) || misshapen(name);
    mismatch.unexpected = names.keys().filter(|name| !asked(name)).cloned().collect();
    mismatch.missing.sort();
    mismatch.misshapen.sort_by(|a, b| a.name.cmp(&b.name));
    Ok((network, store, mismatch))
}

/// Output channels, height and width of the stem's weight [output, input, height, width]; of another shape nothing that one has.
fn stem_without_input(shape: &Shape) -> [usize; 3] {
    match shape.dims() {
        &[output, _, height, width] => [output, height, width],
        _ => [0; 3],
    }
}

/// The weight of a convolution [output, from, area] for images of `to` channels: the sum over the channels for one, else the channels
/// again and again, scaled by from / to (`adapt_input_conv` of timm's `models/_manipulate.py`).
fn adapted(values: &[f32], [output, from, area]: [usize; 3], to: usize) -> Vec<f32> {
    let of = |out: usize, channel: usize, at: usize| values[(out * from + channel) * area + at];
    let one = |out: usize, channel: usize, at: usize| match to {
        1 => (0..from).map(|channel| of(out, channel, at)).sum(),
        _ => of(out, channel % from, at) * (from as f32 / to as f32),
    };
    let places = (0..output).flat_map(|out| (0..to).map(move |channel| (out, channel)));
    places.flat_map(|(out, channel)| (0..area).map(move |at| one(out, channel, at))).collect()
}

/// The errors of building a network from a file.
#[derive(Default)]
struct Found {
    mismatch: Mismatch,
    /// A tensor that fits and can't be read.
    error: Option<Error>,
}

/// The source of a network's parameters: the file. The network asks for each once, and it is put in the store.
struct Source<'a> {
    file: &'a WeightsFile,
    /// The file's name of each of ours.
    names: &'a BTreeMap<String, String>,
    store: ParameterStore,
    /// Whether a classifier that doesn't fit is made new.
    makes_new: bool,
    found: &'a Mutex<Found>,
}

impl Source<'_> {
    /// A parameter that the file has.
    fn read(&self, name: &str, stored: &str) -> Result<Vec<f32>> {
        let values = self.file.values(stored)?;
        match values.iter().position(|value| name.ends_with(VARIANCE) && *value < 0.0) {
            None => Ok(values),
            Some(at) => {
                let reason =
                    format!("tensor {stored:?}: element {at} is {}: no variance is below 0", values[at]);
                Err(self.file.malformed(reason))
            }
        }
    }
}

impl SimpleBackend for Source<'_> {
    fn get(
        &self,
        shape: Shape,
        name: &str,
        init: Init,
        dtype: DType,
        device: &Device,
    ) -> CandleResult<Tensor> {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let stored = self.names.get(name).and_then(|stored| Some((stored, self.file.shape(stored)?)));
        match stored {
            Some((stored, dims)) if dims == shape.dims() => {
                return match self.read(name, stored) {
                    Ok(values) => self.store.insert(name, values, shape),
                    Err(error) => {
                        found.error = Some(error);
                        bail!("{name} can't be read")
                    }
                };
            }
            Some((stored, &[output, from, height, width]))
                if self.makes_new
                    && name == STEM
                    && [output, height, width] == stem_without_input(&shape) =>
            {
                let to = shape.dims()[1];
                return match self.read(name, stored) {
                    Ok(values) => {
                        self.store.insert(name, adapted(&values, [output, from, height * width], to), shape)
                    }
                    Err(error) => {
                        found.error = Some(error);
                        bail!("{name} can't be read")
                    }
                };
            }
            Some((_, dims)) => found.mismatch.misshapen.push(Misshapen {
                name: name.to_owned(),
                expected: shape.dims().to_vec(),
                found: dims.to_vec(),
            }),
            None => found.mismatch.missing.push(name.to_owned()),
        }
        // A network that doesn't fit is refused in the end. It needs no first weights and no memory, of which a damaged card or
        // file could ask for any amount.
        match self.makes_new && is_classifier(name) {
            true => self.store.get(shape, name, init, dtype, device),
            false => Tensor::zeros((), dtype, device)?.broadcast_as(shape),
        }
    }

    fn get_unchecked(&self, name: &str, dtype: DType, device: &Device) -> CandleResult<Tensor> {
        self.store.get_unchecked(name, dtype, device)
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Weight [2, 3, 2, 2], and timm 1.0.31's `adapt_input_conv` of it.
    #[test]
    fn a_stem_is_adapted_as_timm_does_it() {
        let weight: Vec<f32> = (0..24u16)
            .map(|k| (f64::from(k * 37 % 101) - 50.0) / 64.0 + f64::from(k % 7) / 1000.0)
            .map(|w| w as f32)
            .collect();
        let of = |to| adapted(&weight, [2, 3, 4], to);
        let grey: [f32; 8] =
            [-0.135_625, 0.023_624_986, 0.182_875, -1.243, 0.169_249_98, 0.321_5, -1.104_375, 0.632_999_96];
        assert_eq!(of(1), grey);
        let of_four = of(4);
        assert_eq!(of_four[..4], [-0.585_937_5, -0.151_593_74, 0.282_75, -0.466_499_98]);
        assert_eq!(
            of_four[12..20],
            [
                -0.585_937_5,
                -0.151_593_74,
                0.282_75,
                -0.466_499_98,
                -0.113_437_5,
                0.320_906_25,
                -0.433_593_75,
                0.000_75,
            ]
        );
        assert_eq!(of_four.len(), 32);
        assert_eq!(of(3), weight);
    }
}
