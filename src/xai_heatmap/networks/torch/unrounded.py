"""Int8 networks run without rounding, for heads that are given small changes.

Half a code is often more than what one place of a feature map adds to a mean over the grid, so
that a replay of that place gives the score as it was. Within `Unrounded`, operators on codes
compute with real numbers: weights are dequantised, activations are not rounded to codes, nor cut
off where codes end, which is where the pictures ended that the network was calibrated on.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from xai_heatmap.networks.torch.codes import computes_with_codes, numbers

CONVOLUTIONS = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}
TRANSPOSED = {
    1: functional.conv_transpose1d,
    2: functional.conv_transpose2d,
    3: functional.conv_transpose3d,
}
PLAIN = ("embedding", "prepack", "unpack")
"""Parts of the names of operators without quantised activations, which run unchanged."""

RELU = "_relu"

Rule = Callable[..., torch.Tensor]
"""Function of the running `Unrounded` and of the arguments of an operator."""


class NotWrittenOut(BaseException):
    """Raised for an operator on codes without a rule; past any `except Exception` of a model."""


class Unrounded(TorchFunctionMode):
    """Within the block, operators on codes take and return real numbers."""

    def __init__(self) -> None:
        super().__init__()
        self._unpacked: dict[int, tuple[Any, torch.Tensor, torch.Tensor | None]] = {}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs, own = kwargs or {}, _name(func)
        if own in BOUNDARIES:
            return BOUNDARIES[own](*args, **kwargs)
        if not own.startswith("quantized::") or any(word in own for word in PLAIN):
            return func(*args, **kwargs)
        operator = own.removeprefix("quantized::").removesuffix("_fp16").removesuffix("_dynamic")
        if operator in RULES:
            return RULES[operator](self, *args, **kwargs)
        if operator.removesuffix(RELU) not in RULES:
            raise NotWrittenOut(own)
        return functional.relu(RULES[operator.removesuffix(RELU)](self, *args, **kwargs))

    def weights(self, packed: Any, sides: int) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Weight and bias of packed parameters as real numbers, unpacked once."""
        if id(packed) not in self._unpacked:
            weight, bias = packed.unpack()
            weight = numbers(weight).float()
            if sides == 1 and weight.ndim == 4:
                weight = weight.squeeze(2)
            self._unpacked[id(packed)] = packed, weight, bias
        return self._unpacked[id(packed)][1:]


def unrounded(parts: Mapping[str, object], own: torch.Tensor) -> Unrounded | None:
    """Context that runs a head without rounding; None for a network without quantised tensors."""
    if not own.is_quantized and not computes_with_codes(parts.values()):
        return None
    return Unrounded()


def _name(func: Any) -> str:
    """The name that an operator is registered by, or that a function has."""
    schema = getattr(func, "_schema", None)
    if schema is not None:
        return str(schema.name)
    registered = getattr(func, "_qualified_op_name", None)
    return str(registered or getattr(func, "__name__", ""))


def _convolution(sides: int, *, transposed: bool = False) -> Rule:
    def rule(how: Unrounded, qx: torch.Tensor, packed_weight: Any, *_: Any, **__: Any) -> Any:
        weight, bias = how.weights(packed_weight, sides)
        words = ["stride", "padding", "dilation", *(["output_padding"] if transposed else [])]
        own = {word: list(getattr(packed_weight, word)())[-sides:] for word in words}
        operation = (TRANSPOSED if transposed else CONVOLUTIONS)[sides]
        return operation(qx, weight, bias, groups=packed_weight.groups(), **own)

    return rule


def _added_convolution(
    how: Unrounded, qx: torch.Tensor, qaccum: torch.Tensor, packed_weight: Any, *_: Any, **__: Any
) -> torch.Tensor:
    return _convolution(2)(how, qx, packed_weight) + qaccum


def _linear(
    how: Unrounded,
    X: torch.Tensor,
    W_prepack: Any,
    *_: Any,
    **__: Any,
) -> torch.Tensor:
    return functional.linear(X, *how.weights(W_prepack, 0))


def _leaky_linear(
    how: Unrounded,
    X: torch.Tensor,
    W_prepack: Any,
    Y_scale_i: float,
    Y_zero_point_i: int,
    negative_slope: float,
) -> torch.Tensor:
    return functional.leaky_relu(_linear(how, X, W_prepack), negative_slope)


