//! `effmix noise`: a labels CSV with wrong labels injected.

use std::path::Path;

use dividemix::run::write_atomic;
use image_folder::{OpenOptions, TestSplit};
use noisy_labels::noise::{Transition, asymmetric, noise_rate, symmetric};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;

use crate::args::{Noise, NoiseKind};
use crate::exit::Failure;
use crate::output::{may_write, print};

/// What our labels CSVs begin with.
const HEADER: [&str; 3] = ["path", "label", "true_label"];

pub(super) fn run(args: &Noise) -> Result<(), Failure> {
    if args.kind == NoiseKind::Instance {
        let problem =
            "--kind instance (by the image) is not in this version; symmetric, asymmetric and pair are";
        return Err(Failure::Usage(problem.to_owned()));
    }
    if args.transition.is_some() && args.kind != NoiseKind::Asymmetric {
        return Err(Failure::Usage("--transition goes with --kind asymmetric".to_owned()));
    }
    let rate = args.rate.unwrap_or(1.0);
    if !(0.0..=1.0).contains(&rate) {
        return Err(Failure::Usage(format!("--rate: {rate} is not allowed; it must be from 0 to 1")));
    }
    may_write(&args.out, args.force, (HEADER.join(",") + "\n").as_bytes())?;

    let set =
        image_folder::open(&args.data, &OpenOptions { test: TestSplit::Folders, ..OpenOptions::default() })?;
    let truth: Vec<usize> = set.train.iter().map(|sample| sample.label).collect();
    let classes = set.classes.len();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(args.seed);
    let given = match (args.kind, &args.transition) {
        (NoiseKind::Symmetric | NoiseKind::Instance, _) => symmetric(&truth, classes, rate, true, &mut rng)?,
        (NoiseKind::Pair, _) => asymmetric(&truth, &Transition::pair_flip(classes), rate, &mut rng)?,
        (NoiseKind::Asymmetric, Some(file)) => {
            asymmetric(&truth, &read_transition(file, &set.classes)?, rate, &mut rng)?
        }
        (NoiseKind::Asymmetric, None) => {
            let published = Transition::cifar10(&set.classes).map_err(|_| {
                let problem = "--kind asymmetric needs --transition FILE, but for CIFAR-10's classes";
                Failure::Usage(problem.to_owned())
            })?;
            asymmetric(&truth, &published, rate, &mut rng)?
        }
    };

    write_atomic(&args.out, |out| {
        let mut csv = csv::Writer::from_writer(out);
        csv.write_record(HEADER).map_err(std::io::Error::other)?;
        for ((sample, given), truth) in set.train.iter().zip(&given).zip(&truth) {
            let row = [&sample.path, &set.classes[*given], &set.classes[*truth]];
            csv.write_record(row).map_err(std::io::Error::other)?;
        }
        csv.flush()
    })?;
    let wrong = given.iter().zip(&truth).filter(|(given, truth)| given != truth).count();
    let real = 100.0 * noise_rate(&given, &truth).unwrap_or_default();
    print(&format!("{}: {wrong} of {} labels are wrong ({real:.2} %)\n", args.out.display(), given.len()))
}

/// A transition matrix from a file: a line a true class, numbers between commas or spaces; perhaps under a line of
/// class names, which then say the order of lines and columns.
fn read_transition(file: &Path, classes: &[String]) -> Result<Transition, Failure> {
    let wrong =
        |line: usize, problem: String| Failure::Other(format!("{}, line {line}: {problem}", file.display()));
    let text = std::fs::read_to_string(file)
        .map_err(|e| Failure::Other(format!("can't read {}: {e}", file.display())))?;
    let lines = text.lines().enumerate().map(|(number, line)| (number + 1, line.trim()));
    let mut lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).peekable();
    let cells = |line: &str| -> Vec<String> {
        let separators = |c: char| c == ',' || c.is_whitespace();
        line.split(separators).filter(|cell| !cell.is_empty()).map(str::to_owned).collect()
    };
    let mut order: Vec<usize> = (0..classes.len()).collect();
    if let Some((number, header)) =
        lines.next_if(|(_, line)| cells(line).iter().any(|cell| cell.parse::<f64>().is_err()))
    {
        let names: Vec<&str> = header.split(',').map(|name| name.trim().trim_matches('"')).collect();
        let place = |name: &&str| classes.iter().position(|class| class == name);
        order = names.iter().filter_map(place).collect();
        let mut sorted = order.clone();
        sorted.sort_unstable();
        if names.len() != classes.len() || sorted != (0..classes.len()).collect::<Vec<_>>() {
            let problem = format!("the header must name each class once: {}", classes.join(","));
            return Err(wrong(number, problem));
        }
    }
    let mut rows = vec![vec![0.0; classes.len()]; classes.len()];
    let mut filled = 0;
    for (number, line) in lines {
        let cells = cells(line);
        let Some(&row) = order.get(filled) else {
            return Err(wrong(number, format!("more lines than the {} classes", classes.len())));
        };
        if cells.len() != classes.len() {
            return Err(wrong(
                number,
                format!("{} numbers, but there are {} classes", cells.len(), classes.len()),
            ));
        }
        for (cell, &column) in cells.iter().zip(&order) {
            let parsed = cell.parse().map_err(|_| wrong(number, format!("{cell:?} is not a number")))?;
            rows[row][column] = parsed;
        }
        filled += 1;
    }
    if filled != classes.len() {
        let problem = format!("{filled} lines of numbers, but there are {} classes", classes.len());
        return Err(Failure::Other(format!("{}: {problem}", file.display())));
    }
    Transition::new(rows).map_err(|e| Failure::Other(format!("{}: {e}", file.display())))
}
