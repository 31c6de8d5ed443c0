//! Starting from a file of weights.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use effnet_model::candle::{DType, Device, Tensor};
use effnet_model::{
    Arch, EfficientNet, Error, Layout, Mode, ParameterStore, Pretrained, Result, WeightsFile, load_pretrained,
};

use crate::formula;

fn tiny() -> Arch {
    Arch::by_name("tf_efficientnet_b0").unwrap().with_scaling(0.1, 0.1)
}

/// The formula's weights for 10 classes in a file, after `change`.
fn file(folder: &Path, change: impl FnOnce(&mut HashMap<String, Tensor>)) -> PathBuf {
    let mut tensors: HashMap<String, Tensor> =
        formula::network(&tiny(), 10).1.tensors().unwrap().into_iter().collect();
    change(&mut tensors);
    let path = folder.join("weights.safetensors");
    effnet_model::candle::safetensors::save(&tensors, &path).unwrap();
    path
}

/// A network of so many classes from the file.
fn load(path: &Path, arch: &Arch, classes: usize) -> Result<Pretrained> {
    load_pretrained(&WeightsFile::open(path)?, arch, classes, 5, &Device::Cpu)
}

fn value(store: &ParameterStore, name: &str) -> Vec<f32> {
    formula::values(&store.tensors().unwrap()[name])
}

#[test]
fn all_of_a_fitting_file_is_taken_over() {
    let folder = formula::scratch();
    let loaded = load(&file(folder.path(), |_| {}), &tiny(), 10).unwrap();
    assert_eq!((loaded.layout, loaded.classifier_made_new), (Layout::Timm, false));
    for (name, t) in loaded.store.tensors().unwrap() {
        assert_eq!(formula::values(&t), formula::parameter(&name, t.dims()), "{name}");
    }
    let images = formula::images("image", 1, 32, 32);
    let logits = |network: &EfficientNet| formula::values(&network.forward_t(&images, Mode::Eval).unwrap());
    assert_eq!(logits(&loaded.network), logits(&formula::network(&tiny(), 10).0));
}

#[test]
fn a_classifier_of_other_classes_is_made_new_by_the_seed() {
    let folder = formula::scratch();
    let loaded = load(&file(folder.path(), |_| {}), &tiny(), 3).unwrap();
    assert!(loaded.classifier_made_new);
    let fresh = ParameterStore::new(5, &Device::Cpu);
    EfficientNet::new(&tiny(), 3, fresh.var_builder()).unwrap();
    assert_eq!(value(&loaded.store, "classifier.weight"), value(&fresh, "classifier.weight"));
    assert_eq!(value(&loaded.store, "bn2.running_var"), formula::parameter("bn2.running_var", &[128]));
}

#[test]
fn a_classifier_of_another_kind_or_none_at_all_is_made_new_too() {
    let folder = formula::scratch();
    let path = file(folder.path(), |tensors| tensors.retain(|name, _| !name.starts_with("classifier")));
    assert!(load(&path, &tiny(), 10).unwrap().classifier_made_new);

    let path = file(folder.path(), |_| {});
    let arch = tiny().with_classifier(effnet_model::ClassifierKind::Mlp { hidden: 4 });
    assert!(load(&path, &arch, 10).unwrap().classifier_made_new);
}

