//! Networks for grey images and for images with opacity.

use effnet_model::candle::{DType, Device, Tensor};
use effnet_model::{
    Arch, EfficientNet, Error, Layout, Library, Mode, ModelCard, ParameterStore, SavedModel, WeightsFile,
    load_pretrained, save_for, save_weights,
};

use crate::formula;
use crate::hollow;

fn small(channels: usize) -> Arch {
    Arch::by_name("b0").unwrap().with_scaling(0.1, 0.1).with_channels(channels)
}

fn images(channels: usize) -> Tensor {
    let values: Vec<f32> = (0..2 * 32 * 32 * channels).map(|at| (at % 17) as f32 / 8.0 - 1.0).collect();
    Tensor::from_vec(values, (2, 32, 32, channels), &Device::Cpu).unwrap()
}

#[test]
fn a_file_tells_the_channels_of_its_stem() {
    for (layout, channels) in [Layout::Timm, Layout::Torchvision, Layout::Lukemelas]
        .into_iter()
        .flat_map(|l| [1, 3, 4].map(|c| (l, c)))
    {
        let folder = formula::scratch();
        let b3 = Arch::by_name("b3").unwrap().with_channels(channels);
        let file = WeightsFile::open(&hollow::file(folder.path(), &hollow::shapes(&b3, 7, layout))).unwrap();
        assert_eq!(file.channels().unwrap(), channels);
        let told = match file.identify() {
            Err(Error::ArchNeeded { candidates, .. }) => {
                assert_eq!((layout, candidates[0].as_str()), (Layout::Timm, "efficientnet_b3"));
                file.resolve(Some(&Arch::by_name("b3").unwrap())).unwrap()
            }
            told => told.unwrap(),
        };
        assert_eq!((told.name.as_str(), told.channels), ("efficientnet_b3", channels));
        // timm's: for other than three channels the average for each.
        let (mean, std) = told.preprocessing.of_channels(channels);
        match channels {
            3 => assert_eq!(mean, [0.485, 0.456, 0.406]),
            _ => assert_eq!((mean, std), (vec![0.449; channels], vec![0.226; channels])),
        }
    }
    let folder = formula::scratch();
    let mut shapes = hollow::shapes(&Arch::by_name("b0").unwrap(), 7, Layout::Timm);
    shapes.insert("conv_stem.weight".to_owned(), vec![32, 6, 3, 3]);
    let text =
        WeightsFile::open(&hollow::file(folder.path(), &shapes)).unwrap().identify().unwrap_err().to_string();
    assert!(text.contains("images of 6 channels; 1 (grey), 3 (RGB) and 4 (RGBA) are read"), "{text}");
}

#[test]
fn networks_of_other_channels_train_predict_and_are_read_back() {
    for channels in [1, 4] {
        let arch = small(channels);
        let store = ParameterStore::new(1, &Device::Cpu);
        let network = EfficientNet::new(&arch, 3, store.var_builder()).unwrap();
        let loss =
            network.forward_t(&images(channels), Mode::train(0)).unwrap().sqr().unwrap().sum_all().unwrap();
        let gradients = loss.backward().unwrap();
        let stem = store.trainable().into_iter().find(|(name, _)| name == "conv_stem.weight").unwrap().1;
        assert_eq!(gradients.get(&stem).unwrap().dims()[1], channels);
        let wrong = network.forward_t(&images(3), Mode::Eval);
        assert!(wrong.is_err(), "images of three channels");

        let folder = formula::scratch();
        let path = folder.path().join("net.safetensors");
        let classes = ["a", "b", "c"].map(str::to_owned).to_vec();
        let card = ModelCard::new(arch.clone(), classes, vec!["net.safetensors".to_owned()]);
        save_for(Library::Effmix, &path, &card, &store).unwrap();
        card.write(folder.path()).unwrap();
        assert_eq!(ModelCard::read(folder.path()).unwrap(), card);
        let expected = formula::values(&network.forward_t(&images(channels), Mode::Eval).unwrap());
        for model in [
            SavedModel::from_file(&path, None, &Device::Cpu).unwrap(),
            SavedModel::open(folder.path(), &Device::Cpu).unwrap(),
        ] {
            assert_eq!(model.card.arch, arch);
            assert_eq!(formula::values(&model.logits(&images(channels)).unwrap()), expected);
        }
    }
}

