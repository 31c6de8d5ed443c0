//! From a run's bytes to f32, every length checked.

use std::ops::Range;

use half::{bf16, f16};

use super::parsed::{Malformed, Parsed};

/// A floating-point type that is read, as f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Float {
    F16,
    Bf16,
    F32,
    F64,
}

impl Float {
    /// Bytes.
    pub(super) fn size(self) -> usize {
        match self {
            Self::F16 | Self::Bf16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// Numbers from their little-endian bytes. An f64 beyond f32's range becomes infinite.
    fn read(self, bytes: &[u8]) -> Vec<f32> {
        match self {
            Self::F16 => bytes.as_chunks().0.iter().map(|b| f16::from_le_bytes(*b).to_f32()).collect(),
            Self::Bf16 => bytes.as_chunks().0.iter().map(|b| bf16::from_le_bytes(*b).to_f32()).collect(),
            Self::F32 => bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
            Self::F64 => bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b) as f32).collect(),
        }
    }
}

/// What a storage is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    Float(Float),
    /// An integer of this many bytes, which is no weight but a counter: it is left out.
    Integer(usize),
    /// A number of a type that is not read: torch's class of the storage, and bytes.
    Unread(&'static str, usize),
}

impl Element {
    pub(super) fn size(self) -> usize {
        match self {
            Self::Float(float) => float.size(),
            Self::Integer(size) | Self::Unread(_, size) => size,
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
    /// Number of elements; what [`View::within`] accepts has no more than its run.
    pub(super) fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// The elements of a run of `len` from the first that the view shows to the last, if it shows any, stays inside the
    /// run, and doesn't repeat any of them so often that it would be larger than that.
    pub(super) fn within(&self, len: usize) -> Parsed<Range<usize>> {
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
            Some(last) if last < len => Ok(self.offset..last + 1),
            _ => Err(outside()),
        }
    }

    /// The tensor's values in row-major order, from the bytes of its span ([`View::within`]).
    pub(super) fn values(&self, float: Float, span: &[u8]) -> Vec<f32> {
        let values = float.read(span);
        if self.is_contiguous() { values } else { self.gather(&values) }
    }

    fn gather(&self, span: &[f32]) -> Vec<f32> {
        let mut index = vec![0; self.shape.len()];
        let next = |_| {
            let at = index.iter().zip(&self.strides).map(|(i, stride)| i * stride).sum::<usize>();
            for (i, &d) in index.iter_mut().zip(&self.shape).rev() {
                *i += 1;
                if *i < d {
                    break;
                }
                *i = 0;
            }
            span[at]
        };
        (0..self.elements()).map(next).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(view: &View) -> Parsed<Vec<f32>> {
        let run: Vec<u8> = (0..6u8).flat_map(|v| f32::from(v).to_le_bytes()).collect();
        let span = view.within(6)?;
        Ok(view.values(Float::F32, &run[4 * span.start..4 * span.end]))
    }

    fn view(offset: usize, shape: &[usize], strides: &[usize]) -> View {
        View { offset, shape: shape.to_vec(), strides: strides.to_vec() }
    }

    #[test]
    fn a_transposed_view_is_read_in_its_own_order() {
        assert_eq!(read(&view(0, &[3, 2], &[1, 3])).unwrap(), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert_eq!(read(&view(1, &[2, 2], &[2, 1])).unwrap(), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(read(&view(1, &[2, 2], &[0, 2])).unwrap(), [1.0, 3.0, 1.0, 3.0]);
        assert_eq!(read(&view(5, &[], &[])).unwrap(), [5.0]);
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
            assert!(read(&view).is_err(), "{view:?}");
        }
    }

    #[test]
    fn every_type_becomes_the_nearest_f32() {
        let exact = [1.5f32, -0.25, 0.0];
        let bytes = |of: &dyn Fn(f32) -> Vec<u8>| exact.iter().flat_map(|&v| of(v)).collect::<Vec<u8>>();
        assert_eq!(Float::F16.read(&bytes(&|v| f16::from_f32(v).to_le_bytes().to_vec())), exact);
        assert_eq!(Float::Bf16.read(&bytes(&|v| bf16::from_f32(v).to_le_bytes().to_vec())), exact);
        assert_eq!(Float::F32.read(&bytes(&|v| v.to_le_bytes().to_vec())), exact);
        assert_eq!(Float::F64.read(&bytes(&|v| f64::from(v).to_le_bytes().to_vec())), exact);
        assert_eq!(Float::F64.read(&1e300f64.to_le_bytes()), [f32::INFINITY]);
    }
}
