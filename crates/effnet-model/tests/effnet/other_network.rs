//! Weights of networks that are not of the family: an error each, with the name of what they look like.

use candle_core::Device;
use effnet_model::{Arch, Error, Layout, SavedModel, WeightsFile, load_pretrained};

use crate::formula;
use crate::hollow::{self, Shapes};

const SUPPORTED: &str = "supported are EfficientNet-B0 to B7 and Lite0 to Lite4 under the names of timm, torchvision or lukemelas";

/// Some tensors of published networks, as their libraries name them.
type Network<'a> = (&'a str, &'a [(&'a str, &'a [usize])]);

const NETWORKS: &[Network] = &[
    // torchvision's and timm's resnet50.
    ("a ResNet", &[("conv1.weight", &[64, 3, 7, 7]), ("layer1.0.conv1.weight", &[64, 64, 1, 1])]),
    // timm's deit_tiny_patch16_224 and torchvision's vit_b_16.
    (
        "a vision transformer (ViT or DeiT)",
        &[("patch_embed.proj.weight", &[192, 3, 16, 16]), ("blocks.0.attn.qkv.weight", &[576, 192])],
    ),
    (
        "a vision transformer (ViT or DeiT)",
        &[
            ("conv_proj.weight", &[768, 3, 16, 16]),
            ("encoder.layers.encoder_layer_0.self_attention.in_proj_weight", &[2304, 768]),
        ],
    ),
    // timm's convnext_atto, the authors', and torchvision's convnext_tiny, whose stem has the name of EfficientNet's.
    (
        "a ConvNeXt",
        &[
            ("stem.0.weight", &[40, 3, 4, 4]),
            ("stages.0.blocks.0.conv_dw.weight", &[40, 1, 7, 7]),
            ("stages.0.blocks.0.mlp.fc1.weight", &[160, 40]),
        ],
    ),
    (
        "a ConvNeXt",
        &[("downsample_layers.0.0.weight", &[96, 3, 4, 4]), ("stages.0.0.dwconv.weight", &[96, 1, 7, 7])],
    ),
    ("a ConvNeXt", &[("features.0.0.weight", &[96, 3, 4, 4]), ("features.1.0.layer_scale", &[96, 1, 1])]),
    // torchvision's mobilenet_v2 and timm's mobilenetv2_100.
    (
        "a MobileNetV2",
        &[("features.0.0.weight", &[32, 3, 3, 3]), ("features.1.conv.0.0.weight", &[32, 1, 3, 3])],
    ),
    (
        "a MobileNetV2",
        &[
            ("conv_stem.weight", &[32, 3, 3, 3]),
            ("blocks.2.0.conv_dw.weight", &[144, 1, 3, 3]),
            ("blocks.6.0.conv_pwl.weight", &[320, 960, 1, 1]),
            ("bn2.weight", &[1280]),
        ],
    ),
    // torchvision's mobilenet_v3_large and timm's mobilenetv3_large_100.
    (
        "a MobileNetV3",
        &[("features.0.0.weight", &[16, 3, 3, 3]), ("features.1.block.0.0.weight", &[16, 1, 3, 3])],
    ),
    (
        "a MobileNetV3",
        &[
            ("conv_stem.weight", &[16, 3, 3, 3]),
            ("blocks.0.0.conv_dw.weight", &[16, 1, 3, 3]),
            ("blocks.6.0.conv.weight", &[960, 160, 1, 1]),
            ("conv_head.weight", &[1280, 960, 1, 1]),
            ("conv_head.bias", &[1280]),
        ],
    ),
    // timm's tf_efficientnetv2_b0 and torchvision's efficientnet_v2_s.
    (
        "an EfficientNetV2",
        &[
            ("conv_stem.weight", &[32, 3, 3, 3]),
            ("blocks.0.0.conv.weight", &[16, 32, 3, 3]),
            ("blocks.1.0.conv_exp.weight", &[64, 16, 3, 3]),
            ("bn2.weight", &[1280]),
        ],
    ),
    (
        "an EfficientNetV2",
        &[("features.0.0.weight", &[24, 3, 3, 3]), ("features.1.0.block.0.0.weight", &[24, 24, 3, 3])],
    ),
    // torchvision's regnet_y_400mf and timm's regnety_004.
    (
        "a RegNet",
        &[("stem.0.weight", &[32, 3, 3, 3]), ("trunk_output.block1.block1-0.f.a.0.weight", &[48, 32, 1, 1])],
    ),
    ("a RegNet", &[("stem.conv.weight", &[32, 3, 3, 3]), ("s1.b1.conv1.conv.weight", &[48, 32, 1, 1])]),
    (
        "a DenseNet",
        &[
            ("features.conv0.weight", &[64, 3, 7, 7]),
            ("features.denseblock1.denselayer1.conv1.weight", &[128, 64, 1, 1]),
        ],
    ),
    ("a VGG", &[("features.0.weight", &[64, 3, 3, 3]), ("classifier.6.weight", &[1000, 4096])]),
    (
        "a Swin transformer",
        &[
            ("patch_embed.proj.weight", &[96, 3, 4, 4]),
            ("layers.0.blocks.0.attn.relative_position_bias_table", &[169, 3]),
            ("layers.0.blocks.0.attn.qkv.weight", &[288, 96]),
        ],
    ),
    (
        "a Swin transformer",
        &[
            ("features.0.0.weight", &[96, 3, 4, 4]),
            ("features.1.0.attn.relative_position_bias_table", &[169, 3]),
        ],
    ),
    (
        "a CLIP model",
        &[
            ("visual.class_embedding", &[768]),
            ("visual.conv1.weight", &[768, 3, 32, 32]),
            ("logit_scale", &[]),
        ],
    ),
    // AlexNet.
    (
        "an unknown network",
        &[("features.0.weight", &[64, 3, 11, 11]), ("classifier.6.weight", &[1000, 4096])],
    ),
    ("an unknown network", &[("encoder.weight", &[3])]),
];