def _of(operation: Callable[..., torch.Tensor], least: int) -> Rule:
    """Rule that applies `operation` to the first `least` arguments, without those for rounding."""

    def rule(how: Unrounded, *args: Any, **kwargs: Any) -> torch.Tensor:
        named = {key: own for key, own in kwargs.items() if key not in ROUNDING}
        return operation(*args[:least], **named)

    return rule


def _elu(
    how: Unrounded,
    value: torch.Tensor,
    output_scale: float,
    output_zero_point: int,
    alpha: float = 1.0,
    scale: float = 1.0,
    input_scale: float = 1.0,
) -> torch.Tensor:
    grown = alpha * torch.expm1(value * input_scale)
    return scale * torch.where(value > 0, value, grown)


def _celu(
    how: Unrounded,
    value: torch.Tensor,
    output_scale: float,
    output_zero_point: int,
    alpha: float = 1.0,
) -> torch.Tensor:
    return functional.celu(value, alpha)


def _batch_normalised(
    value: torch.Tensor,
    weight: torch.Tensor | None,
    bias: torch.Tensor | None,
    mean: torch.Tensor,
    var: torch.Tensor,
    eps: float,
) -> torch.Tensor:
    return functional.batch_norm(value, mean, var, weight, bias, eps=eps)


def _instance_normalised(
    value: torch.Tensor, weight: torch.Tensor | None, bias: torch.Tensor | None, eps: float
) -> torch.Tensor:
    return functional.instance_norm(value, weight=weight, bias=bias, eps=eps)


def _quantised(value: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
    return value


def _read(value: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
    """Real numbers of a tensor: dequantised if of integers, such as weights."""
    if value.is_floating_point():
        return value
    return torch.ops.quantized_decomposed.dequantize_per_tensor(value, *args, **kwargs)


BOUNDARIES: dict[str, Callable[..., torch.Tensor]] = {
    "quantize_per_tensor": _quantised,
    "aten::quantize_per_tensor": _quantised,
    "quantize_per_tensor_dynamic": _quantised,
    "aten::quantize_per_tensor_dynamic": _quantised,
    "quantized_decomposed::quantize_per_tensor": _quantised,
    "dequantize": numbers,
    "aten::dequantize": numbers,
    "quantized_decomposed::dequantize_per_tensor": _read,
}
"""Operators that quantise and dequantise."""

ROUNDING = ("scale", "zero_point", "output_scale", "output_zero_point", "inplace", "training", "p")
"""Keyword arguments about rounding, and others without effect on numbers."""

RULES: dict[str, Rule] = {
    **{f"conv{sides}d": _convolution(sides) for sides in CONVOLUTIONS},
    **{f"conv_transpose{sides}d": _convolution(sides, transposed=True) for sides in TRANSPOSED},
    "conv2d_add": _added_convolution,
    "linear": _linear,
    "linear_leaky_relu": _leaky_linear,
    "linear_tanh": lambda how, *args, **kwargs: torch.tanh(_linear(how, *args, **kwargs)),
    "add": _of(torch.add, 2),
    "mul": _of(torch.mul, 2),
    "add_scalar": _of(torch.add, 2),
    "mul_scalar": _of(torch.mul, 2),
    "matmul": _of(torch.matmul, 2),
    "cat": _of(torch.cat, 2),
    "elu": _elu,
    "celu": _celu,
    "hardswish": _of(functional.hardswish, 1),
    "leaky_relu": _of(functional.leaky_relu, 2),
    "prelu": _of(functional.prelu, 2),
    "sigmoid": _of(torch.sigmoid, 1),
    "softmax": _of(torch.softmax, 2),
    "relu6": _of(functional.relu6, 1),
    "clamp": _of(torch.clamp, 3),
    "threshold": _of(functional.threshold, 3),
    "dropout": _of(torch.clone, 1),
    **{f"batch_norm{sides}": _of(_batch_normalised, 6) for sides in ("", "1d", "2d", "3d")},
    "layer_norm": _of(functional.layer_norm, 5),
    "group_norm": _of(functional.group_norm, 5),
    "instance_norm": _of(_instance_normalised, 4),
    "max_pool1d": _of(functional.max_pool1d, 6),
    "max_pool2d": _of(functional.max_pool2d, 6),
}
"""Rules of operators on codes, by the name after ``quantized::`` and without ``_relu``."""
