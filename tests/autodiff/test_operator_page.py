"""The page of operators says what the rules say."""

import importlib.util
from pathlib import Path

from xai_heatmap.networks.onnx import autodiff

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_page_is_up_to_date():
    file = DOCS / "generate_onnx_operators.py"
    spec = importlib.util.spec_from_file_location("generate_onnx_operators", file)
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    written = (DOCS / "onnx-operators.md").read_text(encoding="utf-8")
    assert written == generator.page(), "run: python docs/generate_onnx_operators.py"
    assert all(f"| `{name}` |" in written for name in autodiff.rules())
