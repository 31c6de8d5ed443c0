//! The figures of a run, and how they join those of earlier runs on the same machine.

use super::along::Along;
use super::machine::Machine;
use super::statistics::Spread;
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// All that one results file holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Results {
    pub(super) machine: Machine,
    pub(super) works: Vec<Table>,
}

/// One work, measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) what: String,
    pub(super) unit: String,
    pub(super) threads: usize,
    /// Whether its memory goes into the table of memory.
    pub(super) trains: bool,
    pub(super) command: String,
    pub(super) date: String,
    /// What was measured: versions by name, of this project its commit.
    pub(super) versions: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) along: Along,
    /// This project's first.
    pub(super) rows: Vec<Row>,
}

/// One program at a work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) name: String,
    /// Of what the table goes along: threads, images, steps.
    #[serde(default)]
    pub(super) amount: Option<usize>,
    /// A figure a round, in the work's unit.
    pub(super) per_second: Vec<f64>,
    /// The most of any round.
    pub(super) peak_rss_bytes: Option<u64>,
    /// Of these, what was there before the work began.
    pub(super) base_rss_bytes: Option<u64>,
    pub(super) found: Option<Value>,
    /// Why there are no (more) figures.
    pub(super) failed: Option<String>,
}

impl Row {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            amount: None,
            per_second: Vec::new(),
            peak_rss_bytes: None,
            base_rss_bytes: None,
            found: None,
            failed: None,
        }
    }

    /// Of a program that went through all rounds.
    pub(super) fn spread(&self) -> Option<Spread> {
        if self.failed.is_some() { None } else { Spread::of(&self.per_second) }
    }
}

impl Table {
    /// How many times as fast as `row` this project is, by the medians.
    pub(super) fn ratio(&self, row: &Row) -> Option<f64> {
        let ours = self.rows.first()?.spread()?;
        Some(ours.median / row.spread()?.median)
    }

    /// The fastest of the others.
    pub(super) fn best_peer(&self) -> Option<&Row> {
        let others = self.rows.iter().skip(1).filter_map(|row| Some((row, row.spread()?.median)));
        others.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(row, _)| row)
    }

    /// Those that could not take part to the end.
    pub(super) fn failures(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.failed.is_some())
    }
}

impl Results {
    /// Those in `file`; none where there is no such file.
    pub(super) fn read(file: &Path) -> Result<Option<Self>> {
        if !file.exists() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        serde_json::from_str(&text)
            .with_context(|| format!("{}: no results of this command", file.display()))
            .map(Some)
    }

    /// # Errors
    /// Another machine: its figures do not belong in the same file.
    pub(super) fn may_join(&self, machine: &Machine) -> Result<()> {
        ensure!(self.machine == *machine, "the results there are of another machine; choose another --name");
        Ok(())
    }

    /// Replaces the works that `newer` has, in the order of `names`.
    ///
    /// # Errors
    /// As [`Results::may_join`].
    pub(super) fn join(mut self, newer: Self, names: &[&str]) -> Result<Self> {
        self.may_join(&newer.machine)?;
        self.works.retain(|old| newer.works.iter().all(|new| new.name != old.name));
        self.works.extend(newer.works);
        self.works.sort_by_key(|work| names.iter().position(|name| *name == work.name));
        Ok(self)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn table(name: &str, figures: &[(&str, &[f64])]) -> Table {
        let row = |(name, figures): &(&str, &[f64])| Row { per_second: figures.to_vec(), ..Row::new(name) };
        Table {
            name: name.to_owned(),
            what: "A work.".to_owned(),
            unit: "images/s".to_owned(),
            threads: 2,
            trains: true,
            command: "cargo xtask bench".to_owned(),
            date: "2026-11-25".to_owned(),
            versions: BTreeMap::new(),
            along: Along::Programs,
            rows: figures.iter().map(row).collect(),
        }
    }

    pub(crate) fn machine() -> Machine {
        Machine {
            processor: "P".to_owned(),
            cores: 2,
            instructions: vec!["AVX2".to_owned()],
            memory_bytes: Some(8 << 30),
            system: "linux x86_64".to_owned(),
        }
    }

    #[test]
    fn a_ratio_is_of_medians_and_the_best_peer_is_the_fastest_that_came_through() {
        let mut table = table(
            "a",
            &[("effmix", &[30.0, 10.0, 20.0]), ("slow", &[5.0]), ("quick", &[8.0]), ("gone", &[90.0])],
        );
        table.rows[3].failed = Some("no compiler".to_owned());
        assert_eq!(table.best_peer().map(|row| row.name.as_str()), Some("quick"));
        assert_eq!(table.ratio(&table.rows[2]), Some(2.5));
        assert_eq!(table.ratio(&table.rows[3]), None);
        assert_eq!(table.failures().count(), 1);
    }

    #[test]
    fn newer_figures_replace_those_of_the_same_work_only() {
        let of = |works| Results { machine: machine(), works };
        let old = of(vec![table("b", &[("effmix", &[1.0])]), table("c", &[("effmix", &[1.0])])]);
        let new = of(vec![table("b", &[("effmix", &[2.0])]), table("a", &[("effmix", &[2.0])])]);
        let joined = old.clone().join(new, &["a", "b", "c"]).unwrap();
        let figures: Vec<_> =
            joined.works.iter().map(|w| (w.name.as_str(), w.rows[0].per_second[0])).collect();
        assert_eq!(figures, [("a", 2.0), ("b", 2.0), ("c", 1.0)]);

        let elsewhere = Results { machine: Machine { cores: 64, ..machine() }, works: Vec::new() };
        assert!(old.join(elsewhere, &[]).is_err());
    }
}
