//! Every method by candle's operations alone, as on a device without fused kernels, held against the fused ones.

use candle_core::DType;
use dividemix::{Event, Hyperparameters, MethodKind, Training};

use crate::gaussian_blobs::{GaussianBlobs, networks_of, quick, values};

/// All values of the networks after a training in this type.
fn trained(dtype: DType, hyper: &Hyperparameters, fused: bool) -> Vec<f64> {
    let blobs = GaussianBlobs::new(200, 0.3, 5).to_dtype(dtype);
    let (hyper, data) = (hyper.check().unwrap(), blobs.with_teacher());
    let networks = networks_of(dtype, hyper.networks(), hyper.seed);
    let training = Training::new(&networks, &data, &hyper).fused(fused);
    let outcome = training.run(|event| match event {
        Event::Warning(text) => panic!("{:?} is to be trained as such: {text}", hyper.method),
        _ => Ok(()),
    });
    let last = outcome.unwrap().records.pop().unwrap();
    assert!(last.losses.loss_u.is_some() || hyper.method != MethodKind::DivideMix, "guesses are trained on");
    networks.iter().flat_map(|network| values(network.as_ref())).collect()
}

/// The largest difference between two networks' values. All are of the size of 1.
fn difference(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// Two epochs of warm-up, after which losses tell labels apart, and one of the method.
fn short(method: MethodKind) -> Hyperparameters {
    Hyperparameters { epochs: 3, warmup: 2, lambda_u: Some(25.0), lambda_u_ramp: 0.0, ..quick(method) }
}

/// Values are of the size of 1, where a rounding of f32 is 6e-8. The largest differences measured were 2.4e-7 between both paths, and
/// 4.2e-7 between f32 and f64. A wrong formula makes differences of the size of a step, 1e-3 and more.
const TOLERANCE: f64 = 2e-6;

/// Whether the fused kernels round a multiplication and an addition once, where candle's operations round twice. The portable kernels round
/// twice as well, and without feature `effnet` cross entropy alone is fused, which has no influence on the steps.
fn kernels_round_once() -> bool {
    let portable = std::env::var("EFFNET_OPS_LEVEL").is_ok_and(|level| level == "portable");
    #[cfg(target_arch = "x86_64")]
    let fma = is_x86_feature_detected!("fma");
    #[cfg(not(target_arch = "x86_64"))]
    let fma = false;
    cfg!(feature = "effnet") && fma && !portable
}

#[test]
fn every_method_takes_the_same_steps_by_candle_s_operations() {
    for &method in MethodKind::ALL {
        let averaged = (method != MethodKind::Consistency).then_some(0.9);
        let hyper = Hyperparameters { ema: averaged, ..short(method) };
        let [fused, candle] = [true, false].map(|fused| trained(DType::F32, &hyper, fused));
        let away = difference(&fused, &candle);
        assert!(away < TOLERANCE, "{method:?}: {away}");
        assert!(away > 0.0 || !kernels_round_once(), "{method:?} has other roundings by candle's operations");
    }
}

#[test]
fn every_method_trains_in_f64() {
    for &method in MethodKind::ALL {
        let hyper = short(method);
        let [single, double] = [DType::F32, DType::F64].map(|dtype| trained(dtype, &hyper, false));
        let away = difference(&single, &double);
        assert!(away < TOLERANCE, "{method:?}: {away}");
        assert!(away > 0.0, "{method:?} is trained in f64");
    }
}
