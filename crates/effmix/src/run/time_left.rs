//! The time that a run still takes.

use dividemix::Event;

use super::progress::{Progress, Training};
use crate::resources::{Epoch, Pace, Part, Stage};

/// An estimate counts as so much of each pace's work, measured before. The more of the real work is done, the less it counts.
const PRIOR: f64 = 0.1;

/// The time that a run still takes: what its parts were estimated to take, scaled by what those that are done really took.
///
/// It is told of the run's [`Progress`], each time with the seconds since any moment that is always the same. Warm-up, DivideMix's
/// epochs and evaluation have scales of their own. While nothing was measured of one it has the scale of all training so far, so that
/// the time left doesn't jump where another phase begins.
#[derive(Debug, Clone, Default)]
pub struct TimeLeft {
    parts: Vec<Part>,
    /// The part at work, and the share of it that is done.
    position: usize,
    done: f64,
    /// When that was so.
    updated: f64,
    paces: [Measured; Pace::COUNT],
    /// The epoch at work, and the batches of its pass.
    epoch: Epoch,
    batches: usize,
    /// Images of the set at work.
    images: usize,
}

/// What is known of a pace.
#[derive(Debug, Clone, Copy, Default)]
struct Measured {
    /// Seconds that all of its work was estimated to take.
    total: f64,
    /// Seconds that the work which is done was estimated to take.
    expected: f64,
    /// Seconds that it took.
    seconds: f64,
}

impl TimeLeft {
    /// Takes what happened in the run at the second `now`.
    pub fn observe(&mut self, progress: &Progress<'_>, now: f64) {
        match progress {
            Progress::Estimated(estimate) => {
                let parts = estimate.timetable.parts().to_vec();
                *self = Self { parts, updated: now, ..Self::default() };
                for part in &self.parts {
                    self.paces[part.pace as usize].total += part.seconds;
                }
            }
            Progress::Read { done, total } | Progress::Features { done, total } => {
                self.images(*done, *total, now);
            }
            Progress::Training(which, event) => self.training(*which, event, now),
            _ => {}
        }
    }

    /// Seconds that are left, from the second `now` on; `None` before the estimate is there, and after the last part.
    pub fn seconds(&self, now: f64) -> Option<f64> {
        let (at_work, later) = self.parts.get(self.position..)?.split_first()?;
        let scaled = |part: &Part| part.seconds * self.scale(part.pace);
        let of_this = scaled(at_work) * (1.0 - self.done) - (now - self.updated);
        let left = of_this.max(0.0) + later.iter().map(scaled).sum::<f64>();
        (left > 0.0).then_some(left)
    }

    /// How many times the estimated seconds work of this pace takes.
    fn scale(&self, pace: Pace) -> f64 {
        let blended = |of: &Measured, before: f64| match PRIOR * of.total {
            weight if weight > 0.0 => (of.seconds + weight * before) / (of.expected + weight),
            _ => before,
        };
        let [images, training @ ..] = &self.paces;
        if pace == Pace::Images {
            return blended(images, 1.0);
        }
        let all = training.iter().fold(Measured::default(), |sum, of| Measured {
            total: sum.total + of.total,
            expected: sum.expected + of.expected,
            seconds: sum.seconds + of.seconds,
        });
        blended(&self.paces[pace as usize], blended(&all, 1.0))
    }

    fn images(&mut self, done: usize, total: usize, now: f64) {
        let is_images = |part: &Part| part.stage == Stage::Images;
        if !self.parts.get(self.position).is_some_and(is_images) {
            return;
        }
        // The test set follows the training set, with another number of images.
        let is_other = self.images != 0 && self.images != total;
        self.images = total;
        let position = self.position + usize::from(is_other);
        if self.parts.get(position).is_some_and(is_images) {
            self.go_to(position, done as f64 / total.max(1) as f64, now);
        }
    }

