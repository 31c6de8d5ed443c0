"""Networks of timm, torchvision and lukemelas's EfficientNet-PyTorch with the formula's weights."""

import efficientnet_pytorch
import timm
import torch
import torchvision

import tensors

torch.set_num_threads(2)

TORCHVISION = "torchvision_"
LUKEMELAS = "lukemelas_"


def network(arch, classes):
    """`arch` is timm's name, or another library's behind its prefix. No dropout, no stochastic depth; evaluation mode."""
    if arch.startswith(TORCHVISION):
        built = torchvision.models.get_model(arch.removeprefix(TORCHVISION), num_classes=classes)
    elif arch.startswith(LUKEMELAS):
        built = efficientnet_pytorch.EfficientNet.from_name(arch.removeprefix(LUKEMELAS), num_classes=classes)
    else:
        built = timm.create_model(arch, num_classes=classes, drop_rate=0.0, drop_path_rate=0.0)
    state = built.state_dict()
    for key, value in state.items():
        if not key.endswith("num_batches_tracked"):
            value.copy_(torch.from_numpy(tensors.parameter(key, tuple(value.shape))))
    return built.eval()


def stages(built, arch):
    """The parts after which the statistics are taken: stem, seven stages, head; none of lukemelas's, which has no such parts."""
    if arch.startswith(LUKEMELAS):
        return []
    if arch.startswith(TORCHVISION):
        return list(built.features)
    return [built.bn1, *built.blocks, built.bn2]


def classifier(built, arch):
    """The last layer."""
    return built._fc if arch.startswith(LUKEMELAS) else built.classifier
