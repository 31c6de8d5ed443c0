"""noisy.json: the arithmetic of learning with noisy labels, by PyTorch, scikit-learn and cleanlab in float64.

Usage: python noisy.py OUT.json

The meaning is that of the DivideMix authors' code (Train_cifar.py) where it has the thing; the rest names its source.
Inputs are made by tensors.py: logits are 3 u("noisy-NAME", [rows, 5]).
"""

import sys

import cleanlab
import numpy as np
import torch
from cleanlab.count import compute_confident_joint, estimate_joint, num_label_issues
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from sklearn.metrics import roc_auc_score
from sklearn.mixture import GaussianMixture
from torch.nn.functional import kl_div, log_softmax, nll_loss, one_hot, softmax

import swish
import tensors
from rounding import rounded, write

SAMPLES, CLASSES = 4, 5
LABELS = [(3 * i + 1) % CLASSES for i in range(SAMPLES)]
LAMBDA_U, WARM_UP, RAMP = 25, 10, 16


def exact(value):
    return rounded(value, 12)


def draw(name, shape):
    return tensors.uniform(f"noisy-{name}", shape)


def logits(name, rows=SAMPLES):
    return torch.from_numpy(3.0 * draw(name, (rows, CLASSES)))


def probabilities(name):
    return softmax(logits(name), dim=1)


def sharpen(p, temperature):
    powers = p ** (1 / temperature)
    return powers / powers.sum(dim=1, keepdim=True)


def cross_entropy(outputs, targets):
    return -(log_softmax(outputs, dim=1) * targets).sum(dim=1).mean()


def ramp(epoch):
    return min(max((epoch - WARM_UP) / RAMP, 0.0), 1.0)


def soft_labels(labels):
    """Refined and guessed labels; two views of each sample."""
    mean = (probabilities("x1") + probabilities("x2")) / 2
    clean = torch.from_numpy(0.5 + 0.5 * draw("w", (SAMPLES, 1)))
    refined = clean * labels + (1 - clean) * mean
    guesses = [probabilities(f"u-net{network}-aug{view}") for network in (1, 2) for view in (1, 2)]
    guessed = (guesses[0] + guesses[1] + guesses[2] + guesses[3]) / 4
    document = {"w": exact(clean.flatten()), "p_mean": exact(mean), "refined": exact(refined), "guessed": exact(guessed)}
    for t in (0.1, 0.5, 1.0, 2.0):
        document[f"refined_sharpened_{t}"] = exact(sharpen(refined, t))
        document[f"guessed_sharpened_{t}"] = exact(sharpen(guessed, t))
    return document, refined, guessed


def mixmatch(refined, guessed):
    """The mixed batch in the order x, x2, u, u2, and the loss of its outputs at epoch 18."""
    labeled, unlabeled = sharpen(refined, 0.5), sharpen(guessed, 0.5)
    targets = torch.cat([labeled, labeled, unlabeled, unlabeled])
    order = np.argsort(draw("permutation", (len(targets),)))
    drawn = 0.3
    share = max(drawn, 1 - drawn)
    mixed = share * targets + (1 - share) * targets[order]

    outputs = logits("mixed", len(targets)).requires_grad_()
    half = 2 * SAMPLES
    loss_x = cross_entropy(outputs[:half], mixed[:half])
    squares = (softmax(outputs[half:], dim=1) - mixed[half:]) ** 2
    prior = torch.full((CLASSES,), 1 / CLASSES, dtype=torch.float64)
    loss_reg = (prior * torch.log(prior / softmax(outputs, dim=1).mean(dim=0))).sum()
    total = loss_x + LAMBDA_U * ramp(18) * squares.mean() + loss_reg
    total.backward()
    return {
        "lambda": drawn,
        "permutation": order.tolist(),
        "mixed_targets": exact(mixed),
        "L_X": exact(loss_x),
        "L_U_mean_over_classes": exact(squares.mean()),
        "L_U_sum_over_classes": exact(squares.sum(dim=1).mean()),
        "L_reg": exact(loss_reg),
        "ramp_warmup10_length16": {str(epoch): ramp(epoch) for epoch in (9, 10, 12.5, 18, 26, 40)},
        "total_at_epoch_18": exact(total),
        "total_gradient": exact(outputs.grad),
    }


def warm_up(labels):
    """Cross entropy and the confidence penalty of weight 1."""
    outputs = logits("warm-up").requires_grad_()
    penalty = (softmax(outputs, dim=1) * log_softmax(outputs, dim=1)).sum(dim=1).mean()
    loss = cross_entropy(outputs, labels) + penalty
    loss.backward()
    return {"negative_entropy": exact(penalty), "warm_up_loss": exact(loss), "warm_up_gradient": exact(outputs.grad)}


def distillation():
    """Hinton, Vinyals, Dean 2015: T^2 KL(teacher at T || student at T), T = 4."""
    student, teacher = logits("student").requires_grad_(), logits("teacher")
    loss = 16 * kl_div(log_softmax(student / 4, dim=1), softmax(teacher / 4, dim=1), reduction="batchmean")
    loss.backward()
    return {"distillation_T4": exact(loss), "distillation_T4_gradient": exact(student.grad)}