fn tensors(of: &[(&str, &[usize])]) -> Shapes {
    of.iter().map(|(name, shape)| ((*name).to_owned(), shape.to_vec())).collect()
}

#[test]
fn an_error_names_what_the_tensors_look_like() {
    let b0 = Arch::by_name("b0").unwrap();
    for (network, of) in NETWORKS {
        let folder = formula::scratch();
        let path = hollow::file(folder.path(), &tensors(of));
        let file = WeightsFile::open(&path).unwrap();
        let of_model = |arch: Option<&Arch>| SavedModel::from_file(&path, arch, &Device::Cpu).unwrap_err();
        let errors = [
            file.identify().unwrap_err(),
            load_pretrained(&file, &b0, 10, 0, &Device::Cpu).unwrap_err(),
            of_model(None),
            of_model(Some(&b0)),
        ];
        for error in errors {
            assert!(matches!(error, Error::OtherNetwork { .. }), "{network}: {error}");
            let text = error.to_string();
            assert!(text.contains(&format!("hollow.safetensors: the weights of {network}, ")), "{text}");
            assert!(text.ends_with(SUPPORTED) && text.len() < 1200, "{text}");
            assert!(of.iter().any(|(name, _)| text.contains(name)), "{text}");
        }
    }
}

#[test]
fn where_the_stem_is_the_familys_the_nearest_member_is_compared() {
    for (network, of) in NETWORKS {
        let has_stem = of.iter().any(|(name, _)| ["conv_stem.weight", "features.0.0.weight"].contains(name));
        let folder = formula::scratch();
        let path = hollow::file(folder.path(), &tensors(of));
        let text = WeightsFile::open(&path).unwrap().identify().unwrap_err().to_string();
        let is_compared =
            text.contains("; the nearest member is efficientnet_") && text.contains(" missing: ");
        assert_eq!(is_compared, has_stem, "{network}: {text}");
    }
}

#[test]
fn no_tensors_are_an_error_too() {
    let folder = formula::scratch();
    let path = hollow::file(folder.path(), &Shapes::new());
    let text = WeightsFile::open(&path).unwrap().identify().unwrap_err().to_string();
    assert!(text.contains("an unknown network") && text.contains("no tensors"), "{text}");
}

#[test]
fn members_are_not_taken_for_other_networks() {
    let scaled = |name: &str| Arch::by_name(name).unwrap().with_scaling(0.5, 0.5);
    for layout in [Layout::Timm, Layout::Torchvision, Layout::Lukemelas] {
        for name in ["b0", "b7", "efficientnet_lite4"] {
            if layout == Layout::Torchvision && name.contains("lite") {
                continue;
            }
            let folder = formula::scratch();
            let path = hollow::file(folder.path(), &hollow::shapes(&scaled(name), 10, layout));
            let text = WeightsFile::open(&path).unwrap().identify().unwrap_err().to_string();
            assert!(text.contains("an unknown network"), "{name}: {text}");
        }
    }
}

#[test]
fn the_network_that_timms_config_names_is_named() {
    let b0 = hollow::shapes(&Arch::by_name("b0").unwrap(), 10, Layout::Timm);
    for shapes in [b0, tensors(&[("layer1.0.conv1.weight", &[64, 64, 1, 1])])] {
        let folder = formula::scratch();
        let path = hollow::file(folder.path(), &shapes);
        std::fs::write(folder.path().join("config.json"), r#"{"architecture": "resnetv2_50x1_bit"}"#)
            .unwrap();
        let file = WeightsFile::open(&path).unwrap();
        for error in [file.identify().unwrap_err(), file.resolve(None).unwrap_err()] {
            let text = error.to_string();
            let says =
                text.contains("the weights of resnetv2_50x1_bit, ") && text.contains("config.json says so");
            assert!(says && matches!(error, Error::OtherNetwork { .. }), "{text}");
        }
    }
}
