"""Input that is ready: what the network eats, as scripts hold it after their own preprocessing."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from xai_heatmap.core.arrays import Image, Input
from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadArray, BadOption
from xai_heatmap.core.geometry import Geometry, stretched
from xai_heatmap.core.network import Network
from xai_heatmap.core.tensors import as_numpy
from xai_heatmap.sources.image import read
from xai_heatmap.sources.preprocess import IMAGENET, Preprocess

READY = "ready"
"""Word of `preprocess` for an array that is ready."""

BANDS = (1, 3, 4)
"""Channels that pictures have."""

SLACK = 0.02
"""Largest distance from [0, 1] of undone normalisation: bicubic resizing overshoots."""


def check_numbers(given: Any) -> None:
    """Refuse a tensor that holds no numbers an input could be made of.

    Raises
    ------
    BadArray
        With what to write instead.
    """
    shape, dtype = getattr(given, "shape", None), str(getattr(given, "dtype", ""))
    if shape is None or not dtype or isinstance(given, np.ndarray) or len(shape) < 3:
        return
    kind = dtype.rpartition(".")[2]
    if as_numpy(given) is None:
        raise BadArray(
            f"The {type(given).__name__} of {kind} on {getattr(given, 'device', 'its device')} "
            "holds no numbers that can be read. Give it from memory: xai_heatmap.explain(network, "
            "x.cpu())."
        )
    whole = "int" in kind and kind not in ("uint8", "uint16") and len(shape) == 4
    if "complex" in kind or whole:
        raise BadArray(
            f"An input that is ready holds real numbers, and this {type(given).__name__} {kind}. "
            f"Write {'x.abs()' if 'complex' in kind else 'x.float()'}, or give the picture itself "
            "as uint8."
        )


def looks_ready(given: np.ndarray, network: Network) -> bool:
    """Whether an array can only be what the network eats, and no picture.

    Floats with an axis of pictures of length one, with channels first, or of values that no picture
    has.
    """
    if given.dtype.kind != "f" or given.ndim not in (3, 4) or 0 in given.shape:
        return False
    if given.ndim == 4:
        return True
    if given.shape[-1] in BANDS:
        return network.channels_last and bool(given.min() < -SLACK or given.max() > 255)
    return True


def ready(given: np.ndarray, network: Network) -> Input:
    """An array in the network's own layout as one input, channels first.

    Raises
    ------
    BadArray
        For several pictures, or channels that stand elsewhere.
    """
    layout = "(H, W, c)" if network.channels_last else "(c, H, W)"
    if given.ndim == 4 and len(given) != 1:
        raise BadArray(
            f"One picture is explained at a time; received a batch of {len(given)}, "
            f"{_by(given.shape)}. Take one, xai_heatmap.explain(network, x[0]), or all of them one "
            "after the other, xai_heatmap.explain(network, list(x)); "
            "xai_heatmap.maps(network, x) makes bare maps of a batch."
        )
    one = given[0] if given.ndim == 4 else given
    if one.ndim == 2:
        one = one[..., None] if network.channels_last else one[None]
    if one.ndim != 3 or one.dtype.kind not in "fiub" or not one.size:
        raise BadArray(
            f"An input that is ready is {layout} or (1, {layout[1:]} for this network, real "
            f"numbers; received {given.dtype} of shape {_by(given.shape)}."
        )
    shape = network.declared.input_shape
    channels = shape[0] if shape is not None and len(shape) == 3 else None
    here, there = (-1, 0) if network.channels_last else (0, -1)
    usual = (channels,) if channels is not None else BANDS
    if one.shape[here] not in usual and one.shape[there] in usual:
        raise BadArray(
            f"{network.name} takes {layout}; received {_by(given.shape)}. "
            f"`np.moveaxis(x, {there if given.ndim == 3 or there < 0 else 1}, "
            f"{here if given.ndim == 3 or here < 0 else 1})` puts the channels there."
        )
    if channels not in (None, one.shape[here]):
        raise BadArray(
            f"{network.name} takes {counted(channels, 'channel')}, {layout}; received "
            f"{_by(given.shape)}."
        )
    x = np.moveaxis(one, -1, 0) if network.channels_last else one
    return np.array(x, np.float32, order="C")  # a copy: a model may write into its input


def photograph(image: Any, x: Input) -> tuple[Image, str, Geometry, str]:
    """The picture that an input is drawn on, its name, where the input lies on it, and a note.

    Parameters
    ----------
    image
        Anything that is read as a picture, or a pair of it and the `Geometry` of the input.
    """
    picture: Any = image
    geometry: Any = None
    if isinstance(image, tuple) and len(image) == 2:
        picture, geometry = image
    if geometry is not None and not isinstance(geometry, Geometry):
        raise BadOption(
            "image is the photograph, or a pair of it and the xai_heatmap.Geometry of the input; "
            f"the second of the pair is a {type(geometry).__name__}."
        )
    frame = read(picture)
    size, input_size = frame.image.shape[:2], (x.shape[1], x.shape[2])
    if geometry is not None:
        if (geometry.image_size, geometry.input_size) != (size, input_size):
            raise BadOption(
                f"The photograph is {_by(size)} and the input {_by(input_size)}; the geometry is "
                f"of {_by(geometry.image_size)} and {_by(geometry.input_size)} (rows x columns)."
            )
        return frame.image, frame.name, geometry, ""
    note = (
        "The input is taken as the whole photograph, resized; if it was cropped, say so: "
        "image=(photograph, xai_heatmap.Geometry(...))."
    )
    return frame.image, frame.name, stretched(size, input_size), "" if size == input_size else note


def drawing(x: Input, network: Network) -> tuple[Image, str]:
    """The picture that an input shows, and how it was drawn."""
    for undone, how in _undone(x, network):
        if undone is not None and undone.min() >= -SLACK and undone.max() <= 1 + SLACK:
            return as_picture(undone), how
    low, high = np.percentile(x, (1, 99)).astype(np.float32)
    return as_picture(
        (x - low) / np.maximum(high - low, np.float32(1e-12))
    ), "stretched from its own values"


def _undone(x: Input, network: Network) -> list[tuple[Input | None, str]]:
    """Pictures in [0, 1] that the input may have been made of, likeliest first."""
    said = network.declared.preprocess
    tries: list[tuple[Input | None, str]] = []
    if isinstance(said, str | Mapping):
        facts = {"mode": said} if isinstance(said, str) else dict(said)
        own = Preprocess.from_dict(facts | {"channels": 3 if len(x) == 3 else 1})
        scaling = own.scaling
        tries.append(
            (
                _scaled_back(
                    x, scaling.mean, scaling.std, scaling.divisor, flipped=scaling.order == "BGR"
                ),
                "with the model's normalisation undone",
            )
        )
    tries.append((x, "as it is"))
    if len(x) == 3:
        back = _scaled_back(x, IMAGENET.mean, IMAGENET.std, 255.0)
        tries.append((back, "with ImageNet's normalisation undone"))
    tries.append((x / 255 if x.min() >= 0 else None, "as 0 to 255"))
    return tries


def _scaled_back(
    x: Input, mean: Any, std: Any, divisor: float, *, flipped: bool = False
) -> Input | None:
    mean, std = np.ravel(mean), np.ravel(std)
    if any(len(own) not in (1, len(x)) for own in (mean, std)):
        return None
    undone = (x * std[:, None, None] + mean[:, None, None]) * (divisor / 255)
    return (undone[::-1] if flipped else undone).astype(np.float32)


def as_picture(share: Input) -> Image:
    """Channels in [0, 1] as a picture: the first three, or the first alone."""
    bands = share[:3] if len(share) >= 3 else np.repeat(share[:1], 3, axis=0)
    return np.ascontiguousarray(
        np.rint(np.clip(bands, 0, 1) * 255).astype(np.uint8).transpose(1, 2, 0)
    )


def _by(lengths: Any) -> str:
    return "x".join(map(str, lengths))
