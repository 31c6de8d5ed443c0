//! What a network and its store do, whatever the weights.

use std::collections::HashMap;

use effnet_model::candle::{DType, Device, Tensor};
use effnet_model::{Arch, Classifier, ClassifierKind, EfficientNet, Error, Mode, ParameterStore};

use crate::formula;

fn tiny() -> Arch {
    Arch::by_name("b0").unwrap().with_scaling(0.1, 0.1).with_stem_stride(1).with_size(32)
}

#[test]
fn encode_decode_and_classify_are_the_whole_network() {
    for mode in [Mode::Eval, Mode::Train { seed: 4 }] {
        let images = formula::images("steps", 2, 32, 32);
        let whole = formula::network(&tiny(), 10).0.forward_t(&images, mode).unwrap();
        let (network, _) = formula::network(&tiny(), 10);
        let map = network.encode(&images, mode).unwrap();
        let feature = network.decode(&map).unwrap();
        let logits = network.classify(&feature, mode).unwrap();
        assert_eq!(map.dims(), [2, 2, 2, network.feature_len()]);
        assert_eq!(feature.dims(), [2, network.feature_len()]);
        assert_eq!(formula::values(&logits), formula::values(&whole));
    }
}

#[test]
fn block_by_block_is_the_whole_network() {
    let images = formula::images("blocks", 2, 32, 32);
    let blocks: Vec<(usize, usize)> = {
        let stages = tiny().plan().unwrap().stages;
        stages.iter().enumerate().flat_map(|(s, blocks)| (0..blocks.len()).map(move |b| (s, b))).collect()
    };

    let mode = Mode::Train { seed: 4 };
    let whole = formula::network(&tiny(), 10).0.encode(&images, mode).unwrap();
    let (network, _) = formula::network(&tiny(), 10);
    let mut x = network.encode_stem(&images, mode).unwrap();
    for &(stage, block) in &blocks {
        x = network.encode_block(&x, stage, block, mode).unwrap();
    }
    let map = network.encode_head(&x, mode).unwrap();
    assert_eq!(formula::values(&map), formula::values(&whole));

    let evaluator = network.evaluator().unwrap();
    let mut x = evaluator.encode_stem(&images).unwrap();
    for &(stage, block) in &blocks {
        x = evaluator.encode_block(&x, stage, block).unwrap();
    }
    let logits = evaluator.classify(&evaluator.decode_head(&x).unwrap()).unwrap();
    assert_eq!(formula::values(&logits), formula::values(&evaluator.logits(&images).unwrap()));

    let absent = [(blocks.len(), 0), (0, 9)];
    assert!(absent.iter().all(|&(s, b)| network.encode_block(&x, s, b, mode).is_err()));
    assert!(absent.iter().all(|&(s, b)| evaluator.encode_block(&x, s, b).is_err()));
}

/// Zhou et al. 2016 (arXiv 1512.04150): exact, because pooling and classifier are linear.
#[test]
fn class_activation_maps_sum_to_the_logits_less_the_bias() {
    let arch = Arch::by_name("b0").unwrap().with_size(96);
    let (network, store) = formula::network(&arch, 7);
    let images = formula::images("image", 2, 96, 80);
    let evaluator = network.evaluator().unwrap();
    let encoded = evaluator.encode(&images).unwrap();
    let maps = evaluator.class_activation_maps(&encoded).unwrap();
    assert_eq!(maps.dims(), [2, 3, 3, 7]);
    let sums = formula::values(&maps.sum((1, 2)).unwrap());
    let logits = formula::values(&evaluator.logits(&images).unwrap());
    let bias = store.trainable().into_iter().find(|(name, _)| name == "classifier.bias").unwrap().1;
    let bias = formula::values(&bias);
    for (i, (sum, logit)) in sums.iter().zip(&logits).enumerate() {
        assert!((sum + bias[i % 7] - logit).abs() < 1e-5, "{sum} + {} is not {logit}", bias[i % 7]);
    }
    // A place adds what its local feature does: by the definition, with the weights as they are.
    let local = network.encode(&images, Mode::Eval).unwrap();
    let weight = store.trainable().into_iter().find(|(name, _)| name == "classifier.weight").unwrap().1;
    let (local, weight) = (formula::values(&local), formula::values(&weight));
    let features = weight.len() / 7;
    for (place, map) in formula::values(&maps).chunks(7).enumerate() {
        let feature = &local[place * features..][..features];
        for (class, found) in map.iter().enumerate() {
            let row = &weight[class * features..][..features];
            let exact: f64 =
                feature.iter().zip(row).map(|(f, w)| f64::from(*f) * f64::from(*w)).sum::<f64>() / 9.0;
            assert!(
                (f64::from(*found) - exact).abs() < 1e-5,
                "place {place}, class {class}: {found}, not {exact}"
            );
        }
    }
}

