"""In ONNX: the rules of these operators, handed only what is positive."""

from guided import GUIDED
from xai_heatmap.networks.onnx.autodiff.canonical import OPERATORS
from xai_heatmap.networks.onnx.autodiff.registry import Rule, rules
from xai_heatmap.networks.onnx.autodiff.tensor import op
from xai_heatmap.networks.onnx.autodiff.way import Way
from xai_heatmap.networks.rules import ONNX, implements, treated


def positive(own):
    return Rule(own.operator, lambda node, g: own.function(node, op("Relu", g)), own.broadcasts)


WAY = implements(GUIDED, ONNX)(
    Way(rules={name: positive(rules()[name]) for name in treated(OPERATORS, GUIDED)})
)
