//! A network of a user's own in the loop: the example, small.

#[path = "../../examples/resnet.rs"]
mod resnet;

#[test]
fn a_resnet_of_candles_own_layers_learns_in_spite_of_wrong_labels() {
    let (accuracy, found) = resnet::run((4, 6, 240), |_| ()).unwrap();
    assert!(accuracy > 0.9, "{accuracy}");
    assert!(found > 0.9, "{found}");
}
