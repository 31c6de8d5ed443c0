//! Memory, as the allocator counts it: the cost model's against what is allocated, and what it takes to load weights. A program of
//! its own, because of that.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use effnet_model::candle::{DType, Device, Tensor, Var};
use effnet_model::{
    Arch, ClassifierKind, EfficientNet, Error, Mode, ModelCard, ParameterStore, SavedModel, WeightsFile,
    load_pretrained, save_weights,
};
use effnet_ops::{Sgd, SgdParam, sgd_step};
use peak_alloc::PeakAlloc;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// The most bytes that are allocated while `work` runs, beyond those before.
fn most_bytes(work: impl FnOnce()) -> f64 {
    ALLOCATOR.reset_peak_usage();
    let before = ALLOCATOR.peak_usage();
    work();
    (ALLOCATOR.peak_usage() - before) as f64
}

/// As far as the model may be off: it leaves out what products pack, and what is made ready for them.
const OFF: f64 = 0.25;

/// Held by a test, for nothing else may allocate meanwhile.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn loading_takes_little_more_than_the_file() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("b7.safetensors");
    let arch = Arch::by_name("b7").unwrap();
    let store = ParameterStore::new(0, &Device::Cpu);
    EfficientNet::new(&arch, 1000, store.var_builder()).unwrap();
    save_weights(&store, &path, &BTreeMap::new()).unwrap();
    drop(store);
    let file = std::fs::metadata(&path).unwrap().len() as f64;
    let names = most_bytes(|| drop(WeightsFile::open(&path).unwrap()));
    assert!(names < 0.05 * file, "{names} bytes to look into {file}");
    let member = most_bytes(|| {
        let told = WeightsFile::open(&path).unwrap().identify();
        assert!(matches!(told, Err(Error::ArchNeeded { .. })), "{told:?}");
    });
    assert!(member < 0.05 * file, "{member} bytes to tell which member {file} bytes are of");
    let network = most_bytes(|| {
        drop(load_pretrained(&WeightsFile::open(&path).unwrap(), &arch, 1000, 0, &Device::Cpu).unwrap())
    });
    assert!(network > file && network < 1.2 * file, "{network} bytes for a network of {file}");
    let model = most_bytes(|| drop(SavedModel::from_file(&path, Some(&arch), &Device::Cpu).unwrap()));
    assert!(model > file && model < 1.3 * file, "{model} bytes for a model of {file}");
}

#[test]
fn looking_into_an_archive_takes_no_memory_for_its_content() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().unwrap();
    let bare = folder.path().join("b0.safetensors");
    let store = ParameterStore::new(0, &Device::Cpu);
    EfficientNet::new(&Arch::by_name("b0").unwrap(), 1000, store.var_builder()).unwrap();
    save_weights(&store, &bare, &BTreeMap::new()).unwrap();
    drop(store);
    let content = std::fs::read(&bare).unwrap();
    let path = folder.path().join("b0.whl");
    let mut zip = ZipWriter::new(File::create(&path).unwrap());
    zip.start_file("b0/b0.safetensors", SimpleFileOptions::default()).unwrap();
    zip.write_all(&content).unwrap();
    zip.finish().unwrap();
    let bytes = most_bytes(|| drop(WeightsFile::open(&path).unwrap()));
    let (file, packed) = (content.len(), std::fs::metadata(&path).unwrap().len());
    assert!(packed < file as u64, "{packed} bytes of {file}");
    assert!(bytes < 0.05 * file as f64, "{bytes} bytes to look into {file}");
}

/// A card of a few hundred bytes can speak of a network of a hundred gigabytes.
#[test]
fn a_network_that_its_file_does_not_have_takes_no_memory() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().unwrap();
    let tiny = Arch::by_name("b0").unwrap().with_scaling(0.1, 0.1);
    let store = ParameterStore::new(0, &Device::Cpu);
    EfficientNet::new(&tiny, 2, store.var_builder()).unwrap();
    save_weights(&store, &folder.path().join("net"), &BTreeMap::new()).unwrap();
    let huge = tiny.clone().with_scaling(160.0, 160.0);
    assert!(huge.parameters(2).unwrap() > 10_000_000_000);
    let wide = tiny.with_classifier(ClassifierKind::Mlp { hidden: 1 << 20 });
    for arch in [huge, wide] {
        let classes = vec!["cat".to_owned(), "dog".to_owned()];
        let card = ModelCard::new(arch, classes, vec!["net".to_owned()]);
        card.write(folder.path()).unwrap();
        let mut opened = None;
        let bytes = most_bytes(|| opened = Some(SavedModel::open(folder.path(), &Device::Cpu)));
        let error = opened.unwrap().unwrap_err();
        assert!(matches!(error, Error::WeightsMismatch { .. }), "{error}");
        // Names, shapes and handles of the tensors that it would have: 50 MB, some more where candle has CUDA.
        assert!(bytes < 6e7, "{bytes} bytes for {}", card.arch.name);
    }
}

#[test]
fn memory_is_what_is_allocated() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for (name, size, batch) in [("b0", 128, 8), ("b0", 224, 2), ("b2", 96, 4), ("efficientnet_lite0", 128, 8)]
    {
        let arch = Arch::by_name(name).unwrap().with_size(size);
        let cost = arch.cost(10).unwrap();
        let near = |found: f64, expected: u64, what: &str| {
            let off = expected as f64 / found - 1.0;
            assert!(
                off.abs() < OFF,
                "{what} of {batch} x {name} at {size}: {expected} for {found}, off {off:.2}"
            );
        };
        let network = || {
            let store = ParameterStore::new(0, &Device::Cpu);
            (EfficientNet::new(&arch, 10, store.var_builder()).unwrap(), store)
        };
        let images = || Tensor::ones((batch, size, size, 3), DType::F32, &Device::Cpu).unwrap();

        let step = || {
            let (network, store) = network();
            let parameters: Vec<Var> = store.trainable().into_iter().map(|(_, var)| var).collect();
            let at_rest = |var: &Var| Var::from_tensor(&var.zeros_like().unwrap()).unwrap();
            let velocities: Vec<Var> = parameters.iter().map(at_rest).collect();
            let logits = network.forward_t(&images(), Mode::Train { seed: 1 }).unwrap();
            let gradients = effnet_ops::backward(&logits.sqr().unwrap().sum_all().unwrap()).unwrap();
            let moved: Vec<SgdParam<'_>> = parameters
                .iter()
                .zip(&velocities)
                .filter_map(|(parameter, velocity)| {
                    Some(SgdParam { parameter, velocity, gradient: gradients.get(parameter)? })
                })
                .collect();
            assert_eq!(moved.len(), parameters.len());
            sgd_step(&moved, &Sgd { lr: 1e-3, momentum: 0.9, weight_decay: 0.0 }).unwrap();
        };
        near(most_bytes(step), cost.training_bytes(batch), "a training step");

        let predict = || {
            let (network, _store) = network();
            network.evaluator().unwrap().logits(&images()).unwrap();
        };
        near(most_bytes(predict), cost.inference_bytes(batch), "inference");
    }
}
