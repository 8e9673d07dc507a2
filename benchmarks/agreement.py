"""The same network's Grad-CAM from every framework, compared."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.settings import AGREEMENT


def records(folder: Path, frameworks: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The largest difference of normalised maps, for each network and pair of frameworks."""
    made = {
        name: dict(np.load(folder / f"{name}.npz"))
        for name in frameworks
        if (folder / f"{name}.npz").is_file()
    }
    for one, other in combinations(made, 2):
        for network in made[one].keys() & made[other].keys():
            a, b = made[one][network], made[other][network]
            facts = {"row": f"{one} and {other}", "network": network, "goal": AGREEMENT}
            if a.shape != b.shape:
                why = f"maps of {a.shape} and {b.shape}"
                yield facts | {"kind": "missing", "of": "agreement", "reason": why}
            else:
                yield facts | {"kind": "difference", "worst": float(np.abs(a - b).max())}
