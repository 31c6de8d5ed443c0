//! The work that is counted beforehand is the work of a run: every view through a network, and every event.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use candle_core::{Tensor, Var};
use dividemix::{Costs, Event, Hyperparameters, MethodKind, Mode, Network, Phase, Training, Work};

use crate::gaussian_blobs::{GaussianBlobs, networks};

/// Rows that went through networks, by mode.
#[derive(Default)]
struct Rows {
    trained: AtomicUsize,
    guessed: AtomicUsize,
    evaluated: AtomicUsize,
}

/// A network that counts.
struct Counting {
    network: Box<dyn Network>,
    rows: Arc<Rows>,
}

impl Network for Counting {
    fn forward_t(&self, batch: &Tensor, mode: Mode) -> candle_core::Result<Tensor> {
        let counter = match mode {
            Mode::Train { .. } => &self.rows.trained,
            Mode::TrainNoGrad { .. } => &self.rows.guessed,
            Mode::Eval => &self.rows.evaluated,
        };
        counter.fetch_add(batch.dim(0)?, Ordering::Relaxed);
        self.network.forward_t(batch, mode)
    }

    fn parameters(&self) -> Vec<(String, Var)> {
        self.network.parameters()
    }

    fn buffers(&self) -> Vec<(String, Var)> {
        self.network.buffers()
    }
}

fn counting(count: usize) -> (Vec<Box<dyn Network>>, Arc<Rows>) {
    let rows = Arc::new(Rows::default());
    let count_rows = |network| Box::new(Counting { network, rows: Arc::clone(&rows) }) as Box<dyn Network>;
    (networks(count, 3).into_iter().map(count_rows).collect(), Arc::clone(&rows))
}

#[test]
fn counted_work_is_the_work_of_a_run() {
    // Not multiples of each other, so that last batches are smaller and the unlabeled set starts over.
    for (n, epoch_images, batch, augmentations, strong_views, mixup_alpha, method) in [
        (203, None, 16, 2, false, 4.0, MethodKind::DivideMix),
        (203, None, 16, 2, true, 4.0, MethodKind::DivideMix),
        // Nothing mixed, and lambda_u 0: without the unlabeled batches.
        (203, None, 16, 2, false, 0.0, MethodKind::DivideMix),
        (203, Some(117), 16, 2, false, 4.0, MethodKind::DivideMix),
        (130, None, 64, 3, false, 4.0, MethodKind::DivideMix),
        (97, None, 32, 1, false, 4.0, MethodKind::DivideMix),
        (65, None, 64, 2, false, 4.0, MethodKind::Ce),
        (65, None, 64, 2, true, 4.0, MethodKind::Ce),
        (65, Some(33), 32, 2, false, 4.0, MethodKind::Ce),
        (65, Some(100), 64, 2, false, 4.0, MethodKind::Ce),
    ] {
        let hyper = Hyperparameters {
            method,
            batch,
            epoch_images,
            augmentations,
            strong_views,
            mixup_alpha,
            lambda_u: Some(mixup_alpha),
            epochs: 5,
            warmup: 2,
            lr: 0.05,
            ..Hyperparameters::default()
        };
        let hyper = hyper.check().unwrap();
        let blobs = GaussianBlobs::new(n, 0.3, 5);
        let (data, test) = (blobs.training_set(), blobs.test_set());
        let drawn = epoch_images.unwrap_or(n).min(n);
        let (networks, rows) = counting(hyper.networks());
        let (mut expected, mut told) = (Work::default(), 0);
        let mut observe = |event: Event| {
            match event {
                Event::EpochStarted { phase, .. } => {
                    expected = expected
                        + Work { evaluated: networks.len() * (n + test.labels.len()), ..Work::default() };
                    if phase == Phase::WarmUp || method == MethodKind::Ce {
                        expected = expected + Work::plain_pass(drawn) * networks.len();
                    }
                }
                Event::Division { labeled, unlabeled, .. } => {
                    assert_eq!(labeled + unlabeled, drawn);
                    expected = expected + Work::dividemix_pass(labeled, unlabeled, &hyper);
                }
                Event::Batch { images, .. } => told += images,
                _ => {}
            }
            Ok(())
        };
        Training::new(&networks, &data, &hyper).test(&test).run(&mut observe).unwrap();
        assert_eq!(told, expected.plain + expected.mixed);
        assert_eq!(rows.trained.load(Ordering::Relaxed), expected.plain + expected.mixed);
        assert_eq!(rows.guessed.load(Ordering::Relaxed), expected.guessed);
        assert_eq!(rows.evaluated.load(Ordering::Relaxed), expected.evaluated + expected.peer);
        assert!(method == MethodKind::Ce || expected.mixed > 0, "nothing was divided");

        // What is counted without a run is the same, but for the divisions.
        let counted = Work::training(&hyper, 0, n, test.labels.len(), 1.0);
        assert_eq!(counted.evaluated, expected.evaluated);
        assert_eq!(counted.fits, if method == MethodKind::Ce { 1 } else { 2 * 3 + 2 });
        let warmup = Work::training(&hyper, 0, n, test.labels.len(), 0.5).plain;
        assert_eq!(warmup, networks.len() * drawn * if method == MethodKind::Ce { 5 } else { 2 });
    }
}

#[test]
fn costs_are_measured_until_they_are_known_or_the_caller_stops() {
    let blobs = GaussianBlobs::new(200, 0.3, 5);
    let settings = Hyperparameters { epochs: 40, batch: 32, ..Hyperparameters::default() };
    let hyper = settings.check().unwrap();
    let data = blobs.training_set();
    let work = Work::training(&hyper, 0, 200, 400, 0.5);
    let stop = AtomicBool::new(false);
    let costs =
        Costs::measure(&networks(2, 1), &data.views, data.classes, &hyper, (200, &work), &stop).unwrap();
    assert!(costs.plain.seconds > 0.0 && costs.mixed.seconds > 0.0 && costs.evaluated.seconds > 0.0);
    let longer = Hyperparameters { epochs: 75, ..settings }.check().unwrap();
    let twice = Work::training(&longer, 0, 200, 400, 0.5);
    assert!(costs.seconds(&twice) > 1.5 * costs.seconds(&work), "more epochs take longer");

    stop.store(true, Ordering::Relaxed);
    let stopped = Costs::measure(&networks(2, 1), &data.views, data.classes, &hyper, (200, &work), &stop);
    assert!(matches!(stopped, Err(dividemix::Error::Stopped)));
}
