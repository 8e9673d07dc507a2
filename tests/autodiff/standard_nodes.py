"""One node of every operator that gradients are claimed for, in every version of the standard."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, defs, helper, numpy_helper

from xai_heatmap.networks.onnx.autodiff.registry import CONSTANT, rules

OLDEST = 7
RECURRENT = ("LSTM", "GRU", "RNN")
STANDARD = ("", "ai.onnx")

CONVERTED = ("Scatter", "Upsample")
"""Operators of old opsets that are brought up to others."""

ELSEWHERE = {"ConvInteger", "DynamicQuantizeLinear", "MatMulInteger", "SequenceMap"}
"""Tried in test_quantised.py; and one that is no function of arrays."""


@dataclass(frozen=True)
class Way:
    """How an operator is used.

    Parameters
    ----------
    inputs
        By their place; None is left out. Floats are differentiated, unless their place is `stored`.
    said
        What has a name: an input or an attribute, whichever it is in a version. A version that
        knows a name as neither is not tried.
    outputs, answer
        How many outputs the node has, and which of them is looked at.
    opsets
        Outside of these bounds it is not tried.
    """

    inputs: Sequence[np.ndarray | None]
    said: Mapping[str, object] = field(default_factory=dict)
    stored: Sequence[int] = ()
    outputs: int = 1
    answer: int = 0
    opsets: tuple[int, int] = (OLDEST, 10**6)


def numbers(*shape: int, low: float = -2.0, high: float = 2.0, seed: int = 0) -> np.ndarray:
    """All different, evenly spread, in no order, and none on a multiple of a quarter."""
    size = int(np.prod(shape, dtype=int))
    order = np.random.default_rng(seed).permutation(size)
    values = low + (high - low) * (order + 0.5) / size
    near = np.abs(values * 4 - np.round(values * 4)) < 0.1
    return (values + 0.03 * near).astype(np.float32).reshape(shape)


def whole(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def variants(way: Way, *said: Mapping[str, object]) -> list[Way]:
    """The way, and others that say more."""
    return [way, *(replace(way, said={**way.said, **own}) for own in said)]


X = numbers(2, 3, 4)
IMAGES = numbers(2, 4, 6, 6)
POSITIVE = numbers(2, 3, 4, low=0.2)
INSIDE = numbers(2, 3, 4, low=-0.9, high=0.9)
ROW, SCALAR = numbers(4, seed=1), np.float32(0.7)

ONE = {
    **dict.fromkeys(
        [
            "Abs",
            "Asinh",
            "Atan",
            "Celu",
            "Cos",
            "Cosh",
            "Elu",
            "Erf",
            "Exp",
            "Gelu",
            "HardSigmoid",
            "HardSwish",
            "Identity",
            "LeakyRelu",
            "Mish",
            "Neg",
            "Relu",
            "Selu",
            "Shrink",
            "Sigmoid",
            "Sin",
            "Sinh",
            "Softplus",
            "Softsign",
            "Swish",
            "Tanh",
            "ThresholdedRelu",
            "Ceil",
            "Floor",
            "Round",
            "Sign",
            "IsNaN",
            "IsInf",
            "RandomNormalLike",
            "RandomUniformLike",
            "NonZero",
        ],
        X,
    ),
    **dict.fromkeys(["Log", "Sqrt", "Reciprocal"], POSITIVE),
    **dict.fromkeys(["Acos", "Asin", "Atanh", "Tan"], INSIDE),
    "Acosh": POSITIVE + 1,
    "GlobalAveragePool": IMAGES,
    "GlobalMaxPool": IMAGES,
}
MORE = {
    "Celu": [{"alpha": 0.6}],
    "Elu": [{"alpha": 0.6}],
    "Gelu": [{"approximate": "tanh"}],
    "HardSigmoid": [{"alpha": 0.3, "beta": 0.4}],
    "IsInf": [{"detect_negative": 0}],
    "LeakyRelu": [{"alpha": 0.3}],
    "Selu": [{"alpha": 1.2, "gamma": 0.9}],
    "Shrink": [{"lambd": 0.8, "bias": 0.2}],
    "Swish": [{"alpha": 0.7}],
    "ThresholdedRelu": [{"alpha": 0.3}],
}
TWO = {
    **dict.fromkeys(["Add", "Sub", "Mul"], (X, ROW)),
    **dict.fromkeys(["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"], (X, ROW)),
    "Div": (X, numbers(4, low=0.5)),
    "Pow": (POSITIVE, ROW),
    "PRelu": (X, numbers(4, low=0.1)),
    "MatMul": (X, numbers(4, 5, seed=1)),
    "SwiGLU": (X, numbers(2, 3, 4, seed=1)),
}
REDUCED = [
    "ReduceL1",
    "ReduceL2",
    "ReduceMax",
    "ReduceMean",
    "ReduceMin",
    "ReduceProd",
    "ReduceSum",
    "ReduceSumSquare",
    "ReduceLogSumExp",
    "ReduceLogSum",
]
LOGICAL = np.array([[True, False], [True, True]])


def ways(operator: str) -> list[Way]:
    """The ways that are tried; the first says nothing that need not be said."""
    if operator in ONE:
        return variants(Way([ONE[operator]]), *MORE.get(operator, []))
    if operator in TWO:
        return [Way(TWO[operator]), Way(TWO[operator], stored=(1,))]
    if operator in REDUCED:
        plain = Way([POSITIVE])
        return variants(
            plain, {"axes": [1]}, {"axes": [-1, 0]}, {"keepdims": 0}, {"axes": [2], "keepdims": 0},
            {"noop_with_empty_axes": 1},
        )  # fmt: skip
    if operator in RECURRENT:
        return _recurrent(operator)
    if operator in ("And", "Or", "Xor"):
        return [Way([LOGICAL, LOGICAL.T])]
    if operator in ("Max", "Min", "Sum", "Mean"):
        since = (8, 10**6)  # before, all have one shape
        many = [X, ROW, numbers(3, 1, seed=2)]
        return [Way([X]), Way([X, INSIDE]), *(Way(many[:n], opsets=since) for n in (2, 3))]
    if operator in ("ArgMax", "ArgMin"):
        return variants(Way([X]), {"axis": -1}, {"keepdims": 0}, {"select_last_index": 1})
    if operator in ("Softmax", "LogSoftmax", "Hardmax"):
        return variants(Way([X]), {"axis": 0}, {"axis": -2}, {"axis": 2})
    if operator in ("BlackmanWindow", "HammingWindow", "HannWindow"):
        return variants(Way([whole(6)[0]]), {"periodic": 0})
    return OTHERS[operator]


def _recurrent(operator: str) -> list[Way]:
    gates, size = {"LSTM": 4, "GRU": 3, "RNN": 1}[operator], 3
    x, made = numbers(5, 2, 4, low=-1, high=1), []
    for directions in (1, 2):
        w, r, b = (
            numbers(directions, *shape, low=-1, high=1, seed=seed)
            for seed, shape in enumerate(
                [(gates * size, 4), (gates * size, size), (2 * gates * size,)]
            )
        )
        h = numbers(directions, 2, size, low=-1, high=1, seed=3)
        said = {"hidden_size": size} | ({"direction": "bidirectional"} if directions > 1 else {})
        states = [None, h, h] if operator == "LSTM" else [None, h]
        every = 3 if operator == "LSTM" else 2
        plain = Way([x, w, r], said, stored=(1, 2))
        made += [plain, Way([x, w, r, b, *states], said, stored=(1, 2, 3), outputs=2, answer=1)]
        made.append(Way([x, w, r, b], said, stored=(1, 2, 3), outputs=every, answer=every - 1))
        lengths = np.array([5, 5], np.int32)
        made.append(Way([x, w, r, b, lengths], said, stored=(1, 2, 3)))
    return variants(made[0], {"direction": "reverse"}) + made[1:]


def _resizes() -> list[Way]:
    x = numbers(2, 3, 6, 5)
    scales, sizes = np.float32([1, 1, 2, 2]), whole(2, 3, 9, 7)
    odd, shrunk = np.float32([1, 1, 1.5, 2.3]), np.float32([1, 1, 0.6, 0.4])
    single = np.float32([1, 1, 1.4, 1.8])  # 5 · 1.8 is 9 only in single precision
    places = ("asymmetric", "half_pixel", "align_corners", "pytorch_half_pixel")
    old = [Way([x, s], {"mode": m}, opsets=(10, 10)) for s in (scales, odd, shrunk, single)
           for m in ("nearest", "linear")]  # fmt: skip
    empty = np.zeros(0, np.float32)
    new = []
    for s in (scales, odd, shrunk, single):
        for place in places:
            for how in ("linear", *("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")):
                said = {"coordinate_transformation_mode": place}
                said |= {"mode": "linear"} if how == "linear" else {"nearest_mode": how}
                new.append(Way([x, empty, s], said, opsets=(11, 10**6)))
                new.append(Way([x, None, s], said, opsets=(13, 10**6)))
        new.append(Way([x, empty, s], opsets=(11, 10**6)))
    for mode in ("nearest", "linear"):
        new.append(Way([x, empty, empty, sizes], {"mode": mode}, opsets=(11, 12)))
        new.append(Way([x, None, None, sizes], {"mode": mode}, opsets=(13, 10**6)))
        for policy in ("stretch", "not_larger", "not_smaller"):
            said = {"mode": mode, "axes": [2, 3], "keep_aspect_ratio_policy": policy}
            new.append(Way([x, None, None, whole(9, 11)], said, opsets=(18, 10**6)))
        new.append(Way([x, None, np.float32([1.5]), None], {"mode": mode, "axes": [3]}))
    every = [Way([x, scales], opsets=(10, 10)), *old, *new]
    return [replace(way, stored=(1, 2, 3)) for way in every]


def _sampled() -> list[Way]:
    """Modes have other names from opset 20 on, whose volumes are new."""
    places, inner = numbers(2, 3, 4, 2, low=-1.4, high=1.4, seed=1), numbers(2, 3, 4, 2, seed=2) / 3
    ways = [Way([IMAGES, inner]), Way([IMAGES, places], {"padding_mode": "reflection"})]
    for cubic, opsets in (("bicubic", (16, 19)), ("cubic", (20, 10**6))):
        ways.append(Way([IMAGES, inner], {"mode": cubic}, opsets=opsets))
    for old, new in (("bilinear", "linear"), ("nearest", "nearest")):
        for said in ({}, {"padding_mode": "border"}, {"align_corners": 1}):
            ways.append(Way([IMAGES, places], {"mode": old} | said, opsets=(16, 19)))
            ways.append(Way([IMAGES, places], {"mode": new} | said, opsets=(20, 10**6)))
    volume = [numbers(2, 3, 4, 2, 5), numbers(2, 2, 3, 2, 3, low=-1.4, high=1.4, seed=1)]
    return [*ways, Way(volume, opsets=(20, 10**6))]


def _regions() -> list[Way]:
    """Regions are stored: they are held, and have no derivative."""
    regions = np.array([[0.2, 0.4, 2.8, 3.1], [-1.5, 0.3, 4.6, 5.2]], np.float32)
    given = [IMAGES, regions, np.array([1, 0])]
    bins = {"output_height": 2, "output_width": 3, "sampling_ratio": 2}
    newer = {"coordinate_transformation_mode": "output_half_pixel"}
    return [
        *variants(Way(given, bins, stored=(1, 2)), {"spatial_scale": 0.5}, {"sampling_ratio": 0}),
        Way(given, bins | newer, stored=(1, 2), opsets=(16, 10**6)),
        Way(given, bins | {"mode": "max", "sampling_ratio": 1}, stored=(1, 2)),
    ]


def _attention() -> list[Way]:
    three = [numbers(2, 6, 8, low=-1, high=1, seed=s) for s in range(3)]
    four = [numbers(2, 2, 6, 4, low=-1, high=1, seed=s) for s in range(3)]
    mask, heads = numbers(6, 6, seed=4), {"q_num_heads": 2, "kv_num_heads": 2}
    grouped = [numbers(2, 4, 6, 4, low=-1, high=1), *four[1:]]
    past = [numbers(2, 2, 3, 4, low=-1, high=1, seed=s) for s in (5, 6)]
    boolean = np.tril(np.ones((6, 6), bool))
    return [
        Way(four),
        Way(three, heads),
        Way([*four, mask], stored=(3,)),
        Way([*four, boolean], stored=(3,)),
        Way(grouped),
        Way([*four, None, *past], outputs=3),
        Way([*four, None, *past], {"is_causal": 1}, outputs=3),
        *variants(Way(four), {"is_causal": 1}, {"scale": 0.3}, {"softcap": 2.0},
                  {"softmax_precision": 1}, {"left_window_size": 2},
                  {"left_window_size": 1, "right_window_size": 1})[1:],
        *(Way(four, {"qk_matmul_output_mode": mode}, outputs=4, answer=3) for mode in range(4)),
    ]  # fmt: skip


POOLED = [
    {}, {"strides": [2, 2]}, {"pads": [1, 1, 1, 1]}, {"strides": [2, 2], "ceil_mode": 1},
    {"auto_pad": "SAME_UPPER", "strides": [2, 2]}, {"auto_pad": "SAME_LOWER"},
    {"auto_pad": "VALID"}, {"dilations": [2, 2]},
]  # fmt: skip
KERNEL = {"kernel_shape": [3, 3]}
W, B = numbers(5, 4, 3, 3, low=-1, high=1, seed=1), numbers(5, seed=2)
CODES = np.arange(-60, 60, 5, dtype=np.int8).reshape(2, 3, 4)
SCALES = np.float32([0.02, 0.03, 0.05])

OTHERS: dict[str, list[Way]] = {
    "AffineGrid": variants(
        Way([numbers(2, 2, 3), whole(2, 3, 4, 5)], stored=(1,)), {"align_corners": 1}
    ),
    "Attention": _attention(),
    "AveragePool": variants(
        Way([IMAGES], KERNEL),
        *POOLED,
        {"pads": [1, 0, 1, 1], "count_include_pad": 1},
        {"pads": [0, 1, 1, 1], "strides": [2, 2], "ceil_mode": 1, "count_include_pad": 1},
        {"auto_pad": "SAME_UPPER", "count_include_pad": 1},
    ),
    "BatchNormalization": variants(
        Way(
            [IMAGES, *(numbers(4, seed=s) for s in (1, 2, 3)), numbers(4, low=0.2)],
            stored=(1, 2, 3, 4),
        ),
        {"epsilon": 0.1},
        {"momentum": 0.5},
    ),
    "Bernoulli": [Way([numbers(2, 3, low=0.1, high=0.9)])],
    "Cast": [Way([X], {"to": to}) for to in (1, 10, 11, 7, 3, 9)],
    "CastLike": [Way([X, np.zeros(1, kind)], stored=(1,)) for kind in ("f4", "f8", "f2", "i8")],
    "CausalConvWithState": variants(
        Way([numbers(2, 3, 6), numbers(3, 1, 3, seed=1)], stored=(1,), outputs=2),
        {"activation": "silu"},
    ),
    "CenterCropPad": [
        *variants(Way([X, whole(2, 2, 7)], stored=(1,)), {}),
        Way([X, whole(2, 7)], {"axes": [1, 2]}, stored=(1,)),
    ],
    "Clip": variants(
        Way([X]), {"min": SCALAR - 1}, {"max": SCALAR}, {"min": SCALAR - 1, "max": SCALAR}
    ),
    "Col2Im": [
        *variants(
            Way([numbers(2, 12, 9), whole(4, 4), whole(2, 2)], stored=(1, 2)), {"dilations": [1, 1]}
        ),
        Way([numbers(2, 12, 4), whole(4, 4), whole(2, 2)], {"strides": [2, 2]}, stored=(1, 2)),
    ],
    "Concat": [Way([X, numbers(2, 3, 2)], {"axis": axis}) for axis in (2, -1)],
    "Constant": [
        Way([], {"value": numpy_helper.from_array(X)}),
        Way([], {"value_floats": [1.5]}),
        Way([], {"value_int": 3}),
    ],
    "ConstantOfShape": variants(
        Way([whole(2, 3)], stored=(0,)), {"value": numpy_helper.from_array(np.float32([0.5]))}
    ),
    "Conv": [
        *variants(
            Way([IMAGES, W], stored=(1,)), *POOLED, {"kernel_shape": [3, 3], "pads": [1, 0, 2, 1]}
        ),
        Way([IMAGES, W, B], stored=(1, 2)),
        Way([IMAGES, numbers(6, 2, 3, 3, seed=1)], {"group": 2}, stored=(1,)),
        Way([numbers(2, 4, 9), numbers(5, 4, 3)], {"strides": [2]}, stored=(1,)),
    ],
    "ConvTranspose": [
        *variants(
            Way([IMAGES, numbers(4, 5, 3, 3, seed=1)], stored=(1,)),
            *({} if "ceil_mode" in p else p for p in POOLED),
            {"strides": [2, 2], "output_padding": [1, 1]},
            {"strides": [2, 2], "output_shape": [12, 12]},
        ),
        Way([IMAGES, numbers(4, 5, 3, 3, seed=1), B], stored=(1, 2)),
        Way([IMAGES, numbers(4, 3, 3, 3, seed=1)], {"group": 2}, stored=(1,)),
    ],
    "CumSum": variants(Way([X, np.int64(1)], stored=(1,)), {"exclusive": 1}, {"reverse": 1}),
    "DepthToSpace": variants(
        Way([numbers(2, 8, 2, 3)], {"blocksize": 2}), {"mode": "CRD"}, {"mode": "DCR"}
    ),
    "DequantizeLinear": [
        Way([CODES, np.float32(0.1)], stored=(1,)),
        Way([CODES, np.float32(0.1), np.int8(3)], stored=(1, 2)),
        Way([CODES, SCALES], stored=(1,), opsets=(13, 10**6)),
        Way([CODES, SCALES, np.int8([1, 2, 3])], {"axis": 1}, stored=(1, 2)),
    ],
    "Dropout": variants(Way([X]), {"ratio": SCALAR}, {"seed": 3}),
    "Einsum": [Way([X, numbers(4, 5)], {"equation": e}) for e in ("abc,cd->abd", "abc,cd")],
    "Expand": [
        Way([numbers(3, 1), whole(2, 3, 4)], stored=(1,)),
        Way([X, whole(3, 1)], stored=(1,)),
    ],
    "EyeLike": variants(Way([numbers(3, 4)]), {"k": 1}, {"dtype": 1}),
    "Flatten": variants(Way([X]), {"axis": 0}, {"axis": 2}, {"axis": -1}),
    "Gather": [
        *variants(Way([X, whole(1, 0, 1)], stored=(1,)), {"axis": 2}, {"axis": -2}),
        Way([X, np.array(-1)], {"axis": 1}, stored=(1,), opsets=(11, 10**6)),
    ],
    "GatherElements": variants(
        Way([X, np.ones((1, 3, 4), np.int64)], stored=(1,)), {"axis": 1}, {"axis": -1}
    ),
    "GatherND": [
        Way([X, np.array([[0, 1], [1, 2]])], stored=(1,)),
        Way([X, np.array([[1], [2]])], {"batch_dims": 1}, stored=(1,)),
    ],
    "Gemm": [
        *variants(Way([numbers(3, 4), numbers(4, 5), numbers(5)]), {"alpha": 0.5, "beta": 2.0}),
        Way([numbers(3, 4), numbers(5, 4), numbers(5)], {"transB": 1}),
        Way([numbers(4, 3), numbers(4, 5), numbers(5)], {"transA": 1}, stored=(1, 2)),
        Way([numbers(3, 4), numbers(4, 5)], opsets=(11, 10**6)),
    ],
    "GridSample": _sampled(),
    "RoiAlign": _regions(),
    "GroupNormalization": [
        Way(
            [IMAGES, numbers(size, seed=1), numbers(size, seed=2)],
            {"num_groups": 2} | said,
            stored=(1, 2),
            opsets=opsets,
        )
        for size, opsets in ((2, (18, 20)), (4, (21, 10**6)))
        for said in ({}, {"epsilon": 0.1}, {"stash_type": 1})
    ],
    "InstanceNormalization": variants(
        Way([IMAGES, numbers(4, seed=1), numbers(4, seed=2)], stored=(1, 2)), {"epsilon": 0.1}
    ),
    "LayerNormalization": [
        Way([X, ROW], stored=(1,)),
        Way([X, ROW, numbers(4)], {"epsilon": 0.1}, stored=(1, 2)),
        Way([X, numbers(3, 4)], {"axis": 1}, stored=(1,)),
        Way([X, ROW], {"stash_type": 1}, stored=(1,), outputs=3),
    ],
    "LinearAttention": [
        Way(
            [numbers(2, 6, 8, low=-1, high=1, seed=s) for s in range(3)],
            {"q_num_heads": 2, "kv_num_heads": 2, "update_rule": "linear"},
            outputs=2,
        ),
    ],
    "LpNormalization": variants(Way([X]), {"p": 1}, {"axis": 1}),
    "LpPool": variants(Way([IMAGES], KERNEL), *POOLED, {"p": 1}, {"p": 3}),
    "MaxPool": [
        *variants(Way([IMAGES], KERNEL), *POOLED, {"storage_order": 1}),
        Way([IMAGES], KERNEL, outputs=2, opsets=(8, 10**6)),
    ],
    "MeanVarianceNormalization": variants(Way([IMAGES]), {"axes": [0, 2]}, {"axes": [1]}),
    "Mod": [Way([X, numbers(4, low=0.5)], {"fmod": 1}, stored=stored) for stored in ((), (1,))],
    "NegativeLogLikelihoodLoss": [
        *variants(
            Way([numbers(2, 3, low=-3, high=-0.1), np.array([0, 2])], stored=(1,)),
            {"reduction": "none"},
            {"reduction": "sum"},
            {"ignore_index": 2},
        ),
        Way(
            [numbers(2, 3, low=-3, high=-0.1), np.array([0, 2]), numbers(3, low=0.1)], stored=(1, 2)
        ),
    ],
    "Not": [Way([LOGICAL])],
    "Pad": [
        Way([X], {"pads": [0, 1, 0, 0, 0, 2]}),
        *(Way([X], {"pads": [0, 1, 0, 0, 0, 2], "mode": mode}) for mode in ("reflect", "edge")),
        Way([X], {"pads": [0, 1, 0, 0, 0, 2], "mode": "wrap"}, opsets=(19, 10**6)),
        Way([X], {"pads": [0, -1, 0, 0, 0, 2], "value": 0.5}),
        Way([X], {"pads": [0, -1, 0, 0, 0, 2], "constant_value": SCALAR}),
        Way([X], {"pads": [1, 1], "axes": [-1]}),
    ],
    "QuantizeLinear": [
        Way([X, np.float32(0.1)], stored=(1,)),
        Way([X, np.float32(0.1), np.uint8(100)], stored=(1, 2)),
        Way([X, np.float32(0.1), np.int8(5)], stored=(1, 2)),
        Way([X, SCALES], stored=(1,), opsets=(13, 10**6)),
        Way([X, SCALES, np.int8([1, 2, 3])], {"axis": 1}, stored=(1, 2)),
        *(
            Way([X, np.float32(0.1)], {"output_dtype": kind}, stored=(1,))
            for kind in (TensorProto.INT8, TensorProto.UINT16, TensorProto.INT16)
        ),
    ],
    "RMSNormalization": [
        *variants(Way([X, ROW], stored=(1,)), {"epsilon": 0.1}),
        Way([X, numbers(3, 4)], {"axis": 1}, stored=(1,)),
    ],
    "RandomNormal": [Way([], {"shape": [2, 3]})],
    "RandomUniform": [Way([], {"shape": [2, 3]})],
    "Range": [Way([np.float32(v) for v in (0.5, 3, 0.7)], stored=(1, 2))],
    "Reshape": [
        *variants(Way([X, whole(2, -1)], stored=(1,))),
        Way([X, whole(0, 2, 6)], stored=(1,)),
        Way([X, whole(2, 4, 3)], {"allowzero": 1}, stored=(1,)),
    ],
    "Resize": _resizes(),
    "RotaryEmbedding": [
        Way([numbers(2, 2, 6, 4), numbers(2, 6, 2), numbers(2, 6, 2, seed=1)], said, stored=(1, 2))
        for said in ({}, {"interleaved": 1})
    ]
    + [
        Way(
            [numbers(2, 6, 8), numbers(2, 6, 2), numbers(2, 6, 2, seed=1)],
            {"num_heads": 2},
            stored=(1, 2),
        ),
        Way(
            [
                numbers(2, 2, 6, 4),
                numbers(9, 2),
                numbers(9, 2, seed=1),
                np.array([[0, 1, 2, 3, 4, 5]] * 2),
            ],
            stored=(1, 2, 3),
        ),
        Way(
            [numbers(2, 2, 6, 4), numbers(2, 6, 1), numbers(2, 6, 1, seed=1)],
            {"rotary_embedding_dim": 2},
            stored=(1, 2),
        ),
    ],
    "ScatterElements": [
        Way([X, np.array([[[1, 0, 1, 0]]]), numbers(1, 1, 4, seed=1)], said, stored=(1,))
        for said in ({}, {"axis": 1}, {"axis": -2}, {"reduction": "add"})
    ],
    "ScatterND": [
        Way([X, np.array([[0, 1], [1, 2]]), numbers(2, 4, seed=1)], said, stored=(1,))
        for said in ({}, {"reduction": "add"})
    ],
    "Shape": variants(Way([X]), {"start": 1}, {"start": -2, "end": -1}),
    "Size": [Way([X])],
    "Slice": [
        Way([X], {"starts": [1], "ends": [3]}),
        Way([X], {"starts": [0, 1], "ends": [1, -1], "axes": [0, 2]}),
        Way([X], {"starts": [-1], "ends": [-5], "axes": [2], "steps": [-2]}),
    ],
    "SoftmaxCrossEntropyLoss": [
        *variants(
            Way([numbers(2, 3), np.array([0, 2])], stored=(1,)),
            {"reduction": "none"},
            {"reduction": "sum"},
            {"ignore_index": 0},
        ),
        Way([numbers(2, 3), np.array([0, 2])], stored=(1,), outputs=2, answer=1),
    ],
    "SpaceToDepth": variants(Way([numbers(2, 3, 4, 6)], {"blocksize": 2}), {"mode": "CRD"}),
    "Split": [
        Way([numbers(4, 3, 6)], outputs=2, answer=1, opsets=(OLDEST, 17)),
        Way([numbers(4, 3, 6)], {"num_outputs": 4, "axis": 2}, outputs=4, answer=3),
        Way([numbers(4, 3, 6)], {"split": [1, 5], "axis": -1}, outputs=2, answer=1),
        Way([numbers(4, 3, 6)], {"axis": 1}, outputs=3, opsets=(OLDEST, 17)),
    ],
    "Squeeze": [
        Way([numbers(2, 1, 3, 1)]),
        Way([numbers(2, 1, 3, 1)], {"axes": [1]}),
        Way([numbers(2, 1, 3, 1)], {"axes": [-1]}, opsets=(11, 10**6)),
    ],
    "Tile": [Way([X, whole(1, 2, 3)], stored=(1,))],
    "TopK": [
        *(
            Way([X], {"k": whole(2)} | said, outputs=2, opsets=(10, 10**6))
            for said in ({}, {"axis": 1}, {"largest": 0}, {"sorted": 0, "axis": 0})
        ),
        Way([X], {"k": 2}, outputs=2, opsets=(OLDEST, 9)),
    ],
    "Transpose": variants(Way([X]), {"perm": [1, 2, 0]}),
    "Trilu": variants(Way([X]), {"upper": 0}, {"k": np.int64(1)}),
    "Unsqueeze": [
        Way([X], {"axes": [1]}),
        Way([X], {"axes": [0, 4]}),
        Way([X], {"axes": [-1]}, opsets=(11, 10**6)),
    ],
    "Where": [Way([X > 0, X, ROW], stored=(0,))],
    "Scatter": [
        Way([X, np.array([[[1, 0, 1, 0]]]), numbers(1, 1, 4, seed=1)], said, stored=(1,))
        for said in ({}, {"axis": 1})
    ],
    "Upsample": [
        Way([numbers(2, 3, 6, 5)], {"scales": np.float32([1, 1, 2, 3])} | said)
        for said in ({}, {"mode": "nearest"}, {"mode": "linear"})
    ]
    + [Way([numbers(2, 3, 6, 5)], {"scales": np.float32([1, 1, 1.4, 1.8])})],
}


def _standard() -> dict[str, dict[int, defs.OpSchema]]:
    found: dict[str, dict[int, defs.OpSchema]] = {}
    for schema in defs.get_all_schemas_with_history():
        if schema.domain in STANDARD:
            found.setdefault(schema.name, {})[schema.since_version] = schema
    return found


SCHEMAS = _standard()


def claimed() -> list[str]:
    """Operators with a derivative, with none, and those that are written out in others."""
    newest = {name: versions[max(versions)] for name, versions in SCHEMAS.items()}
    kinds = ("has_function", "has_context_dependent_function")
    written = [name for name, schema in newest.items() if any(getattr(schema, k) for k in kinds)]
    return sorted({*rules(), *CONSTANT, *written, *RECURRENT, *CONVERTED} - ELSEWHERE)


def opsets(operator: str) -> list[int]:
    """Of every version since `OLDEST` the first opset and the last that has it."""
    versions = sorted(SCHEMAS[operator])
    ends = [*(version - 1 for version in versions[1:]), defs.onnx_opset_version()]
    both = {max(opset, OLDEST) for opset in (*versions, *ends) if opset >= versions[0]}
    last = {opset: max(v for v in versions if v <= opset) for opset in both}
    return sorted(opset for opset in both if not SCHEMAS[operator][last[opset]].deprecated)


def named(operator: str, way: Way, opset: int) -> tuple[list, dict] | None:
    """All inputs in the order of a version, and its attributes; None where it has no such name."""
    if not way.opsets[0] <= opset <= way.opsets[1]:
        return None
    schema = defs.get_schema(operator, opset)
    places = {formal.name.casefold(): i for i, formal in enumerate(schema.inputs)}
    inputs, attributes = list(way.inputs), {}
    for name, value in way.said.items():
        if name in schema.attributes:
            kind = schema.attributes[name].type
            single = kind in (defs.OpSchema.AttrType.FLOAT, defs.OpSchema.AttrType.INT)
            attributes[name] = np.asarray(value).item() if single else value
        elif name.casefold() in places:
            place = places[name.casefold()]
            inputs += [None] * (place + 1 - len(inputs))
            inputs[place] = np.asarray(value)
        else:
            return None
    return inputs, attributes


def model(
    operator: str, way: Way, opset: int, *, symbolic: bool = False, kind: str = "float32"
) -> tuple[onnx.ModelProto, dict[str, np.ndarray]] | None:
    """The node as a whole network from floats to floats, and what goes in."""
    found = named(operator, way, opset)
    if found is None:
        return None
    nodes: list[NodeProto] = []
    graph_inputs, stored, feeds, names = [], [], {}, []
    for place, value in enumerate(found[0]):
        if value is None:
            names.append("")
            continue
        array, name = np.asarray(value), f"x{place}"
        names.append(name)
        if array.dtype != np.float32 or place >= len(way.inputs) or place in way.stored:
            own = (
                array.astype(kind)
                if array.dtype == np.float32 and _follows(operator, place)
                else array
            )
            if own.dtype.kind in "bi" and place == 0 and way.stored == () and array.ndim > 1:
                nodes.append(_cast(f"{name} given", name, own.dtype, nodes))
                feeds[f"{name} given"] = own.astype(np.float32)
                graph_inputs.append(_value(f"{name} given", own.shape))
                continue
            stored.append(numpy_helper.from_array(own, name))
            continue
        batch = int(operator in RECURRENT)
        shape = ["n" if symbolic and axis == batch else n for axis, n in enumerate(array.shape)]
        if kind == "float32":
            graph_inputs.append(_value(name, shape))
            feeds[name] = array
        else:
            graph_inputs.append(_value(f"{name} given", shape))
            feeds[f"{name} given"] = array
            nodes.append(_cast(f"{name} given", name, np.dtype(kind), nodes))
    outputs = [f"y{i}" if i != way.answer else "answer" for i in range(way.outputs)]
    nodes.append(helper.make_node(operator, names, outputs, name="node", **found[1]))
    if operator == "QuantizeLinear":  # only read back it is a function of real numbers
        axis = {k: v for k, v in found[1].items() if k == "axis"}
        read = ["answer", *names[1:]]
        nodes.append(helper.make_node("DequantizeLinear", read, ["read back"], name="back", **axis))
    last = nodes[-1].output[way.answer if nodes[-1].name == "node" else 0]
    nodes.append(helper.make_node("Cast", [last], ["y"], name="to float", to=1))
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "graph", graph_inputs, [y], stored)
    ir = 10 if opset < 25 else 13
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir
    ), feeds


def _follows(operator: str, place: int) -> bool:
    """Whether an input is of the type of the first."""
    return not (operator == "Resize" and place > 0) and not (operator == "Dropout" and place > 0)


def _cast(read: str, made: str, kind: np.dtype, before: Sequence[NodeProto]) -> NodeProto:
    to = helper.np_dtype_to_tensor_dtype(kind)
    return helper.make_node("Cast", [read], [made], name=f"cast {len(before)}", to=to)


def _value(name: str, shape: Sequence[int | str]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def tried(operator: str) -> Iterator[tuple[int, Way]]:
    """Every version and way of an operator that there is."""
    for opset in opsets(operator):
        for way in ways(operator):
            yield opset, way
