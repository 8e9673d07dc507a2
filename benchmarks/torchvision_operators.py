"""Lets torchvision be imported beside a torch that its compiled part does not fit.

pytorch-grad-cam imports torchvision, of which a CAM uses nothing. The wheel on PyPI brings
operators compiled against CUDA; beside the CPU build of torch they don't load, and the import then
ends in ``operator torchvision::nms does not exist``, because torchvision describes the shapes of
operators that nobody declared. Declared without an implementation, they satisfy the import; a call
of one of them would still fail, and no benchmark calls any.
"""

import importlib.util
from pathlib import Path

import torch

OPERATORS = (
    "nms",
    "qnms",
    "roi_align",
    "qroi_align",
    "_roi_align_backward",
    "roi_pool",
    "_roi_pool_backward",
    "ps_roi_align",
    "_ps_roi_align_backward",
    "ps_roi_pool",
    "_ps_roi_pool_backward",
    "deform_conv2d",
    "_deform_conv2d_backward",
)

_declared: list[torch.library.Library] = []
"""Declarations live as long as their library object."""


def declare_missing_operators() -> None:
    """Declare torchvision's operators unless its own compiled part brings them."""
    specification = importlib.util.find_spec("torchvision")
    if specification is None or specification.origin is None or _declared:
        return
    for library in Path(specification.origin).parent.glob("_C*.so"):
        try:
            torch.ops.load_library(str(library))
        except OSError:
            continue
        return
    _declared.append(torch.library.Library("torchvision", "DEF"))
    for name in OPERATORS:
        _declared[0].define(f"{name}(Tensor x) -> Tensor")
