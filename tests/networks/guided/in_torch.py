"""In PyTorch: a mode in which what a ReLU answers has a hook on its gradient."""

from torch.overrides import TorchFunctionMode

from guided import GUIDED
from xai_heatmap.networks.rules import TORCH, implements, treated
from xai_heatmap.networks.torch.canonical import OPERATORS

TREATED = treated(OPERATORS, GUIDED)


@implements(GUIDED, TORCH)
class Guiding(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        output = func(*args, **(kwargs or {}))
        if TREATED.get(func.__name__) == "positive" and output.requires_grad:
            output.register_hook(lambda gradient: gradient.clamp(min=0))
        return output