/// Selvaraju et al. 2017 (Grad-CAM): the weights are the derivatives of the logits, here by central differences of the head in f64.
#[test]
fn class_activation_maps_through_a_hidden_layer_are_weighted_by_gradients() {
    let arch = Arch::by_name("b0").unwrap().with_size(96);
    let (network, store) = formula::network(&arch.with_classifier(ClassifierKind::Mlp { hidden: 8 }), 7);
    let images = formula::images("image", 2, 96, 80);
    let evaluator = network.evaluator().unwrap();
    let local = evaluator.encode(&images).unwrap();
    let maps = formula::values(&evaluator.class_activation_maps(&local).unwrap());
    let logits = formula::values(&evaluator.logits(&images).unwrap());
    let tensors: HashMap<String, _> = store.tensors().unwrap().into_iter().collect();
    let of = |name: &str| formula::values(&tensors[&format!("classifier.{name}")]);
    let as_f64 = |values: Vec<f32>| values.into_iter().map(f64::from).collect::<Vec<f64>>();
    let [w1, b1, scale, shift, mean, var, w2, b2] =
        ["0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var", "3.weight", "3.bias"]
            .map(|name| as_f64(of(name)));
    let (features, places) = (w1.len() / 8, 9);
    let local = as_f64(formula::values(&local));
    // Of unit j, after batch norm and before its activation.
    let unit = |feature: &[f64], j: usize| {
        let row = &w1[j * features..][..features];
        let z = b1[j] + feature.iter().zip(row).map(|(f, w)| f * w).sum::<f64>();
        (z - mean[j]) * scale[j] / (var[j] + 1e-5).sqrt() + shift[j]
    };
    let head = |feature: &[f64]| -> Vec<f64> {
        let units = (0..8).map(|j| unit(feature, j)).map(|z| z / (1.0 + (-z).exp())).collect::<Vec<f64>>();
        (0..7).map(|class| b2[class] + (0..8).map(|j| w2[class * 8 + j] * units[j]).sum::<f64>()).collect()
    };
    for image in 0..2 {
        let at = |place: usize| &local[(image * places + place) * features..][..features];
        let whole = |k: usize| (0..places).map(|place| at(place)[k]).sum::<f64>() / places as f64;
        let feature: Vec<f64> = (0..features).map(whole).collect();
        for (class, exact) in head(&feature).into_iter().enumerate() {
            let logit = f64::from(logits[image * 7 + class]);
            assert!((logit - exact).abs() < 1e-4, "class {class}: {logit}, not {exact}");
        }
        let gradients: Vec<Vec<f64>> = (0..features)
            .map(|k| {
                let moved = |by: f64| {
                    let mut moved = feature.clone();
                    moved[k] += by;
                    head(&moved)
                };
                let (up, down) = (moved(1e-4), moved(-1e-4));
                up.iter().zip(down).map(|(up, down)| (up - down) / 2e-4).collect()
            })
            .collect();
        for place in 0..places {
            for class in 0..7 {
                let exact: f64 =
                    at(place).iter().zip(&gradients).map(|(f, by)| f * by[class] / places as f64).sum();
                let found = f64::from(maps[(image * places + place) * 7 + class]);
                assert!((found - exact).abs() < 1e-5, "place {place}, class {class}: {found}, not {exact}");
            }
        }
    }
}

#[test]
fn candles_layout_goes_in_at_its_own_door() {
    let (network, _) = formula::network(&tiny(), 10);
    let nhwc = formula::images("door", 2, 33, 47);
    let nchw = nhwc.permute((0, 3, 1, 2)).unwrap();
    let a = network.forward_t(&nhwc, Mode::Eval).unwrap();
    let b = network.forward_nchw(&nchw, Mode::Eval).unwrap();
    assert_eq!(formula::values(&a), formula::values(&b));
}

