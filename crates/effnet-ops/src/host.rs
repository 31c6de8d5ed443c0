//! Between candle's tensors and slices of f32 in main memory.

use std::cell::Cell;

use candle_core::{CpuStorage, Device, InplaceOp1, Layout, Result, Shape, Storage, Tensor, Var};

use crate::Error;

/// The values of a contiguous f32 storage, as a custom op's `cpu_fwd` gets them.
pub(crate) fn floats<'a>(op: &'static str, storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok(&values[start..end]),
        (storage, _) => Err(refused(op, storage, layout)),
    }
}

fn floats_mut<'a>(op: &'static str, storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok(&mut values[start..end]),
        (storage, _) => Err(refused(op, storage, layout)),
    }
}

/// The error of [`floats`].
fn refused(op: &'static str, storage: &CpuStorage, layout: &Layout) -> candle_core::Error {
    let got = match storage {
        CpuStorage::F32(_) => format!("strides {:?} of shape {:?}", layout.stride(), layout.dims()),
        other => format!("{:?}", candle_core::backend::BackendStorage::dtype(other)),
    };
    Error::Storage { op, got }.into()
}

/// The values of a contiguous f32 tensor in main memory.
fn values<'a>(op: &'static str, storage: &'a Storage, layout: &Layout) -> Result<&'a [f32]> {
    match storage {
        Storage::Cpu(storage) => floats(op, storage, layout),
        other => Err(Error::Storage { op, got: format!("{:?}", other.device()) }.into()),
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
    let slices = guards.iter().map(|(storage, layout)| values(op, storage, layout));
    f(&slices.collect::<Result<Vec<_>>>()?)
}

/// As [`read`], of copies in main memory where tensors are on another device.
pub(crate) fn copied<const N: usize, T>(
    op: &'static str,
    tensors: [&Tensor; N],
    f: impl FnOnce([&[f32]; N]) -> Result<T>,
) -> Result<T> {
    let tensors = tensors.iter().map(|tensor| tensor.to_device(&Device::Cpu)).collect::<Result<Vec<_>>>()?;
    read(op, std::array::from_fn(|i| &tensors[i]), f)
}

/// Calls `f` with the values of a contiguous variable, to be changed. They are locked meanwhile: `f` must not touch the
/// variable itself.
pub(crate) fn change(
    op: &'static str,
    variable: &Var,
    f: impl FnOnce(&mut [f32]) -> Result<()>,
) -> Result<()> {
    variable.inplace_op1(&Change { op, f: Cell::new(Some(f)) })
}

/// candle lends a variable's values to be changed to operations in place, and to nobody else.
struct Change<F> {
    op: &'static str,
    /// The function, until candle calls it.
    f: Cell<Option<F>>,
}

impl<F: FnOnce(&mut [f32]) -> Result<()>> InplaceOp1 for Change<F> {
    fn name(&self) -> &'static str {
        self.op
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let values = floats_mut(self.op, storage, layout)?;
        self.f.take().map_or(Ok(()), |f| f(values))
    }
}

/// The place of a contiguous f32 tensor's values in memory: one for all tensors that share them.
pub(crate) fn place(op: &'static str, tensor: &Tensor) -> Result<*const Storage> {
    let (storage, layout) = tensor.storage_and_layout();
    values(op, &storage, layout)?;
    Ok(&raw const *storage)
}

/// A tensor in main memory that takes `values` over.
pub(crate) fn tensor(values: Vec<f32>, shape: impl Into<Shape>) -> Result<Tensor> {
    Tensor::from_vec(values, shape.into(), &Device::Cpu)
}
