"""JAX's primitives and jitted functions by the canonical names of `networks.rules`."""

from xai_heatmap.networks.rules.operators import MADE_OF_OTHERS, Table

OPERATORS: Table = {
    "straight": frozenset({
        *("add_any", "broadcast_in_dim", "concatenate", "convert_element_type", "copy", "copy_p"),
        *("cumsum", "dynamic_slice", "expand_dims", "gather", "neg", "pad", "real"),
        *("reduce_sum", "reduce_window", "reduce_window_sum", "reshape", "rev"),
        *("select_and_gather_add", "sharding_constraint", "slice", "split", "squeeze", "stack"),
        *("stop_gradient", "tile", "transpose", "unstack"),
    }),
    "sum": frozenset({"add", "sub"}),
    "affine": frozenset({"conv_general_dilated"}),
    "product": frozenset({"dot_general", "mul"}),
    "quotient": frozenset({"div"}),
    "power": frozenset({"integer_pow", "pow", "square"}),
    "rectifier": frozenset({"abs", "leaky_relu", "relu"}),
    "gate": frozenset({"erf", "erfc", "exp", "exp2", "hard_sigmoid", "logistic"}),
    "gated": frozenset({
        *("celu", "elu", "hard_silu", "hard_swish", "mish", "selu", "soft_sign", "tanh"),
    }),
    "deviation": frozenset({"rsqrt", "sqrt"}),
    "normalisation": MADE_OF_OTHERS,
    "attention": MADE_OF_OTHERS,
    "final activation": frozenset({"log_softmax", "logsumexp"}),
    "maximum": frozenset({"max", "reduce_max", "reduce_window_max"}),
    "minimum": frozenset({"min", "reduce_min"}),
    "pointwise": frozenset({
        *("clamp", "cos", "expm1", "log", "log1p", "logaddexp", "relu6", "sin", "softplus"),
    }),
}  # fmt: skip
"""A softmax is an exponential over its sum: attention where it weighs tokens, a final activation
where it is one number a class.
"""
