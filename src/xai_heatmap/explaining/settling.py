"""Options that are arrays, as one picture at one layer needs them: baselines, fills, regions."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np

from xai_heatmap.core.arrays import Activation, Input
from xai_heatmap.core.errors import BadArray, BadOption
from xai_heatmap.core.filling import ActivationOf
from xai_heatmap.core.geometry import Geometry
from xai_heatmap.core.network import INPUT, Network
from xai_heatmap.core.registry import Method
from xai_heatmap.core.targets.answer import Seen
from xai_heatmap.core.targets.region import masked
from xai_heatmap.core.tensors import as_numpy

Options = Mapping[str, object]

Prepare = Callable[[Any], np.ndarray]
"""From a picture to what the network takes, channels first."""


def array_options(method: Method, options: Options) -> dict[str, str]:
    """The options that are no plain values, and what each of them is."""
    return {
        name: own.form
        for name, own in method.taken.items()
        if own.form and name in options and not isinstance(options[name], str | float | None)
    }


def over_picture(
    method: Method, options: Options, geometry: Geometry | None, prepare: Prepare
) -> Options:
    """Options for a picture that was prepared: regions of the photograph become those of the input,
    other pictures what the network takes.
    """
    changed = dict(options)
    for name, form in array_options(method, options).items():
        value = options[name]
        if isinstance(value, ActivationOf):
            changed[name] = replace(value, picture=prepare(value.picture)[None])
        elif form == "regions" and geometry is not None:
            changed[name] = _seen(cast("np.ndarray", value), geometry)
    return changed


def settled(
    method: Method,
    options: Options,
    *,
    network: Network,
    layer: str,
    activation: Activation,
    x: Input,
    row: tuple[int, int],
) -> Options:
    """Options as the formula takes them for one picture.

    Parameters
    ----------
    network, layer, activation
        What is explained, where, and what that layer said.
    x
        The picture as the network took it.
    row
        Which picture it is, of how many.

    Raises
    ------
    BadOption
        For an array of another shape.
    """
    changed = dict(options)
    for name, form in array_options(method, options).items():
        value = options[name]
        if form == "regions":
            changed[name] = _shares(
                cast("np.ndarray", value), activation.shape[1:], x.shape[1:], row
            )
        elif isinstance(value, ActivationOf):
            changed[name] = _activation_of(value, network, layer, x.shape, row)
        else:
            own = cast("np.ndarray", value)
            native = network if layer == INPUT else None
            changed[name] = _laid(own, activation.shape, native, row, name=name)
    return changed


def numbers_of(options: Options) -> list[int]:
    """The number of each region, in the order in which methods speak of them."""
    regions = cast("np.ndarray", options["regions"])
    if regions.dtype.kind in "iu":
        return [int(label) for label in np.unique(regions) if label >= 0]
    return list(range(len(regions)))


def _laid(
    array: np.ndarray,
    shape: tuple[int, ...],
    network: Network | None,
    row: tuple[int, int],
    *,
    name: str,
) -> Activation:
    """An array in place of an activation: at the input in the network's own axes."""
    for own in _read(array, shape, network):
        if own.ndim == len(shape) + 1 and len(own) in (1, row[1]) and _fits(own, shape):
            return np.broadcast_to(own[row[0] if len(own) > 1 else 0], shape)
    if array.shape == shape[:1]:
        return np.broadcast_to(array.reshape(-1, *[1] * (len(shape) - 1)), shape)
    each = "" if row[1] == 1 else f", or {row[1]} of them, one for each picture"
    raise BadOption(
        f"{name} is a number, an array of the shape {shape} of what it stands for{each}, or of its "
        f"channels, ({shape[0]},); received one of shape {array.shape}."
    )


def _read(array: np.ndarray, shape: Sequence[int], network: Network | None) -> Iterator[np.ndarray]:
    """An array as one picture and as one for each, at the input in the network's own axes first;
    how these are turned is asked only of whole inputs.
    """
    batches = [array[None], array]
    for batch in batches:
        if network is None:
            break
        if sorted(n for n in batch.shape[1:] if n > 1) == sorted(n for n in shape if n > 1):
            yield network.channels_first(batch)
        elif network.channels_last and batch.ndim == len(shape) + 1:
            yield np.moveaxis(batch, -1, 1)
    yield from batches


