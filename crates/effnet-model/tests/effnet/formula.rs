//! Tensors by formula, as the scripts that made the golden files fill them: u(name, i) =
//! (splitmix64(fnv1a64(name) + i) >> 11) / 2^52 - 1, in [-1, 1).

use effnet_model::candle::{Device, Tensor};
use effnet_model::{Arch, EfficientNet, ParameterStore};

fn fnv1a64(name: &str) -> u64 {
    name.bytes().fold(0xCBF2_9CE4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01B3))
}

fn splitmix64(x: u64) -> u64 {
    let z = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn bits(name: &str, n: usize) -> impl Iterator<Item = u64> {
    let start = fnv1a64(name);
    (0..n as u64).map(move |i| splitmix64(start.wrapping_add(i)))
}

fn uniform(name: &str, n: usize) -> impl Iterator<Item = f64> {
    bits(name, n).map(|b| (b >> 11) as f64 / 2f64.powi(52) - 1.0)
}

/// The value of the parameter of that name.
pub(crate) fn parameter(name: &str, shape: &[usize]) -> Vec<f32> {
    let third = name.split('.').nth(2).and_then(|field| field.parse::<usize>().ok());
    let gain = match third {
        _ if name.starts_with("_blocks.") => 1.5,
        Some(1..) => 1.0,
        _ => 1.7,
    };
    let value = |u: f64| match shape {
        [_, i, h, w] => gain * (3.0 / (i * h * w) as f64).sqrt() * u,
        [_, i] => (3.0 / *i as f64).sqrt() * u,
        _ if name.ends_with("running_var") => 1.0 + 0.2 * u.abs(),
        _ if name.ends_with(".weight") => 1.0 + 0.1 * u,
        _ => 0.1 * u,
    };
    uniform(name, shape.iter().product()).map(|u| value(u) as f32).collect()
}

/// Images NCHW in [-1, 1), turned to NHWC.
pub(crate) fn images(name: &str, n: usize, height: usize, width: usize) -> Tensor {
    let values: Vec<f32> = uniform(name, n * 3 * height * width).map(|u| u as f32).collect();
    let nchw = Tensor::from_vec(values, (n, 3, height, width), &Device::Cpu).unwrap();
    nchw.permute((0, 2, 3, 1)).unwrap().contiguous().unwrap()
}

/// The picture of random bytes, normalised by ImageNet's mean and standard deviation in f32: [1, H, W, 3].
pub(crate) fn picture(height: usize, width: usize) -> Tensor {
    let (mean, std) = ([0.485f32, 0.456, 0.406], [0.229f32, 0.224, 0.225]);
    let value = |(i, b): (usize, u64)| ((b & 255) as f32 / 255.0 - mean[i % 3]) / std[i % 3];
    let values: Vec<f32> = bits("png", height * width * 3).enumerate().map(value).collect();
    Tensor::from_vec(values, (1, height, width, 3), &Device::Cpu).unwrap()
}

/// A network with the formula's weights.
pub(crate) fn network(arch: &Arch, classes: usize) -> (EfficientNet, ParameterStore) {
    network_on(arch, classes, &Device::Cpu)
}

/// The same on a device.
pub(crate) fn network_on(arch: &Arch, classes: usize, device: &Device) -> (EfficientNet, ParameterStore) {
    let store = ParameterStore::new(0, device);
    let network = EfficientNet::new(arch, classes, store.var_builder()).unwrap();
    for (name, var) in store.trainable().into_iter().chain(store.buffers()) {
        let values = parameter(&name, var.dims());
        var.set(&Tensor::from_vec(values, var.shape(), device).unwrap()).unwrap();
    }
    (network, store)
}

pub(crate) fn values(t: &Tensor) -> Vec<f32> {
    t.flatten_all().unwrap().to_vec1().unwrap()
}

/// Norm of the difference over the norm of the second.
pub(crate) fn relative(found: &[f32], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let difference: f64 = found.iter().zip(expected).map(|(&f, e)| (f64::from(f) - e).powi(2)).sum();
    let norm: f64 = expected.iter().map(|e| e * e).sum();
    (difference / norm).sqrt()
}

/// Computes on a GPU: the first one, or with `EFFMIX_TEST_DEVICE=cpu` by a GPU's operations on the CPU. Without a GPU the test is skipped.
pub(crate) fn on_a_gpu(test: impl FnOnce(&Device)) {
    if std::env::var("EFFMIX_TEST_DEVICE").is_ok_and(|device| device == "cpu") {
        return effnet_ops::by_candle(|| test(&Device::Cpu));
    }
    match Device::new_cuda(0) {
        Ok(device) => test(&device),
        Err(_) => println!("skipped: needs a GPU"),
    }
}

/// A folder that is removed at the end of a test.
pub(crate) fn scratch() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}
