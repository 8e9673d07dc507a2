"""Loaded network: a framework's own model, and the declarations of its source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from xai_heatmap.core.arrays import Inputs
from xai_heatmap.core.axes import Axes
from xai_heatmap.core.backward import GRADIENT, BackwardRule
from xai_heatmap.core.errors import MissingFramework
from xai_heatmap.core.network import Declared, Layer, Network, Survey
from xai_heatmap.core.recording import Recording
from xai_heatmap.core.redrawing import Draw


@dataclass(frozen=True)
class Loaded:
    """Loaded model with the declarations of its source.

    Parameters
    ----------
    model
        A ``torch.nn.Module`` or a ``keras.Model``.
    declared
        Preprocessing, labels and input shape as a hub states them; None where there is no hub.
    files
        What it was read from, where that is known; nothing writes there.
    tokenizer
        That texts become numbers by, where it was loaded with the model.
    processor
        That a picture and a question become inputs by, where it was loaded with the model.
    """

    model: Any
    declared: Declared | None = None
    files: Sequence[Path] = ()
    tokenizer: Any = None
    processor: Any = None


@dataclass(frozen=True)
class Declaring(Network):
    """Network completed by the declarations of its source.

    Parameters
    ----------
    inner
        The network.
    said
        What the source knows; where it is silent, the network's own word stands.
    """

    inner: Network
    said: Declared

    @property
    def declared(self) -> Declared:
        """Declarations of the source, completed by the declarations of the model."""
        own = self.inner.declared
        return Declared(
            self.said.input_shape or own.input_shape,
            self.said.preprocess or own.preprocess,
            self.said.labels or own.labels,
            self.said.method or own.method,
            self.said.answers or own.answers,
            self.said.axes or own.axes,
            changes=(*self.said.changes, *own.changes),
            fit=self.said.fit or own.fit,
            channels=self.said.channels or own.channels,
        )

    @property
    def name(self) -> str:
        """Delegated to the inner network."""
        return self.inner.name

    @property
    def differentiable(self) -> bool:
        """Delegated to the inner network."""
        return self.inner.differentiable

    @property
    def channels_last(self) -> bool:
        """Delegated to the inner network."""
        return self.inner.channels_last

    @property
    def closing(self) -> Literal["softmax", "sigmoid"] | None:
        """Delegated to the inner network."""
        return self.inner.closing

    @property
    def notes(self) -> Sequence[str]:
        """Delegated to the inner network."""
        return self.inner.notes

    @property
    def layers(self) -> Mapping[str, Layer]:
        """Every layer in order of execution."""
        return self.inner.layers

    def survey(self, shape: Sequence[int]) -> Survey:
        """Delegated to the inner network."""
        return self.inner.survey(shape)

    def record(
        self, x: Inputs, at: Sequence[str] = (), *, rule: BackwardRule = GRADIENT
    ) -> Recording:
        """Delegated to the inner network."""
        return self.inner.record(x, at, rule=rule)

    def name_of(self, part: object) -> str | None:
        """Delegated to the inner network."""
        return self.inner.name_of(part)

    def axes_of(self, shape: Sequence[int]) -> Axes:
        """Delegated to the inner network."""
        return self.inner.axes_of(shape)

    @property
    def axes_said(self) -> bool:
        """Delegated to the inner network."""
        return self.inner.axes_said

    def understood(self, shape: Sequence[int]) -> Axes | None:
        """Delegated to the inner network."""
        return self.inner.understood(shape)

    def channels_first(self, native: np.ndarray) -> np.ndarray:
        """Delegated to the inner network."""
        return self.inner.channels_first(native)

    def holding(self, held: Mapping[str | int, object]) -> Network:
        """Copy with the held inputs `held`; the declarations of the source stay."""
        return replace(self, inner=self.inner.holding(held))

    def redrawn(self, draw: Draw) -> Network:
        """Network of a copy of the model with other weights; the declarations stay."""
        return replace(self, inner=self.inner.redrawn(draw))

    def own_call(self, x: Inputs) -> np.ndarray | None:
        """Delegated to the inner network."""
        return self.inner.own_call(x)

    def of(self, rows: Sequence[int]) -> Network:
        """Copy with the held inputs of the pictures `rows`."""
        return replace(self, inner=self.inner.of(rows))

    def for_heads(self, layers: Sequence[str]) -> Network:
        """Delegated to the inner network."""
        return replace(self, inner=self.inner.for_heads(layers))

    def check_held(self, images: int) -> None:
        """Delegated to the inner network."""
        self.inner.check_held(images)


def missing(package: str, command: str, *, purpose: str, why: str = "") -> MissingFramework:
    """The error for a package that is not installed, or not usable."""
    state = f"is installed but can't be imported: {why}" if why else "is not installed"
    return MissingFramework(f"{purpose} needs {package}, which {state}. Run: {command}")


def unimportable(
    package: str, error: BaseException, *, beside: str, purpose: str
) -> MissingFramework:
    """Error for a package that can't be imported, with advice by the cause.

    Parameters
    ----------
    package, beside
        What was imported, and what has to be of a version that fits it.
    error
        What the import raised.
    purpose
        What it is needed for.
    """
    absent = error.name or package if isinstance(error, ModuleNotFoundError) else ""
    if absent.partition(".")[0] == package:
        return missing(package, f"pip install {package}", purpose=purpose)
    command = absent or f"--upgrade {package} {beside}"
    return missing(package, f"pip install {command}", purpose=purpose, why=first_line(error))


def first_line(error: BaseException, *, limit: int = 240) -> str:
    """First line of the message of a framework's error, cut to `limit` letters."""
    said = next((line.strip() for line in str(error).splitlines() if line.strip()), "").rstrip(
        ".:! "
    )
    said = said if len(said) <= limit else said[: limit - 1] + "…"
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
