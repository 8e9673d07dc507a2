"""What files of photographs cost from their path to a saved picture, beside the same by hand."""

import argparse
import io
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import xai_heatmap as xh
from benchmarks import networks
from benchmarks.by_processor import Row, bare, ratio, row, seconds
from benchmarks.onnx_files import exported
from xai_heatmap.sinks.png import write_png

FILES = 200
"""Photographs that a command line is given: those there are, again and again."""


@dataclass(frozen=True)
class Subject:
    """A network as a user of this package opens it, and as one does by hand.

    Parameters
    ----------
    title, kind
        How it is called, and how its pictures are prepared.
    network
        Opened, on one thread.
    infer
        Scores of one prepared picture, (1, c, H, W).
    file
        Where it lies; None of a model that is none.
    """

    title: str
    kind: str
    network: Any
    infer: Callable[[np.ndarray], object]
    file: Path | None = None

    def by_hand(self, path: Path) -> object:
        """Decode, preprocess and inference."""
        from PIL import Image

        x = networks.preprocessed(Image.open(path), self.kind)
        return self.infer(np.ascontiguousarray(np.moveaxis(x, -1, 0)[None]))

    def explained(self, path: Path) -> Any:
        """The explanation of a photograph."""
        return xh.explain(self.network, path, preprocess=self.kind)


def path(asked: argparse.Namespace) -> Iterator[Row]:
    """A photograph from its path, beside decoding, preprocessing and inference by hand."""
    paths, pairs = networks.photographs()[:8], max(3, asked.pairs // 3)
    with tempfile.TemporaryDirectory() as folder:
        for name in asked.networks:
            for own in _subjects(name, Path(folder)):
                found = [
                    ratio(partial(own.explained, one), partial(own.by_hand, one), pairs)
                    for one in paths
                ]
                yield row(f"{own.title}: path ÷ by hand", statistics.median(found), 1.1)


def saving(asked: argparse.Namespace) -> Iterator[Row]:
    """Saving beside decoding, preprocessing and inference by hand, and into a full folder."""
    subjects = list(_subjects("squeezenet", Path()))
    paths = networks.photographs()
    with tempfile.TemporaryDirectory() as folder:
        explained = subjects[0].explained(paths[0])
        taken = [
            seconds(lambda at=at: replace(explained, name=f"{at}.jpg").save(folder))
            for at in range(asked.saves)
        ]
    late, early = statistics.median(taken[-20:]), statistics.median(taken[5:25])
    yield row(f"the {asked.saves}th save ÷ the 10th", late / early, 1.2)
    drawn = [subjects[0].explained(one) for one in paths]
    pictures = [one.captioned(one.overlay()) for one in drawn]
    for own in subjects:
        with tempfile.TemporaryDirectory() as folder:

            def written(own: Subject = own, folder: str = folder) -> None:
                for one in paths:
                    own.explained(one).save(folder)

            def by_hand(own: Subject = own) -> None:
                for one in paths:
                    own.by_hand(one)

            def compressed(by_hand: Callable[[], None] = by_hand) -> None:
                by_hand()
                for one in pictures:
                    write_png(io.BytesIO(), one)

            pairs = max(3, asked.pairs // 2)
            floor = ratio(compressed, by_hand, pairs)
            what = f"photographs explained and written ÷ by hand, {own.title}"
            yield row(what, ratio(written, by_hand, pairs), 2.5, floor)
    yield from _commanded(subjects[-1], paths)


def _commanded(own: Subject, paths: list[Path]) -> Iterator[Row]:
    """A command line of many JPEGs, from the shell to the last file, beside a loop by hand; and
    what it takes beyond a command of one picture, whose imports and first pass the loop has not.
    """
    whole, further = list[float](), list[float]()
    with tempfile.TemporaryDirectory() as folder:
        copies = [Path(folder) / f"{number}.jpg" for number in range(FILES)]
        for number, copy in enumerate(copies):
            shutil.copy(paths[number % len(paths)], copy)
        run = partial(_run, own, Path(folder))
        run(copies[:1], "first")  # writes the byte code that an installation has
        for number in range(3):
            taken, start = run(copies, f"all{number}"), run(copies[:1], f"one{number}")
            by_hand = seconds(lambda: [own.by_hand(one) for one in copies])
            whole.append(taken / by_hand)
            further.append((taken - start) / (by_hand * (FILES - 1) / FILES))
    what = f"`xai-heatmap explain` of {FILES} JPEGs, its start {{}} ÷ by hand, {own.title}"
    yield row(what.format("included"), statistics.median(whole), 2.5)
    yield row(what.format("and first picture not"), statistics.median(further), 2.5)


def _run(own: Subject, folder: Path, pictures: list[Path], out: str) -> float:
    """Seconds of processor time of a command line that explains the pictures."""
    kept = {name: value for name, value in os.environ.items() if "BYTECODE" not in name}
    kept |= {"OMP_NUM_THREADS": "1", "XAI_HEATMAP_THREADS": "1"}
    kept |= {"PYTHONPYCACHEPREFIX": str(folder / "compiled")}
    command = [str(Path(sys.executable).with_name("xai-heatmap")), "explain"]
    given = ["--model", str(own.file), "--preprocess", own.kind, "--out", str(folder / out)]
    before = _of_children()
    subprocess.run(
        [*command, *map(str, pictures), *given], check=True, env=kept, stdout=subprocess.DEVNULL
    )
    return _of_children() - before


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _subjects(name: str, folder: Path) -> Iterator[Subject]:
    """A network in PyTorch, and its file in ONNX."""
    import onnxruntime

    known = networks.SUBJECTS[name]
    model = networks.torch_model(name)
    yield Subject(
        f"{known.title}, PyTorch", known.preprocess, xh.network(model),
        lambda x: bare(model, x)(),
    )  # fmt: skip
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    file = exported(name, folder)
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    taken = session.get_inputs()[0].name
    yield Subject(
        f"{known.title}, ONNX", known.preprocess, xh.network(file, session_options=options),
        lambda x: session.run(None, {taken: x}), file,
    )  # fmt: skip
