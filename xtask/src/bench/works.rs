//! What is measured, and who takes part: a table.

use super::along::Along;
use serde_json::{Value, json};
use std::path::Path;

/// How many threads a work is done with.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Threads {
    One,
    /// As many as `--threads` says.
    All,
}

/// A program that takes part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Program {
    /// `effmix bench`, as users have it.
    Effmix,
    /// xtask/bench's own program, on this project's crates.
    Ours,
    /// The network from candle_nn's layers.
    StockCandle,
    /// xtask/bench/peers.py, in one of its ways.
    Python(&'static str),
}

impl Program {
    /// The heading of its row.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Effmix | Self::Ours => OURS,
            Self::StockCandle => "stock candle",
            Self::Python("nchw") => "PyTorch, NCHW",
            Self::Python("channels-last") => "PyTorch, channels-last",
            Self::Python("compile") => "PyTorch, NCHW, compiled",
            Self::Python("channels-last-compile") => "PyTorch, channels-last, compiled",
            Self::Python("onnxruntime") => "ONNX Runtime",
            Self::Python("openvino") => "OpenVINO",
            Self::Python("torchvision") => "torchvision, PIL",
            Self::Python("torchvision-tensors") => "torchvision, v2 on tensors",
            Self::Python("sklearn") => "scikit-learn",
            Self::Python(other) => other,
        }
    }

    /// Whether it spends a minute on compiling the network before it begins.
    pub(super) fn compiles(self) -> bool {
        matches!(self, Self::Python(way) if way.ends_with("compile"))
    }
}

/// This project's row.
pub(super) const OURS: &str = "effmix";

/// One row of a table: who does it, and how much of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Entrant {
    pub(super) program: Program,
    pub(super) threads: usize,
    /// Of what the table goes along.
    pub(super) amount: Option<usize>,
}

