//! Checkpoints: a training goes on from one to the same bits, and from no other training's.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use candle_core::{DType, Device, Tensor};
use dividemix::{
    CheckedHyperparameters, Checkpoints, Error, Event, Hyperparameters, MethodKind, Network, Outcome,
    Training,
};
use safetensors::SafeTensors;

use crate::gaussian_blobs::{CLASSES, GaussianBlobs, all_bits, networks, networks_for, networks_of, quick};

fn run_on(
    networks: &[Box<dyn Network>],
    blobs: &GaussianBlobs,
    hyper: &CheckedHyperparameters,
    checkpoints: Option<&Checkpoints>,
) -> (Outcome, Vec<Event>) {
    let mut events = Vec::new();
    let observe = |event: Event| {
        events.push(event);
        Ok(())
    };
    let (data, test) = (blobs.training_set(), blobs.test_set());
    let training = Training::new(networks, &data, hyper).test(&test).checkpoints(checkpoints);
    let outcome = training.run(observe).unwrap();
    (outcome, events)
}

fn run(blobs: &GaussianBlobs, hyper: &Hyperparameters, checkpoints: &Checkpoints) -> (Outcome, Vec<Event>) {
    let hyper = hyper.check().unwrap();
    run_on(&networks_for(&hyper), blobs, &hyper, Some(checkpoints))
}

/// Why these networks can't go on from the checkpoints.
fn refusal(
    networks: &[Box<dyn Network>],
    blobs: &GaussianBlobs,
    hyper: &Hyperparameters,
    checkpoints: &Checkpoints,
) -> String {
    let (data, hyper) = (blobs.training_set(), hyper.check().unwrap());
    let refused = Training::new(networks, &data, &hyper).checkpoints(checkpoints).run(|_| Ok(()));
    refused.unwrap_err().to_string()
}

/// Changes the tensors of a checkpoint and the JSON in its metadata.
fn edit(
    path: &Path,
    change: impl FnOnce(&mut std::collections::HashMap<String, Tensor>, &mut serde_json::Value),
) {
    let bytes = std::fs::read(path).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let mut metadata = header.metadata().clone().unwrap();
    let mut json = serde_json::from_str(&metadata["effmix"]).unwrap();
    let mut tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).unwrap();
    change(&mut tensors, &mut json);
    metadata.insert("effmix".to_owned(), json.to_string());
    std::fs::write(path, safetensors::serialize(&tensors, Some(metadata)).unwrap()).unwrap();
}

#[test]
fn a_run_that_was_stopped_goes_on_to_the_same_bits() {
    let blobs = GaussianBlobs::new(200, 0.3, 5);
    let plain = [
        MethodKind::DivideMix,
        MethodKind::Ce,
        MethodKind::Forward,
        MethodKind::Joint,
        MethodKind::Reweight,
        MethodKind::Consistency,
    ];
    let averaged = Hyperparameters { ema: Some(0.9), ..quick(MethodKind::DivideMix) };
    let drawn = [MethodKind::DivideMix, MethodKind::Consistency]
        .map(|method| Hyperparameters { epoch_images: Some(90), ..quick(method) });
    for hyper in plain.map(quick).into_iter().chain([averaged]).chain(drawn) {
        let hyper = hyper.check().unwrap();
        let left_alone = networks_for(&hyper);
        let (expected, _) = run_on(&left_alone, &blobs, &hyper, None);
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
            let (data, test) = (blobs.training_set(), blobs.test_set());
            let before = networks_for(&hyper);
            let training = Training::new(&before, &data, &hyper).test(&test).checkpoints(&checkpoints);
            let stopped = training.stop(&stop).run(&mut observe);
            assert!(matches!(stopped, Err(Error::Stopped)));
            // A new process would begin with other weights: the checkpoint has to bring them all.
            let resumed = networks(hyper.networks(), if stop_in == 1 { hyper.seed } else { 99 });
            let (outcome, events) = run_on(&resumed, &blobs, &hyper, Some(&checkpoints));
            let first = events.iter().find_map(|e| match e {
                Event::EpochStarted { epoch, .. } => Some(*epoch),
                _ => None,
            });
            assert_eq!(first, Some(stop_in));
            assert_eq!(
                all_bits(&resumed),
                all_bits(&left_alone),
                "{:?}, stopped in epoch {stop_in}",
                hyper.method
            );
            assert_eq!(Outcome { trained: expected.trained, ..outcome }, expected);
        }
    }
}

#[test]
fn a_finished_run_can_be_lengthened() {
    let blobs = GaussianBlobs::new(120, 0.3, 5);
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(folder.path(), 1);
    let hyper = quick(MethodKind::DivideMix);
    run(&blobs, &hyper, &checkpoints);
    let longer = Hyperparameters { epochs: 8, patience: Some(50), ..hyper };
    let (outcome, events) = run(&blobs, &longer, &checkpoints);
    assert_eq!(events.iter().filter(|e| matches!(e, Event::EpochStarted { .. })).count(), 2);
    assert_eq!(outcome.records.len(), 16);
}

