"""ONNX files, beside a bare run and pytorch-grad-cam: ``python -m benchmarks.onnx_files``.

python -m benchmarks.onnx_files --write                        # into benchmarks/README.md
python -m benchmarks.onnx_files --networks squeezenet --threads 1 --seconds 5
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

import xai_heatmap as xh
from benchmarks import machine, networks, peers, tables, timing

NETWORKS = ("squeezenet", "mobilenet_v2", "resnet50")

LAST, ALL = 1.05, 3.0
"""At most: the map of the last grid, those of all grids, ÷ the bare run."""

FASTER = {"mobilenet_v2": 5.0, "resnet50": 4.0}
"""At least: times faster than pytorch-grad-cam."""

PROCESS = 1.0
"""At most: seconds of a whole `xai-heatmap explain` of a 5 MB file."""

MARKS = ("<!-- figures: onnx -->", "<!-- end of figures: onnx -->")

Row = tuple[str, ...]


def main() -> None:
    """Measure, print, and write where asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    several = {"type": lambda text: text.split(",")}
    parser.add_argument("--networks", default=list(NETWORKS), **several)
    parser.add_argument("--threads", default=["1", "2"], **several)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    asked = parser.parse_args()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in asked.networks:
            path = exported(name, Path(folder))
            for threads in map(int, asked.threads):
                rows += _measured(name, path, threads, asked.seconds)
    head = ("network", "threads", "", "best", "÷ bare", "median of ÷", "times ours", "aim")
    text = f"{machine.line(_versions())}\n\n{tables.table(head, rows)}\n\n{_process()}"
    print(text)
    if asked.write:
        tables.put(Path(__file__).with_name("README.md"), MARKS, text)


def _versions() -> list[str]:
    import torch

    return [f"onnxruntime {onnxruntime.__version__}", f"PyTorch {torch.__version__}"]


def exported(name: str, folder: Path) -> Path:
    """The reference file, or the architecture with random weights as PyTorch exports it."""
    if name == "squeezenet":
        return networks.reference() / "models" / "squeezenet1_1.onnx"
    import torch

    path = folder / f"{name}.onnx"
    model = _torch(name)
    torch.onnx.export(
        model, (torch.zeros(1, 3, 224, 224),), path, input_names=["image"],
        dynamic_shapes=({0: torch.export.Dim("n")},), dynamo=True, verbose=False,
    )  # fmt: skip
    return path


def _torch(name: str) -> Any:
    if name in networks.SUBJECTS:
        return networks.torch_model(name)
    from benchmarks import architectures

    return getattr(architectures, name)()


def _measured(name: str, path: Path, threads: int, seconds: float) -> Iterator[Row]:
    """Every row of one network on so many threads, of one run."""
    import torch

    torch.set_num_threads(threads)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    network = xh.network(path, session_options={"intra_op_num_threads": threads})
    x = networks.batch("resnet50", 1, channels_last=False)
    target = int(network.record(x).scores[0].argmax())
    feeds = {session.get_inputs()[0].name: x}
    quick: dict[str, timing.Call] = {
        "bare run, again": lambda: session.run(None, feeds),
        "xai-heatmap": lambda: xh.maps(network, x, target=target),
    }
    slow: dict[str, timing.Call] = {
        f"xai-heatmap, all {len(network.layers) - 1} layers": lambda: xh.maps(
            network, x, layer="all", target=target
        )
    }
    case = peers.Case(_torch(name), x, _layer(name), target)
    (rival,) = peers.prepared({"pytorch-grad-cam": peers.pytorch_grad_cam}, case)
    if rival.maps:
        slow[f"{rival.name}, in PyTorch"] = rival.maps
    found = {}
    for calls in (quick, {**slow, "xai-heatmap beside them": quick["xai-heatmap"]}):
        plan = timing.Plan(least=7, most=400, seconds=seconds)
        found |= timing.paired(lambda: session.run(None, feeds), calls, plan)
    yield from _rows(name, threads, found)


def _layer(name: str) -> str:
    """The last layer of the trunk in PyTorch."""
    trunk = dict(_torch(name).named_children())
    known = {"squeezenet": "features.12", "mobilenet_v2": "18", "resnet50": "19"}
    return known[name] if name in known else list(trunk)[-1]


def _rows(name: str, threads: int, found: Mapping[str, timing.Pairs]) -> Iterator[Row]:
    ours = found["xai-heatmap beside them"]
    for what, pairs in found.items():
        times = pairs.best / ours.best
        aim = ""
        if what == "xai-heatmap":
            aim = _aim(pairs.best_ratio, at_most=LAST)
        elif what.startswith("xai-heatmap, all"):
            aim = _aim(pairs.best_ratio, at_most=ALL)
        elif "grad-cam" in what and name in FASTER:
            aim = f"≥ {FASTER[name]:.0f}: {'ok' if times >= FASTER[name] else 'MISSED'}"
        yield (
            name, str(threads), what, f"{1000 * pairs.best:.3g} ms", f"{pairs.best_ratio:.2f}",
            f"{pairs.median_ratio:.2f}", f"{times:.1f}", aim,
        )  # fmt: skip


def _aim(measured: float, *, at_most: float) -> str:
    return f"≤ {at_most:g}: {'ok' if measured <= at_most else 'MISSED'}"


def _process() -> str:
    """Seconds of a whole command, from the shell to the written picture, on a warm disk."""
    path = networks.reference() / "models" / "squeezenet1_1.onnx"
    command = str(Path(sys.executable).with_name("xai-heatmap"))
    seconds = []
    with tempfile.TemporaryDirectory() as out:
        words = ["explain", str(networks.photographs()[0]), "--model", str(path)]
        words += ["--preprocess", "imagenet", "--out", out]
        for _ in range(8):
            start = time.perf_counter()
            subprocess.run(
                [command, *words], check=True, stdout=subprocess.DEVNULL, env=dict(os.environ)
            )
            seconds.append(time.perf_counter() - start)
    best = min(seconds[1:])
    return (
        f"`xai-heatmap explain PHOTO --model squeezenet1_1.onnx`, the whole process, a file of "
        f"{path.stat().st_size / 1e6:.1f} MB: {best:.2f} s at best, "
        f"{statistics.median(seconds[1:]):.2f} s in the median "
        f"({_aim(best, at_most=PROCESS)})."
    )


if __name__ == "__main__":
    np.seterr(all="raise", under="ignore")
    main()
