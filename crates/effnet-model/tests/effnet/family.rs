//! The members against the published tables (Tan & Le; the reference implementation's `efficientnet_builder.py` and
//! `efficientnet_lite_builder.py`), by counting alone.

use effnet_model::{
    Arch, Bases, ClassifierKind, Error, Interpolation, Layout, Padding, Preprocessing, Scaling,
};

fn arch(name: &str) -> Arch {
    Arch::by_name(name).unwrap()
}

#[test]
fn b0_to_b7_have_the_published_numbers_of_parameters() {
    let published =
        [5_288_548, 7_794_184, 9_109_994, 12_233_232, 19_341_616, 30_389_784, 43_040_704, 66_347_960];
    for (i, count) in published.into_iter().enumerate() {
        for prefix in ["b", "efficientnet_b", "tf_efficientnet_b"] {
            let name = format!("{prefix}{i}");
            assert_eq!(arch(&name).parameters(1000).unwrap(), count, "{name}");
        }
    }
}

#[test]
fn lite0_to_lite4_have_the_published_numbers_of_parameters() {
    let published = [4_652_008, 5_416_680, 6_092_072, 8_197_096, 13_006_568];
    for (i, count) in published.into_iter().enumerate() {
        let name = format!("efficientnet_lite{i}");
        assert_eq!(arch(&name).parameters(1000).unwrap(), count, "{name}");
    }
}

#[test]
fn b7_comes_out_of_b0s_table_by_scaling_alone() {
    let scaled = Arch::scaled(Scaling { width: 2.0, depth: 3.1, resolution: 600.0 / 224.0 });
    assert_eq!(scaled.size, 600);
    let plan = scaled.plan().unwrap();
    let widths: Vec<usize> = plan.stages.iter().map(|stage| stage[0].output).collect();
    let repeats: Vec<usize> = plan.stages.iter().map(Vec::len).collect();
    assert_eq!((plan.stem, plan.head), (64, 2560));
    assert_eq!(widths, [32, 48, 80, 160, 224, 384, 640]);
    assert_eq!(repeats, [4, 7, 7, 10, 10, 13, 4]);
    assert_eq!(plan, arch("b7").plan().unwrap());
}

/// The table in the documentation of `scaling`: the phi at which each base alone gives the published coefficient.
#[test]
fn the_published_coefficients_depart_from_the_papers_bases_as_documented() {
    let documented = [
        [0.52, 0.00, 0.49],
        [1.00, 1.00, 1.07],
        [1.85, 1.91, 2.09],
        [3.22, 3.53, 3.78],
        [4.32, 4.93, 5.09],
        [5.24, 6.17, 6.14],
        [6.21, 7.27, 7.05],
    ];
    let Bases { alpha, beta, gamma } = Bases::PAPER;
    let bases = [alpha, beta, gamma];
    for (i, expected) in (1..8).zip(documented) {
        let Arch { scaling, size, .. } = arch(&format!("b{i}"));
        let coefficients = [scaling.depth, scaling.width, size as f64 / 224.0];
        let found = [0, 1, 2].map(|k| coefficients[k].log(bases[k]));
        let off = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(off < 0.0051, "b{i}: {found:.2?}, not {expected:?}");
    }
}

#[test]
fn stems_and_heads_are_as_wide_as_published() {
    let plans: Vec<_> = (0..8).map(|i| arch(&format!("b{i}")).plan().unwrap()).collect();
    let stems: Vec<usize> = plans.iter().map(|p| p.stem).collect();
    let heads: Vec<usize> = plans.iter().map(|p| p.head).collect();
    assert_eq!(stems, [32, 32, 32, 40, 48, 48, 56, 64]);
    assert_eq!(heads, [1280, 1280, 1408, 1536, 1792, 2048, 2304, 2560]);
}

#[test]
fn input_sizes_are_the_papers() {
    let sizes =
        |prefix: &str, n| -> Vec<usize> { (0..n).map(|i| arch(&format!("{prefix}{i}")).size).collect() };
    assert_eq!(sizes("b", 8), [224, 240, 260, 300, 380, 456, 528, 600]);
    assert_eq!(sizes("efficientnet_lite", 5), [224, 240, 260, 280, 300]);
}

