"""Write docs/onnx-operators.md from the rules: ``python docs/generate_onnx_operators.py``."""

from pathlib import Path

from xai_heatmap.networks.onnx import autodiff
from xai_heatmap.networks.onnx.autodiff.prepare import LEAST_OPSET
from xai_heatmap.networks.onnx.autodiff.registry import CONSTANT

PAGE = Path(__file__).resolve().parent / "onnx-operators.md"

HEAD = f"""# ONNX operators

Gradients of an ONNX model are computed by a graph of standard ONNX operators, written by the rules
below: one for each operator, g being the derivative by its output. This page is written from the
rules themselves by `python docs/generate_onnx_operators.py`; a test fails where it is out of date.

An operator that is not listed, lies between the explained layer and the scores, and depends on the
layer ends in error XH140, which names the node. Layers behind it can still be explained, and so can
all of them by methods without gradients, such as `eigencam`. A wrong map is never the answer.

Models with an opset below {LEAST_OPSET} are converted up first. Functions, and operators that the
standard defines by others, are written out in those. Models with int8 weights and activations
(`QuantizeLinear`, `DequantizeLinear`) are explained through their dequantised values.
"""

TESTED = """
## How each is tested

- **Every rule by itself** (`tests/autodiff/test_rules.py`): random shapes and attributes are drawn
  (kernels, strides, dilations, uneven padding, groups, broadcasting, axes), the gradient is run by
  onnxruntime and compared with that of PyTorch's autograd in double precision: no more than 1e-5
  off, relative to the largest value. Each case runs with known lengths, with an open first axis and
  with all axes open. Cases stay away from kinks; what happens on one stands in the table. A test
  fails where an operator has no such cases.
- **The sweep** (`tests/autodiff/test_sweep.py`): branches, shared tensors, constants, refusals.
- **Whole networks** (`tests/autodiff/test_whole_networks.py`): small networks of the ConvNeXt, ViT,
  Swin and Inception kinds, exported by PyTorch in several opsets, and trained ones at many depths.
- **Maps** (`tests/networks/test_onnx_every_layer.py`): Grad-CAM at every layer of trained networks,
  within 1e-4 of their PyTorch twins.
"""


def page() -> str:
    """The whole text."""
    rows = [
        f"| `{name}` | {_cell(rule.formula)} | {_cell(rule.remarks)} |"
        for name, rule in autodiff.rules().items()
    ]
    table = ["| Operator | Derivative | Remarks |", "|---|---|---|", *rows]
    constant = ", ".join(f"`{name}`" for name in sorted(CONSTANT))
    return "\n".join(
        [
            HEAD,
            f"## {len(rows)} operators with a derivative\n",
            *table,
            "\n## Operators whose derivative is zero\n",
            f"Piecewise constant, or not a function of real numbers: {constant}.",
            TESTED,
        ]
    )


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
