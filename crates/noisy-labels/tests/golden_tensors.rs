//! Soft labels, MixMatch and the losses against PyTorch's values (f64: agreement to 1e-9, absolute, of the 12 digits that
//! the file holds).
#![cfg(feature = "candle")]
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod common;

use candle_core::{DType, Device, Tensor, Var};
use common::{assert_close, golden, numbers, u};
use noisy_labels::ClassTable;
use noisy_labels::losses::{
    backward_correction, cross_entropy, cross_entropy_per_sample, distillation, forward_correction,
    lambda_u_ramp, log_softmax, negative_entropy, prior_loss, unlabeled_loss,
};
use noisy_labels::mixup::Mixup;
use noisy_labels::noise::Transition;
use noisy_labels::soft::{bootstrap, co_guess, co_refine, one_hot, sharpen, smooth};
use serde_json::Value;

const B: usize = 4;
const C: usize = 5;
const TOLERANCE: f64 = 1e-9;

/// The reference's logits of this name: `3 u`.
fn logits(name: &str, rows: usize) -> Tensor {
    let values: Vec<f64> = u(&format!("noisy-{name}"), rows * C).iter().map(|v| 3.0 * v).collect();
    Tensor::from_vec(values, (rows, C), &Device::Cpu).unwrap()
}

fn softmax(x: &Tensor) -> Tensor {
    log_softmax(x).unwrap().exp().unwrap()
}

fn values(x: &Tensor) -> Vec<f64> {
    x.flatten_all().unwrap().to_vec1().unwrap()
}

fn check(what: &str, x: &Tensor, reference: &Value) {
    assert_close(what, &values(x), &numbers(reference), TOLERANCE);
}

fn labels(doc: &Value) -> Vec<usize> {
    numbers(&doc["labels"]).iter().map(|&v| v as usize).collect()
}

fn given(doc: &Value) -> Tensor {
    one_hot(&labels(doc), C, &Device::Cpu).unwrap().to_dtype(DType::F64).unwrap()
}

/// The refined and the guessed targets, before sharpening.
fn refined_and_guessed(doc: &Value) -> (Tensor, Tensor) {
    let p = co_guess(&[softmax(&logits("x1", B)), softmax(&logits("x2", B))]).unwrap();
    check("p_mean", &p, &doc["p_mean"]);
    let w: Vec<f64> = u("noisy-w", B).iter().map(|v| 0.5 + 0.5 * v).collect();
    assert_close("w", &w, &numbers(&doc["w"]), TOLERANCE);
    let refined = co_refine(&given(doc), &Tensor::new(w, &Device::Cpu).unwrap(), &p).unwrap();
    let guesses =
        ["u-net1-aug1", "u-net1-aug2", "u-net2-aug1", "u-net2-aug2"].map(|n| softmax(&logits(n, B)));
    (refined, co_guess(&guesses).unwrap())
}

/// The MixMatch targets `[x1, x2, u1, u2]` at T = 0.5, mixed.
fn mixed_targets(doc: &Value) -> Tensor {
    let (refined, guessed) = refined_and_guessed(doc);
    let (x, u) = (sharpen(&refined, 0.5).unwrap(), sharpen(&guessed, 0.5).unwrap());
    let permutation = numbers(&doc["permutation"]).iter().map(|&v| v as usize).collect();
    let mix = Mixup::new(doc["lambda"].as_f64().unwrap(), permutation).unwrap();
    mix.mix(&Tensor::cat(&[&x, &x, &u, &u], 0).unwrap()).unwrap()
}

#[test]
fn label_smoothing() {
    let doc = golden();
    check("smoothed", &smooth(&given(&doc), 0.1).unwrap(), &doc["smoothed_0.1"]);
}

#[test]
fn co_refinement_co_guessing_and_sharpening_at_each_temperature() {
    let doc = golden();
    let (refined, guessed) = refined_and_guessed(&doc);
    check("refined", &refined, &doc["refined"]);
    check("guessed", &guessed, &doc["guessed"]);
    for t in ["0.1", "0.5", "1.0", "2.0"] {
        let temperature = t.parse().unwrap();
        for (name, x) in [("refined", &refined), ("guessed", &guessed)] {
            let key = format!("{name}_sharpened_{t}");
            check(&key, &sharpen(x, temperature).unwrap(), &doc[&key]);
        }
    }
}

#[test]
fn mixmatch_targets() {
    let doc = golden();
    check("mixed_targets", &mixed_targets(&doc), &doc["mixed_targets"]);
}

