"""What a map costs beside a bare onnxruntime forward pass: ``python -m benchmarks.onnx_overhead``.

    python -m benchmarks.onnx_overhead MODEL.onnx [...] [--threads 1 2] [--rounds 60]

Each round times all of them one after the other, so that whatever else the machine does hits all;
the lowest time of each counts.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime

import xai_heatmap as xh


def lowest(calls: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Milliseconds of each call, the lowest of all rounds."""
    found = dict.fromkeys(calls, float("inf"))
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            found[name] = min(found[name], 1000 * (time.perf_counter() - start))
    return found


def measured(path: Path, threads: int, rounds: int) -> dict[str, float]:
    """The bare pass, the map of the last layer, and those of all, on so many threads."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    original = onnxruntime.SessionOptions

    def on_threads() -> onnxruntime.SessionOptions:
        made = original()
        made.intra_op_num_threads = threads
        return made

    onnxruntime.SessionOptions = on_threads
    try:
        network = xh.network(path)
        shape = network.layers["input"].shape
        x = np.random.default_rng(0).normal(size=(1, *shape)).astype(np.float32)
        native = np.ascontiguousarray(np.moveaxis(x, 1, -1)) if network.channels_last else x
        feeds = {session.get_inputs()[0].name: native}
        calls = {
            "bare": lambda: session.run(None, feeds),
            "last layer": lambda: xh.maps(network, native),
            "all layers": lambda: xh.maps(network, native, layer="all"),
        }
        lowest(calls, 2)
        return lowest({name: calls[name] for name in ("bare", "last layer")}, rounds) | {
            "all layers": lowest({"all": calls["all layers"]}, max(rounds // 3, 5))["all"]
        }
    finally:
        onnxruntime.SessionOptions = original


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=60)
    asked = parser.parse_args()
    print("| model | threads | forward ms | last layer | all layers |\n|---|---|---|---|---|")
    for path in asked.models:
        for threads in asked.threads:
            found = measured(path, threads, asked.rounds)
            bare = found["bare"]
            print(
                f"| {path.stem} | {threads} | {bare:.2f} | {found['last layer'] / bare:.2f} "
                f"| {found['all layers'] / bare:.2f} |"
            )


if __name__ == "__main__":
    main()
