//! Epochs of some of the samples, drawn for each network anew.
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

#[allow(dead_code, reason = "shared with other tests")]
mod clouds;

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use candle_core::Tensor;
use clouds::{CLASSES, Clouds, bits, networks, quick};
use dividemix::{
    ClassWeights, Event, Hyperparameters, Method, Outcome, Phase, Result, TrainingSet, View, ViewSource,
    train,
};

fn run(data: &TrainingSet, clouds: &Clouds, hyper: &Hyperparameters) -> (Vec<u32>, Outcome, Vec<Event>) {
    let networks = networks(hyper.networks(), hyper.seed);
    let (test, stop) = (clouds.test_set(), AtomicBool::new(false));
    let mut events = Vec::new();
    let mut observe = |event: Event| {
        events.push(event);
        Ok(())
    };
    let outcome = train(&networks, data, Some(&test), None, hyper, None, &stop, &mut observe).unwrap();
    (networks.iter().flat_map(|network| bits(network.as_ref())).collect(), outcome, events)
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
fn passes(clouds: &Clouds, hyper: &Hyperparameters) -> Vec<BTreeSet<usize>> {
    let passes = Arc::new(Mutex::new(Vec::new()));
    let data = clouds.training_set();
    let views = Arc::new(Noted { views: Arc::clone(&data.views), passes: Arc::clone(&passes) });
    let mut observe = |event: Event| {
        if let Event::PassStarted { .. } = event {
            passes.lock().unwrap().push(BTreeSet::new());
        }
        Ok(())
    };
    let (networks, stop) = (networks(hyper.networks(), hyper.seed), AtomicBool::new(false));
    train(&networks, &TrainingSet { views, ..data }, None, None, hyper, None, &stop, &mut observe).unwrap();
    passes.lock().unwrap().clone()
}

/// Of 600 samples, 60, 25, 10 and 5 % of a class.
fn imbalanced() -> Clouds {
    let class = |i: usize| [60, 85, 95, 100].iter().position(|&end| i % 100 < end).unwrap();
    Clouds::of((0..600).map(class).collect(), 0.2, 5)
}

fn drawn(images: usize, method: Method) -> Hyperparameters {
    Hyperparameters { epoch_images: Some(images), ..quick(method) }
}

#[test]
fn as_many_as_there_are_is_training_without_a_draw_to_the_bit() {
    let clouds = imbalanced();
    let data = clouds.training_set();
    for method in [Method::Ce, Method::Reweight, Method::DivideMix] {
        let all = run(&data, &clouds, &quick(method));
        for images in [600, 10_000] {
            let (bits, outcome, _) = run(&data, &clouds, &drawn(images, method));
            assert!(bits == all.0, "{method:?}, {images}");
            assert_eq!(outcome, Outcome { trained: outcome.trained, ..all.1.clone() });
        }
        assert!(run(&data, &clouds, &drawn(100, method)).0 != all.0);
    }
}

#[test]
fn an_epoch_trains_on_what_was_drawn_for_its_network() {
    let clouds = imbalanced();
    let labels = clouds.training_set().labels;
    let by_class = |samples: &BTreeSet<usize>| -> [usize; CLASSES] {
        std::array::from_fn(|class| samples.iter().filter(|&&sample| labels[sample] == class).count())
    };
    let rare = labels.iter().filter(|&&label| label == 3).count();
    assert!((31..75).contains(&rare), "{rare}");
    for method in [Method::Ce, Method::Joint, Method::Reweight, Method::Consistency] {
        let passes = passes(&clouds, &drawn(120, method));
        assert_eq!(passes.len(), 6);
        assert!(passes.iter().all(|samples| by_class(samples) == [30; 4]), "{method:?}");
        assert_eq!(passes.iter().collect::<BTreeSet<_>>().len(), 6, "each epoch has its own");
    }
    let passes = passes(&clouds, &drawn(300, Method::DivideMix));
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
    let clouds = imbalanced();
    let data = clouds.training_set();
    let clean: Vec<bool> = data.truth.iter().zip(&data.labels).map(|(t, y)| *t == Some(*y)).collect();
    let counts: [usize; CLASSES] =
        std::array::from_fn(|class| data.labels.iter().filter(|&&label| label == class).count());
    let size: usize = counts.iter().map(|&count| count.min(75)).sum();
    for class_weights in [ClassWeights::None, ClassWeights::Balanced] {
        let hyper = Hyperparameters { epochs: 14, class_weights, ..drawn(300, Method::DivideMix) };
        let (_, outcome, events) = run(&data, &clouds, &hyper);
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
            assert!(record.clean_auc.is_some_and(|auc| auc > 0.8), "{record:?}");
        }
        // All samples, whatever the last draw was: none is left without a probability.
        let auc = noisy_labels::metrics::auc(&outcome.clean_probability, &clean).unwrap();
        assert!(auc > 0.9, "{auc}");
    }
}
