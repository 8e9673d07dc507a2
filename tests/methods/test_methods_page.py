"""The page of methods says what the methods say."""

import importlib.util
from pathlib import Path

from xai_heatmap.core.registry import METHODS

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_page_is_up_to_date():
    spec = importlib.util.spec_from_file_location("methods_page", DOCS / "generate_methods.py")
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    written = (DOCS / "methods.md").read_text(encoding="utf-8")
    assert written == generator.page(), "run: python docs/generate_methods.py"
    assert all(f"\n## {name}\n" in written for name in METHODS)
