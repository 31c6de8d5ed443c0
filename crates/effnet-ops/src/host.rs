//! Between candle's tensors and slices of f32 in main memory.

use candle_core::{CpuStorage, Device, Layout, Result, Shape, Storage, Tensor};

use crate::Error;

/// The values of a contiguous f32 storage, as a custom op's `cpu_fwd` gets them.
pub(crate) fn floats<'a>(op: &'static str, storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let refuse = |got: String| Err(Error::Storage { op, got }.into());
    let CpuStorage::F32(values) = storage else {
        return refuse(format!("{:?}", candle_core::backend::BackendStorage::dtype(storage)));
    };
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&values[start..end]),
        None => refuse(format!("strides {:?} of shape {:?}", layout.stride(), layout.dims())),
    }
}

/// Calls `f` with the values of the tensors, each made contiguous first if it is not.
pub(crate) fn read<const N: usize, T>(
    op: &'static str,
    tensors: [&Tensor; N],
    f: impl FnOnce([&[f32]; N]) -> Result<T>,
) -> Result<T> {
    read_all(op, &tensors, |values| f(std::array::from_fn(|i| values[i])))
}

/// As [`read`], for a number of tensors that is known only when the program runs.
pub(crate) fn read_all<T>(
    op: &'static str,
    tensors: &[&Tensor],
    f: impl FnOnce(&[&[f32]]) -> Result<T>,
) -> Result<T> {
    let tensors = tensors.iter().map(|tensor| tensor.contiguous()).collect::<Result<Vec<_>>>()?;
    let guards: Vec<_> = tensors.iter().map(Tensor::storage_and_layout).collect();
    let mut values: Vec<&[f32]> = Vec::with_capacity(guards.len());
    for (storage, layout) in &guards {
        values.push(match &**storage {
            Storage::Cpu(storage) => floats(op, storage, layout)?,
            other => return Err(Error::Storage { op, got: format!("{:?}", other.device()) }.into()),
        });
    }
    f(&values)
}

/// A tensor in main memory that takes `values` over.
pub(crate) fn tensor(values: Vec<f32>, shape: impl Into<Shape>) -> Result<Tensor> {
    Tensor::from_vec(values, shape.into(), &Device::Cpu)
}
