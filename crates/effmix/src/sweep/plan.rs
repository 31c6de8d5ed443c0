//! Which runs a sweep has: what `sweep.toml` keeps.

use std::path::{Path, PathBuf};

use dividemix::{Hyperparameters, MethodKind};
use serde::{Deserialize, Serialize};

use crate::files::{read_to_string, write_atomic};
use crate::run::{SWEEP, with_lasting_names};
use crate::settings::{OwnMethod, Settings, unwritable};
use crate::{Error, Result};

/// The value of `program` in it.
const PROGRAM: &str = "effmix sweep";

/// TOML and JSON readers hold integers up to 2^63 - 1.
const LARGEST_SEED: u64 = i64::MAX as u64;

/// The methods and seeds of a sweep, and how each of its runs is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Plan {
    program: String,
    version: String,
    pub(super) seeds: Vec<u64>,
    /// Empty where a method of one's own trains the runs.
    pub(super) methods: Vec<MethodKind>,
    /// Its name.
    own_method: Option<String>,
    /// `--test DIR` as it was given, which the paths of its images begin with.
    pub(super) test_name: Option<PathBuf>,
    /// All other settings, but for those of the process that trains.
    settings: Settings,
    #[serde(skip)]
    own: Option<OwnMethod>,
}

/// A run of a sweep.
#[derive(Debug, Clone)]
pub(super) struct PlannedRun {
    pub(super) name: String,
    pub(super) method: String,
    pub(super) seed: u64,
    pub(super) settings: Settings,
}

impl Plan {
    /// By the settings of a user.
    ///
    /// # Errors
    /// [`Error::Setting`] for what a sweep can't have; a path that can't be made absolute.
    pub(super) fn of(settings: &Settings) -> Result<Self> {
        let refused = |name, problem: String| Err(Error::setting(name, problem));
        if settings.budget.is_some() {
            let problem =
                "can't be used for several runs: they must be trained alike to be compared; choose --epochs";
            return refused("--budget", problem.to_owned());
        }
        if settings.seeds.is_some() && settings.seed.is_some() {
            return refused("--seeds", "--seed is given as well; leave one of them out".to_owned());
        }
        let usual = Hyperparameters::default();
        let seeds = settings.seeds.clone().unwrap_or_else(|| vec![settings.seed.unwrap_or(usual.seed)]);
        if seeds.is_empty() {
            return refused("--seeds", "a seed is needed; the list is empty".to_owned());
        }
        if let Some(large) = seeds.iter().find(|seed| **seed > LARGEST_SEED) {
            return refused(
                "--seeds",
                format!("{large} is not allowed; it must be from 0 to {LARGEST_SEED}"),
            );
        }
        if let Some((_, twice)) =
            seeds.iter().enumerate().find(|(place, seed)| seeds[..*place].contains(seed))
        {
            return refused("--seeds", format!("{twice} is there twice"));
        }
        let methods = match (&settings.own_method, &settings.method) {
            (Some(_), _) => Vec::new(),
            (None, Some(methods)) => methods.all().to_vec(),
            (None, None) => vec![usual.method],
        };
        let alike = Settings {
            method: settings.method.clone().filter(|_| settings.own_method.is_some()),
            seed: None,
            seeds: None,
            out: None,
            force: None,
            threads: None,
            device: None,
            anyway: None,
            ..with_lasting_names(settings)?
        };
        Ok(Self {
            program: PROGRAM.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            seeds,
            methods,
            own_method: settings.own_method.as_ref().map(|own| own.name().to_owned()),
            test_name: settings.test.clone(),
            own: settings.own_method.clone(),
            settings: alike,
        })
    }

    /// That of the sweep in a folder.
    ///
    /// # Errors
    /// A folder without one; a file that can't be read; another method of one's own than the sweep was begun with.
    pub(super) fn read(folder: &Path, own: Option<OwnMethod>) -> Result<Self> {
        let path = folder.join(SWEEP);
        let plan: Self = toml::from_str(&read_to_string(&path)?)
            .map_err(|e| Error::Format { path: path.clone(), problem: e.to_string() })?;
        let problem = if plan.program != PROGRAM {
            "was not written by effmix, so there is no sweep to go on with".to_owned()
        } else if plan.own_method.as_deref() != own.as_ref().map(OwnMethod::name) {
            format!(
                "the sweep's method is {}; go on with it by the program that has this method",
                plan.own_method.as_deref().unwrap_or("one of this program")
            )
        } else {
            return Ok(Self { settings: Settings { own_method: own.clone(), ..plan.settings }, own, ..plan });
        };
        Err(Error::Format { path, problem })
    }

    /// That of a folder, without what is needed to go on with it; `None` where the file is none of ours.
    pub(super) fn in_folder(folder: &Path) -> Result<Option<Self>> {
        let text = read_to_string(&folder.join(SWEEP))?;
        Ok(toml::from_str(&text).ok().filter(|plan: &Self| plan.program == PROGRAM))
    }

    /// The file's text.
    ///
    /// # Errors
    /// A path that is not UTF-8.
    pub(super) fn text(&self) -> Result<String> {
        toml::to_string(self).map_err(unwritable)
    }

