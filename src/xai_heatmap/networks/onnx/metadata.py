"""Metadata of an ONNX file, read as untrusted data."""

import json
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from onnx import ModelProto

from xai_heatmap.core.network import Declared
from xai_heatmap.networks.onnx import exporter
from xai_heatmap.networks.onnx.formulas import FORMULAS
from xai_heatmap.networks.onnx.limits import MOST_NUMBERS

PREFIX = "xai_heatmap."
VERSION, METHOD, LAYERS, REASON, PREPROCESS, LABELS = (
    PREFIX + word for word in ("version", "method", "layers", "reason", "prep", "labels")
)
IMAGES, CLASSES = PREFIX + "images", PREFIX + "class_index"
"""Keys of the number of pictures per run, ``any`` or a number, and of the class indices."""

EXTENTS = PREFIX + "extents"
"""Key of where the cells of each layer lie: start and stop on each axis of the input, null for all
of it. Written where that is of any."""

LONGEST = {PREPROCESS: 4096, LABELS: 8 << 20, LAYERS: 1 << 20}
"""Most characters of an entry."""

MOST_LABELS, LONGEST_LABEL = 100_000, 1000

WORDS = {
    "mode": ("imagenet", "torch", "tf", "caffe", "unit", "raw"),
    "fit": ("crop", "stretch", "letterbox", "squash"),
    "resampling": ("bilinear", "bicubic", "nearest", "lanczos", "box", "hamming"),
    "half": ("even", "down"),
}
LARGEST_SIDE = 8192


def declared(model: ModelProto, *, image_shape: tuple[int, ...] | None) -> Declared:
    """Declarations in the metadata of a file that this package exported, or ultralytics; else the
    shape alone.
    """
    others = exporter.declared(model, image_shape=image_shape)
    if others is not None and VERSION not in metadata(model):
        return others
    return Declared(
        image_shape,
        _said(model, PREPROCESS, _is_preprocess),
        tuple(labels) if (labels := _said(model, LABELS, _are_labels)) else None,
        method(model),
    )


def layers(model: ModelProto) -> list[str]:
    """The layers whose maps are built into the file, none where there are none."""
    return _said(model, LAYERS, _are_labels) or []


def method(model: ModelProto) -> str | None:
    """The method of the maps that are built into the file, None where there are none."""
    said = metadata(model).get(METHOD)
    if said is None or said in FORMULAS:
        return said
    warnings.warn(
        f"The model's metadata {METHOD!r} names no method that can be built into a file, and is "
        "not used. Say a method yourself, or export the model again.",
        stacklevel=2,
    )
    return None


def metadata(model: ModelProto) -> dict[str, str]:
    """Metadata of a model as a dict."""
    return {entry.key: entry.value for entry in model.metadata_props}


def write(model: ModelProto, entries: Mapping[str, str]) -> None:
    """Write entries, replacing entries of the same name."""
    kept = {key: value for key, value in metadata(model).items() if not key.startswith(PREFIX)}
    del model.metadata_props[:]
    for key, value in {**kept, **entries}.items():
        model.metadata_props.add(key=key, value=value)


def _said(model: ModelProto, key: str, valid: Callable[[Any], bool]) -> Any:
    text = metadata(model).get(key)
    if text is None:
        return None
    if len(text) <= LONGEST[key]:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = None
        if value is not None and valid(value):
            return value
    warnings.warn(
        f"The model's metadata {key!r} does not hold what it should, and is not used. Say it "
        f"yourself, or export the model again.",
        stacklevel=2,
    )
    return None


def _are_labels(value: Any) -> bool:
    return (
        isinstance(value, list)
        and 0 < len(value) <= MOST_LABELS
        and all(
            isinstance(label, str) and len(label) <= LONGEST_LABEL and label.isprintable()
            for label in value
        )
    )


def _is_preprocess(value: Any) -> bool:
    """The options of a preprocessing, each of its type and in its range."""
    checks: dict[str, Callable[[Any], bool]] = {
        **{name: partial(_is_one_of, words) for name, words in WORDS.items()},
        "mean": lambda v: v is None or _are_of_channels(v),
        "std": lambda v: v is None or (_are_of_channels(v) and min(v) > 0),
        "input_size": lambda v: _are_whole(v) and len(v) == 2 and 3 * v[0] * v[1] <= MOST_NUMBERS,
        "channels": lambda v: type(v) is int and v in (1, 3),
        "ratio": lambda v: _are_numbers([v]) and 0 < v <= 1,
    }
    return isinstance(value, dict) and all(
        name in checks and checks[name](one) for name, one in value.items()
    )


def _is_one_of(words: tuple[str, ...], value: Any) -> bool:
    return isinstance(value, str) and value in words


def _are_numbers(value: Any) -> bool:
    return (
        isinstance(value, list)
        and 0 < len(value) <= 3
        and all(isinstance(v, int | float) and not isinstance(v, bool) for v in value)
        and all(abs(v) < 1e9 for v in value)
    )


def _are_of_channels(value: Any) -> bool:
    return _are_numbers(value) and len(value) in (1, 3)


def _are_whole(value: Any) -> bool:
    return _are_numbers(value) and all(isinstance(v, int) and 1 <= v <= LARGEST_SIDE for v in value)
