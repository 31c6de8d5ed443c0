//! Epochs of some of the samples, drawn for each network anew.
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use candle_core::Tensor;
use dividemix::{
    ClassWeights, Event, Hyperparameters, MethodKind, Outcome, Phase, Result, Training, TrainingSet, View,
    ViewSource,
};

use crate::gaussian_blobs::{CLASSES, GaussianBlobs, all_bits, networks_for, quick};

fn run(
    data: &TrainingSet,
    blobs: &GaussianBlobs,
    hyper: &Hyperparameters,
) -> (Vec<u64>, Outcome, Vec<Event>) {
    let (hyper, test) = (hyper.check().unwrap(), blobs.test_set());
    let networks = networks_for(&hyper);
    let mut events = Vec::new();
    let mut observe = |event: Event| {
        events.push(event);
        Ok(())
    };
    let outcome = Training::new(&networks, data, &hyper).test(&test).run(&mut observe).unwrap();
    (all_bits(&networks), outcome, events)
}

/// Notes what each pass trains on.
struct Noted {
    views: Arc<dyn ViewSource>,
    passes: Arc<Mutex<Vec<BTreeSet<usize>>>>,
}

impl ViewSource for Noted {
    fn len(&self) -> usize {
        self.views.len()
    }

    fn plain(&self, samples: &[usize]) -> Result<Tensor> {
        self.views.plain(samples)
    }

    fn augmented(&self, views: &[View]) -> Result<Tensor> {
        let mut passes = self.passes.lock().unwrap();
        passes.last_mut().unwrap().extend(views.iter().map(|view| view.sample));
        self.views.augmented(views)
    }
}

/// The samples of each pass, one network after the other.
fn passes(blobs: &GaussianBlobs, hyper: &Hyperparameters) -> Vec<BTreeSet<usize>> {
    let passes = Arc::new(Mutex::new(Vec::new()));
    let data = blobs.training_set();
    let views = Arc::new(Noted { views: Arc::clone(&data.views), passes: Arc::clone(&passes) });
    let mut observe = |event: Event| {
        if let Event::PassStarted { .. } = event {
            passes.lock().unwrap().push(BTreeSet::new());
        }
        Ok(())
    };
    let (hyper, data) = (hyper.check().unwrap(), TrainingSet { views, ..data });
    Training::new(&networks_for(&hyper), &data, &hyper).run(&mut observe).unwrap();
    passes.lock().unwrap().clone()
}

/// Of 600 samples, 60, 25, 10 and 5 % of a class.
fn imbalanced() -> GaussianBlobs {
    let class = |i: usize| [60, 85, 95, 100].iter().position(|&end| i % 100 < end).unwrap();
    GaussianBlobs::of((0..600).map(class).collect(), 0.2, 5)
}

fn drawn(images: usize, method: MethodKind) -> Hyperparameters {
    Hyperparameters { epoch_images: Some(images), ..quick(method) }
}

#[test]
fn as_many_as_there_are_is_training_without_a_draw_to_the_bit() {
    let blobs = imbalanced();
    let data = blobs.training_set();
    for method in [MethodKind::Ce, MethodKind::Reweight, MethodKind::DivideMix] {
        let all = run(&data, &blobs, &quick(method));
        for images in [600, 10_000] {
            let (bits, outcome, _) = run(&data, &blobs, &drawn(images, method));
            assert!(bits == all.0, "{method:?}, {images}");
            assert_eq!(outcome, Outcome { trained: outcome.trained, ..all.1.clone() });
        }
        assert!(run(&data, &blobs, &drawn(100, method)).0 != all.0);
    }
}

#[test]
fn an_epoch_trains_on_what_was_drawn_for_its_network() {
    let blobs = imbalanced();
    let labels = blobs.training_set().labels;
    let by_class = |samples: &BTreeSet<usize>| -> [usize; CLASSES] {
        std::array::from_fn(|class| samples.iter().filter(|&&sample| labels[sample] == class).count())
    };
    let rare = labels.iter().filter(|&&label| label == 3).count();
    assert!((31..75).contains(&rare), "{rare}");
    for method in [MethodKind::Ce, MethodKind::Joint, MethodKind::Reweight, MethodKind::Consistency] {
        let passes = passes(&blobs, &drawn(120, method));
        assert_eq!(passes.len(), 6);
        assert!(passes.iter().all(|samples| by_class(samples) == [30; 4]), "{method:?}");
        assert_eq!(passes.iter().collect::<BTreeSet<_>>().len(), 6, "each epoch has its own");
    }
    let passes = passes(&blobs, &drawn(300, MethodKind::DivideMix));
    assert_eq!(passes.len(), 12);
    // Warm-up: two epochs of two networks. What is divided then need not be seen as a whole.
    assert!(passes[..4].iter().all(|samples| by_class(samples) == [75, 75, 75, rare]));
    assert_eq!(passes[..4].iter().collect::<BTreeSet<_>>().len(), 4);
    for samples in &passes[4..] {
        assert!(by_class(samples).iter().zip([75, 75, 75, rare]).all(|(found, drawn)| *found <= drawn));
    }
}

#[test]
fn dividemix_divides_what_was_drawn_and_rates_all_in_the_end() {
    let blobs = imbalanced();
    let data = blobs.training_set();
    let clean: Vec<bool> = data.truth.iter().zip(&data.labels).map(|(t, y)| *t == Some(*y)).collect();
    let counts: [usize; CLASSES] =
        std::array::from_fn(|class| data.labels.iter().filter(|&&label| label == class).count());
    let size: usize = counts.iter().map(|&count| count.min(75)).sum();
    for class_weights in [ClassWeights::None, ClassWeights::Balanced] {
        let hyper = Hyperparameters { epochs: 14, class_weights, ..drawn(300, MethodKind::DivideMix) };
        let (_, outcome, events) = run(&data, &blobs, &hyper);
        let divided: Vec<usize> = events
            .iter()
            .filter_map(|event| match event {
                Event::Division { labeled, unlabeled, .. } => Some(labeled + unlabeled),
                _ => None,
            })
            .collect();
        assert_eq!(divided, [size; 24]);
        for record in outcome.records.iter().filter(|record| record.phase == Phase::Train) {
            assert!(record.clean_fraction.is_some_and(|share| share > 0.4 && share < 1.0), "{record:?}");
            assert!(record.division_auc.is_some_and(|auc| auc > 0.8), "{record:?}");
        }
        // All samples, whatever the last draw was: none is left without a probability.
        let auc = noisy_labels::metrics::auc(&outcome.clean_probability, &clean).unwrap();
        assert!(auc > 0.9, "{auc}");
    }
}