#[test]
fn the_losses_their_sum_and_its_gradient() {
    let doc = golden();
    let targets = mixed_targets(&doc);
    let out = Var::from_tensor(&logits("mixed", 4 * B)).unwrap();
    let half = |x: &Tensor, part: usize| x.narrow(0, part * 2 * B, 2 * B).unwrap();
    let l_x = cross_entropy(&half(&out, 0), &half(&targets, 0)).unwrap();
    let l_u = unlabeled_loss(&half(&out, 1), &half(&targets, 1)).unwrap();
    let l_reg = prior_loss(&out).unwrap();
    check("L_X", &l_x, &doc["L_X"]);
    check("L_U, mean over classes", &l_u, &doc["L_U_mean_over_classes"]);
    check("L_U, sum over classes", &(&l_u * C as f64).unwrap(), &doc["L_U_sum_over_classes"]);
    check("L_reg", &l_reg, &doc["L_reg"]);
    let lambda_u = lambda_u_ramp(25.0, 18.0, 10.0, 16.0);
    let total = (l_x + (l_u * lambda_u).unwrap()).unwrap().add(&l_reg).unwrap();
    check("total", &total, &doc["total_at_epoch_18"]);
    let gradients = total.backward().unwrap();
    check("total's gradient", gradients.get(&out).unwrap(), &doc["total_gradient"]);
}

#[test]
fn the_warm_up_loss_with_its_penalty_and_gradient() {
    let doc = golden();
    let v = Var::from_tensor(&logits("warm-up", B)).unwrap();
    let penalty = negative_entropy(&v).unwrap();
    check("negative entropy", &penalty, &doc["negative_entropy"]);
    let loss = (cross_entropy(&v, &given(&doc)).unwrap() + penalty).unwrap();
    check("warm-up loss", &loss, &doc["warm_up_loss"]);
    check("warm-up gradient", loss.backward().unwrap().get(&v).unwrap(), &doc["warm_up_gradient"]);
}

#[test]
fn the_ramp_of_lambda_u() {
    let doc = golden();
    let ramp = doc["ramp_warmup10_length16"].as_object().unwrap();
    assert_eq!(ramp.len(), 6);
    for (epoch, weight) in ramp {
        assert_eq!(Some(lambda_u_ramp(1.0, epoch.parse().unwrap(), 10.0, 16.0)), weight.as_f64(), "{epoch}");
    }
}

/// The gradient of `loss` in each logit, by central differences.
fn finite_differences(x: &Tensor, loss: impl Fn(&Tensor) -> Tensor) -> Vec<f64> {
    let at = values(x);
    let step = 1e-5;
    let moved = |i: usize, by: f64| {
        let mut moved = at.clone();
        moved[i] += by;
        values(&loss(&Tensor::from_vec(moved, x.shape(), &Device::Cpu).unwrap()))[0]
    };
    (0..at.len()).map(|i| (moved(i, step) - moved(i, -step)) / (2.0 * step)).collect()
}

#[test]
fn each_loss_has_the_gradient_of_its_finite_differences() {
    let doc = golden();
    let targets = softmax(&logits("x1", B));
    type Loss<'a> = (&'a str, Box<dyn Fn(&Tensor) -> Tensor + 'a>);
    let (transition, inverse) = (transition(), inverse());
    let losses: [Loss<'_>; 7] = [
        ("cross entropy", Box::new(|x| cross_entropy(x, &targets).unwrap())),
        ("hard cross entropy", Box::new(|x| cross_entropy(x, &given(&doc)).unwrap())),
        ("unlabeled", Box::new(|x| unlabeled_loss(x, &targets).unwrap())),
        ("prior", Box::new(|x| prior_loss(x).unwrap())),
        ("negative entropy", Box::new(|x| negative_entropy(x).unwrap())),
        ("forward", Box::new(|x| forward_correction(x, &targets, &transition).unwrap())),
        (
            "backward",
            Box::new(|x| cross_entropy(x, &backward_correction(&targets, &inverse).unwrap()).unwrap()),
        ),
    ];
    for (name, loss) in losses {
        let x = Var::from_tensor(&logits("x2", B)).unwrap();
        let gradients = loss(&x).backward().unwrap();
        let slow = finite_differences(&x, &loss);
        assert_close(name, &values(gradients.get(&x).unwrap()), &slow, 1e-9);
    }
}

#[test]
fn losses_per_sample_are_minus_the_log_of_the_softmax() {
    let doc = golden();
    let x = logits("warm-up", B);
    let p = values(&softmax(&x));
    let x = ClassTable::new(values(&x).iter().map(|&x| x as f32).collect(), C).unwrap();
    let each = cross_entropy_per_sample(&x, &labels(&doc)).unwrap();
    for (b, (loss, label)) in each.iter().zip(labels(&doc)).enumerate() {
        assert!((f64::from(*loss) + p[b * C + label].ln()).abs() < 1e-6);
    }
}

