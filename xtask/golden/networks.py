"""Networks of timm and torchvision with the formula's weights."""

import timm
import torch
import torchvision

import tensors

torch.set_num_threads(2)

TORCHVISION = "torchvision_"


def network(arch, classes):
    """`arch` is timm's name, or torchvision's behind `torchvision_`. No dropout, no stochastic depth; evaluation mode."""
    if arch.startswith(TORCHVISION):
        built = torchvision.models.get_model(arch.removeprefix(TORCHVISION), num_classes=classes)
    else:
        built = timm.create_model(arch, num_classes=classes, drop_rate=0.0, drop_path_rate=0.0)
    state = built.state_dict()
    for key, value in state.items():
        if not key.endswith("num_batches_tracked"):
            value.copy_(torch.from_numpy(tensors.parameter(key, tuple(value.shape))))
    return built.eval()


def stages(built, arch):
    """The parts after which the statistics are taken: stem, seven stages, head."""
    if arch.startswith(TORCHVISION):
        return list(built.features)
    return [built.bn1, *built.blocks, built.bn2]
