//! The shared loop and DivideMix on features drawn from known classes.
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod clouds;

use std::sync::atomic::{AtomicBool, Ordering};

use candle_core::{Device, Tensor};
use clouds::{CLASSES, Clouds, networks, quick, wrong_share};
use dividemix::{
    Checkpoints, DivisionScope, Error, Event, Hyperparameters, Method, Network, Outcome, Phase, logits, train,
};
use noisy_labels::argmax;
use safetensors::SafeTensors;

fn run(clouds: &Clouds, hyper: &Hyperparameters, checkpoints: Option<&Checkpoints>) -> (Outcome, Vec<Event>) {
    let networks = networks(hyper.networks(), hyper.seed);
    run_on(&networks, clouds, hyper, checkpoints)
}

fn run_on(
    networks: &[Box<dyn Network>],
    clouds: &Clouds,
    hyper: &Hyperparameters,
    checkpoints: Option<&Checkpoints>,
) -> (Outcome, Vec<Event>) {
    let mut events = Vec::new();
    let mut observe = |event: Event| {
        events.push(event);
        Ok(())
    };
    let stop = AtomicBool::new(false);
    let (data, test) = (clouds.training_set(), clouds.test_set());
    let outcome = train(networks, &data, Some(&test), None, hyper, checkpoints, &stop, &mut observe).unwrap();
    (outcome, events)
}

/// Those of all networks.
fn bits(networks: &[Box<dyn Network>]) -> Vec<u32> {
    networks.iter().flat_map(|network| clouds::bits(network.as_ref())).collect()
}

#[test]
fn dividemix_finds_the_wrong_labels_and_beats_plain_training() {
    let clouds = Clouds::new(1200, 0.4, 11);
    let hyper = Hyperparameters { epochs: 14, warmup: 3, ..quick(Method::DivideMix) };
    let (found, _) = run(&clouds, &hyper, None);
    let plain = Hyperparameters { epochs: 40, warmup: 0, ..quick(Method::Ce) };
    let (plain, _) = run(&clouds, &plain, None);
    let data = clouds.training_set();
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
    let clouds = Clouds::new(1200, 0.4, 11);
    let data = clouds.training_set();
    let clean: Vec<bool> = data.truth.iter().zip(&data.labels).map(|(t, y)| *t == Some(*y)).collect();
    for loss_average in [1, 3] {
        let found = |division| {
            let hyper =
                Hyperparameters { epochs: 8, warmup: 3, division, loss_average, ..quick(Method::DivideMix) };
            run(&clouds, &hyper, None).0.clean_probability
        };
        let (by_class, by_all) = (found(DivisionScope::ByClass), found(DivisionScope::All));
        assert!(by_class != by_all);
        let auc = noisy_labels::metrics::auc(&by_class, &clean).unwrap();
        assert!(auc > 0.95, "{auc}, losses averaged over {loss_average} epochs");
    }
}

#[test]
fn the_same_seed_gives_the_same_bits_for_any_number_of_threads() {
    let clouds = Clouds::new(200, 0.3, 5);
    let hyper = quick(Method::DivideMix);
    let with_threads = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let networks = networks(2, hyper.seed);
            let (outcome, _) = run_on(&networks, &clouds, &hyper, None);
            (bits(&networks), outcome.label_quality, outcome.probabilities, outcome.clean_probability)
        })
    };
    let one = with_threads(1);
    assert!(one == with_threads(2));
    assert!(one == with_threads(3));
}

#[test]
fn another_seed_gives_another_run() {
    let clouds = Clouds::new(200, 0.3, 5);
    let (a, _) = run(&clouds, &quick(Method::DivideMix), None);
    let (b, _) = run(&clouds, &Hyperparameters { seed: 4, ..quick(Method::DivideMix) }, None);
    assert_ne!(a.probabilities, b.probabilities);
}

