//! What the test binaries share: the reference file, the formula its inputs were made by, and how many random cases a property is
//! tried on.
#![allow(dead_code, reason = "no test binary uses all of it")]

use serde_json::Value;

/// The reference values: PyTorch 2.x, scikit-learn, cleanlab 2 (versions in the file), made by `xtask golden`.
pub(crate) fn golden() -> Value {
    serde_json::from_str(include_str!("../golden/noisy.json")).expect("the committed file is JSON")
}

/// `u(name, i)`, uniform in [-1, 1), for i in 0..n: splitmix64(fnv1a64(name) + i), as the reference script defines it.
pub(crate) fn u(name: &str, n: usize) -> Vec<f64> {
    let start =
        name.bytes().fold(0xCBF2_9CE4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01B3));
    let splitmix = |x: u64| {
        let z = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    };
    (0..n as u64)
        .map(|i| (splitmix(start.wrapping_add(i)) >> 11) as f64 / (1u64 << 52) as f64 - 1.0)
        .collect()
}

/// All numbers in a (nested) array, in order.
pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        number => vec![number.as_f64().expect("a number")],
    }
}

/// Asserts that each value is within `tolerance` of its reference.
pub(crate) fn assert_close(what: &str, values: &[f64], reference: &[f64], tolerance: f64) {
    assert_eq!(values.len(), reference.len(), "{what}: number of values");
    for (i, (value, expected)) in values.iter().zip(reference).enumerate() {
        assert!((value - expected).abs() <= tolerance, "{what}[{i}]: {value}, reference {expected}");
    }
}
