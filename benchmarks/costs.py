"""What a map of each method costs beside one bare forward pass: ``python -m benchmarks.costs``.

python -m benchmarks.costs --write                      # every method, into README.md
python -m benchmarks.costs --methods gradcam --write    # its rows anew, others stay
python -m benchmarks.costs --quick                      # does it run? figures mean nothing

Each method has a process of its own for each network, so that the most memory that a process held
is that of the method. Then its map and a bare forward pass are timed in turn. Methods that read
attention are measured on a transformer, the reference DeiT; all others on convolutional networks.
OMP_NUM_THREADS=1, and one core that does nothing else, are what the kept figures were taken with.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import xai_heatmap as xh
import xai_heatmap.methods
from benchmarks import machine, networks, tables, timing
from benchmarks.onnx_files import exported as onnx_file
from benchmarks.reasons import reason
from xai_heatmap.core.errors import XaiHeatmapError
from xai_heatmap.core.registry import METHODS, Method

NETWORKS = {"resnet50": "ResNet-50", "mobilenet_v2": "MobileNetV2", "deit_tiny": "DeiT-Ti"}

OF_TRANSFORMERS = ("deit_tiny",)
"""Networks that are asked by methods that read attention, and by these alone."""

FRAMEWORKS = {"torch": "PyTorch", "onnx": "onnxruntime"}

MODEST = {"samples": 32, "steps": 16, "top": 32}
"""Options that say how many passes are made, and what they are at most; ``top`` is always set."""

OWN = {
    "sobol": {"samples": 4},
    "sscam": {"samples": 2, "top": 8},
    "iscam": {"steps": 4, "top": 8},
}
"""Where one option multiplies another."""

LONG = 3.0
"""Seconds; a call that takes longer is timed twice, not `Plan.least` times."""

LONGEST = 300
"""Seconds of a whole process, after which a method counts as too long to be measured."""

KEPT = Path(__file__).with_name("costs.json")

MARKS = ("<!-- figures: costs -->", "<!-- end of figures: costs -->")

Row = dict[str, Any]


def main() -> None:
    """Measure, print, and write where asked to; or measure one, as a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    several = {"type": lambda text: text.split(",")}
    parser.add_argument("--methods", default=list(METHODS), **several)
    parser.add_argument("--networks", default=list(NETWORKS), **several)
    parser.add_argument("--frameworks", default=list(FRAMEWORKS), **several)
    parser.add_argument("--seconds", type=float, default=6, help="of each, after 7 rounds")
    parser.add_argument("--quick", action="store_true", help="one round of each")
    parser.add_argument("--busy", action="store_true", help="the machine does other work: say so")
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        method, network, model = asked.one[:3]
        print(json.dumps(measured(METHODS[method], network, model, float(asked.one[3]))))
        return
    seconds = -1.0 if asked.quick else asked.seconds
    rows = _kept() if asked.write else {}
    here = machine.line(_versions())
    for found in _rows(asked.methods, asked.networks, asked.frameworks, seconds):
        row = found | {"machine": here} | ({"busy": True} if asked.busy else {})
        rows[row["framework"], row["network"], row["method"]] = row
        if asked.write:
            _keep(rows)
    text = document(list(rows.values()))
    print(text)
    if asked.write:
        tables.put(Path(__file__).with_name("README.md"), MARKS, text)


def _rows(
    methods: Sequence[str], names: Sequence[str], frameworks: Sequence[str], seconds: float
) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        for framework in frameworks:
            for network in names:
                onnx = framework == "onnx"
                model = str(onnx_file(network, Path(folder))) if onnx else "torch"
                for method in filter(lambda one: asks(one, network), methods):
                    facts = {"method": method, "network": network, "framework": framework}
                    row = facts | _measured_apart(method, network, model, seconds)
                    said = f"{row['ratio']:.2f}" if "ratio" in row else row["refused"]
                    print(f"{framework}, {network}, {method}: {said}", file=sys.stderr)
                    yield row


def asks(method: str, network: str) -> bool:
    """Whether the method is measured on the network: attention is read where there is any."""
    return ("attentions" in METHODS[method].needs) == (network in OF_TRANSFORMERS)


