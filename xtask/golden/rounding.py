"""Numbers as the files hold them, and the files themselves."""

import json

import numpy as np


def rounded(value, digits):
    """A number, array or tensor as nested lists of floats of so many significant digits."""
    array = value.detach().double().numpy() if hasattr(value, "detach") else np.asarray(value, dtype=np.float64)
    if array.ndim == 0:
        return float(f"{float(array):.{digits}g}")
    return [rounded(part, digits) for part in array]


def write(path, document):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1)
        file.write("\n")
