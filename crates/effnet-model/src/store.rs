//! The parameters of one network, by name.
//!
//! A parameter's first value depends on the seed and its name alone, so that it doesn't matter in which order, or with
//! which other parts, a network is built.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use candle_core::{DType, Device, Result as CandleResult, Shape, Tensor, Var, bail};
use candle_nn::VarBuilder;
use candle_nn::init::{Init, NormalOrUniform};
use candle_nn::var_builder::SimpleBackend;
use rand::{Rng, SeedableRng};
use rand_distr::StandardNormal;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::error::{Error, Mismatch, Misshapen, Result};
use crate::mode::splitmix64;

/// Owner of a network's variables. Clones share them.
///
/// Trainable parameters and running statistics (names that end in `running_mean` or `running_var`) are both variables,
/// but only the first belong to an optimiser.
#[derive(Debug, Clone)]
pub struct ParameterStore {
    variables: Arc<Mutex<BTreeMap<String, Var>>>,
    /// Beginnings of the names that are frozen.
    frozen: Arc<Mutex<BTreeSet<String>>>,
    seed: u64,
    device: Device,
}

fn is_buffer(name: &str) -> bool {
    name.ends_with("running_mean") || name.ends_with("running_var")
}

impl ParameterStore {
    /// An empty store; building a network on its [`ParameterStore::var_builder`] fills it.
    pub fn new(seed: u64, device: &Device) -> Self {
        Self { variables: Arc::default(), frozen: Arc::default(), seed, device: device.clone() }
    }

