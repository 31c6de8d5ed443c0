//! Forward passes against timm 1.0 (golden/effnet.json), with the formula's weights. The tolerance sees a wrong epsilon
//! (1.2e-3), the other padding (9e-2), and a pixel off by one (1.8e-4).

use std::collections::{BTreeMap, HashMap};

use effnet_model::candle::{Device, Tensor};
use effnet_model::{Arch, EfficientNet, Layout, Mode, ParameterStore, SavedModel, save_weights};
use serde::Deserialize;

use crate::formula;

const TOLERANCE: f64 = 1e-4;

#[derive(Deserialize)]
struct Golden {
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    arch: String,
    height: usize,
    width: usize,
    parameters: usize,
    logits: Vec<f64>,
    logits_norm: f64,
    argmax: usize,
    pooled: Vec<f64>,
    stages: Vec<Statistics>,
    png_logits: Vec<f64>,
    png_norm: f64,
    png_argmax: usize,
}

/// Of a feature map, NCHW.
#[derive(Debug, Deserialize)]
struct Statistics {
    shape: Vec<usize>,
    mean: f64,
    std: f64,
}

fn statistics(map: &Tensor) -> Statistics {
    let (n, h, w, c) = map.dims4().unwrap();
    let values = formula::values(map);
    let count = values.len() as f64;
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
    let var = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / count;
    Statistics { shape: vec![n, c, h, w], mean, std: var.sqrt() }
}

/// The maps after stem, each stage, and head.
fn stages(network: &EfficientNet, images: &Tensor) -> Vec<Tensor> {
    let mut maps = vec![network.encode_stem(images, Mode::Eval).unwrap()];
    for stage in 0..7 {
        maps.push(network.encode_stage(&maps[stage], stage, Mode::Eval).unwrap());
    }
    maps.push(network.encode_head(&maps[7], Mode::Eval).unwrap());
    maps
}

fn check_logits(logits: &Tensor, first: &[f64], norm: f64, argmax: usize, what: &str) {
    let logits = formula::values(logits);
    let difference = formula::relative(&logits[..first.len()], first);
    assert!(difference < TOLERANCE, "{what}: logits differ by {difference:.1e}");
    let found = logits.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
    assert!((found / norm - 1.0).abs() < TOLERANCE, "{what}: norm {found}, not {norm}");
    let best = (0..logits.len()).max_by(|&a, &b| logits[a].total_cmp(&logits[b]));
    assert_eq!(best, Some(argmax), "{what}");
}

fn check(row: &Row, device: &Device) {
    let what = format!("{}@{}x{}", row.arch, row.height, row.width);
    let arch = Layout::Timm.flavour(&Arch::by_name(&row.arch).unwrap());
    assert_eq!(arch.parameters(1000).unwrap(), row.parameters, "{what}");
    let (network, _) = formula::network_on(&arch, 1000, device);
    let on_device = |images: Tensor| images.to_device(device).unwrap();

    let maps = stages(&network, &on_device(formula::images("image", 1, row.height, row.width)));
    assert_eq!(maps.len(), row.stages.len());
    for (i, (map, expected)) in maps.iter().zip(&row.stages).enumerate() {
        let found = statistics(map);
        let off = (found.mean - expected.mean).abs().max((found.std - expected.std).abs());
        assert_eq!(found.shape, expected.shape, "{what}, stage {i}");
        assert!(off < TOLERANCE * expected.std, "{what}, stage {i}: {found:?}, not {expected:?}");
    }
    let feature = network.decode(&maps[8]).unwrap();
    let difference = formula::relative(&formula::values(&feature)[..row.pooled.len()], &row.pooled);
    assert!(difference < TOLERANCE, "{what}: the global feature differs by {difference:.1e}");
    let logits = network.classify(&feature, Mode::Eval).unwrap();
    check_logits(&logits, &row.logits, row.logits_norm, row.argmax, &what);

    let logits = network.forward_t(&on_device(formula::picture(row.height, row.width)), Mode::Eval).unwrap();
    check_logits(&logits, &row.png_logits, row.png_norm, row.png_argmax, &format!("{what}, picture"));
}

