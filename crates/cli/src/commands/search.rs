//! `effmix scale search`: which bases of compound scaling suit a user's images.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use dividemix::run::{Progress, name_of, write_atomic};
use dividemix::search::{Kind, Search, Step, Trial, search};
use dividemix::{Event, seconds_in_words};
use effmix_report::{Point, Series, accuracy_against_cost};

use crate::args::Search as Arguments;
use crate::exit::{Failure, Signals};
use crate::output::{print, print_json, tell};
use crate::terminal::WorkBar;
use crate::threads::on_threads;

/// Series of the picture, in the order of its legend: what they are called, and whether a line joins them.
const SERIES: [(Kind, &str, bool); 6] = [
    (Kind::Candidate, "candidates", false),
    (Kind::Baseline, "baseline", false),
    (Kind::Depth, "depth alone", true),
    (Kind::Width, "width alone", true),
    (Kind::Resolution, "resolution alone", true),
    (Kind::Compound, "all three", true),
];

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
        let trials = trials.map_err(|error| match error {
            dividemix::Error::Stopped => {
                tell("stopped; the same command goes on");
                signals.failure()
            }
            error => error.into(),
        })?;
        let picture = accuracy_against_cost(&series(&trials))?;
        write_atomic(&out.join("search.svg"), |file| file.write_all(picture.as_bytes()))?;
        if json { print_json(&trials) } else { print(&in_words(&trials, &out)) }
    })
}

/// A line a training; on a terminal, a bar below for all of the work.
struct Shown {
    bar: WorkBar,
    /// All of the work, until it was said how long that takes.
    untold: Mutex<Option<f64>>,
}

impl Shown {
    fn step(&self, step: Step<'_>) {
        if let Step::Planned { work, .. } = step {
            *self.untold.lock().unwrap_or_else(PoisonError::into_inner) = Some(work);
        }
        show(&self.bar, step);
        // The first network that is trained now tells.
        if let Step::Ends { work, seconds, .. } = step
            && work > 0.0
            && let Some(all) = self.untold.lock().unwrap_or_else(PoisonError::into_inner).take()
        {
            self.bar.line(&format!(
                "at this rate, a whole search takes about {}",
                seconds_in_words(seconds * all / work)
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
        Step::Run(Progress::Warning(warning)) => bar.line(&format!("warning: {warning}")),
        Step::Run(Progress::Training(_, Event::Warning(warning))) => bar.line(&format!("warning: {warning}")),
        Step::Run(_) => {}
        Step::Ends { name, macs, epochs, accuracy, work, seconds } => {
            bar.add(work);
            let took = if work > 0.0 { seconds_in_words(seconds) } else { "done before".to_owned() };
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

fn series(trials: &[Trial]) -> Vec<Series> {
    let longest = trials.iter().map(|trial| trial.epochs).max().unwrap_or_default();
    let best = best(trials);
    let has_baseline = trials.iter().any(|trial| trial.kind == Kind::Baseline);
    let of = |(kind, name, joined): (Kind, &str, bool)| {
        // Lines begin at the baseline, and that of all three leads through the candidate whose bases they are.
        let wanted = |trial: &&Trial| {
            let leads_here = kind == Kind::Compound && best.is_some_and(|best| std::ptr::eq(best, *trial));
            trial.kind == kind || (joined && trial.kind == Kind::Baseline) || leads_here
        };
        let mut trials: Vec<&Trial> = trials.iter().filter(wanted).collect();
        trials.sort_by_key(|trial| trial.macs);
        // At twice the cost, all three together are that candidate.
        let is_there = match kind {
            Kind::Compound => has_baseline,
            _ => trials.iter().any(|trial| trial.kind == kind),
        };
        let point = |trial: &Trial| Point {
            cost: trial.macs as f64,
            accuracy: trial.accuracy,
            complete: trial.epochs == longest,
            on_front: trial.on_front,
        };
        let points = trials.into_iter().map(point).collect();
        is_there.then(|| Series { name: name.to_owned(), joined, points })
    };
    SERIES.into_iter().filter_map(of).collect()
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
        out = out.display()
    )
}
