"""ONNX's operators by the canonical names of `networks.rules`."""

from xai_heatmap.networks.rules.operators import Table

OPERATORS: Table = {
    "straight": frozenset({
        *("AveragePool", "Cast", "CastLike", "Col2Im", "Concat", "CumSum", "DepthToSpace"),
        *("DequantizeLinear", "Dropout", "Expand", "Flatten", "Gather", "GatherElements"),
        *("GatherND", "GlobalAveragePool", "Identity", "Neg", "Pad", "QuantizeLinear"),
        *("ReduceMean", "ReduceSum", "Reshape", "Resize", "ScatterElements", "ScatterND", "Slice"),
        *("SpaceToDepth", "Split", "Squeeze", "Tile", "Transpose", "Trilu", "Unsqueeze"),
    }),
    "sum": frozenset({"Add", "Mean", "Sub", "Sum"}),
    "affine": frozenset({"Conv", "ConvTranspose", "Gemm"}),
    "product": frozenset({"Einsum", "MatMul", "Mul"}),
    "quotient": frozenset({"Div"}),
    "power": frozenset({"Pow", "ReduceSumSquare"}),
    "rectifier": frozenset({"Abs", "LeakyRelu", "PRelu", "Relu"}),
    "gate": frozenset({"Erf", "Exp", "HardSigmoid", "Sigmoid"}),
    "gated": frozenset({
        *("Celu", "Elu", "Gelu", "HardSwish", "Mish", "Selu", "Softsign", "Swish", "Tanh"),
    }),
    "deviation": frozenset({"Reciprocal", "Sqrt"}),
    "normalisation": frozenset({
        *("BatchNormalization", "GroupNormalization", "InstanceNormalization"),
        *("LayerNormalization", "LpNormalization", "RMSNormalization"),
    }),
    "attention": frozenset({"Softmax"}),
    "final activation": frozenset({"LogSoftmax"}),
    "maximum": frozenset({"GlobalMaxPool", "Max", "MaxPool", "ReduceMax"}),
    "minimum": frozenset({"Min", "ReduceMin"}),
    "pointwise": frozenset({
        *("Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Clip", "Cos", "Cosh", "Log", "Sin"),
        *("Sinh", "Softplus", "Tan", "ThresholdedRelu"),
    }),
}  # fmt: skip
"""A softmax of one number a class is a final activation too; its rank tells them apart."""
