//! The shared loop and DivideMix on features drawn from known classes.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use candle_core::{Tensor, Var};
use dividemix::{
    Costs, DivisionScope, Error, Evaluator, Event, Hyperparameters, MethodKind, Mode, Network, Outcome,
    Phase, TestSet, Training, View, ViewSource, Work, logits,
};
use noisy_labels::losses::cross_entropy_per_sample;
use noisy_labels::{ClassTable, argmax};

use crate::gaussian_blobs::{CLASSES, GaussianBlobs, all_bits, networks, networks_for, quick, wrong_share};

fn run(blobs: &GaussianBlobs, hyper: &Hyperparameters) -> (Outcome, Vec<Event>, Vec<Box<dyn Network>>) {
    let (hyper, data, test) = (hyper.check().unwrap(), blobs.training_set(), blobs.test_set());
    let networks = networks_for(&hyper);
    let mut events = Vec::new();
    let observe = |event: Event| {
        events.push(event);
        Ok(())
    };
    let outcome = Training::new(&networks, &data, &hyper).test(&test).run(observe).unwrap();
    (outcome, events, networks)
}

#[test]
fn dividemix_finds_the_wrong_labels_and_beats_plain_training() {
    let blobs = GaussianBlobs::new(1200, 0.4, 11);
    let hyper = Hyperparameters { epochs: 14, warmup: 3, ..quick(MethodKind::DivideMix) };
    let (found, ..) = run(&blobs, &hyper);
    let plain = Hyperparameters { epochs: 40, warmup: 0, ..quick(MethodKind::Ce) };
    let (plain, ..) = run(&blobs, &plain);
    let data = blobs.training_set();
    let clean: Vec<bool> = data.truth.iter().zip(&data.labels).map(|(t, y)| *t == Some(*y)).collect();
    assert!((wrong_share(&data) - 0.4).abs() < 1e-9);
    let auc = |scores: &[f64]| noisy_labels::metrics::auc(scores, &clean).unwrap();
    assert!(auc(&found.clean_probability) > 0.97, "{}", auc(&found.clean_probability));
    assert!(auc(&found.label_quality) > 0.97, "{}", auc(&found.label_quality));
    let (ours, theirs) = (found.last_accuracy().unwrap(), plain.last_accuracy().unwrap());
    assert!(ours > theirs + 0.03, "DivideMix {ours}, plain {theirs}");
}

#[test]
fn classes_divided_by_themselves_show_their_wrong_labels_too() {
    let blobs = GaussianBlobs::new(1200, 0.4, 11);
    let data = blobs.training_set();
    let clean: Vec<bool> = data.truth.iter().zip(&data.labels).map(|(t, y)| *t == Some(*y)).collect();
    for loss_average in [1, 3] {
        let found = |division| {
            let hyper = Hyperparameters {
                epochs: 8,
                warmup: 3,
                division,
                loss_average,
                ..quick(MethodKind::DivideMix)
            };
            run(&blobs, &hyper).0.clean_probability
        };
        let (by_class, by_all) = (found(DivisionScope::ByClass), found(DivisionScope::All));
        assert!(by_class != by_all);
        let auc = noisy_labels::metrics::auc(&by_class, &clean).unwrap();
        assert!(auc > 0.95, "{auc}, losses averaged over {loss_average} epochs");
    }
}

#[test]
fn the_same_seed_gives_the_same_bits_for_any_number_of_threads() {
    let blobs = GaussianBlobs::new(200, 0.3, 5);
    let hyper = quick(MethodKind::DivideMix);
    let with_threads = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let (outcome, _, networks) = run(&blobs, &hyper);
            (all_bits(&networks), outcome.label_quality, outcome.probabilities, outcome.clean_probability)
        })
    };
    let one = with_threads(1);
    assert!(one == with_threads(2));
    assert!(one == with_threads(3));
}

#[test]
fn another_seed_gives_another_run() {
    let blobs = GaussianBlobs::new(200, 0.3, 5);
    let (a, ..) = run(&blobs, &quick(MethodKind::DivideMix));
    let (b, ..) = run(&blobs, &Hyperparameters { seed: 4, ..quick(MethodKind::DivideMix) });
    assert_ne!(a.probabilities, b.probabilities);
}

