"""effnet.json: what the published networks say to the formula's image and picture, in evaluation mode.

Usage: python effnet.py OUT.json
"""

import sys

import numpy as np
import torch

import tensors
from networks import classifier, network, stages
from rounding import rounded, write

# Both paddings, both batch norm settings and both layouts, the smallest and the largest member; then the sizes: odd, not
# square, as published.
CASES = [(f"{prefix}efficientnet_b{n}", 64, 64) for prefix in ("", "tf_") for n in (0, 1, 3, 7)]
CASES += [(f"torchvision_efficientnet_b{n}", 64, 64) for n in (0, 1, 5)]
CASES += [(f"{prefix}efficientnet_b0", 65, 97) for prefix in ("", "tf_")]
CASES += [(f"{prefix}efficientnet_b0", 224, 224) for prefix in ("", "tf_")]
# timm's own Lite, which pads otherwise than all others; and padding that is fixed by the published size, at that and at an odd one.
CASES += [("efficientnet_lite0", 64, 64)]
CASES += [("lukemelas_efficientnet-b0", 224, 224), ("lukemelas_efficientnet-b0", 65, 65), ("lukemelas_efficientnet-b1", 240, 240)]

IMAGENET_MEAN = np.float32([0.485, 0.456, 0.406])
IMAGENET_STD = np.float32([0.229, 0.224, 0.225])


def statistics(tensor):
    values = tensor.detach().double()
    return {"shape": list(values.shape), "mean": rounded(values.mean(), 9), "std": rounded(values.std(unbiased=False), 9)}


def normalised_picture(height, width):
    pixels = (tensors.picture(height, width).astype(np.float32) / 255.0 - IMAGENET_MEAN) / IMAGENET_STD
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], dtype=np.float32))


@torch.no_grad()
def row(arch, height, width):
    net = network(arch, classes=1000)
    of_picture = net(normalised_picture(height, width))
    after, pooled = [], []
    for part in stages(net, arch):
        part.register_forward_hook(lambda _part, _inputs, output: after.append(statistics(output)))
    classifier(net, arch).register_forward_pre_hook(lambda _part, inputs: pooled.append(inputs[0]))
    logits = net(torch.from_numpy(tensors.image("image", (1, 3, height, width))))
    return {
        "arch": arch,
        "height": height,
        "width": width,
        "parameters": sum(p.numel() for p in net.parameters()),
        "logits": rounded(logits[0, :16], 9),
        "logits_sum": float(logits.double().sum()),
        "logits_norm": float(logits.double().norm()),
        "argmax": int(logits.argmax()),
        "pooled": rounded(pooled[0][0, :8], 9),
        "pooled_stats": statistics(pooled[0]),
        "stages": after,
        "png_logits": rounded(of_picture[0, :16], 9),
        "png_norm": float(of_picture.double().norm()),
        "png_argmax": int(of_picture.argmax()),
    }


if __name__ == "__main__":
    write(sys.argv[1], {"torch": torch.__version__, "rows": [row(*case) for case in CASES]})
