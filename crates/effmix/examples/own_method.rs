//! A method of one's own, from an idea to a run folder: generalised cross entropy (Zhang & Sabuncu 2018), which weighs a sample less
//! the less its label is believed. `docs/methods.md` goes through it step by step.
//!
//! `cargo run --release -p effmix --example own_method DATA [OUT [WEIGHTS]]`

use std::path::PathBuf;
use std::process::ExitCode;

use candle_nn::ops::log_softmax;
use dividemix::{
    Event, Losses, Method, Needs, NetworkEpoch, Objective, Strength, ViewKind, supervised_epoch,
};
use effmix::settings::Weights;
use effmix::{Progress, Run, Settings};
use noisy_labels::division::Division;

/// The mean of (1 - p^q) / q over a batch, where p is the probability of the given label and q the strength: cross entropy where q
/// goes to 0, the mean absolute error at 1.
pub(crate) struct Generalised;

impl Method for Generalised {
    fn name(&self) -> &str {
        "generalised"
    }

    /// The paper's q, and its range.
    fn strength(&self) -> Option<Strength> {
        Some(Strength { usual: 0.7, most: 1.0 })
    }

    /// Its gradient is small where a label is not believed yet, so it begins with plain training.
    fn needs(&self, _: f64) -> Needs {
        Needs { warm_up: true, ..Needs::default() }
    }

    fn epoch(&self, pass: &mut NetworkEpoch<'_>, _: Option<&Division>) -> dividemix::Result<Losses> {
        let q = pass.strength();
        supervised_epoch(pass, &[ViewKind::Strong], |pass, batch, _| {
            let labels = pass.weigh_classes(&pass.labels(batch)?)?;
            let logits = pass.forward(&batch.views[0])?;
            if q == 0.0 {
                return Ok(Objective::new(pass.cross_entropy(&logits, &labels)?));
            }
            // By logarithms, since the gradient of p^q is infinite where p is 0.
            let powers = (log_softmax(&logits, 1)? * q)?.exp()?;
            let losses = powers.affine(-1.0 / q, 1.0 / q)?;
            Ok(Objective::new((labels * losses)?.sum(1)?.mean_all()?))
        })
    }
}

/// Trains on a folder of images by the settings and this method, and says how it went.
///
/// # Errors
/// Whatever [`Run::start`] refuses.
pub(crate) fn train(settings: Settings, tell: &(dyn Fn(String) + Sync)) -> effmix::Result<Run> {
    let settings = Settings { own_method: Some(Generalised.into()), ..settings };
    Run::start(&settings, &|progress: Progress<'_>| {
        if let Progress::Training(_, Event::EpochDone { records, .. }) = progress {
            let accuracy = records[0].test_accuracy.unwrap_or_default();
            tell(format!("epoch {}: {:.1} % right", records[0].epoch, 100.0 * accuracy));
        }
    })
}

#[allow(clippy::print_stdout, clippy::print_stderr, dead_code, reason = "its result; a test calls `train`")]
fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let (data, out, weights) = (arguments.next(), arguments.next(), arguments.next());
    if data.is_none() {
        eprintln!(
            "give a folder with one folder of images a class; then, if you like, a run folder to write, and weights"
        );
        return ExitCode::from(2);
    }
    // Any setting of `effmix train` has its field here; what is left out has the same default.
    let settings = Settings {
        data: data.map(PathBuf::from),
        out: out.map(PathBuf::from),
        weights: weights.map(|path| vec![Weights::from(path)]),
        ..Settings::default()
    };
    match train(settings, &|line| println!("{line}")) {
        Ok(run) => {
            let issues = run.summary().issues.map_or("an unknown number of".to_owned(), |n| n.to_string());
            println!("{}: {issues} labels look wrong", run.path().display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
