"""Preprocessing of a timm model, from the configuration that timm stores on the model."""

from collections.abc import Mapping
from typing import Any

from xai_heatmap.core.resampling import RESAMPLINGS

FITS = {"center": "crop", "squash": "squash", "border": "letterbox"}
"""Fits of a picture by timm's names."""


def preprocess(config: Mapping[str, Any]) -> dict[str, object]:
    """The preprocessing that a data configuration of timm means."""
    how = config.get("interpolation")
    facts: dict[str, object] = {
        "mode": "imagenet",
        "mean": tuple(config["mean"]),
        "std": tuple(config["std"]),
        "fit": FITS.get(config.get("crop_mode") or "center", "crop"),
        "resampling": how if how in RESAMPLINGS else "bicubic",
    }
    if facts["fit"] != "letterbox":
        facts["ratio"] = float(config.get("crop_pct") or 0.875)
    return facts
