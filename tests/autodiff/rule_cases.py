"""One case per operator: random shapes and attributes, no kinks, and its twin in torch."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from hypothesis import strategies as st

Draw = Callable[[st.SearchStrategy], object]


@dataclass(frozen=True)
class Case:
    """A node, its inputs, and its twin; inputs in `fixed` are stored, the others differentiated."""

    inputs: Sequence[np.ndarray | None]
    twin: Callable[..., torch.Tensor | Sequence[torch.Tensor]]
    attributes: dict = field(default_factory=dict)
    fixed: tuple[int, ...] = ()
    outputs: int = 1
    opset: int = 18
    single: bool = False


CASES: dict[str, Callable[[Draw, np.random.Generator], Case]] = {}


def case(*operators: str) -> Callable:
    def register(function: Callable) -> Callable:
        for operator in operators:
            several = len(operators) > 1
            CASES[operator] = (
                (lambda draw, rng, o=operator: function(draw, rng, o)) if several else function
            )
        return function

    return register


def shape(draw: Draw, low: int = 1, high: int = 4, *, longest: int = 5) -> tuple[int, ...]:
    return tuple(draw(st.lists(st.integers(1, longest), min_size=low, max_size=high)))


def smooth(rng: np.random.Generator, shape: Sequence[int]) -> np.ndarray:
    return rng.standard_normal(shape)


def off_kinks(
    rng: np.random.Generator, shape: Sequence[int], *kinks: float, scale: float = 2.0
) -> np.ndarray:
    """Random numbers, none nearer than 0.05 to a kink."""
    x = rng.standard_normal(shape) * scale
    for kink in kinks:
        near = np.abs(x - kink) < 0.05
        x = np.where(near, kink + 0.05 + np.abs(x - kink), x)
    return x


def distinct(rng: np.random.Generator, shape: Sequence[int]) -> np.ndarray:
    """Random numbers, no two nearer than 0.05."""
    size = int(np.prod(shape))
    return (rng.permutation(size) * 0.1 - size * 0.05 + rng.uniform(0, 0.05, size)).reshape(shape)


def floats(draw: Draw, low: float, high: float) -> float:
    return round(draw(st.floats(low, high)), 2)


def stretched(draw: Draw, full: Sequence[int]) -> tuple[int, ...]:
    """A shape that broadcasts to the full one."""
    kept = [draw(st.sampled_from((length, 1))) for length in full]
    return tuple(kept[draw(st.integers(0, len(kept))) :])


# ---- functions of one number


def _unary(
    name: str, twin: Callable, *kinks: float, positive: bool = False, opset: int = 18
) -> None:
    def build(draw: Draw, rng: np.random.Generator) -> Case:
        x = off_kinks(rng, shape(draw, 0), *kinks)
        return Case([np.abs(x) + 0.1 if positive else x], twin, opset=opset)

    CASES[name] = build


_unary("Relu", F.relu, 0)
_unary("Sigmoid", torch.sigmoid)
_unary("Tanh", torch.tanh)
_unary("Erf", torch.erf)
_unary("Mish", F.mish)
_unary("Softplus", F.softplus)
_unary("Softsign", F.softsign, 0)
_unary("HardSwish", F.hardswish, -3, 3)
_unary("Sin", torch.sin)
_unary("Cos", torch.cos)
_unary("Exp", torch.exp)
_unary("Log", torch.log, positive=True)
_unary("Sqrt", torch.sqrt, positive=True)
_unary("Reciprocal", torch.reciprocal, positive=True)
_unary("Neg", torch.neg)
_unary("Abs", torch.abs, 0)
_unary("Identity", lambda x: x * 1)
_unary("Atan", torch.atan)
_unary("Sinh", torch.sinh)
_unary("Cosh", torch.cosh)
_unary("Asinh", torch.asinh)


@case("Tan", "Asin", "Acos", "Atanh", "Acosh")
def of_an_interval(draw: Draw, rng: np.random.Generator, operator: str) -> Case:
    x = rng.uniform(-0.9, 0.9, shape(draw, 0))
    return Case([x + 2.5 if operator == "Acosh" else x], getattr(torch, operator.lower()))


@case("Mod")
def remainder(draw: Draw, rng: np.random.Generator) -> Case:
    full = shape(draw)
    b = rng.choice([-1.0, 1.0], stretched(draw, full)) * 1.5
    whole = rng.integers(-3, 4, full)
    a = b * (whole + rng.uniform(0.1, 0.9, full) * np.where(whole < 0, -1, 1))
    return Case([a, b], torch.fmod, {"fmod": 1}, single=True)


@case("LeakyRelu", "Elu", "Celu", "ThresholdedRelu", "Swish")
def with_alpha(draw: Draw, rng: np.random.Generator, operator: str) -> Case:
    alpha = floats(draw, 0.1, 2.0)
    twin = {
        "LeakyRelu": lambda x: F.leaky_relu(x, alpha),
        "Elu": lambda x: F.elu(x, alpha),
        "Celu": lambda x: F.celu(x, alpha),
        "ThresholdedRelu": lambda x: F.threshold(x, alpha, 0.0),
        "Swish": lambda x: x * torch.sigmoid(alpha * x),
    }[operator]
    return Case(
        [off_kinks(rng, shape(draw), 0, alpha)],
        twin,
        {"alpha": alpha},
        opset=24 if operator == "Swish" else 18,
    )


@case("PRelu")
def prelu(draw: Draw, rng: np.random.Generator) -> Case:
    full = shape(draw, 2)
    slope = np.abs(smooth(rng, stretched(draw, full)))
    return Case([off_kinks(rng, full, 0), slope], lambda x, s: torch.where(x > 0, x, x * s))


@case("Selu")
def selu(draw: Draw, rng: np.random.Generator) -> Case:
    alpha, gamma = floats(draw, 0.5, 2), floats(draw, 0.5, 2)
    x = off_kinks(rng, shape(draw), 0)
    return Case(
        [x],
        lambda x: gamma * torch.where(x > 0, x, alpha * (x.exp() - 1)),
        {"alpha": alpha, "gamma": gamma},
    )


@case("HardSigmoid")
def hard_sigmoid(draw: Draw, rng: np.random.Generator) -> Case:
    alpha, beta = floats(draw, 0.1, 0.5), floats(draw, 0.2, 0.8)
    x = off_kinks(rng, shape(draw), -beta / alpha, (1 - beta) / alpha)
    return Case([x], lambda x: (alpha * x + beta).clamp(0, 1), {"alpha": alpha, "beta": beta})


@case("Clip")
def clip(draw: Draw, rng: np.random.Generator) -> Case:
    low = draw(st.sampled_from((None, -1.0, 0.0)))
    high = draw(st.sampled_from((None, 1.5, 6.0)))
    bounds = [None if bound is None else np.array(bound) for bound in (low, high)]
    x = off_kinks(rng, shape(draw), -1, 0, 1.5, 6)
    return Case(
        [x, *bounds],
        lambda x, *_: x * 1 if low is high is None else x.clamp(low, high),
        fixed=(1, 2),
    )


@case("Gelu")
def gelu(draw: Draw, rng: np.random.Generator) -> Case:
    kind = draw(st.sampled_from(("none", "tanh")))
    return Case(
        [smooth(rng, shape(draw)) * 2],
        lambda x: F.gelu(x, approximate=kind),
        {"approximate": kind},
        opset=20,
    )


@case("Softmax", "LogSoftmax")
def softmax(draw: Draw, rng: np.random.Generator, operator: str) -> Case:
    full = shape(draw)
    axis = draw(st.integers(-len(full), len(full) - 1))
    twin = torch.softmax if operator == "Softmax" else torch.log_softmax
    return Case([smooth(rng, full)], lambda x: twin(x, axis), {"axis": axis})


# ---- arithmetic


@case("Add", "Sub", "Mul", "Div")
def binary(draw: Draw, rng: np.random.Generator, operator: str) -> Case:
    full = shape(draw)
    left, right = (full, stretched(draw, full))
    if draw(st.booleans()):
        left, right = right, left
    twin = {"Add": torch.add, "Sub": torch.sub, "Mul": torch.mul, "Div": torch.div}[operator]
    return Case([smooth(rng, left), off_kinks(rng, right, 0) + 0.0], twin)


@case("Pow")
def power(draw: Draw, rng: np.random.Generator) -> Case:
    full = shape(draw)
    if draw(st.booleans()):
        return Case(
            [np.abs(smooth(rng, full)) + 0.2, smooth(rng, stretched(draw, full))], torch.pow
        )
    exponent = float(draw(st.integers(0, 4)))
    return Case([smooth(rng, full), np.array(exponent)], lambda x, _: x**exponent, fixed=(1,))


@case("Sum", "Mean")
def several(draw: Draw, rng: np.random.Generator, operator: str) -> Case:
    full = shape(draw)
    inputs = [
        smooth(rng, full),
        *(smooth(rng, stretched(draw, full)) for _ in range(draw(st.integers(0, 2)))),
    ]
    return Case(inputs, lambda *x: sum(x) / (len(x) if operator == "Mean" else 1))


@case("Max", "Min")
def extremum(draw: Draw, rng: np.random.Generator, operator: str) -> Case:
    full = shape(draw)
    fold = torch.maximum if operator == "Max" else torch.minimum

    def twin(first: torch.Tensor, *rest: torch.Tensor) -> torch.Tensor:
        for x in rest:
            first = fold(first, x)
        return first * 1

    count = draw(st.integers(1, 3))
    apart = [distinct(rng, full) * 3 + 0.1 * index for index in range(count)]
    tied = [np.round(x / 3) for x in apart[:2]]
    return Case(tied if draw(st.booleans()) else apart, twin)


@case("Where")
def where(draw: Draw, rng: np.random.Generator) -> Case:
    full = shape(draw)
    condition = rng.random(full) > 0.5
    return Case(
        [condition, smooth(rng, full), smooth(rng, stretched(draw, full))], torch.where, fixed=(0,)
    )


@case("CumSum")
def cumulative_sum(draw: Draw, rng: np.random.Generator) -> Case:
    full = shape(draw)
    axis, reverse, exclusive = (
        draw(st.integers(0, len(full) - 1)),
        draw(st.integers(0, 1)),
        draw(st.integers(0, 1)),
    )

    def twin(x: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        x = x.flip(axis) if reverse else x
        y = x.cumsum(axis) - (x if exclusive else 0)
        return y.flip(axis) if reverse else y

    return Case(
        [smooth(rng, full), np.array(axis)],
        twin,
        {"reverse": reverse, "exclusive": exclusive},
        fixed=(1,),
    )


# ---- products of matrices


@case("MatMul")
def matmul(draw: Draw, rng: np.random.Generator) -> Case:
    n, k, m = (draw(st.integers(1, 4)) for _ in range(3))
    batch = shape(draw, 0, 2, longest=3)
    left = draw(st.sampled_from(((k,), (*batch, n, k))))
    right = draw(st.sampled_from(((k,), (k, m), (*stretched(draw, batch), k, m), (*batch, k, m))))
    return Case([smooth(rng, left), smooth(rng, right)], torch.matmul)


@case("Gemm")
def gemm(draw: Draw, rng: np.random.Generator) -> Case:
    n, k, m = (draw(st.integers(1, 4)) for _ in range(3))
    flip_a, flip_b = draw(st.integers(0, 1)), draw(st.integers(0, 1))
    alpha, beta = floats(draw, 0.5, 2), floats(draw, 0.5, 2)
    a = smooth(rng, (k, n) if flip_a else (n, k))
    b = smooth(rng, (m, k) if flip_b else (k, m))
    inputs = [a, b, smooth(rng, stretched(draw, (n, m)))][: draw(st.integers(2, 3))]

    def twin(a: torch.Tensor, b: torch.Tensor, c: torch.Tensor | float = 0.0) -> torch.Tensor:
        return alpha * (a.T if flip_a else a) @ (b.T if flip_b else b) + beta * c

    return Case(inputs, twin, {"alpha": alpha, "beta": beta, "transA": flip_a, "transB": flip_b})


@case("Einsum")
def einsum(draw: Draw, rng: np.random.Generator) -> Case:
    equation = draw(
        st.sampled_from(
            (
                *(
                    "ij,jk->ik",
                    "bhid,bhjd->bhij",
                    "ij->ji",
                    "ij->i",
                    "i,j->ij",
                    "ij,ij->",
                    "bij,bjk->bik",
                    "ij,jk",
                ),
                *(
                    "...ij,...jk->...ik",
                    "abc,bd,ce->ade",
                    "bhwc,hkc->bhwk",
                    "ij,k->ik",
                    "...i->...",
                    "ba",
                ),
            )
        )
    )
    sizes = dict(zip("abcdehijkw", rng.integers(2, 4, 10).tolist(), strict=True))
    shapes = [
        [*(2, 3)] * axes.startswith("...") + [sizes[a] for a in axes.replace("...", "")]
        for axes in equation.split("->")[0].split(",")
    ]
    return Case(
        [smooth(rng, s) for s in shapes],
        lambda *x: torch.einsum(equation, *x) * 1,
        {"equation": equation},
    )


# ---- convolution and pooling

POOL = {
    1: (F.max_pool1d, F.avg_pool1d),
    2: (F.max_pool2d, F.avg_pool2d),
    3: (F.max_pool3d, F.avg_pool3d),
}
CONV = {
    1: (F.conv1d, F.conv_transpose1d),
    2: (F.conv2d, F.conv_transpose2d),
    3: (F.conv3d, F.conv_transpose3d),
}


def numbers(draw: Draw, rank: int, low: int, high: int) -> list[int]:
    return [draw(st.integers(low, high)) for _ in range(rank)]


def same_pads(
    grid: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
    kind: str,
):
    """Padding of TensorFlow's "same", begin and end per axis."""
    pairs = []
    for length, k, s, d in zip(grid, kernel, stride, dilation, strict=True):
        total = max((-(-length // s) - 1) * s + d * (k - 1) + 1 - length, 0)
        small, large = total // 2, total - total // 2
        pairs.append((small, large) if kind == "SAME_UPPER" else (large, small))
    return pairs


def border(x: torch.Tensor, pairs: Sequence[tuple[int, int]], value: float = 0.0) -> torch.Tensor:
    return F.pad(x, [amount for pair in reversed(pairs) for amount in pair], value=value)


@case("Conv")
def conv(draw: Draw, rng: np.random.Generator) -> Case:
    rank = draw(st.sampled_from((2, 2, 1, 3)))
    kernel, strides = numbers(draw, rank, 1, 3), numbers(draw, rank, 1, draw(st.integers(1, 3)))
    dilations = numbers(draw, rank, 1, 2)
    group = draw(st.integers(1, 3))
    inner, outer = group * draw(st.integers(1, 2)), group * draw(st.integers(1, 2))
    grid = [
        d * (k - 1) + 1 + draw(st.integers(0, 5)) for d, k in zip(dilations, kernel, strict=True)
    ]
    attributes = {"strides": strides, "dilations": dilations, "group": group}
    kind = draw(st.sampled_from(("NOTSET", "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER")))
    if kind == "NOTSET":
        pads = numbers(draw, 2 * rank, 0, 3)
        pairs = list(zip(pads[:rank], pads[rank:], strict=True))
        attributes["pads"] = pads
    else:
        dilations = attributes["dilations"] = [1] * rank if kind != "VALID" else dilations
        pairs = (
            [(0, 0)] * rank
            if kind == "VALID"
            else same_pads(grid, kernel, strides, dilations, kind)
        )
        attributes["auto_pad"] = kind
    inputs = [
        smooth(rng, (2, inner, *grid)),
        smooth(rng, (outer, inner // group, *kernel)),
        smooth(rng, (outer,)),
    ]

    def twin(x: torch.Tensor, w: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return CONV[rank][0](
            border(x, pairs), w, b, stride=strides, dilation=dilations, groups=group
        )

    return Case(inputs, twin, attributes, fixed=(1, 2))


@case("ConvTranspose")
def conv_transpose(draw: Draw, rng: np.random.Generator) -> Case:
    rank = draw(st.sampled_from((2, 2, 1, 3)))
    kernel, strides = numbers(draw, rank, 2, 3), numbers(draw, rank, 1, 3)
    dilations = numbers(draw, rank, 1, 2)
    group = draw(st.integers(1, 2))
    inner, outer = group * draw(st.integers(1, 2)), group * draw(st.integers(1, 2))
    grid = numbers(draw, rank, 2, 4)
    extra = [draw(st.integers(0, s - 1)) for s in strides]
    attributes = {"strides": strides, "dilations": dilations, "group": group}
    kind = draw(
        st.sampled_from(("NOTSET", "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER", "output_shape"))
    )
    full = [
        s * (n - 1) + d * (k - 1) + 1
        for s, n, d, k in zip(strides, grid, dilations, kernel, strict=True)
    ]
    if kind == "NOTSET":
        pads = [draw(st.integers(0, 1)) for _ in range(2 * rank)]
        pairs = list(zip(pads[:rank], pads[rank:], strict=True))
        attributes |= {"pads": pads, "output_padding": extra}
    else:
        extra = [0] * rank
        wanted = [f - draw(st.integers(0, 2)) for f in full] if kind == "output_shape" else None
        if wanted:
            attributes["output_shape"] = wanted
        else:
            attributes["auto_pad"] = kind
            wanted = (
                full if kind == "VALID" else [s * n for s, n in zip(strides, grid, strict=True)]
            )
        total = [f - w for f, w in zip(full, wanted, strict=True)]
        if min(total) < 0:
            attributes.pop("auto_pad")
            total = [0] * rank
        upper = kind == "SAME_UPPER"
        pairs = [(t // 2, t - t // 2) if upper else (t - t // 2, t // 2) for t in total]
    inputs = [
        smooth(rng, (2, inner, *grid)),
        smooth(rng, (inner, outer // group, *kernel)),
        smooth(rng, (outer,)),
    ]

    def twin(x: torch.Tensor, w: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        y = CONV[rank][1](
            x, w, b, stride=strides, dilation=dilations, groups=group, output_padding=0
        )
        y = F.pad(y - b.reshape(-1, *[1] * rank), [a for e in reversed(extra) for a in (0, e)])
        y = y + b.reshape(-1, *[1] * rank)
        return y[(..., *(slice(p, n - q) for (p, q), n in zip(pairs, y.shape[2:], strict=True)))]

    return Case(inputs, twin, attributes, fixed=(1, 2))


def pool_geometry(draw: Draw) -> tuple[int, dict, list[int]]:
    rank = draw(st.sampled_from((2, 2, 1, 3)))
    kernel, strides = numbers(draw, rank, 1, 3), numbers(draw, rank, 1, 3)
    attributes = {
        "kernel_shape": kernel,
        "strides": strides,
        "ceil_mode": draw(st.integers(0, 1)),
        "pads": [draw(st.integers(0, k // 2)) for k in kernel] * 2,
    }
    if any(s > k - k // 2 for s, k in zip(strides, kernel, strict=True)):
        attributes["ceil_mode"] = 0  # a window that would lie in the padding alone is refused
    return rank, attributes, [k + draw(st.integers(0, 5)) for k in kernel]


@case("MaxPool")
def max_pool(draw: Draw, rng: np.random.Generator) -> Case:
    rank, attributes, grid = pool_geometry(draw)
    dilation = draw(st.integers(1, 2))
    grid = [n + 2 for n in grid]
    attributes["dilations"] = [dilation] * rank
    x = distinct(rng, (2, 2, *grid))
    x = np.maximum(x, 0) if draw(st.booleans()) else x
    return Case([x], lambda x: POOL[rank][0](
        x, attributes["kernel_shape"], attributes["strides"], attributes["pads"][:rank], dilation,
        bool(attributes["ceil_mode"]),
    ), attributes)  # fmt: skip


@case("AveragePool")
def average_pool(draw: Draw, rng: np.random.Generator) -> Case:
    rank, attributes, grid = pool_geometry(draw)
    attributes["count_include_pad"] = draw(st.integers(0, 1))
    return Case([smooth(rng, (2, 2, *grid))], lambda x: POOL[rank][1](
        x, attributes["kernel_shape"], attributes["strides"], attributes["pads"][:rank],
        bool(attributes["ceil_mode"]), bool(attributes["count_include_pad"]),
    ), attributes, opset=draw(st.sampled_from((18, 22))))  # fmt: skip


@case("LpPool")
def lp_pool(draw: Draw, rng: np.random.Generator) -> Case:
    rank = draw(st.integers(1, 3))
    p, kernel, strides = (
        draw(st.integers(1, 3)),
        numbers(draw, rank, 1, 3),
        numbers(draw, rank, 1, 3),
    )
    x = off_kinks(rng, (2, 2, *(k + 3 for k in kernel)), 0)

    def twin(x: torch.Tensor) -> torch.Tensor:
        return (POOL[rank][1](x.abs() ** p, kernel, strides) * math.prod(kernel)) ** (1 / p)

    return Case([x], twin, {"kernel_shape": kernel, "strides": strides, "p": p})


@case("GlobalAveragePool", "GlobalMaxPool")
def global_pool(draw: Draw, rng: np.random.Generator, operator: str) -> Case:
    full = shape(draw, 3, 5, longest=4)
    grid = tuple(range(2, len(full)))
    twin = torch.mean if operator == "GlobalAveragePool" else torch.amax
    return Case([distinct(rng, full)], lambda x: twin(x, grid, keepdim=True))


# ---- normalisation


def epsilon(draw: Draw) -> float:
    return draw(st.sampled_from((1e-5, 1e-3)))


def per_channel(x: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    return x.reshape(-1, *[1] * (like.ndim - 2))


@case("BatchNormalization")
def batch_normalization(draw: Draw, rng: np.random.Generator) -> Case:
    full, eps = shape(draw, 2, 5), epsilon(draw)
    k = full[1]
    inputs = [
        smooth(rng, full),
        smooth(rng, k),
        smooth(rng, k),
        smooth(rng, k),
        np.abs(smooth(rng, k)) + 0.1,
    ]
    return Case(
        inputs,
        lambda x, s, b, m, v: F.batch_norm(x, m, v, s, b, eps=eps),
        {"epsilon": eps},
        fixed=(1, 2, 3, 4),
    )


@case("InstanceNormalization")
def instance_normalization(draw: Draw, rng: np.random.Generator) -> Case:
    full, eps = (*shape(draw, 2, 2), *numbers(draw, draw(st.integers(1, 3)), 4, 5)), epsilon(draw)
    inputs = [smooth(rng, full), off_kinks(rng, full[1:2], 0), smooth(rng, full[1])]
    return Case(
        inputs,
        lambda x, s, b: F.instance_norm(x, weight=s, bias=b, eps=eps),
        {"epsilon": eps},
        fixed=(1, 2),
    )


@case("LayerNormalization", "RMSNormalization")
def layer_normalization(draw: Draw, rng: np.random.Generator, operator: str) -> Case:
    full, eps = (*shape(draw, 1, 3), 6), epsilon(draw)
    axis = draw(st.integers(-len(full), -1))
    scale, bias = smooth(rng, full[axis:]), smooth(rng, full[axis:])
    attributes = {"axis": axis, "epsilon": eps}
    if operator == "RMSNormalization":
        return Case(
            [smooth(rng, full), scale],
            lambda x, s: F.rms_norm(x, s.shape, s, eps),
            attributes,
            (1,),
            opset=23,
        )
    inputs = [smooth(rng, full), scale, bias][: draw(st.integers(2, 3))]
    return Case(
        inputs, lambda x, s, b=None: F.layer_norm(x, s.shape, s, b, eps), attributes, (1, 2)
    )


@case("GroupNormalization")
def group_normalization(draw: Draw, rng: np.random.Generator) -> Case:
    groups, eps = draw(st.integers(1, 3)), epsilon(draw)
    k = groups * draw(st.integers(1, 3))
    full = (2, k, *numbers(draw, draw(st.integers(1, 3)), 3, 4))
    return Case(
        [smooth(rng, full), smooth(rng, k), smooth(rng, k)],
        lambda x, s, b: F.group_norm(x, groups, s, b, eps),
        {"epsilon": eps, "num_groups": groups},
        fixed=(1, 2),
        opset=21,
    )


@case("LpNormalization")
def lp_normalization(draw: Draw, rng: np.random.Generator) -> Case:
    full, p = shape(draw), draw(st.integers(1, 2))
    axis = draw(st.integers(-len(full), len(full) - 1))
    x = off_kinks(rng, full, 0)
    return Case([x], lambda x: x / x.norm(p, axis, keepdim=True), {"p": p, "axis": axis})


# ---- reductions

REDUCTION = {
    "ReduceSum": torch.sum,
    "ReduceMean": torch.mean,
    "ReduceMax": torch.amax,
    "ReduceMin": torch.amin,
    "ReduceL1": lambda x, axes, keepdim: x.abs().sum(axes, keepdim=keepdim),
    "ReduceL2": lambda x, axes, keepdim: (x * x).sum(axes, keepdim=keepdim).sqrt(),
    "ReduceSumSquare": lambda x, axes, keepdim: (x * x).sum(axes, keepdim=keepdim),
    "ReduceLogSumExp": torch.logsumexp,
}


@case(*REDUCTION)
def reduction(draw: Draw, rng: np.random.Generator, operator: str) -> Case:
    full = shape(draw)
    axes = draw(st.sets(st.integers(0, len(full) - 1)))
    keepdim, noop = draw(st.booleans()), draw(st.booleans())
    noop = noop and operator in ("ReduceSum", "ReduceMean", "ReduceMax")
    attributes = {"keepdims": int(keepdim), "noop_with_empty_axes": int(noop)}
    signed = np.array([axis - draw(st.sampled_from((0, len(full)))) for axis in axes], np.int64)
    x = distinct(rng, full)
    if operator in ("ReduceMax", "ReduceMin"):
        x = np.round(x)
    x = x + np.where(np.abs(x) < 0.05, 0.1, 0) if operator == "ReduceL1" else x
    if not axes and noop:
        return Case([x], lambda x: x * 1, attributes)
    every = tuple(axes) or tuple(range(len(full)))
    inputs = [x, signed] if axes else [x]
    return Case(
        inputs, lambda x, *_: REDUCTION[operator](x, every, keepdim=keepdim), attributes, fixed=(1,)
    )


# ---- arrangement


@case("Reshape")
def reshape(draw: Draw, rng: np.random.Generator) -> Case:
    full = shape(draw, 2)
    new = [0, -1] if draw(st.booleans()) else [-1]
    target = (full[0], -1) if len(new) == 2 else (-1,)
    return Case([smooth(rng, full), np.array(new)], lambda x, _: x.reshape(target), fixed=(1,))


@case("Flatten")
def flatten(draw: Draw, rng: np.random.Generator) -> Case:
    full = shape(draw)
    axis = draw(st.integers(0, len(full)))
    return Case(
        [smooth(rng, full)], lambda x: x.reshape(math.prod(full[:axis]), -1), {"axis": axis}
    )


@case("Squeeze")
def squeeze(draw: Draw, rng: np.random.Generator) -> Case:
    full = list(shape(draw))
    axis = draw(st.integers(0, len(full)))
    full.insert(axis, 1)
    return Case([smooth(rng, full), np.array([axis])], lambda x, _: x.squeeze(axis), fixed=(1,))


@case("Unsqueeze")
def unsqueeze(draw: Draw, rng: np.random.Generator) -> Case:
    full = shape(draw)
    axis = draw(st.integers(-len(full) - 1, len(full)))
    return Case([smooth(rng, full), np.array([axis])], lambda x, _: x.unsqueeze(axis), fixed=(1,))


@case("Transpose")
def transpose(draw: Draw, rng: np.random.Generator) -> Case:
    full = shape(draw)
    order = draw(st.permutations(range(len(full))))
    if draw(st.booleans()):
        return Case([smooth(rng, full)], lambda x: x.permute(*reversed(range(len(full)))))
    return Case([smooth(rng, full)], lambda x: x.permute(*order), {"perm": list(order)})


@case("Expand")
def expand(draw: Draw, rng: np.random.Generator) -> Case:
    full = shape(draw)
    return Case(
        [smooth(rng, stretched(draw, full)), np.array(full)],
        lambda x, _: x.expand(full),
        fixed=(1,),
    )


@case("Tile")
def tile(draw: Draw, rng: np.random.Generator) -> Case:
    full = shape(draw)
    repeats = numbers(draw, len(full), 1, 3)
    return Case([smooth(rng, full), np.array(repeats)], lambda x, _: x.repeat(*repeats), fixed=(1,))


@case("Dropout")
def dropout(draw: Draw, rng: np.random.Generator) -> Case:
    return Case([smooth(rng, shape(draw)), np.array(0.5)], lambda x, _: x * 1, fixed=(1,))


@case("Cast")
def cast(draw: Draw, rng: np.random.Generator) -> Case:
    return Case([smooth(rng, shape(draw))], lambda x: x * 1, {"to": 1})


@case("CastLike")
def cast_like(draw: Draw, rng: np.random.Generator) -> Case:
    return Case([smooth(rng, shape(draw)), np.zeros(1)], lambda x, _: x * 1, fixed=(1,))


@case("Concat")
def concat(draw: Draw, rng: np.random.Generator) -> Case:
    full = list(shape(draw))
    axis = draw(st.integers(-len(full), len(full) - 1))
    inputs = []
    for _ in range(draw(st.integers(1, 3))):
        full[axis] = draw(st.integers(1, 4))
        inputs.append(smooth(rng, full))
    return Case(inputs, lambda *x: torch.cat(x, axis), {"axis": axis})


@case("Split")
def split(draw: Draw, rng: np.random.Generator) -> Case:
    full = list(shape(draw))
    axis = draw(st.integers(-len(full), len(full) - 1))
    sizes = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    full[axis] = sum(sizes)
    return Case(
        [smooth(rng, full), np.array(sizes)],
        lambda x, _: x.split(sizes, axis),
        {"axis": axis},
        fixed=(1,),
        outputs=len(sizes),
    )


@case("DepthToSpace")
def depth_to_space(draw: Draw, rng: np.random.Generator) -> Case:
    size, mode = draw(st.integers(1, 3)), draw(st.sampled_from(("DCR", "CRD")))
    n, c, h, w = shape(draw, 4, 4, longest=3)

    def twin(x: torch.Tensor) -> torch.Tensor:
        if mode == "DCR":
            x = x.reshape(n, size * size, c, h, w).transpose(1, 2).reshape(n, c * size * size, h, w)
        return F.pixel_shuffle(x, size)

    return Case([smooth(rng, (n, c * size * size, h, w))], twin, {"blocksize": size, "mode": mode})


@case("SpaceToDepth")
def space_to_depth(draw: Draw, rng: np.random.Generator) -> Case:
    size = draw(st.integers(1, 3))
    n, c, h, w = shape(draw, 4, 4, longest=3)

    def twin(x: torch.Tensor) -> torch.Tensor:
        y = F.pixel_unshuffle(x, size).reshape(n, c, size * size, h, w)
        return y.transpose(1, 2).reshape(n, -1, h, w)

    return Case([smooth(rng, (n, c, h * size, w * size))], twin, {"blocksize": size})


# ---- selection


@case("Slice")
def slice_(draw: Draw, rng: np.random.Generator) -> Case:
    full = shape(draw)
    axes = sorted(draw(st.sets(st.integers(0, len(full) - 1), min_size=1)))
    cuts = {}
    for axis in axes:
        start, stop = sorted(
            draw(st.lists(st.integers(0, full[axis]), min_size=2, max_size=2, unique=True))
        )
        cuts[axis] = range(full[axis])[start : stop : draw(st.integers(1, 2))]
    turned = {axis: r[::-1] if draw(st.booleans()) else r for axis, r in cuts.items()}
    starts = [r.start - full[a] * draw(st.integers(0, 1)) for a, r in turned.items()]
    ends = [
        r.stop if r.step > 0 else (r.stop if r.stop >= 0 else -(2**31)) for r in turned.values()
    ]
    signed = [axis - len(full) * draw(st.integers(0, 1)) for axis in axes]
    inputs = [
        smooth(rng, full),
        *map(np.array, (starts, ends, signed, [r.step for r in turned.values()])),
    ]

    def twin(x: torch.Tensor, *_: torch.Tensor) -> torch.Tensor:
        for axis, taken in turned.items():
            x = x.index_select(axis, torch.tensor(list(taken)))
        return x

    return Case(
        inputs[: 5 if any(r.step != 1 for r in turned.values()) else 4], twin, fixed=(1, 2, 3, 4)
    )


@case("Gather")
def gather(draw: Draw, rng: np.random.Generator) -> Case:
    full = shape(draw)
    axis = draw(st.integers(-len(full), len(full) - 1))
    index = np.array(rng.integers(-full[axis], full[axis], shape(draw, 0, 2, longest=3)))

    def twin(x: torch.Tensor, i: torch.Tensor) -> torch.Tensor:
        a = axis % len(full)
        picked = x.index_select(a, i.reshape([-1]) % full[axis])
        return picked.reshape([*full[:a], *index.shape, *full[a + 1 :]])

    return Case([smooth(rng, full), index], twin, {"axis": axis}, fixed=(1,))


@case("GatherElements")
def gather_elements(draw: Draw, rng: np.random.Generator) -> Case:
    full = shape(draw)
    axis = draw(st.integers(0, len(full) - 1))
    index = rng.integers(0, full[axis], full)
    return Case(
        [smooth(rng, full), index], lambda x, i: x.gather(axis, i), {"axis": axis}, fixed=(1,)
    )


@case("GatherND")
def gather_nd(draw: Draw, rng: np.random.Generator) -> Case:
    full = shape(draw, 2, 4)
    depth = draw(st.integers(1, len(full)))
    index = np.stack([rng.integers(0, full[axis], (2, 3)) for axis in range(depth)], -1)
    return Case([smooth(rng, full), index], lambda x, i: x[tuple(i.unbind(-1))], fixed=(1,))


@case("TopK")
def top_k(draw: Draw, rng: np.random.Generator) -> Case:
    full = shape(draw)
    axis, largest = draw(st.integers(0, len(full) - 1)), draw(st.integers(0, 1))
    k = draw(st.integers(1, full[axis]))
    return Case(
        [distinct(rng, full), np.array([k])],
        lambda x, _: x.topk(k, axis, bool(largest)).values,
        {"axis": axis - draw(st.sampled_from((0, len(full)))), "largest": largest},
        fixed=(1,),
    )


@case("ScatterElements")
def scatter_elements(draw: Draw, rng: np.random.Generator) -> Case:
    full = shape(draw)
    axis, adds = draw(st.integers(0, len(full) - 1)), draw(st.booleans())
    part = tuple(draw(st.integers(1, length)) for length in full)
    index = np.apply_along_axis(
        lambda _: rng.permutation(full[axis])[: part[axis]], axis, np.zeros(part, np.int64)
    )

    def twin(x: torch.Tensor, i: torch.Tensor, updates: torch.Tensor) -> torch.Tensor:
        return x.scatter_add(axis, i, updates) if adds else x.scatter(axis, i, updates)

    attributes = {"axis": axis} | ({"reduction": "add"} if adds else {})
    return Case([smooth(rng, full), index, smooth(rng, part)], twin, attributes, fixed=(1,))


@case("ScatterND")
def scatter_nd(draw: Draw, rng: np.random.Generator) -> Case:
    full = shape(draw, 2, 4)
    adds, count = draw(st.booleans()), draw(st.integers(1, full[0]))
    index = rng.permutation(full[0])[:count][:, None]
    attributes = {"reduction": "add"} if adds else {}
    return Case(
        [smooth(rng, full), index, smooth(rng, (count, *full[1:]))],
        lambda x, i, u: x.index_put((i[:, 0],), u, accumulate=adds),
        attributes,
        fixed=(1,),
    )


@case("Trilu")
def triangle(draw: Draw, rng: np.random.Generator) -> Case:
    upper, k = draw(st.integers(0, 1)), draw(st.integers(-2, 2))
    x = smooth(rng, (*shape(draw, 0, 2), *numbers(draw, 2, 2, 5)))
    function = torch.triu if upper else torch.tril
    return Case([x, np.array(k)], lambda x, _: function(x, k), {"upper": upper}, fixed=(1,))


@case("Col2Im")
def columns_to_image(draw: Draw, rng: np.random.Generator) -> Case:
    image, block = numbers(draw, 2, 4, 6), numbers(draw, 2, 1, 3)
    pads, strides = numbers(draw, 2, 0, 1), numbers(draw, 2, 1, 2)
    counts = [
        (length + 2 * pad - size) // stride + 1
        for length, pad, size, stride in zip(image, pads, block, strides, strict=True)
    ]
    x = smooth(rng, (2, 3 * block[0] * block[1], counts[0] * counts[1]))
    return Case(
        [x, np.array(image), np.array(block)],
        lambda x, *_: F.fold(x, image, block, padding=pads, stride=strides),
        {"pads": [*pads, *pads], "strides": [*strides]},
        fixed=(1, 2),
        single=True,
    )


@case("ReduceProd")
def reduced_product(draw: Draw, rng: np.random.Generator) -> Case:
    full = shape(draw, 2, 3, longest=3)
    axis, keepdim = draw(st.integers(0, len(full) - 1)), draw(st.booleans())
    x = off_kinks(rng, full, 0) * (rng.random(full) > draw(st.sampled_from((0, 0.3))))
    return Case(
        [x, np.array([axis])],
        lambda x, _: x.prod(axis, keepdim=keepdim),
        {"keepdims": int(keepdim)},
        fixed=(1,),
    )


@case("Pad")
def pad(draw: Draw, rng: np.random.Generator) -> Case:
    mode = draw(st.sampled_from(("constant", "reflect", "edge")))
    full = (*shape(draw, 2, 2), *numbers(draw, 2, 4, 6))
    pads = numbers(draw, 4, -2 if mode == "constant" else 0, 2)
    top, left, bottom, right = pads
    kind = "replicate" if mode == "edge" else mode
    if mode == "constant" and draw(st.booleans()):
        inputs = [smooth(rng, full), np.array(pads), np.array(1.5), np.array([2, 3])]
    else:
        inputs = [smooth(rng, full), np.array([0, 0, top, left, 0, 0, bottom, right])]
    value = 1.5 if len(inputs) > 2 else 0.0
    extra = {"value": value} if mode == "constant" else {}
    return Case(
        inputs,
        lambda x, *_: F.pad(x, (left, right, top, bottom), mode=kind, **extra),
        {"mode": mode},
        fixed=(1, 2, 3),
    )


@case("Resize")
def resize(draw: Draw, rng: np.random.Generator) -> Case:
    mode = draw(st.sampled_from(("nearest", "linear")))
    full = (*shape(draw, 2, 2), *numbers(draw, 2, 2, 5))
    size = numbers(draw, 2, 2, 9)
    corners = mode == "linear" and draw(st.booleans())
    coordinate = (
        "asymmetric" if mode == "nearest" else "align_corners" if corners else "pytorch_half_pixel"
    )
    options = (
        {"mode": "bilinear", "align_corners": corners} if mode == "linear" else {"mode": "nearest"}
    )
    attributes = {
        "mode": mode,
        "coordinate_transformation_mode": coordinate,
        "nearest_mode": "floor",
    }
    if draw(st.booleans()):
        inputs = [smooth(rng, full), None, None, np.array(size)]
        attributes["axes"] = [2, 3]
    else:
        scales = [2.0, 3.0]
        size = [length * int(scale) for length, scale in zip(full[2:], scales, strict=True)]
        inputs = [smooth(rng, full), None, np.array([1, 1, *scales], np.float32)]
    return Case(inputs, lambda x, *_: F.interpolate(x, size, **options), attributes, fixed=(2, 3))


@case("GridSample")
def sampled(draw: Draw, rng: np.random.Generator) -> Case:
    """Places inside the picture and outside, none on an entry or halfway between two."""
    planes = draw(st.booleans())
    full = (*shape(draw, 2, 2, longest=3), *numbers(draw, 2 if planes else 3, 1, 5))
    size = numbers(draw, len(full) - 2, 1, 4)
    newer = not planes or draw(st.booleans())
    nearest, corners = draw(st.booleans()), draw(st.booleans())
    padding = draw(st.sampled_from(("zeros", "border")))
    names = ("nearest", "linear" if newer else "bilinear")
    grid = np.empty((full[0], *size, len(size)))
    for axis, length in enumerate(reversed(full[2:])):
        place = rng.integers(-3, length + 2, grid.shape[:-1]) + rng.choice(
            [0.25, 0.7], grid.shape[:-1]
        )
        grid[..., axis] = (
            place * 2 / max(length - 1, 1) - 1 if corners else (place * 2 + 1) / length - 1
        )
    attributes = {
        "mode": names[not nearest],
        "padding_mode": padding,
        "align_corners": int(corners),
    }
    options = {"mode": "nearest" if nearest else "bilinear", "padding_mode": padding}
    return Case(
        [smooth(rng, full), grid],
        lambda x, grid: F.grid_sample(x, grid, align_corners=corners, **options),
        attributes,
        opset=20 if newer else 18,
    )


@case("RoiAlign")
def cut_out(draw: Draw, rng: np.random.Generator) -> Case:
    """Regions inside the picture and beyond its borders, of either picture."""
    images, channels, rows, columns = (2, *numbers(draw, 3, 1, 4))
    high, wide, samples = numbers(draw, 3, 1, 2)
    shifted, scale = draw(st.booleans()), draw(st.sampled_from((1.0, 0.5)))
    start = rng.uniform(-3, 5, (2, 2))
    regions = np.concatenate([start, start + rng.uniform(0.2, 8, (2, 2))], axis=1)
    attributes = {
        "output_height": high,
        "output_width": wide,
        "sampling_ratio": samples,
        "spatial_scale": scale,
        "coordinate_transformation_mode": "half_pixel" if shifted else "output_half_pixel",
    }
    of_image = np.array([1, 0])

    def twin(x: torch.Tensor, *_: object) -> torch.Tensor:
        every = [
            [_bin(x[i], box * scale - 0.5 * shifted, shifted, (r, c), (high, wide), samples)
             for r in range(high) for c in range(wide)]
            for i, box in zip(of_image, regions, strict=True)
        ]  # fmt: skip
        return torch.stack([torch.stack(own, 1) for own in every]).unflatten(2, (high, wide))

    full = (images, channels, rows, columns)
    return Case([smooth(rng, full), regions, of_image], twin, attributes, fixed=(1, 2))


def _bin(
    x: torch.Tensor,
    box: np.ndarray,
    shifted: bool,
    at: tuple[int, int],
    bins: Sequence[int],
    samples: int,
) -> torch.Tensor:
    """Mean of the samples of one bin, one by one, each between the four entries around it."""
    total = 0 * x.sum((1, 2))
    sides = [box[3] - box[1], box[2] - box[0]]
    sides = [side if shifted else max(side, 1) for side in sides]
    for i in range(samples):
        for j in range(samples):
            place = [
                box[1 - axis] + sides[axis] * (at[axis] + (own + 0.5) / samples) / bins[axis]
                for axis, own in enumerate((i, j))
            ]
            if any(p < -1 or p > n for p, n in zip(place, x.shape[1:], strict=True)):
                continue
            place = [min(max(p, 0), n - 1) for p, n in zip(place, x.shape[1:], strict=True)]
            for row in {int(place[0]), min(int(place[0]) + 1, x.shape[1] - 1)}:
                for column in {int(place[1]), min(int(place[1]) + 1, x.shape[2] - 1)}:
                    near = (1 - abs(place[0] - row)) * (1 - abs(place[1] - column))
                    total = total + near * x[:, row, column]
    return total / samples**2


# ---- quantisation


class StraightThrough(torch.autograd.Function):
    """Rounding, taken for the identity on the way back."""

    @staticmethod
    def forward(context: object, x: torch.Tensor) -> torch.Tensor:
        return torch.round(x)

    @staticmethod
    def backward(context: object, g: torch.Tensor) -> torch.Tensor:
        return g


@case("QuantizeLinear", "DequantizeLinear")
def quantised(draw: Draw, rng: np.random.Generator, operator: str) -> Case:
    """Both operators, one after the other: only together are they a function of real numbers."""
    full = shape(draw, 2, 4)
    axis = draw(st.integers(-len(full), len(full) - 1))
    per_axis = draw(st.booleans())
    size = (full[axis],) if per_axis else ()
    scale = np.asarray(rng.uniform(0.02, 0.06, size), np.float32)
    kind = draw(st.sampled_from((np.int8, np.uint8)))
    zero = np.asarray(rng.integers(-20, 20, size) + (0 if kind is np.int8 else 128), kind)
    around = [1] * len(full)
    around[axis] = -1
    limits = np.iinfo(kind)

    def twin(x: torch.Tensor, s: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        s, z = (v.double().reshape(around if per_axis else []) for v in (s, z))
        return (StraightThrough.apply(x / s).add(z).clamp(limits.min, limits.max) - z) * s

    levels = rng.integers(-300, 300, full) + rng.uniform(-0.4, 0.4, full)
    x = levels * scale.astype(float).reshape(around if per_axis else ())
    return Case(
        [x.astype(np.float32), scale, zero], twin, {"axis": axis}, fixed=(1, 2), single=True
    )