    fn training(&mut self, which: Training, event: &Event, now: f64) {
        let numbered = match which {
            Training::Main => Epoch::Main,
            Training::Plain => Epoch::Plain,
        };
        match event {
            Event::EpochStarted { epoch, .. } => {
                self.epoch = numbered(*epoch);
                let division = Stage::Divide(self.epoch);
                let is_divided = self.parts.iter().any(|part| part.stage == division);
                let first = if is_divided { division } else { Stage::Train(self.epoch) };
                self.go_to_stage(first, 0.0, now);
            }
            Event::PassStarted { batches, .. } => {
                self.batches = *batches;
                self.go_to_stage(Stage::Train(self.epoch), 0.0, now);
            }
            Event::Batch { network, batch, .. } => {
                let at_work = self.parts.get(self.position);
                let Some(part) = at_work.filter(|part| part.stage == Stage::Train(self.epoch)) else {
                    return;
                };
                let pass = *batch as f64 / self.batches.max(1) as f64;
                let done = (*network as f64 - 1.0 + pass) / part.networks.max(1) as f64;
                if done < 1.0 {
                    self.go_to(self.position, done, now);
                } else {
                    self.go_to(self.position + 1, 0.0, now);
                }
            }
            Event::EpochDone { .. } => self.go_to_stage(Stage::Evaluate(self.epoch), 1.0, now),
            _ => {}
        }
    }

    fn go_to_stage(&mut self, stage: Stage, done: f64, now: f64) {
        let from = self.parts.iter().skip(self.position).position(|part| part.stage == stage);
        if let Some(from) = from {
            self.go_to(self.position + from, done, now);
        }
    }

    /// Moves on. What is jumped over is not done (patience has ended a training), and not measured.
    fn go_to(&mut self, position: usize, done: f64, now: f64) {
        // Images are reported by several threads, not always in order.
        if position == self.position && done <= self.done {
            return;
        }
        let ended = if position > self.position { 1.0 } else { done };
        if let Some(part) = self.parts.get(self.position).filter(|_| self.done < 1.0) {
            let pace = &mut self.paces[part.pace as usize];
            pace.expected += (ended - self.done) * part.seconds;
            pace.seconds += now - self.updated;
        }
        (self.position, self.done, self.updated) = (position, done, now);
    }
}

#[cfg(test)]
mod tests {
    use dividemix::{Losses, Phase};

    use super::*;
    use crate::resources::{Estimate, Timetable};

    /// Images 10 s, two warm-up epochs of 8 s, three DivideMix epochs of 20 s, each with 2 s of evaluation, one plain epoch of 4 s.
    fn begun() -> TimeLeft {
        let mut parts = vec![(Stage::Images, Pace::Images, 8.0, 0), (Stage::Images, Pace::Images, 2.0, 0)];
        for (epoch, pace, seconds) in [
            (1, Pace::Plain, 8.0),
            (2, Pace::Plain, 8.0),
            (3, Pace::Mixed, 20.0),
            (4, Pace::Mixed, 20.0),
            (5, Pace::Mixed, 20.0),
        ] {
            if pace == Pace::Mixed {
                parts.push((Stage::Divide(Epoch::Main(epoch)), Pace::Division, 0.5, 0));
            }
            parts.push((Stage::Train(Epoch::Main(epoch)), pace, seconds, 2));
            parts.push((Stage::Evaluate(Epoch::Main(epoch)), Pace::Evaluation, 2.0, 0));
        }
        parts.push((Stage::Divide(Epoch::Main(6)), Pace::Division, 0.5, 0));
        parts.push((Stage::Train(Epoch::Plain(1)), Pace::Plain, 4.0, 1));
        parts.push((Stage::Evaluate(Epoch::Plain(1)), Pace::Evaluation, 1.0, 0));
        let estimate = Estimate {
            cached_seconds: 0.0,
            seconds: 104.0,
            timetable: Timetable::of(&parts),
            memory_bytes: None,
            device_memory: None,
            run_bytes: 0,
            cache_bytes: 0,
        };
        let mut left = TimeLeft::default();
        left.observe(&Progress::Estimated(&estimate), 0.0);
        left
    }