def correction():
    """Patrini et al. 2017. Forward: nll of log(softmax(x) T). Backward: the label's entry of T^-1 l, l the loss of each label."""
    rows = [[(CLASSES if i == j else 0) + 1 + (i + 2 * j) % 3 for j in range(CLASSES)] for i in range(CLASSES)]
    transition = torch.tensor(rows, dtype=torch.float64)
    transition /= transition.sum(dim=1, keepdim=True)
    outputs = logits("x1").requires_grad_()
    loss = nll_loss((softmax(outputs, dim=1) @ transition).log(), torch.tensor(LABELS))
    loss.backward()
    document = {"forward_correction": exact(loss), "forward_correction_gradient": exact(outputs.grad)}
    outputs.grad = None
    inverse = torch.linalg.inv(transition)
    corrected = torch.stack([inverse @ losses for losses in -log_softmax(outputs, dim=1)])
    loss = corrected[torch.arange(SAMPLES), torch.tensor(LABELS)].mean()
    loss.backward()
    return {
        **document,
        "transition_inverse": exact(inverse),
        "backward_correction": exact(loss),
        "backward_correction_gradient": exact(outputs.grad),
    }


def mixture(name, n, every, centre, width):
    """Losses of n samples, each `every`th noisy: clean 0.3 u^2, noisy centre + width u and no less than 0; then scaled to
    0..1. `as_published`: the authors' ten iterations; `converged`: the optimum, which is what ours must meet."""
    u = draw(name, (n,))
    noisy = np.arange(n) % every == 0
    losses = np.where(noisy, np.maximum(0.0, centre + width * u), 0.3 * u * u)
    losses = (losses - losses.min()) / (losses.max() - losses.min())
    row = {"name": name, "n": n, "noisy_every": every, "centre": centre, "width": width,
           "first_losses_normalised": exact(losses[:8])}
    for kind, iterations, tolerance in (("as_published", 10, 1e-2), ("converged", 2000, 1e-12)):
        fit = GaussianMixture(2, max_iter=iterations, tol=tolerance, reg_covar=5e-4, random_state=0).fit(losses[:, None])
        ascending = np.argsort(fit.means_[:, 0])
        clean = fit.predict_proba(losses[:, None])[:, ascending[0]]
        row[kind] = {
            "means": exact(fit.means_[ascending, 0]),
            "variances": exact(fit.covariances_[ascending, 0, 0]),
            "weights": exact(fit.weights_[ascending]),
            "p_clean_first_20": exact(clean[:20]),
            "clean_count_above_0.5": int((clean > 0.5).sum()),
            "auc": exact(roc_auc_score(~noisy, clean)),
        }
    return row


def label_issues():
    """cleanlab's filter and scores on made-up predictions."""
    n = 300
    index = np.arange(n)
    given = (index * 7 + index // 13) % CLASSES
    predicted = np.exp(3.0 * draw("cleanlab", (n, CLASSES)))
    predicted[index, given] *= np.where(index % 4 == 0, 0.3, 8.0)
    predicted /= predicted.sum(axis=1, keepdims=True)
    score = lambda method: exact(get_label_quality_scores(given, predicted, method=method)[:20])
    return {
        "version": cleanlab.__version__,
        "labels_formula": "(i*7 + i//13) % 5",
        "pred_probs_formula": "exp(3u), the label's entry times 0.3 where i % 4 == 0 else 8, then normalised",
        "first_pred_probs": exact(predicted[:3]),
        "confident_joint": compute_confident_joint(given, predicted, calibrate=False).tolist(),
        "joint": exact(estimate_joint(given, predicted)),
        "estimated_issues": int(num_label_issues(given, predicted, estimation_method="off_diagonal_calibrated")),
        "issues": np.flatnonzero(find_label_issues(given, predicted, n_jobs=1)).tolist(),
        "issues_by_margin": find_label_issues(given, predicted, filter_by="low_normalized_margin",
                                              return_indices_ranked_by="normalized_margin", n_jobs=1).tolist(),
        "self_confidence_first_20": score("self_confidence"),
        "normalized_margin_first_20": score("normalized_margin"),
    }


def document():
    labels = one_hot(torch.tensor(LABELS), CLASSES).double()
    soft, refined, guessed = soft_labels(labels)
    return {
        "prefix": "noisy",
        "torch": torch.__version__,
        "B": SAMPLES,
        "C": CLASSES,
        "labels": LABELS,
        "smoothed_0.1": exact(labels * 0.9 + 0.1 / CLASSES),
        **soft,
        **mixmatch(refined, guessed),
        **warm_up(labels),
        **distillation(),
        **correction(),
        "bootstrapped_0.2": exact(0.8 * labels + 0.2 * probabilities("x1")),
        "swish": swish.table(),
        "mixtures": [
            mixture("separate", 1000, 2, 1.5, 0.4),
            mixture("overlapping", 2000, 3, 0.5, 0.6),
            mixture("imbalanced", 1000, 10, 1.5, 0.8),
            mixture("few", 24, 2, 1.5, 0.4),
        ],
        "cleanlab": label_issues(),
    }


if __name__ == "__main__":
    write(sys.argv[1], document())
