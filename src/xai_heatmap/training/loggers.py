"""Where looks are written: a folder, TensorBoard, Weights & Biases, MLflow, a function.

What belongs to another library is told by what it can do, never by importing that library.
"""

import importlib
import inspect
import io
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from xai_heatmap.core.arrays import Image
from xai_heatmap.core.errors import BadOption
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.sinks.picture import save_files, save_picture, save_text

NAME = "heatmaps"
"""Tag of the sheets in another library's log."""


@dataclass(frozen=True)
class Told:
    """One look as it is logged.

    Parameters
    ----------
    epoch
        Counted from 1.
    sheet
        All pictures with their heat, uint8 (H, W, 3).
    numbers
        ``heatmaps/2/moved`` and ``heatmaps/2/score`` of the second picture, and so on.
    explanations
        One of each picture; None where there is none.
    """

    epoch: int
    sheet: Image
    numbers: Mapping[str, float]
    explanations: Sequence[Explanation | None]


class Log(ABC):
    """Whatever keeps looks."""

    @abstractmethod
    def look(self, told: Told) -> None:
        """Keep one look."""

    @abstractmethod
    def film(self, sheet: Image) -> None:
        """Keep the sheet of all looks, uint8 (H, W, 3)."""


def logged_to(to: Any) -> list[Log]:
    """The logs that `to` means: a folder, another library's logger, a function, or a list of them.

    Raises
    ------
    BadOption
        For what is none of these.
    """
    if to is None:
        return []
    if isinstance(to, list | tuple):
        if not to:
            raise BadOption(
                "to is an empty list, so no look would be kept anywhere. Name a folder, or write "
                "to=None to keep looks in `looks` alone."
            )
        return [log for one in to for log in logged_to(one)]
    if isinstance(to, str | os.PathLike):
        return [Folder(Path(to))]
    own = getattr(to, "experiment", None)  # a logger of Lightning has its library's own object
    writer = own if own is not None and not hasattr(to, "add_image") else to
    if hasattr(writer, "add_image"):
        return [TensorBoard(writer)]
    if hasattr(writer, "log_image"):
        return [MLflow(writer, getattr(to, "run_id", None))]
    if (image := _of_images(writer)) is not None:
        return [Images(writer, image)]
    if callable(to):
        return [Function(to)]
    raise BadOption(
        f"Heatmaps can't be written to {to!r}. Pass a folder, a SummaryWriter, wandb or a run of "
        "it, mlflow, a function of (epoch, sheet, numbers), or a list of these."
    )


@dataclass
class Folder(Log):
    """Sheets, raw maps and a list of looks in a folder: ``epoch-0005.png``, ``.npz``, and
    ``looks.json``; at the end ``film.png``.
    """

    path: Path
    told: list[dict[str, object]] = field(default_factory=list)

    def look(self, told: Told) -> None:
        stem = f"epoch-{told.epoch:04d}"
        save_picture(self.path / f"{stem}.png", told.sheet)
        maps: dict[str, Any] = {
            str(number): one.map
            for number, one in enumerate(told.explanations, 1)
            if one is not None
        }
        packed = io.BytesIO()
        np.savez_compressed(packed, **maps)
        save_files(self.path, {f"{stem}.npz": packed.getvalue()})
        self.told.append(
            {
                "epoch": told.epoch,
                "numbers": dict(told.numbers),
                "pictures": [None if one is None else one.to_dict() for one in told.explanations],
            }
        )
        save_text(self.path / "looks.json", json.dumps(self.told, indent=1) + "\n")

    def film(self, sheet: Image) -> None:
        save_picture(self.path / "film.png", sheet)


@dataclass
class TensorBoard(Log):
    """A ``SummaryWriter`` of PyTorch or tensorboardX."""

    writer: Any

    def look(self, told: Told) -> None:
        self.writer.add_image(NAME, told.sheet, global_step=told.epoch, dataformats="HWC")
        for name, number in told.numbers.items():
            self.writer.add_scalar(name, number, global_step=told.epoch)

    def film(self, sheet: Image) -> None:
        self.writer.add_image(f"{NAME}/film", sheet, dataformats="HWC")


@dataclass
class MLflow(Log):
    """The module ``mlflow``, or a client of it with the run that a logger of Lightning names."""

    client: Any
    run: str | None = None

    def look(self, told: Told) -> None:
        self._image(told.sheet, f"{NAME}/epoch-{told.epoch:04d}.png")
        for name, number in told.numbers.items():
            self.client.log_metric(*self._run(), name, number, step=told.epoch)

    def film(self, sheet: Image) -> None:
        self._image(sheet, f"{NAME}/film.png")

    def _image(self, sheet: Image, name: str) -> None:
        self.client.log_image(*self._run(), sheet, artifact_file=name)

    def _run(self) -> tuple[str, ...]:
        return () if self.run is None else (self.run,)


@dataclass
class Images(Log):
    """A run of Weights & Biases or of what has its ``log`` and ``Image``; or the module."""

    run: Any
    image: Callable[[Image], Any]

    def look(self, told: Told) -> None:
        self.run.log({NAME: self.image(told.sheet), "epoch": told.epoch, **told.numbers})

    def film(self, sheet: Image) -> None:
        self.run.log({f"{NAME}/film": self.image(sheet)})


@dataclass
class Function(Log):
    """A function of (epoch, sheet, numbers); for the film the epoch is None."""

    function: Callable[[int | None, Image, Mapping[str, float]], object]

    def look(self, told: Told) -> None:
        self.function(told.epoch, told.sheet, told.numbers)

    def film(self, sheet: Image) -> None:
        self.function(None, sheet, {})


def _of_images(writer: Any) -> Callable[[Image], Any] | None:
    """The ``Image`` of the library that a writer with ``log`` is of; None where there is none."""
    if not callable(getattr(writer, "log", None)):
        return None
    if inspect.ismodule(writer):
        return getattr(writer, "Image", None)
    package = type(writer).__module__.partition(".")[0]
    return getattr(importlib.import_module(package), "Image", None)
