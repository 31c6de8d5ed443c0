//! From a storage's bytes to f32 tensors, every length checked.

use candle_core::{DType, Device, Tensor};

use super::{Malformed, Parsed};

/// What a storage is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    /// Read, as f32.
    Float(DType),
    /// Left out: a counter of this many bytes, not a weight.
    Integer(usize),
}

impl Element {
    pub(super) fn size(self) -> usize {
        match self {
            Self::Float(dtype) => dtype.size_in_bytes(),
            Self::Integer(size) => size,
        }
    }
}

/// Where a tensor's numbers lie in its storage, in elements.
#[derive(Debug, Clone)]
pub(super) struct View {
    pub(super) offset: usize,
    pub(super) shape: Vec<usize>,
    pub(super) strides: Vec<usize>,
}

impl View {
    /// Number of elements, if there are any, the view stays inside a storage of `len` elements, and it doesn't
    /// repeat any of them so often that it would be larger than that.
    fn elements_within(&self, len: usize) -> Parsed<usize> {
        let outside = || {
            let Self { offset, shape, strides } = self;
            let asked = format!("shape {shape:?}, strides {strides:?}, offset {offset}");
            Malformed::new(format!("{asked} don't fit in a storage of {len} elements"))
        };
        let elements = self.shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d)).ok_or_else(outside)?;
        if self.shape.len() != self.strides.len() || elements == 0 || elements > len {
            return Err(outside());
        }
        let last = self.shape.iter().zip(&self.strides).try_fold(self.offset, |at, (&d, &stride)| {
            (d - 1).checked_mul(stride).and_then(|step| at.checked_add(step))
        });
        match last {
            Some(last) if last < len => Ok(elements),
            _ => Err(outside()),
        }
    }

    fn is_contiguous(&self) -> bool {
        let mut expected = 1;
        self.shape.iter().zip(&self.strides).rev().all(|(&d, &stride)| {
            let ok = d == 1 || stride == expected;
            expected *= d;
            ok
        })
    }
}

/// Bytes that the tensors of a file may still take up: a file can name one storage as thousands of tensors.
pub(super) struct Budget(usize);

impl Budget {
    pub(super) fn of_file(bytes: &[u8]) -> Self {
        Self(bytes.len())
    }

    fn take(&mut self, bytes: usize) -> Parsed<()> {
        match self.0.checked_sub(bytes) {
            Some(left) => self.0 = left,
            None => return Err(Malformed::new("its tensors are larger together than the file")),
        }
        Ok(())
    }
}

/// The tensor that `view` shows of `storage`, as f32 on the CPU.
pub(super) fn tensor(dtype: DType, storage: &[u8], view: &View, budget: &mut Budget) -> Parsed<Tensor> {
    let size = dtype.size_in_bytes();
    let elements = view.elements_within(storage.len() / size)?;
    budget.take(elements * size)?;
    let failed = |e: candle_core::Error| Malformed::new(e.to_string());
    let gathered;
    let bytes = if view.is_contiguous() {
        &storage[view.offset * size..(view.offset + elements) * size]
    } else {
        gathered = gather(storage, size, view, elements);
        &gathered
    };
    let read = Tensor::from_raw_buffer(bytes, dtype, &view.shape, &Device::Cpu);
    read.and_then(|t| t.to_dtype(DType::F32)).map_err(failed)
}

/// Copies a strided view to row-major order. `view` has been found to lie inside `storage`.
fn gather(storage: &[u8], size: usize, view: &View, elements: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(elements * size);
    let mut index = vec![0; view.shape.len()];
    for _ in 0..elements {
        let at: usize = view.offset + index.iter().zip(&view.strides).map(|(i, s)| i * s).sum::<usize>();
        out.extend_from_slice(&storage[at * size..(at + 1) * size]);
        for (i, &d) in index.iter_mut().zip(&view.shape).rev() {
            *i += 1;
            if *i < d {
                break;
            }
            *i = 0;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(view: View, budget: usize) -> Parsed<Vec<f32>> {
        let storage: Vec<u8> = (0..6u8).flat_map(|v| f32::from(v).to_le_bytes()).collect();
        let t = tensor(DType::F32, &storage, &view, &mut Budget(budget))?;
        t.flatten_all().and_then(|t| t.to_vec1()).map_err(|e| Malformed::new(e.to_string()))
    }

    fn view(offset: usize, shape: &[usize], strides: &[usize]) -> View {
        View { offset, shape: shape.to_vec(), strides: strides.to_vec() }
    }

    #[test]
    fn a_transposed_view_is_read_in_its_own_order() {
        assert_eq!(read(view(0, &[3, 2], &[1, 3]), 24).unwrap(), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert_eq!(read(view(1, &[2, 2], &[2, 1]), 24).unwrap(), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(read(view(5, &[], &[]), 24).unwrap(), [5.0]);
    }

    #[test]
    fn views_that_leave_or_repeat_the_storage_are_refused() {
        let bad = [
            view(1, &[3, 2], &[1, 3]),
            view(0, &[7], &[1]),
            view(0, &[7], &[0]),
            view(0, &[2], &[6]),
            view(0, &[0, usize::MAX, usize::MAX], &[0, 1, 1]),
            view(0, &[2], &[]),
            view(0, &[usize::MAX, 2], &[1, 1]),
            view(0, &[2, 2], &[usize::MAX, 1]),
            view(usize::MAX, &[1], &[1]),
        ];
        for view in bad {
            let shown = format!("{view:?}");
            assert!(read(view, 1000).is_err(), "{shown}");
        }
    }

    #[test]
    fn tensors_larger_than_the_file_together_are_refused() {
        assert!(read(view(0, &[6], &[1]), 23).is_err());
    }
}