/// One table of the results.
#[derive(Clone, Debug)]
pub(super) struct Work {
    pub(super) name: &'static str,
    /// In a sentence.
    pub(super) what: String,
    /// What is counted.
    pub(super) unit: &'static str,
    threads: Threads,
    pub(super) programs: Vec<Program>,
    pub(super) along: Along,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Train { size: usize, batch: usize },
    Predict { size: usize, batch: usize },
    Loader { size: usize, batch: usize, side: usize },
    Mixture { max_iter: usize, tol: f64 },
    DivideMix { size: usize, batch: usize },
    Roofline { task: &'static str, size: usize, batch: usize },
    Steps { size: usize, batch: usize },
}

const TORCH: [Program; 4] = [
    Program::Python("nchw"),
    Program::Python("channels-last"),
    Program::Python("compile"),
    Program::Python("channels-last-compile"),
];

/// The authors' variance floor, on normalised losses; both fits use it.
const REG_COVAR: f64 = 5e-4;
/// Losses to fit.
pub(super) const LOSSES: usize = 50_000;
/// Sides of the JPEG files, in pixels, and how many of them there are: as many as a full run uses.
pub(super) const FILES: [(usize, usize); 2] = [(32, 1024), (448, 512)];
/// Of these, a quick run trains on so many.
const QUICK_IMAGES: usize = 256;

/// Every work, in the order of the results.
pub(super) fn works() -> Vec<Work> {
    let train = |name, size, batch| Work {
        name,
        what: format!(
            "Training step of B0, {size} px, batch {batch}: forward, cross entropy, backward, SGD with momentum and \
             weight decay; dropout and drop path on."
        ),
        unit: "images/s",
        threads: Threads::All,
        programs: [&[Program::Effmix], &TORCH[..], &[Program::StockCandle]].concat(),
        along: Along::Programs,
        kind: Kind::Train { size, batch },
    };
    let predict = |name, batch, threads| Work {
        name,
        what: format!("Inference of B0, 224 px, batch {batch}: images to logits."),
        unit: "images/s",
        threads,
        programs: [
            &[Program::Effmix],
            &TORCH[1..],
            &[Program::Python("onnxruntime"), Program::Python("openvino")],
            // Seconds an image: once is enough.
            &[Program::StockCandle][..usize::from(batch == 1 && threads == Threads::All)],
        ]
        .concat(),
        along: Along::Programs,
        kind: Kind::Predict { size: 224, batch },
    };
    let loader = |name, size, side| Work {
        name,
        what: format!(
            "Loader: JPEG files of {side} x {side} px, nothing cached, to augmented batches of 64 at {size} px (fitted, \
             cropped from a black border of an eighth, flipped, normalised)."
        ),
        unit: "images/s",
        threads: Threads::All,
        programs: vec![Program::Ours, Program::Python("torchvision"), Program::Python("torchvision-tensors")],
        along: Along::Programs,
        kind: Kind::Loader { size, batch: 64, side },
    };
    let mixture = |name, max_iter, tol| Work {
        name,
        what: format!(
            "Two Gaussians fitted to {LOSSES} losses, and every loss's posterior: at most {max_iter} iterations, \
             tolerance {tol:e}. scikit-learn fits all losses; effmix 2,048 representatives of them \
             (noisy-labels, `mixture`)."
        ),
        unit: "fits/s",
        threads: Threads::All,
        programs: vec![Program::Ours, Program::Python("sklearn")],
        along: Along::Programs,
        kind: Kind::Mixture { max_iter, tol },
    };
    let roofline = |name, task, what, size, batch| Work {
        name,
        what: format!(
            "{what} of B0, {size} px, batch {batch}, taken apart: each layer's time beside the least that its arithmetic and \
             its memory need at this machine's rates. How both are counted is in README.md."
        ),
        unit: "images/s",
        threads: Threads::All,
        programs: vec![Program::Ours],
        along: Along::Layers,
        kind: Kind::Roofline { task, size, batch },
    };
    let by_threads = |name, what, kind| Work {
        name,
        what: format!("{what} of B0, 224 px, batch 16, with more and more threads."),
        unit: "images/s",
        threads: Threads::All,
        programs: vec![Program::Effmix],
        along: Along::Threads,
        kind,
    };
    vec![
        train("train-32", 32, 64),
        train("train-224", 224, 16),
        predict("predict-1", 1, Threads::All),
        predict("predict-16", 16, Threads::All),
        predict("predict-1-one-thread", 1, Threads::One),
        predict("predict-16-one-thread", 16, Threads::One),
        loader("loader-32", 32, FILES[0].0),
        loader("loader-224", 224, FILES[1].0),
        mixture("mixture", 200, 1e-6),
        mixture("mixture-published", 10, 1e-2),
        Work {
            name: "dividemix-32",
            what: "A DivideMix epoch of B0 at 32 px from JPEG files: decoding them once, both networks' passes over a given \
                   division (half labeled; batches of 64 labeled and 64 unlabeled images, M = 2, T = 0.5, MixMatch with \
                   alpha 4), evaluation of every image under both, both mixtures fitted. Images of the set a second."
                .to_owned(),
            unit: "images/s",
            threads: Threads::All,
            programs: [&[Program::Ours], &TORCH[..3]].concat(),
            along: Along::Programs,
            kind: Kind::DivideMix { size: 32, batch: 64 },
        },
        roofline("roofline-train-224", "train", "Training step", 224, 16),
        roofline("roofline-train-32", "train", "Training step", 32, 64),
        roofline("roofline-predict-16", "predict", "Inference", 224, 16),
        by_threads("scaling-train-224", "Training step", Kind::Train { size: 224, batch: 16 }),
        by_threads("scaling-predict-16", "Inference", Kind::Predict { size: 224, batch: 16 }),
        Work {
            name: "scaling-epoch-32",
            what: "The DivideMix epoch of dividemix-32 on sets of more and more images: whether an image costs the same in \
                   each."
                .to_owned(),
            unit: "images/s",
            threads: Threads::All,
            programs: vec![Program::Ours],
            along: Along::Images,
            kind: Kind::DivideMix { size: 32, batch: 64 },
        },
        Work {
            name: "scaling-steps-224",
            what: "Training steps of B0, 224 px, batch 16, in processes of few and of many steps: whether memory grows with \
                   them."
                .to_owned(),
            unit: "images/s",
            threads: Threads::All,
            programs: vec![Program::Ours],
            along: Along::Steps,
            kind: Kind::Steps { size: 224, batch: 16 },
        },
    ]
}

impl Work {
    /// How many threads it is done with at most, when `all` are all.
    pub(super) fn threads_of(&self, all: usize) -> usize {
        match self.threads {
            Threads::One => 1,
            Threads::All => all,
        }
    }

    /// The rows, when `threads` are all.
    pub(super) fn entrants(&self, threads: usize, quick: bool) -> Vec<Entrant> {
        let amounts = self.along.amounts(threads, quick);
        let of_work = self.threads_of(threads);
        let of = |&program: &Program| {
            amounts.iter().map(move |&amount| {
                let threads = amount.filter(|_| self.along == Along::Threads).unwrap_or(of_work);
                Entrant { program, threads, amount }
            })
        };
        self.programs.iter().flat_map(of).collect()
    }