#[test]
fn members_below_b0_are_smaller_the_lower_phi_is() {
    let counts: Vec<usize> = [0.0, -1.0, -2.0, -4.0, -8.0, -12.0]
        .map(|phi| Arch::scaled(Scaling::from_phi(phi, Bases::PAPER)).parameters(1000).unwrap())
        .to_vec();
    assert_eq!(counts[0], 5_288_548);
    assert!(counts.is_sorted_by(|a, b| a > b), "{counts:?}");
}

#[test]
fn flavours_differ_in_padding_epsilon_momentum_and_preprocessing() {
    let flavour = |name: &str| {
        let a = arch(name);
        (a.padding, a.bn_eps, a.bn_momentum, a.preprocessing)
    };
    let imagenet = Preprocessing { crop: 0.875, ..Preprocessing::IMAGENET };
    let half = Preprocessing { crop: 0.875, ..Preprocessing::HALF };
    assert_eq!(flavour("b0"), (Padding::Symmetric, 1e-5, 0.1, imagenet));
    assert_eq!(flavour("tf_efficientnet_b0"), (Padding::Same, 1e-3, 0.1, imagenet));
    assert_eq!(flavour("efficientnet_lite0"), (Padding::Fixed(224), 1e-3, 0.01, Preprocessing::LITE));
    assert_eq!(flavour("tf_efficientnet_lite0"), (Padding::Same, 1e-3, 0.1, half));
    let preprocessing = |name: &str| arch(name).preprocessing;
    assert_eq!(preprocessing("efficientnet_b1.ra4_e3600_r240_in1k"), Preprocessing { crop: 0.9, ..half });
    assert_eq!(preprocessing("tf_efficientnet_b4.ap_in1k"), Preprocessing { crop: 0.922, ..half });
    assert_eq!(preprocessing("tf_efficientnet_b4.ns_jft_in1k"), Preprocessing { crop: 0.922, ..imagenet });
    let lite4 = Preprocessing { interpolation: Interpolation::Bilinear, crop: 0.92, ..half };
    assert_eq!(preprocessing("tf_efficientnet_lite4"), lite4);
}

#[test]
fn a_library_has_its_own_padding_and_preprocessing() {
    let of = |layout: Layout, name: &str| layout.flavour(&arch(name));
    let b1 = of(Layout::Torchvision, "b1.ra4_e3600_r240_in1k").preprocessing;
    assert_eq!((b1.mean, b1.interpolation), (Preprocessing::IMAGENET.mean, Interpolation::Bilinear));
    // torchvision.models.EfficientNet_B*_Weights.DEFAULT.transforms(), torchvision 0.29.
    for (number, (size, resized)) in
        [(224, 256), (240, 255), (288, 288), (300, 320), (380, 384), (456, 456), (528, 528), (600, 600)]
            .into_iter()
            .enumerate()
    {
        let member = of(Layout::Torchvision, &format!("b{number}"));
        assert_eq!((member.size, member.preprocessing.resized(member.size)), (size, resized), "b{number}");
    }
    assert_eq!(Layout::Torchvision.flavour(&arch("b2").with_size(64)).size, 64, "what was asked for");
    // timm.create_model(NAME).pretrained_cfg: floor(size / crop_pct), timm 1.0.31.
    for (name, resized) in [
        ("efficientnet_b0", 256),
        ("efficientnet_b5", 456),
        ("tf_efficientnet_b0", 256),
        ("tf_efficientnet_b3", 331),
        ("tf_efficientnet_b7", 632),
        ("tf_efficientnet_lite3", 331),
    ] {
        let member = of(Layout::Timm, name);
        assert_eq!(member.preprocessing.resized(member.size), resized, "{name}");
    }
    assert_eq!(of(Layout::Timm, "efficientnet_lite1").preprocessing.crop, 0.882);
    assert_eq!(
        of(Layout::Lukemelas, "b0").preprocessing,
        Preprocessing::IMAGENET,
        "the whole of the short side"
    );
    // Fixed by the published size, not by that of the images.
    assert_eq!(Layout::Lukemelas.flavour(&arch("b3").with_size(64)).padding, Padding::Fixed(300));
    assert_eq!(of(Layout::Lukemelas, "efficientnet_lite0").preprocessing, Preprocessing::LITE);
    assert_eq!(of(Layout::Timm, "tf_efficientnet_b1"), arch("tf_efficientnet_b1"));
}

