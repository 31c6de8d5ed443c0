//! The test's network: linear, batch norm, tanh, linear. In training mode it records its logits and the
//! gradients of its logits and parameters.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CudaStorage, CustomOp1, Device, Layout, Result, Shape, Tensor, Var};

use super::{CLASSES, FEATURES, Named, u};
use crate::{Mode, Network};

const HIDDEN: usize = 4;
const EPS: f64 = 1e-5;
const MOMENTUM: f64 = 0.1;
const PARAMETERS: [&str; 5] = ["hidden.weight", "norm.weight", "norm.bias", "output.weight", "output.bias"];

/// The outputs of a step's forward and backward pass.
#[derive(Default)]
pub(super) struct Recorded {
    pub(super) logits: Vec<f32>,
    pub(super) logit_gradient: Vec<f32>,
    pub(super) gradients: Named<f32>,
}

/// A clone shares its weights and its records with the original.
#[derive(Clone)]
pub(super) struct Mlp {
    vars: BTreeMap<&'static str, Var>,
    recorded: Arc<Mutex<Recorded>>,
}

impl Mlp {
    /// Network `number`, with the first weights that xtask/golden/tensors.py gives it.
    pub(super) fn new(number: usize, device: &Device) -> Self {
        let var = |key: &'static str, shape: &[usize]| {
            let value = |u: f64| match key {
                "hidden.weight" | "output.weight" => (3.0 / shape[1] as f64).sqrt() * u,
                "norm.running_var" => 1.0 + 0.2 * u.abs(),
                "norm.weight" => 1.0 + 0.1 * u,
                _ => 0.1 * u,
            };
            let drawn = u(&format!("network{number}.{key}"), shape.iter().product());
            let values: Vec<f32> = drawn.into_iter().map(|u| value(u) as f32).collect();
            (key, Var::from_vec(values, shape, device).unwrap())
        };
        let vars = [
            var("hidden.weight", &[HIDDEN, FEATURES]),
            var("norm.weight", &[HIDDEN]),
            var("norm.bias", &[HIDDEN]),
            var("norm.running_mean", &[HIDDEN]),
            var("norm.running_var", &[HIDDEN]),
            var("output.weight", &[CLASSES, HIDDEN]),
            var("output.bias", &[CLASSES]),
        ];
        Self { vars: vars.into(), recorded: Arc::default() }
    }

    /// What was recorded since the last call.
    pub(super) fn take_recorded(&self) -> Recorded {
        std::mem::take(&mut self.recorded.lock().unwrap())
    }

    /// All weights and running statistics, as they are now.
    pub(super) fn values(&self) -> Named<f32> {
        let values = |(key, var): (&&str, &Var)| ((*key).to_owned(), values(var).unwrap());
        self.vars.iter().map(values).collect()
    }

    fn tapped(&self, key: &'static str, tensor: &Tensor) -> Result<Tensor> {
        tensor.apply_op1(Tap { key, recorded: Arc::clone(&self.recorded) })
    }

    /// `x`, normalised by the batch's mean and variance. These move the running statistics.
    fn batch_norm(&self, x: &Tensor) -> Result<Tensor> {
        let centred = x.broadcast_sub(&x.mean_keepdim(0)?)?;
        let variance = centred.sqr()?.mean_keepdim(0)?;
        let rows = x.dim(0)? as f64;
        let moves = [
            ("norm.running_mean", x.mean(0)?.detach()),
            // PyTorch normalises by the biased variance and keeps the unbiased one.
            ("norm.running_var", (variance.squeeze(0)?.detach() * (rows / (rows - 1.0)))?),
        ];
        for (key, now) in moves {
            let running = &self.vars[key];
            running.set(&((running.as_detached_tensor() * (1.0 - MOMENTUM))? + (now * MOMENTUM)?)?)?;
        }
        centred.broadcast_div(&(variance + EPS)?.sqrt()?)
    }

    /// `x`, normalised by the running statistics.
    fn running_norm(&self, x: &Tensor) -> Result<Tensor> {
        let [mean, variance] =
            ["norm.running_mean", "norm.running_var"].map(|key| self.vars[key].as_detached_tensor());
        x.broadcast_sub(&mean)?.broadcast_div(&(variance + EPS)?.sqrt()?)
    }
}

impl Network for Mlp {
    fn forward_t(&self, batch: &Tensor, mode: Mode) -> Result<Tensor> {
        let trained = matches!(mode, Mode::Train { .. });
        let parameter = |key: &'static str| match trained {
            true => self.tapped(key, &self.vars[key]),
            false => Ok(self.vars[key].as_detached_tensor()),
        };
        let hidden = batch.matmul(&parameter("hidden.weight")?.t()?)?;
        let normal = if mode == Mode::Eval { self.running_norm(&hidden)? } else { self.batch_norm(&hidden)? };
        let scaled = normal.broadcast_mul(&parameter("norm.weight")?)?;
        let activated = scaled.broadcast_add(&parameter("norm.bias")?)?.tanh()?;
        let logits = activated.matmul(&parameter("output.weight")?.t()?)?;
        let logits = logits.broadcast_add(&parameter("output.bias")?)?;
        if !trained {
            return Ok(logits);
        }
        self.recorded.lock().unwrap().logits = values(&logits)?;
        self.tapped(LOGITS, &logits)
    }

    fn parameters(&self) -> Vec<(String, Var)> {
        PARAMETERS.map(|key| (key.to_owned(), self.vars[key].clone())).to_vec()
    }

    fn buffers(&self) -> Vec<(String, Var)> {
        ["norm.running_mean", "norm.running_var"].map(|key| (key.to_owned(), self.vars[key].clone())).to_vec()
    }
}

const LOGITS: &str = "logits";

/// The identity; its backward pass records the gradient under `key`.
struct Tap {
    key: &'static str,
    recorded: Arc<Mutex<Recorded>>,
}

impl CustomOp1 for Tap {
    fn name(&self) -> &'static str {
        "tap"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (start, end) = layout.contiguous_offsets().expect("what is tapped lies in one piece");
        let values = storage.as_slice::<f32>()?[start..end].to_vec();
        Ok((CpuStorage::F32(values), layout.shape().clone()))
    }

    fn cuda_fwd(&self, storage: &CudaStorage, layout: &Layout) -> Result<(CudaStorage, Shape)> {
        Ok((storage.try_clone(layout)?, layout.shape().clone()))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let mut recorded = self.recorded.lock().unwrap();
        let seen = values(gradient)?;
        if self.key == LOGITS {
            recorded.logit_gradient = seen;
        } else {
            recorded.gradients.insert(self.key.to_owned(), seen);
        }
        Ok(Some(gradient.clone()))
    }
}

fn values(tensor: &Tensor) -> Result<Vec<f32>> {
    tensor.flatten_all()?.to_vec1()
}
