"""swish.json: x sigmoid(beta x) and its derivatives by x and beta, from PyTorch in float64.

Usage: python swish.py OUT.json
"""

import sys

import torch

from rounding import rounded, write

POINTS = torch.tensor([-30.0, -3.0, -1.0, -0.1, 0.0, 0.1, 1.0, 3.0, 30.0], dtype=torch.float64)


def swish(beta):
    """`dx` is by each point, `dbeta` the sum over all."""
    x = POINTS.clone().requires_grad_()
    b = torch.tensor(beta, dtype=torch.float64, requires_grad=True)
    y = x * torch.sigmoid(b * x)
    y.sum().backward()
    return {"x": rounded(x, 12), "y": rounded(y, 12), "dx": rounded(x.grad, 12), "dbeta": rounded(b.grad, 12)}


def table():
    return {str(beta): swish(beta) for beta in (0.0, 0.5, 1.0, 2.0, 50.0)}


if __name__ == "__main__":
    write(sys.argv[1], {"torch": torch.__version__, "swish": table()})