#[test]
fn images_too_small_for_a_fixed_padding_are_refused_by_size() {
    let lite = arch("efficientnet_lite0");
    for size in [32, 33, 65] {
        let sides = lite.clone().with_size(size).feature_map_sizes();
        assert_eq!(sides.len(), 17, "{size}: {sides:?}");
        lite.clone().with_size(size).check().unwrap();
    }
    for size in [1, 2, 17, 31] {
        let error = lite.clone().with_size(size).check().unwrap_err().to_string();
        assert!(
            error.contains(&format!("size {size} is too small")) && error.contains("take 32 or more"),
            "{error}"
        );
        arch("tf_efficientnet_lite0").with_size(size).check().unwrap();
        arch("b0").with_size(size).check().unwrap();
    }
}

#[test]
fn lites_preprocessing_is_127_off_and_over_128() {
    let Preprocessing { mean, std, .. } = Preprocessing::LITE;
    for v in 0..=255 {
        let ours = (v as f32 / 255.0 - mean[0]) / std[0];
        assert!((ours - (v as f32 - 127.0) / 128.0).abs() < 1e-6, "{v}: {ours}");
    }
}

#[test]
fn an_unknown_name_is_answered_with_the_known_ones() {
    for name in ["b8", "b", "b00", "", "resnet50", "efficientnet_lite5", "tf_b8", "efficientnet_b-10"] {
        let error = Arch::by_name(name).unwrap_err();
        assert!(matches!(error, Error::UnknownArch { .. }), "{name}");
        let text = error.to_string();
        for known in ["efficientnet_b0", "tf_efficientnet_b7", "efficientnet_lite4"] {
            assert!(text.contains(known), "{text}");
        }
    }
}

#[test]
fn an_architecture_survives_json() {
    let built = arch("efficientnet_lite3")
        .with_scaling(0.5, 0.3)
        .with_size(77)
        .with_stem_stride(1)
        .with_classifier(ClassifierKind::Mlp { hidden: 256 });
    let json = serde_json::to_string(&built).unwrap();
    assert_eq!(serde_json::from_str::<Arch>(&json).unwrap(), built, "{json}");
}

#[test]
fn what_cannot_be_built_is_refused_with_its_field() {
    let b0 = || arch("b0");
    let bad = [
        (b0().with_scaling(0.0, 1.0), "width"),
        (b0().with_scaling(f64::NAN, 1.0), "width"),
        (b0().with_scaling(1.0, 1e9), "depth"),
        (b0().with_scaling(1.0, -1.0), "depth"),
        (b0().with_size(0), "size"),
        (b0().with_size(usize::MAX), "size"),
        (b0().with_stem_stride(3), "stem stride"),
        (b0().with_classifier(ClassifierKind::Mlp { hidden: 0 }), "hidden"),
        (Arch { bn_eps: 0.0, ..b0() }, "bn_eps"),
        (Arch { bn_momentum: f64::NAN, ..b0() }, "bn_momentum"),
        (Arch { dropout: 1.0, ..b0() }, "dropout"),
        (Arch { drop_path: -0.1, ..b0() }, "drop path"),
    ];
    for (arch, field) in bad {
        let text = arch.parameters(10).unwrap_err().to_string();
        assert!(text.contains(field), "{field}: {text}");
    }
}

#[test]
fn a_hidden_layer_in_the_classifier_is_counted() {
    let linear = arch("b0").parameters(10).unwrap();
    let mlp = arch("b0").with_classifier(ClassifierKind::Mlp { hidden: 256 }).parameters(10).unwrap();
    let body = linear - (1280 * 10 + 10);
    assert_eq!(mlp, body + (1280 * 256 + 256) + 2 * 256 + (256 * 10 + 10));
}
