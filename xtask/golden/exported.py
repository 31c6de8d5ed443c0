"""Are exported networks the same in other libraries? timm's and torchvision's networks with random weights go through `effmix
export` in each format and are loaded again: by load_state_dict(strict=True), and ONNX by ONNX Runtime and by tract.

usage: python xtask/golden/exported.py EFFMIX      (packages: xtask/bench/requirements.txt, safetensors, tract==0.23.9)

Prints the largest difference of a logit from what `effmix predict` says, relative to the largest logit, over four images
together and over the first alone; fails above 1e-4, and where the library's own network, before it was exported, differs so.
"""

import functools  # noqa: F401, for the printed expressions
import pathlib
import subprocess
import sys
import tempfile

import numpy
import onnx
import onnxruntime
import safetensors.torch
import timm
import torch
import torchvision
import tract
from PIL import Image

TOLERANCE = 1e-4
CLASSES = 7
MEAN, STD = (numpy.array(v, "f4") for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))

# Whose network, its name there and here, the side of its images, and what it is exported as.
CASES = [
    ("timm", "efficientnet_b0", 64, ["timm", "torchvision", "onnx"]),
    ("timm", "efficientnet_b1", 75, ["timm", "torchvision", "onnx"]),
    ("timm", "tf_efficientnet_b0", 75, ["timm", "onnx"]),
    ("timm", "tf_efficientnet_b2", 64, ["timm", "onnx"]),
    ("timm", "efficientnet_lite0", 64, ["timm", "onnx"]),
    ("torchvision", "efficientnet_b0", 64, ["timm", "torchvision", "onnx"]),
    ("torchvision", "efficientnet_b5", 64, ["timm", "torchvision", "onnx"]),
]


def made(library, name):
    """The library's network, with running statistics that are not the first ones."""
    torch.manual_seed(5)
    if library == "timm":
        network = timm.create_model(name, num_classes=CLASSES)
    else:
        network = getattr(torchvision.models, name)(num_classes=CLASSES)
    with torch.no_grad():
        for _ in range(3):
            network.train()(torch.randn(4, 3, 64, 64))
    return network.eval()


def logits_of(network, x):
    with torch.no_grad():
        return network(torch.from_numpy(x)).numpy()


def loaded(kind, path, shown):
    """What computes the logits of images [N, 3, H, W] by the file that was exported, by name."""
    if kind == "onnx":
        onnx.checker.check_model(str(path), full_check=True)
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        runnable = tract.onnx().load(str(path)).into_model().into_runnable()
        return {
            "ONNX Runtime": lambda x: session.run(["logits"], {"images": x})[0],
            "tract": lambda x: runnable.run([x])[0].to_numpy(),
        }
    expression = next(line.strip() for line in shown.splitlines() if line.strip().startswith("model = "))
    network = eval(expression.removeprefix("model = "))
    network.load_state_dict(safetensors.torch.load_file(path), strict=True)
    return {kind: functools.partial(logits_of, network)}


def main(effmix):
    failed = False
    for library, name, size, kinds in CASES:
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            run = lambda *args: subprocess.run([effmix, *map(str, args)], check=True, capture_output=True, text=True).stdout
            pixels = numpy.random.default_rng(9).integers(0, 256, (4, size, size, 3), "u1")
            (folder / "images").mkdir()
            for number, image in enumerate(pixels):
                Image.fromarray(image).save(folder / "images" / f"{number}.png")
            x = numpy.ascontiguousarray(((pixels.astype("f4") / 255 - MEAN) / STD).transpose(0, 3, 1, 2))
            network, weights = made(library, name), folder / "weights.safetensors"
            safetensors.torch.save_file(network.state_dict(), weights)
            model = [weights, "--arch", name, "--size", size]
            run("predict", *model, folder / "images", "--no-resize", "--logits", folder / "l.npy", "--out", folder / "p.csv")
            ours = numpy.load(folder / "l.npy")
            computed = {"before": functools.partial(logits_of, network)}
            for kind in kinds:
                out = folder / kind
                computed |= loaded(kind, out, run("export", *model, "--format", kind, "--out", out))
            for by, compute in computed.items():
                off = [numpy.abs(compute(x[:n]) - ours[:n]).max() / numpy.abs(ours[:n]).max() for n in (4, 1)]
                failed |= not max(off) < TOLERANCE
                print(f"{library} {name} {size} px, {by}: {off[0]:.1e} {off[1]:.1e}", flush=True)
    sys.exit("above the tolerance" if failed else 0)


main(*sys.argv[1:])
