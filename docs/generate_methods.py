"""Write docs/methods.md from the registry: ``python docs/generate_methods.py``."""

from pathlib import Path

import xai_heatmap.methods  # noqa: F401 - registers every method
from xai_heatmap.backends.onnx_formulas import FORMULAS
from xai_heatmap.cli.citations import citations
from xai_heatmap.core.registry import METHODS, MODIFIERS, Method, Modifier

PAGE = Path(__file__).resolve().parent / "methods.md"

HEAD = """# Methods

A method is a formula over one image's arrays: A, what the layer said (`activation`); G = ∂y/∂A, the
`gradient` of the explained score y; the `head`, which gives y for other activations; the `model`,
which gives y for other pictures x. Only what a method names is computed. This page is written from
the methods themselves by `python docs/generate_methods.py`; a test fails where it is out of date.

y is a logit unless a target says otherwise: `target=probability(3)`, `contrast(3, against=5)`.
Every method works at every layer with a grid, and at `input`, the picture itself. `auto` is the
layer that the network suggests; for methods of pixels it is `input`. Every map is raw: nothing is
normalised but by the formula.
"""

TESTED = """
## How each is tested

- **Oracles** (`tests/oracles.py`): the paper's sums once more, as slow loops in double precision,
  compared on random arrays to 1e-5 of the largest value.
- **Theorems**: completeness, what a linear head must give, what cancels out, what must be empty.
- **Every option** has a test that fails where it is ignored, every method one for its number of
  passes (`tests/methods/test_heads.py`, `test_every_backend.py`).
- **Every backend**: the same weights in PyTorch, Keras (on TensorFlow, JAX and torch) and ONNX give
  the same map to 1e-4; three pictures at once give what each gives alone.
- **Photographs** (`tests/test_trained_networks.py`): the heat lies on what the label names.
"""

MODIFIED = """## Around any method

A name before a method's name and a colon makes another method of it, wherever a method is named:
`method="smooth:layercam"`, `--method smooth:layercam`. It has the options of both.
"""

AUTO = {
    "auto": "the layer that the network suggests",
    "input": "`input`",
    "finest": "the finest layer that goes with the one that the network suggests",
}


def page() -> str:
    """The whole text."""
    papers = citations()
    rows = [_row(method, str(papers[method.cite].short)) for method in METHODS.values()]
    table = ["| Method | Use it when | Passes | Paper |", "|---|---|---|---|", *rows]
    each = [_section(method, str(papers[method.cite])) for method in METHODS.values()]
    exported = ", ".join(f"`{name}`" for name in FORMULAS)
    return "\n".join(
        [
            HEAD,
            f"## {len(rows)} methods\n",
            *table,
            f"\n`xai-heatmap export` can build {exported} into an ONNX file.\n",
            *each,
            MODIFIED,
            *(_modified(own, str(papers[own.cite])) for own in MODIFIERS.values()),
            TESTED.lstrip("\n"),
        ]
    )


def _row(method: Method, paper: str) -> str:
    cells = (f"[`{method.name}`](#{method.name})", method.use_when, method.cost, _linked(paper))
    return f"| {' | '.join(map(_cell, cells))} |"


def _section(method: Method, paper: str) -> str:
    auto = AUTO[method.auto]
    options = ", ".join(f"`{option}`" for option in method.taken.values()) or "none"
    needs = ", ".join(f"`{name}`" for name in sorted(method.needs))
    free = "" if method.differentiates else ", and no gradients"
    against = ". Negative values are evidence against" if method.signed else ""
    return "\n".join(
        [
            f"## {method.name}\n",
            f"`{method.summary.removesuffix('.')}`\n",
            *([method.remarks.replace("``", "`"), ""] if method.remarks else []),
            f"- Needs {needs}{free}; {method.cost}.",
            f"- `auto` is {auto}{against}.",
            f"- Options: {options}.",
            f"- {_linked(paper)}\n",
        ]
    )


def _modified(modifier: Modifier, paper: str) -> str:
    options = ", ".join(f"`{option}`" for option in modifier.taken.values())
    return "\n".join(
        [
            f"### {modifier.name}:NAME\n",
            f"`{modifier.summary.removesuffix('.')}`,  M the map of NAME.\n",
            f"{modifier.remarks.replace('``', '`')}\n",
            f"- Use it when {modifier.use_when}.",
            f"- Passes: {modifier.passes} x those of NAME.",
            f"- Options: {options}.",
            f"- {_linked(paper)}\n",
        ]
    )


def _linked(paper: str) -> str:
    """The address at the end of a citation as a link."""
    said, _, link = paper.rpartition(" ")
    return f"{said} <{link}>" if link.startswith("https://") else paper


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
