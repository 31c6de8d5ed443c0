//! The targets of a step, derived from the gradient of its logits.

use super::CLASSES;
use super::mlp::Recorded;

type Row = [f64; CLASSES];

/// Mixed targets `[rows, classes]`: the gradient of L_X + lambda_u L_U + L_reg, solved for them. Where
/// lambda_u is 0, the targets of the unlabeled rows have no influence on the gradient, and the result ends
/// with the labeled rows.
pub(super) fn of(recorded: &Recorded, labeled_rows: usize, lambda_u: f64) -> Vec<f64> {
    let predictions: Vec<Row> = rows(&recorded.logits).into_iter().map(softmax).collect();
    let by_prior = derivative_of_prior_loss(&predictions);
    let known = if lambda_u > 0.0 { predictions.len() } else { labeled_rows };
    let unlabeled_values = (predictions.len() - labeled_rows) * CLASSES;
    let mut targets = Vec::new();
    for (row, (p, gradient)) in predictions.iter().zip(rows(&recorded.logit_gradient)).enumerate().take(known)
    {
        let of_prior = through_softmax(p, &by_prior);
        let rest = map(|class| gradient[class] - of_prior[class]);
        let away = if row < labeled_rows {
            // The gradient of L_X is (p - y) / rows.
            rest.map(|rest| labeled_rows as f64 * rest)
        } else {
            // The gradient of lambda_u L_U is p (d - p.d) times 2 lambda_u / (rows classes), where d = p - q
            // sums to 0.
            let scale = unlabeled_values as f64 / (2.0 * lambda_u);
            let shifted = map(|class| scale * rest[class] / p[class]);
            let shift = shifted.iter().sum::<f64>() / CLASSES as f64;
            shifted.map(|value| value - shift)
        };
        targets.extend(map(|class| p[class] - away[class]));
    }
    targets
}

/// Derivative of L_reg by a row's prediction: -1 / (classes rows mean). It is the same for all rows.
fn derivative_of_prior_loss(predictions: &[Row]) -> Row {
    map(|class| -1.0 / (CLASSES as f64 * predictions.iter().map(|p| p[class]).sum::<f64>()))
}

/// Derivative by the logits, from the derivative by their softmax `p`: p (d - p.d).
fn through_softmax(p: &Row, derivative: &Row) -> Row {
    let mean: f64 = p.iter().zip(derivative).map(|(p, d)| p * d).sum();
    map(|class| p[class] * (derivative[class] - mean))
}

fn softmax(logits: Row) -> Row {
    let powers = logits.map(f64::exp);
    let sum: f64 = powers.iter().sum();
    powers.map(|power| power / sum)
}

fn rows(values: &[f32]) -> Vec<Row> {
    values.chunks_exact(CLASSES).map(|row| map(|class| f64::from(row[class]))).collect()
}

fn map(value: impl Fn(usize) -> f64) -> Row {
    std::array::from_fn(value)
}
