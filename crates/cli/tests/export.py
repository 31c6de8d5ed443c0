"""Loads what `effmix export` wrote, as its user would, and says how far its logits are from ours.

usage: export.py onnx MODEL.onnx IMAGES.npy LOGITS.npy
       export.py torch WEIGHTS.safetensors IMAGES.npy LOGITS.npy "PYTHON EXPRESSION THAT MAKES THE NETWORK"

Prints the largest difference relative to the largest logit, over all images together and over the first alone.
"""
import functools  # noqa: F401, for the expression
import sys

import numpy

kind, model, images, logits = sys.argv[1:5]
images, logits = numpy.load(images), numpy.load(logits)
if kind == "onnx":
    import onnx
    import onnxruntime

    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    predict = lambda x: session.run(["logits"], {"images": x})[0]
else:
    import safetensors.torch
    import timm  # noqa: F401
    import torch
    import torchvision  # noqa: F401

    network = eval(sys.argv[5]).eval()
    network.load_state_dict(safetensors.torch.load_file(model), strict=True)

    def predict(x):
        with torch.no_grad():
            return network(torch.from_numpy(x)).numpy()


for n in (len(images), 1):
    found = predict(images[:n])
    assert found.shape == logits[:n].shape, (found.shape, logits[:n].shape)
    print(numpy.abs(found - logits[:n]).max() / numpy.abs(logits[:n]).max())
