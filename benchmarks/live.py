"""What the page costs: ``python -m benchmarks.live`` (``--write`` puts the table into the docs).

Processor time of a live frame and of a new picture's maps beside a bare run of the same ONNX file
on one thread; how old a slow network's map is, over a real socket; how soon the page is ready.
"""

import argparse
import io
import itertools
import os
import resource
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx
import numpy as np
import onnxruntime
import PIL.Image
from websockets.sync.client import connect

import xai_heatmap as xh
from benchmarks import machine, networks, tables
from benchmarks.onnx_files import exported
from xai_heatmap.apps.web.serving import serve
from xai_heatmap.runners.looking.asked import Asked
from xai_heatmap.runners.looking.look import glance, look
from xai_heatmap.runners.looking.model import Model
from xai_heatmap.runners.looking.packet import unpacked
from xai_heatmap.runners.looking.pictures import decoded
from xai_heatmap.runners.looking.watched import Watch
from xai_heatmap.sources.image import read

FRAME, NEW, AGE, READY = 1.25, 4.0, 2.0, 1.0
"""At most: a frame and a new picture ÷ bare, age ÷ forward pass, seconds above bare Python."""

MARKS = ("<!-- figures: live -->", "<!-- end of figures: live -->")
PAGE = Path(__file__).parents[1] / "docs" / "web-app.md"
ONE = {"intra_op_num_threads": 1}
RUN = "import sys; from xai_heatmap.apps.cli import main; sys.exit(main())"

Row = tuple[str, ...]


def main() -> None:
    """Measure, print, and write where asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--seconds", type=float, default=300, help="of the slow network's line")
    parser.add_argument("--parts", default="costs,rate,age,starting", help="which of them")
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.name}")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        parts: dict[str, Callable[[], list[Row]]] = {
            "costs": lambda: _costs(exported("mobilenet_v2", Path(folder)), asked.rounds),
            "rate": lambda: _rate(exported("mobilenet_v2", Path(folder)), asked.seconds / 10),
            "age": lambda: _age(exported("resnet50", Path(folder)), asked.seconds),
            "starting": _starting,
        }
        rows = [row for part in asked.parts.split(",") for row in parts[part]()]
    head = ("", "measured", "aim")
    said = machine.line([f"onnxruntime {onnxruntime.__version__}"])
    text = f"{said}\n\n{tables.table(head, rows)}"
    print(text)
    if asked.write:
        tables.put(PAGE, MARKS, text)


def _photograph(size: tuple[int, int] | None = None) -> bytes:
    """A photograph as JPEG, as a page sends it."""
    path = networks.reference() / "images" / "cat_720p.jpg"
    if size is None:
        return path.read_bytes()
    written = io.BytesIO()
    PIL.Image.open(path).resize(size).save(written, "JPEG", quality=80)
    return written.getvalue()


def _costs(path: Path, rounds: int) -> list[Row]:
    """A frame, and a new picture, beside a bare run."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options)
    name = session.get_inputs()[0].name
    x = np.random.default_rng(0).random((1, 3, 224, 224), dtype=np.float32)
    model = Model("m", "m", xh.network(path, session_options=ONE), "imagenet")
    layers = len([one for one in model.survey.layers.values() if one.places > 1]) - 1
    small, large = _photograph((320, 240)), _photograph()
    how = model.how
    assert how is not None
    given = how(read(small).image)[0][None]

    def frame() -> bytes:
        return glance(model, read(small).image, Asked(), said={}, watch=Watch())

    def new(asked: Asked) -> Callable[[], bytes]:
        def looked() -> bytes:
            model.kept.clear()
            return look(model, decoded(large, "key", "cat.jpg"), asked)

        return looked

    calls: dict[str, Callable[[], object]] = {
        f"live, MobileNetV2, a frame of 320x240, JPEG, decoded, ÷ bare run|{FRAME}": frame,
        f"a new photograph of 1280x720 to its first map, ÷ bare run|{NEW}": new(Asked()),
        f"to the maps of all {layers} layers, ÷ bare run|{NEW}": new(Asked(layers=("all",))),
        f"for comparison, one program that answers scores and maps of all {layers}|": lambda: (
            xh.maps(model.opened, given, target=3, layer="all")
        ),
        "of that, decoded and prepared|": lambda: how(read(large).image),
        "of a frame, one program that answers scores and its map|": lambda: xh.maps(
            model.opened, given, target=3
        ),
        "of a frame, decoded and prepared|": lambda: how(read(small).image),
    }
    found = _paired(lambda: session.run(None, {name: x}), calls, rounds)
    rows = [(*name.split("|"), f"{own:.2f}") for name, own in found.items()]
    return [(name, own, f"≤ {aim}" if aim else "") for name, aim, own in rows]


