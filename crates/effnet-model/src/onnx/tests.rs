//! The graph read back and computed by candle's own operations, one node at a time: a slow reference for what a runtime does with it.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{D, DType, Device, Tensor};
use effnet_ops::Padding;
use prost::Message;

use super::model::{INPUT, OPSET, OUTPUT, model, model_of_heads};
use super::proto::{Attribute, Model, Node};
use crate::{
    Arch, BodyCard, Classifier, ClassifierKind, EfficientNet, Mode, ModelCard, ParameterStore, SavedHeads,
    SavedModel, SavedNetworks, save_body, save_head,
};

/// What a node computes.
fn compute(node: &Node, x: &[&Tensor]) -> candle_core::Result<Tensor> {
    let attribute = |name: &str| node.attribute.iter().find(|attribute| attribute.name == name);
    let ints = |name: &str| -> Vec<usize> {
        let found: &Attribute = attribute(name).unwrap();
        found.ints.iter().map(|n| *n as usize).collect()
    };
    match node.op_type.as_str() {
        "Conv" => {
            let (pads, strides) = (ints("pads"), ints("strides"));
            let padded = x[0].pad_with_zeros(2, pads[0], pads[2])?.pad_with_zeros(3, pads[1], pads[3])?;
            let groups = attribute("group").unwrap().i as usize;
            let y = padded.conv2d(x[1], 0, strides[0], 1, groups)?;
            y.broadcast_add(&x[2].reshape((1, x[2].elem_count(), 1, 1))?)
        }
        "Gemm" => x[0].matmul(&x[1].t()?)?.broadcast_add(x[2]),
        "Sigmoid" => (x[0].neg()?.exp()? + 1.0)?.recip(),
        "Clip" => x[0].broadcast_maximum(x[1])?.broadcast_minimum(x[2]),
        "Mul" => x[0].broadcast_mul(x[1]),
        "Add" => x[0].broadcast_add(x[1]),
        "GlobalAveragePool" => x[0].mean_keepdim(D::Minus1)?.mean_keepdim(D::Minus2),
        "Flatten" => x[0].flatten_from(1),
        "ReduceL2" => {
            assert_eq!(ints("axes"), [1]);
            x[0].sqr()?.sum_keepdim(1)?.sqrt()
        }
        "Max" => x[0].broadcast_maximum(x[1]),
        "Div" => x[0].broadcast_div(x[1]),
        "Concat" => Tensor::cat(x, attribute("axis").unwrap().i as usize),
        "Identity" => Ok(x[0].clone()),
        other => candle_core::bail!("operator {other}"),
    }
}

/// The output of a model for images [N, 3, H, W], or for features [N, F].
fn run(model: &Model, input: &Tensor) -> Tensor {
    let graph = model.graph.as_ref().unwrap();
    let mut values: HashMap<&str, Tensor> = HashMap::from([(graph.input[0].name.as_str(), input.clone())]);
    for weight in &graph.initializer {
        let dims: Vec<usize> = weight.dims.iter().map(|n| *n as usize).collect();
        let tensor = Tensor::from_raw_buffer(&weight.raw_data, DType::F32, &dims, &Device::Cpu).unwrap();
        values.insert(&weight.name, tensor);
    }
    for node in &graph.node {
        let inputs: Vec<&Tensor> = node.input.iter().map(|name| &values[name.as_str()]).collect();
        let y = compute(node, &inputs).unwrap_or_else(|error| panic!("{}: {error}", node.name));
        assert!(values.insert(&node.output[0], y).is_none(), "{} is computed twice", node.name);
    }
    values.remove(OUTPUT).unwrap()
}

/// A network whose running statistics are not the first ones.
fn network(arch: &Arch, seed: u64) -> EfficientNet {
    let store = ParameterStore::new(seed, &Device::Cpu);
    let network = EfficientNet::new(arch, 5, store.var_builder()).unwrap();
    for step in 0..3 {
        network.forward_t(&images(4, arch.size, step), Mode::TrainNoGrad { seed: step }).unwrap();
    }
    network
}

