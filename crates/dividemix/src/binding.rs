//! Which training a checkpoint is of.

use candle_core::Var;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::network::variables;
use crate::{CheckedHyperparameters, Hyperparameters, Network, TrainingSet};

/// The labels, method, settings and networks of a training: what must be the same to go on from a checkpoint.
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
    /// Each network's variables: name and shape.
    networks: Vec<Vec<(String, Vec<usize>)>>,
}

/// Hyperparameters that may change between a checkpoint and its continuation. (The method in use has a name of its own.)
const FREE: [&str; 3] = ["epochs", "patience", "method"];

impl Binding {
    /// The binding of this training.
    pub(crate) fn of(
        networks: &[Box<dyn Network>],
        hyper: &CheckedHyperparameters,
        data: &TrainingSet,
    ) -> Self {
        let shape = |(name, var): (String, Var)| (name, var.dims().to_vec());
        let networks = networks.iter().map(|n| variables(n.as_ref()).into_iter().map(shape).collect());
        let training = Training {
            method: hyper.method().name().to_owned(),
            hyperparameters: Hyperparameters::clone(hyper),
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
            _ => Some(
                "an older version made it, which kept neither the method nor the hyperparameters and networks; \
                 finish the training with that version, or start it anew in another folder"
                    .into(),
            ),
        }
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
        let (before, after) = (fields(&self.hyperparameters), fields(&now.hyperparameters));
        let changed: Vec<String> = after
            .iter()
            .filter(|(name, value)| !FREE.contains(&name.as_str()) && before.get(*name) != Some(*value))
            .map(|(name, value)| {
                format!("`{name}` was {}, and is now {}", shown(before.get(name)), shown(Some(value)))
            })
            .collect();
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

/// Hash of the number of classes and of all labels.
fn fingerprint(data: &TrainingSet) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(data.classes as u64).to_le_bytes());
    data.labels.iter().for_each(|&y| {
        hasher.update(&(y as u64).to_le_bytes());
    });
    hasher.finalize().to_hex().to_string()
}