def _paired(
    bare: Callable[[], object], calls: Mapping[str, Callable[[], object]], rounds: int
) -> dict[str, float]:
    """Median of the ratios of processor time, each call right after a bare one."""
    found: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(rounds + 2):
        for name, call in calls.items():
            own = [_spent(bare), _spent(call)]
            if number > 1:
                found[name].append(own[1] / own[0])
    return {name: statistics.median(own) for name, own in found.items()}


def _spent(call: Callable[[], object]) -> float:
    begun = time.process_time()
    call()
    return time.process_time() - begun


Seen = tuple[float, float, float, int]
"""Of a frame: when it was answered and how old its map was, the forward pass, bytes of memory."""


def _age(path: Path, seconds: float) -> list[Row]:
    """Ages and memory of a slow network in fifths of the time: of five minutes, minute by
    minute.
    """
    seen = _watched(path, seconds)
    fifths = [[one for one in seen if int(5 * one[0] / seconds) == part] for part in range(5)]
    parts = [part for part in fifths if part]
    ages = [[age / own for _, age, own, _ in part] for part in parts]
    every = [age for part in ages for age in part]
    lasted = f"{seconds / 60:g} minutes"
    return [
        (f"live, ResNet-50, {lasted}, {len(seen)} frames: age of a map ÷ its own pass, median",
         f"{statistics.median(every):.2f}", f"≤ {AGE:g}"),
        ("the same of 99 of 100 frames, at most", f"{np.quantile(every, 0.99):.2f}", f"≤ {AGE:g}"),
        ("medians of the fifths of that time",
         " ".join(f"{statistics.median(own):.2f}" for own in ages), "never growing"),
        ("memory at the ends of the fifths",
         " ".join(f"{part[-1][3] / 1e6:.0f}" for part in parts) + " MB", "flat"),
    ]  # fmt: skip


def _rate(path: Path, seconds: float) -> list[Row]:
    """Frames a second of a quick network before a camera of 20 a second."""
    seen = _watched(path, seconds)
    rate = (len(seen) - 1) / (seen[-1][0] - seen[0][0])
    return [("live, MobileNetV2, frames a second of a camera of 20", f"{rate:.1f}", "≥ 20")]


def _watched(path: Path, seconds: float) -> list[Seen]:
    """Frames over a real socket: a page sends the newest of 20 a second, one in flight."""
    network = xh.network(path, session_options=ONE)
    frame = _photograph((320, 240))
    seen = list[Seen]()
    own = serve(network, preprocess="imagenet", port=0, browser=False, wait=False)
    assert own is not None
    address = f"{own.home.replace('http', 'ws')}ws/live?token={own.token}"
    fresh, newest, over = threading.Event(), [0.0], threading.Event()

    def camera() -> None:
        begun = time.perf_counter()
        for number in itertools.count(1):
            if over.wait(max(begun + number / 20 - time.perf_counter(), 0)):
                return
            newest[0] = time.perf_counter()
            fresh.set()

    with own, connect(address, max_size=None) as line:
        threading.Thread(target=camera, daemon=True).start()
        begun = time.perf_counter()
        while (now := time.perf_counter() - begun) < seconds:
            fresh.wait()
            fresh.clear()
            line.send(struct.pack("<d", newest[0]) + frame)
            data = line.recv()
            assert isinstance(data, bytes)
            header, _ = unpacked(data)
            age = time.perf_counter() - header["t"]
            seen.append((now, age, header["forward_ms"] / 1e3, _resident()))
        over.set()
    return seen[10:]  # the first compile their graphs


def _resident() -> int:
    """Bytes of memory that this process holds."""
    with Path("/proc/self/statm").open() as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _starting() -> list[Row]:
    """Processor seconds to a page that knows its network, above bare Python: the least of seven."""
    path = networks.reference() / "models" / "mobilenet_v1_025_224.onnx"
    with_bytecode = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": tempfile.mkdtemp()}
    os.environ |= with_bytecode  # as an installed package has it; the first of each writes it
    words = ["serve", str(path), "--preprocess", "tf", "--no-browser", "--port", "0"]
    bare = min(_ran([sys.executable, "-c", "pass"]) for _ in range(5))
    layers = min(_ran([sys.executable, "-c", RUN, "layers", str(path)]) for _ in range(3))
    found = min(_ready([sys.executable, "-c", RUN, *words]) for _ in range(7))
    return [
        ("`serve` to a page that knows its network, processor seconds above bare Python",
         f"{found - bare:.2f}", f"≤ {READY:g}"),
        ("`xai-heatmap layers` of the same file, for comparison", f"{layers - bare:.2f}", ""),
    ]  # fmt: skip


def _ran(command: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _ready(command: list[str]) -> float:
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        link = process.stdout.readline().strip()
        home, _, token = link.partition("?token=")
        said = {"authorization": f"Bearer {token}"}
        with httpx.Client(base_url=home, headers=said, timeout=60) as client:
            assert httpx.get(link).status_code == 200
            assert client.get("/api/model").status_code == 200
        parts = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        process.terminate()
    return sum(map(int, parts[11:13])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
