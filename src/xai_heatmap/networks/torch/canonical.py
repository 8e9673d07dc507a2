"""PyTorch's functions, by ``func.__name__``, for the canonical names of `networks.rules`."""

from xai_heatmap.networks.rules.operators import Table

OPERATORS: Table = {
    "straight": frozenset({
        *("__get__", "__getitem__", "adaptive_avg_pool1d", "adaptive_avg_pool2d"),
        *("adaptive_avg_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d", "cat"),
        *("channel_shuffle", "chunk", "clone", "concat", "contiguous", "detach", "dropout"),
        *("dropout2d", "expand", "expand_as", "feature_dropout", "flatten", "flip", "float"),
        *("interpolate", "mean", "moveaxis", "movedim", "narrow", "neg", "permute"),
        *("pixel_shuffle", "pixel_unshuffle", "repeat", "requires_grad_", "reshape", "roll"),
        *("select", "split", "squeeze", "stack", "sum", "swapaxes", "t", "tile", "to"),
        *("transpose", "type", "type_as", "unbind", "unflatten", "unfold", "unsqueeze"),
        *("upsample", "view", "view_as"),
    }),
    "sum": frozenset({"add", "__add__", "__radd__", "__iadd__", "add_", "sub", "__sub__"}),
    "affine": frozenset({
        *("conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d"),
        *("conv_transpose3d", "linear"),
    }),
    "product": frozenset({
        *("mul", "multiply", "__mul__", "__rmul__", "__imul__", "mul_", "matmul", "__matmul__"),
        *("bmm", "mm", "einsum"),
    }),
    "quotient": frozenset({
        *("div", "divide", "true_divide", "__truediv__", "div_", "__itruediv__"),
        *("__rtruediv__", "__rdiv__"),
    }),
    "power": frozenset({"pow", "__pow__", "square"}),
    "rectifier": frozenset({"abs", "relu", "relu_", "leaky_relu", "leaky_relu_", "prelu"}),
    "gate": frozenset({
        *("sigmoid", "sigmoid_", "special_expit", "hardsigmoid", "erf", "special_erf", "exp"),
        "exp_",
    }),
    "gated": frozenset({
        *("gelu", "silu", "hardswish", "mish", "tanh", "tanh_", "elu", "selu", "celu"),
        *("softsign", "glu"),
    }),
    "deviation": frozenset({
        *("sqrt", "rsqrt", "reciprocal", "std", "var", "norm", "linalg_norm"),
        *("linalg_vector_norm", "vector_norm"),
    }),
    "normalisation": frozenset({
        *("layer_norm", "rms_norm", "group_norm", "instance_norm", "batch_norm", "normalize"),
    }),
    "attention": frozenset({
        *("softmax", "special_softmax", "_softmax", "scaled_dot_product_attention"),
        "multi_head_attention_forward",
    }),
    "final activation": frozenset({"log_softmax", "special_log_softmax"}),
    "maximum": frozenset({
        *("amax", "max_pool1d", "max_pool2d", "max_pool3d", "max_pool2d_with_indices", "maximum"),
        *("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d"),
    }),
    "minimum": frozenset({"amin", "minimum"}),
    "pointwise": frozenset({
        *("relu6", "clamp", "clamp_", "clip", "clamp_min", "clamp_max", "hardtanh", "hardtanh_"),
        *("threshold", "softplus", "log_sigmoid", "expm1", "log", "log1p", "sin", "cos"),
    }),
}  # fmt: skip
"""A softmax of one number a class is a final activation too; its shape tells them apart."""
