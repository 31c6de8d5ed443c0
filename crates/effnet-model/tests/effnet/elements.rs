//! Every type of number that a file can hold, in every format: converted to f32, left out, or refused by name.

use std::collections::HashMap;

use effnet_model::candle::Tensor;

use crate::formula;
use crate::pth::{Entry, Read, both, read, safetensors, state_dict};

/// A type by safetensors' and by torch's name.
struct Type {
    dtype: &'static str,
    class: &'static str,
    /// Bytes.
    size: usize,
}

const F16: Type = Type { dtype: "F16", class: "HalfStorage", size: 2 };
const BF16: Type = Type { dtype: "BF16", class: "BFloat16Storage", size: 2 };
const F32: Type = Type { dtype: "F32", class: "FloatStorage", size: 4 };
const F64: Type = Type { dtype: "F64", class: "DoubleStorage", size: 8 };

/// The file with these numbers as `weight` in every format: safetensors, torch's old one, torch's zip.
fn files(of: &Type, bytes: &[u8]) -> [Vec<u8>; 3] {
    let len = bytes.len() / of.size;
    let shape = [len / 2, 2];
    let entry =
        Entry { name: "weight", class: of.class, key: "0", len, offset: 0, shape: &shape, strides: &[2, 1] };
    let [old, zip] = both(&state_dict(&[entry]), &[("0", len, bytes.to_vec())]);
    [safetensors(&[("weight", of.dtype, &shape, bytes)]), old, zip]
}

fn weight(file: &[u8]) -> Vec<f32> {
    let tensors: HashMap<String, Tensor> = read(file).unwrap();
    let (rows, two) = tensors["weight"].dims2().unwrap();
    let values = formula::values(&tensors["weight"]);
    assert_eq!((rows * two, two), (values.len(), 2));
    values
}

/// Bit by bit, so that -0 is not 0.
fn are(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert_eq!(found.to_bits(), expected.to_bits(), "{at}: {found}, not {expected}");
    }
}

/// IEEE 754's binary16 by its definition.
fn half(bits: u16) -> f32 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    let size = match exponent {
        0 => fraction * 2f64.powi(-24),
        _ => (1024.0 + fraction) * 2f64.powi(exponent - 25),
    };
    (if bits >> 15 == 1 { -size } else { size }) as f32
}

#[test]
fn every_half_and_every_brain_float_is_its_value() {
    type Of = fn(u16) -> f32;
    let brain: Of = |bits| f32::from_bits(u32::from(bits) << 16);
    for (of, value, infinite) in [(F16, half as Of, 0x7c00), (BF16, brain, 0x7f80)] {
        let all: Vec<u16> = (0..=u16::MAX).filter(|bits| bits & infinite != infinite).collect();
        let bytes: Vec<u8> = all.iter().flat_map(|bits| bits.to_le_bytes()).collect();
        let expected: Vec<f32> = all.iter().map(|bits| value(*bits)).collect();
        for file in files(&of, &bytes) {
            are(&weight(&file), &expected);
        }
    }
}

#[test]
fn an_f32_keeps_its_bits_and_an_f64_goes_to_the_nearest() {
    let tiny = f32::from_bits(1);
    let exact = [1.0, -0.0, 0.1, f32::MIN_POSITIVE, tiny, -f32::MAX];
    let bytes: Vec<u8> = exact.iter().flat_map(|v| v.to_le_bytes()).collect();
    for file in files(&F32, &bytes) {
        are(&weight(&file), &exact);
    }
    // Ties go to the even neighbour; what is below half the smallest f32 is zero.
    let step = 2f64.powi(-23);
    let pairs = [
        (0.1, 0.1f32),
        (1.0 + step / 2.0, 1.0),
        (1.0 + 1.5 * step, 1.0 + 2.0 * step as f32),
        (f64::from(tiny) * 0.75, tiny),
        (-1e-300, -0.0),
        (-f64::from(f32::MAX), -f32::MAX),
    ];
    let bytes: Vec<u8> = pairs.iter().flat_map(|(wide, _)| wide.to_le_bytes()).collect();
    for file in files(&F64, &bytes) {
        are(&weight(&file), &pairs.map(|(_, near)| near));
    }
}

#[test]
fn what_is_no_number_is_told_with_its_place_in_every_type() {
    let cases: [(&Type, &[u8], &[u8], &str); 8] = [
        (&F16, &[0, 0x3c], &[1, 0x7e], "NaN"),
        (&F16, &[0, 0x3c], &[0, 0xfc], "-inf"),
        (&BF16, &[0x80, 0x3f], &[0xc0, 0x7f], "NaN"),
        (&BF16, &[0x80, 0x3f], &[0x80, 0x7f], "inf"),
        (&F32, &1f32.to_le_bytes(), &f32::NAN.to_le_bytes(), "NaN"),
        (&F64, &1f64.to_le_bytes(), &f64::NAN.to_le_bytes(), "NaN"),
        (&F64, &1f64.to_le_bytes(), &f64::INFINITY.to_le_bytes(), "inf"),
        (&F64, &1f64.to_le_bytes(), &1e39f64.to_le_bytes(), "inf"),
    ];
    for (of, one, bad, shown) in cases {
        for file in files(of, &[one, one, one, bad].concat()) {
            let text = read(&file).unwrap_err();
            assert!(text.contains(&format!("tensor \"weight\": element 3 is {shown}")), "{text}");
        }
    }
}

#[test]
fn integers_are_left_out() {
    let types = [
        ("I64", "LongStorage", 8),
        ("I32", "IntStorage", 4),
        ("I16", "ShortStorage", 2),
        ("I8", "CharStorage", 1),
        ("U8", "ByteStorage", 1),
        ("BOOL", "BoolStorage", 1),
    ];
    for (dtype, class, size) in types {
        for file in files(&Type { dtype, class, size }, &[1; 16]) {
            assert!(read(&file).unwrap().is_empty(), "{dtype}");
        }
    }
    for (dtype, size) in [("U64", 8), ("U32", 4), ("U16", 2)] {
        let file = safetensors(&[("weight", dtype, &[16 / size], &[1; 16])]);
        assert!(read(&file).unwrap().is_empty(), "{dtype}");
    }
}

fn refused(read: &Read, name: &str) {
    let Err(text) = read else { panic!("{name} was read") };
    assert!(text.contains(name), "{name}: {text}");
}

#[test]
fn other_types_are_refused_by_name() {
    for (dtype, size) in [("F8_E4M3", 1), ("F8_E5M2", 1), ("C64", 8)] {
        refused(&read(&safetensors(&[("weight", dtype, &[16 / size], &[0; 16])])), dtype);
    }
    refused(&read(&safetensors(&[("weight", "F31", &[4], &[0; 16])])), "F31");
    for (class, size) in [
        ("QInt8Storage", 1),
        ("QUInt8Storage", 1),
        ("QInt32Storage", 4),
        ("ComplexFloatStorage", 8),
        ("UntypedStorage", 1),
    ] {
        let [_, old, zip] = files(&Type { dtype: "F32", class, size }, &[0; 16]);
        refused(&read(&old), &format!("torch.{class}"));
        refused(&read(&zip), &format!("torch.{class}"));
    }
}
