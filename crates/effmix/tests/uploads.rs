//! What goes to a GPU and comes back in a training, counted by a stub of the driver (`cargo xtask cuda-setup`), which computes nothing.
//! The work is done by a process of its own, whose loader finds the stub.

#![cfg(all(feature = "cuda", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]
#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use candle_core::Device;
use dividemix::{
    Hyperparameters, MethodKind, Network, Trainable, Training, TrainingSet, View, ViewKind, ViewSource,
};
use effmix::settings::Augment;
use effmix::{PixelViews, transform_for};
use effnet_model::{Arch, EfficientNet, ParameterStore};
use image_folder::{Cache, DemoOptions, Views, demo};
use serde_json::Value;

/// What the process shall do, and how often.
const WORK: &str = "EFFMIX_UPLOADS_OF";

const SIDE: usize = 32;
const BATCH: usize = 10;

/// `copies_to_device times` and the like, of doing something once more.
struct Counts {
    less: Value,
    more: Value,
}

impl Counts {
    /// `None` without a stub.
    fn of(what: &str, test: &str) -> Option<Self> {
        let Ok(stub) = std::env::var("EFFMIX_CUDA_STUB") else {
            println!("skipped: needs the stub of the driver (EFFMIX_CUDA_STUB)");
            return None;
        };
        let counted = |times: usize| -> Value {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("counts.json");
            let others = std::env::var("LD_LIBRARY_PATH").unwrap_or_default();
            let done = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", test])
                .env("LD_LIBRARY_PATH", format!("{stub}:{others}"))
                .env("EFFMIX_CUDA_ERROR", "0")
                .env("EFFMIX_CUDA_COUNTS", &path)
                .env(WORK, format!("{what} {times}"))
                .output()
                .unwrap();
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
            serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
        };
        Some(Self { less: counted(2), more: counted(3) })
    }

    fn once_more(&self, kind: &str, number: &str) -> i64 {
        let of = |counts: &Value| counts[kind][number].as_i64().unwrap();
        of(&self.more) - of(&self.less)
    }
}

/// What this process was started for, if it was started by [`Counts::of`].
fn asked() -> Option<(String, usize)> {
    let work = std::env::var(WORK).ok()?;
    let (what, times) = work.split_once(' ').unwrap();
    Some((what.to_owned(), times.parse().unwrap()))
}

fn arch() -> Arch {
    Arch::by_name("b0").unwrap().with_scaling(0.1, 0.1).with_size(SIDE)
}

fn views(images: usize, device: &Device) -> PixelViews {
    let set = demo(1, &DemoOptions { per_class: 5, ..DemoOptions::default() });
    let samples = set.train.into_iter().take(images).collect();
    let transform = transform_for(&arch(), Augment::FlipCrop);
    let built = Views::build(samples, transform, Cache::Ram, &|_, _| (), &AtomicBool::new(false));
    PixelViews::new(built.unwrap().0, None, device).unwrap()
}

#[test]
fn all_views_of_a_step_go_up_as_bytes_in_one_copy() {
    if let Some((_, times)) = asked() {
        let views = views(BATCH, &Device::new_cuda(0).unwrap());
        let of_kind = |seed| (ViewKind::Weak, (0..BATCH).map(|sample| View { sample, seed }).collect());
        let wanted: Vec<(ViewKind, Vec<View>)> = (0..4).map(of_kind).collect();
        for _ in 0..times {
            assert_eq!(views.together(&wanted).unwrap().len(), 4);
        }
        return;
    }
    let Some(counts) = Counts::of("views", "all_views_of_a_step_go_up_as_bytes_in_one_copy") else { return };
    let bytes = (4 * BATCH * SIDE * SIDE * 3) as i64;
    // Beside the images, shape and strides of the two operations that normalise: candle sends them along.
    let (times, found) =
        (counts.once_more("copies_to_device", "times"), counts.once_more("copies_to_device", "bytes"));
    assert!(
        times <= 3 && (bytes..bytes + 500).contains(&found),
        "{times} copies of {found} bytes, {bytes} of images"
    );
}

#[test]
fn a_step_brings_its_losses_back_in_one_copy() {
    if let Some((_, steps)) = asked() {
        return train(steps);
    }
    let Some(counts) = Counts::of("training", "a_step_brings_its_losses_back_in_one_copy") else { return };
    assert_eq!(counts.once_more("copies_to_host", "times"), 1);
}

/// An epoch of plain training with as many steps. The evaluation that follows is one batch for any of these numbers.
fn train(steps: usize) {
    let images = steps * BATCH;
    let device = Device::new_cuda(0).unwrap();
    let store = ParameterStore::new(1, &device);
    let network = EfficientNet::new(&arch(), 10, store.var_builder()).unwrap();
    let networks: Vec<Box<dyn Network>> = vec![Box::new(Trainable { network, store })];
    let data = TrainingSet {
        views: Arc::new(views(images, &device)),
        labels: (0..images).map(|i| i % 10).collect(),
        truth: vec![None; images],
        sure: None,
        classes: 10,
        teacher: None,
    };
    let hyper = Hyperparameters {
        method: MethodKind::Ce,
        epochs: 1,
        warmup: 0,
        batch: BATCH,
        ..Hyperparameters::default()
    };
    Training::new(&networks, &data, &hyper.check().unwrap()).run(|_| Ok(())).unwrap();
}
