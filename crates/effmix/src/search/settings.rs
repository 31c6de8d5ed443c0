//! What a search does.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use dividemix::MethodKind;

use crate::files::write_atomic;
use crate::settings::{Settings, Weights};
use crate::{Error, Result};

/// The value of `program` in `search.toml`: it marks the folder of a search.
const PROGRAM: &str = "effmix scale search";

/// A search's settings, and how each of its networks is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Search {
    /// The baseline is B0 (or `--arch`) at this phi, by the paper's bases.
    pub phi: f64,
    /// Candidates for alpha, beta, gamma, at most.
    pub candidates: usize,
    /// How far their multiply-accumulates may be from twice the baseline's, as a share.
    pub tolerance: f64,
    /// How often the worse half of them is dropped.
    pub halvings: u32,
    /// For how many doublings of the baseline's cost one dimension alone is compared with all three together.
    pub alone: u32,
    /// How a network is trained. Its width and depth are the search's; its size is the baseline's.
    pub train: Settings,
}

/// The epochs of a network that is trained to the end, where none are given.
const EPOCHS: usize = 16;

/// What `search.toml` holds.
#[derive(Serialize, Deserialize)]
struct File {
    program: String,
    #[serde(flatten)]
    search: Search,
}

impl Search {
    /// With what the search itself decides filled in: plain training, since the networks are compared, not the labels.
    ///
    /// # Errors
    /// [`Error::Setting`] for what can't be.
    pub(super) fn check(&self) -> Result<Self> {
        let refused = |name, problem: &str| Err(Error::setting(name, problem));
        let Settings { data, width, depth, weights, budget, .. } = &self.train;
        if data.is_none() {
            return refused("DATA", "is needed: the search trains networks on it");
        }
        let chosen = [("--width", width.is_some()), ("--depth", depth.is_some())];
        if let Some((name, _)) = chosen.iter().find(|(_, given)| *given) {
            return refused(name, "is what the search looks for; the baseline is chosen by --phi");
        }
        if self.train.force == Some(true) {
            return refused(
                "--force",
                "can't be used: a search's folder is gone on with, or left alone; choose another --out",
            );
        }
        if self.train.checkpoint_every.is_some_and(|every| every != 1) {
            return refused(
                "--checkpoint-every",
                "must be 1, its default: a network goes on, or is left, from the checkpoint of the epoch at which it is compared",
            );
        }
        if weights.as_ref().is_some_and(|weights| *weights != [Weights::None]) {
            return refused(
                "--weights",
                "can't be used: networks of other widths and depths have no pretrained weights",
            );
        }
        if budget.is_some() {
            return refused("--budget", "can't be used: the networks must be trained alike; choose --epochs");
        }
        let within = |name, holds: bool, range: &str| {
            if holds { Ok(()) } else { Err(Error::setting(name, range)) }
        };
        within("--phi", (-20.0..=10.0).contains(&self.phi), "must be from -20 to 10")?;
        within("--candidates", (2..=10_000).contains(&self.candidates), "must be from 2 to 10000")?;
        within("--tolerance", (0.001..=0.5).contains(&self.tolerance), "must be from 0.001 to 0.5")?;
        within("--halvings", self.halvings <= 10, "must be at most 10")?;
        within("--alone", self.alone <= 5, "must be at most 5")?;
        let train = Settings {
            method: self.train.method.clone().or(Some(MethodKind::Ce.into())),
            epochs: self.train.epochs.or(Some(EPOCHS)),
            // Where, on what and with how many threads is no part of what is searched.
            out: None,
            force: None,
            threads: None,
            device: None,
            anyway: None,
            ..self.train.clone()
        };
        Ok(Self { train, ..self.clone() })
    }

    /// The epochs of a network that is trained to the end.
    pub(super) fn epochs(&self) -> usize {
        self.train.epochs.unwrap_or(EPOCHS)
    }

    /// Makes the folder of a new search, or sees that the one that is there was made by these very settings.
    ///
    /// # Errors
    /// [`Error::Output`] where it holds something else.
    pub(super) fn keep_in(&self, out: &Path) -> Result<()> {
        let path = out.join("search.toml");
        let refused =
            |problem: &str| Err(Error::Output { path: out.to_owned(), problem: problem.to_owned() });
        if fs::exists(&path).map_err(Error::io("can't read", &path))? {
            let text = fs::read_to_string(&path).map_err(Error::io("can't read", &path))?;
            return match toml::from_str::<File>(&text) {
                Ok(file) if file.program == PROGRAM && file.search == *self => Ok(()),
                Ok(file) if file.program == PROGRAM => {
                    refused("holds a search with other settings (its search.toml); choose another --out")
                }
                _ => refused("its search.toml was not written by a search of effmix; choose another --out"),
            };
        }
        if out.exists() {
            return refused("exists already, and no search was begun in it; choose another --out");
        }
        replace_file::create_folder(out).map_err(Error::io("can't create", out))?;
        let file = File { program: PROGRAM.to_owned(), search: self.clone() };
        let text = toml::to_string(&file)
            .map_err(|e| Error::Data(format!("the settings can't be kept as TOML: {e}")))?;
        write_atomic(&path, |file| file.write_all(text.as_bytes()))
    }
}
