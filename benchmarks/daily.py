"""What a day's work costs, by processor time: ``python -m benchmarks.daily --help``.

Every ratio is the median of pairs taken in turn, on one thread; so a machine that does other work
disturbs little. Beside a ratio stands its floor: the same work without a line of this package.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import xai_heatmap as xh
from benchmarks import machine, networks, tables

NETWORKS = ("squeezenet", "mobilenet_v2", "resnet50")
PARTS = ("torch", "first", "path", "saving", "core")
MARKS = "<!-- figures: daily -->", "<!-- end of figures: daily -->"

Call = Callable[[], object]
Row = tuple[str, ...]

FIRST = """
import sys, time
import numpy as np, torch
torch.set_num_threads(1)
import xai_heatmap as xh
from benchmarks import networks
name = sys.argv[1]
model = networks.torch_model(name)
for _ in range(2):
    with torch.no_grad():
        model(torch.rand(1, 3, 224, 224))
picture = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
if sys.argv[2] == "imported":
    xh.explain, xh.network
taken = []
for _ in range(2):
    start = time.process_time()
    xh.explain(model, picture, preprocess=networks.SUBJECTS[name].preprocess)
    taken.append(time.process_time() - start)
print(taken[0] - taken[1])
"""

ONE_CORE = """
import os, statistics, sys, time
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
import xai_heatmap as xh
from benchmarks import networks
path = networks.reference() / "models" / "squeezenet1_1.onnx"
network, x = xh.network(path), networks.batch("squeezenet", 1, channels_last=False)
taken = []
for _ in range(35):
    start = time.perf_counter()
    xh.maps(network, x)
    taken.append(time.perf_counter() - start)
print(max(taken[5:]) / statistics.median(taken[5:]))
"""


def main() -> None:
    """Measure, print, and write where asked to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.daily", description=__doc__)
    several = {"type": lambda text: text.split(",")}
    parser.add_argument("--only", default=list(PARTS), help=f"of {','.join(PARTS)}", **several)
    parser.add_argument("--networks", default=list(NETWORKS), help="of PyTorch", **several)
    parser.add_argument("--pairs", type=int, default=11, help="of each ratio")
    parser.add_argument("--saves", type=int, default=1500, help="into one folder")
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    asked = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    rows: list[Row] = []
    for part in asked.only:
        for row in _MEASURED[part](asked):
            print(*row, sep=" | ", file=sys.stderr, flush=True)
            rows.append(row)
    text = (
        f"{machine.line([])}\n\n{tables.table(('what', 'measured', 'floor', 'at most', ''), rows)}"
    )
    print(text)
    if asked.write:
        tables.put(Path(__file__).with_name("README.md"), MARKS, text)


def ratio(one: Call, other: Call, pairs: int) -> float:
    """Processor time of a call ÷ that of another: the median of pairs in turn, after two each."""
    for _ in range(2):
        one(), other()
    found = []
    for number in range(pairs):
        order = (one, other) if number % 2 else (other, one)
        taken = {call: seconds(call) for call in order}
        found.append(taken[one] / taken[other])
    return statistics.median(found)


def seconds(call: Call) -> float:
    """Seconds of processor time of one call."""
    start = time.process_time()
    call()
    return time.process_time() - start


def _row(what: str, measured: float, most: float | None, floor: float | None = None) -> Row:
    below = "" if floor is None else f"{floor:.2f}"
    verdict = "" if most is None else "ok" if measured <= most else "MISSED"
    return what, f"{measured:.2f}", below, "" if most is None else f"{most:g}", verdict


def _torch(asked: argparse.Namespace) -> Iterator[Row]:
    for name in asked.networks:
        yield from _of_network(name, asked.pairs)


