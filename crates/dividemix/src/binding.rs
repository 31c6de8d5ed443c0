//! Which training a checkpoint is of.

use std::collections::{BTreeMap, BTreeSet};

use candle_core::Var;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::network::variables;
use crate::{CheckedHyperparameters, Hyperparameters, Network, TrainingSet};

/// The labels, method, settings (the loop's and the caller's) and networks of a training: what must be the same to go on from a checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Binding {
    /// Hash of the samples' number and labels.
    labels: String,
    /// `None` in checkpoints of older versions.
    #[serde(default)]
    training: Option<Training>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Training {
    /// The method's name.
    method: String,
    hyperparameters: Hyperparameters,
    /// The caller's own settings by name; `None` in checkpoints of older versions.
    #[serde(default)]
    caller: Option<CallerSettings>,
    /// Each network's variables: name and shape.
    networks: Vec<Vec<(String, Vec<usize>)>>,
}

/// Settings by name that the loop knows nothing of.
pub(crate) type CallerSettings = BTreeMap<String, String>;

/// Hyperparameters that may change between a checkpoint and its continuation. (The method in use has a name of its own.)
const FREE: [&str; 3] = ["epochs", "patience", "method"];

const OLDER: &str = "an older version made it, which did not keep all settings of the training; \
    finish the training with that version, or start it anew in another folder";

impl Binding {
    /// The binding of this training.
    pub(crate) fn of(
        networks: &[Box<dyn Network>],
        hyper: &CheckedHyperparameters,
        data: &TrainingSet,
        caller: &CallerSettings,
    ) -> Self {
        let shape = |(name, var): (String, Var)| (name, var.dims().to_vec());
        let networks = networks.iter().map(|n| variables(n.as_ref()).into_iter().map(shape).collect());
        let training = Training {
            method: hyper.method().name().to_owned(),
            hyperparameters: Hyperparameters::clone(hyper),
            caller: Some(caller.clone()),
            networks: networks.collect(),
        };
        Self { labels: fingerprint(data), training: Some(training) }
    }

    /// The difference between the checkpoint's training and `now`, the one that is to go on from it; `None` where it can go on.
    pub(crate) fn difference(&self, now: &Self) -> Option<String> {
        if self.labels != now.labels {
            return Some("it was made with other samples or labels; the data must be as they were".into());
        }
        match (&self.training, &now.training) {
            (Some(then), Some(now)) => then.difference(now),
            _ => Some(OLDER.into()),
        }
    }

    /// Epochs that the training was set to; 0 where that was not kept.
    pub(crate) fn epochs(&self) -> usize {
        self.training.as_ref().map_or(0, |training| training.hyperparameters.epochs)
    }
}

impl Training {
    fn difference(&self, now: &Self) -> Option<String> {
        if self.method != now.method {
            return Some(format!(
                "it was made by method {}, and this training is by {}",
                self.method, now.method
            ));
        }
        let (Some(caller_before), Some(caller_after)) = (&self.caller, &now.caller) else {
            return Some(OLDER.into());
        };
        let (before, after) = (fields(&self.hyperparameters), fields(&now.hyperparameters));
        let mut changed: Vec<String> = after
            .iter()
            .filter(|(name, value)| !FREE.contains(&name.as_str()) && before.get(*name) != Some(*value))
            .map(|(name, value)| {
                format!("`{name}` was {}, and is now {}", shown(before.get(name)), shown(Some(value)))
            })
            .collect();
        let names: BTreeSet<&String> = caller_before.keys().chain(caller_after.keys()).collect();
        for name in names {
            let [before, after] = [caller_before, caller_after].map(|caller| caller.get(name));
            if before != after {
                let [before, after] = [before, after].map(|value| value.map_or("not set", String::as_str));
                changed.push(format!("{name} was {before}, and is now {after}"));
            }
        }
        if !changed.is_empty() {
            return Some(format!("it was made with other settings: {}", changed.join("; ")));
        }
        if self.networks.len() != now.networks.len() {
            return Some(format!("it holds {} networks, not {}", self.networks.len(), now.networks.len()));
        }
        let variable = |of: Option<&(String, Vec<usize>)>| {
            of.map_or("nothing more".to_owned(), |(name, shape)| format!("{name} {shape:?}"))
        };
        for (k, (before, after)) in self.networks.iter().zip(&now.networks).enumerate() {
            if let Some(place) = (0..before.len().max(after.len())).find(|&i| before.get(i) != after.get(i)) {
                let (before, after) = (variable(before.get(place)), variable(after.get(place)));
                let network = k + 1;
                return Some(format!(
                    "its network {network} is another one: it has {before} where this one has {after}"
                ));
            }
        }
        None
    }
}

/// The fields of settings by name. Settings are numbers, names and groups of them, which JSON holds.
fn fields(hyper: &Hyperparameters) -> serde_json::Map<String, Value> {
    match serde_json::to_value(hyper) {
        Ok(Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    }
}

/// A setting's value as a message shows it.
fn shown(value: Option<&Value>) -> String {
    value.filter(|value| !value.is_null()).map_or("not set".to_owned(), Value::to_string)
}

/// Hash of the number of classes, of all labels, and of which labels are sure.
fn fingerprint(data: &TrainingSet) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(data.classes as u64).to_le_bytes());
    data.labels.iter().for_each(|&y| {
        hasher.update(&(y as u64).to_le_bytes());
    });
    // Checkpoints of trainings without sure labels are those of versions that knew none.
    if let Some(sure) = &data.sure {
        sure.iter().for_each(|&sure| {
            hasher.update(&[u8::from(sure)]);
        });
    }
    hasher.finalize().to_hex().to_string()
}