#[test]
fn a_run_that_was_stopped_goes_on_to_the_same_bits() {
    let clouds = Clouds::new(200, 0.3, 5);
    let plain = [
        Method::DivideMix,
        Method::Ce,
        Method::Forward,
        Method::Joint,
        Method::Reweight,
        Method::Consistency,
    ];
    let averaged = Hyperparameters { ema: Some(0.9), ..quick(Method::DivideMix) };
    let drawn = [Method::DivideMix, Method::Consistency]
        .map(|method| Hyperparameters { epoch_images: Some(90), ..quick(method) });
    for hyper in plain.map(quick).into_iter().chain([averaged]).chain(drawn) {
        let left_alone = networks(hyper.networks(), hyper.seed);
        let (expected, _) = run_on(&left_alone, &clouds, &hyper, None);
        // Stopped in the middle of warm-up, after warm-up, and in the last epoch.
        for stop_in in [1, 3, 6] {
            let folder = tempfile::tempdir().unwrap();
            let checkpoints = Checkpoints::new(folder.path(), 1);
            let stop = AtomicBool::new(false);
            let mut observe = |event: Event| {
                if matches!(event, Event::EpochStarted { epoch, .. } if epoch == stop_in) {
                    stop.store(true, Ordering::Relaxed);
                }
                Ok(())
            };
            let (data, test) = (clouds.training_set(), clouds.test_set());
            let networks_before = networks(hyper.networks(), hyper.seed);
            let stopped = train(
                &networks_before,
                &data,
                Some(&test),
                None,
                &hyper,
                Some(&checkpoints),
                &stop,
                &mut observe,
            );
            assert!(matches!(stopped, Err(Error::Stopped)));
            // A new process would begin with other weights: the checkpoint has to bring them all.
            let resumed = networks(hyper.networks(), 99);
            let resumed = if stop_in == 1 { networks(hyper.networks(), hyper.seed) } else { resumed };
            let (outcome, events) = run_on(&resumed, &clouds, &hyper, Some(&checkpoints));
            let first = events.iter().find_map(|e| match e {
                Event::EpochStarted { epoch, .. } => Some(*epoch),
                _ => None,
            });
            assert_eq!(first, Some(stop_in));
            assert_eq!(bits(&resumed), bits(&left_alone), "{:?}, stopped in epoch {stop_in}", hyper.method);
            assert_eq!(Outcome { trained: expected.trained, ..outcome }, expected);
        }
    }
}

#[test]
fn averaged_weights_are_evaluated_and_are_the_model_in_the_end() {
    let clouds = Clouds::new(150, 0.3, 5);
    for method in [Method::Ce, Method::DivideMix] {
        let end = |ema| {
            let hyper = Hyperparameters { ema, ..quick(method) };
            let networks = networks(hyper.networks(), hyper.seed);
            let (outcome, _) = run_on(&networks, &clouds, &hyper, None);
            (bits(&networks), outcome, networks)
        };
        let (raw, plain, _) = end(None);
        let (of_0, outcome, _) = end(Some(0.0));
        assert!(of_0 == raw && outcome.records == plain.records, "an average that keeps nothing");
        let (averaged, outcome, networks) = end(Some(0.9));
        assert!(averaged != raw && outcome.probabilities != plain.probabilities);
        // The last record's accuracy is that of the networks as they are left.
        let (test, stop) = (clouds.test_set(), AtomicBool::new(false));
        let predicted = logits(networks[0].as_ref(), &test.views, &stop).unwrap();
        let right = predicted.chunks(CLASSES).zip(&test.labels).filter(|(row, y)| argmax(row) == **y).count();
        let mut records = outcome.records.iter().filter(|record| record.network == 1);
        let accuracy = records.next_back().unwrap().network_test_accuracy.unwrap();
        assert_eq!(accuracy, right as f64 / test.labels.len() as f64);
    }
}