#[test]
fn a_run_that_patience_ended_has_a_checkpoint_and_can_be_lengthened() {
    let blobs = GaussianBlobs::new(120, 0.3, 5);
    let folder = tempfile::tempdir().unwrap();
    // No epoch is due: all checkpoints are of last epochs.
    let checkpoints = Checkpoints::new(folder.path(), 1000);
    let hyper = Hyperparameters { epochs: 60, warmup: 0, patience: Some(3), ..quick(MethodKind::Ce) };
    let (outcome, _) = run(&blobs, &hyper, &checkpoints);
    let ended = outcome.records.len();
    assert!(ended < 60, "patience ended it");
    assert_eq!(checkpoints.newest().unwrap(), Some(ended));

    let again = run(&blobs, &hyper, &checkpoints).0;
    assert_eq!(again.records.len(), ended, "as long as before, it is over");
    // Patience counts anew: at least its three epochs are trained.
    let longer = Hyperparameters { epochs: 61, ..hyper };
    let (outcome, _) = run(&blobs, &longer, &checkpoints);
    let lengthened = outcome.records.len();
    assert!(lengthened >= ended + 3, "{ended} and then {lengthened}");
    assert_eq!(run(&blobs, &longer, &checkpoints).0.records.len(), lengthened, "it is over again");
}

#[test]
fn settings_of_the_caller_must_be_the_same() {
    let blobs = GaussianBlobs::new(120, 0.3, 5);
    let folder = tempfile::tempdir().unwrap();
    let hyper = Hyperparameters { epochs: 2, ..quick(MethodKind::Ce) };
    let bound = |settings: &[(&str, &str)]| {
        let settings =
            settings.iter().map(|(name, value)| [name, value].map(|text| (*text).to_owned()).into());
        Checkpoints::new(folder.path(), 1).bound_to(settings.collect())
    };
    run(&blobs, &hyper, &bound(&[("size", "32"), ("crop", "yes")]));
    let text = refusal(&networks(1, 3), &blobs, &hyper, &bound(&[("size", "48"), ("flip", "yes")]));
    for part in
        ["crop was yes, and is now not set", "flip was not set, and is now yes", "size was 32, and is now 48"]
    {
        assert!(text.contains(part), "{text}");
    }
    run(&blobs, &hyper, &bound(&[("size", "32"), ("crop", "yes")]));
}

#[test]
fn what_would_be_gone_on_with_is_told_and_checked_before() {
    let blobs = GaussianBlobs::new(120, 0.3, 5);
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(folder.path(), 1);
    let hyper = Hyperparameters { epochs: 2, warmup: 1, ..quick(MethodKind::Ce) };
    let done = |hyper: &Hyperparameters| {
        let (data, hyper, networks) = (blobs.training_set(), hyper.check().unwrap(), networks(1, 3));
        Training::new(&networks, &data, &hyper).checkpoints(&checkpoints).epochs_done()
    };
    assert_eq!(done(&hyper).unwrap(), 0);
    run(&blobs, &hyper, &checkpoints);
    assert_eq!(done(&hyper).unwrap(), 2);
    let refused = |hyper: &Hyperparameters| done(hyper).unwrap_err().to_string();
    let text = refused(&Hyperparameters { lr: 0.06, ..hyper.clone() });
    assert!(text.contains("`lr` was 0.05"), "{text}");
    let text = refused(&Hyperparameters { epochs: 1, ..hyper.clone() });
    assert!(text.contains("epoch 2") && text.contains("`epochs`"), "{text}");

    let file = |epoch: usize| folder.path().join(format!("epoch-000{epoch}.safetensors"));
    std::fs::rename(file(2), file(9)).unwrap();
    let text = refused(&Hyperparameters { epochs: 9, ..hyper.clone() });
    assert!(text.contains("epoch 2, and not of 9"), "{text}");
    let whole = std::fs::read(file(9)).unwrap();
    std::fs::write(file(9), &whole[..whole.len() - 1]).unwrap();
    assert!(refused(&hyper).contains("not a checkpoint to go on from"));
}

#[test]
fn only_the_newest_checkpoint_stays_and_another_data_set_is_refused() {
    let blobs = GaussianBlobs::new(120, 0.3, 5);
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(folder.path(), 2);
    let hyper = Hyperparameters { epochs: 5, ..quick(MethodKind::Ce) };
    run(&blobs, &hyper, &checkpoints);
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert_eq!(files, ["epoch-0005.safetensors"]); // the last epoch's, though 5 is odd

    let other = GaussianBlobs::new(120, 0.5, 6);
    let refusal = refusal(&networks(1, 3), &other, &hyper, &checkpoints);
    assert!(refusal.contains("other samples or labels"), "{refusal}");
}

