"""``python -m training.ship``: put the trained arrays into the package, with ONNX files of them."""

import argparse
from pathlib import Path

import numpy as np
from rich.console import Console

from training.graph import graph
from xai_heatmap.networks.loading.demo import NAMES, arrays, file

LARGEST = 1_500_000
"""Bytes that a shipped file may have."""


def main() -> None:
    """Ship both networks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("out/training"))
    folder = parser.parse_args().folder
    for name in NAMES:
        path = file(name)
        plain = path.with_suffix(".npz")
        with np.load(folder / f"{name}.npz") as trained:
            np.savez(plain, **trained)
        path.write_bytes(graph(arrays(name), name=name).SerializeToString(deterministic=True))
        for written in (path, plain):
            size = written.stat().st_size
            if size > LARGEST:
                raise SystemExit(f"{written} has {size} bytes; at most {LARGEST} are shipped.")
            Console().print(f"{written}: {size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