#[test]
fn a_network_starts_from_weights_for_other_channels() {
    let folder = formula::scratch();
    let path = folder.path().join("net.safetensors");
    let store = ParameterStore::new(1, &Device::Cpu);
    let network = EfficientNet::new(&small(3), 3, store.var_builder()).unwrap();
    save_weights(&store, &path, &Default::default()).unwrap();
    let file = WeightsFile::open(&path).unwrap();
    let loaded = load_pretrained(&file, &small(1), 3, 0, &Device::Cpu).unwrap();
    assert!(!loaded.classifier_made_new);
    // The sum over the channels makes of a grey image what the network made of it in three equal channels.
    let grey = images(1);
    let rgb = Tensor::cat(&[&grey, &grey, &grey], 3).unwrap().contiguous().unwrap();
    let (one, three) = (loaded.network.forward_t(&grey, Mode::Eval), network.forward_t(&rgb, Mode::Eval));
    let (one, three) = (formula::values(&one.unwrap()), formula::values(&three.unwrap()));
    assert!(
        one.iter().zip(&three).all(|(a, b)| (a - b).abs() <= 1e-5 * b.abs().max(1.0)),
        "{one:?} {three:?}"
    );
    let rgba = load_pretrained(&file, &small(4), 3, 0, &Device::Cpu).unwrap();
    assert_eq!(rgba.store.tensors().unwrap()["conv_stem.weight"].dims()[1], 4);
    // A whole network with its classifier is what the file holds, and nothing else.
    let text =
        SavedModel::from_file(&path, Some(&small(3)), &Device::Cpu).map(|model| model.card.arch.channels);
    assert_eq!(text.unwrap(), 3);
}

#[test]
fn other_libraries_make_the_network_with_its_channels() {
    let arch = |channels| Arch::by_name("b1").unwrap().with_channels(channels);
    let timm = Library::Timm.constructor(&arch(1), 7).unwrap().unwrap();
    assert_eq!(timm, "timm.create_model(\"efficientnet_b1\", num_classes=7, in_chans=1)");
    let text = Library::Torchvision.constructor(&arch(4), 7).unwrap_err().to_string();
    assert!(text.contains("4 channel(s), torchvision's have 3"), "{text}");
}

#[test]
fn images_are_normalised_by_their_channels() {
    let arch = Arch::by_name("b0").unwrap();
    for channels in [1, 3, 4] {
        let of = arch.clone().with_channels(channels).preprocessing;
        let values = Tensor::ones((1, 2, 2, channels), DType::F32, &Device::Cpu).unwrap();
        let (mean, std) = of.of_channels(channels);
        let expected: Vec<f32> = mean.iter().zip(&std).map(|(mean, std)| (1.0 - mean) / std).collect();
        assert_eq!(formula::values(&of.normalise(&values).unwrap())[..channels], expected);
    }
    let text = Arch { channels: 2, ..arch }.check().unwrap_err().to_string();
    assert!(text.contains("channels 2 must be 1 (luma), 3 (RGB) or 4 (RGBA)"), "{text}");
}

#[test]
fn timms_config_says_how_the_channels_of_the_stem_are_normalised() {
    let told = |channels: usize, recorded: usize, mean: &str| {
        let folder = formula::scratch();
        let b0 = Arch::by_name("b0").unwrap().with_channels(channels);
        let path = hollow::file(folder.path(), &hollow::shapes(&b0, 7, Layout::Timm));
        let config = format!(
            r#"{{"architecture": "efficientnet_b0", "pretrained_cfg": {{"input_size": [{recorded}, 96, 96], "interpolation": "bicubic",
                "mean": {mean}, "std": {mean}}}}}"#
        );
        std::fs::write(folder.path().join("config.json"), config).unwrap();
        let arch = WeightsFile::open(&path).unwrap().arch();
        arch.map(|arch| arch.unwrap()).map(|arch| (arch.channels, arch.preprocessing.of_channels(channels).0))
    };
    assert_eq!(told(1, 1, "[0.25]").unwrap(), (1, vec![0.25]));
    assert_eq!(told(1, 3, "[0.25, 0.5, 0.75]").unwrap(), (1, vec![0.5]));
    assert_eq!(told(4, 4, "[0.25, 0.5, 0.75, 1.0]").unwrap(), (4, vec![0.25, 0.5, 0.75, 1.0]));
    assert_eq!(told(4, 3, "[0.25, 0.5, 0.75]").unwrap(), (4, vec![0.5; 4]));
    assert_eq!(told(3, 3, "[0.25]").unwrap(), (3, vec![0.25; 3]));
    for (channels, recorded, mean) in
        [(3, 1, "[0.5]"), (1, 4, "[0.5]"), (3, 2, "[0.5]"), (3, 3, "[0.5, 0.5]"), (3, 3, "[]")]
    {
        let text = told(channels, recorded, mean).unwrap_err().to_string();
        assert!(text.contains("config.json: "), "{text}");
    }
}