#[test]
fn another_method_setting_or_network_is_refused_and_named() {
    let blobs = GaussianBlobs::new(120, 0.3, 5);
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(folder.path(), 1);
    let hyper = Hyperparameters { epochs: 2, ..quick(MethodKind::Smooth) };
    run(&blobs, &hyper, &checkpoints);
    let with = |hyper: &Hyperparameters| refusal(&networks(1, 3), &blobs, hyper, &checkpoints);

    let text = with(&Hyperparameters { method: MethodKind::Ce, ..hyper.clone() });
    assert!(text.contains("method smooth") && text.contains("by ce"), "{text}");
    let text = with(&Hyperparameters { lr: 0.06, strength: Some(0.2), ..hyper.clone() });
    assert!(text.contains("`lr` was 0.05, and is now 0.06"), "{text}");
    assert!(text.contains("`strength` was not set, and is now 0.2") && !text.contains("momentum"), "{text}");

    struct Renamed(Box<dyn Network>);
    impl Network for Renamed {
        fn forward_t(&self, batch: &Tensor, mode: dividemix::Mode) -> candle_core::Result<Tensor> {
            self.0.forward_t(batch, mode)
        }
        fn parameters(&self) -> Vec<(String, candle_core::Var)> {
            self.0.parameters().into_iter().map(|(name, var)| (name.replace("hidden", "stem"), var)).collect()
        }
        fn buffers(&self) -> Vec<(String, candle_core::Var)> {
            self.0.buffers()
        }
    }
    let renamed: [Box<dyn Network>; 1] = [Box::new(Renamed(networks(1, 3).remove(0)))];
    let text = refusal(&renamed, &blobs, &hyper, &checkpoints);
    assert!(text.contains("hidden.bias [32]") && text.contains("stem.bias [32]"), "{text}");
}

#[test]
fn a_checkpoint_of_an_older_version_is_told_apart() {
    let blobs = GaussianBlobs::new(120, 0.3, 5);
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(folder.path(), 1);
    let hyper = Hyperparameters { epochs: 2, ..quick(MethodKind::Ce) };
    run(&blobs, &hyper, &checkpoints);
    edit(&folder.path().join("epoch-0002.safetensors"), |_, header| {
        header.as_object_mut().unwrap().remove("training").unwrap();
    });
    let text = refusal(&networks(1, 3), &blobs, &hyper, &checkpoints);
    assert!(text.contains("an older version made it"), "{text}");
}

#[test]
fn a_network_in_f64_goes_on_in_f64() {
    let blobs = GaussianBlobs::new(120, 0.3, 5).to_dtype(DType::F64);
    let hyper = quick(MethodKind::DivideMix).check().unwrap();
    let at_once = networks_of(DType::F64, 2, 3);
    run_on(&at_once, &blobs, &hyper, None);
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(folder.path(), 1);
    let stop = AtomicBool::new(false);
    let observe = |event: Event| {
        stop.fetch_or(matches!(event, Event::CheckpointWritten { epoch: 4 }), Ordering::Relaxed);
        Ok(())
    };
    let (data, before) = (blobs.training_set(), networks_of(DType::F64, 2, 3));
    let stopped = Training::new(&before, &data, &hyper).checkpoints(&checkpoints).stop(&stop).run(observe);
    assert!(matches!(stopped, Err(Error::Stopped)));
    let resumed = networks_of(DType::F64, 2, 99);
    run_on(&resumed, &blobs, &hyper, Some(&checkpoints));
    assert!(all_bits(&resumed) == all_bits(&at_once));
}

#[test]
fn a_checkpoint_with_too_few_logits_or_margins_is_refused() {
    let blobs = GaussianBlobs::new(120, 0.3, 5);
    let hyper = Hyperparameters { epochs: 2, ..quick(MethodKind::Ce) };
    for name in ["logits1", "margins/passes"] {
        let folder = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::new(folder.path(), 2);
        run(&blobs, &hyper, &checkpoints);
        edit(&folder.path().join("epoch-0002.safetensors"), |tensors, _| {
            let cut = tensors[name].narrow(0, 0, 119).unwrap().contiguous().unwrap();
            tensors.insert(name.to_owned(), cut);
        });
        let text = refusal(&networks(1, 3), &blobs, &hyper, &checkpoints);
        assert!(text.contains("epoch-0002") && text.contains("are needed"), "{name}: {text}");
    }
}

/// In this checkpoint each class's labels are drawn alike, which has no inverse.
#[test]
fn noise_that_cannot_be_inverted_is_trained_plainly_with_a_warning() {
    let blobs = GaussianBlobs::new(120, 0.3, 5);
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(folder.path(), 1);
    let hyper = Hyperparameters { epochs: 3, ..quick(MethodKind::Backward) };
    let (_, events) = run(&blobs, &hyper, &checkpoints);
    assert!(!events.iter().any(|e| matches!(e, Event::Warning(_))), "the first noise has an inverse");
    edit(&folder.path().join("epoch-0003.safetensors"), |tensors, _| {
        let alike = Tensor::full(1.0 / CLASSES as f32, (CLASSES, CLASSES), &Device::Cpu).unwrap();
        tensors.insert("transition".to_owned(), alike);
    });
    let longer = Hyperparameters { epochs: 4, ..hyper };
    let (_, events) = run(&blobs, &longer, &checkpoints);
    let warned =
        |e: &Event| matches!(e, Event::Warning(w) if w.contains("plainly") && w.contains("`strength`"));
    assert!(events.iter().any(warned), "{events:?}");
}
