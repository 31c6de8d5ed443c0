//! `--preset list`: what is published for which data.

use dividemix::Preset;

/// Whether a command line asks for the list, and not for a training.
pub(crate) fn are_asked_for(arguments: impl Iterator<Item = String>) -> bool {
    let arguments: Vec<String> = arguments.collect();
    let of_train = arguments.get(1).is_some_and(|command| command == "train");
    let two = arguments.windows(2).any(|pair| pair == ["--preset", "list"]);
    of_train && (two || arguments.iter().any(|argument| argument == "--preset=list"))
}

/// A line a preset.
pub(crate) fn table() -> String {
    let mut text = format!(
        "{:15} {:>6} {:>7} {:>5} {:>6} {:>6} {:>7} {:>4} {:>6} {:>9} {:>8} {:>7}\n",
        "preset",
        "epochs",
        "warm-up",
        "batch",
        "images",
        "lr",
        "decay",
        "tau",
        "alpha",
        "lambda-u",
        "penalty",
        "average"
    );
    for preset in Preset::ALL {
        let h = preset.hyperparameters();
        text += &format!(
            "{:15} {:>6} {:>7} {:>5} {:>6} {:>6} {:>7} {:>4} {:>6} {:>9} {:>8} {:>7}\n",
            preset.name(),
            h.epochs,
            h.warmup,
            h.batch,
            h.epoch_images.map_or_else(|| "all".to_owned(), |images| images.to_string()),
            h.lr,
            h.weight_decay,
            h.threshold,
            h.mixup_alpha,
            h.lambda_u.unwrap_or_default(),
            h.warmup_penalty,
            h.loss_average
        );
    }
    text + "images: --epoch-images; decay: --weight-decay; penalty: --warmup-penalty; average: --loss-average. All: a tenth of the rate from the middle on,\n\
            M = 2, T = 0.5, lambda-r 1. The papers' networks are other ones: PreAct-ResNet-18, ResNet-50, Inception-ResNet-v2.\n"
}
