//! The search for the minimum of a convex function, a step at a time, so that several searches can share the passes over the data.

use std::collections::VecDeque;

/// The number of steps from which curvature is estimated.
const REMEMBERED: usize = 8;

/// The part of the decrease that the slope promises, which a step must bring (Nocedal & Wright 2006, equation 3.4).
const SUFFICIENT: f64 = 1e-4;

/// The most times that a step is halved. One that has to be smaller is lost in rounding.
const HALVINGS: u32 = 12;

/// The part of the value by which a step may miss that, since sums of f32 are not more exact: at the end a step brings less.
const ROUNDING: f64 = 1e-7;

/// A function's value and gradient at one place.
pub(super) struct Objective {
    pub(super) value: f64,
    pub(super) gradient: Vec<f32>,
}

/// L-BFGS with steps that are halved until they are good enough (Nocedal & Wright 2006, algorithms 3.1, 7.4 and 7.5). On a convex
/// function every step has positive curvature, so the step's length needs no other condition.
pub(super) struct Search {
    tolerance: f64,
    /// The gradient's norm at the start.
    first_norm: f64,
    best: Vec<f32>,
    at_best: Option<Objective>,
    direction: Vec<f32>,
    slope: f64,
    step: f64,
    halvings: u32,
    trial: Vec<f32>,
    steps: VecDeque<Step>,
    done: bool,
}

/// A step, and by how much it changed the gradient.
struct Step {
    moved: Vec<f32>,
    changed: Vec<f32>,
    product: f64,
}

impl Search {
    /// A search from `start`. It ends where the gradient's norm is no more than `tolerance` times what it is there.
    pub(super) fn new(start: Vec<f32>, tolerance: f64) -> Self {
        Self {
            tolerance,
            first_norm: 0.0,
            best: start.clone(),
            at_best: None,
            direction: Vec::new(),
            slope: 0.0,
            step: 0.0,
            halvings: 0,
            trial: start,
            steps: VecDeque::new(),
            done: false,
        }
    }

    /// Whether the search has ended.
    pub(super) fn is_done(&self) -> bool {
        self.done
    }

    /// The place at which the function is wanted next.
    pub(super) fn trial(&self) -> &[f32] {
        &self.trial
    }

    /// The best place so far.
    pub(super) fn into_best(self) -> Vec<f32> {
        self.best
    }

    /// Takes in the function at [`Self::trial`], and chooses the next one.
    pub(super) fn go_on(&mut self, objective: Objective) {
        if let Some(at_best) = &self.at_best {
            let allowed = ROUNDING * at_best.value.abs();
            let enough = at_best.value + SUFFICIENT * self.step * self.slope + allowed;
            if objective.value.is_nan() || objective.value > enough {
                self.halvings += 1;
                self.step *= 0.5;
                self.done = self.halvings > HALVINGS;
                self.set_trial();
                return;
            }
            let moved: Vec<f32> = self.trial.iter().zip(&self.best).map(|(to, from)| to - from).collect();
            let gradients = objective.gradient.iter().zip(&at_best.gradient);
            let changed: Vec<f32> = gradients.map(|(to, from)| to - from).collect();
            let product = dot(&moved, &changed);
            if product > 0.0 {
                self.steps.push_back(Step { moved, changed, product });
                if self.steps.len() > REMEMBERED {
                    self.steps.pop_front();
                }
            }
        } else {
            self.first_norm = dot(&objective.gradient, &objective.gradient).sqrt();
        }
        self.best.clone_from(&self.trial);
        let norm = dot(&objective.gradient, &objective.gradient).sqrt();
        self.done = norm <= self.tolerance * self.first_norm;
        self.direction = self.downhill(&objective.gradient);
        self.slope = dot(&self.direction, &objective.gradient);
        // Without an estimate of the curvature, a step of length 1.
        self.step = if self.steps.is_empty() { norm.max(f64::MIN_POSITIVE).recip() } else { 1.0 };
        self.halvings = 0;
        self.at_best = Some(objective);
        self.set_trial();
    }

    fn set_trial(&mut self) {
        let step = self.step as f32;
        let moved = self.best.iter().zip(&self.direction).map(|(from, direction)| from + step * direction);
        self.trial = moved.collect();
    }

    /// Minus the gradient times the estimated inverse of the second derivatives.
    fn downhill(&self, gradient: &[f32]) -> Vec<f32> {
        let mut direction: Vec<f32> = gradient.iter().map(|value| -value).collect();
        let mut shares = Vec::with_capacity(self.steps.len());
        for step in self.steps.iter().rev() {
            let share = dot(&step.moved, &direction) / step.product;
            add(&mut direction, -share, &step.changed);
            shares.push(share);
        }
        if let Some(last) = self.steps.back() {
            let scale = (last.product / dot(&last.changed, &last.changed)) as f32;
            direction.iter_mut().for_each(|value| *value *= scale);
        }
        for (step, share) in self.steps.iter().zip(shares.into_iter().rev()) {
            let back = dot(&step.changed, &direction) / step.product;
            add(&mut direction, share - back, &step.moved);
        }
        direction
    }
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

/// Adds `factor` times `values`.
fn add(sums: &mut [f32], factor: f64, values: &[f32]) {
    sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += factor as f32 * value);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `sum_i s_i (x_i - i)^2 / 2 + log cosh x_0`, with slopes from 1 to 1000.
    fn function(x: &[f32]) -> Objective {
        let slope = |i: usize| 10f64.powi(i as i32);
        let off = |i: usize| f64::from(x[i]) - i as f64;
        let value =
            (0..x.len()).map(|i| 0.5 * slope(i) * off(i).powi(2)).sum::<f64>() + f64::from(x[0]).cosh().ln();
        let tanh = |i: usize| if i == 0 { f64::from(x[0]).tanh() } else { 0.0 };
        Objective { value, gradient: (0..x.len()).map(|i| (slope(i) * off(i) + tanh(i)) as f32).collect() }
    }

    #[test]
    fn the_minimum_is_found_in_fewer_steps_than_the_condition_number() {
        let mut search = Search::new(vec![3.0; 4], 1e-6);
        let mut passes = 0;
        while !search.is_done() && passes < 60 {
            let objective = function(search.trial());
            search.go_on(objective);
            passes += 1;
        }
        assert!(search.is_done(), "after {passes} passes");
        let found = search.into_best();
        (0..4).for_each(|i| assert!((found[i] - i as f32).abs() < 1e-3, "{found:?}"));
    }

    #[test]
    fn a_start_at_the_minimum_is_the_result() {
        let mut search = Search::new(vec![0.0, 1.0], 1e-3);
        let objective = function(search.trial());
        search.go_on(objective);
        assert!(search.is_done());
        assert_eq!(search.into_best(), [0.0, 1.0]);
    }

    #[test]
    fn a_function_that_is_nowhere_smaller_ends_the_search() {
        let mut search = Search::new(vec![2.0], 1e-3);
        search.go_on(Objective { value: 1.0, gradient: vec![1.0] });
        let mut passes = 0;
        while !search.is_done() {
            search.go_on(Objective { value: f64::NAN, gradient: vec![f32::NAN] });
            passes += 1;
        }
        assert_eq!((passes, search.into_best()), (HALVINGS + 1, vec![2.0]));
    }
}