#[test]
fn averaged_weights_are_evaluated_and_are_the_model_in_the_end() {
    let blobs = GaussianBlobs::new(150, 0.3, 5);
    for method in [MethodKind::Ce, MethodKind::DivideMix] {
        let end = |ema| {
            let hyper = Hyperparameters { ema, ..quick(method) };
            let (outcome, _, networks) = run(&blobs, &hyper);
            (all_bits(&networks), outcome, networks)
        };
        let (raw, plain, _) = end(None);
        let (of_0, outcome, _) = end(Some(0.0));
        assert!(of_0 == raw && outcome.records == plain.records, "an average that keeps nothing");
        let (averaged, outcome, networks) = end(Some(0.9));
        assert!(averaged != raw && outcome.probabilities != plain.probabilities);
        // The last record's accuracy is that of the networks as they are left.
        let (test, stop) = (blobs.test_set(), AtomicBool::new(false));
        let predicted = logits(networks[0].as_ref(), &test.views, &stop).unwrap();
        let right = predicted.chunks(CLASSES).zip(&test.labels).filter(|(row, y)| argmax(row) == **y).count();
        let mut records = outcome.records.iter().filter(|record| record.network == 1);
        let accuracy = records.next_back().unwrap().network_test_accuracy.unwrap();
        assert_eq!(accuracy, right as f64 / test.labels.len() as f64);
    }
}

#[test]
fn epochs_equal_to_warm_up_still_end_with_a_division() {
    let blobs = GaussianBlobs::new(600, 0.3, 5);
    let hyper = Hyperparameters { epochs: 3, warmup: 3, ..quick(MethodKind::DivideMix) };
    let (outcome, events, _) = run(&blobs, &hyper);
    assert!(outcome.records.iter().all(|r| r.phase == Phase::WarmUp && r.clean_fraction.is_none()));
    assert!(!events.iter().any(|e| matches!(e, Event::Division { .. })));
    let (low, high) =
        outcome.clean_probability.iter().fold((1.0f64, 0.0f64), |(l, h), p| (l.min(*p), h.max(*p)));
    assert!(low < 0.5 && high > 0.5, "{low} {high}");
}

#[test]
fn a_set_that_cannot_be_divided_is_trained_plainly_with_a_warning() {
    // Every sample above the threshold 0, none above the threshold 1.
    let blobs = GaussianBlobs::new(120, 0.3, 5);
    for threshold in [0.0, 1.0] {
        let hyper = Hyperparameters { threshold, ..quick(MethodKind::DivideMix) };
        let (outcome, events, _) = run(&blobs, &hyper);
        let warnings =
            events.iter().filter(|e| matches!(e, Event::Warning(w) if w.contains("trained plainly")));
        let plain = outcome.records.iter().filter(|r| r.phase == Phase::Train && r.losses.loss_u.is_none());
        assert!(warnings.count() > 0);
        assert!(plain.count() > 0);
        assert_eq!(outcome.clean_probability.len(), 120);
    }
}

#[test]
fn a_set_smaller_than_a_batch_is_trained() {
    let blobs = GaussianBlobs::new(10, 0.3, 5);
    let hyper = Hyperparameters { batch: 64, ..quick(MethodKind::DivideMix) };
    let (outcome, ..) = run(&blobs, &hyper);
    assert!(outcome.probabilities.values().iter().all(|p| p.is_finite()));
}

#[test]
fn a_learning_rate_that_is_far_too_high_is_named() {
    let blobs = GaussianBlobs::new(120, 0.3, 5);
    let hyper = Hyperparameters { lr: 1e30, ..quick(MethodKind::Ce) };
    let (hyper, data) = (hyper.check().unwrap(), blobs.training_set());
    let error = Training::new(&networks(1, 3), &data, &hyper).run(|_| Ok(())).unwrap_err();
    assert!(matches!(error, Error::Diverged { .. }), "{error}");
    assert!(error.to_string().contains("`lr`"));
}

#[test]
fn a_weight_decay_that_is_far_too_high_is_named() {
    let blobs = GaussianBlobs::new(120, 0.3, 5);
    let hyper = Hyperparameters { weight_decay: 1e38, ..quick(MethodKind::Ce) };
    let (hyper, data) = (hyper.check().unwrap(), blobs.training_set());
    let error = Training::new(&networks(1, 3), &data, &hyper).run(|_| Ok(())).unwrap_err().to_string();
    assert!(error.contains("`weight_decay`, now 1e38") && error.contains("`lr`"), "{error}");
}

#[test]
fn an_estimate_is_made_of_settings_that_diverge() {
    let blobs = GaussianBlobs::new(120, 0.3, 5);
    let hyper = Hyperparameters { weight_decay: 1e38, lambda_r: 1e300, ..quick(MethodKind::DivideMix) };
    let hyper = hyper.check().unwrap();
    let (data, work) = (blobs.training_set(), Work::training(&hyper, 0, 120, 0, 0.5));
    let stop = AtomicBool::new(false);
    let measured = Costs::measure(&networks(2, 3), &data.views, data.classes, &hyper, (120, &work), &stop);
    assert!(measured.unwrap().plain.seconds > 0.0);
}

/// A set without samples.
struct NoViews;

impl ViewSource for NoViews {
    fn len(&self) -> usize {
        0
    }