    /// Writes it into a folder.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let text = self.text()?;
        write_atomic(&folder.join(SWEEP), |file| file.write_all(text.as_bytes()))
    }

    /// Whether its runs are trained alike, and it has all seeds and methods of the other.
    pub(super) fn extends(&self, other: &Self) -> bool {
        let alike = |plan: &Self| {
            let settings = Settings { own_method: None, ..plan.settings.clone() };
            (settings, plan.own_method.clone(), plan.test_name.clone())
        };
        alike(self) == alike(other)
            && other.seeds.iter().all(|seed| self.seeds.contains(seed))
            && other.methods.iter().all(|method| self.methods.contains(method))
    }

    /// The runs: each method by the first seed, then by the second one, and so on.
    pub(super) fn runs(&self) -> Vec<PlannedRun> {
        let methods: Vec<Option<MethodKind>> = match self.methods.is_empty() {
            true => vec![None],
            false => self.methods.iter().copied().map(Some).collect(),
        };
        let runs = self.seeds.iter().flat_map(|seed| methods.iter().map(move |method| (*method, *seed)));
        runs.map(|(method, seed)| self.run(method, seed)).collect()
    }

    fn run(&self, method: Option<MethodKind>, seed: u64) -> PlannedRun {
        let name = match method {
            Some(kind) => kind.method().name().to_owned(),
            None => self.own_method.clone().unwrap_or_default(),
        };
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        let in_names: String = name.chars().map(|c| if is_plain(c) { c } else { '-' }).collect();
        let settings = match method {
            Some(kind) => Settings { method: Some(kind.into()), ..self.settings_for(kind) },
            None => Settings { own_method: self.own.clone(), ..self.settings.clone() },
        };
        PlannedRun {
            name: format!("{in_names}-seed-{seed}"),
            method: name,
            seed,
            settings: Settings { seed: Some(seed), ..settings },
        }
    }

    /// The settings of runs by a method: what is for some of several methods alone goes to these.
    fn settings_for(&self, method: MethodKind) -> Settings {
        let settings = &self.settings;
        let of_some =
            |takes: fn(MethodKind) -> bool| !takes(method) && self.methods.iter().any(|&m| takes(m));
        let mut own = settings.clone();
        if of_some(|method| method == MethodKind::Distill) {
            (own.teacher, own.teacher_temperature) = (None, None);
        }
        if of_some(|method| method == MethodKind::DivideMix) {
            own.ablate = None;
        }
        if of_some(|method| method.method().strength().is_some()) {
            own.strength = None;
        }
        own
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Methods;

    fn plan(seeds: &[u64], methods: &str) -> Plan {
        let method: Methods = methods.parse().unwrap();
        Plan::of(&Settings { seeds: Some(seeds.to_vec()), method: Some(method), ..Settings::default() })
            .unwrap()
    }

    #[test]
    fn each_seed_trains_all_methods_before_the_next_one() {
        let names: Vec<String> =
            plan(&[1, 7], "dividemix,ce").runs().into_iter().map(|run| run.name).collect();
        assert_eq!(names, ["dividemix-seed-1", "ce-seed-1", "dividemix-seed-7", "ce-seed-7"]);
    }

    #[test]
    fn what_is_for_one_of_the_methods_goes_to_it_alone() {
        let settings = Settings {
            method: Some("dividemix,ce,smooth,distill".parse().unwrap()),
            teacher: Some("/t".into()),
            strength: Some(0.2),
            ..Settings::default()
        };
        let runs = Plan::of(&settings).unwrap().runs();
        let teachers: Vec<bool> = runs.iter().map(|run| run.settings.teacher.is_some()).collect();
        assert_eq!(teachers, [false, false, false, true]);
        let strengths: Vec<bool> = runs.iter().map(|run| run.settings.strength.is_some()).collect();
        assert_eq!(strengths, [false, false, true, true]);
        // Where no method takes it, the run says so.
        let alone = Settings { method: Some("ce,joint".parse().unwrap()), ..settings };
        assert!(Plan::of(&alone).unwrap().runs().iter().all(|run| run.settings.teacher.is_some()));
    }

    #[test]
    fn a_plan_extends_another_by_seeds_and_methods_alone() {
        let first = plan(&[1, 2], "ce");
        assert!(plan(&[1, 2, 3], "dividemix,ce").extends(&first));
        assert!(!plan(&[1, 3], "ce").extends(&first));
        assert!(!plan(&[1, 2], "joint").extends(&first));
        let longer = Settings { epochs: Some(3), ..first.settings.clone() };
        assert!(!Plan { settings: longer, ..first.clone() }.extends(&first));
        assert_eq!(toml::from_str::<Plan>(&first.text().unwrap()).unwrap(), first);
    }

    #[test]
    fn seeds_that_can_not_be_are_refused() {
        let refused = |seeds: &[u64], seed| {
            let settings = Settings { seeds: Some(seeds.to_vec()), seed, ..Settings::default() };
            Plan::of(&settings).unwrap_err().to_string()
        };
        assert!(refused(&[], None).contains("empty"));
        assert!(refused(&[1, 2, 1], None).contains("1 is there twice"));
        assert!(refused(&[u64::MAX], None).contains("from 0 to"));
        assert!(refused(&[1], Some(2)).contains("--seed is given as well"));
    }
}
