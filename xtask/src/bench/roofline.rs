//! A step's layers: how long each took, and how long this machine needs at least.
//!
//! The roofline (Williams, Waterman & Patterson, "Roofline", CACM 2009): a layer takes as long as its arithmetic at the machine's
//! rate of matrix products, or as its bytes at the rate of its memory, whichever is more. That bound lets all of the one happen
//! during the other. Within a layer there are passes of both kinds that wait for each other, so the sum of both times is shown
//! too.

use super::results::Table;
use super::statistics::Spread;
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt::Write;

/// Layers of less than this share of the step are not worth a remark.
const WORTH: f64 = 0.01;
/// Those that reach less than this of the roofline are remarked on.
const NEAR: f64 = 0.8;
/// So many of them, the costliest, are named below the table.
const NAMED: usize = 8;

/// What `effmix-bench` answers of a round; rates are of all threads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Breakdown {
    flop_per_s: f64,
    bytes_per_s: f64,
    /// Of the step as it is.
    step_seconds: f64,
    layers: Vec<Layer>,
}

/// One pass through a layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Layer {
    name: String,
    pass: String,
    seconds: f64,
    flop: f64,
    bytes: f64,
}

/// The median of each figure over the rounds.
///
/// # Errors
/// No rounds, or another answer than a program of this version gives.
pub(super) fn median(rounds: Vec<Value>) -> Result<Value> {
    let rounds: Vec<Breakdown> =
        rounds.into_iter().map(serde_json::from_value).collect::<Result<_, _>>().context("layers")?;
    let of = |figure: &dyn Fn(&Breakdown) -> f64| -> Result<f64> {
        let spread = Spread::of(&rounds.iter().map(figure).collect::<Vec<_>>());
        Ok(spread.context("no round has come to its end")?.median)
    };
    let first = rounds.first().context("no round has come to its end")?;
    ensure!(rounds.iter().all(|round| round.layers.len() == first.layers.len()), "layers differ by round");
    let layers = first
        .layers
        .iter()
        .enumerate()
        .map(|(i, layer)| Ok(Layer { seconds: of(&|round| round.layers[i].seconds)?, ..layer.clone() }));
    Ok(serde_json::to_value(Breakdown {
        layers: layers.collect::<Result<_>>()?,
        flop_per_s: of(&|round| round.flop_per_s)?,
        bytes_per_s: of(&|round| round.bytes_per_s)?,
        step_seconds: of(&|round| round.step_seconds)?,
    })?)
}

impl Breakdown {
    /// Seconds that a layer's arithmetic and its bytes need.
    fn least(&self, layer: &Layer) -> [f64; 2] {
        [layer.flop / self.flop_per_s, layer.bytes / self.bytes_per_s]
    }

    fn roofline(&self, layer: &Layer) -> f64 {
        let [arithmetic, memory] = self.least(layer);
        arithmetic.max(memory)
    }

    fn share(&self, layer: &Layer) -> f64 {
        layer.seconds / self.step_seconds
    }

    /// The part of the roofline that a layer reaches.
    fn reached(&self, layer: &Layer) -> f64 {
        self.roofline(layer) / layer.seconds
    }

    fn is_remarkable(&self, layer: &Layer) -> bool {
        self.share(layer) > WORTH && self.reached(layer) < NEAR
    }

    fn sum(&self, figure: impl Fn(&Layer) -> f64) -> f64 {
        self.layers.iter().map(figure).sum()
    }
}

/// The table of layers, what of the step it covers, and the layers that are far from the roofline.
pub(super) fn layers(text: &mut String, table: &Table) {
    let found = table.rows.iter().filter_map(|row| row.found.clone());
    for breakdown in found.filter_map(|found| serde_json::from_value::<Breakdown>(found).ok()) {
        text.push_str(&in_words(&breakdown));
    }
}

fn in_words(all: &Breakdown) -> String {
    let measured = all.sum(|layer| layer.seconds);
    let mut text = format!(
        "This machine, in the same run: {:.0} GFLOP/s in matrix products, {:.1} GB/s from and to memory. The whole step took \
         {:.1} ms; the layers below, timed one by one, make {:.1} ms, {:.0} % of it.\n\n\
         | layer | pass | ms | of the step, % | GFLOP | MB | roofline, ms | bound by | reached, % | arithmetic + memory, ms | \
         reached, % |\n|---|---|---|---|---|---|---|---|---|---|---|\n",
        all.flop_per_s / 1e9,
        all.bytes_per_s / 1e9,
        1e3 * all.step_seconds,
        1e3 * measured,
        100.0 * measured / all.step_seconds,
    );
    for layer in &all.layers {
        let [arithmetic, memory] = all.least(layer);
        let bound = if arithmetic >= memory { "arithmetic" } else { "memory" };
        let mark = if all.is_remarkable(layer) { "**" } else { "" };
        let _ = writeln!(
            text,
            "| {} | {} | {:.2} | {:.1} | {:.2} | {:.1} | {:.2} | {bound} | {mark}{:.0}{mark} | {:.2} | {:.0} |",
            layer.name,
            layer.pass,
            1e3 * layer.seconds,
            100.0 * all.share(layer),
            layer.flop / 1e9,
            layer.bytes / 1e6,
            1e3 * all.roofline(layer),
            100.0 * all.reached(layer),
            1e3 * (arithmetic + memory),
            100.0 * (arithmetic + memory) / layer.seconds,
        );
    }
    let roofline = all.sum(|layer| all.roofline(layer));
    let phases = all.sum(|layer| all.least(layer).iter().sum());
    let _ = writeln!(
        text,
        "| together | | {:.1} | {:.1} | {:.2} | {:.0} | {:.1} | | {:.0} | {:.1} | {:.0} |",
        1e3 * measured,
        100.0 * measured / all.step_seconds,
        all.sum(|layer| layer.flop) / 1e9,
        all.sum(|layer| layer.bytes) / 1e6,
        1e3 * roofline,
        100.0 * roofline / measured,
        1e3 * phases,
        100.0 * phases / measured,
    );
    text.push_str(&remark(all));
    text
}

