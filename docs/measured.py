"""What the benchmarks found of each method, as far as they have run."""

import json
from collections.abc import Mapping
from pathlib import Path

from xai_heatmap.core.registry import Method

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"

UNKNOWN, NOTHING = "not measured", "–"
"""What stands for a figure that nobody took yet, and for one that can't be."""

AUTO, FINEST, SHALLOW = "features", "stem", "stage1.block1"
"""Layers of the network `demo`: the one that it suggests, its finest, and one near the picture."""

NETWORKS = {"resnet50": "ResNet-50", "mobilenet_v2": "MobileNetV2"}

TRANSFORMERS = {"deit_tiny": "DeiT-Ti"}
"""Where methods that read attention are measured; the others have none."""

LAST = ("cam",)
"""Methods that are defined at one layer alone, the last before the average."""


def truth() -> dict[tuple[str, str, str], tuple[float, int]]:
    """By method, layer and measure: the mean over planted scenes, and how many they were."""
    rows = _read("truth.json").get("objects", [])
    return {(row[0], row[1], row[2]): (row[3], row[4]) for row in rows}


def costs() -> dict[tuple[str, str], dict]:
    """By method and network: what a map takes beside one bare forward pass in PyTorch."""
    rows = _read("costs.json").get("rows", [])
    return {(row["method"], row["network"]): row for row in rows if row["framework"] == "torch"}


def reads_attention(method: Method) -> bool:
    """Whether it can be asked of a transformer alone."""
    return "attentions" in method.needs


def networks(method: Method) -> Mapping[str, str]:
    """Those that its cost is measured on, and their titles."""
    return TRANSFORMERS if reads_attention(method) else NETWORKS


def auto(method: Method) -> str:
    """The layer of `demo` that ``auto`` is to the method; a map of the picture stands for any."""
    return FINEST if method.auto == "finest" else AUTO


def scenes(method: Method) -> str:
    """How many planted scenes its figures are the mean of."""
    if reads_attention(method):
        return NOTHING
    counts = {count for (name, _, _), (_, count) in truth().items() if name == method.name}
    return str(min(counts)) if counts else UNKNOWN


def right(method: str, layer: str, measure: str) -> float | None:
    """A mean of `truth`; of a method of the picture there is one alone."""
    known = truth()
    for where in (layer, "input", ""):
        if (method, where, measure) in known:
            return known[method, where, measure][0]
    return None


def ratio(method: str, network: str) -> str:
    """``1.1 x``, with the options that it was measured with where they are not the defaults.

    A ``~`` stands before what was measured while the machine did other work.
    """
    row = costs().get((method, network))
    if row is None:
        return UNKNOWN
    if "refused" in row:
        return "took too long" if row["refused"].startswith("took") else "not of this network"
    about = "~" if "busy" in row else ""
    return f"{about}{number(row['ratio'])} x{options(row['options'])}"


def memory(method: str, network: str) -> str:
    """Megabytes beyond the bare forward pass."""
    row = costs().get((method, network))
    if row is None:
        return UNKNOWN
    return "" if "refused" in row else f"{row['megabytes']:.0f} MB"


def options(chosen: dict) -> str:
    """`` with samples=32``."""
    said = ", ".join(f"{name}={value}" for name, value in chosen.items())
    return f" with {said}" if said else ""


def number(value: float) -> str:
    """Two digits that matter, three from a hundred on."""
    return f"{value:.1f}" if value < 10 else f"{value:.0f}"


def share(value: float | None) -> str:
    """As a percentage."""
    return UNKNOWN if value is None else f"{100 * value:.0f} %"


def _read(name: str) -> dict:
    path = BENCHMARKS / name
    return json.loads(path.read_text("utf-8")) if path.exists() else {}
