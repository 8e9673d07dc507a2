"""Runs over pictures, beside bare inference and pytorch-grad-cam: ``python -m benchmarks.batch``.

python -m benchmarks.batch --write                      # into benchmarks/README.md
python -m benchmarks.batch --networks mobilenet_v2 --rounds 2
python -m benchmarks.batch --memory 20000  # peak memory of a run of so many, and of 200
"""

import argparse
import itertools
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

import xai_heatmap as xh
from benchmarks import machine, networks, peers, tables
from benchmarks.onnx_files import exported
from xai_heatmap.jobs.batch_job import Batch
from xai_heatmap.runners.batch.asking import asking
from xai_heatmap.runners.batch.crumbs import Crumbs
from xai_heatmap.runners.batch.drawn import Drawing
from xai_heatmap.runners.batch.shard import ShardTask
from xai_heatmap.sinks.store.parts import write_part
from xai_heatmap.sources.listing.entry import Entry

NETWORKS = ("mobilenet_v2", "resnet50")
BATCH = 32

OF_PURE, OF_PEER, BYTES, FLAT = 0.9, 5.0, 200, 1.5
"""Aims: pictures a second ÷ those of pure inference, ÷ those of pytorch-grad-cam; bytes of a row;
peak memory ÷ that of a small run."""

MARKS = ("<!-- figures: batch -->", "<!-- end of figures: batch -->")


@dataclass
class Only(ShardTask):
    """The same reading ahead and the same batches, with something else done to each batch."""

    done: Callable[[np.ndarray], Any] = field(default=lambda x: x)

    def _explained(self, slots: Sequence[Any], crumbs: Crumbs) -> None:
        del crumbs
        self.done(np.stack([slot.given.x for slot in slots]))
        for slot in slots:
            slot.given = None

    def _row(self, slot: Any) -> dict[str, Any]:
        return {"id": slot.entry.id}


