"""augment.json: AutoAugment's and RandAugment's operations on an image, and the policies' tables, by torchvision and Pillow.

Usage: python augment.py OUT.json
"""

import json
import sys

import PIL
import torchvision
from PIL import Image
from torchvision.transforms import AutoAugment, AutoAugmentPolicy, InterpolationMode, RandAugment
from torchvision.transforms.autoaugment import _apply_op

# Width and height: most operations are checked on few pixels; a histogram of fewer than 256 has nothing to equalise.
SMALL, LARGE = (20, 16), (37, 30)
# Sides of the views whose magnitudes are written: CIFAR's and an odd one.
SIDES = (32, 45)
# AutoAugment's number of bins, and RandAugment's.
BINS = (10, 31)


def photo(width, height):
    """The picture that the Rust test makes too: gradients, an edge, no channel from 0 to 255."""
    image = Image.new("RGB", (width, height))

    def value(x, y, c):
        gradients = (5 + c) * x + (7 - 2 * c) * y + x * y // (4 + c)
        return 20 + 15 * c + (gradients + (60 if x > y else 0)) % (150 + 20 * c)

    places = ((x, y) for y in range(height) for x in range(width))
    image.putdata([tuple(value(x, y, c) for c in range(3)) for x, y in places])
    return image


def magnitudes(bins, side):
    """By operation, and whether they have a sign. RandAugment knows all but the inversion, which has no magnitude."""
    return RandAugment()._augmentation_space(bins, (side, side))


def done(name, magnitude, image):
    changed = _apply_op(image, name, magnitude, InterpolationMode.NEAREST, None)
    size = {"width": image.width, "height": image.height}
    return {"operation": name, "magnitude": magnitude, **size, "pixels": changed.tobytes().hex()}


def operations():
    small = photo(*SMALL)
    for name, (space, signed) in magnitudes(31, SMALL[0]).items():
        if space.ndim == 0:
            continue
        ten = magnitudes(10, SMALL[0])[name][0]
        for magnitude in (space[9].item(), ten[3].item(), ten[9].item()):
            yield done(name, float(magnitude), small)
            if signed:
                yield done(name, -float(magnitude), small)
    yield done("Solarize", 0.0, small)
    yield done("Invert", 0.0, small)
    for name in ("AutoContrast", "Equalize"):
        yield done(name, 0.0, small)
        yield done(name, 0.0, photo(*LARGE))


def tables():
    for bins in BINS:
        for side in SIDES:
            by_name = {name: space.reshape(-1).tolist() for name, (space, _) in magnitudes(bins, side).items()}
            yield {"bins": bins, "side": side, "magnitudes": by_name}


if __name__ == "__main__":
    rand_augment = RandAugment()
    table = {
        "pillow": PIL.__version__,
        "torchvision": torchvision.__version__,
        "auto_augment": AutoAugment(AutoAugmentPolicy.CIFAR10).policies,
        "rand_augment": {
            "operations": list(magnitudes(31, 32)),
            "count": rand_augment.num_ops,
            "bin": rand_augment.magnitude,
            "bins": rand_augment.num_magnitude_bins,
        },
        "signed": [name for name, (_, signed) in magnitudes(31, 32).items() if signed],
        "tables": list(tables()),
        "operations": list(operations()),
    }
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        # A row a line would be ten thousand lines of numbers.
        lines = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in table.items() if key != "operations"]
        rows = ",\n".join(f"  {json.dumps(case)}" for case in table["operations"])
        out.write("{\n" + ",\n".join(lines) + ',\n "operations": [\n' + rows + "\n ]\n}\n")
