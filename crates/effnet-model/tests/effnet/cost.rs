//! The cost model against published tables, and against the network itself: its weights, and the maps that come out of it.

use effnet_model::candle::Tensor;
use effnet_model::{Arch, Bases, ClassifierKind, Mode, Scaling};

use crate::formula;

/// Billions of multiply-accumulates of B0 to B7: Tan & Le (arXiv 1905.11946), table 2, where they are rounded and called FLOPS.
const MACS: [f64; 8] = [0.39, 0.70, 1.0, 1.8, 4.2, 9.9, 19.0, 37.0];

/// Millions of activations: timm's model cards of `tf_efficientnet_b0` to `b7`.
const ACTIVATIONS: [f64; 8] = [6.7, 10.9, 13.8, 23.8, 49.5, 98.9, 167.4, 289.9];

#[test]
fn b0_to_b7_cost_what_is_published() {
    for i in 0..8 {
        let cost = Arch::by_name(&format!("b{i}")).unwrap().cost(1000).unwrap();
        let (macs, activations) = (cost.macs as f64 / 1e9, cost.activations as f64 / 1e6);
        assert!((macs / MACS[i] - 1.0).abs() < 0.05, "b{i}: {macs} GMACs, not {}", MACS[i]);
        assert!((activations - ACTIVATIONS[i]).abs() < 0.06, "b{i}: {activations} M, not {}", ACTIVATIONS[i]);
    }
}

/// A weight is used once for each pixel of the map that its convolution makes, and makes one number a filter there.
fn counted(arch: &Arch, classes: usize) -> [u64; 3] {
    let (network, store) = formula::network(arch, classes);
    let images = formula::images("image", 1, arch.size, arch.size);
    let mut maps = vec![network.encode_stem(&images, Mode::Eval).unwrap()];
    for stage in 0..7 {
        maps.push(network.encode_stage(&maps[stage], stage, Mode::Eval).unwrap());
    }
    maps.push(network.encode_head(&maps[7], Mode::Eval).unwrap());
    let pixels = |map: &Tensor| (map.dims()[1] * map.dims()[2]) as u64;
    let (mut parameters, mut macs, mut activations) = (0, 0, 0);
    for (name, weight) in store.trainable() {
        parameters += weight.elem_count() as u64;
        let path: Vec<&str> = name.split('.').collect();
        let made = match path[..] {
            ["conv_stem", "weight"] => pixels(&maps[0]),
            ["blocks", stage, block, layer, "weight"] => {
                let stage: usize = stage.parse().unwrap();
                match layer {
                    // In the first stage it is the projection, after the depthwise convolution; later the expansion, before it.
                    "conv_pw" if stage > 0 && block == "0" => pixels(&maps[stage]),
                    "conv_pw" | "conv_dw" | "conv_pwl" => pixels(&maps[stage + 1]),
                    _ => continue, // a norm
                }
            }
            ["blocks", _, _, "se", _, "weight"] => 1,
            ["conv_head", "weight"] => pixels(&maps[8]),
            ["classifier", .., "weight"] if weight.rank() == 2 => 1,
            _ => continue,
        };
        macs += made * weight.elem_count() as u64;
        activations += made * weight.dims()[0] as u64;
    }
    [parameters, macs, activations]
}

#[test]
fn the_cost_is_what_the_network_itself_does() {
    let arch = |name: &str, size| Arch::by_name(name).unwrap().with_size(size);
    let small = Arch::scaled(Scaling::from_phi(-4.0, Bases::PAPER));
    let archs = [
        arch("b0", 64),
        arch("b1", 75),
        arch("b2", 33).with_stem_stride(1),
        arch("tf_efficientnet_b3", 65),
        arch("efficientnet_lite1", 97),
        arch("b0", 32).with_scaling(0.35, 0.2).with_classifier(ClassifierKind::Mlp { hidden: 77 }),
        small,
    ];
    for arch in archs {
        let cost = arch.cost(10).unwrap();
        let found = [cost.parameters, cost.macs, cost.activations];
        assert_eq!(found, counted(&arch, 10), "{} at {} px", arch.name, arch.size);
    }
}

#[test]
fn the_cost_grows_by_the_bases_factor_for_each_whole_phi() {
    let macs = |phi| Arch::scaled(Scaling::from_phi(phi, Bases::PAPER)).cost(1000).unwrap().macs as f64;
    // In large networks: in small ones a step may be far from it, for layers are rounded up (from -1 to 0 it is 1.28).
    let factor = (macs(12.0) / macs(6.0)).powf(1.0 / 6.0);
    let exact = 1.2 * 1.1f64.powi(2) * 1.15f64.powi(2);
    assert!((factor / exact - 1.0).abs() < 0.02, "{factor}, not {exact}");
}