#[test]
fn missing_surplus_and_misshapen_tensors_are_named() {
    let folder = formula::scratch();
    let path = file(folder.path(), |tensors| {
        tensors.remove("bn1.bias");
        let head = tensors.remove("conv_head.weight").unwrap();
        tensors.insert("extra.weight".to_string(), head);
        tensors
            .insert("conv_head.weight".to_string(), Tensor::zeros((5, 7), DType::F32, &Device::Cpu).unwrap());
    });
    let error = load(&path, &tiny(), 10).unwrap_err();
    assert!(matches!(error, Error::WeightsMismatch { .. }), "{error}");
    let text = error.to_string();
    for part in [
        "weights.safetensors",
        "1 missing: bn1.bias;",
        "1 not of this network: extra.weight;",
        "conv_head.weight is [5, 7] where [128, 32, 1, 1]",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_network_of_other_depth_is_refused_in_few_words() {
    let folder = formula::scratch();
    let path = file(folder.path(), |_| {});
    let text = load(&path, &tiny().with_scaling(1.0, 20.0), 10).unwrap_err().to_string();
    assert!(text.contains("missing: ") && text.contains(" more") && text.len() < 1000, "{text}");
}

#[test]
fn a_number_that_is_none_is_an_error_which_names_its_tensor() {
    let folder = formula::scratch();
    for (bad, shown) in [(f64::NAN, "NaN"), (f64::INFINITY, "inf"), (-1e300, "-inf")] {
        let path = file(folder.path(), |tensors| {
            let values: Vec<f64> = (0..128).map(|i| if i == 77 { bad } else { 1.0 }).collect();
            tensors.insert("bn2.weight".to_string(), Tensor::new(values, &Device::Cpu).unwrap());
        });
        for classes in [10, 3] {
            let text = load(&path, &tiny(), classes).unwrap_err().to_string();
            let says = format!("tensor \"bn2.weight\": element 77 is {shown}");
            assert!(text.contains("weights.safetensors") && text.contains(&says), "{text}");
        }
    }
}

#[test]
fn a_variance_below_zero_is_an_error_which_names_its_tensor() {
    let folder = formula::scratch();
    let path = file(folder.path(), |tensors| {
        let values: Vec<f32> = (0..128).map(|i| if i == 77 { -0.5 } else { 1.0 }).collect();
        tensors.insert("bn2.running_var".to_string(), Tensor::new(values, &Device::Cpu).unwrap());
    });
    let text = load(&path, &tiny(), 10).unwrap_err().to_string();
    assert!(text.contains("tensor \"bn2.running_var\": element 77 is -0.5"), "{text}");
}

#[test]
fn half_double_and_brain_floats_become_f32_and_counters_are_left_out() {
    let folder = formula::scratch();
    for dtype in [DType::F16, DType::BF16, DType::F64] {
        let path = file(folder.path(), |tensors| {
            for t in tensors.values_mut() {
                *t = t.to_dtype(dtype).unwrap();
            }
            let counter = Tensor::new(&[7i64], &Device::Cpu).unwrap();
            tensors.insert("bn2.num_batches_tracked".to_string(), counter.to_dtype(dtype).unwrap());
            tensors.insert("bn1.num_batches_tracked".to_string(), counter);
        });
        let store = load(&path, &tiny(), 10).unwrap().store;
        let expected = formula::parameter("conv_stem.weight", &[8, 3, 3, 3]);
        let rounding = match dtype {
            DType::BF16 => 2f64.powi(-8),
            DType::F16 => 2f64.powi(-11),
            _ => 0.0,
        };
        for (found, expected) in value(&store, "conv_stem.weight").into_iter().zip(expected) {
            let off = f64::from((found - expected).abs());
            assert!(off <= rounding * f64::from(expected.abs()), "{dtype:?}: {found}, not {expected}");
        }
    }
}

#[test]
fn lukemelas_names_are_told_apart_and_mapped() {
    let folder = formula::scratch();
    // With one block a stage, lukemelas's block N is timm's N.0.
    let path = file(folder.path(), |tensors| {
        *tensors = std::mem::take(tensors).into_iter().map(|(name, t)| (lukemelas(&name), t)).collect();
        assert!(tensors.contains_key("_blocks.3._se_reduce.bias"), "{:?}", tensors.keys());
    });
    let loaded = load(&path, &tiny(), 10).unwrap();
    assert_eq!((loaded.layout, loaded.classifier_made_new), (Layout::Lukemelas, false));
    for (name, t) in loaded.store.tensors().unwrap() {
        assert_eq!(formula::values(&t), formula::parameter(&name, t.dims()), "{name}");
    }
}

/// timm's name as lukemelas has it, for networks with one block a stage.
fn lukemelas(name: &str) -> String {
    let expanding = [
        ("conv_pwl", "_project_conv"),
        ("conv_pw", "_expand_conv"),
        ("bn1", "_bn0"),
        ("bn2", "_bn1"),
        ("bn3", "_bn2"),
    ];
    let plain = [("conv_pw", "_project_conv"), ("bn1", "_bn1"), ("bn2", "_bn2")];
    let both =
        [("conv_dw", "_depthwise_conv"), ("se.conv_reduce", "_se_reduce"), ("se.conv_expand", "_se_expand")];
    let ends = [
        ("conv_stem", "_conv_stem"),
        ("bn1", "_bn0"),
        ("conv_head", "_conv_head"),
        ("bn2", "_bn1"),
        ("classifier", "_fc"),
    ];
    let (module, parameter) = name.rsplit_once('.').unwrap();
    let of = |pairs: &[(&str, &str)], part: &str| {
        pairs.iter().find(|(t, _)| *t == part).map(|(_, l)| l.to_string())
    };
    let module = match module.strip_prefix("blocks.") {
        None => of(&ends, module).unwrap(),
        Some(rest) => {
            let (stage, part) = rest.split_once(".0.").unwrap();
            let own: &[_] = if stage == "0" { &plain } else { &expanding };
            format!("_blocks.{stage}.{}", of(own, part).or_else(|| of(&both, part)).unwrap())
        }
    };
    format!("{module}.{parameter}")
}
