"""JPEG files to augmented batches by torchvision, on as many worker processes as there are threads."""

import torch
from torch.utils.data import DataLoader
from torchvision import datasets, io, transforms
from torchvision.transforms import InterpolationMode, v2

LEAST_STEPS = 1
# Of ImageNet.
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def on_pil(size):
    return transforms.Compose(
        [
            transforms.Resize(size, InterpolationMode.BICUBIC),
            transforms.CenterCrop(size),
            transforms.RandomCrop(size, padding=size // 8),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(MEAN, STD),
        ]
    )


def on_tensors(size):
    return v2.Compose(
        [
            v2.Resize(size, InterpolationMode.BICUBIC, antialias=True),
            v2.CenterCrop(size),
            v2.RandomCrop(size, padding=size // 8),
            v2.RandomHorizontalFlip(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(MEAN, STD),
        ]
    )


def decoded(path):
    return io.decode_image(path, mode=io.ImageReadMode.RGB)


def prepare(job):
    if job["peer"] == "torchvision-tensors":
        data = datasets.ImageFolder(job["data"], on_tensors(job["size"]), loader=decoded)
    else:
        data = datasets.ImageFolder(job["data"], on_pil(job["size"]))
    batches = DataLoader(
        data, batch_size=job["batch"], shuffle=True, num_workers=job["threads"], persistent_workers=True
    )

    def step():
        count = sum(len(images) for images, _ in batches)
        assert count == len(data), f"{count} images came of {len(data)}"

    step()
    return step, len(data), None