/// [N, size, size, 3]
fn images(n: usize, size: usize, seed: u64) -> Tensor {
    let store = ParameterStore::new(seed, &Device::Cpu);
    let init = candle_nn::init::DEFAULT_KAIMING_NORMAL;
    store.var_builder().get_with_hints((n, size, size, 3), "images", init).unwrap().affine(40.0, 0.1).unwrap()
}

fn card(arch: &Arch, networks: usize) -> ModelCard {
    let classes = ["a", "b", "c", "d", "\"e\""].map(str::to_owned).to_vec();
    ModelCard::new(arch.clone(), classes, (0..networks).map(|n| n.to_string()).collect())
}

fn check(arch: &Arch, count: usize) {
    let networks: Vec<EfficientNet> = (0..count).map(|seed| network(arch, seed as u64)).collect();
    let bytes = model(&card(arch, count), &networks).unwrap().encode_to_vec();
    let read = Model::decode(&bytes[..]).unwrap();
    for n in [1, 3] {
        let images = images(n, arch.size, 9);
        let logits = networks.iter().map(|network| network.forward_t(&images, Mode::Eval).unwrap());
        let expected = Tensor::stack(&logits.collect::<Vec<_>>(), 0).unwrap().mean(0).unwrap();
        let nchw = images.permute((0, 3, 1, 2)).unwrap().contiguous().unwrap();
        let found = run(&read, &nchw);
        assert_eq!(found.dims(), [n, 5]);
        is_near(&found, &expected);
    }
}

fn is_near(found: &Tensor, expected: &Tensor) {
    let values = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert_eq!(found.dims(), expected.dims());
    let (found, expected) = (values(found), values(expected));
    let largest = expected.iter().fold(0f32, |a, b| a.max(b.abs()));
    let off = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max) / largest;
    assert!(largest > 1e-3 && off < 1e-4, "{off:.1e} of {largest}");
}

/// A saved model of heads on the networks of these architectures, or on features of one's own.
fn heads(folder: &Path, archs: &[Arch], features: Option<usize>) -> SavedModel {
    let classes = ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec();
    let kind = ClassifierKind::Mlp { hidden: 8 };
    let names = ["head1.safetensors", "head2.safetensors"].map(str::to_owned).to_vec();
    let first = archs.first().cloned().unwrap_or_else(|| small("b0")).with_classifier(kind);
    let mut card = ModelCard { features, ..ModelCard::new(first, classes, names) };
    for (arch, number) in archs.iter().zip(1..) {
        let store = ParameterStore::new(number, &Device::Cpu);
        let network = EfficientNet::new(arch, 5, store.var_builder()).unwrap();
        network.forward_t(&images(4, arch.size, number), Mode::TrainNoGrad { seed: number }).unwrap();
        let weights = format!("body{number}.safetensors");
        save_body(&folder.join(&weights), arch, &store).unwrap();
        card.bodies.push(BodyCard { arch: arch.clone(), weights });
    }
    for (name, seed) in card.networks.iter().zip(7..) {
        let store = ParameterStore::new(seed, &Device::Cpu);
        let length = card.feature_len().unwrap();
        Classifier::new(kind, length, 5, 0.0, store.var_builder().pp("classifier")).unwrap();
        save_head(&folder.join(name), &card.classes, &store).unwrap();
    }
    card.write(folder).unwrap();
    SavedModel::open(folder, &Device::Cpu).unwrap()
}

fn graph_of_heads(folder: &Path) -> Model {
    let saved = SavedHeads::open(folder).unwrap().unwrap();
    Model::decode(&model_of_heads(&saved).unwrap().encode_to_vec()[..]).unwrap()
}

