//! The example's network, which is built from the operations alone.

#[path = "../../examples/own_network/network.rs"]
mod network;

use network::{Network, Pass, bars};

#[test]
fn a_network_of_ones_own_learns_and_can_be_evaluated() {
    let (images, labels) = bars(32).unwrap();
    let network = Network::new(2).unwrap();
    let losses: Vec<f32> = (0..60).map(|step| network.step(&images, &labels, step).unwrap()).collect();
    assert!(losses[0] > 0.3 && losses[59] < 0.1 * losses[0], "{losses:?}");
    let logits = network.forward(&images, Pass::Evaluate).unwrap();
    let found: Vec<u32> = logits.argmax(1).unwrap().to_vec1().unwrap();
    let right = found.iter().zip(labels.to_vec1::<u32>().unwrap()).filter(|(found, label)| *found == label);
    assert!(right.count() >= 30, "{found:?}");
}
