//! The examples run, and do what they say.
#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "in a test, a panic is the report; an example's main takes arguments"
)]

#[path = "../examples/device.rs"]
mod device;

#[test]
fn the_cpu_is_chosen_with_a_reason_and_the_gpu_without() {
    let (device, reason) = device::device();
    assert_eq!(device == "cpu", reason.is_some());
    assert!(reason.is_none_or(|reason| reason.contains("can't be loaded")));
}
