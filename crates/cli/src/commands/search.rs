//! `effmix scale search`: which bases of compound scaling suit a user's images.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use dividemix::Event;
use effmix::search::{Kind, Search, Step, Trial, search};
use effmix::{Progress, human_duration, name_of};

use crate::args::Search as Arguments;
use crate::failure::Failure;
use crate::output::{computing_on, print, print_json, tell};
use crate::signals::Signals;
use crate::terminal::WorkBar;
use crate::threads::on_threads;
use effmix::shown;

pub(super) fn run(args: &Arguments) -> Result<(), Failure> {
    let Arguments { phi, candidates, tolerance, halvings, alone, ref train, json } = *args;
    let settings = Search { phi, candidates, tolerance, halvings, alone, train: train.clone() };
    let default = || Path::new("runs").join(format!("{}-search", name_of(train.data.as_deref())));
    let out = train.out.clone().unwrap_or_else(default);
    on_threads(train.threads, || {
        let signals = Signals::listen()?;
        let shown = Shown { bar: WorkBar::new(), untold: Mutex::default() };
        let trials = search(&settings, &out, &|step| shown.step(step), signals.stop());
        shown.bar.finish();
        let trials = trials.map_err(|error| {
            if matches!(error, effmix::Error::Stopped) {
                tell("stopped; the same command goes on");
            }
            signals.failure_of(error)
        })?;
        if json { print_json(&trials) } else { print(&in_words(&trials, &out)) }
    })
}

/// A line a training; on a terminal, a bar below for all of the work.
struct Shown {
    bar: WorkBar,
    /// All of the work, until its estimated time was printed.
    untold: Mutex<Option<f64>>,
}

impl Shown {
    fn step(&self, step: Step<'_>) {
        if let Step::Planned { work, .. } = step {
            *self.untold.lock().unwrap_or_else(PoisonError::into_inner) = Some(work);
        }
        show(&self.bar, step);
        // The first network that is trained now gives the rate.
        if let Step::Ends { work, seconds, .. } = step
            && work > 0.0
            && let Some(all) = self.untold.lock().unwrap_or_else(PoisonError::into_inner).take()
        {
            self.bar.line(&format!(
                "at this rate, a whole search takes about {}",
                human_duration(seconds * all / work)
            ));
        }
    }
}

fn show(bar: &WorkBar, step: Step<'_>) {
    match step {
        Step::Planned { candidates, work } => {
            bar.line(&format!("{candidates} candidates of equal cost"));
            bar.of(work);
        }
        Step::Begins { name, macs, epochs } => {
            bar.at(&format!("{name} ({}), to epoch {epochs}", millions(macs)))
        }
        Step::Device(device) => bar.line(&computing_on(device)),
        Step::Run(Progress::Warning(warning)) => bar.line(&format!("warning: {warning}")),
        Step::Run(Progress::Training(_, Event::Warning(warning))) => bar.line(&format!("warning: {warning}")),
        Step::Run(_) => {}
        Step::Ends { name, macs, epochs, accuracy, work, seconds } => {
            bar.add(work);
            let took = if work > 0.0 { human_duration(seconds) } else { "done before".to_owned() };
            bar.line(&format!(
                "{name:24} {:>8} MACs  epoch {epochs:>3}  {:5.1} %  {took}",
                millions(macs),
                100.0 * accuracy
            ));
        }
    }
}

/// The candidate whose bases are the best.
fn best(trials: &[Trial]) -> Option<&Trial> {
    trials.iter().find(|trial| trial.kind == Kind::Candidate)
}

fn millions(macs: u64) -> String {
    format!("{:.1} M", macs as f64 / 1e6)
}

fn in_words(trials: &[Trial], out: &Path) -> String {
    let mut text = format!(
        "{:>4}  {:24} {:>5}  {:>5}  {:>5}  {:>8}  {:>4}  {:>6}  {:>10}  {:>8}  {:>6}  {:>8}\n",
        "rank",
        "network",
        "alpha",
        "beta",
        "gamma",
        "residual",
        "size",
        "layers",
        "parameters",
        "MACs",
        "epochs",
        "accuracy"
    );
    for trial in trials {
        text += &format!(
            "{:>4}  {:24} {:>5.2}  {:>5.3}  {:>5.3}  {:>+8.2}  {:>4}  {:>6}  {:>8.2} M  {:>8}  {:>6}  {:>6.1} %{}\n",
            trial.rank,
            trial.name,
            trial.alpha,
            trial.beta,
            trial.gamma,
            trial.residual,
            trial.size,
            trial.layers,
            trial.parameters as f64 / 1e6,
            millions(trial.macs),
            trial.epochs,
            100.0 * trial.accuracy,
            if trial.on_front { "  front" } else { "" },
        );
    }
    if let Some(best) = best(trials) {
        text += &format!(
            "\nbest bases: effmix scale --phi X --alpha {:.2} --beta {:.3} --gamma {:.3}\n",
            best.alpha, best.beta, best.gamma
        );
    }
    text + &format!(
        "written: {out}/search.csv, {out}/search.svg, and a run folder a network in {out}/runs\n",
        out = shown(&out.display().to_string())
    )
}
