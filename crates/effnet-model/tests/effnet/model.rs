//! Saved weights and models, read back.

use std::collections::BTreeMap;
use std::path::Path;

use effnet_model::candle::{Device, IndexOp, Tensor};
use effnet_model::{
    ARCH_KEY, Arch, ClassifierKind, Error, Mode, ModelCard, ParameterStore, SavedModel, TestViews,
    WeightsFile, read_weights, save_weights,
};

use crate::formula;

fn tiny() -> Arch {
    Arch::by_name("b0").unwrap().with_scaling(0.1, 0.1).with_size(32)
}

fn card(networks: &[&str]) -> ModelCard {
    let arch = tiny().with_classifier(ClassifierKind::Mlp { hidden: 8 });
    let classes = vec!["cat".to_string(), "dog".to_string()];
    let networks = networks.iter().map(|n| n.to_string()).collect();
    ModelCard { version: "1.2.3".to_string(), ..ModelCard::new(arch, classes, networks) }
}

/// Networks with weights of their own, saved in `folder` with their card.
fn save(folder: &Path, card: &ModelCard) -> Vec<effnet_model::EfficientNet> {
    let network = |(seed, name): (usize, &String)| {
        let store = ParameterStore::new(seed as u64, &Device::Cpu);
        let network = effnet_model::EfficientNet::new(&card.arch, 2, store.var_builder()).unwrap();
        save_weights(&store, &folder.join(name), &BTreeMap::new()).unwrap();
        network
    };
    card.write(folder).unwrap();
    card.networks.iter().enumerate().map(network).collect()
}

#[test]
fn weights_survive_a_file_and_the_same_weights_give_the_same_bytes() {
    let folder = formula::scratch();
    let (_, store) = formula::network(&tiny(), 10);
    let metadata: BTreeMap<String, String> =
        (0..20).map(|i| (format!("key{i}"), format!("value \"{i}\" é"))).collect();
    let (a, b) = (folder.path().join("a.safetensors"), folder.path().join("b.safetensors"));
    save_weights(&store, &a, &metadata).unwrap();
    save_weights(&store, &b, &metadata).unwrap();
    assert!(std::fs::read(&a).unwrap() == std::fs::read(&b).unwrap());
    assert_eq!(WeightsFile::open(&a).unwrap().metadata().unwrap(), metadata);
    let read = read_weights(&a).unwrap();
    let tensors = store.tensors().unwrap();
    assert_eq!(read.len(), tensors.len());
    for (name, t) in tensors {
        assert_eq!(read[&name].dims(), t.dims(), "{name}");
        assert_eq!(formula::values(&read[&name]), formula::values(&t), "{name}");
    }
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 2, "no temporary files stay");
}

/// As any file that a program makes: what the umask leaves of rw-rw-rw-.
#[cfg(unix)]
#[test]
fn a_saved_file_has_the_permissions_of_any_other() {
    use std::os::unix::fs::PermissionsExt;
    let folder = formula::scratch();
    let (ours, plain) = (folder.path().join("ours.safetensors"), folder.path().join("plain"));
    save_weights(&formula::network(&tiny(), 10).1, &ours, &BTreeMap::new()).unwrap();
    std::fs::write(&plain, "").unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&ours), mode(&plain));
}

#[test]
fn a_file_that_cannot_be_written_is_an_error_with_its_path() {
    let folder = formula::scratch();
    let (_, store) = formula::network(&tiny(), 10);
    let path = folder.path().join("absent").join("net.safetensors");
    let error = save_weights(&store, &path, &BTreeMap::new()).unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error}");
    assert!(error.to_string().contains("net.safetensors"), "{error}");
}