    fn plain(&self, _: &[usize]) -> dividemix::Result<Tensor> {
        Err(Error::caller("there are no samples"))
    }

    fn augmented(&self, _: &[View]) -> dividemix::Result<Tensor> {
        Err(Error::caller("there are no samples"))
    }
}

#[test]
fn a_test_set_that_cannot_be_measured_on_is_refused() {
    let blobs = GaussianBlobs::new(120, 0.3, 5);
    let (data, hyper) = (blobs.training_set(), quick(MethodKind::Ce).check().unwrap());
    let refused = |change: fn(&mut Vec<usize>)| {
        let mut test = blobs.test_set();
        change(&mut test.labels);
        let networks = networks(1, 3);
        let error = Training::new(&networks, &data, &hyper).test(&test).run(|_| Ok(())).unwrap_err();
        error.to_string()
    };
    let empty = TestSet { views: Arc::new(NoViews), labels: Vec::new() };
    let networks = networks(1, 3);
    let error = Training::new(&networks, &data, &hyper).test(&empty).run(|_| Ok(())).unwrap_err();
    assert!(error.to_string().contains("the test set is empty"), "{error}");
    assert!(refused(|labels| labels.truncate(5)).contains("5 labels"));
    assert!(refused(|labels| labels[3] = 99).contains("label 99"));
}

#[test]
fn training_ends_when_patience_does() {
    let blobs = GaussianBlobs::new(120, 0.3, 5);
    let hyper = Hyperparameters { epochs: 60, warmup: 0, patience: Some(3), ..quick(MethodKind::Ce) };
    let (outcome, ..) = run(&blobs, &hyper);
    let accuracies: Vec<f64> = outcome.records.iter().map(|r| r.test_accuracy.unwrap()).collect();
    assert!(accuracies.len() < 60, "{}", accuracies.len());
    let (before, recent) = accuracies.split_at(accuracies.len() - 3);
    let best = before.iter().copied().fold(0.0, f64::max);
    assert!(recent.iter().all(|a| *a <= best));
}

#[test]
fn every_loss_of_the_algorithm_is_reported() {
    let blobs = GaussianBlobs::new(600, 0.3, 5);
    let hyper = Hyperparameters { lambda_u: Some(25.0), ..quick(MethodKind::DivideMix) };
    let (outcome, events, _) = run(&blobs, &hyper);
    assert_eq!(outcome.records.len(), 12); // a line an epoch and network
    for record in outcome.records.iter().filter(|r| r.phase == Phase::Train) {
        let losses = [record.losses.loss_x, record.losses.loss_u, record.losses.loss_reg];
        assert!(losses.iter().all(|l| l.is_some_and(|l| l.is_finite() && l >= 0.0)), "{record:?}");
        assert!(record.gmm_means.is_some_and(|[low, high]| low < high));
        assert!(record.division_auc.is_some() && record.clean_fraction.is_some());
    }
    assert_eq!(events.iter().filter(|e| matches!(e, Event::EpochDone { .. })).count(), 6);
    assert!(blobs.training_set().classes == CLASSES);
}

#[test]
fn the_auc_of_the_quality_and_of_the_division_are_reported_apart() {
    let blobs = GaussianBlobs::new(600, 0.3, 5);
    let (outcome, ..) = run(&blobs, &quick(MethodKind::DivideMix));
    let data = blobs.training_set();
    let clean: Vec<bool> = data.truth.iter().zip(&data.labels).map(|(t, y)| *t == Some(*y)).collect();
    let last = outcome.records.last().unwrap();
    assert_eq!(last.clean_auc, noisy_labels::metrics::auc(&outcome.label_quality, &clean));
    for record in &outcome.records {
        assert!(record.clean_auc.is_some(), "after each epoch labels have a quality: {record:?}");
        assert_eq!(record.division_auc.is_some(), record.phase == Phase::Train, "{record:?}");
    }
    let of_network = |network| outcome.records.iter().rfind(|r| r.network == network).unwrap();
    assert_eq!(of_network(1).clean_auc, of_network(2).clean_auc, "one quality of both networks");
    assert_ne!(of_network(1).division_auc, of_network(2).division_auc, "a division of each");
}

/// A network whose evaluation fails after its first epoch.
struct Failing {
    network: Box<dyn Network>,
    evaluations: std::sync::atomic::AtomicUsize,
}

impl Network for Failing {
    fn forward_t(&self, batch: &Tensor, mode: Mode) -> candle_core::Result<Tensor> {
        self.network.forward_t(batch, mode)
    }

    fn evaluator(&self) -> candle_core::Result<Evaluator<'_>> {
        if self.evaluations.fetch_add(1, std::sync::atomic::Ordering::Relaxed) >= 1 {
            candle_core::bail!("no evaluation today");
        }
        self.network.evaluator()
    }

    fn parameters(&self) -> Vec<(String, Var)> {
        self.network.parameters()
    }

    fn buffers(&self) -> Vec<(String, Var)> {
        self.network.buffers()
    }
}

