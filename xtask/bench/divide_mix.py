"""A DivideMix epoch in PyTorch: the work of xtask/bench/src/dividemix_epoch.rs, step by step.

As the authors' program does (LiJunnan1992/DivideMix, Train_cifar.py), decoded images stay in memory and are augmented by
torchvision in worker processes; the network is timm's.
"""

import warnings

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch.utils.data import DataLoader, Dataset, Subset
from torchvision import datasets, transforms

from loader import MEAN, STD
from mixture import fit
from networks import in_layout, network

LEAST_STEPS = 1
CLASSES = 10
UNTIMED_IMAGES = 128
EVALUATED_AT_ONCE = 128
# Epochs over which the weight of the unlabeled loss rises from 0.
LAMBDA_U_RAMP = 16
# Clean probabilities of labeled and of unlabeled images: every second one.
CLEAN = (0.9, 0.1)


class Decoded(Dataset):
    def __init__(self, files):
        self.files = files

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        return np.asarray(Image.open(self.files[index]).convert("RGB"))


class Views(Dataset):
    """Images in memory; an item is the image's index and so many views of it."""

    def __init__(self, pixels, transform, count):
        self.pixels, self.transform, self.count = pixels, transform, count

    def __len__(self):
        return len(self.pixels)

    def __getitem__(self, index):
        image = Image.fromarray(self.pixels[index])
        return index, [self.transform(image) for _ in range(self.count)]


def every(items, count):
    """`count` of `items`, evenly spread over them."""
    n = len(items)
    return [item for i, item in enumerate(items) if count >= n or i * count // n != (i + 1) * count // n]


def endless(batches):
    while True:
        yield from batches


def sharpen(p, temperature):
    p = p ** (1 / temperature)
    return p / p.sum(dim=1, keepdim=True)


class Program:
    def __init__(self, job):
        self.job = job
        nets = [in_layout(network(job["arch"], True, CLASSES), job["peer"]) for _ in range(2)]
        self.forwards = [torch.compile(net) if job["peer"] == "compile" else net for net in nets]
        self.nets = nets
        self.optimisers = [
            torch.optim.SGD(net.parameters(), lr=job["lr"], momentum=0.9, weight_decay=5e-4) for net in nets
        ]
        self.samples = datasets.ImageFolder(job["data"]).samples
        normalised = [transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
        size = job["size"]
        self.plain = transforms.Compose(normalised)
        self.augmented = transforms.Compose(
            [transforms.RandomCrop(size, padding=size // 8), transforms.RandomHorizontalFlip(), *normalised]
        )

    def loader(self, data, batch, shuffle=False, **more):
        return DataLoader(data, batch_size=batch, shuffle=shuffle, num_workers=self.job["threads"], **more)

    def epoch(self, images):
        samples = every(self.samples, images)
        assert len(samples) == images, f"there are {len(samples)} images, {images} are wanted"
        files, labels = [s[0] for s in samples], torch.tensor([s[1] for s in samples])
        pixels = np.concatenate(list(self.loader(Decoded(files), 64, collate_fn=np.stack)))
        clean = torch.tensor([CLEAN[i % 2] for i in range(images)])
        for k in range(2):
            self.train(k, pixels, labels, clean)
        return [self.divide(self.evaluate(k, pixels, labels)) for k in range(2)]

    def train(self, k, pixels, labels, clean):
        """Algorithm 1, lines 7 to 28."""
        job, views = self.job, Views(pixels, self.augmented, self.job["augmentations"])
        labeled = Subset(views, torch.where(clean > 0.5)[0].tolist())
        unlabeled = Subset(views, torch.where(clean <= 0.5)[0].tolist())
        x_batches = self.loader(labeled, job["batch"], shuffle=True)
        u_batches = endless(self.loader(unlabeled, job["batch"], shuffle=True))
        self.nets[k].train()
        self.nets[1 - k].eval()
        for iteration, ((index, x), (_, u)) in enumerate(zip(x_batches, u_batches)):
            x, u = ([in_layout(view, job["peer"]) for view in views] for views in (x, u))
            with torch.no_grad():
                p = sum(self.softmax(k, view) for view in x) / len(x)
                w = clean[index].unsqueeze(1)
                y = F.one_hot(labels[index], CLASSES).float()
                y = sharpen(w * y + (1 - w) * p, job["temperature"])
                q = sum(self.softmax(k, view) + self.softmax(1 - k, view) for view in u) / (2 * len(u))
                q = sharpen(q, job["temperature"])
                share = np.random.beta(job["mixup_alpha"], job["mixup_alpha"])
                share = max(share, 1 - share)
                inputs, targets = torch.cat([*x, *u]), torch.cat([y] * len(x) + [q] * len(u))
                partner = torch.randperm(len(inputs))
                inputs = share * inputs + (1 - share) * inputs[partner]
                targets = share * targets + (1 - share) * targets[partner]
            lambda_u = job["lambda_u"] * min(iteration / len(x_batches) / LAMBDA_U_RAMP, 1)
            self.step(k, inputs, targets, len(x) * len(index), lambda_u)

    def step(self, k, inputs, targets, in_labeled, lambda_u):
        logits = self.forwards[k](inputs)
        log_p = F.log_softmax(logits, dim=1)
        loss_x = -(targets[:in_labeled] * log_p[:in_labeled]).sum(dim=1).mean()
        loss_u = ((log_p[in_labeled:].exp() - targets[in_labeled:]) ** 2).mean()
        prior = torch.full((CLASSES,), 1 / CLASSES)
        loss_reg = (prior * (prior / log_p.exp().mean(dim=0)).log()).sum()
        loss = loss_x + lambda_u * loss_u + self.job["lambda_r"] * loss_reg
        assert torch.isfinite(loss), "the loss is not finite"
        self.optimisers[k].zero_grad(set_to_none=True)
        loss.backward()
        self.optimisers[k].step()

    def softmax(self, k, images):
        return torch.softmax(self.forwards[k](images), dim=1)

    def evaluate(self, k, pixels, labels):
        self.nets[k].eval()
        losses = []
        with torch.no_grad():
            for index, (images,) in self.loader(Views(pixels, self.plain, 1), EVALUATED_AT_ONCE):
                logits = self.forwards[k](in_layout(images, self.job["peer"]))
                losses.append(F.cross_entropy(logits, labels[index], reduction="none"))
        return torch.cat(losses).double().numpy().reshape(-1, 1)

    def divide(self, losses):
        with warnings.catch_warnings():
            # Networks that know nothing yet: whether the fit converges is of no matter here.
            warnings.simplefilter("ignore")
            return fit((losses - losses.min()) / (losses.max() - losses.min()), self.job)


def prepare(job):
    torch.set_num_threads(job["threads"])
    program = Program(job)
    program.epoch(UNTIMED_IMAGES)
    return lambda: program.epoch(job["images"]), job["images"], None