#[test]
fn a_saved_model_predicts_by_the_mean_of_its_networks_logits() {
    let folder = formula::scratch();
    let card = card(&["net1.safetensors", "net2.safetensors"]);
    let networks = save(folder.path(), &card);
    let images = formula::images("saved", 3, 32, 32);
    let model = SavedModel::open(folder.path(), &Device::Cpu).unwrap();
    assert_eq!(model.card, card);
    let [a, b] = [0, 1].map(|i| formula::values(&networks[i].forward_t(&images, Mode::Eval).unwrap()));
    assert_ne!(a, b);
    let found = formula::values(&model.logits(&images).unwrap());
    for i in 0..found.len() {
        assert!((found[i] - (a[i] + b[i]) / 2.0).abs() < 1e-6, "{i}");
    }
    let first = networks[0].decode(&networks[0].encode(&images, Mode::Eval).unwrap()).unwrap();
    let outputs = model.outputs(&images).unwrap();
    assert_eq!(formula::values(&outputs.logits), found);
    assert_eq!(formula::values(&outputs.embeddings), formula::values(&first));
}

#[test]
fn a_saved_models_maps_are_the_mean_of_its_networks() {
    let folder = formula::scratch();
    let linear = ModelCard { arch: tiny(), ..card(&["net1.safetensors", "net2.safetensors"]) };
    let networks = save(folder.path(), &linear);
    let model = SavedModel::open(folder.path(), &Device::Cpu).unwrap();
    let outputs = model.outputs(&formula::images("saved", 3, 32, 32)).unwrap();
    let maps = model.class_activation_maps(&outputs.local_features).unwrap();
    let each = [0, 1].map(|i| networks[i].evaluator().unwrap());
    let of = |i: usize| each[i].class_activation_maps(&outputs.local_features[i]).unwrap();
    let mean = ((of(0) + of(1)).unwrap() / 2.0).unwrap();
    assert_eq!(maps.dims(), mean.dims());
    assert!(formula::values(&maps).iter().zip(formula::values(&mean)).all(|(a, b)| (a - b).abs() < 1e-6));
    assert!(model.class_activation_maps(&outputs.local_features[..1]).is_err());
}

#[test]
fn views_are_mirrored_or_cut_and_their_logits_averaged() {
    let folder = formula::scratch();
    save(folder.path(), &card(&["a.safetensors", "b.safetensors"]));
    let model = SavedModel::open(folder.path(), &Device::Cpu).unwrap();
    let images = formula::images("image", 2, 40, 48);
    let mean = |views: &[Tensor]| -> Vec<f32> {
        let all: Vec<Vec<f32>> = views.iter().map(|v| formula::values(&model.logits(v).unwrap())).collect();
        (0..all[0].len()).map(|i| all.iter().map(|one| one[i]).sum::<f32>() / all.len() as f32).collect()
    };
    let check = |views: TestViews, expected: &[Tensor]| {
        let found = views.of(&images).unwrap();
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert_eq!((found.dims(), formula::values(found)), (expected.dims(), formula::values(expected)));
        }
        let found = formula::values(&model.logits_of_views(&images, views).unwrap());
        assert!(found.iter().zip(mean(expected)).all(|(a, b)| (a - b).abs() < 1e-6));
    };
    let columns: Vec<u32> = (0..48).rev().collect();
    let mirrored = images.index_select(&Tensor::new(columns, &Device::Cpu).unwrap(), 2).unwrap();
    check(TestViews::Flip, &[images.clone(), mirrored]);
    let cut = |top: usize, left: usize| {
        images.i((.., top..top + 32, left..left + 32, ..)).unwrap().contiguous().unwrap()
    };
    check(TestViews::Crops { size: 32 }, &[cut(0, 0), cut(0, 16), cut(8, 0), cut(8, 16), cut(4, 8)]);
    assert!(TestViews::Crops { size: 41 }.of(&images).is_err());
}

#[test]
fn a_run_folder_is_opened_by_the_model_in_it() {
    let run = formula::scratch();
    let folder = run.path().join("model");
    std::fs::create_dir(&folder).unwrap();
    let card = card(&["net1.safetensors"]);
    save(&folder, &card);
    assert_eq!(SavedModel::open(run.path(), &Device::Cpu).unwrap().card, card);
    assert_eq!(SavedModel::open(&folder, &Device::Cpu).unwrap().card, card);
}

