"""Implementations of the backward rules: the file with the rule's name in a framework's folder."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeVar

from xai_heatmap.core.backward import BackwardRule
from xai_heatmap.core.errors import NoRule

Implementation = TypeVar("Implementation")


@dataclass(frozen=True)
class Framework:
    """A framework that differentiates.

    Parameters
    ----------
    name
        As users know it.
    folder
        The package whose modules carry rules out.
    """

    name: str
    folder: str


TORCH = Framework("PyTorch", "xai_heatmap.networks.torch")
JAX = Framework("Keras on JAX", "xai_heatmap.networks.keras.on_jax")
TENSORFLOW = Framework("Keras on TensorFlow", "xai_heatmap.networks.keras.on_tensorflow")
ONNX = Framework("ONNX", "xai_heatmap.networks.onnx.autodiff")

_KNOWN: dict[tuple[BackwardRule, Framework], Any] = {}


def implements(
    rule: BackwardRule, framework: Framework
) -> Callable[[Implementation], Implementation]:
    """Register the decorated object as the implementation of `rule` in `framework`.

    The expected form is described where the implementation is used: ``networks/torch/passes.py``,
    ``networks/keras/on_jax/program.py``, ``networks/keras/on_tensorflow/passes.py``,
    ``networks/onnx/engine.py``.

    Raises
    ------
    ValueError
        If there is one already.
    """

    def register(implementation: Implementation) -> Implementation:
        if (rule, framework) in _KNOWN:
            raise ValueError(f"{framework.name} has {rule.name} already; one rule, one file.")
        _KNOWN[rule, framework] = implementation
        return implementation

    return register


def implemented_by(rule: BackwardRule, framework: Framework) -> Any:
    """Implementation of a rule in a framework; its file is imported at the first call.

    Raises
    ------
    NoRule
        If the framework has no such file.
    """
    module = f"{framework.folder}.{rule.name}"
    if (rule, framework) not in _KNOWN and find_spec(module) is not None:
        import_module(module)
    if (rule, framework) not in _KNOWN:
        raise NoRule(rule.refusal)
    return _KNOWN[rule, framework]
