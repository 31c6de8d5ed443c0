//! Chi-squared tests.

/// Standard normal quantile of 0.9999: every test's significance is 1e-4.
const QUANTILE: f64 = 3.719;

/// What a chi-squared statistic stays below with probability 0.9999, by Wilson & Hilferty's approximation, which is at most
/// 7.2 % too high (at 1 degree of freedom; 4.7 % at 2, below 2 % from 6 on).
pub(super) fn critical(freedom: usize) -> f64 {
    let spread = 2.0 / (9.0 * freedom as f64);
    freedom as f64 * (1.0 - spread + QUANTILE * spread.sqrt()).powi(3)
}

/// What it stays above with probability 0.9999; for 100 degrees of freedom and more.
pub(super) fn critical_below(freedom: usize) -> f64 {
    let spread = 2.0 / (9.0 * freedom as f64);
    freedom as f64 * (1.0 - spread - QUANTILE * spread.sqrt()).powi(3)
}

/// Pearson's statistic of counts against probabilities; infinite where something has come that can't.
pub(super) fn chi_square(counts: &[usize], probabilities: &[f64]) -> f64 {
    let total = counts.iter().sum::<usize>() as f64;
    let term = |(&count, &p): (&usize, &f64)| match (count, p * total) {
        (0, 0.0) => 0.0,
        (_, 0.0) => f64::INFINITY,
        (count, expected) => (count as f64 - expected).powi(2) / expected,
    };
    counts.iter().zip(probabilities).map(term).sum()
}

/// The statistic of given labels against a transition matrix, and its degrees of freedom.
pub(super) fn chi_square_of_rows(given: &[usize], truth: &[usize], rows: &[Vec<f64>]) -> (f64, usize) {
    let mut counts = vec![vec![0; rows.len()]; rows.len()];
    given.iter().zip(truth).for_each(|(&g, &t)| counts[t][g] += 1);
    let statistic = counts.iter().zip(rows).map(|(counts, row)| chi_square(counts, row)).sum();
    let freedom = rows.iter().map(|row| row.iter().filter(|&&p| p > 0.0).count() - 1).sum();
    (statistic, freedom)
}

/// The statistic of two samples' counts being of one distribution, and its degrees of freedom.
pub(super) fn two_samples(a: &[usize], b: &[usize]) -> (f64, usize) {
    let (of_a, of_b) = (a.iter().sum::<usize>() as f64, b.iter().sum::<usize>() as f64);
    let mut statistic = 0.0;
    let mut cells = 0;
    for (&a, &b) in a.iter().zip(b).filter(|(a, b)| *a + *b > 0) {
        let share = (a + b) as f64 / (of_a + of_b);
        statistic += (a as f64 - share * of_a).powi(2) / (share * of_a);
        statistic += (b as f64 - share * of_b).powi(2) / (share * of_b);
        cells += 1;
    }
    (statistic, cells - 1)
}

#[test]
fn critical_values_are_those_of_the_tables() {
    // Quantiles at 0.9999, by bisection of the distribution function; the approximation errs on the wide side.
    for (freedom, table, most) in [(1, 15.137, 1.072), (9, 33.720, 1.02), (100, 161.319, 1.003)] {
        let ratio = critical(freedom) / table;
        assert!((0.997..most).contains(&ratio), "{freedom}: {ratio}");
    }
    // At 0.0001; it errs on the wide side by 0.2 % at 100 degrees of freedom, and less above.
    assert!((0.998..1.0).contains(&(critical_below(100) / 55.7246)), "{}", critical_below(100));
}
