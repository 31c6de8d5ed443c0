"""Three steps of PyTorch's SGD on timm's efficientnet_b0 with the formula's weights, ten classes, no dropout.

Usage: python train.py CASE OUT.json

CASE `train`: four images of 32 px, lr 0.02, in float32. Only its first step is a reference. The formula's gradients are so
large for this rate that rounding grows a thousandfold a step: PyTorch with one thread, with two, and in float64 are 1e-5
apart in the first loss and 3e-2 in the second.
CASE `train_64px`: eight images of 64 px, lr 0.001, in float64. PyTorch's own float32 stays within 1e-6 of its losses and
2e-5 of its gradients in all three steps.
"""

import sys

import torch
from torch.nn.functional import cross_entropy

import tensors
from networks import network
from rounding import rounded, write

CASES = {
    "train": {"batch": 4, "size": 32, "lr": 0.02, "dtype": torch.float32},
    "train_64px": {"batch": 8, "size": 64, "lr": 0.001, "dtype": torch.float64},
}

# Of each kind of layer one: the whole state would be 4 million numbers.
SHOWN = ("conv_stem.", "bn1.", "classifier.", "blocks.0.0.", "blocks.2.1.", "blocks.6.0.")


def step(net, optimiser, number, batch, size, dtype):
    images = torch.from_numpy(tensors.image(f"train-image-{number}", (batch, 3, size, size))).to(dtype)
    labels = torch.tensor([(7 * number + 3 * sample) % 10 for sample in range(batch)])
    optimiser.zero_grad()
    loss = cross_entropy(net(images), labels)
    loss.backward()
    norms = {key: rounded(p.grad.double().norm(), 9) for key, p in net.named_parameters()}
    optimiser.step()
    after = {key: rounded(v.flatten()[:4], 9) for key, v in net.state_dict().items() if key.startswith(SHOWN)}
    return {"labels": labels.tolist(), "loss": rounded(loss, 9), "gradient_norms": norms, "after": after}


def document(batch, size, lr, dtype):
    net = network("efficientnet_b0", classes=10).train().to(dtype)
    sgd = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9, weight_decay=5e-4)
    return {
        "torch": torch.__version__,
        "arch": "efficientnet_b0",
        "optimiser": f"SGD lr {lr} momentum 0.9 weight decay 5e-4 on all parameters",
        "steps": [step(net, sgd, number, batch, size, dtype) for number in range(3)],
    }


if __name__ == "__main__":
    write(sys.argv[2], document(**CASES[sys.argv[1]]))