#[test]
fn a_finished_run_can_be_lengthened() {
    let clouds = Clouds::new(120, 0.3, 5);
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(folder.path(), 1);
    let hyper = quick(Method::DivideMix);
    let networks = networks(2, 3);
    run_on(&networks, &clouds, &hyper, Some(&checkpoints));
    let longer = Hyperparameters { epochs: 8, ..hyper };
    let (outcome, events) = run_on(&networks, &clouds, &longer, Some(&checkpoints));
    assert_eq!(events.iter().filter(|e| matches!(e, Event::EpochStarted { .. })).count(), 2);
    assert_eq!(outcome.records.len(), 16);
}

#[test]
fn only_the_newest_checkpoint_stays_and_another_data_set_is_refused() {
    let clouds = Clouds::new(120, 0.3, 5);
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(folder.path(), 2);
    let hyper = Hyperparameters { epochs: 5, ..quick(Method::Ce) };
    run(&clouds, &hyper, Some(&checkpoints));
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert_eq!(files, ["epoch-0005.safetensors"]); // the last epoch's, though 5 is odd

    let other = Clouds::new(120, 0.5, 6);
    let networks = networks(1, 3);
    let (data, stop) = (other.training_set(), AtomicBool::new(false));
    let refused = train(&networks, &data, None, None, &hyper, Some(&checkpoints), &stop, &mut |_| Ok(()));
    assert!(refused.unwrap_err().to_string().contains("other samples or labels"));
}

#[test]
fn a_checkpoint_with_too_few_logits_or_margins_is_refused() {
    let clouds = Clouds::new(120, 0.3, 5);
    let hyper = Hyperparameters { epochs: 2, ..quick(Method::Ce) };
    for name in ["logits1", "margins/passes"] {
        let folder = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::new(folder.path(), 2);
        run(&clouds, &hyper, Some(&checkpoints));
        let path = folder.path().join("epoch-0002.safetensors");
        let bytes = std::fs::read(&path).unwrap();
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        let mut tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).unwrap();
        let cut = tensors[name].narrow(0, 0, 119).unwrap().contiguous().unwrap();
        tensors.insert(name.to_owned(), cut);
        std::fs::write(&path, safetensors::serialize(&tensors, header.metadata().clone()).unwrap()).unwrap();
        let (data, stop) = (clouds.training_set(), AtomicBool::new(false));
        let networks = networks(1, 3);
        let again = train(&networks, &data, None, None, &hyper, Some(&checkpoints), &stop, &mut |_| Ok(()));
        let text = again.unwrap_err().to_string();
        assert!(text.contains("epoch-0002") && text.contains("are needed"), "{name}: {text}");
    }
}

/// Each class's labels are drawn alike, as a checkpoint has it: nobody could undo that.
#[test]
fn noise_that_cannot_be_undone_is_trained_plainly_with_a_warning() {
    let clouds = Clouds::new(120, 0.3, 5);
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(folder.path(), 1);
    let hyper = Hyperparameters { epochs: 3, ..quick(Method::Backward) };
    let (_, events) = run(&clouds, &hyper, Some(&checkpoints));
    assert!(!events.iter().any(|e| matches!(e, Event::Warning(_))), "some noise can");
    let path = folder.path().join("epoch-0003.safetensors");
    let bytes = std::fs::read(&path).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let mut tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).unwrap();
    let alike = Tensor::full(1.0 / CLASSES as f32, (CLASSES, CLASSES), &Device::Cpu).unwrap();
    tensors.insert("transition".to_owned(), alike);
    std::fs::write(&path, safetensors::serialize(&tensors, header.metadata().clone()).unwrap()).unwrap();
    let longer = Hyperparameters { epochs: 4, ..hyper };
    let (_, events) = run(&clouds, &longer, Some(&checkpoints));
    let warned =
        |e: &Event| matches!(e, Event::Warning(w) if w.contains("plainly") && w.contains("--strength"));
    assert!(events.iter().any(warned), "{events:?}");
}

