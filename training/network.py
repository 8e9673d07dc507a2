"""The shipped architecture as it is trained, with batch norms; folding takes them out again."""

from collections import OrderedDict

import torch
from torch import Tensor, nn

from xai_heatmap.networks.loading.demo.architecture import Convolution
from xai_heatmap.networks.loading.demo.in_torch import assembled, convolving


class Step(nn.Sequential):
    """Convolution, batch norm and, if asked for, a ReLU."""

    def __init__(self, step: Convolution) -> None:
        parts = OrderedDict[str, nn.Module](
            conv=convolving(step, bias=False), norm=nn.BatchNorm2d(step.outputs)
        )
        if step.relu:
            parts["relu"] = nn.ReLU()
        super().__init__(parts)


def network(classes: int) -> nn.Sequential:
    """The network before training."""
    return assembled(Step, classes=classes)


def folded(model: nn.Sequential) -> dict[str, Tensor]:
    """Weights and biases by name, each batch norm multiplied into the convolution before it."""
    arrays: dict[str, Tensor] = {}
    for name, part in model.named_modules():
        if isinstance(part, Step):
            norm = part.norm
            factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            arrays[f"{name}.weight"] = part.conv.weight * factor[:, None, None, None]
            arrays[f"{name}.bias"] = norm.bias - norm.running_mean * factor
        elif isinstance(part, nn.Linear):
            arrays[f"{name}.weight"], arrays[f"{name}.bias"] = part.weight, part.bias
    return {name: array.detach().float().cpu() for name, array in arrays.items()}
