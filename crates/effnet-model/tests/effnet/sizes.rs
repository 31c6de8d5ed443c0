//! Images of any size: smaller than the network's stride, odd, one pixel high or wide.

use effnet_model::candle::{DType, Device, Tensor};
use effnet_model::{Arch, Mode, Padding, TestViews};
use effnet_ops::backward;

use crate::formula;

/// Height and width.
const SIZES: [(usize, usize); 14] = [
    (1, 1),
    (2, 2),
    (17, 17),
    (31, 31),
    (33, 33),
    (65, 65),
    (1, 2),
    (1, 33),
    (65, 1),
    (2, 17),
    (31, 64),
    (33, 17),
    (200, 1),
    (1, 200),
];

/// Symmetric and SAME padding, squeeze and excitation or not, both strides of the stem.
fn members() -> Vec<Arch> {
    let member =
        |name: &str, stride| Arch::by_name(name).unwrap().with_scaling(0.1, 0.1).with_stem_stride(stride);
    [("b0", 1), ("b0", 2), ("tf_efficientnet_b0", 1), ("tf_efficientnet_b0", 2), ("tf_efficientnet_lite0", 2)]
        .map(|(name, stride)| member(name, stride))
        .to_vec()
}

fn is_finite(t: &Tensor) -> bool {
    formula::values(t).iter().all(|value| value.is_finite())
}

#[test]
fn any_size_has_its_map_and_finite_logits() {
    for arch in members() {
        let (network, _) = formula::network(&arch, 10);
        let evaluator = network.evaluator().unwrap();
        for (height, width) in SIZES {
            let place = format!("{} with stride {} at {height} x {width}", arch.name, arch.stem_stride);
            let images = formula::images("sizes", 2, height, width);
            let map = evaluator.encode(&images).unwrap();
            let stride = 16 * arch.stem_stride;
            let sides = [height.div_ceil(stride), width.div_ceil(stride)];
            assert_eq!(map.dims(), [2, sides[0], sides[1], network.feature_len()], "{place}");
            let logits = evaluator.logits(&images).unwrap();
            assert_eq!(logits.dims(), [2, 10], "{place}");
            assert!(is_finite(&map) && is_finite(&logits), "{place}");
            let flipped = TestViews::Flip.of(&images).unwrap();
            assert!(is_finite(&evaluator.logits(&flipped[1]).unwrap()), "{place}");
        }
    }
}

/// Zeros around an image are what its border is padded with, but for biases: none stand before the stem.
#[test]
fn the_stem_sees_a_small_image_as_the_corner_of_one_padded_with_zeros() {
    for arch in members() {
        let (network, _) = formula::network(&arch, 10);
        let evaluator = network.evaluator().unwrap();
        for (height, width) in SIZES {
            // From an even size on SAME pads otherwise: the same parity keeps the filter where it is.
            let images = formula::images("padded", 1, height, width);
            let padded = images.pad_with_zeros(1, 0, 4).unwrap().pad_with_zeros(2, 0, 4).unwrap();
            let (small, large) =
                (evaluator.encode_stem(&images).unwrap(), evaluator.encode_stem(&padded).unwrap());
            let (_, h, w, _) = small.dims4().unwrap();
            let corner = large.narrow(1, 0, h).unwrap().narrow(2, 0, w).unwrap().contiguous().unwrap();
            let (found, expected) = (formula::values(&small), formula::values(&corner));
            let off = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(off < 1e-5, "{} at {height} x {width}: {off}", arch.name);
        }
    }
}

#[test]
fn a_training_step_at_any_size_has_finite_gradients_and_statistics() {
    for arch in members() {
        for (height, width) in SIZES {
            let place = format!("{} with stride {} at {height} x {width}", arch.name, arch.stem_stride);
            let (network, store) = formula::network(&arch, 10);
            for images in [1, 3] {
                let images = formula::images("sizes", images, height, width);
                let logits = network.forward_t(&images, Mode::Train { seed: 3 }).unwrap();
                let gradients = backward(&logits.sqr().unwrap().sum_all().unwrap()).unwrap();
                assert!(is_finite(&logits), "{place}");
                for (name, parameter) in store.trainable() {
                    assert!(is_finite(gradients.get(&parameter).unwrap()), "{name}: {place}");
                }
            }
            for (name, buffer) in store.buffers() {
                assert!(is_finite(&buffer.as_detached_tensor()), "{name}: {place}");
            }
        }
    }
}

/// Padding that is fixed for 224 pixels has less room in small images: PyTorch refuses those that are smaller than a kernel with
/// its zeros, and so do we.
#[test]
fn fixed_padding_refuses_images_that_it_is_too_small_for() {
    let arch = Arch::by_name("efficientnet_lite0").unwrap().with_scaling(0.1, 0.1);
    let (network, _) = formula::network(&arch, 10);
    let evaluator = network.evaluator().unwrap();
    let side = |size| arch.clone().with_size(size).feature_map_sizes().last().copied().unwrap();
    for (height, width) in SIZES.into_iter().chain([(32, 32), (32, 65), (97, 33)]) {
        let images = formula::images("sizes", 2, height, width);
        let trained = network.forward_t(&images, Mode::Train { seed: 3 });
        if height.min(width) < 32 {
            let error = evaluator.logits(&images).unwrap_err().to_string();
            assert!(error.contains("fits in with its zeros"), "{height} x {width}: {error}");
            assert!(trained.is_err(), "{height} x {width}");
            continue;
        }
        let map = evaluator.encode(&images).unwrap();
        assert_eq!(map.dims(), [2, side(height), side(width), network.feature_len()], "{height} x {width}");
        assert!(is_finite(&map) && is_finite(&trained.unwrap()), "{height} x {width}");
    }
}

#[test]
fn images_without_pixels_are_an_error() {
    let (network, _) = formula::network(&members()[0], 10);
    for shape in [(1, 0, 32, 3), (1, 32, 0, 3), (1, 0, 0, 3)] {
        let images = Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
        assert!(network.forward_t(&images, Mode::Eval).is_err(), "{shape:?}");
        assert!(network.evaluator().unwrap().logits(&images).is_err(), "{shape:?}");
        let images_train = network.forward_t(&images, Mode::Train { seed: 0 });
        assert!(images_train.is_err(), "{shape:?}");
    }
}

/// With zeros for 224 pixels a stem of stride 2 makes 32 pixels of 65, where SAME makes 33.
#[test]
fn a_figure_shows_the_feature_map_sizes_that_the_padding_gives() {
    let arch = Arch::by_name("efficientnet_lite0").unwrap().with_size(65);
    assert_eq!(arch.padding, Padding::Fixed(224));
    let (figure, sizes) = (arch.figure(10).unwrap(), arch.feature_map_sizes());
    let last_of_stages = arch.plan().unwrap().stages.iter().fold(vec![0], |mut places, stage| {
        places.push(places[places.len() - 1] + stage.len());
        places
    });
    let shown = last_of_stages.iter().chain(last_of_stages.last()).map(|place| sizes[*place]);
    let mut rest = figure.as_str();
    for size in shown {
        let text = format!(">{size} x {size}<");
        let at = rest.find(&text).unwrap_or_else(|| panic!("{text} in the order of the layers: {figure}"));
        rest = &rest[at + text.len()..];
    }
}