#[test]
fn a_damaged_card_is_an_error_that_says_where() {
    let folder = formula::scratch();
    let open = || SavedModel::open(folder.path(), &Device::Cpu).unwrap_err().to_string();
    assert!(open().contains("model.json"), "{}", open());

    let path = folder.path().join("model.json");
    std::fs::write(&path, "{\n \"arch\": 3}").unwrap();
    assert!(open().contains("model.json") && open().contains("line 2"), "{}", open());

    let written = |card: ModelCard| {
        card.write(folder.path()).unwrap();
        open()
    };
    assert!(written(ModelCard { classes: vec![], ..card(&["a"]) }).contains("no classes"));
    assert!(written(card(&["../a.safetensors"])).contains("../a.safetensors"));
    assert!(written(card(&["absent.safetensors"])).contains("absent.safetensors"));
    let arch = Arch { stem_stride: 5, ..tiny() };
    assert!(written(ModelCard { arch, ..card(&["a"]) }).contains("stem stride 5"));
    assert!(written(card(&["a", "b", "a"])).contains("a network twice"));
    for std in [0.0, -1.0, 1e-40] {
        let mut arch = tiny();
        arch.preprocessing.std[2] = std;
        let text = written(ModelCard { arch, ..card(&["a"]) });
        assert!(text.contains("and std [0.229, 0.224, "), "{text}");
    }
}

#[test]
fn every_truncation_of_a_card_is_an_error() {
    let folder = formula::scratch();
    let (path, card) = (folder.path().join("model.json"), card(&["a", "b"]));
    card.write(folder.path()).unwrap();
    let whole = std::fs::read(&path).unwrap();
    // But for that of the line end after it.
    for end in 0..whole.len() - 1 {
        std::fs::write(&path, &whole[..end]).unwrap();
        assert!(ModelCard::read(folder.path()).is_err(), "{end} bytes of {}", whole.len());
    }
    std::fs::write(&path, &whole).unwrap();
    assert_eq!(ModelCard::read(folder.path()).unwrap(), card);
}

#[test]
fn weights_of_another_network_than_the_cards_are_named() {
    let folder = formula::scratch();
    let card = card(&["net1.safetensors"]);
    save(folder.path(), &card);
    let three = ["cat", "dog", "bird"].map(String::from).to_vec();
    ModelCard { classes: three, ..card }.write(folder.path()).unwrap();
    let text = SavedModel::open(folder.path(), &Device::Cpu).unwrap_err().to_string();
    assert!(text.contains("classifier.3.weight is [2, 8] where [3, 8] is needed"), "{text}");
}

#[test]
fn a_bare_file_of_no_published_member_needs_an_architecture_or_a_record_of_it() {
    let folder = formula::scratch();
    let (network, store) = formula::network(&tiny(), 7);
    let path = folder.path().join("bare.safetensors");
    save_weights(&store, &path, &BTreeMap::new()).unwrap();
    let error = SavedModel::from_file(&path, None, &Device::Cpu).unwrap_err();
    assert!(matches!(error, Error::OtherNetwork { .. }), "{error}");

    let images = formula::images("bare", 1, 32, 32);
    let expected = formula::values(&network.forward_t(&images, Mode::Eval).unwrap());
    let check = |arch: Option<&Arch>| {
        let model = SavedModel::from_file(&path, arch, &Device::Cpu).unwrap();
        assert_eq!(formula::values(&model.logits(&images).unwrap()), expected);
        assert_eq!(model.card.classes, ["0", "1", "2", "3", "4", "5", "6"]);
    };
    check(Some(&tiny()));
    let json = serde_json::to_string(&tiny()).unwrap();
    save_weights(&store, &path, &BTreeMap::from([(ARCH_KEY.to_string(), json)])).unwrap();
    check(None);
}