    /// Tells of a run whose phases take so many times what was estimated, and gives the time left at each moment that something was
    /// told, together with what was really left.
    fn run(images: f64, plain: f64, mixed: f64, evaluation: f64) -> Vec<(f64, f64)> {
        let mut left = begun();
        let (mut now, mut told) = (0.0, Vec::new());
        let mut tell = |left: &mut TimeLeft, seconds: f64, progress: Progress<'_>| {
            now += seconds;
            left.observe(&progress, now);
            told.push((now, left.seconds(now).unwrap_or_default()));
        };
        for (total, seconds) in [(80, 8.0), (20, 2.0)] {
            for done in 1..=total {
                let seconds = images * seconds / total as f64;
                tell(&mut left, seconds, Progress::Read { done, total });
            }
        }
        let mut epoch = |left: &mut TimeLeft,
                         which,
                         epoch,
                         networks: usize,
                         (train, evaluate): (f64, f64)| {
            let mut say = |left: &mut TimeLeft, seconds, event: Event| {
                tell(left, seconds, Progress::Training(which, &event));
            };
            // The last division comes before the plain training.
            let last = if which == Training::Plain { 0.5 } else { 0.0 };
            say(left, last, Event::EpochStarted { epoch, epochs: 5, phase: Phase::Train });
            for network in 1..=networks {
                // Divisions are fast: what they take comes before the first pass.
                let dividing = if networks == 2 && epoch > 2 && network == 1 { 0.5 } else { 0.0 };
                say(left, dividing, Event::PassStarted { network, batches: 50 });
                for batch in 1..=50 {
                    let losses = Losses::default();
                    let seconds = train / (50 * networks) as f64;
                    say(left, seconds, Event::Batch { network, batch, images: 8, losses });
                }
            }
            let records = Vec::new();
            say(left, evaluate, Event::EpochDone { records, seconds: train + evaluate, images_per_s: 1.0 });
        };
        for number in 1..=5 {
            let train = if number <= 2 { 8.0 * plain } else { 20.0 * mixed };
            epoch(&mut left, Training::Main, number, 2, (train, 2.0 * evaluation));
        }
        epoch(&mut left, Training::Plain, 1, 1, (4.0 * plain, evaluation));
        let end = told.last().unwrap().0;
        told.into_iter().map(|(now, left)| (left, end - now)).collect()
    }

    #[test]
    fn where_the_estimate_holds_the_time_left_is_what_is_left() {
        for (left, really) in run(1.0, 1.0, 1.0, 1.0) {
            assert!((left - really).abs() < 0.6, "{left} s said, {really} s left");
        }
    }

    /// What is learned of the machine changes the time left little by little, and the beginning of a phase changes nothing.
    #[test]
    fn the_time_left_does_not_jump_where_a_phase_begins() {
        for (images, plain, mixed, evaluation) in
            [(3.0, 1.0, 1.0, 1.0), (1.0, 2.0, 2.0, 2.0), (1.0, 1.0, 1.6, 1.0), (0.5, 1.5, 0.8, 1.5)]
        {
            let told = run(images, plain, mixed, evaluation);
            for pair in told.windows(2) {
                let (said, passed) = (pair[0].0 - pair[1].0, pair[0].1 - pair[1].1);
                let allowed = if passed == 0.0 { 1e-9 } else { 1.0 + 0.06 * pair[0].0 };
                assert!((said - passed).abs() < allowed, "{pair:?} of {images} {plain} {mixed} {evaluation}");
            }
        }
    }

    #[test]
    fn a_slower_machine_is_known_once_the_first_phase_is_done() {
        let told = run(1.0, 2.0, 2.0, 2.0);
        for (done, allowed) in [(0.4, 0.2), (0.6, 0.1)] {
            for (left, really) in &told[(done * told.len() as f64) as usize..] {
                let is_near = (left / really.max(1.0) - 1.0).abs() < allowed || (left - really).abs() < 3.0;
                assert!(is_near, "{left} s said, {really} s left");
            }
        }
    }

    #[test]
    fn while_nothing_is_told_the_time_left_goes_down_by_the_clock() {
        let mut left = begun();
        let at = |left: &TimeLeft, now| left.seconds(now).unwrap();
        assert_eq!(at(&left, 0.0) - at(&left, 3.0), 3.0);
        // What takes longer than estimated is waited for: the rest stays.
        assert_eq!(at(&left, 100.0), at(&left, 8.0));
        // Patience has ended the training: the epochs that were left are not.
        let plain = Event::EpochStarted { epoch: 1, epochs: 5, phase: Phase::Train };
        left.observe(&Progress::Training(Training::Plain, &plain), 8.0);
        assert_eq!(at(&left, 8.0), 5.0);
        assert_eq!(TimeLeft::default().seconds(0.0), None);
    }
}
