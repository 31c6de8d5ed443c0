//! What the modules share: how a case of the table is held, and random shapes.

use candle_core::{DType, Device, Result, Tensor};
use effnet_ops::Padding;
use proptest::prelude::*;

use crate::table::case::Case;
use crate::table::check::check;
use crate::table::exact;
pub(crate) use crate::table::numbers::{doubles, numbers, singles, tensor};
pub(crate) use crate::table::squeeze_excitation::gate;
use crate::table::way::Way;

/// The case by the kernels on every level, and by candle's form: in f64 where it takes that, so that it is held as tightly as they
/// are. Where candle's form is the reference, only the kernels.
pub(crate) fn assert_holds(case: &Case) {
    let mut ways: Vec<(Way, DType)> = Way::kernels().map(|way| (way, DType::F32)).collect();
    if case.is_small() {
        let candle = Way::Candle(Device::Cpu);
        let dtype = if candle.holds(case, DType::F64) { DType::F64 } else { DType::F32 };
        ways.push((candle, dtype));
    }
    let failures: Vec<String> =
        check(case, ways).iter().filter_map(|checked| checked.failure(case)).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Equal to `tolerance` times the largest value (or 1).
pub(crate) fn assert_close(what: &str, got: &Tensor, exact: &[f64], tolerance: f64) {
    let got = doubles(got);
    assert_eq!(got.len(), exact.len(), "{what}: number of values");
    let scale = exact.iter().fold(1f64, |scale, x| scale.max(x.abs()));
    for (i, (got, exact)) in got.iter().zip(exact).enumerate() {
        let error = (got - exact).abs() / scale;
        assert!(error <= tolerance, "{what}: value {i} is {got}, not {exact}; off by {error:e} of {scale}");
    }
}

/// The gradients of sum(op(arguments) cotangent) by those arguments that are `tracked`.
pub(crate) fn gradients(
    arguments: &[Tensor],
    tracked: &[bool],
    op: &dyn Fn(&[Tensor]) -> Result<Tensor>,
    cotangent: &[f32],
) -> Vec<Option<Tensor>> {
    let cotangent: Vec<f64> = cotangent.iter().copied().map(f64::from).collect();
    exact::gradients(arguments, tracked, op, &cotangent).unwrap()
}

/// [N, H, W, C]: 1 to 5 small images of any ratio, with up to 50 channels, few of them whole vectors.
pub(crate) fn images() -> impl Strategy<Value = [usize; 4]> {
    (1usize..=5, 1usize..=12, 1usize..=12, 1usize..=50).prop_map(|(n, h, w, c)| [n, h, w, c])
}

/// The size of a kernel.
pub(crate) fn kernel() -> impl Strategy<Value = usize> {
    prop::sample::select(vec![1usize, 3, 5, 7])
}

/// The last two: what SAME takes at even sizes and at odd ones.
pub(crate) const PADDINGS: [Padding; 4] =
    [Padding::Symmetric, Padding::Same, Padding::Fixed(224), Padding::Fixed(7)];

pub(crate) fn padding() -> impl Strategy<Value = Padding> {
    prop::sample::select(PADDINGS.to_vec())
}