#[test]
fn epochs_equal_to_warm_up_still_end_with_a_division() {
    let clouds = Clouds::new(600, 0.3, 5);
    let hyper = Hyperparameters { epochs: 3, warmup: 3, ..quick(Method::DivideMix) };
    let (outcome, events) = run(&clouds, &hyper, None);
    assert!(outcome.records.iter().all(|r| r.phase == Phase::WarmUp && r.clean_fraction.is_none()));
    assert!(!events.iter().any(|e| matches!(e, Event::Division { .. })));
    let (low, high) =
        outcome.clean_probability.iter().fold((1.0f64, 0.0f64), |(l, h), p| (l.min(*p), h.max(*p)));
    assert!(low < 0.5 && high > 0.5, "{low} {high}");
}

#[test]
fn a_set_that_cannot_be_divided_is_trained_plainly_with_a_warning() {
    // Every sample above the threshold 0, none above the threshold 1.
    let clouds = Clouds::new(120, 0.3, 5);
    for threshold in [0.0, 1.0] {
        let hyper = Hyperparameters { threshold, ..quick(Method::DivideMix) };
        let (outcome, events) = run(&clouds, &hyper, None);
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
    let clouds = Clouds::new(10, 0.3, 5);
    let hyper = Hyperparameters { batch: 64, ..quick(Method::DivideMix) };
    let (outcome, _) = run(&clouds, &hyper, None);
    assert!(outcome.probabilities.iter().all(|p| p.is_finite()));
}

#[test]
fn a_learning_rate_that_is_far_too_high_is_named() {
    let clouds = Clouds::new(120, 0.3, 5);
    let hyper = Hyperparameters { lr: 1e30, ..quick(Method::Ce) };
    let networks = networks(1, 3);
    let (data, stop) = (clouds.training_set(), AtomicBool::new(false));
    let error = train(&networks, &data, None, None, &hyper, None, &stop, &mut |_| Ok(())).unwrap_err();
    assert!(matches!(error, Error::Diverged { .. }), "{error}");
    assert!(error.to_string().contains("--lr"));
}

#[test]
fn training_ends_when_patience_does() {
    let clouds = Clouds::new(120, 0.3, 5);
    let hyper = Hyperparameters { epochs: 60, warmup: 0, patience: Some(3), ..quick(Method::Ce) };
    let (outcome, _) = run(&clouds, &hyper, None);
    let accuracies: Vec<f64> = outcome.records.iter().map(|r| r.test_accuracy.unwrap()).collect();
    assert!(accuracies.len() < 60, "{}", accuracies.len());
    let (before, recent) = accuracies.split_at(accuracies.len() - 3);
    let best = before.iter().copied().fold(0.0, f64::max);
    assert!(recent.iter().all(|a| *a <= best));
}

#[test]
fn every_loss_of_the_algorithm_is_reported() {
    let clouds = Clouds::new(600, 0.3, 5);
    let hyper = Hyperparameters { lambda_u: Some(25.0), ..quick(Method::DivideMix) };
    let (outcome, events) = run(&clouds, &hyper, None);
    assert_eq!(outcome.records.len(), 12); // a line an epoch and network
    for record in outcome.records.iter().filter(|r| r.phase == Phase::Train) {
        let losses = [record.losses.loss_x, record.losses.loss_u, record.losses.loss_reg];
        assert!(losses.iter().all(|l| l.is_some_and(|l| l.is_finite() && l >= 0.0)), "{record:?}");
        assert!(record.gmm_means.is_some_and(|[low, high]| low < high));
        assert!(record.clean_auc.is_some() && record.clean_fraction.is_some());
    }
    assert_eq!(events.iter().filter(|e| matches!(e, Event::EpochDone { .. })).count(), 6);
    assert!(clouds.training_set().classes == CLASSES);
}
