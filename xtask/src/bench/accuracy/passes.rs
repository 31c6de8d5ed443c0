//! How many samples go through a network in an epoch.

use super::setting::TEST;
use serde::Deserialize;

/// Of a line of a run's `metrics.jsonl`: one network in one epoch.
#[derive(Deserialize)]
pub(super) struct Record {
    phase: String,
    loss_x: Option<f64>,
    loss_u: Option<f64>,
    clean_fraction: Option<f64>,
}

/// Passes of a network in an epoch, as docs/methods.md and Algorithm 1 count them: forward 1, backward 2.
pub(super) fn passes(method: &str, flags: &str, record: &Record, images: usize) -> f64 {
    let all = images as f64;
    let evaluated = all + TEST as f64;
    let trained = match (method, record.clean_fraction) {
        _ if record.loss_x.is_none() => 0.0,
        ("dividemix", Some(clean)) if record.phase == "train" => {
            let without = |part: &str| flags.contains(part); // of `--ablate`
            // Two views of the labeled samples, and of as many unlabeled ones where they are used.
            let views = 2.0 * clean * all;
            let refined = if without("refinement") || without("mixmatch") { 0.0 } else { views };
            let by_peer = if without("co-training") || without("mixmatch") { 0.0 } else { views };
            let of_unlabeled = if record.loss_u.is_some() { 3.0 * views + views + by_peer } else { 0.0 };
            3.0 * views + refined + of_unlabeled
        }
        // The teacher's.
        ("consistency", _) => 4.0 * all,
        _ => 3.0 * all,
    };
    evaluated + trained
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_are_counted_by_what_an_epoch_was() {
        let record = |phase: &str, loss_x, clean_fraction| Record {
            phase: phase.to_owned(),
            loss_x,
            loss_u: None,
            clean_fraction,
        };
        let (warm_up, labeled) = (record("warm_up", Some(1.0), None), record("train", Some(1.0), Some(0.5)));
        let divided = Record { loss_u: Some(1.0), ..record("train", Some(1.0), Some(0.5)) };
        // 15,000 are evaluated.
        assert_eq!(passes("ce", "", &warm_up, 5000), 30_000.0);
        assert_eq!(passes("dividemix", "", &warm_up, 5000), 30_000.0);
        // 2,500 labeled, as many unlabeled, two views of each: 10,000 forward and back, 5,000 refined, 10,000 guessed by two.
        assert_eq!(passes("dividemix", "", &divided, 5000), 60_000.0);
        assert_eq!(passes("dividemix", "--ablate co-training", &divided, 5000), 55_000.0);
        assert_eq!(passes("dividemix", "", &labeled, 5000), 35_000.0);
        assert_eq!(passes("dividemix", "--ablate refinement", &labeled, 5000), 30_000.0);
        assert_eq!(passes("reweight", "", &divided, 5000), 30_000.0);
        assert_eq!(passes("consistency", "", &warm_up, 5000), 35_000.0);
        assert_eq!(passes("consistency", "", &record("train", None, None), 5000), 15_000.0);
    }
}