fn check_all(wanted: impl Fn(&Row) -> bool) {
    check_all_on(&Device::Cpu, wanted);
}

fn check_all_on(device: &Device, wanted: impl Fn(&Row) -> bool) {
    let golden: Golden = serde_json::from_str(include_str!("../golden/effnet.json")).unwrap();
    let timms =
        golden.rows.iter().filter(|row| !row.stages.is_empty() && !row.arch.starts_with("torchvision"));
    let rows: Vec<&Row> = timms.filter(|row| wanted(row)).collect();
    assert!(!rows.is_empty());
    rows.into_iter().for_each(|row| check(row, device));
}

#[test]
fn small_members_on_a_gpu_are_timms() {
    let small = ["efficientnet_b0", "tf_efficientnet_b0", "efficientnet_lite0", "tf_efficientnet_lite0"];
    formula::on_a_gpu(|device| {
        check_all_on(device, |row| small.contains(&row.arch.as_str()) && row.height <= 65);
    });
}

#[test]
fn plain_members_at_64_pixels_are_timms() {
    check_all(|row| row.arch.starts_with("efficientnet") && (row.height, row.width) == (64, 64));
}

#[test]
fn tf_members_at_64_pixels_are_timms() {
    check_all(|row| row.arch.starts_with("tf_") && (row.height, row.width) == (64, 64));
}

#[test]
fn odd_and_oblong_images_are_padded_as_timm_does() {
    check_all(|row| (row.height, row.width) == (65, 97));
}

#[test]
fn the_published_size_is_timms() {
    check_all(|row| (row.height, row.width) == (224, 224));
}

/// torchvision's name of a timm parameter, by the order of its modules: convolution and norm of the expansion and of the
/// depthwise convolution, the two layers of squeeze and excitation, convolution and norm of the projection.
pub(crate) fn torchvision_name(name: &str, has_expansion: bool) -> String {
    let path: Vec<&str> = name.split('.').collect();
    match path[..] {
        ["conv_stem", parameter] => format!("features.0.0.{parameter}"),
        ["bn1", parameter] => format!("features.0.1.{parameter}"),
        ["conv_head", parameter] => format!("features.8.0.{parameter}"),
        ["bn2", parameter] => format!("features.8.1.{parameter}"),
        ["classifier", parameter] => format!("classifier.1.{parameter}"),
        ["blocks", stage, block, ref part @ .., parameter] => {
            let steps = if has_expansion {
                ["conv_pw", "conv_dw", "se", "conv_pwl"]
            } else {
                ["", "conv_dw", "se", "conv_pw"]
            };
            let norms = if has_expansion { ["bn1", "bn2", "", "bn3"] } else { ["", "bn1", "", "bn2"] };
            let at = |names: [&str; 4]| names.iter().position(|name| *name == part[0]);
            let (place, inside) = match (at(steps), at(norms), part) {
                (_, _, ["se", "conv_reduce"]) => (2, "fc1"),
                (_, _, ["se", "conv_expand"]) => (2, "fc2"),
                (Some(place), ..) => (place, "0"),
                (_, Some(place), _) => (place, "1"),
                _ => panic!("{name}"),
            };
            let (stage, place) = (stage.parse::<usize>().unwrap() + 1, place - usize::from(!has_expansion));
            format!("features.{stage}.{block}.block.{place}.{inside}.{parameter}")
        }
        _ => panic!("{name}"),
    }
}

