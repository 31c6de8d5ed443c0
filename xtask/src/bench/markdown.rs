//! Results as people read them.

use super::along::Along;
use super::numbers::{figure, gb};
use super::results::{Results, Table};
use super::{roofline, scaling};
use std::collections::BTreeSet;
use std::fmt::Write;

/// The whole page.
pub(super) fn page(name: &str, results: &Results) -> String {
    let machine = &results.machine;
    let memory =
        machine.memory_bytes.map_or(String::new(), |bytes| format!(", {:.0} GB of memory", gb(bytes)));
    let mut text = format!(
        "# Benchmark {name}\n\n\
         Made by `cargo xtask bench`; the same figures for programs are in {name}.json.\n\n\
         {}, {} cores{memory}, {}, {}.\n\n\
         Each work's programs were run in turn, round by round, in one run, each in a process of its own, all with as many \
         threads and in f32. A program's figure in a round is by its median step; the table has the median of the rounds, the \
         least and the most. Ratio: effmix's median by that of the row, above 1 where effmix is faster. Only ratios within a \
         table count.\n",
        machine.processor,
        machine.cores,
        machine.instructions.join(", "),
        machine.system,
    );
    for table in &results.works {
        let _ = write!(text, "\n## {}\n\n{}", table.name, work(table));
    }
    if scaling::panels(&results.works).is_some() {
        let _ = write!(text, "\n## Scaling\n\n![Threads and images]({})\n", scaling::picture(name));
    }
    if let Some(memory) = memory_table(&results.works) {
        let _ = write!(text, "\n## Memory of a training step\n\n{memory}");
    }
    let versions: BTreeSet<String> = results
        .works
        .iter()
        .map(|table| {
            let versions: Vec<String> =
                table.versions.iter().map(|(name, v)| format!("{name} {v}")).collect();
            versions.join(", ")
        })
        .collect();
    text.push_str("\n## Versions\n\n");
    for (index, line) in versions.iter().enumerate() {
        let of = results.works.iter().filter(|table| {
            let own: Vec<String> = table.versions.iter().map(|(name, v)| format!("{name} {v}")).collect();
            own.join(", ") == *line
        });
        let names: Vec<&str> = of.map(|table| table.name.as_str()).collect();
        let which = if versions.len() == 1 { "All".to_owned() } else { names.join(", ") };
        let _ = writeln!(text, "{}- {which}: {line}.", if index == 0 { "" } else { "\n" });
    }
    // A list has no blank lines between its items.
    text.replace(".\n\n- ", ".\n- ")
}

/// One work: what it is, its table, and what failed.
pub(super) fn work(table: &Table) -> String {
    let mut text =
        format!("{}\n\n`{}`, {}, threads: {}.\n\n", table.what, table.command, table.date, table.threads);
    match table.along {
        Along::Programs => programs(&mut text, table),
        Along::Layers => roofline::layers(&mut text, table),
        Along::Threads | Along::Images | Along::Steps => scaling::amounts(&mut text, table),
    }
    let failures: Vec<_> = table.failures().collect();
    if !failures.is_empty() {
        let _ = writeln!(text, "\n{} of {} programs have no figure:\n", failures.len(), table.rows.len());
        for row in failures {
            let _ = writeln!(text, "- {}: {}", row.name, row.failed.as_deref().unwrap_or_default());
        }
    }
    text
}

/// A row a program, and what they found.
fn programs(text: &mut String, table: &Table) {
    let _ = writeln!(text, "| program | {}, median | least to most | ratio |\n|---|---|---|---|", table.unit);
    let best = table.best_peer().map(|row| row.name.clone());
    for row in &table.rows {
        let Some(spread) = row.spread() else { continue };
        let name =
            if best.as_ref() == Some(&row.name) { format!("**{}**", row.name) } else { row.name.clone() };
        let ratio = table.ratio(row).map_or("?".to_owned(), |ratio| format!("{ratio:.2}"));
        let (least, most) = (figure(spread.least), figure(spread.most));
        let _ = writeln!(text, "| {name} | {} | {least} to {most} | {ratio} |", figure(spread.median));
    }
    let found: Vec<String> =
        table.rows.iter().filter_map(|row| Some(format!("{}: {}", row.name, row.found.as_ref()?))).collect();
    if !found.is_empty() {
        let _ = writeln!(text, "\nFound by {}.", found.join("; by "));
    }
}