#[test]
fn a_student_learns_from_its_teacher_as_pytorch_has_it() {
    let doc = golden();
    let (student, teacher) = (Var::from_tensor(&logits("student", B)).unwrap(), logits("teacher", B));
    let loss = distillation(&student, &teacher, 4.0).unwrap();
    check("distillation_T4", &loss, &doc["distillation_T4"]);
    let gradient = loss.backward().unwrap();
    check("distillation_T4_gradient", gradient.get(&student).unwrap(), &doc["distillation_T4_gradient"]);
    assert!(distillation(&student, &teacher, 0.0).is_err());
    // A student that agrees with the teacher has nothing to learn.
    let none = values(&distillation(&teacher, &teacher, 2.0).unwrap())[0];
    assert!(none.abs() < 1e-15, "{none}");
}

/// `T_ij = (C [i = j] + 1 + ((i + 2 j) mod 3)) / row sum`: the script's.
fn transition() -> Tensor {
    let entry = |i: usize, j: usize| (if i == j { C } else { 0 } + 1 + (i + 2 * j) % 3) as f64;
    let row = |i: usize| (0..C).map(|j| entry(i, j)).collect::<Vec<_>>();
    let rows = (0..C).flat_map(|i| {
        let sum: f64 = row(i).iter().sum();
        row(i).into_iter().map(move |v| v / sum)
    });
    Tensor::from_vec(rows.collect::<Vec<f64>>(), (C, C), &Device::Cpu).unwrap()
}

#[test]
fn a_loss_is_corrected_by_the_noise_as_pytorch_has_it() {
    let doc = golden();
    let (outputs, y) = (Var::from_tensor(&logits("x1", B)).unwrap(), given(&doc));
    let loss = forward_correction(&outputs, &y, &transition()).unwrap();
    check("forward_correction", &loss, &doc["forward_correction"]);
    let gradient = loss.backward().unwrap();
    check(
        "forward_correction_gradient",
        gradient.get(&outputs).unwrap(),
        &doc["forward_correction_gradient"],
    );
    let none = Tensor::eye(C, DType::F64, &Device::Cpu).unwrap();
    let plain = [forward_correction(&outputs, &y, &none), cross_entropy(&outputs, &y)]
        .map(|l| values(&l.unwrap())[0]);
    assert!((plain[0] - plain[1]).abs() < 1e-12, "{plain:?}");
}

/// T^-1 of [`transition`].
fn inverse() -> Tensor {
    let inverse =
        Transition::new(transition().to_vec2::<f64>().unwrap()).unwrap().inverse().unwrap().unwrap();
    Tensor::from_vec(inverse, (C, C), &Device::Cpu).unwrap()
}

fn backward(outputs: &Tensor, given: &Tensor) -> Tensor {
    cross_entropy(outputs, &backward_correction(given, &inverse()).unwrap()).unwrap()
}

#[test]
fn a_loss_is_corrected_by_noise_undone_as_pytorch_has_it() {
    let doc = golden();
    check("transition_inverse", &inverse(), &doc["transition_inverse"]);
    let outputs = Var::from_tensor(&logits("x1", B)).unwrap();
    let loss = backward(&outputs, &given(&doc));
    check("backward_correction", &loss, &doc["backward_correction"]);
    let gradient = loss.backward().unwrap();
    check(
        "backward_correction_gradient",
        gradient.get(&outputs).unwrap(),
        &doc["backward_correction_gradient"],
    );
}

/// Patrini et al. 2017, theorem 1: with labels in the proportions that T makes of the true ones.
#[test]
fn the_mean_of_the_corrected_loss_is_the_loss_without_noise() {
    let doc = golden();
    let (outputs, truth) = (logits("x2", B), given(&doc));
    let noisy = truth.matmul(&transition()).unwrap();
    let corrected = values(&backward(&outputs, &noisy))[0];
    let clean = values(&cross_entropy(&outputs, &truth).unwrap())[0];
    assert!((corrected - clean).abs() < 1e-12, "{corrected}, without noise {clean}");
}

#[test]
fn bootstrapped_labels_are_reeds() {
    let doc = golden();
    let p = softmax(&logits("x1", B));
    check("bootstrapped_0.2", &bootstrap(&given(&doc), &p, 0.2).unwrap(), &doc["bootstrapped_0.2"]);
    assert_eq!(values(&bootstrap(&given(&doc), &p, 0.0).unwrap()), values(&given(&doc)));
    assert!(bootstrap(&given(&doc), &p, 1.5).is_err());
}
