//! What a run has reported so far, and the lines that show it.

use std::path::PathBuf;

use dividemix::{EpochRecord, Event, Phase};
use effmix::{TimeLeft, human_duration};

use super::line::{bar, fitted};

/// Columns of a bar.
const BAR: usize = 12;

/// What was reported so far.
#[derive(Default)]
pub(super) struct State {
    pub(super) folder: Option<PathBuf>,
    pub(super) left: TimeLeft,
    /// Whether the demo's plain training has begun.
    pub(super) is_plain: bool,
    /// What is being done, and how far it is.
    what: String,
    done: usize,
    total: usize,
    network: Option<usize>,
    epoch: Option<(usize, usize, &'static str)>,
    loss: Option<f64>,
    accuracy: Option<f64>,
    clean: Option<f64>,
}

impl State {
    /// Images went through something that is no training.
    pub(super) fn count(&mut self, what: &str, done: usize, total: usize) {
        (self.done, self.total) = (done, total);
        what.clone_into(&mut self.what);
    }

    pub(super) fn training(&mut self, event: &Event) {
        match event {
            Event::EpochStarted { epoch, epochs, phase } => {
                let phase = phase_name(*phase);
                self.epoch = Some((*epoch, *epochs, phase));
                self.count(&format!("epoch {epoch}/{epochs} {phase}"), 0, 0);
            }
            Event::PassStarted { network, batches } => {
                (self.network, self.done, self.total) = (Some(*network), 0, *batches);
            }
            Event::Batch { batch, losses, .. } => {
                self.done = *batch;
                self.loss = losses.loss_x;
            }
            Event::Division { labeled, unlabeled, .. } => {
                self.clean = Some(*labeled as f64 / (labeled + unlabeled).max(1) as f64);
            }
            Event::EpochDone { records, .. } => {
                self.accuracy = records.first().and_then(|record| record.test_accuracy);
            }
            _ => {}
        }
    }

    /// The bar's line at the second `now`, in so many columns: the time left, what is being done and how far it is, then figures.
    pub(super) fn line(&self, now: f64, width: usize) -> String {
        let position = match self.total {
            0 => String::new(),
            total => format!("{} {}/{total}", bar(self.done, total, BAR), self.done),
        };
        let parts = [
            self.time_left(now),
            self.what.clone(),
            position,
            self.loss.map_or_else(String::new, |loss| format!("loss {loss:.3}")),
            self.accuracy.map_or_else(String::new, accuracy),
            self.clean.map_or_else(String::new, |clean| format!("clean {:.0} %", 100.0 * clean)),
            self.network.map_or_else(String::new, |network| format!("network {network}")),
        ];
        fitted(parts.iter().map(String::as_str), width)
    }

    /// The line of an epoch that was done at the second `now`, in so many columns.
    pub(super) fn epoch_line(
        &self,
        records: &[EpochRecord],
        (seconds, images_per_s): (f64, f64),
        now: f64,
        width: usize,
    ) -> String {
        let each = |name: &str, what: &dyn Fn(&EpochRecord) -> Option<String>| {
            let values: Vec<String> = records.iter().filter_map(what).collect();
            if values.is_empty() { String::new() } else { format!("{name} {}", values.join(" ")) }
        };
        let (epoch, epochs, phase) = self.epoch.unwrap_or_default();
        let parts = [
            format!("epoch {epoch:>3}/{epochs} {phase:7}"),
            self.time_left(now),
            each("loss", &|r| r.losses.loss_x.map(|loss| format!("{loss:.3}"))),
            self.accuracy.map_or_else(String::new, accuracy),
            each("clean", &|r| r.clean_fraction.map(|clean| format!("{:.0} %", 100.0 * clean))),
            format!("{images_per_s:.0} images/s"),
            format!("{seconds:.1} s"),
        ];
        fitted(parts.iter().map(String::as_str), width)
    }

    /// `2 min 3 s left`, in seconds that are begun; nothing where nothing is left.
    fn time_left(&self, now: f64) -> String {
        let seconds = self.left.seconds(now);
        seconds.map_or_else(String::new, |seconds| format!("{} left", human_duration(seconds.ceil())))
    }
}

fn accuracy(share: f64) -> String {
    format!("accuracy {:.1} %", 100.0 * share)
}

fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::WarmUp => "warm-up",
        Phase::Train => "train",
    }
}

#[cfg(test)]
mod tests {
    use dividemix::Losses;

    use super::*;

    fn at_work() -> State {
        let mut state = State::default();
        state.training(&Event::EpochStarted { epoch: 12, epochs: 300, phase: Phase::Train });
        state.training(&Event::Division { network: 1, labeled: 53, unlabeled: 47 });
        state.training(&Event::PassStarted { network: 1, batches: 1000 });
        let losses = Losses { loss_x: Some(0.5123), ..Losses::default() };
        state.training(&Event::Batch { network: 1, batch: 120, images: 64, losses });
        state.accuracy = Some(0.8125);
        state
    }

    #[test]
    fn a_narrow_terminal_shows_the_first_parts_of_the_line() {
        let state = at_work();
        let whole =
            "epoch 12/300 train  [=>        ] 120/1000  loss 0.512  accuracy 81.2 %  clean 53 %  network 1";
        assert_eq!(state.line(0.0, 200), whole);
        assert_eq!(
            state.line(0.0, 80),
            "epoch 12/300 train  [=>        ] 120/1000  loss 0.512  accuracy 81.2 %"
        );
        assert_eq!(state.line(0.0, 60), "epoch 12/300 train  [=>        ] 120/1000  loss 0.512");
        for width in 1..200 {
            let line = state.line(0.0, width);
            assert!(console::measure_text_width(&line) <= width && whole.starts_with(&line), "{line:?}");
        }
    }

    #[test]
    fn before_anything_is_known_the_line_is_empty() {
        assert_eq!(State::default().line(0.0, 80), "");
    }
}