def _of_network(name: str, pairs: int) -> Iterator[Row]:
    """Maps of one PyTorch network beside its own passes."""
    model = networks.torch_model(name).requires_grad_(requires_grad=False)
    network, subject = xh.network(model), networks.SUBJECTS[name]
    x, many = (networks.batch(name, count, channels_last=False) for count in (1, 16))
    bare = _bare(model, x)
    yield _row(f"{subject.title}: bare pass, again", ratio(_bare(model, x), bare, pairs), None)
    for own, count, most in ((x, 1, 0.85 if name == "squeezenet" else None), (many, 16, 0.85)):
        last = np.ascontiguousarray(own.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
        usual = _bare(model, own)
        floor = ratio(_bare(model, last), usual, pairs)
        found = ratio(lambda own=own: xh.maps(network, own), usual, pairs)
        what = f"{subject.title}: Grad-CAM ÷ plain pass of channels first, batch {count}"
        yield _row(what, found, most, floor)
    there_and_back = _there_and_back(model, x)
    found = ratio(lambda: xh.maps(network, x, layer="all", target=3), there_and_back, pairs)
    yield _row(f"{subject.title}: all layers ÷ (there and back to the picture)", found, 1.3, 1.0)
    picture = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    ways_back = 1 + 5 * (ratio(there_and_back, bare, pairs) - 1)
    goals = {"auto": 1.2, "all": 6.0} if name == "resnet50" else {"auto": None, "all": None}
    for layer, most in goals.items():

        def five(layer: str = layer) -> object:
            likeliest = [xh.top(rank) for rank in range(1, 6)]
            given = {"targets": likeliest, "preprocess": subject.preprocess}
            return xh.compare(network, picture, layers=layer, **given)

        what = f"{subject.title}: 5 targets × {layer} ÷ plain pass"
        yield _row(what, ratio(five, bare, pairs), most, ways_back if layer == "all" else 1.0)


def _bare(model: Any, x: np.ndarray) -> Call:
    import torch

    def forward() -> object:
        with torch.no_grad():
            return model(torch.from_numpy(x)).numpy()

    return forward


def _there_and_back(model: Any, x: np.ndarray) -> Call:
    import torch

    def both() -> object:
        picture = torch.from_numpy(x).clone().requires_grad_()
        return torch.autograd.grad(model(picture)[:, 3].sum(), picture)

    return both


def _first(asked: argparse.Namespace) -> Iterator[Row]:
    """The first explanation of a process above the second, in processes of their own."""
    for name in (*asked.networks[:2], "mobilenet"):
        for what, said in (("fresh", "the package imported meanwhile"), ("imported", "imported")):
            found = statistics.median(_told(FIRST, name, what))
            title = networks.SUBJECTS[name].title
            row = f"{title}: first explanation of a process above the second, {said}, seconds"
            yield _row(row, found, 0.1)


def _told(code: str, *given: str) -> list[float]:
    """The number that a process of its own prints, three times; a first one writes the byte code
    that an installation has.
    """
    own = {name: value for name, value in os.environ.items() if "BYTECODE" not in name}
    command, found = [sys.executable, "-c", code, *given], list[float]()
    with tempfile.TemporaryDirectory() as kept:
        own |= {"OMP_NUM_THREADS": "1", "PYTHONPYCACHEPREFIX": kept}
        for _ in range(4):
            done = subprocess.run(
                command, check=True, stdout=subprocess.PIPE, text=True, cwd=networks.ROOT, env=own
            )
            found.append(float(done.stdout.strip().splitlines()[-1]))
    return found[1:]


def _path(asked: argparse.Namespace) -> Iterator[Row]:
    """A photograph from its path, beside decoding, preprocessing and inference by hand."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    file = networks.reference() / "models" / "squeezenet1_1.onnx"
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    model = networks.torch_model("squeezenet")
    runs: dict[str, tuple[Any, Callable[[np.ndarray], object]]] = {
        "PyTorch": (model, lambda x: _bare(model, x)()),
        "ONNX": (file, lambda x: session.run(None, {session.get_inputs()[0].name: x})),
    }
    kind, paths = networks.SUBJECTS["squeezenet"].preprocess, networks.photographs()[:8]
    for title, (given, infer) in runs.items():
        network = xh.network(given, **({"session_options": options} if given is file else {}))
        explained = partial(xh.explain, network, preprocess=kind)
        found = [_beside_by_hand(explained, infer, path, kind, asked.pairs) for path in paths]
        yield _row(f"SqueezeNet 1.1, {title}: path ÷ by hand", statistics.median(found), 1.1)


def _beside_by_hand(
    explained: Callable[[Path], object],
    infer: Callable[[np.ndarray], object],
    path: Path,
    kind: str,
    pairs: int,
) -> float:
    def by_hand() -> object:
        return infer(_by_hand(path, kind))

    return ratio(lambda: explained(path), by_hand, max(3, pairs // 4))


def _by_hand(path: Path, kind: str) -> np.ndarray:
    from PIL import Image

    x = networks.preprocessed(Image.open(path), kind)
    return np.ascontiguousarray(np.moveaxis(x, -1, 0)[None])


def _saving(asked: argparse.Namespace) -> Iterator[Row]:
    """Saving beside decoding, preprocessing and inference by hand, and into a full folder."""
    model = networks.torch_model("squeezenet")
    network, kind = xh.network(model), networks.SUBJECTS["squeezenet"].preprocess
    paths = networks.photographs()
    with tempfile.TemporaryDirectory() as folder:
        explained = xh.explain(network, paths[0], preprocess=kind)
        taken = [
            seconds(lambda at=at: replace(explained, name=f"{at}.jpg").save(folder))
            for at in range(asked.saves)
        ]
    late, early = (statistics.median(taken[at : at + 20]) for at in (-20, 5))
    yield _row(f"the {asked.saves}th save ÷ the 10th", late / early, 1.2)
    with tempfile.TemporaryDirectory() as folder:

        def written() -> None:
            for path in paths:
                xh.explain(network, path, preprocess=kind).save(folder)

        def by_hand() -> None:
            for path in paths:
                _bare(model, _by_hand(path, kind))()

        found = ratio(written, by_hand, max(3, asked.pairs // 2))
        yield _row("photographs explained and written ÷ by hand, SqueezeNet 1.1", found, 2.5)


def _core(_: argparse.Namespace) -> Iterator[Row]:
    """How evenly an ONNX file answers on one allowed core; by the clock on the wall."""
    found = min(_told(ONE_CORE))
    yield _row("ONNX on one allowed core: slowest of 30 calls ÷ median, by wall clock", found, 2.0)


_MEASURED = {"torch": _torch, "first": _first, "path": _path, "saving": _saving, "core": _core}

if __name__ == "__main__":
    main()