def _measured_apart(method: str, network: str, model: str, seconds: float) -> Row:
    command = [sys.executable, "-m", "benchmarks.costs", "--one", method, network, model]
    try:
        done = subprocess.run(
            [*command, str(seconds)],
            check=False, capture_output=True, text=True, timeout=LONGEST, cwd=networks.ROOT,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {"refused": f"took more than {LONGEST} s"}
    if done.returncode:
        return {"refused": f"its process ended with {done.returncode}: {done.stderr[-300:]}"}
    return json.loads(done.stdout.splitlines()[-1])


def measured(method: Method, name: str, model: str, seconds: float) -> Row:
    """One method on one network: time ÷ bare forward pass, megabytes beyond it."""
    opened, bare, x = _opened(name, model)
    survey = opened.survey(x.shape[1:])
    target = int(opened.record(x, [survey.auto]).scores[0].argmax())
    options = modest(method)

    def call() -> object:
        return xh.maps(opened, x, method=method.name, target=target, options=options)

    bare()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    try:
        call()
    except XaiHeatmapError as error:
        return {"refused": reason(error)}
    length = time.perf_counter() - start
    more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    least = 1 if seconds < 0 else 2 if length > LONG else 7
    pairs = timing.paired(bare, {"map": call}, timing.Plan(least, max(40, least), seconds))["map"]
    return {
        "ratio": float(f"{pairs.best_ratio:.4g}"),
        "median": float(f"{pairs.median_ratio:.4g}"),
        "megabytes": round(more / 1024),
        "rounds": len(pairs.seconds),
        "options": dict(options),
    }


def _opened(name: str, model: str) -> tuple[Any, Callable[[], object], np.ndarray]:
    import torch

    x = networks.batch("resnet50", 1, channels_last=False)
    if model != "torch":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads = torch.get_num_threads()
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        feeds = {session.get_inputs()[0].name: x}
        opened = xh.network(model, session_options={"intra_op_num_threads": threads})
        return opened, lambda: session.run(None, feeds), x
    module = networks.torch_model(name)

    def forward() -> np.ndarray:
        with torch.no_grad():
            return module(torch.from_numpy(x)).numpy()

    return xh.network(module), forward, x


def modest(method: Method) -> Mapping[str, int]:
    """The options with which it is measured where its defaults make many passes."""
    found = {}
    for name, most in (MODEST | OWN.get(method.name, {})).items():
        if name in method.taken:
            default = method.taken[name].default
            if name == "top" or (isinstance(default, int) and default > most):
                found[name] = most
    return found


def _kept() -> dict[tuple[str, str, str], Row]:
    """What earlier runs wrote, each row with the machine that it was measured on."""
    known = json.loads(KEPT.read_text()) if KEPT.exists() else {"machines": [], "rows": []}
    rows = [row | {"machine": known["machines"][row["machine"]]} for row in known["rows"]]
    return {(row["framework"], row["network"], row["method"]): row for row in rows}


def _keep(rows: Mapping[tuple[str, str, str], Row]) -> None:
    machines = list(dict.fromkeys(row["machine"] for row in rows.values()))
    lines = ",\n".join(
        json.dumps(row | {"machine": machines.index(row["machine"])})
        for _, row in sorted(rows.items())
    )
    KEPT.write_text(f'{{"machines": {json.dumps(machines)}, "rows": [\n{lines}\n]}}\n')


def document(rows: Sequence[Row]) -> str:
    """The tables as Markdown, a row for each method: convolutional networks, transformers."""
    busy = any("busy" in row for row in rows)
    said = " **~: measured while the machine did other work; good to a fifth, at best.**"
    apart = [[row for row in rows if (row["network"] in OF_TRANSFORMERS) is is_one]
             for is_one in (False, True)]  # fmt: skip
    parts = [_table(some) for some in apart if some]
    return "\n\n".join([_machines(rows) + (said if busy else ""), *parts]) + "\n"


def _machines(rows: Sequence[Row]) -> str:
    """The machine of most rows, and which methods were measured on others."""
    where: dict[str, list[str]] = {}
    for row in rows:
        where.setdefault(row["machine"], []).append(row["method"])
    (most, _), *others = sorted(where.items(), key=lambda one: -len(one[1]))
    apart = [f"{', '.join(f'`{name}`' for name in dict.fromkeys(names))}: on {which}."
             for which, names in others]  # fmt: skip
    return " ".join([f"{most}.", *apart])


def _table(rows: Sequence[Row]) -> str:
    known = {(row["framework"], row["network"], row["method"]): row for row in rows}
    there = {(row["framework"], row["network"]) for row in rows}
    cases = [(one, name) for one in FRAMEWORKS for name in NETWORKS if (one, name) in there]
    names = [name for name in METHODS if any((*case, name) in known for case in cases)]
    head = ["method", "with"]
    for framework, network in cases:
        title = f"{NETWORKS[network]}, {FRAMEWORKS[framework]}"
        head += [f"{title}: ÷ bare (median of ÷)", "memory"]
    return tables.table(
        head,
        [
            [
                name,
                _with(name),
                *(cell for case in cases for cell in _cells(known.get((*case, name)))),
            ]
            for name in names
        ],
    )


def _with(name: str) -> str:
    return ", ".join(f"`{option}={value}`" for option, value in modest(METHODS[name]).items())


def _cells(row: Row | None) -> list[str]:
    if row is None:
        return ["", ""]
    if "refused" in row:
        return [f"did not run: {row['refused'][:120]}", ""]
    about = "~" if "busy" in row else ""
    return [f"{about}{row['ratio']:.3g} ({row['median']:.3g})", f"{row['megabytes']} MB"]


def _versions() -> list[str]:
    import onnxruntime
    import torch

    count = torch.get_num_threads()
    threads = "one thread" if count == 1 else f"{count} threads"
    return [f"PyTorch {torch.__version__} ({threads})", f"onnxruntime {onnxruntime.__version__}"]


if __name__ == "__main__":
    main()
