"""A shipped network as a ``torch.nn.Module``."""

from collections import OrderedDict
from collections.abc import Callable

import torch
from torch import Tensor, nn

from xai_heatmap.networks.loading.demo.architecture import FEATURES, STEPS, Convolution
from xai_heatmap.networks.loading.demo.shipped import Arrays


class Residual(nn.Module):
    """relu(x + steps(x))."""

    def __init__(self, steps: OrderedDict[str, nn.Module]) -> None:
        super().__init__()
        self.steps = tuple(steps)
        for name, step in steps.items():
            self.add_module(name, step)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Apply the steps."""
        y = x
        for name in self.steps:
            y = self.get_submodule(name)(y)
        return self.relu(x + y)


def twin(arrays: Arrays) -> nn.Sequential:
    """PyTorch network with the weights `arrays`, in evaluation mode."""
    model = assembled(convolution, classes=len(arrays["classifier.bias"]))
    owners = {
        name: model.get_submodule(name) for name in {key.rpartition(".")[0] for key in arrays}
    }
    with torch.no_grad():
        for key, array in arrays.items():
            name, _, role = key.rpartition(".")
            owner = getattr(owners[name], "conv", owners[name])
            getattr(owner, role).copy_(torch.from_numpy(array))
    return model.eval()


def assembled(make: Callable[[Convolution], nn.Module], *, classes: int) -> nn.Sequential:
    """Sequence of all steps, grouped by stage; `make` makes one convolution."""
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    stages: dict[str, OrderedDict[str, nn.Module]] = {}
    for step in STEPS:
        if isinstance(step, Convolution):
            made = make(step)
        else:
            inner = ((part.name.rpartition(".")[2], make(part)) for part in step.steps)
            made = Residual(OrderedDict(inner))
        stage, _, name = step.name.rpartition(".")
        if stage:
            stages.setdefault(stage, OrderedDict())[name] = made
            parts[stage] = nn.Sequential(stages[stage])
        else:
            parts[name] = made
    parts["pool"] = nn.AdaptiveAvgPool2d(1)
    parts["flatten"] = nn.Flatten()
    parts["classifier"] = nn.Linear(FEATURES.outputs, classes)
    return nn.Sequential(parts)


def convolution(step: Convolution) -> nn.Sequential:
    """Convolution with bias and, where the step has one, a ReLU."""
    parts = OrderedDict[str, nn.Module](conv=convolving(step, bias=True))
    if step.relu:
        parts["relu"] = nn.ReLU()
    return nn.Sequential(parts)


def convolving(step: Convolution, *, bias: bool) -> nn.Conv2d:
    """The convolution alone."""
    return nn.Conv2d(
        step.inputs,
        step.outputs,
        step.kernel,
        step.stride,
        step.padding,
        groups=step.groups,
        bias=bias,
    )
