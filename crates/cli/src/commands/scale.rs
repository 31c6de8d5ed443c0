//! `effmix scale`: what the members of the family cost, and members of any size.

use effmix::files::{start_of, write_atomic};
use effnet_model::{Arch, Bases, Cost, Scaling};
use serde::Serialize;

use super::search;
use crate::args::{Amounts, Figure, Scale, ScaleCommand};
use crate::failure::Failure;
use crate::output::{may_replace, print, print_json};

/// The members in the table, by their short names.
const BASE: [&str; 8] = ["b0", "b1", "b2", "b3", "b4", "b5", "b6", "b7"];
const LITE: [&str; 5] = [
    "efficientnet_lite0",
    "efficientnet_lite1",
    "efficientnet_lite2",
    "efficientnet_lite3",
    "efficientnet_lite4",
];

/// A member and what it costs.
#[derive(Debug, Serialize)]
struct Row {
    arch: String,
    width: f64,
    depth: f64,
    size: usize,
    layers: usize,
    parameters: u64,
    macs: u64,
    activations: u64,
    training_bytes: u64,
    inference_bytes: u64,
}

impl Row {
    fn new(name: &str, arch: &Arch, amounts: &Amounts) -> Result<Self, Failure> {
        let cost = arch.cost(usize::from(amounts.classes))?;
        let Cost { layers, parameters, macs, activations, .. } = cost;
        Ok(Self {
            arch: name.to_owned(),
            width: arch.scaling.width,
            depth: arch.scaling.depth,
            size: arch.size,
            layers,
            parameters,
            macs,
            activations,
            training_bytes: cost.training_bytes(usize::from(amounts.batch)),
            inference_bytes: cost.inference_bytes(1),
        })
    }
}

/// A member by compound scaling.
#[derive(Debug, Serialize)]
struct Scaled {
    phi: f64,
    #[serde(flatten)]
    bases: Bases,
    /// alpha beta^2 gamma^2, the factor by which the cost grows with each whole phi.
    cost_factor: f64,
    /// And what it is more than 2.
    residual: f64,
    #[serde(flatten)]
    row: Row,
}

pub(super) fn run(args: &Scale) -> Result<(), Failure> {
    match (&args.command, args.phi) {
        (Some(ScaleCommand::Search(args)), _) => search::run(args),
        (Some(ScaleCommand::Figure(args)), _) => figure(args),
        (Some(ScaleCommand::Table(amounts)), _) => table(amounts),
        (None, Some(phi)) => scaled(args, phi),
        (None, None) => Err(Failure::Usage(
            "`effmix scale table`, `effmix scale --phi X`, or `effmix scale search DATA`".to_owned(),
        )),
    }
}

fn figure(args: &Figure) -> Result<(), Failure> {
    may_replace(&args.out, args.force, || is_figure(&start_of(&args.out, FIGURE_START)))?;
    let svg = Arch::by_name(&args.arch)?.figure(usize::from(args.classes))?;
    Ok(write_atomic(&args.out, |out| out.write_all(svg.as_bytes()))?)
}

/// Bytes that hold the first line of a figure.
const FIGURE_START: usize = 1024;

/// Whether an SVG that begins so has the title of our pictures of networks.
fn is_figure(start: &[u8]) -> bool {
    let first = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    first.starts_with(b"<svg ") && first.ends_with(b"multiply-accumulates\">")
}

fn table(amounts: &Amounts) -> Result<(), Failure> {
    let names = BASE.iter().chain(&LITE);
    let rows = names.map(|name| Row::new(name, &Arch::by_name(name)?, amounts));
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    if amounts.json { print_json(&rows) } else { print(&in_words(&rows, amounts)) }
}

fn scaled(args: &Scale, phi: f64) -> Result<(), Failure> {
    let Scale { alpha, beta, gamma, ref amounts, .. } = *args;
    let bases = Bases { alpha, beta, gamma };
    let arch = Arch::scaled(Scaling::from_phi(phi, bases));
    let cost_factor = bases.cost_factor();
    let row = Row::new(&format!("phi {phi}"), &arch, amounts)?;
    let scaled = Scaled { phi, bases, cost_factor, residual: cost_factor - 2.0, row };
    if amounts.json {
        return print_json(&scaled);
    }
    print(&format!(
        "alpha beta^2 gamma^2 = {cost_factor:.3} ({:+.3} from 2)\n{}",
        scaled.residual,
        in_words(std::slice::from_ref(&scaled.row), amounts)
    ))
}

fn in_words(rows: &[Row], amounts: &Amounts) -> String {
    let width = rows.iter().map(|row| row.arch.len()).max().unwrap_or_default();
    let mut text = format!(
        "{:width$}  width  depth  size  layers  parameters      MACs  activations  training  inference\n",
        ""
    );
    for row in rows {
        text += &format!(
            "{:width$}  {:>5.2}  {:>5.2}  {:>4}  {:>6}  {:>8.2} M  {:>6.2} G  {:>9.1} M  {:>8}  {:>9}\n",
            row.arch,
            row.width,
            row.depth,
            row.size,
            row.layers,
            row.parameters as f64 / 1e6,
            row.macs as f64 / 1e9,
            row.activations as f64 / 1e6,
            bytes(row.training_bytes),
            bytes(row.inference_bytes),
        );
    }
    text + &format!(
        "\nMACs and activations of one image with {} classes; what the tensors of a training step on {} images take, and of one \
         image's inference (a process has up to half as much more: `effmix bench` measures it).\n",
        amounts.classes, amounts.batch
    )
}

fn bytes(bytes: u64) -> String {
    match bytes as f64 {
        bytes if bytes < 1e9 => format!("{:.0} MB", bytes / 1e6),
        bytes => format!("{:.1} GB", bytes / 1e9),
    }
}