def main() -> None:
    """Measure, print, and write where asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", default=list(NETWORKS), type=lambda text: text.split(","))
    parser.add_argument("--rounds", type=int, default=8, help="of 64 pictures each")
    parser.add_argument("--memory", type=int, default=0, help="pictures of the larger run")
    parser.add_argument("--peak", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    asked = parser.parse_args()
    if asked.peak:
        print(_peak(asked.peak))
        return
    import torch

    torch.set_num_threads(1)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in asked.networks:
            for kind in ("torch", "onnx"):
                rows += _measured(name, kind, Path(folder), asked.rounds)
    head = (
        "network", "", "explained ÷ pure inference", "÷ pytorch-grad-cam",
        "pure inference ÷ pytorch-grad-cam", "bytes a row", "aim",
    )  # fmt: skip
    versions = [f"PyTorch {torch.__version__}", f"onnxruntime {onnxruntime.__version__}"]
    text = f"{machine.line(versions)}\n\n{tables.table(head, rows)}"
    if asked.memory:
        text += f"\n\n{_memory(asked.memory)}"
    print(text)
    if asked.write:
        tables.put(Path(__file__).with_name("README.md"), MARKS, text)


def _measured(name: str, kind: str, folder: Path, rounds: int) -> Iterator[tuple[str, ...]]:
    """One network: processor seconds of the same pictures, explained, classified, by the peer."""
    from benchmarks import architectures

    model = getattr(architectures, name)().eval()
    path = exported(name, folder) if kind == "onnx" else None
    job = Batch(
        model=name, preprocess="imagenet", size=(224, 224), batch=BATCH, out=folder / "run",
        method=("gradcam",),
    )  # fmt: skip
    options = {"session_options": {"intra_op_num_threads": 1}} if path else {}
    network = xh.network(path or model, image_shape=(3, 224, 224), **options)
    own = asking(job, network)
    pictures = itertools.cycle(_photographs())
    with ThreadPoolExecutor(1) as pool:
        drawing = Drawing(folder, False, False, own.draw)
        tasks: dict[str, ShardTask] = {"ours": ShardTask(own, Entry.given, pool, drawing)}
        tasks["pure"] = Only(own, Entry.given, pool, drawing, done=_inference(model, path))
        if kind == "torch" and (rival := _rival(model, name)) is not None:
            tasks["peer"] = Only(own, Entry.given, pool, drawing, done=rival)
        spent: dict[str, list[float]] = {which: [] for which in tasks}
        order = random.Random(1)  # noqa: S311 - no secret
        kept: list[dict[str, Any]] = []
        for turn in range(rounds + 1):
            given = [next(pictures) for _ in range(2 * BATCH)]
            for which in order.sample(list(tasks), len(tasks)):
                start = time.process_time()
                rows = tasks[which].rows(given, Crumbs(folder, 0), lambda *_: None)
                if turn:  # the first warms up
                    spent[which].append(time.process_time() - start)
                if which == "ours":
                    kept += [row | {"id": f"{turn}/{row['id']}"} for row in rows]
    ours, pure = sum(spent["ours"]), sum(spent["pure"])
    size = write_part(folder / "part.parquet", kept, {}).stat().st_size / len(kept)
    beside = sum(spent["peer"]) / ours if "peer" in spent else None
    floor = sum(spent["peer"]) / pure if "peer" in spent else None
    yield (
        name, kind, f"{pure / ours:.2f}", "" if beside is None else f"{beside:.1f}",
        "" if floor is None else f"{floor:.1f}", f"{size:.0f} ({len(kept)} rows)",
        _aims(pure / ours, beside, size),
    )  # fmt: skip


def _aims(of_pure: float, beside: float | None, size: float) -> str:
    told = [
        f"≥ {OF_PURE}: {_met(of_pure >= OF_PURE)}",
        "" if beside is None else f"≥ {OF_PEER:.0f}: {_met(beside >= OF_PEER)}",
        f"≤ {BYTES}: {_met(size <= BYTES)}",
    ]
    return ", ".join(filter(None, told))


def _met(is_met: bool) -> str:
    return "ok" if is_met else "MISSED"


def _photographs() -> list[Entry]:
    """The reference photographs as a run lists them."""
    every = [
        path
        for folder in ("images", "more_images")
        for path in sorted((networks.reference() / folder).iterdir())
        if path.suffix.casefold() in (".jpg", ".jpeg")
    ]
    return [Entry(path.name, str(path)) for path in every]


def _inference(model: Any, path: Path | None) -> Callable[[np.ndarray], Any]:
    """A bare forward pass, as its framework makes it."""
    if path is not None:
        how = onnxruntime.SessionOptions()
        how.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(str(path), how, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        return lambda x: session.run(None, {name: x})
    import torch

    def run(x: np.ndarray) -> Any:
        with torch.inference_mode():
            return model(torch.from_numpy(x)).numpy()

    return run


def _rival(model: Any, name: str) -> Callable[[np.ndarray], Any] | None:
    """The best loop of pytorch-grad-cam that a user can write: batches, nothing drawn."""
    peers.visible()
    try:
        from benchmarks.torchvision_operators import declare_missing_operators

        declare_missing_operators()
        from pytorch_grad_cam import GradCAM
    except ImportError:
        return None
    import torch

    last = {"mobilenet_v2": "18", "resnet50": "19"}[name]
    cam = GradCAM(model=model, target_layers=[model.get_submodule(last)])
    return lambda x: cam(input_tensor=torch.from_numpy(x), targets=None)


def _memory(pictures: int) -> str:
    """Peak memory of a run of 200 pictures, and of so many."""
    peaks = []
    for count in (200, pictures):
        words = [sys.executable, "-m", "benchmarks.batch", "--peak", str(count)]
        found = subprocess.run(words, check=True, capture_output=True, text=True)
        peaks.append(float(found.stdout.split()[-1]))
    ratio = peaks[1] / peaks[0]
    return (
        f"Peak memory of a run of {pictures:,} pictures of 64×64: {peaks[1]:.0f} MB, "
        f"{ratio:.2f} times that of 200 ({peaks[0]:.0f} MB; at most {FLAT}: {_met(ratio <= FLAT)})."
    )


def _peak(count: int) -> float:
    """Megabytes of this process at most, for a run of so many small pictures."""
    from PIL import Image

    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "in").mkdir()
        noise = np.random.default_rng(0)
        for number in range(count):
            pixels = noise.integers(0, 255, (64, 64, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(home / "in" / f"{number:06d}.jpg")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        xh.batch(home / "in", "demo", out=home / "run")
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > before
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
