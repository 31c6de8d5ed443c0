//! safetensors; its crate checks every length before anything is read.

use std::borrow::Cow;
use std::collections::BTreeMap;

use safetensors::{Dtype, SafeTensorError, SafeTensors};
use serde::Deserialize;

use super::elements::{Float, View};
use super::foreign;
use super::index::{Index, Run};
use super::parsed::{Malformed, Refused};
use super::selection::{self, Dictionary};

/// Bytes of the header's length, with which a file begins.
const LENGTH: usize = 8;

/// Bytes of the longest header that the format's crate reads.
const LONGEST_HEADER: usize = 100_000_000;

pub(super) fn index(bytes: &[u8], wanted: Option<&str>) -> Result<Index, Refused> {
    let (header, parsed) = SafeTensors::read_metadata(bytes).map_err(|e| refused(bytes, &e))?;
    let mut index = Index::new(bytes.len());
    index.metadata = parsed.metadata().clone().unwrap_or_default();
    let tensors = parsed.tensors().into_iter().filter(|(_, tensor)| !is_integer(tensor.dtype));
    let tensors = tensors.map(|(name, tensor)| (Cow::Owned(name), tensor)).collect();
    let (mut named, taken) =
        selection::select(vec![Dictionary { key: String::new(), class: None, tensors }], wanted)?;
    index.taken = taken;
    named.sort_by(|a, b| a.0.cmp(&b.0));
    for (name, tensor) in named {
        let float = match tensor.dtype {
            Dtype::F32 => Float::F32,
            Dtype::F64 => Float::F64,
            Dtype::F16 => Float::F16,
            Dtype::BF16 => Float::Bf16,
            other => {
                let reason = format!("tensor {name:?} is of type {other:?}; f16, bf16, f32 and f64 are read");
                return Err(Malformed::new(reason).into());
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

fn is_integer(dtype: Dtype) -> bool {
    use Dtype::{BOOL, I8, I16, I32, I64, U8, U16, U32, U64};
    matches!(dtype, BOOL | U8 | I8 | U16 | I16 | U32 | I32 | U64 | I64)
}

/// Why the bytes are refused: for a file that begins as one of safetensors and ends too early that, for a file of a kind that is known
/// its name.
fn refused(bytes: &[u8], error: &SafeTensorError) -> Malformed {
    if let Some(wanted) = missing(bytes) {
        return Malformed::new(format!(
            "safetensors, cut off: its header tells of {wanted} bytes, and the file has {}; the download is not complete: fetch it again",
            bytes.len()
        ));
    }
    Malformed::new(foreign::kind(bytes).unwrap_or_else(|| {
        format!("neither safetensors ({error}) nor a .pth file of torch (it starts otherwise)")
    }))
}

/// Bytes that the file should have, by its header, if it has fewer.
fn missing(bytes: &[u8]) -> Option<usize> {
    let length = usize::try_from(u64::from_le_bytes(*bytes.first_chunk()?)).ok()?;
    let end = length.checked_add(LENGTH).filter(|_| length <= LONGEST_HEADER)?;
    let header = bytes.get(LENGTH..end.min(bytes.len())).filter(|header| header.starts_with(b"{"))?;
    if end > bytes.len() {
        return Some(end);
    }
    let header: BTreeMap<String, Placed> = serde_json::from_slice(header).ok()?;
    let last = header.values().filter_map(|placed| placed.data_offsets.map(|[_, end]| end)).max()?;
    end.checked_add(last).filter(|whole| *whole > bytes.len())
}

/// The part of a tensor's description that says where it ends; metadata have none.
#[derive(Deserialize)]
struct Placed {
    data_offsets: Option<[usize; 2]>,
}

fn row_major(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1usize; shape.len()];
    for i in (1..shape.len()).rev() {
        // A product that overflows belongs to a tensor without elements; its strides are never used.
        strides[i - 1] = strides[i].saturating_mul(shape[i]);
    }
    strides
}
