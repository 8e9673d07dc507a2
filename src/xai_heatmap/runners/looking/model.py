"""A network as it is looked at: with its preprocessing, its labels, and one turn at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

import xai_heatmap.methods  # noqa: F401 - registers every method
from xai_heatmap.core.errors import ModelError
from xai_heatmap.core.layers.selection import grids
from xai_heatmap.core.network import INPUT, Layer, Network, Survey
from xai_heatmap.core.registry import Method, all_methods
from xai_heatmap.explaining.banded import bands_taken
from xai_heatmap.explaining.inputs import check_unprepared
from xai_heatmap.explaining.preparing import Preparation, Preparing, preparation, prepared_by
from xai_heatmap.explaining.request import usual_method
from xai_heatmap.runners.failing import running
from xai_heatmap.runners.looking.schema import schema
from xai_heatmap.runners.looking.turns import Turns
from xai_heatmap.runners.looking.watched import watched
from xai_heatmap.sources.array import KINDS

FRAMEWORKS = {"onnx": "ONNX", "torch": "PyTorch", "keras": "Keras", "function": "function"}
"""Names of the wings of `networks`."""


@dataclass(eq=False)
class Model:
    """A network that pages look at.

    Parameters
    ----------
    key, name
        What a page calls it, and what is shown.
    opened
        The network.
    preprocess, white
        As for `xai_heatmap.explain`.
    labels
        Names of the classes; None for those that the model declares.
    shape
        (c, *image) that the layers are listed for.
    method
        What is looked at first; None for the usual one.
    """

    key: str
    name: str
    opened: Network
    preprocess: Preparing = None
    white: float | None = None
    labels: Sequence[str] | None = None
    shape: tuple[int, ...] | None = None
    method: str | None = None
    turns: Turns = field(default_factory=Turns)
    kept: dict[str, Any] = field(default_factory=dict[str, Any])
    plan: Any = None

    def __post_init__(self) -> None:
        self.preprocess = prepared_by(self.preprocess, self.opened)

    @cached_property
    def network(self) -> Network:
        """The network, whose passes are told."""
        return watched(self.opened)

    @cached_property
    def survey(self) -> Survey:
        """Layers for the input that the model declares; the model runs here for the first time."""
        return self.opened.survey(self.shape or self.opened.declared.input_shape or (3, 224, 224))

    @cached_property
    def how(self) -> Preparation | None:
        """How photographs are prepared, where that is one of our own ways, and all that is said."""
        taken = self.survey.layers[INPUT].shape
        if len(taken) != 3 or bands_taken(self.opened) is not None or self.white is not None:
            return None
        found = preparation(self.preprocess, self.opened)
        return found if isinstance(found, Preparation) else None

    def check(self) -> None:
        """Find what would go wrong with every picture, before a page is opened.

        Raises
        ------
        XaiHeatmapError
            Where the network fails on what it is said to take, nobody says how pictures are
            scaled, or it is said of what is no picture.
        """
        with running(self.opened.name):
            axes = len(self.survey.layers[INPUT].shape) - 1
            if axes in KINDS:
                check_unprepared(axes, self.preprocess, self.white)
            self.how  # noqa: B018 - it raises

    @property
    def names(self) -> Sequence[str]:
        """Names of the classes; empty where there are none."""
        return self.labels or self.opened.declared.labels or ()

    @property
    def backend(self) -> str:
        """Name of the framework."""
        return FRAMEWORKS.get(self.opened.framework, self.opened.framework)

    def facts(self) -> dict[str, object]:
        """Facts for a page: layers, methods, classes, what goes in."""
        survey = self.survey
        usual = self.method or usual_method(self.opened, survey)
        taken = survey.layers[INPUT].shape
        kind = KINDS.get(len(taken) - 1, "picture")
        size = taken[1:] if kind == "picture" else (None, None)
        return {
            "model": {"id": self.key, "name": self.name, "network": self.opened.name,
                      "backend": self.backend, "task": self._task(kind),
                      "notes": list(self.opened.notes)},
            "input": {"kind": kind, "channels": taken[0], "height": size[0], "width": size[1],
                      "shape": list(taken)},
            "labels": list(self.names) or None,
            "classes": len(self.names) or self.first[0],
            "layers": [_layer(one, survey) for one in survey.layers.values() if one.name != INPUT],
            "methods": [_method(one, self.opened) for one in all_methods().values()],
            "defaults": {"method": usual, "layer": survey.auto},
        }  # fmt: skip

    @cached_property
    def first(self) -> tuple[int | None, str | None]:
        """Number of classes, and whether every place is scored, by one pass of a grey picture,
        after which the next passes are as quick as any; None where the network fails on it.
        """
        try:
            with self.turns, running(self.opened.name):
                x = np.zeros((1, *self.survey.layers[INPUT].shape), np.float32)
                recording = self.opened.record(x)
        except ModelError:
            return None, None
        form = recording.form
        numbers = form.classes(recording.scores.shape[1])
        answers = "boxes" if form.boxes is not None else "places" if form.grid else None
        return max(numbers, 2), answers

    def _task(self, kind: str) -> str:
        """What the network answers, or what it takes where that is no picture."""
        if kind != "picture":
            return kind
        if self.first[1] is not None:
            return self.first[1]
        boxes = self.opened.declared.answers == "boxes" or self.survey.queries is not None
        return (
            "boxes"
            if boxes
            else "values"
            if self.opened.declared.answers == "values"
            else "classes"
        )


def _layer(layer: Layer, survey: Survey) -> dict[str, object]:
    ready = layer.places > 1
    grid = layer.grid or ()
    reason = None if ready else layer.without or "it has no grid to draw a map on"
    return {
        "name": layer.name,
        "short": layer.name.strip("/").replace("/", ".").rpartition(".")[2] or layer.name,
        "operation": layer.kind,
        "stage": "x".join(map(str, grid)) if ready else "",
        "shape": list(layer.shape),
        "explainable": ready,
        "reason": reason,
        "auto": layer.name == survey.auto,
    }


def _method(method: Method, network: Network) -> dict[str, object]:
    usable = network.differentiable or not method.differentiates
    return {
        "name": method.name,
        "title": method.name,
        "at": "pixels" if method.auto == "input" else "layer",
        "sighted": method.directed,
        "signed": method.signed,
        "cost": method.cost,
        "dear": bool(method.passes),
        "usable": usable,
        "reason": None if usable else f"{network.name} has no gradients",
        "options": schema(method.taken),
        "cite": method.cite,
        "about": method.use_when,
        "formula": method.summary,
    }


def explainable(survey: Survey) -> list[str]:
    """Names of the layers that a map can be drawn of."""
    return grids(survey)


Models = Mapping[str, Model]
