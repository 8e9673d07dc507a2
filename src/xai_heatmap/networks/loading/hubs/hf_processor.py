"""Which image processor of transformers a repository has, and whether its settings say all."""

import warnings
from collections.abc import Iterable, Mapping
from typing import Any

from xai_heatmap.networks.loading.hubs.hf_settings import Settings, class_name, facts, with_defaults

READ = (
    "Beit", "Bit", "Blip", "CLIP", "Chameleon", "ChineseCLIP", "ConvNext", "DPT", "DeiT",
    "EfficientNet", "Flava", "Levit", "MobileNetV1", "MobileNetV2", "MobileViT",
    "PoolFormer", "Pvt", "Segformer", "Siglip", "ViT",
)  # fmt: skip
"""Processors that do with a picture what their settings say; the pixels of each are held to those
of transformers by a test. Any other class may do more: pad, keep the aspect, cut into tiles.
"""

BESIDE = ("do_pad", "keep_aspect_ratio", "do_thumbnail", "do_align_long_axis", "do_image_splitting")
"""Steps that stand in no setting that is read."""


Said = tuple[Mapping[str, object], tuple[int, int] | None]
"""Arguments of `Preprocess`, and rows and columns of the input."""


def said_by(transformers: Any, model: Any, name: str) -> Said | None:
    """What the image processor of the repository `name` does; None where nothing says it for sure.

    No code of the repository runs. A processor that is there, but is not read, is told in a
    warning: a guess would change every map.
    """
    processor = _settings(transformers, name)
    if processor is None:
        return None
    kind = class_name(processor) or _usual(transformers, model)
    settings = with_defaults({**processor, "image_processor_type": kind}, transformers)
    why = unread(kind, settings)
    if not why:
        try:
            return facts(settings)
        except (TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
            why = f"its settings can't be read ({type(error).__name__}: {error})"
    warnings.warn(
        f"How hf:{name} wants its pictures is not taken from its image processor: {why}.",
        stacklevel=2,
    )
    return None


def _settings(transformers: Any, name: str) -> Settings | None:
    """Settings of an image processor as JSON; no code of the processor runs."""
    reader = transformers.image_processing_base.ImageProcessingMixin
    try:
        found = reader.get_image_processor_dict(name)[0]
    except (OSError, ValueError, KeyError):
        return None
    except (AttributeError, TypeError):  # JSON, but no settings by name
        return {"image_processor_type": "?"}
    return found if isinstance(found, Mapping) else {"image_processor_type": "?"}


def _usual(transformers: Any, model: Any) -> str:
    """Class of the processor that goes with an architecture, where the file names none."""
    mapping = transformers.models.auto.image_processing_auto.IMAGE_PROCESSOR_MAPPING
    try:
        found = mapping[type(model.config)]
    except (KeyError, ImportError, RuntimeError):
        return "?"
    kinds: Iterable[Any] = (
        found.values() if isinstance(found, Mapping)
        else found if isinstance(found, tuple | list) else (found,)
    )  # fmt: skip
    names = (getattr(kind, "__name__", str(kind)) for kind in kinds if kind is not None)
    return next((name.removesuffix("Pil").removesuffix("Fast") for name in names), "?")


def unread(kind: str, settings: Settings) -> str:
    """Why the settings of a processor of the class `kind` do not say all; empty where they do."""
    if kind == "?":
        return "its file names no class of transformers"
    if kind.removesuffix("ImageProcessor") not in READ:
        return f"it is a {kind}, which may do more than its settings say"
    steps = [step for step in BESIDE if settings.get(step)]
    if steps:
        return f"it asks for {steps[0]}"
    if not settings.get("do_resize", True):
        return "it resizes nothing (do_resize)"
    for key in ("size", "crop_size"):
        sides: Any = settings.get(key)
        given = {k for k, v in sides.items() if v is not None} if isinstance(sides, Mapping) else ()
        if given and given not in ({"shortest_edge"}, {"height", "width"}):
            return f"its {key} is {dict(sides)!r}"
    return ""
