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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import xai_heatmap as xh
from benchmarks import machine, networks, of_files, tables
from benchmarks.by_processor import Call, Row, bare, ratio, row

NETWORKS = ("squeezenet", "mobilenet_v2", "resnet50")
PARTS = ("torch", "first", "path", "saving", "core")
MARKS = "<!-- figures: daily -->", "<!-- end of figures: daily -->"

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
        for found in _MEASURED[part](asked):
            print(*found, sep=" | ", file=sys.stderr, flush=True)
            rows.append(found)
    text = (
        f"{machine.line([])}\n\n{tables.table(('what', 'measured', 'floor', 'at most', ''), rows)}"
    )
    print(text)
    if asked.write:
        tables.put(Path(__file__).with_name("README.md"), MARKS, text)


def _torch(asked: argparse.Namespace) -> Iterator[Row]:
    for name in asked.networks:
        yield from _of_network(name, asked.pairs)


def _of_network(name: str, pairs: int) -> Iterator[Row]:
    """Maps of one PyTorch network beside its own passes."""
    model = networks.torch_model(name).requires_grad_(requires_grad=False)
    network, subject = xh.network(model), networks.SUBJECTS[name]
    x, many = (networks.batch(name, count, channels_last=False) for count in (1, 16))
    plain = bare(model, x)
    yield row(f"{subject.title}: bare pass, again", ratio(bare(model, x), plain, pairs), None)
    for own, count, most in ((x, 1, 0.85 if name == "squeezenet" else None), (many, 16, 0.85)):
        last = np.ascontiguousarray(own.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
        usual = bare(model, own)
        floor = ratio(bare(model, last), usual, pairs)
        found = ratio(lambda own=own: xh.maps(network, own), usual, pairs)
        what = f"{subject.title}: Grad-CAM ÷ plain pass of channels first, batch {count}"
        yield row(what, found, most, floor)
    there_and_back = _there_and_back(model, x)
    found = ratio(lambda: xh.maps(network, x, layer="all", target=3), there_and_back, pairs)
    yield row(f"{subject.title}: all layers ÷ (there and back to the picture)", found, 1.3, 1.0)
    picture = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    ways_back = 1 + 5 * (ratio(there_and_back, plain, pairs) - 1)
    goals = {"auto": 1.2, "all": 6.0} if name == "resnet50" else {"auto": None, "all": None}
    for layer, most in goals.items():

        def five(layer: str = layer) -> object:
            likeliest = [xh.top(rank) for rank in range(1, 6)]
            given = {"targets": likeliest, "preprocess": subject.preprocess}
            return xh.compare(network, picture, layers=layer, **given)

        what = f"{subject.title}: 5 targets × {layer} ÷ plain pass"
        yield row(what, ratio(five, plain, pairs), most, ways_back if layer == "all" else 1.0)


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
            about = f"{title}: first explanation of a process above the second, {said}, seconds"
            yield row(about, found, 0.1)


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


def _core(_: argparse.Namespace) -> Iterator[Row]:
    """How evenly an ONNX file answers on one allowed core; by the clock on the wall."""
    found = min(_told(ONE_CORE))
    yield row("ONNX on one allowed core: slowest of 30 calls ÷ median, by wall clock", found, 2.0)


_MEASURED = {
    "torch": _torch,
    "first": _first,
    "path": of_files.path,
    "saving": of_files.saving,
    "core": _core,
}

if __name__ == "__main__":
    main()
