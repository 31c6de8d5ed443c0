"""Images per second of EfficientNet-B0 by PyTorch, training and inference, in f32, as one JSON object.

The network is timm's, or torchvision's where timm is not there.
"""

import argparse
import json
import statistics
import time

import torch

UNTIMED = 3
CLASSES = 1000


def network():
    try:
        import timm

        return "timm", timm.create_model("efficientnet_b0", num_classes=CLASSES, drop_rate=0.2, drop_path_rate=0.2)
    except ImportError:
        import torchvision

        return "torchvision", torchvision.models.efficientnet_b0(num_classes=CLASSES)


def images_per_s(step, options):
    def once():
        step()
        if options.device.startswith("cuda"):
            torch.cuda.synchronize()

    for _ in range(UNTIMED):
        once()
    seconds, began = [], time.perf_counter()
    while len(seconds) < 3 or time.perf_counter() - began < options.seconds:
        start = time.perf_counter()
        once()
        seconds.append(time.perf_counter() - start)
    return options.batch / statistics.median(seconds)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    library, model = network()
    model = model.to(options.device, memory_format=torch.channels_last)
    images = torch.rand(options.batch, 3, options.size, options.size, device=options.device)
    images = images.to(memory_format=torch.channels_last)
    labels = torch.arange(options.batch, device=options.device) % CLASSES
    optimiser = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9, weight_decay=5e-4)
    loss_of = torch.nn.CrossEntropyLoss()

    def train():
        optimiser.zero_grad(set_to_none=True)
        loss_of(model(images), labels).backward()
        optimiser.step()

    def predict():
        with torch.inference_mode():
            model(images)

    found = {"library": library, "torch": torch.__version__, "batch": options.batch, "size": options.size}
    model.train()
    found["train_images_per_s"] = images_per_s(train, options)
    if options.device.startswith("cuda"):
        found["train_peak_bytes"] = torch.cuda.max_memory_allocated()
    model.eval()
    found["predict_images_per_s"] = images_per_s(predict, options)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
