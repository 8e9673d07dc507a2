"""Preprocessing of an image processor of transformers."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import PIL.Image

from xai_heatmap.core.resampling import RESAMPLINGS

CONVNEXT_WARPS_FROM = 384
"""Least size at which processors with `crop_pct` squeeze the picture instead of cropping."""

LEVIT = 256 / 224
"""What LeViT's processor multiplies the size of the shorter side by, whatever the size."""

DOES = ("do_resize", "do_center_crop", "do_rescale", "do_normalize", "do_flip_channel_order")
SETTINGS = (
    "size", "crop_size", "crop_pct", "resample", "image_mean", "image_std", "rescale_factor",
    "rescale_offset", "include_top", "default_to_square",
)  # fmt: skip
"""Settings of a processor that files of older versions may leave to the class."""

LEVEL = 1 / 255

Settings = Mapping[str, Any]


def class_name(processor: Settings) -> str:
    """Class of a processor, by the name that it has in all versions; empty where none is named."""
    written = processor.get("image_processor_type") or processor.get("feature_extractor_type")
    plain = str(written or "").removesuffix("Fast").removesuffix("Pil")
    return plain.replace("FeatureExtractor", "ImageProcessor")


def with_defaults(processor: Settings, transformers: Any) -> Settings:
    """Settings of a file, completed by the defaults of the processor's class."""
    name = class_name(processor)
    for kind in (f"{name}Pil", name):
        with suppress(AttributeError, ImportError, RuntimeError):
            own = getattr(transformers, kind)
            does = {key: bool(getattr(own, key, None)) for key in DOES}
            found = {key: getattr(own, key, None) for key in SETTINGS}
            return does | {k: v for k, v in found.items() if v is not None} | dict(processor)
    return processor


def facts(processor: Settings) -> tuple[Mapping[str, object], tuple[int, int] | None]:
    """Settings of a processor as arguments of `Preprocess`, and rows and columns of the input."""
    fit, size = _fit(processor)
    names = {int(filter_): name for name, filter_ in RESAMPLINGS.items()}
    given = processor.get("resample")
    how = names.get(int(PIL.Image.Resampling.BILINEAR if given is None else given), "bilinear")
    return {**_scaling(processor), "resampling": how, "half": "down", **fit}, size


def _scaling(processor: Settings) -> Mapping[str, object]:
    """Scaling of pixels: ``(pixel · factor - offset - mean) / std``."""
    normalises = bool(processor.get("do_normalize", True))
    factor = float(processor.get("rescale_factor") or LEVEL)
    factor = factor if processor.get("do_rescale", True) else 1.0
    mean, std = (
        (processor.get(f"image_{which}") if normalises else None) for which in ("mean", "std")
    )
    usual = abs(factor - LEVEL) < LEVEL / 1e6
    plain = not processor.get("rescale_offset") and not processor.get("do_flip_channel_order")
    again = bool(processor.get("include_top")) and normalises
    if usual and plain and not again:
        given = {"mean": mean, "std": std}
        own = {name: _numbers(value) for name, value in given.items() if value}
        return {"mode": "imagenet" if normalises else "unit"} | own
    offset = 1.0 if processor.get("rescale_offset") else 0.0
    shift = _numbers(mean or 0.0)
    spread = tuple(value**2 if again else value for value in _numbers(std or 1.0))
    return {
        "mode": "caffe" if processor.get("do_flip_channel_order") else "raw",
        "mean": tuple((offset + value) / factor for value in shift),
        "std": tuple(value / factor for value in spread),
    }


def _numbers(value: Any) -> tuple[float, ...]:
    return tuple(map(float, value)) if isinstance(value, list | tuple) else (float(value),)


def _fit(processor: Settings) -> tuple[Mapping[str, object], tuple[int, int] | None]:
    """Fit of the picture to the input, and rows and columns of the input."""
    size, crop = processor.get("size"), processor.get("crop_size")
    shorter = size.get("shortest_edge") if isinstance(size, Mapping) else None
    if isinstance(size, int) and not processor.get("default_to_square", True):
        shorter = size
    if class_name(processor) == "LevitImageProcessor" and shorter:
        shorter = int(LEVIT * shorter)
    share = processor.get("crop_pct")
    if shorter and share:
        warped = shorter >= CONVNEXT_WARPS_FROM
        fit = {"fit": "stretch"} if warped else {"fit": "crop", "ratio": float(share)}
        return fit, (shorter, shorter)
    if crop and processor.get("do_center_crop", True):
        seen = _rows_columns(crop)
        whole = shorter or (min(_rows_columns(size)) if size else min(seen))
        if min(seen) > whole:
            raise ValueError(f"a crop of {min(seen)} is larger than the picture, {whole}")
        fit = "crop" if shorter or not size else "squash"
        return {"fit": fit, "ratio": min(seen) / whole}, seen
    if shorter:
        return {"fit": "crop", "ratio": 1.0}, (shorter, shorter)
    return {"fit": "stretch"}, _rows_columns(size) if size else None


def _rows_columns(size: Any) -> tuple[int, int]:
    if isinstance(size, Mapping):
        return int(size["height"]), int(size["width"])
    return (int(size), int(size)) if isinstance(size, int) else (int(size[0]), int(size[1]))