/// lukemelas's name of a parameter, by its documentation: blocks are numbered through, and their parts have names by what they do;
/// `first` is the number of each stage's first block.
pub(crate) fn lukemelas_name(name: &str, has_expansion: bool, first: &[usize]) -> String {
    let path: Vec<&str> = name.split('.').collect();
    match path[..] {
        ["conv_stem", parameter] => format!("_conv_stem.{parameter}"),
        ["bn1", parameter] => format!("_bn0.{parameter}"),
        ["conv_head", parameter] => format!("_conv_head.{parameter}"),
        ["bn2", parameter] => format!("_bn1.{parameter}"),
        ["classifier", parameter] => format!("_fc.{parameter}"),
        ["blocks", stage, block, ref part @ .., parameter] => {
            let part = match (part, has_expansion) {
                (["conv_pw"], true) => "_expand_conv",
                (["bn1"], true) => "_bn0",
                (["conv_dw"], _) => "_depthwise_conv",
                (["bn2"], true) | (["bn1"], false) => "_bn1",
                (["se", "conv_reduce"], _) => "_se_reduce",
                (["se", "conv_expand"], _) => "_se_expand",
                (["conv_pwl"], true) | (["conv_pw"], false) => "_project_conv",
                (["bn3"], true) | (["bn2"], false) => "_bn2",
                _ => panic!("{name}"),
            };
            let number = first[stage.parse::<usize>().unwrap()] + block.parse::<usize>().unwrap();
            format!("_blocks.{number}.{part}.{parameter}")
        }
        _ => panic!("{name}"),
    }
}

/// The number of each stage's first block, where blocks are numbered through.
pub(crate) fn first_blocks(arch: &Arch) -> Vec<usize> {
    let mut first = vec![0];
    for stage in &arch.plan().unwrap().stages {
        first.push(first[first.len() - 1] + stage.len());
    }
    first
}

/// The rows of a library, whose names are those of `arch_of`, from files whose tensors have its names.
fn check_files(
    library: &str,
    count: usize,
    arch_of: impl Fn(&str) -> String,
    renamed: impl Fn(&str, bool, &Arch) -> String,
) {
    let golden: Golden = serde_json::from_str(include_str!("../golden/effnet.json")).unwrap();
    let rows: Vec<&Row> = golden.rows.iter().filter(|row| row.arch.starts_with(library)).collect();
    assert_eq!(rows.len(), count);
    let folder = formula::scratch();
    for row in rows {
        let arch = Arch::by_name(&arch_of(&row.arch[library.len()..])).unwrap();
        assert_eq!(arch.parameters(1000).unwrap(), row.parameters, "{}", row.arch);
        let (_, ours) = formula::network(&arch, 1000);
        let named = ours.tensors().unwrap();
        let file = ParameterStore::new(0, &Device::Cpu);
        let mut values = HashMap::new();
        for (name, tensor) in &named {
            let block: Vec<&str> = name.split('.').take(3).collect();
            let has_expansion = named.contains_key(&format!("{}.conv_pwl.weight", block.join(".")));
            let name = renamed(name, has_expansion, &arch);
            file.var_builder().get(tensor.dims(), &name).unwrap();
            let value =
                Tensor::from_vec(formula::parameter(&name, tensor.dims()), tensor.dims(), &Device::Cpu);
            values.insert(name, value.unwrap());
        }
        file.load(&values).unwrap();
        let path = folder.path().join("theirs.safetensors");
        save_weights(&file, &path, &BTreeMap::new()).unwrap();
        let model = SavedModel::from_file(&path, Some(&arch), &Device::Cpu).unwrap();
        let what = format!("{}@{}x{}", row.arch, row.height, row.width);
        let logits = model.logits(&formula::images("image", 1, row.height, row.width)).unwrap();
        check_logits(&logits, &row.logits, row.logits_norm, row.argmax, &what);
        let logits = model.logits(&formula::picture(row.height, row.width)).unwrap();
        check_logits(&logits, &row.png_logits, row.png_norm, row.png_argmax, &format!("{what}, picture"));
    }
}

#[test]
fn files_with_torchvisions_names_give_torchvisions_logits() {
    check_files("torchvision_", 3, str::to_owned, |name, has_expansion, _| {
        torchvision_name(name, has_expansion)
    });
}

#[test]
fn files_with_lukemelas_names_give_lukemelas_logits() {
    check_files(
        "lukemelas_",
        3,
        |name| name.replace('-', "_"),
        |name, has_expansion, arch| lukemelas_name(name, has_expansion, &first_blocks(arch)),
    );
}
