//! safetensors; its crate checks every length before anything is read.

use safetensors::{Dtype, SafeTensors};

use super::elements::{Float, View};
use super::index::{Index, Run};
use super::parsed::{Malformed, Parsed};

/// Bytes of the header's length, with which a file begins.
const LENGTH: usize = 8;

pub(super) fn index(bytes: &[u8]) -> Parsed<Index> {
    let (header, parsed) = SafeTensors::read_metadata(bytes).map_err(|e| {
        Malformed::new(format!("neither safetensors ({e}) nor a .pth file of torch (it starts otherwise)"))
    })?;
    let mut index = Index::new(bytes.len());
    index.metadata = parsed.metadata().clone().unwrap_or_default();
    for (name, tensor) in parsed.tensors() {
        let float = match tensor.dtype {
            Dtype::F32 => Float::F32,
            Dtype::F64 => Float::F64,
            Dtype::F16 => Float::F16,
            Dtype::BF16 => Float::Bf16,
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
        let (start, end) = tensor.data_offsets;
        index.runs.push(Run::new(LENGTH + header + start..LENGTH + header + end, None));
        let shape = tensor.shape.clone();
        let view = View { offset: 0, strides: row_major(&shape), shape };
        index.add(&name, index.runs.len() - 1, float, view)?;
    }
    Ok(index)
}

fn row_major(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1usize; shape.len()];
    for i in (1..shape.len()).rev() {
        // A product that overflows belongs to a tensor without elements; its strides are never used.
        strides[i - 1] = strides[i].saturating_mul(shape[i]);
    }
    strides
}
