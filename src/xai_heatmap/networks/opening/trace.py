"""Conversion of an engine's trace to layers with names, layouts and a flow."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from xai_heatmap.core.folded import folded
from xai_heatmap.core.layers.flow import Flow
from xai_heatmap.core.layers.layout import Layout, own_layout
from xai_heatmap.core.layers.placing import Placing
from xai_heatmap.core.layers.signal import CONVOLVES
from xai_heatmap.core.network import INPUT, Layer
from xai_heatmap.networks.opening.interfaces import IMAGES_IN_A_SURVEY, LayerCall, ModelTrace
from xai_heatmap.networks.opening.layout_reading import LayoutReader, Read
from xai_heatmap.networks.opening.signal_reading import SignalReader
from xai_heatmap.networks.opening.taps import Site


def named(seen: ModelTrace) -> dict[str, LayerCall]:
    """Every call by the public name of the layer, in order of completion."""
    times = Counter(call.path for call in seen.calls)
    return {
        call.path if times[call.path] == 1 else f"{call.path}#{call.call + 1}": call
        for call in seen.calls
    }


def sites_in(seen: ModelTrace, parts: Mapping[str, object]) -> dict[str, Site]:
    """Site of the tap of every layer, by the layer's name."""
    return {name: Site(parts[call.path], call.call) for name, call in named(seen).items()}


def layers_in(
    seen: ModelTrace,
    shape: tuple[int, ...],
    *,
    channels_last: bool,
    queries: int | None = None,
    folds: Mapping[str, int] = MappingProxyType({}),
) -> tuple[dict[str, Layer], bool]:
    """Every layer for inputs of `shape` (c, *image), the input first; and whether the layout of
    any was guessed.

    Parameters
    ----------
    seen, shape, channels_last
        What was seen, for which inputs, and how to read what could be read either way.
    queries
        How many boxes a detector answers.
    folds
        Layers that run on every frame of an image, and how many rows an image has there.
    """
    image = shape[1:]
    layers = {
        INPUT: Layer(INPUT, shape, "Input", _input_layout(shape, channels_last=channels_last))
    }
    grids: list[tuple[int, ...]] = [image] if len(image) == 1 else []
    signals = SignalReader(math.prod(image), channels_last=channels_last, moves=seen.moves)
    planes: dict[tuple[int, ...], Layout] = {}
    times = Counter(call.path for call in seen.calls)
    reader = LayoutReader(
        image,
        channels_last=channels_last,
        queries=queries,
        moves=seen.moves,
        sources=seen.sources,
    )
    frames = _FrameReaders(image, channels_last=channels_last)
    placing = (
        None if seen.windows is None else Placing(seen.sources, seen.image, image, seen.windows)
    )
    for name, call in named(seen).items():
        own, why = (
            frames.read(call, folds[name], grids)
            if name in folds
            else signals.read(call, [grid[0] for grid in grids])
            if len(image) == 1
            else reader.read(call)
        )
        if own is None and len(image) != 2 and times[call.path] == 1:  # not once for each frame
            own = _on_its_own_grid(call, planes, channels_last=channels_last)
        at = None if own is None or name in folds else placing
        extent, placed = at.extent(call.node, own.grid) if at and own else (None, True)
        shown = _shape(call.shape, own)
        layers[name] = Layer(name, shown, call.kind, own, "" if own else why, extent, placed)
        if own and own.kind != "tokens" and own.grid not in grids and len(own.grid) == len(image):
            grids.append(own.grid)
    return layers, reader.guessed or signals.guessed


def _on_its_own_grid(
    call: LayerCall, planes: dict[tuple[int, ...], Layout], *, channels_last: bool
) -> Layout | None:
    """Layout of a layer with rows and columns of its own, in a network whose input has none: of a
    convolution, and of any layer with the shape of an earlier convolution; filled into `planes`.
    """
    said = call.kind.casefold()
    if any(word in said for word in CONVOLVES) and call.shape not in planes:
        own = own_layout(call.shape, images=IMAGES_IN_A_SURVEY, channels_last=channels_last)
        if own is not None:
            planes[call.shape] = own
    return planes.get(call.shape)


class _FrameReaders:
    """Readers of layers whose rows are the frames of an image, one for each number of rows."""

    def __init__(self, image: Sequence[int], *, channels_last: bool) -> None:
        self._image, self._channels_last = image, channels_last
        self._readers: dict[int, LayoutReader] = {}

    def read(self, call: LayerCall, rows: int, grids: Sequence[tuple[int, ...]]) -> Read:
        """Layout of a layer with `rows` rows for each image, or None and why; `grids` of earlier
        layers.
        """
        if rows not in self._readers:
            self._readers[rows] = LayoutReader(
                self._image[1:], channels_last=self._channels_last, queries=None, moves=None
            )
        reader = self._readers[rows]
        for grid in grids:
            if grid[:1] == (rows,):
                reader.knows(grid[1:])
        one = (IMAGES_IN_A_SURVEY, *call.shape[1:])
        frame, why = reader.read(replace(call, shape=one))
        return (None, why) if frame is None else (folded(frame, rows), "")


def _input_layout(shape: tuple[int, ...], *, channels_last: bool) -> Layout:
    return Layout("channels_last" if channels_last else "channels_first", shape[1:])


def _shape(native: tuple[int, ...], own: Layout | None) -> tuple[int, ...]:
    if own is None:
        return native[1:]
    return (native[1] if own.kind == "channels_first" else native[-1], *own.grid)


def of_the_picture(seen: ModelTrace) -> ModelTrace:
    """Trace without the calls that do not depend on the picture, such as parts for held inputs."""
    read_by: dict[int, list[int]] = {}
    for node, made_of in seen.sources.items():
        for source in made_of:
            read_by.setdefault(source, []).append(node)
    reached, todo = {seen.image}, [seen.image]
    while todo:
        for node in read_by.get(todo.pop(), ()):
            if node not in reached:
                reached.add(node)
                todo.append(node)
    calls = [call for call in seen.calls if call.node in reached]
    others = frozenset(call.path for call in seen.calls if call.node not in reached)
    return replace(seen, calls=calls, elsewhere=others)


def flow_in(seen: ModelTrace) -> Flow:
    """Flow of values between the nodes of the trace."""
    sites = {name: call.node for name, call in named(seen).items()}
    return Flow(seen.sources, seen.image, seen.output, sites, seen.sums, seen.passing)