#[test]
fn bodies_side_by_side_are_one_graph() {
    let folder = tempfile::tempdir().unwrap();
    // Of other means and deviations, and another length of features.
    let other = small("efficientnet_lite0").with_size(40);
    let archs = [small("b0").with_size(40), Arch { scaling: small("b2").scaling, ..other }];
    let saved = heads(folder.path(), &archs, None);
    let images = images(3, 40, 9);
    let outputs = saved.outputs(&images).unwrap();
    let lengths = archs.each_ref().map(|arch| arch.plan().unwrap().head);
    assert_eq!(outputs.embeddings.dims(), [3, lengths[0] + lengths[1]]);
    let of_first = outputs.embeddings.narrow(1, 0, lengths[0]).unwrap().sqr().unwrap().sum(1).unwrap();
    assert!(of_first.to_vec1::<f32>().unwrap().iter().all(|norm| (norm - lengths[0] as f32).abs() < 1e-2));
    assert!(saved.class_activation_maps(&outputs.local_features).is_err());
    let nchw = images.permute((0, 3, 1, 2)).unwrap().contiguous().unwrap();
    is_near(&run(&graph_of_heads(folder.path()), &nchw), &outputs.logits);
    let error = SavedNetworks::open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("several networks side by side"), "{error}");
}

#[test]
fn heads_on_features_of_one_s_own_take_features() {
    let folder = tempfile::tempdir().unwrap();
    let saved = heads(folder.path(), &[], Some(6));
    let features = Tensor::randn(0f32, 1.0, (3, 6), &Device::Cpu).unwrap();
    let logits = saved.logits_of_features(&features).unwrap();
    is_near(&run(&graph_of_heads(folder.path()), &features), &logits);
    assert!(saved.outputs(&images(1, 32, 0)).is_err());
    assert!(saved.logits_of_features(&features.narrow(1, 0, 5).unwrap()).is_err());
}

fn small(name: &str) -> Arch {
    Arch::by_name(name).unwrap().with_scaling(0.3, 0.5)
}

#[test]
fn a_graph_computes_what_the_network_does() {
    check(&small("b0").with_size(64), 1);
    check(&small("b0").with_size(40).with_stem_stride(1), 1);
    check(&small("b1").with_size(47), 1);
    check(&small("efficientnet_lite0").with_size(64), 1);
}

#[test]
fn same_padding_is_that_of_the_graphs_size() {
    for size in [31, 45, 64] {
        let arch = small("tf_efficientnet_b0").with_size(size);
        assert_eq!(arch.padding, Padding::Same);
        check(&arch, 1);
    }
}

#[test]
fn fixed_padding_is_that_of_the_published_size() {
    for size in [33, 45, 64] {
        let arch = small("efficientnet_lite0").with_size(size);
        assert_eq!(arch.padding, Padding::Fixed(224));
        check(&arch, 1);
    }
}

#[test]
fn networks_are_averaged_and_a_hidden_layer_is_part_of_the_classifier() {
    check(&small("b0").with_size(32).with_classifier(ClassifierKind::Mlp { hidden: 8 }), 2);
    check(&small("b0").with_size(32), 3);
}

#[test]
fn a_model_says_what_it_is_and_what_it_takes() {
    let arch = small("efficientnet_lite0").with_size(32);
    let made = model(&card(&arch, 1), &[network(&arch, 0)]).unwrap();
    assert_eq!(made.opset_import[0].version, OPSET);
    let entry = |key: &str| &made.metadata_props.iter().find(|entry| entry.key == key).unwrap().value;
    assert_eq!(entry("classes"), r#"["a","b","c","d","\"e\""]"#);
    assert_eq!(entry("size"), "32");
    let mean: [f32; 3] = serde_json::from_str(entry("mean")).unwrap();
    assert_eq!(mean, arch.preprocessing.mean);
    let read: Arch = serde_json::from_str(entry("arch")).unwrap();
    assert_eq!(read, arch);
    let input = &made.graph.unwrap().input[0];
    assert_eq!(input.name, INPUT);
    let shape = input.r#type.as_ref().unwrap().tensor_type.as_ref().unwrap().shape.as_ref().unwrap();
    use super::proto::Size::{DimParam, DimValue};
    let dims: Vec<_> = shape.dim.iter().map(|dim| dim.value.clone().unwrap()).collect();
    assert_eq!(dims, [DimParam("N".to_owned()), DimValue(3), DimValue(32), DimValue(32)]);
}