#[test]
fn an_evaluation_that_fails_leaves_a_network_its_own_weights() {
    let blobs = GaussianBlobs::new(150, 0.3, 5);
    let end = |ema| {
        let hyper = Hyperparameters { ema, ..quick(MethodKind::Ce) }.check().unwrap();
        let failing = |network| Box::new(Failing { network, evaluations: 0.into() }) as Box<dyn Network>;
        let networks: Vec<_> = networks_for(&hyper).into_iter().map(failing).collect();
        let failed = Training::new(&networks, &blobs.training_set(), &hyper).run(|_| Ok(()));
        assert!(failed.unwrap_err().to_string().contains("no evaluation today"));
        all_bits(&networks)
    };
    // Plain training doesn't depend on the average, so both networks have taken the same two epochs of steps.
    assert!(end(Some(0.9)) == end(None));
}

#[test]
fn an_error_of_the_observer_leaves_the_loop_as_it_is() {
    let blobs = GaussianBlobs::new(60, 0.3, 5);
    let (hyper, data) = (quick(MethodKind::Ce).check().unwrap(), blobs.training_set());
    let failed =
        Training::new(&networks(1, 3), &data, &hyper).run(|_| Err(Error::caller("the disk is full")));
    let error = failed.unwrap_err();
    assert!(matches!(error, Error::Caller(_)));
    assert_eq!(error.to_string(), "the disk is full");
}

/// The cross entropy of each sample's given label under a network.
fn losses_under(network: &dyn Network, blobs: &GaussianBlobs) -> Vec<f64> {
    let data = blobs.training_set();
    let logits = logits(network, &data.views, &AtomicBool::new(false)).unwrap();
    let table = ClassTable::new(logits, CLASSES).unwrap();
    let losses = cross_entropy_per_sample(&table, &data.labels).unwrap();
    losses.into_iter().map(f64::from).collect()
}

/// The index of the smallest value.
fn smallest(values: &[f64]) -> Option<usize> {
    (0..values.len()).min_by(|&a, &b| values[a].total_cmp(&values[b]))
}

#[test]
fn the_outcome_has_each_network_s_last_mixture_with_the_losses_that_it_was_fitted_to() {
    let blobs = GaussianBlobs::new(600, 0.4, 5);
    for loss_average in [1, 3] {
        let hyper = Hyperparameters { loss_average, ..quick(MethodKind::DivideMix) };
        let (outcome, _, networks) = run(&blobs, &hyper);
        assert_eq!(outcome.mixtures.len(), 2);
        if loss_average == 1 {
            for (fitted, network) in outcome.mixtures.iter().zip(&networks) {
                assert_eq!(smallest(&fitted.losses), smallest(&losses_under(network.as_ref(), &blobs)));
            }
        }
        let mut clean = vec![0.0; 600];
        for fitted in &outcome.mixtures {
            let mixture = fitted.mixture.as_ref().unwrap();
            assert_eq!(fitted.losses.len(), 600);
            for (clean, &loss) in clean.iter_mut().zip(&fitted.losses) {
                *clean += 0.5 * mixture.clean_probability(loss);
            }
        }
        // The posteriors of these losses under these mixtures are what the division found.
        assert_eq!(clean, outcome.clean_probability);
        assert_ne!(outcome.mixtures[0].losses, outcome.mixtures[1].losses, "each network has its own");
    }
}

#[test]
fn the_backbone_of_an_own_model_has_its_own_rate() {
    let blobs = GaussianBlobs::new(100, 0.3, 5);
    let trained = |backbone_lr| {
        let hyper = Hyperparameters { backbone_lr, ..quick(MethodKind::Ce) };
        let (.., networks) = run(&blobs, &hyper);
        networks[0].parameters()
    };
    let first = networks(1, 3)[0].parameters();
    let frozen = trained(Some(0.0));
    for ((name, first), (_, frozen)) in first.iter().zip(&frozen) {
        let value = |var: &Var| var.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(value(first) == value(frozen), !name.starts_with("classifier."), "{name}");
    }
    // `Failing` says nothing of a classifier.
    let network = networks(1, 3).remove(0);
    let silent: [Box<dyn Network>; 1] = [Box::new(Failing { network, evaluations: 0.into() })];
    let hyper = Hyperparameters { backbone_lr: Some(0.01), ..quick(MethodKind::Ce) }.check().unwrap();
    let refused = Training::new(&silent, &blobs.training_set(), &hyper).run(|_| Ok(())).unwrap_err();
    assert!(matches!(refused, Error::Setting { name: "backbone_lr", .. }), "{refused}");
}
