//! What is asked for of the table: all of it, or some methods, noises, seeds and images.

use super::setting::{METHODS, NOISES};
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// CIFAR-10 as images (train/CLASS, test/CLASS) [default: cifar10-jpeg.tar.xz of EFFMIX_DATA, unpacked in the build folder].
    #[arg(long, value_name = "DIR")]
    pub(super) data: Option<PathBuf>,
    /// Methods that are measured, each with all of its flags here [default: all of the table].
    #[arg(long, value_name = "NAME,NAME", value_delimiter = ',', value_parser = known(METHODS.map(|(name, ..)| name)))]
    pub(super) methods: Vec<String>,
    /// What labels are trained on: sym50, random1, asym40 or sym80 [default: all four].
    #[arg(long, value_name = "NAME,NAME", value_delimiter = ',', value_parser = known(NOISES.map(|noise| noise.name)))]
    pub(super) noises: Vec<String>,
    /// Seeds of each method on each noise [default: 1,2,3 for some methods on two noises, else 1].
    #[arg(long, value_name = "N,N", value_delimiter = ',')]
    pub(super) seeds: Vec<usize>,
    /// Training images, the first of each class by path [default: 5000, 500 a class].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(100..=50_000))]
    pub(super) images: Option<u32>,
    /// One seed of each method, and 5 epochs: to see that it works.
    #[arg(long, conflicts_with = "seeds")]
    pub(super) quick: bool,
    /// The papers' own setting instead: PreAct-ResNet-18, all images, 300 epochs. Weeks on a small machine.
    #[arg(long, conflicts_with_all = ["methods", "noises", "seeds", "images"])]
    pub(super) full: bool,
}

/// A parser of one of these names.
fn known<const N: usize>(names: [&'static str; N]) -> clap::builder::PossibleValuesParser {
    let mut known = names.to_vec();
    known.sort_unstable();
    known.dedup();
    clap::builder::PossibleValuesParser::new(known)
}

/// Whether a name is among those that were asked for; without any, all are.
pub(super) fn is_asked(asked: &[String], name: &str) -> bool {
    asked.is_empty() || asked.iter().any(|asked| asked == name)
}

impl Options {
    /// Whether these are not the methods, noises, seeds and images of the documentation.
    pub(super) fn is_a_part(&self) -> bool {
        !self.methods.is_empty() || !self.noises.is_empty() || !self.seeds.is_empty() || self.images.is_some()
    }

    /// The command that measures this, without `--data`.
    pub(super) fn command(&self) -> String {
        let seeds: Vec<String> = self.seeds.iter().map(usize::to_string).collect();
        let lists = [("methods", &self.methods), ("noises", &self.noises), ("seeds", &seeds)];
        let given = lists.iter().filter(|(_, values)| !values.is_empty());
        let mut command = "cargo xtask bench accuracy".to_owned();
        command.extend(given.map(|(name, values)| format!(" --{name} {}", values.join(","))));
        command.extend(self.images.map(|images| format!(" --images {images}")));
        command + if self.quick { " --quick" } else { "" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(clap::Parser)]
    struct Command {
        #[command(flatten)]
        options: Options,
    }

    /// The options of a command line.
    fn options(line: &str) -> Result<Options, clap::Error> {
        use clap::Parser;
        Command::try_parse_from(line.split(' ')).map(|command| command.options)
    }

    #[test]
    fn a_part_of_the_table_is_asked_for_by_lists() {
        let part = options("bench --methods ce,joint --noises sym50 --seeds 1,2 --images 1000").unwrap();
        let rows = METHODS.into_iter().filter(|row| is_asked(&part.methods, row.0));
        assert_eq!(rows.map(|row| row.0).collect::<Vec<_>>(), ["ce", "ce", "joint"]);
        assert!(part.is_a_part() && part.images == Some(1000));
        let whole = "cargo xtask bench accuracy --methods ce,joint --noises sym50 --seeds 1,2 --images 1000";
        assert_eq!(part.command(), whole);

        let all = options("bench").unwrap();
        assert!(!all.is_a_part() && METHODS.iter().all(|row| is_asked(&all.methods, row.0)));
        assert_eq!(all.command(), "cargo xtask bench accuracy");
        for wrong in [
            "bench --methods magic",
            "bench --noises sym30",
            "bench --seeds x",
            "bench --images 7",
            "bench --full --seeds 1",
        ] {
            assert!(options(wrong).is_err(), "{wrong}");
        }
    }
}