    /// The builder to make a network with. What it is asked for and lacks, it makes.
    pub fn var_builder(&self) -> VarBuilder<'static> {
        VarBuilder::from_backend(Box::new(self.clone()), DType::F32, self.device.clone())
    }

    /// The parameters that an optimiser may change, sorted by name: those that are not frozen.
    pub fn trainable(&self) -> Vec<(String, Var)> {
        let frozen = self.frozen();
        self.select(|name| !is_buffer(name) && !frozen.iter().any(|prefix| name.starts_with(prefix)))
    }

    /// Takes the parameters whose names begin so out of [`ParameterStore::trainable`]: `"blocks.0."`, or `""` for all.
    ///
    /// Batch norm goes by its mode, not by this: a frozen backbone whose running statistics are to stay too is run in
    /// [`crate::Mode::Eval`], and only the classifier in training mode.
    pub fn freeze(&self, prefix: &str) {
        self.frozen().insert(prefix.to_string());
    }

    /// Takes back what was frozen under this beginning or under a longer one.
    pub fn unfreeze(&self, prefix: &str) {
        let mut frozen = self.frozen();
        frozen.retain(|other| !other.starts_with(prefix));
    }

    /// The running statistics of batch norm, sorted by name.
    pub fn buffers(&self) -> Vec<(String, Var)> {
        self.select(is_buffer)
    }

    /// Copies of all values, by name, as they are now.
    ///
    /// # Errors
    /// The device's, if it has no memory left.
    pub fn tensors(&self) -> Result<BTreeMap<String, Tensor>> {
        let copy = |(name, var): (String, Var)| Ok((name, var.as_detached_tensor().copy()?));
        self.select(|_| true).into_iter().map(copy).collect()
    }

    /// Takes over the values of `tensors`, which must have exactly the store's names and shapes; else nothing
    /// changes.
    ///
    /// # Errors
    /// [`Error::Mismatch`] with every name that is missing, not the network's, or of another shape.
    pub fn load(&self, tensors: &HashMap<String, Tensor>) -> Result<()> {
        let mismatch = self.compare(tensors);
        if mismatch.len() > 0 {
            return Err(Error::Mismatch(mismatch));
        }
        for (name, tensor) in tensors {
            self.set(name, tensor)?;
        }
        Ok(())
    }

    /// How `tensors` differ from what the store holds.
    fn compare(&self, tensors: &HashMap<String, Tensor>) -> Mismatch {
        let variables = self.lock();
        let mut mismatch = Mismatch::default();
        for (name, var) in variables.iter() {
            match tensors.get(name) {
                None => mismatch.missing.push(name.clone()),
                Some(tensor) if tensor.dims() != var.dims() => mismatch.misshapen.push(Misshapen {
                    name: name.clone(),
                    expected: var.dims().to_vec(),
                    found: tensor.dims().to_vec(),
                }),
                Some(_) => {}
            }
        }
        let unexpected: BTreeSet<&String> = tensors.keys().filter(|n| !variables.contains_key(*n)).collect();
        mismatch.unexpected = unexpected.into_iter().cloned().collect();
        mismatch
    }

    /// Sets the value of a name which the store has.
    fn set(&self, name: &str, tensor: &Tensor) -> Result<()> {
        let tensor = tensor.to_dtype(DType::F32)?.to_device(&self.device)?;
        match self.lock().get(name) {
            Some(var) => Ok(var.set(&tensor)?),
            None => {
                let unexpected = vec![name.to_string()];
                Err(Error::Mismatch(Mismatch { unexpected, ..Mismatch::default() }))
            }
        }
    }

    /// Adds a parameter that the store doesn't have.
    pub(crate) fn insert(&self, name: &str, values: Vec<f32>, shape: Shape) -> CandleResult<Tensor> {
        let var = Var::from_vec(values, shape, &self.device)?;
        let tensor = var.as_tensor().clone();
        self.lock().insert(name.to_string(), var);
        Ok(tensor)
    }

    fn select(&self, wanted: impl Fn(&str) -> bool) -> Vec<(String, Var)> {
        let variables = self.lock();
        let chosen = variables.iter().filter(|(name, _)| wanted(name));
        chosen.map(|(name, var)| (name.clone(), var.clone())).collect()
    }

    fn frozen(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.frozen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A panic elsewhere leaves the map whole: entries are only ever added, in one step.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Var>> {
        self.variables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn initial(&self, shape: &Shape, name: &str, init: Init) -> Vec<f32> {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(splitmix64(self.seed) ^ fnv1a64(name));
        let n = shape.elem_count();
        let mut normal = |mean: f64, stdev: f64| -> Vec<f32> {
            (0..n).map(|_| (mean + stdev * rng.sample::<f64, _>(StandardNormal)) as f32).collect()
        };
        match init {
            Init::Const(value) => vec![value as f32; n],
            Init::Randn { mean, stdev } => normal(mean, stdev),
            Init::Uniform { lo, up } => {
                (0..n).map(|_| (lo + (up - lo) * rng.random::<f64>()) as f32).collect()
            }
            Init::Kaiming { dist, fan, non_linearity } => {
                let stdev = non_linearity.gain() / (fan.for_shape(shape).max(1) as f64).sqrt();
                match dist {
                    NormalOrUniform::Normal => normal(0.0, stdev),
                    NormalOrUniform::Uniform => {
                        let bound = 3f64.sqrt() * stdev;
                        (0..n).map(|_| (bound * (2.0 * rng.random::<f64>() - 1.0)) as f32).collect()
                    }
                }
            }
        }
    }
}

impl SimpleBackend for ParameterStore {
    fn get(&self, shape: Shape, name: &str, init: Init, dtype: DType, _: &Device) -> CandleResult<Tensor> {
        if dtype != DType::F32 {
            bail!("{name}: parameters are f32, {dtype:?} was asked for")
        }
        let variables = self.lock();
        if let Some(var) = variables.get(name) {
            if var.shape() != &shape {
                bail!("{name} is in the store as {:?}, {shape:?} was asked for", var.shape())
            }
            return Ok(var.as_tensor().clone());
        }
        drop(variables);
        self.insert(name, self.initial(&shape, name, init), shape)
    }

    fn get_unchecked(&self, name: &str, _: DType, _: &Device) -> CandleResult<Tensor> {
        match self.lock().get(name) {
            Some(var) => Ok(var.as_tensor().clone()),
            None => bail!("{name} is not in the store, and without a shape it can't be made"),
        }
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.lock().contains_key(name)
    }
}

/// Fowler, Noll & Vo's hash, 64 bits, variant 1a: stable across platforms and versions, as std's hasher is not.
fn fnv1a64(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01B3))
}
