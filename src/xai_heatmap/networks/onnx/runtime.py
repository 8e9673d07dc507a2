"""ONNX models as networks, with nothing but onnx and onnxruntime: tensors are the layers."""

import copy
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from onnx import ModelProto

from xai_heatmap.core.arrays import Activations, Native
from xai_heatmap.core.axes import Axes
from xai_heatmap.core.errors import NoRule
from xai_heatmap.core.network import Declared
from xai_heatmap.core.redrawing import Draw
from xai_heatmap.networks.onnx.engine import OnnxEngine
from xai_heatmap.networks.onnx.file import OnnxFile, load_onnx_file
from xai_heatmap.networks.onnx.graph import Source, source
from xai_heatmap.networks.onnx.inferring import changes
from xai_heatmap.networks.onnx.metadata import declared, layers
from xai_heatmap.networks.onnx.output import class_names, told_of_others
from xai_heatmap.networks.onnx.redrawn import own_call, own_session, redrawn
from xai_heatmap.networks.onnx.session import CPU, Means, Session, means
from xai_heatmap.networks.onnx.survey import sites
from xai_heatmap.networks.opening.declared_inputs import as_declared, picture_among
from xai_heatmap.networks.opening.held import Given, Held, Name
from xai_heatmap.networks.opening.interfaces import Closing
from xai_heatmap.networks.opening.model_cache import ModelCache, ShapePlan
from xai_heatmap.networks.opening.network import OpenedNetwork
from xai_heatmap.networks.opening.side_by_side import Output

GENERIC = ("", "main_graph", "torch_jit", "torch-jit-export", "graph", "main")
"""Names that exporters give to a graph without a name."""


def open_onnx(
    model: str | os.PathLike[str] | ModelProto | OnnxFile,
    *,
    image_shape: Sequence[int] | None = None,
    output: Output = None,
    keep_closing: bool = False,
    providers: Sequence[str] = CPU,
    held: Given = MappingProxyType({}),
    picture: Name | None = None,
    axes: Axes | None = None,
    session_options: object = None,
) -> OpenedNetwork:
    """Network over an ONNX model; a ``ModelProto`` is copied, so that later changes have no effect.

    A file that takes a fixed number of images at a time is run in portions of so many.

    Parameters
    ----------
    model
        Path of a file, what it holds, or a ``ModelProto`` with its weights.
    image_shape, output, keep_closing
        As for `xai_heatmap.network`.
    providers
        Where onnxruntime computes, first choice first.
    held, picture, axes, session_options
        As for `xai_heatmap.network`.

    Raises
    ------
    NotAModel, UnsafeModel, ModelError, NoScores
        For what is not an ONNX model, or not one that takes a picture and gives scores.
    BadOption, BadArray
        If the model takes more than the picture and what is held, or takes it in another shape.
    """
    own_means = means(session_options, tuple(providers))
    file = _file(model)
    shape = image_shape if axes is None or not image_shape else axes.lengths(image_shape, 1)
    given = source(
        file.model, image_shape=shape, output=output, held=held, picture=picture, axes=axes
    )
    axes, image_shape = given.axes, shape
    engine = OnnxEngine(given, own_means)
    shape = tuple(image_shape or given.picture.usual)
    known = shape if image_shape is not None or given.picture.says_something else None
    own = declared(file.model, image_shape=known)
    told = told_of_others(file.model, given.answer) if output is None else ()
    said = replace(
        own,
        labels=own.labels or class_names(file.model, given.answer),
        axes=len(shape) - 1,
        changes=(*changes(given.model), *told),
    )
    beside = as_declared(given.inputs, read_by(given, held))
    parts = sites(engine.ready(shape, beside))
    adapter = GraphAdapter(file.name, said, given, parts, beside, own_means)
    own = known if axes is None or known is None else axes.native(known)
    state = ModelCache(kept={"notes": own_means.notes})
    network = OnnxNetwork(
        adapter, engine, state, image_shape=own, keep_closing=keep_closing, axes=axes
    )
    network.built_in = tuple(layers(file.model))
    return network


