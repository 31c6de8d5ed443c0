//! A method that is not of this program trains runs, one or several, and no other method goes on with them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

#[path = "../examples/own_method.rs"]
mod example;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use dividemix::{Event, MethodKind};
use effmix::settings::Weights;
use effmix::sweep::Sweep;
use effmix::{Config, Observer, Progress, ResumeOptions, Run, Settings, Silent};
use image::{Rgb, RgbImage};

use example::Generalised;

/// Three classes of coloured images, and settings that train on them in a second.
fn settings(folder: &Path) -> Settings {
    for (class, colour) in [("blue", [30, 40, 210]), ("green", [30, 200, 40]), ("red", [210, 40, 30])] {
        let class = folder.join("data").join(class);
        std::fs::create_dir_all(&class).unwrap();
        for number in 0..10u8 {
            let shade = |x: u32, y: u32, v: u8| v.saturating_add((x * 7 + y * 13) as u8 % 37 + number);
            let image = RgbImage::from_fn(12, 12, |x, y| Rgb(colour.map(|v| shade(x, y, v))));
            image.save(class.join(format!("{number}.png"))).unwrap();
        }
    }
    Settings {
        data: Some(folder.join("data")),
        weights: Some(vec![Weights::None]),
        width: Some(0.1),
        depth: Some(0.1),
        epochs: Some(3),
        warmup: Some(1),
        batch: Some(8),
        lr: Some(0.01),
        ..Settings::default()
    }
}

/// Stops a run after its second epoch.
#[derive(Default)]
struct StopsAfterTwo(AtomicBool);

impl Observer for StopsAfterTwo {
    fn observe(&self, progress: Progress<'_>) {
        if let Progress::Training(_, Event::CheckpointWritten { epoch: 2 }) = progress {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    fn stop(&self) -> &AtomicBool {
        &self.0
    }
}

#[test]
fn a_run_by_a_method_of_ones_own_is_a_run_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let run =
        example::train(Settings { out: Some(out.clone()), ..settings(folder.path()) }, &|_| ()).unwrap();
    assert_eq!(run.summary().provenance.as_ref().unwrap().method, "generalised");
    let config = Config::read(&out.join("config.toml")).unwrap();
    assert_eq!(config.metadata.own_method.as_deref(), Some("generalised"));
    assert_eq!(config.settings.method, None);
    assert_eq!(run.label_issues().unwrap().len(), 27 + 3);
    assert_eq!(effmix::read_metrics(&out.join("metrics.jsonl")).unwrap().len(), 3, "one network");
    assert!(out.join("report.html").is_file() && out.join("model/net1.safetensors").is_file());

    let both = Settings {
        method: Some(MethodKind::Ce.into()),
        own_method: Some(Generalised.into()),
        ..settings(folder.path())
    };
    assert!(Run::start(&both, &Silent).unwrap_err().to_string().contains("generalised"));
}

#[test]
fn only_its_own_method_goes_on_with_a_run_and_to_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| Settings {
        out: Some(folder.path().join(name)),
        own_method: Some(Generalised.into()),
        ..settings(folder.path())
    };
    Run::start(&at("whole"), &Silent).unwrap();
    let stopped = Run::start(&at("cut"), &StopsAfterTwo::default());
    assert!(matches!(stopped, Err(effmix::Error::Stopped)), "{stopped:?}");

    let cut = folder.path().join("cut");
    let without = Run::resume(&cut, &ResumeOptions::default(), &Silent).unwrap_err().to_string();
    assert!(without.contains("\"generalised\"") && without.contains("not of this program"), "{without}");
    let options = ResumeOptions { own_method: Some(Generalised.into()), ..ResumeOptions::default() };
    Run::resume(&cut, &options, &Silent).unwrap();
    for name in ["metrics.jsonl", "label_issues.csv", "config.toml", "model/net1.safetensors"] {
        let bytes = |run: &str| std::fs::read(folder.path().join(run).join(name)).unwrap();
        assert_eq!(bytes("whole"), bytes("cut"), "{name}");
    }
}

#[test]
fn several_seeds_of_it_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        out: Some(folder.path().join("out")),
        own_method: Some(Generalised.into()),
        seeds: Some(vec![4, 5]),
        ..settings(folder.path())
    };
    let never = AtomicBool::new(false);
    let sweep = Sweep::start(&settings, &|_| (), &never).unwrap();
    let names: Vec<&str> = sweep.runs.iter().map(|run| run.name.as_str()).collect();
    assert_eq!(names, ["generalised-seed-4", "generalised-seed-5"]);
    assert_eq!(sweep.comparison.settings["method"], "generalised");
    assert_eq!(sweep.comparison.groups[0].seeds, [4, 5]);
    let resumed = Sweep::resume(&sweep.folder, None, None, &|_| (), &never).unwrap_err().to_string();
    assert!(resumed.contains("generalised"), "{resumed}");
}

#[test]
fn strength_0_of_it_is_plain_training() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| Settings { out: Some(folder.path().join(name)), ..settings(folder.path()) };
    let own = Settings { own_method: Some(Generalised.into()), strength: Some(0.0), ..at("own") };
    Run::start(&own, &Silent).unwrap();
    Run::start(&Settings { method: Some(MethodKind::Ce.into()), ..at("plain") }, &Silent).unwrap();
    let bytes = |run: &str| std::fs::read(folder.path().join(run).join("metrics.jsonl")).unwrap();
    assert_eq!(bytes("own"), bytes("plain"));
}