/// How many passes are far from the roofline, and where the most time is left.
fn remark(all: &Breakdown) -> String {
    let mut far: Vec<&Layer> = all.layers.iter().filter(|layer| all.is_remarkable(layer)).collect();
    if far.is_empty() {
        return "\nEvery pass of more than 1 % of the step reaches 80 % of the roofline.\n".to_owned();
    }
    let above = |layer: &Layer| layer.seconds - all.roofline(layer);
    far.sort_by(|a, b| above(b).total_cmp(&above(a)));
    let worst = far.iter().take(NAMED).map(|layer| {
        let (reached, above) = (100.0 * all.reached(layer), 1e3 * above(layer));
        format!("{} {} ({reached:.0} %, {above:.1} ms)", layer.name, layer.pass)
    });
    format!(
        "\nOf the {} passes of more than 1 % of the step, {} reach less than 80 % of the roofline (in bold). Most time above \
         it: {}.\n",
        all.layers.iter().filter(|layer| all.share(layer) > WORTH).count(),
        far.len(),
        worst.collect::<Vec<_>>().join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 10 FLOP and 2 bytes a second.
    fn breakdown(layers: &[(&str, f64, f64, f64)]) -> Breakdown {
        let layer = |&(name, seconds, flop, bytes): &(&str, f64, f64, f64)| Layer {
            name: name.to_owned(),
            pass: "forward".to_owned(),
            seconds,
            flop,
            bytes,
        };
        Breakdown {
            flop_per_s: 10.0,
            bytes_per_s: 2.0,
            step_seconds: 10.0,
            layers: layers.iter().map(layer).collect(),
        }
    }

    #[test]
    fn the_roofline_is_the_longer_of_both_times() {
        let all = breakdown(&[("a", 4.0, 20.0, 2.0), ("b", 5.0, 10.0, 8.0)]);
        let [a, b] = [&all.layers[0], &all.layers[1]];
        assert_eq!((all.least(a), all.roofline(a), all.reached(a)), ([2.0, 1.0], 2.0, 0.5));
        assert_eq!((all.least(b), all.roofline(b), all.reached(b)), ([1.0, 4.0], 4.0, 0.8));
        assert!(all.is_remarkable(a) && !all.is_remarkable(b));
    }

    #[test]
    fn the_table_names_rates_cover_and_the_layers_far_from_the_roofline() {
        let text =
            in_words(&breakdown(&[("a", 4.0, 20.0, 2.0), ("b", 5.0, 10.0, 8.0), ("c", 0.01, 0.0, 0.0)]));
        assert!(text.contains("make 9010.0 ms, 90 % of it"), "{text}");
        assert!(text.contains(
            "| a | forward | 4000.00 | 40.0 | 0.00 | 0.0 | 2000.00 | arithmetic | **50** | 3000.00 | 75 |"
        ));
        assert!(text.contains(
            "| b | forward | 5000.00 | 50.0 | 0.00 | 0.0 | 4000.00 | memory | 80 | 5000.00 | 100 |"
        ));
        assert!(
            text.contains("Of the 2 passes") && text.ends_with("it: a forward (50 %, 2000.0 ms).\n"),
            "{text}"
        );
        assert!(in_words(&breakdown(&[])).ends_with("reaches 80 % of the roofline.\n"));
    }

    #[test]
    fn rounds_are_joined_by_the_median_of_each_figure() {
        let round = |seconds| serde_json::to_value(breakdown(&[("a", seconds, 1.0, 2.0)])).unwrap();
        let joined: Breakdown =
            serde_json::from_value(median(vec![round(1.0), round(9.0), round(2.0)]).unwrap()).unwrap();
        assert_eq!(joined, breakdown(&[("a", 2.0, 1.0, 2.0)]));
        assert!(median(vec![]).is_err());
        assert!(median(vec![Value::Null]).is_err());
    }
}
