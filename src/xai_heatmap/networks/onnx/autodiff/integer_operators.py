"""Integer operators as operators on real numbers, with the scales of their codes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from onnx import NodeProto, helper


@dataclass(frozen=True)
class Triple:
    """Codes with their scale and zero point.

    Parameters
    ----------
    codes, scale, zero
        Names of tensors; "" where there is no zero point, which then is 0.
    axis
        Along which scales differ, where there are several.
    times
        A further factor of the scale: sums of products have the scale of both.
    dynamic
        Whether `codes` are numbers still, and are quantised by their own largest while it runs.
    """

    codes: str
    scale: str
    zero: str = ""
    axis: int = 1
    times: str | None = None
    dynamic: bool = False


@dataclass(frozen=True)
class Quantised:
    """An operator of numbers in an integer operator's place.

    Parameters
    ----------
    operator, attributes
        The standard's.
    inputs
        Of codes, or of tensors that are taken as they are.
    answer
        Scale and zero point of what comes out; None where numbers come out.
    bias
        What is added before.
    """

    operator: str
    inputs: Sequence[Triple | str]
    answer: tuple[str, str] | None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    bias: str | None = None


Made = Callable[[NodeProto], Quantised | None]


def _convolution(node: NodeProto) -> Quantised | None:
    given, how = _inputs(node, 9), _attributes(node)
    if how.pop("channels_last", 0):
        return None
    x, w = _codes(given, 0), _codes(given, 3, axis=0)
    bias = [Triple(given[8], x.scale, axis=0, times=w.scale)] if given[8] else []
    return Quantised("Conv", [x, w, *bias], (given[6], given[7]), how)


def _product(node: NodeProto) -> Quantised:
    given = _inputs(node, 8)
    a, b = _codes(given, 0, axis=-2), _codes(given, 3, axis=-1)
    return Quantised("MatMul", [a, b], (given[6], given[7]))


def _gemm(node: NodeProto) -> Quantised:
    given, how = _inputs(node, 9), _attributes(node)
    a, b = _codes(given, 0), _codes(given, 3, axis=0 if how.get("transB", 0) else 1)
    bias = [Triple(given[6], a.scale, axis=-1, times=b.scale)] if given[6] else []
    how["beta"] = how.get("alpha", 1.0)
    return Quantised("Gemm", [a, b, *bias], (given[7], given[8]) if given[7] else None, how)


def _pair(operator: str) -> Made:
    def made(node: NodeProto) -> Quantised:
        given = _inputs(node, 8)
        return Quantised(operator, [_codes(given, 0), _codes(given, 3)], (given[6], given[7]))

    return made


def _single(operator: str) -> Made:
    def made(node: NodeProto) -> Quantised | None:
        given, how = _inputs(node, 5), _attributes(node)
        old = how.pop("opset", 13) < 13 and how.get("axis", -1) != -1  # then it flattened first
        if how.pop("channels_last", 0) or old:
            return None
        return Quantised(operator, [_codes(given, 0)], (given[3], given[4]), how)

    return made


def _concatenation(node: NodeProto) -> Quantised:
    scale, zero, *rest = node.input
    parts = [_codes(rest, place) for place in range(0, len(rest), 3)]
    return Quantised("Concat", parts, (scale, zero), _attributes(node))


def _choice(node: NodeProto) -> Quantised:
    given = _inputs(node, 9)
    both = [_codes(given, 1), _codes(given, 4)]
    return Quantised("Where", [given[0], *both], (given[7], given[8]))


def _product_to_numbers(node: NodeProto) -> Quantised:
    a, b, a_scale, b_scale, a_zero, b_zero, bias = _inputs(node, 7)
    both = [Triple(a, a_scale, a_zero, axis=-2), Triple(b, b_scale, b_zero, axis=-1)]
    return Quantised("MatMul", both, None, bias=bias or None)


def _dynamic_product(node: NodeProto) -> Quantised:
    a, b, b_scale, b_zero, bias = _inputs(node, 5)
    both = [Triple(a, "", dynamic=True), Triple(b, b_scale, b_zero, axis=-1)]
    return Quantised("MatMul", both, None, bias=bias or None)


def _codes(names: Sequence[str], place: int, axis: int = 1) -> Triple:
    """Codes, scale and zero point, from a place among a node's inputs on."""
    return Triple(names[place], names[place + 1], names[place + 2], axis)


def _inputs(node: NodeProto, count: int) -> list[str]:
    """Names of `count` inputs of a node, "" for inputs that are left out."""
    return [*node.input, *[""] * (count - len(node.input))]


def _attributes(node: NodeProto) -> dict[str, Any]:
    return {a.name: helper.get_attribute_value(a) for a in node.attribute}


INTEGER: Mapping[str, Made] = {
    "DynamicQuantizeMatMul": _dynamic_product,
    "MatMulIntegerToFloat": _product_to_numbers,
    "QGemm": _gemm,
    "QLinearAdd": _pair("Add"),
    "QLinearAveragePool": _single("AveragePool"),
    "QLinearConcat": _concatenation,
    "QLinearConv": _convolution,
    "QLinearGlobalAveragePool": _single("GlobalAveragePool"),
    "QLinearLeakyRelu": _single("LeakyRelu"),
    "QLinearMatMul": _product,
    "QLinearMul": _pair("Mul"),
    "QLinearSigmoid": _single("Sigmoid"),
    "QLinearSoftmax": _single("Softmax"),
    "QLinearWhere": _choice,
}
