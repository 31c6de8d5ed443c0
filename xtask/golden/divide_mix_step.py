"""divide_mix_step.json: Algorithm 1 of DivideMix as one program, by PyTorch and scikit-learn in float64.

Usage: python divide_mix_step.py OUT.json

Two small networks with batch norm are trained on 24 vectors of three classes, some of whose labels are wrong:
a warm-up epoch (line 2), then epochs of DivideMix (lines 3 to 28). The program is written from the paper (Li,
Socher & Hoi, "DivideMix: Learning with Noisy Labels as Semi-supervised Learning", ICLR 2020), not from the Rust
code. Where the paper is silent, it does what the authors' program does (Train_cifar.py of github
LiJunnan1992/DivideMix):

- Each network's samples are divided by the losses of the other network. Both divisions are made before network 1
  is trained.
- Labels are refined and guessed on the views that are trained on, without gradient. The network that is trained
  is in training mode then, and each view is a forward pass of its own, which moves the running statistics. The
  other network is in evaluation mode.
- Network 2 guesses with network 1 as it is after network 1's own epoch.
- An epoch has a step for each batch of the labeled set, and the last, partial batch is one of them. The unlabeled
  set starts over when it ends. So the labeled and the unlabeled batch may differ in size: L_X is of the labeled
  rows of the mixed batch, L_U of the others, L_reg of all.
- lambda_u rises linearly after warm-up, by epoch + iteration / iterations. With lambda_u 0 both batches are
  mixed and put through the network all the same.
- L_U is a mean over samples and classes.
- The momentum of SGD is kept from epoch to epoch.

Three rules are not the authors' program's: the views of x are predicted before those of u, as in Algorithm 1 (the
authors' program begins with u); iterations is the number of batches (there it is the number of whole batches, plus
1); and a sample that would be alone in the last batch joins the batch before it.

All that is drawn by chance is read from divide_mix_draws.jsonl: the order of the samples, the seed of each view,
lambda and the permutation of each step. These are what the streams of the Rust loop draw: its test compares the
file with them, and prints the right lines where they differ. Epochs and networks are counted from 0 there.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from sklearn.mixture import GaussianMixture
from torch.nn import BatchNorm1d, Linear, Module
from torch.nn.functional import log_softmax, one_hot, softmax

import tensors
from rounding import rounded, write

DRAWS = Path(__file__).parent / "../../crates/dividemix/tests/golden/divide_mix_draws.jsonl"

SAMPLES, FEATURES, HIDDEN, CLASSES = 24, 3, 4, 3
WRONG = (0, 2, 5, 8, 13, 14, 20)
BATCH, VIEWS, WARM_UP = 4, 2, 1
THRESHOLD, TEMPERATURE, RAMP, LAMBDA_R, PENALTY = 0.5, 0.5, 2.5, 1.0, 1.0
SGD = {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01}
CASES = {"ramp": {"lambda_u": 25.0, "epochs": 3}, "zero": {"lambda_u": 0.0, "epochs": 2}}

TRUTH = torch.arange(SAMPLES) % CLASSES
GIVEN = torch.tensor([(i + (i in WRONG)) % CLASSES for i in range(SAMPLES)])


class Network(Module):
    """Network 1 or 2, with the first weights that the formula of tensors.py gives it."""

    def __init__(self, number):
        super().__init__()
        self.hidden = Linear(FEATURES, HIDDEN, bias=False)
        self.norm = BatchNorm1d(HIDDEN, eps=1e-5, momentum=0.1)
        self.output = Linear(HIDDEN, CLASSES)
        self.double()
        for key, value in self.values().items():
            value.copy_(torch.from_numpy(tensors.parameter(f"network{number}.{key}", tuple(value.shape))))

    def forward(self, x):
        return self.output(torch.tanh(self.norm(self.hidden(x))))

    def values(self):
        """Weights and running statistics."""
        return {key: value for key, value in self.state_dict().items() if not key.endswith("num_batches_tracked")}

    def gradients(self):
        return {key: parameter.grad for key, parameter in self.named_parameters()}


def sample(index):
    centre = 1.0 * (np.arange(FEATURES) == index % CLASSES)
    return centre + 0.8 * tensors.uniform(f"sample-{index}", (FEATURES,))


def view(index, seed):
    return sample(index) + 0.25 * tensors.uniform(f"view-{index}-{seed}", (FEATURES,))


def as_batch(rows):
    """Rows as float32 holds them, which both programs start from."""
    return torch.from_numpy(np.stack(rows).astype(np.float32)).double()


def batches(draw):
    """The batches (samples, views) of all rounds through a set."""
    start = 0
    for order in draw["rounds"]:
        sizes = [BATCH] * (len(order) // BATCH)
        rest = len(order) % BATCH
        if rest == 1 and sizes:
            sizes[-1] += 1
        elif rest > 0:
            sizes.append(rest)
        for size in sizes:
            samples, order = order[:size], order[size:]
            seeds = [of_view[start : start + size] for of_view in draw["seeds"]]
            start += size
            yield samples, [as_batch([view(i, seed) for i, seed in zip(samples, row)]) for row in seeds]


def cross_entropy(outputs, targets):
    return -(targets * log_softmax(outputs, dim=1)).sum(dim=1).mean()


def sharpen(p):
    powers = p ** (1 / TEMPERATURE)
    return powers / powers.sum(dim=1, keepdim=True)


def descend(network, sgd, loss):
    sgd.zero_grad()
    loss.backward()
    gradients = flat(network.gradients())
    sgd.step()
    return gradients


def flat(values):
    return {key: rounded(value.flatten(), 9) for key, value in values.items()}


def warm_up(network, sgd, draw):
    """Line 2: cross entropy with the given labels, and the confidence penalty."""
    network.train()
    for samples, (x,) in batches(draw):
        outputs = network(x)
        penalty = (softmax(outputs, dim=1) * log_softmax(outputs, dim=1)).sum(dim=1).mean()
        descend(network, sgd, cross_entropy(outputs, one_hot(GIVEN[samples], CLASSES)) + PENALTY * penalty)


def divide(network):
    """Lines 4 and 5: each label's clean probability by this network's losses, and the means of their mixture."""
    network.eval()
    with torch.no_grad():
        outputs = network(as_batch([sample(i) for i in range(SAMPLES)]))
    losses = -log_softmax(outputs, dim=1)[torch.arange(SAMPLES), GIVEN].numpy()
    losses = ((losses - losses.min()) / (losses.max() - losses.min()))[:, None]
    # The likeliest of ten fits: from some starts, k-means on 24 losses ends elsewhere.
    mixture = GaussianMixture(2, max_iter=10_000, tol=1e-13, reg_covar=5e-4, n_init=10, random_state=0).fit(losses)
    clean = mixture.means_[:, 0].argmin()
    return torch.from_numpy(mixture.predict_proba(losses)[:, clean]), np.sort(mixture.means_[:, 0])


def divide_mix(network, peer, sgd, w, draw, epoch, lambda_u):
    """Lines 7 to 28: what each step of the network came to."""
    labeled = [i for i in range(SAMPLES) if w[i] > THRESHOLD]
    unlabeled = [i for i in range(SAMPLES) if w[i] <= THRESHOLD]
    assert sorted(draw["labeled"]["rounds"][0]) == labeled and len(draw["labeled"]["rounds"]) == 1
    assert all(sorted(order) == unlabeled for order in draw["unlabeled"]["rounds"])
    peer.eval()
    network.train()
    steps = []
    iterations = len(draw["mixes"])
    of_labeled, of_unlabeled = list(batches(draw["labeled"])), list(batches(draw["unlabeled"]))
    assert len(of_labeled) == iterations
    for iteration, ((x, x_views), (u, u_views)) in enumerate(zip(of_labeled, of_unlabeled)):
        with torch.no_grad():
            p = sum(softmax(network(v), dim=1) for v in x_views) / VIEWS
            own = sum(softmax(network(v), dim=1) for v in u_views)
            q = (own + sum(softmax(peer(v), dim=1) for v in u_views)) / (2 * VIEWS)
            of_x = w[x][:, None]
            refined = sharpen(of_x * one_hot(GIVEN[x], CLASSES) + (1 - of_x) * p)
            guessed = sharpen(q)
        inputs = torch.cat([*x_views, *u_views])
        targets = torch.cat([refined] * VIEWS + [guessed] * VIEWS)
        drawn, order = draw["mixes"][iteration]["lambda"], draw["mixes"][iteration]["permutation"]
        share = max(drawn, 1 - drawn)
        targets = share * targets + (1 - share) * targets[order]
        outputs = network(share * inputs + (1 - share) * inputs[order])

        half = VIEWS * len(x)
        loss_x = cross_entropy(outputs[:half], targets[:half])
        loss_u = ((softmax(outputs[half:], dim=1) - targets[half:]) ** 2).mean()
        prior = torch.full((CLASSES,), 1 / CLASSES, dtype=torch.float64)
        loss_reg = (prior * torch.log(prior / softmax(outputs, dim=1).mean(dim=0))).sum()
        risen = (epoch + iteration / iterations - WARM_UP) / RAMP
        weight = lambda_u * min(max(risen, 0.0), 1.0)
        gradients = descend(network, sgd, loss_x + weight * loss_u + LAMBDA_R * loss_reg)
        steps.append(
            {
                "labeled_rows": half,
                "targets": rounded(targets.flatten(), 9),
                "L_X": rounded(loss_x, 9),
                "L_U": rounded(loss_u, 9),
                "L_reg": rounded(loss_reg, 9),
                "lambda_u": rounded(weight, 9),
                "gradients": gradients,
                "after": flat(network.values()),
            }
        )
    return steps


def train(case, lambda_u, epochs, draws):
    networks = [Network(1), Network(2)]
    sgds = [torch.optim.SGD(network.parameters(), **SGD) for network in networks]
    for k in range(2):
        warm_up(networks[k], sgds[k], draws[case, 0, k]["all"])
    passes = []
    for epoch in range(WARM_UP, epochs):
        divisions = [divide(networks[1 - k]) for k in range(2)]
        for k, (w, means) in enumerate(divisions):
            steps = divide_mix(networks[k], networks[1 - k], sgds[k], w, draws[case, epoch, k], epoch, lambda_u)
            passes.append({"epoch": epoch, "network": k, "mixture_means": rounded(means, 9), "steps": steps})
    return {"case": case, "passes": passes}


def document():
    lines = [json.loads(line) for line in DRAWS.read_text(encoding="utf-8").splitlines()]
    draws = {(line["case"], line["epoch"], line["network"]): line for line in lines}
    cases = [train(case, **settings, draws=draws) for case, settings in CASES.items()]
    return {"torch": torch.__version__, "cases": cases}


if __name__ == "__main__":
    write(sys.argv[1], document())