#[test]
fn the_stem_stride_decides_how_large_the_map_is() {
    let side = |stride| {
        let (network, _) = formula::network(&tiny().with_stem_stride(stride), 10);
        network.encode(&formula::images("stride", 1, 64, 64), Mode::Eval).unwrap().dim(1).unwrap()
    };
    assert_eq!((side(1), side(2)), (4, 2));
}

#[test]
fn images_of_another_shape_are_an_error() {
    let (network, _) = formula::network(&tiny(), 10);
    for shape in [vec![1, 3, 32, 32], vec![1, 32, 32, 4], vec![32, 32, 3], vec![3]] {
        let images = Tensor::zeros(shape.as_slice(), DType::F32, &Device::Cpu).unwrap();
        assert!(network.forward_t(&images, Mode::Eval).is_err(), "{shape:?}");
    }
}

#[test]
fn no_classes_is_an_error() {
    let store = ParameterStore::new(0, &Device::Cpu);
    let error = EfficientNet::new(&tiny(), 0, store.var_builder()).unwrap_err();
    assert!(matches!(error, Error::InvalidArch { .. }), "{error}");
}

#[test]
fn a_network_has_as_many_parameters_as_its_architecture_counts() {
    for arch in
        [tiny(), tiny().with_classifier(ClassifierKind::Mlp { hidden: 7 }), Arch::by_name("b1").unwrap()]
    {
        let store = ParameterStore::new(0, &Device::Cpu);
        EfficientNet::new(&arch, 10, store.var_builder()).unwrap();
        let built: usize = store.trainable().iter().map(|(_, var)| var.elem_count()).sum();
        assert_eq!(built, arch.parameters(10).unwrap(), "{}", arch.name);
    }
}

fn initial(seed: u64, arch: &Arch) -> HashMap<String, Vec<f32>> {
    let store = ParameterStore::new(seed, &Device::Cpu);
    EfficientNet::new(arch, 10, store.var_builder()).unwrap();
    store.tensors().unwrap().into_iter().map(|(name, t)| (name, formula::values(&t))).collect()
}

#[test]
fn first_values_depend_on_seed_and_name_alone() {
    let one = initial(1, &tiny());
    assert!(one == initial(1, &tiny()));
    assert_ne!(one["conv_stem.weight"], initial(2, &tiny())["conv_stem.weight"]);
    let other_head = initial(1, &tiny().with_classifier(ClassifierKind::Mlp { hidden: 8 }));
    for (name, values) in one.iter().filter(|(name, _)| !name.starts_with("classifier")) {
        assert_eq!(values, &other_head[name], "{name}");
    }
    // Two tensors of one shape are not the same draw.
    assert_ne!(one["blocks.1.0.conv_dw.weight"][..9], one["blocks.3.0.conv_dw.weight"][..9]);
}

/// timm's `_init_weight_goog`: convolutions N(0, 2 / (k k out / groups)), batch norm one and zero; but the classifier
/// U(1 / sqrt(in)), as `torch.nn.Linear`, which has more inputs than classes here.
#[test]
fn first_values_are_distributed_as_timms() {
    let values = initial(3, &Arch::by_name("b0").unwrap());
    let deviation = |name: &str| {
        let v = &values[name];
        (v.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / v.len() as f64).sqrt()
    };
    let expected = [
        ("conv_head.weight", (2.0f64 / 1280.0).sqrt()),
        ("blocks.6.0.conv_pwl.weight", (2.0f64 / 320.0).sqrt()),
        ("blocks.5.1.conv_dw.weight", (2.0f64 / 25.0).sqrt()),
        ("blocks.5.1.se.conv_reduce.weight", (2.0f64 / 48.0).sqrt()),
        ("classifier.weight", (1.0f64 / 1280.0 / 3.0).sqrt()),
    ];
    for (name, expected) in expected {
        // 12,800 to 409,600 values: the sampling error of the deviation is below 1 %.
        assert!(
            (deviation(name) / expected - 1.0).abs() < 0.03,
            "{name}: {}, not {expected}",
            deviation(name)
        );
    }
    let largest = values["classifier.weight"].iter().fold(0f32, |a, v| a.max(v.abs()));
    assert!(largest <= (1f32 / 1280.0).sqrt(), "{largest}");
    for (name, v) in &values {
        let constant = match name.rsplit('.').next() {
            Some("bias" | "running_mean") => Some(0.0),
            Some("running_var") => Some(1.0),
            Some("weight") if name.contains("bn") => Some(1.0),
            _ => None,
        };
        assert!(constant.is_none_or(|c| v.iter().all(|&x| x == c)), "{name}");
    }
}