class OnnxNetwork(OpenedNetwork):
    """An opened network that may have no derivative, and may have a layer chosen beforehand."""

    built_in: Sequence[str] = ()
    """Layers whose maps an export has built into the file."""

    def _viewed(self, shape: tuple[int, ...], parts: Mapping[str, object]) -> ShapePlan:
        view = super()._viewed(shape, parts)
        layers = view.survey.layers
        chosen = [n for n in self.built_in if n in layers and layers[n].places > 1]
        if len(chosen) != 1:
            return view
        reason = "the file was exported for this layer"
        return replace(view, survey=replace(view.survey, auto=chosen[0], reason=reason))

    def _gradients(self, *asked: Any) -> dict[str, Activations]:
        try:
            return super()._gradients(*asked)
        except NoRule:
            return {}


class GraphAdapter:
    """Adapter of an ONNX graph; a part is a tuple of tensors, one per call."""

    method = ""

    def __init__(
        self,
        name: str,
        said: Declared,
        given: Source,
        parts: Mapping[str, tuple[str, ...]],
        held: Held,
        means: Means,
    ) -> None:
        self.name, self.declared = name, said
        self.channels_last = given.picture.channels_last
        self.output: Output = given.several or given.answer
        self.boxes, self.axes = given.boxes, given.axes
        self._parts, self._source, self.held = parts, given, held
        self._means = means
        self._plain: list[Session | None] = []

    def taking(self, given: Given) -> "GraphAdapter":
        """Adapter of the same graph with the values `given` added to the held inputs."""
        known, own = self._source.inputs, read_by(self._source, given)
        picture = self._source.picture.name
        picture_among(known, {**dict.fromkeys(self.held.names), **own}, picture, model=self.name)
        return self.holding(self.held | as_declared(known, own))

    def holding(self, held: Held) -> "GraphAdapter":
        """Adapter of the same graph with the held inputs `held`."""
        other = copy.copy(self)
        other.held = held
        return other

    def redrawn(self, draw: Draw) -> tuple["GraphAdapter", OnnxEngine, ModelCache]:
        """Adapter, engine and cache of a copy of the graph with other weights."""
        other = copy.copy(self)
        model = redrawn(self._source.model, self._parts, draw)
        other._source = replace(self._source, model=model)  # noqa: SLF001 - of its own kind
        other._plain = []  # noqa: SLF001
        return other, OnnxEngine(other._source, self._means), ModelCache()  # noqa: SLF001

    def own_call(self, x: Native) -> np.ndarray | None:
        """Answer of the graph in onnxruntime's own call."""
        own = self._source
        if own.boxes is not None or own.several is not None or own.axes is not None:
            return None
        name = own.picture.name
        if not self._plain:
            self._plain.append(own_session(own.model, name, self._means))
        session = self._plain[0]
        return None if session is None else own_call(session, name, own.answer, x)

    @property
    def others(self) -> Sequence[str]:
        """Always empty: every declared input of a graph is given."""
        return ()

    def turned(self, axes: Axes | None) -> "GraphAdapter":
        """The adapter itself: the graph turns the input to the axes given at opening."""
        del axes
        return self

    def parts(self) -> Mapping[str, tuple[str, ...]]:
        """The tensors of every layer."""
        return self._parts

    @contextmanager
    def ready(self) -> Iterator[None]:
        """A graph has no other mode."""
        yield

    def scores(self, x: Any) -> Any:
        """Not used: the ONNX engine finds the scores by the name of the tensor."""
        raise NotImplementedError

    def closing_of(self, part: object) -> Closing | None:
        """Always None: the ONNX engine finds the final activation by its node."""
        return None

    @contextmanager
    def undone(self, part: object | None) -> Iterator[None]:
        """The engine leaves the node out."""
        yield


def read_by(given: Source, held: Given) -> Given:
    """Held inputs on which the explained output depends."""
    return {name: value for name, value in held.items() if name not in given.unread}


def _file(model: str | os.PathLike[str] | ModelProto | OnnxFile) -> OnnxFile:
    if isinstance(model, OnnxFile):
        return model
    if isinstance(model, ModelProto):
        name = model.graph.name
        return OnnxFile(model, "ONNX model" if name in GENERIC else name)
    return load_onnx_file(Path(model)).model
