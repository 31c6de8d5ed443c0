//! The networks that a search chooses from: as many multiply-accumulates, as different shapes.

use effnet_model::{Arch, Bases, Candidate, Dimension, Scaling, at_cost, candidates, raised, spread};

/// B0 at phi = -3 for images of 32 pixels.
fn baseline() -> Arch {
    let Scaling { width, depth, .. } = Scaling::from_phi(-3.0, Bases::PAPER);
    Arch::by_name("b0").unwrap().with_scaling(width, depth).with_size(21).with_stem_stride(1)
}

fn macs(candidate: &Candidate) -> f64 {
    candidate.cost.macs as f64
}

#[test]
fn candidates_cost_twice_the_baseline_and_no_two_are_the_same_network() {
    let (baseline, tolerance) = (baseline(), 0.05);
    let found = candidates(&baseline, 10, tolerance).unwrap();
    assert!(found.len() >= 12, "{}", found.len());
    let twice = 2.0 * baseline.cost(10).unwrap().macs as f64;
    for candidate in &found {
        let Candidate { bases, arch, cost } = candidate;
        assert_eq!(arch.cost(10).unwrap(), *cost);
        assert!((macs(candidate) / twice - 1.0).abs() <= tolerance, "{bases:?}: {}", macs(candidate) / twice);
        assert!(bases.alpha >= 1.0 && bases.beta >= 1.0 && bases.gamma >= 1.0, "{bases:?}");
        assert!(bases.alpha * bases.beta.powi(2) <= 2.0, "{bases:?} leaves nothing for gamma");
        assert!((arch.scaling.width / baseline.scaling.width - bases.beta).abs() < 1e-12);
        assert!((arch.scaling.depth / baseline.scaling.depth - bases.alpha).abs() < 1e-12);
        assert!((arch.size as f64 / 21.0 - bases.gamma).abs() < 1e-12);
    }
    for (i, a) in found.iter().enumerate() {
        let same =
            |b: &Candidate| a.arch.size == b.arch.size && a.arch.plan().unwrap() == b.arch.plan().unwrap();
        assert!(!found[..i].iter().any(same), "{:?} twice", a.bases);
    }
}

/// In a large network rounding matters little: there the candidates meet the paper's constraint.
#[test]
fn in_a_large_network_equal_cost_is_nearly_the_papers_constraint() {
    let found = candidates(&Arch::by_name("b4").unwrap(), 1000, 0.05).unwrap();
    let worst = found.iter().map(|c| (c.bases.cost_factor() - 2.0).abs()).fold(0.0, f64::max);
    assert!(found.len() > 50 && worst < 0.15, "{} candidates, {worst}", found.len());
}

#[test]
fn the_chosen_lie_apart_and_begin_at_the_papers() {
    let all = candidates(&baseline(), 10, 0.05).unwrap();
    let log = |c: &Candidate| [c.bases.alpha, c.bases.beta, c.bases.gamma].map(f64::ln);
    let distance = |a: [f64; 3], b: [f64; 3]| (0..3).map(|k| (a[k] - b[k]).powi(2)).sum::<f64>();
    let paper = [1.2f64, 1.1, 1.15].map(f64::ln);
    let nearest =
        all.iter().min_by(|a, b| distance(log(a), paper).total_cmp(&distance(log(b), paper))).unwrap();
    assert_eq!(spread(all.clone(), 1), std::slice::from_ref(nearest));
    assert_eq!(spread(all.clone(), 1000), all, "all there are, in their order");
    // The slow twin for three: the second is the farthest from the first, the third the one whose nearer chosen one is farthest.
    let farthest = |chosen: &[&Candidate]| {
        let apart =
            |c: &Candidate| chosen.iter().map(|d| distance(log(c), log(d))).fold(f64::INFINITY, f64::min);
        all.iter().max_by(|a, b| apart(a).total_cmp(&apart(b))).unwrap()
    };
    let second = farthest(&[nearest]);
    let third = farthest(&[nearest, second]);
    let chosen = spread(all.clone(), 3);
    assert!([nearest, second, third].iter().all(|c| chosen.contains(c)), "{chosen:?}");
}

#[test]
fn one_dimension_alone_is_raised_to_the_nearest_cost_there_is() {
    let baseline = baseline();
    let cost = baseline.cost(10).unwrap().macs as f64;
    for factor in [2.0, 4.0] {
        let off = |macs: u64| (macs as f64 / (factor * cost)).ln().abs();
        for dimension in Dimension::ALL {
            let raised = raised(&baseline, 10, dimension, factor).unwrap();
            // The slow twin: all that there is up to six times the coefficient.
            let fine = (100..600).map(|percent| f64::from(percent) / 100.0);
            let all: Vec<Arch> = match dimension {
                Dimension::Depth => fine.map(|d| baseline.clone().with_scaling(1.0, d)).collect(),
                Dimension::Width => fine.map(|w| baseline.clone().with_scaling(w, 1.0)).collect(),
                Dimension::Resolution => (21..126).map(|size| baseline.clone().with_size(size)).collect(),
            };
            let nearest =
                all.iter().map(|arch| off(arch.cost(10).unwrap().macs)).fold(f64::INFINITY, f64::min);
            assert_eq!(off(raised.cost.macs), nearest, "{dimension:?} x {factor}");
            let Bases { alpha, beta, gamma } = raised.bases;
            let more = [alpha > 1.0, beta > 1.0, gamma > 1.0];
            assert_eq!(more, Dimension::ALL.map(|d| d == dimension), "{:?}", raised.bases);
        }
    }
    let all_three =
        at_cost(&baseline, Bases { alpha: 1.44, beta: 1.21, gamma: 1.0 }, 10, 4.0 * cost).unwrap();
    assert!((macs(&all_three) / (4.0 * cost) - 1.0).abs() < 0.06, "{all_three:?}");
}

#[test]
fn nothing_is_raised_beyond_what_can_be_built() {
    let message = raised(&baseline(), 10, Dimension::Depth, 1e4).unwrap_err().to_string();
    assert!(message.contains("depth"), "{message}");
}
