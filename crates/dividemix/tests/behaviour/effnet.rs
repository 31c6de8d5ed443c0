//! The networks of effnet-model in the loop.

use candle_core::Device;
use dividemix::{Hyperparameters, MethodKind, Network, Trainable, Training};
use effnet_model::{Classifier, ClassifierKind, ParameterStore};

use crate::gaussian_blobs::{CLASSES, FEATURES, GaussianBlobs, all_bits, quick};

fn heads(count: usize, seed: u64) -> Vec<Box<dyn Network>> {
    let head = |k| {
        let store = ParameterStore::new(seed * 10 + k, &Device::Cpu);
        let kind = ClassifierKind::Mlp { hidden: 32 };
        let network = Classifier::new(kind, FEATURES, CLASSES, 0.2, store.var_builder()).unwrap();
        Box::new(Trainable { network, store }) as Box<dyn Network>
    };
    (0..count as u64).map(head).collect()
}

#[test]
fn heads_learn_in_spite_of_wrong_labels_to_the_same_bits_for_any_number_of_threads() {
    let blobs = GaussianBlobs::new(400, 0.3, 5);
    let hyper = Hyperparameters { ema: Some(0.9), ..quick(MethodKind::DivideMix) }.check().unwrap();
    let with_threads = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let (networks, data, test) = (heads(2, 3), blobs.training_set(), blobs.test_set());
            let outcome = Training::new(&networks, &data, &hyper).test(&test).run(|_| Ok(())).unwrap();
            (all_bits(&networks), outcome.label_quality, outcome.records)
        })
    };
    let one = with_threads(1);
    assert!(one.2.last().unwrap().test_accuracy.unwrap() > 0.8);
    assert!(one == with_threads(2));
    assert!(one == with_threads(3));
}
