//! What came out.

use effmix::SkippedFile;
use image_folder::Skipped;
use noisy_labels::ClassPairs;
use noisy_labels::noise::LabelNoise;
use serde::{Serialize, Serializer};

use crate::args::{Noise, NoiseKind};
use crate::failure::Failure;
use effmix::shown;

/// Classes whose whole matrix is shown; of more, the confusions that are most frequent, as many.
const SHOWN: usize = 20;

/// Classes whose whole matrix is printed as JSON.
const IN_JSON: usize = 100;

/// The noise that is in the labels now.
#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    /// The CSV.
    out: String,
    kind: NoiseKind,
    images: usize,
    /// Wrong labels.
    wrong: usize,
    /// Their share; 0 without images.
    noise_rate: f64,
    classes: Vec<String>,
    /// Share of each given label (column) among the images of each true class (row); null for a class without images. Above 100
    /// classes the whole is null.
    #[serde(serialize_with = "few_rows")]
    transition: ClassPairs<f64>,
    skipped_files: Vec<SkippedFile>,
}

impl Outcome {
    pub(super) fn new(
        args: &Noise,
        kind: NoiseKind,
        classes: &[String],
        (given, truth): (&[usize], &[usize]),
        skipped: Vec<Skipped>,
    ) -> Result<Self, Failure> {
        let noise = LabelNoise::measured(given, truth, classes.len())?;
        Ok(Self {
            out: args.out.display().to_string(),
            kind,
            images: given.len(),
            wrong: given.iter().zip(truth).filter(|(given, truth)| given != truth).count(),
            noise_rate: noise.rate(),
            classes: classes.to_vec(),
            transition: noise.transition(),
            skipped_files: skipped.into_iter().map(SkippedFile::from).collect(),
        })
    }

    pub(super) fn in_words(&self) -> String {
        let Self { out, images, wrong, .. } = self;
        let (out, rate) = (shown(out), 100.0 * self.noise_rate);
        let mut text = format!("{out}: {wrong} of {images} labels are wrong ({rate:.2} %)\n");
        text += &match self.classes.len() <= SHOWN {
            true => self.matrix(),
            false => self.most_frequent(),
        };
        text
    }

    fn matrix(&self) -> String {
        let width = self.width();
        let mut text =
            "labels in % of each true class (rows: true class, columns: label, in this order)\n".to_owned();
        for (class, name) in self.classes.iter().enumerate() {
            let cells: Vec<String> = match self.transition.row(class) {
                [] => vec!["    -".to_owned(); self.classes.len()],
                _ => {
                    let row = self.transition.full_row(class);
                    row.into_iter().map(|share| format!("{:>5.1}", 100.0 * share)).collect()
                }
            };
            text += &format!("{:width$}  {}\n", shown(name), cells.join(" "));
        }
        text
    }

    fn most_frequent(&self) -> String {
        let mut confusions: Vec<(usize, usize, f64)> =
            self.transition.iter().filter(|(class, label, _)| class != label).collect();
        // Stable: of equals, the first class first.
        confusions.sort_by(|a, b| b.2.total_cmp(&a.2));
        let width = self.width();
        let all = if self.classes.len() <= IN_JSON { " (--json: the whole matrix)" } else { "" };
        let mut text = format!("the most frequent mistakes, in % of the true class{all}\n");
        for (class, label, share) in confusions.into_iter().take(SHOWN) {
            let (class, label) = (shown(&self.classes[class]), shown(&self.classes[label]));
            text += &format!("{class:width$}  {:>5.1}  {label}\n", 100.0 * share);
        }
        text
    }

    fn width(&self) -> usize {
        self.classes.iter().map(|name| shown(name).chars().count()).max().unwrap_or_default()
    }
}

fn few_rows<S: Serializer>(transition: &ClassPairs<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    let classes = transition.classes();
    let row = |class: usize| (!transition.row(class).is_empty()).then(|| transition.full_row(class));
    let rows = (classes <= IN_JSON).then(|| (0..classes).map(row).collect::<Vec<_>>());
    rows.serialize(serializer)
}
