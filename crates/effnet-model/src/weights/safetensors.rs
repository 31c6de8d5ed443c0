//! safetensors; its crate checks every length before anything is read.

use std::collections::HashMap;

use candle_core::{DType, Tensor};
use safetensors::{Dtype, SafeTensors};

use super::elements::{self, Budget, View};
use super::{Malformed, Parsed};

pub(super) fn read(bytes: &[u8]) -> Parsed<HashMap<String, Tensor>> {
    let file = SafeTensors::deserialize(bytes).map_err(|e| {
        Malformed::new(format!("neither safetensors ({e}) nor a .pth file of torch (it starts otherwise)"))
    })?;
    let mut budget = Budget::of_file(bytes);
    let mut out = HashMap::new();
    for (name, tensor) in file.iter() {
        let dtype = match tensor.dtype() {
            Dtype::F32 => DType::F32,
            Dtype::F64 => DType::F64,
            Dtype::F16 => DType::F16,
            Dtype::BF16 => DType::BF16,
            Dtype::BOOL
            | Dtype::U8
            | Dtype::I8
            | Dtype::U16
            | Dtype::I16
            | Dtype::U32
            | Dtype::I32
            | Dtype::U64
            | Dtype::I64 => continue,
            other => {
                return Err(Malformed::new(format!(
                    "tensor {name:?} is of type {other:?}; f16, bf16, f32 and f64 are read"
                )));
            }
        };
        let shape = tensor.shape().to_vec();
        let view = View { offset: 0, strides: row_major(&shape), shape };
        let read = elements::tensor(dtype, tensor.data(), &view, &mut budget);
        let read = read.map_err(|Malformed(why)| Malformed::new(format!("tensor {name:?}: {why}")))?;
        out.insert(name.to_string(), read);
    }
    Ok(out)
}

fn row_major(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1usize; shape.len()];
    for i in (1..shape.len()).rev() {
        // A product that overflows belongs to a tensor without elements; its strides are never used.
        strides[i - 1] = strides[i].saturating_mul(shape[i]);
    }
    strides
}