#[test]
fn the_head_for_frozen_bodies_stands_alone() {
    let store = ParameterStore::new(0, &Device::Cpu);
    let kind = ClassifierKind::Mlp { hidden: 16 };
    let head = Classifier::new(kind, 40, 10, 0.5, store.var_builder().pp("classifier")).unwrap();
    let features = Tensor::rand(0f32, 1f32, (6, 40), &Device::Cpu).unwrap();
    assert_eq!(head.forward_t(&features, Mode::Train { seed: 1 }).unwrap().dims(), [6, 10]);
    assert_eq!(head.forward_t(&features, Mode::Eval).unwrap().dims(), [6, 10]);
    let names: Vec<String> = store.tensors().unwrap().into_keys().collect();
    let expected = [
        "classifier.0.bias",
        "classifier.0.weight",
        "classifier.1.bias",
        "classifier.1.running_mean",
        "classifier.1.running_var",
        "classifier.1.weight",
        "classifier.3.bias",
        "classifier.3.weight",
    ];
    assert_eq!(names, expected);
}

#[test]
fn a_store_takes_over_a_whole_set_of_tensors_or_nothing() {
    let (_, from) = formula::network(&tiny(), 10);
    let to = ParameterStore::new(9, &Device::Cpu);
    EfficientNet::new(&tiny(), 10, to.var_builder()).unwrap();
    let before = to.tensors().unwrap();
    let mut tensors: HashMap<String, Tensor> = from.tensors().unwrap().into_iter().collect();

    let bias = tensors.remove("classifier.bias").unwrap();
    tensors.insert("surplus".to_string(), bias.clone());
    let stem = tensors.insert("conv_stem.weight".to_string(), bias.clone()).unwrap();
    let text = to.load(&tensors).unwrap_err().to_string();
    for part in ["classifier.bias", "surplus", "conv_stem.weight is [10] where [8, 3, 3, 3] is needed"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    for (name, t) in to.tensors().unwrap() {
        assert_eq!(formula::values(&t), formula::values(&before[&name]), "{name}");
    }

    tensors.remove("surplus");
    tensors.insert("classifier.bias".to_string(), bias);
    tensors.insert("conv_stem.weight".to_string(), stem);
    to.load(&tensors).unwrap();
    for (name, t) in to.tensors().unwrap() {
        assert_eq!(formula::values(&t), formula::values(&tensors[&name]), "{name}");
    }
}

#[test]
fn a_network_knows_which_parameters_are_its_classifiers() {
    let hidden = ["0.bias", "0.weight", "1.bias", "1.weight", "3.bias", "3.weight"];
    for (kind, expected) in
        [(ClassifierKind::Linear, &["bias", "weight"][..]), (ClassifierKind::Mlp { hidden: 8 }, &hidden)]
    {
        for prefix in ["", "net", "net.student"] {
            let store = ParameterStore::new(0, &Device::Cpu);
            let builder = match prefix {
                "" => store.var_builder(),
                prefix => store.var_builder().pp(prefix),
            };
            let network = EfficientNet::new(&tiny().with_classifier(kind), 10, builder).unwrap();
            let names: Vec<String> = store.trainable().into_iter().map(|(name, _)| name).collect();
            let of_classifier: Vec<&String> =
                names.iter().filter(|name| network.is_classifier(name)).collect();
            let dot = if prefix.is_empty() { "" } else { "." };
            let full: Vec<String> =
                expected.iter().map(|name| format!("{prefix}{dot}classifier.{name}")).collect();
            assert_eq!(of_classifier, full.iter().collect::<Vec<_>>());
            assert!(names.len() > of_classifier.len() + 50, "a backbone of {} parameters", names.len());
        }
    }
}

#[test]
fn the_running_statistics_of_a_hidden_layer_are_its_classifiers_and_other_names_are_not() {
    let store = ParameterStore::new(0, &Device::Cpu);
    let arch = tiny().with_classifier(ClassifierKind::Mlp { hidden: 8 });
    let network = EfficientNet::new(&arch, 10, store.var_builder().pp("net")).unwrap();
    assert!(network.is_classifier("net.classifier.1.running_mean"));
    for name in [
        "net.bn2.running_mean",
        "net.classifier",
        "net.classifiers.bias",
        "classifier.0.bias",
        "network.classifier.bias",
    ] {
        assert!(!network.is_classifier(name), "{name}");
    }
}