def _fits(own: np.ndarray, shape: tuple[int, ...]) -> bool:
    return all(length in (1, wanted) for length, wanted in zip(own.shape[1:], shape, strict=True))


def _activation_of(
    value: ActivationOf,
    network: Network,
    layer: str,
    shape: Sequence[int],
    row: tuple[int, int],
) -> Activation:
    """Activation of the other picture at the layer; at the input, that picture itself."""
    array = as_numpy(value.picture)
    if array is None:
        raise BadArray(
            "activation_of() takes an array or a tensor in the network's own layout; received a "
            f"{type(value.picture).__name__}. explain() and compare() prepare pictures."
        )
    x = _other(np.asarray(array, np.float32), network, shape, row)
    if layer == INPUT:
        return x
    return network.record(np.ascontiguousarray(x[None]), [layer]).activations[layer][0]


def _other(
    array: np.ndarray, network: Network, shape: Sequence[int], row: tuple[int, int]
) -> np.ndarray:
    for own in _read(array, shape, network):
        if own.shape[1:] == tuple(shape) and len(own) in (1, row[1]):
            return own[row[0] if len(own) > 1 else 0]
    raise BadOption(
        f"activation_of() takes a picture of {_by(shape)} in the network's own layout, as the "
        f"explained one has; received an array of shape {array.shape}."
    )


def _seen(regions: np.ndarray, geometry: Geometry) -> np.ndarray:
    """Regions of the photograph, as the input shows them; what lies beside it is in none."""
    if regions.ndim < 2 or regions.shape[-2:] != geometry.image_size:
        return regions
    rows, columns = geometry.input_size
    v, u = np.mgrid[0:rows, 0:columns] + 0.5
    start, right, below = (geometry.to_image(*at) for at in ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0)))
    across, down = (
        start[i] + (right[i] - start[i]) * u + (below[i] - start[i]) * v for i in (0, 1)
    )
    at = [np.floor(own).astype(np.int64) for own in (down, across)]
    inside = np.all(
        [(own >= 0) & (own < length) for own, length in zip(at, geometry.image_size, strict=True)],
        axis=0,
    )
    at = [np.clip(own, 0, length - 1) for own, length in zip(at, geometry.image_size, strict=True)]
    none = -1 if regions.dtype.kind in "iu" else 0
    return np.where(inside, regions[..., at[0], at[1]], np.asarray(none, regions.dtype))


def _shares(
    regions: np.ndarray, grid: Sequence[int], image: Sequence[int], row: tuple[int, int]
) -> np.ndarray:
    """Share of each place of the grid that each region covers."""
    masks = _masks(regions, len(grid), row)
    if masks is None or masks.shape[1:] not in (tuple(image), tuple(grid)):
        raise BadOption(
            f"regions is a label image of {_by(image)}, the network's input (for explain() also of "
            f"the size of the picture), or {_by(grid)}, the grid of the layer; or masks of that "
            f"size, (regions, ...); received an array of shape {regions.shape}."
        )
    if masks.shape[1:] == tuple(grid):
        return masks
    seen = Seen(tuple(image), tuple((0.0, float(length)) for length in image))
    return np.stack([masked(mask, tuple(grid), seen) for mask in masks])


def _masks(regions: np.ndarray, axes: int, row: tuple[int, int]) -> np.ndarray | None:
    """A mask for each region of one picture; None for an array of another shape."""
    labels = regions.dtype.kind in "iu"
    each = axes + (not labels)  # axes of what one picture has
    own = regions[None] if not labels and regions.ndim == axes else regions
    while own.ndim > each + 1 and len(own) == 1:
        own = own[0]
    if own.ndim == each + 1 and len(own) in (1, row[1]):
        own = own[row[0] if len(own) > 1 else 0]
    if own.ndim != each:
        return None
    if not labels:
        return np.ascontiguousarray(own, dtype=np.float32)
    known = [label for label in np.unique(regions) if label >= 0]
    if not known:
        raise BadOption("regions has no number from 0 on, so there is no region.")
    return np.stack([own == label for label in known]).astype(np.float32)


def _by(lengths: Sequence[int]) -> str:
    return "x".join(map(str, lengths))