/// A row a program, a column a training work; none without training works.
pub(super) fn memory_table(works: &[Table]) -> Option<String> {
    let training: Vec<&Table> = works.iter().filter(|table| table.trains).collect();
    let first = training.first()?;
    let mut names: Vec<&str> = first.rows.iter().map(|row| row.name.as_str()).collect();
    for row in training.iter().flat_map(|table| &table.rows) {
        if !names.contains(&row.name.as_str()) {
            names.push(&row.name);
        }
    }
    let heads: Vec<&str> = training.iter().map(|table| table.name.as_str()).collect();
    let mut text = format!(
        "The most that the process had, GB; in brackets what it had before the work began (a Python process's libraries).\n\n\
         | program | {} |\n|---|{}\n",
        heads.join(" | "),
        "---|".repeat(heads.len())
    );
    for name in names {
        let cells: Vec<String> = training
            .iter()
            .map(|table| {
                let row = table.rows.iter().find(|row| row.name == name && row.failed.is_none());
                let peak = row.and_then(|row| row.peak_rss_bytes);
                let base = row.and_then(|row| row.base_rss_bytes);
                match (peak, base) {
                    (Some(peak), Some(base)) => format!("{:.2} ({:.2})", gb(peak), gb(base)),
                    (Some(peak), None) => format!("{:.2}", gb(peak)),
                    _ => String::new(),
                }
            })
            .collect();
        let _ = writeln!(text, "| {name} | {} |", cells.join(" | "));
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::{machine, table};
    use super::*;

    #[test]
    fn a_work_shows_median_spread_ratio_best_peer_and_what_failed() {
        let mut table = table(
            "train",
            &[("effmix", &[40.0, 44.0, 42.0]), ("a", &[21.0, 20.0, 25.0]), ("b", &[5.25]), ("c", &[])],
        );
        table.rows[3].failed = Some("no compiler".to_owned());
        let text = work(&table);
        assert!(text.contains("| effmix | 42.0 | 40.0 to 44.0 | 1.00 |"), "{text}");
        assert!(text.contains("| **a** | 21.0 | 20.0 to 25.0 | 2.00 |"), "{text}");
        assert!(text.contains("| b | 5.25 | 5.25 to 5.25 | 8.00 |"), "{text}");
        assert!(text.contains("1 of 4 programs have no figure:\n\n- c: no compiler"), "{text}");
        assert!(!text.contains("| c |"), "{text}");
    }

    #[test]
    fn without_our_figure_there_is_no_ratio() {
        let mut table = table("train", &[("effmix", &[]), ("a", &[20.0])]);
        table.rows[0].failed = Some("gone".to_owned());
        assert!(work(&table).contains("| **a** | 20.0 | 20.0 to 20.0 | ? |"));
    }

    #[test]
    fn memory_has_a_column_a_training_work_and_no_other() {
        let mut one = table("one", &[("effmix", &[1.0]), ("a", &[1.0])]);
        one.rows[0].peak_rss_bytes = Some(1_500_000_000);
        let mut two = table("two", &[("effmix", &[1.0]), ("b", &[1.0])]);
        (two.rows[1].peak_rss_bytes, two.rows[1].base_rss_bytes) = (Some(2_000_000_000), Some(500_000_000));
        let other = Table { trains: false, ..table("other", &[]) };
        let text = memory_table(&[one, other.clone(), two]).unwrap();
        assert!(text.contains("| program | one | two |"), "{text}");
        assert!(text.contains("| effmix | 1.50 |  |") && text.contains("| b |  | 2.00 (0.50) |"), "{text}");
        assert_eq!(memory_table(&[other]), None);
    }

    #[test]
    fn a_page_names_machine_and_versions_once() {
        let mut results = Results { machine: machine(), works: vec![table("a", &[]), table("b", &[])] };
        for work in &mut results.works {
            work.versions.insert("torch".to_owned(), "2.15.0".to_owned());
        }
        let text = page("x", &results);
        assert!(text.contains("P, 2 cores, 9 GB of memory, AVX2, linux x86_64."), "{text}");
        assert!(text.ends_with("- All: torch 2.15.0.\n"), "{text}");
        results.works[1].versions.insert("torch".to_owned(), "2.16.0".to_owned());
        assert!(page("x", &results).ends_with("- a: torch 2.15.0.\n- b: torch 2.16.0.\n"));
    }
}
