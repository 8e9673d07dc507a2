"""Attributions of several inputs, or several layers, that are moved together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from xai_heatmap import networks
from xai_heatmap.core.errors import BadOption
from xai_heatmap.core.layers.selection import select
from xai_heatmap.core.named import named
from xai_heatmap.core.network import INPUT, Declared, Network
from xai_heatmap.core.registry import find_method
from xai_heatmap.core.tensors import as_numpy
from xai_heatmap.explaining.batch import maps
from xai_heatmap.explaining.batch_input import array
from xai_heatmap.explaining.request import Held, OneTarget
from xai_heatmap.networks.loading.loaded import Declaring
from xai_heatmap.networks.opening.network import OpenedNetwork
from xai_heatmap.networks.opening.together import Together, row_of

METHODS = ("integrated_gradients", "gradient", "input_x_gradient", "saliency")
"""Methods that say of each number alone what it does, and leave alone what is not moved."""

Name = str | int


def together(
    network: Any,
    x: Any,
    moved: Sequence[Any],
    *,
    method: str = "integrated_gradients",
    target: OneTarget | Sequence[OneTarget] = None,
    options: Mapping[str, Any] | None = None,
    held: Held = None,
    picture: str | int | None = None,
) -> dict[Name, np.ndarray]:
    """Attributions of several inputs or layers, moved together on one path.

    Integrated gradients of all of them, a_i = (v_i - b_i) ⊙ ∫₀¹ ∂y/∂v_i(b + t(v - b)) dt, where v
    are the values of all inputs and layers that are moved, and b their baselines: the sum over all
    attributions is y(v) - y(b). A layer that lies behind another moved one is moved by its own
    path, not by the other's.

    Parameters
    ----------
    network, target, picture
        As for `xai_heatmap.maps`.
    x
        float32 (n, ...) in the network's own layout, as for `xai_heatmap.maps`.
    moved
        Names: ``input`` is the picture, a name of `held` that input, any other name, or the part
        of the model itself, a layer.
    method
        ``integrated_gradients``, ``gradient``, ``input_x_gradient`` or ``saliency``.
    options
        Of the method. ``baseline`` is a number, or a table of a number or an array for each name:
        ``{"input": 0, "metadata": array}``; what is not named begins at 0.
    held
        What the model takes beside the picture; what is not among `moved` stays as it is.

    Returns
    -------
    By name float32 of the shape of what is moved: an input's own, a layer's as `record` has it,
    (n, k, *grid), or as it answers where it has no grid.

    Raises
    ------
    BadOption
        For another method, for words of a baseline, for a model that is neither PyTorch nor Keras.
    """
    name = find_method(method).name
    if name not in METHODS:
        raise BadOption(
            f"together() takes {', '.join(METHODS)}; received {method!r}. Others move one input or "
            "layer at a time: xai_heatmap.maps(...)."
        )
    opened = networks.network(network, held=held, picture=picture)
    plain, said = _plain(opened)
    known = [INPUT, *plain.held_names]
    names = [one for one in _each(moved) if isinstance(one, str | int) and one in known]
    layers = [one for one in _each(moved) if not (isinstance(one, str | int) and one in known)]
    inputs = opened.channels_first(array(x))
    found_layers = _layers(opened, layers, inputs.shape[1:])
    row = plain.in_a_row(inputs, found_layers, [one for one in names if one != INPUT])
    row = row if said == Declared() else replace(row, network=Declaring(row.network, said))
    wanted = [*names, *found_layers]
    given = dict(options or {})
    if name == "integrated_gradients":
        native = array(x).shape, partial(_native, opened)
        given["baseline"] = _baseline(given.get("baseline", 0), row, wanted, native)
    found = maps(row.network, row.rows, method=name, layer=INPUT, target=target, options=given)
    assert isinstance(found, np.ndarray)  # noqa: S101 - of one layer
    own = {one: row.slots[one].layout.to_grid(row.slots[one].of(found)) for one in wanted}
    return {one: _as_given(own[one], opened, inputs) if one == INPUT else own[one] for one in own}


def _each(moved: Any) -> list[Any]:
    several = list(moved) if isinstance(moved, Sequence) and not isinstance(moved, str) else [moved]
    if not several:
        raise BadOption("moved names what is moved together, such as ['input', 'metadata'].")
    return several


def _layers(opened: Network, layers: Sequence[Any], shape: Sequence[int]) -> list[str]:
    if not layers:
        return []
    survey = opened.survey(shape)
    each = [select(survey, [named(opened, one)], gridless=True) for one in layers]  # type: ignore[list-item]
    return [name for names in each for name in names]


def _plain(opened: Network) -> tuple[OpenedNetwork, Declared]:
    """Network over the model itself, and what its source says of the scores."""
    said = Declared()
    while isinstance(opened, Declaring):
        own = Declared(labels=opened.said.labels, answers=opened.said.answers)
        said, opened = said if said != Declared() else own, opened.inner
    if not isinstance(opened, OpenedNetwork):
        raise BadOption(
            f"{opened.name} has no gradients to follow. together() takes models of PyTorch and "
            "Keras."
        )
    return opened, said


def _baseline(
    given: Any,
    row: Together,
    wanted: Sequence[Name],
    picture: tuple[tuple[int, ...], Callable[[np.ndarray], np.ndarray]],
) -> np.ndarray:
    """Row of each image where the path begins: what is not moved begins where it is.

    `picture` is the shape of the pictures as they were given, and what turns such into those of the
    row.
    """
    table = given if isinstance(given, Mapping) else dict.fromkeys(wanted, given)
    if unknown := [name for name in table if name not in wanted]:
        raise BadOption(
            f"A baseline was given for {unknown[0]!r}, which is not moved. Moved are: "
            f"{', '.join(map(repr, wanted))}."
        )
    values = {name: slot.of(row.rows) for name, slot in row.slots.items()}
    for name in wanted:
        own = as_numpy(table.get(name, 0))
        own = np.asarray(table.get(name, 0)) if own is None else own
        shape = picture[0] if name == INPUT else values[name].shape
        if own.dtype.kind not in "fiu" or own.shape not in ((), shape, (1, *shape[1:]), shape[1:]):
            raise BadOption(
                f"The baseline of {name!r} is a number or an array of the shape {shape}, (1, ...) "
                f"or without the images; received {table[name]!r}."
            )
        whole = np.array(np.broadcast_to(own, shape), np.float32)
        values[name] = picture[1](whole) if name == INPUT else whole
    return row_of(values, row.slots, len(row.rows))


def _native(opened: Network, given: np.ndarray) -> np.ndarray:
    """Pictures in the framework's own order of axes."""
    first = opened.channels_first(given)
    return np.moveaxis(first, 1, -1) if opened.channels_last else first


def _as_given(found: np.ndarray, opened: Network, inputs: np.ndarray) -> np.ndarray:
    """Attributions of the picture in the axes in which it was given."""
    first = np.moveaxis(found, -1, 1) if opened.channels_last else found
    axes = opened.axes_of(inputs.shape[1:])
    return first[:, 0] if axes.channel is None else np.moveaxis(first, 1, 1 + axes.channel)
