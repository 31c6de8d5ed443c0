//! What is measured: the noises, the methods with their flags, and the flags of all runs.

/// What labels are trained on.
#[derive(Clone, Copy)]
pub(super) struct Noise {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    /// Flags of `effmix noise` that make them; human labels are there.
    pub(super) made_by: Option<&'static str>,
    /// Flags that read them.
    pub(super) labels: &'static str,
    /// Whether methods with three seeds have them here.
    pub(super) seeds: bool,
}

pub(super) const NOISES: [Noise; 4] = [
    Noise {
        name: "sym50",
        what: "symmetric noise, rate 0.5",
        made_by: Some("--kind symmetric --rate 0.5"),
        labels: "--labels sym50.csv --truth-column true_label",
        seeds: true,
    },
    Noise {
        name: "random1",
        what: "one human annotator (CIFAR-10N's `random1`)",
        made_by: None,
        labels: "--labels cifar10n.csv --label-column random1 --truth-column clean",
        seeds: true,
    },
    Noise {
        name: "asym40",
        what: "asymmetric noise, rate 0.4",
        made_by: Some("--kind asymmetric --rate 0.4"),
        labels: "--labels asym40.csv --truth-column true_label",
        seeds: false,
    },
    Noise {
        name: "sym80",
        what: "symmetric noise, rate 0.8",
        made_by: Some("--kind symmetric --rate 0.8"),
        labels: "--labels sym80.csv --truth-column true_label",
        seeds: false,
    },
];

/// Training images where none are asked for, and images of the test set.
pub(super) const IMAGES: usize = 5000;
pub(super) const TEST: usize = 10_000;
pub(super) const CLASSES: usize = 10;

/// Flags of all runs: the program's recipe for a pretrained, frozen body.
pub(super) const COMMON: &str =
    "--weights efficientnet-lite0.pth --arch efficientnet_lite0 --freeze body --epochs 25";

/// Flags of the plain training that teaches.
pub(super) const CE: &str = "--warmup 0";

/// Methods, their flags, and the seeds of each. Those that build on nothing have no warm-up. The teacher is plain training's
/// network, so that it knows no more than others.
pub(super) const METHODS: [(&str, &str, usize); 22] = [
    ("ce", CE, 3),
    ("ce", "--warmup 0 --dropout 0.2", 3),
    ("dividemix", "", 3),
    ("joint", "", 3),
    ("reweight", "", 3),
    ("smooth", "--warmup 0", 1),
    ("penalty", "--warmup 0", 1),
    ("mixup", "--warmup 0", 1),
    ("distill", "--warmup 0 --teacher TEACHER", 1),
    ("relabel", "", 1),
    ("forward", "", 1),
    ("backward", "", 1),
    ("consistency", "", 1),
    ("entropy", "", 1),
    ("dividemix", "--ablate co-training", 1),
    ("dividemix", "--ablate refinement", 1),
    ("dividemix", "--ablate other-division", 1),
    ("dividemix", "--ablate mixmatch", 1),
    ("dividemix", "--division by-class", 1),
    ("dividemix", "--ema 0.99", 1),
    ("dividemix", "--mixup-alpha 0.5 --dropout 0.2", 1),
    ("dividemix", "--lambda-u 25", 1),
];
