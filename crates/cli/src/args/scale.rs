//! `effmix scale` and what is below it.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use effmix::Settings;
use effnet_model::Bases;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Scale {
    #[command(subcommand)]
    pub(crate) command: Option<ScaleCommand>,
    /// B0 scaled by alpha^phi, beta^phi, gamma^phi; below 0 it becomes smaller
    #[arg(long, value_name = "X", allow_negative_numbers = true, value_parser = phi)]
    pub(crate) phi: Option<f64>,
    /// Base of depth
    #[arg(long, value_name = "A", default_value_t = Bases::PAPER.alpha, value_parser = base, allow_negative_numbers = true, requires = "phi")]
    pub(crate) alpha: f64,
    /// Base of width
    #[arg(long, value_name = "B", default_value_t = Bases::PAPER.beta, value_parser = base, allow_negative_numbers = true, requires = "phi")]
    pub(crate) beta: f64,
    /// Base of resolution
    #[arg(long, value_name = "C", default_value_t = Bases::PAPER.gamma, value_parser = base, allow_negative_numbers = true, requires = "phi")]
    pub(crate) gamma: f64,
    #[command(flatten)]
    pub(crate) amounts: Amounts,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ScaleCommand {
    /// B0 to B7 and Lite0 to Lite4: coefficients, layers, parameters, MACs, activations, memory
    Table(Amounts),
    /// Draw a member's network as an SVG
    Figure(Figure),
    /// Look for the bases alpha, beta, gamma that suit your images: networks of equal cost, trained on DATA, of which the
    /// better half goes on. Called again, it goes on where it was stopped
    Search(Box<Search>),
}

#[derive(Debug, Args)]
pub(crate) struct Figure {
    /// Architecture: b0 ... b7, efficientnet_lite0, ...
    #[arg(default_value = "b0")]
    pub(crate) arch: String,
    /// The SVG to write
    #[arg(long, value_name = "F.svg")]
    pub(crate) out: PathBuf,
    /// Classes of the classifier
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) classes: u16,
    /// Replace a picture of a network, as an earlier call drew it
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Search {
    /// The baseline that is scaled: B0, or --arch, at this phi
    #[arg(long, value_name = "X", default_value_t = -3.0, allow_negative_numbers = true, help_heading = "Search")]
    pub(crate) phi: f64,
    /// Networks to choose from, at most
    #[arg(long, value_name = "N", default_value_t = 16, help_heading = "Search")]
    pub(crate) candidates: usize,
    /// How far their multiply-accumulates may be from twice the baseline's, as a share
    #[arg(long, value_name = "SHARE", default_value_t = 0.05, help_heading = "Search")]
    pub(crate) tolerance: f64,
    /// How often the worse half is dropped, each time after twice as many epochs
    #[arg(long, value_name = "N", default_value_t = 3, help_heading = "Search")]
    pub(crate) halvings: u32,
    /// Then raise depth, width and resolution alone, and all three by the bases found, to 2, 4, ... 2^N times the baseline's cost
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Search")]
    pub(crate) alone: u32,
    /// How each network is trained. By default plainly, for 16 epochs where they are not dropped; --size is the baseline's;
    /// --checkpoint-every must stay 1; --out is the search's folder [default: runs/NAME-search]
    #[command(flatten)]
    pub(crate) train: Settings,
    /// Print the table as JSON, as the only thing on stdout
    #[arg(long, help_heading = "Run")]
    pub(crate) json: bool,
}

/// Of what the cost is counted.
#[derive(Debug, Args)]
pub(crate) struct Amounts {
    /// Classes of the classifier
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) classes: u16,
    /// Images in a training step
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) batch: u16,
    /// Print JSON, as the only thing on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

fn phi(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(phi) if (-100.0..=100.0).contains(&phi) => Ok(phi),
        _ => Err("phi is a number from -100 to 100".to_owned()),
    }
}

fn base(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(base) if (0.1..=10.0).contains(&base) => Ok(base),
        _ => Err("a base is a number from 0.1 to 10".to_owned()),
    }
}
