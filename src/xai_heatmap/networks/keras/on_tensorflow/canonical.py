"""TensorFlow's operations by the canonical names of `networks.rules`: types of graph nodes."""

from xai_heatmap.networks.rules.operators import Table

OPERATORS: Table = {
    "straight": frozenset({
        *("AvgPool", "AvgPool3D", "BatchToSpaceND", "BroadcastTo", "Cast", "ConcatV2", "Cumsum"),
        *("DepthToSpace", "ExpandDims", "GatherV2", "Identity", "Mean", "MirrorPad", "Neg"),
        *("Pack", "Pad", "PadV2", "Reshape", "ResizeBilinear", "ResizeNearestNeighbor"),
        *("ReverseV2", "Roll", "Slice", "SpaceToBatchND", "SpaceToDepth", "Split", "SplitV"),
        *("Squeeze", "StridedSlice", "Sum", "Tile", "Transpose", "Unpack"),
    }),
    "sum": frozenset({"Add", "AddN", "AddV2", "BiasAdd", "Sub"}),
    "affine": frozenset({
        *("Conv2D", "Conv2DBackpropInput", "Conv3D", "Conv3DBackpropInputV2"),
        "DepthwiseConv2dNative",
    }),
    "product": frozenset({
        *("BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "Einsum", "MatMul", "Mul"),
    }),
    "quotient": frozenset({"Div", "DivNoNan", "RealDiv"}),
    "power": frozenset({"Pow", "Square", "SquaredDifference"}),
    "rectifier": frozenset({"Abs", "LeakyRelu", "Relu"}),
    "gate": frozenset({"Erf", "Erfc", "Exp", "Sigmoid"}),
    "gated": frozenset({"Elu", "Expm1", "Selu", "Softsign", "Tanh"}),
    "deviation": frozenset({"Inv", "Reciprocal", "Rsqrt", "Sqrt"}),
    "normalisation": frozenset({"FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"}),
    "attention": frozenset({"Softmax"}),
    "final activation": frozenset({"LogSoftmax"}),
    "maximum": frozenset({"Max", "MaxPool", "MaxPool3D", "MaxPoolV2", "Maximum"}),
    "minimum": frozenset({"Min", "Minimum"}),
    "pointwise": frozenset({
        *("ClipByValue", "Cos", "Log", "Log1p", "Relu6", "Sin", "Softplus", "Xdivy"),
    }),
}  # fmt: skip
"""A softmax of one number a class is a final activation too; its rank tells them apart. Layer and
group normalisation are made of others.
"""