    /// The job for one of the rows, as one JSON object. `data` holds the files of xtask/bench's `prepare`.
    pub(super) fn job(&self, entrant: Entrant, seconds: f64, quick: bool, data: &Path) -> Value {
        let Entrant { program, threads, amount } = entrant;
        let mut job = match self.kind {
            Kind::Train { size, batch } => {
                json!({"work": "train", "arch": "efficientnet_b0", "size": size, "batch": batch})
            }
            Kind::Predict { size, batch } => {
                json!({"work": "predict", "arch": "efficientnet_b0", "size": size, "batch": batch})
            }
            Kind::Loader { size, batch, side } => {
                json!({"work": "loader", "size": size, "batch": batch, "data": data.join(format!("jpeg-{side}"))})
            }
            Kind::Mixture { max_iter, tol } => json!({
                "work": "mixture", "losses": data.join("losses.npy"),
                "max_iter": max_iter, "tol": tol, "reg_covar": REG_COVAR,
            }),
            Kind::DivideMix { size, batch } => json!({
                "work": "dividemix", "arch": "efficientnet_b0", "size": size, "batch": batch,
                "data": data.join(format!("jpeg-{size}{}", if amount.is_some() { "-many" } else { "" })),
                "images": amount.unwrap_or(if quick { QUICK_IMAGES } else { FILES[0].1 }),
                "augmentations": 2, "temperature": 0.5, "mixup_alpha": 4.0, "lambda_u": 25.0, "lambda_r": 1.0,
                "lr": 1e-3, "max_iter": 200, "tol": 1e-6, "reg_covar": REG_COVAR,
            }),
            Kind::Roofline { task, size, batch } => json!({
                "work": "roofline", "task": task, "arch": "efficientnet_b0", "size": size, "batch": batch,
            }),
            Kind::Steps { size, batch } => json!({
                "work": "steps", "arch": "efficientnet_b0", "size": size, "batch": batch, "steps": amount,
            }),
        };
        job["threads"] = threads.into();
        job["seconds"] = seconds.into();
        if let Program::Python(peer) = program {
            job["peer"] = peer.into();
        }
        job
    }

    /// Whether the programs need the files of `prepare`.
    pub(super) fn needs_data(&self) -> bool {
        matches!(self.kind, Kind::Loader { .. } | Kind::Mixture { .. } | Kind::DivideMix { .. })
    }

    /// Whether its memory goes into the table of memory.
    pub(super) fn trains(&self) -> bool {
        matches!((self.kind, self.along), (Kind::Train { .. }, Along::Programs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_the_first_program_is_ours() {
        let works = works();
        for (index, work) in works.iter().enumerate() {
            assert!(work.programs[0].name() == OURS, "{}", work.name);
            assert_eq!(work.programs.iter().filter(|p| p.name() == OURS).count(), 1, "{}", work.name);
            assert!(works[..index].iter().all(|before| before.name != work.name), "{}", work.name);
        }
    }

    #[test]
    fn every_program_of_a_work_gets_the_same_job_but_for_who_does_it() {
        for work in works() {
            let entrants = work.entrants(2, false).into_iter();
            let alike = entrants.filter(|e| e.program != Program::StockCandle && e.amount.is_none());
            let mut jobs = alike.map(|entrant| {
                let mut job = work.job(entrant, 1.0, false, Path::new("data"));
                if let Some(fields) = job.as_object_mut() {
                    fields.remove("peer");
                }
                job
            });
            let first = jobs.next();
            assert!(jobs.all(|job| Some(job) == first), "{}", work.name);
        }
    }

    #[test]
    fn rows_that_differ_in_an_amount_have_it_in_their_jobs() {
        for (along, key, expected) in
            [(Along::Images, "images", [512, 4096]), (Along::Steps, "steps", [10, 40])]
        {
            let work = works().into_iter().find(|work| work.along == along).unwrap();
            let jobs =
                work.entrants(2, false).into_iter().map(|e| work.job(e, 1.0, false, Path::new("data")));
            let amounts: Vec<u64> = jobs.filter_map(|job| job[key].as_u64()).collect();
            assert_eq!([amounts[0], amounts[amounts.len() - 1]], expected);
        }
    }

    #[test]
    fn python_has_a_heading_for_each_way() {
        for program in works().iter().flat_map(|work| work.programs.clone()) {
            assert!(!matches!(program, Program::Python(way) if way == program.name()), "{program:?}");
        }
    }
}
