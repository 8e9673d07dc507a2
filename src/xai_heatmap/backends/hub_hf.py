"""``hf:ORG/NAME``: an image classifier for transformers, with its image processor's figures."""

from collections.abc import Mapping
from typing import Any

from xai_heatmap.backends.loaded import Loaded, first_line, missing, unimportable
from xai_heatmap.core.errors import ModelNotFound, NotAModel, UnsafeModel
from xai_heatmap.core.network import Declared

BICUBIC = 3
"""Pillow's number for it, which image processors use."""

CONVNEXT_WARPS_FROM = 384
"""At that size and above, processors with a crop share squeeze the picture instead of cropping."""


def load_hf(name: str, *, trained: bool) -> Loaded:
    """The classifier `name`: a repository of the hub, or a folder that transformers wrote."""
    try:
        import transformers
    except (ImportError, RuntimeError) as error:
        raise unimportable("transformers", error, beside="torch", purpose=f"hf:{name}") from error
    classifier = transformers.AutoModelForImageClassification
    try:
        if trained:
            model = classifier.from_pretrained(name, trust_remote_code=False)
        else:
            config = transformers.AutoConfig.from_pretrained(name, trust_remote_code=False)
            model = classifier.from_config(config, trust_remote_code=False)
    except OSError as error:
        raise ModelNotFound(
            f"hf:{name} could not be loaded: {first_line(error)} Check the name on "
            "huggingface.co/models, or the connection."
        ) from error
    except ImportError as error:
        raise missing(
            "another package", "see the reason", purpose=f"hf:{name}", why=first_line(error)
        ) from error
    except (ValueError, KeyError) as error:
        if "trust_remote_code" in str(error):
            raise UnsafeModel(
                f"A model without code of its own was expected; hf:{name} brings Python files that "
                "would have to be run, and none of them was. If you have read them and trust them, "
                "load it in a factory of your own, --model module.py:factory, with "
                "from_pretrained(..., trust_remote_code=True)."
            ) from error
        raise NotAModel(
            f"hf:{name} is no image classifier that transformers knows: {first_line(error)}. "
            "Choose a model with the task image-classification."
        ) from error
    return Loaded(model, _declared(transformers, model, name))


def _declared(transformers: Any, model: Any, name: str) -> Declared:
    names = model.config.id2label
    labels = tuple(str(names[index]) for index in sorted(names)) if names else None
    if labels and all(label == f"LABEL_{index}" for index, label in enumerate(labels)):
        labels = None  # what transformers writes where nobody named the classes
    processor = _processor(transformers, name)
    if processor is None:
        return Declared(labels=labels)
    facts, size = _facts(processor)
    channels = getattr(model.config, "num_channels", 3)
    return Declared((channels, *size) if size else None, facts, labels)


def _processor(transformers: Any, name: str) -> Mapping[str, Any] | None:
    """The processor's own settings as JSON; nothing of it is run."""
    reader = transformers.image_processing_base.ImageProcessingMixin
    try:
        return reader.get_image_processor_dict(name)[0]
    except (OSError, ValueError, KeyError):
        return None


def _facts(processor: Mapping[str, Any]) -> tuple[dict[str, object], tuple[int, int] | None]:
    """What `Preprocess` calls the processor's settings, and rows and columns of the input."""
    facts: dict[str, object] = {
        "mode": "imagenet" if processor.get("do_normalize", True) else "unit",
        "resampling": "bicubic" if processor.get("resample") == BICUBIC else "bilinear",
    }
    if not processor.get("do_rescale", True):
        facts["mode"] = "raw"
    for ours, theirs in (("mean", "image_mean"), ("std", "image_std")):
        if processor.get("do_normalize", True) and processor.get(theirs):
            facts[ours] = tuple(map(float, processor[theirs]))
    size, crop = processor.get("size"), processor.get("crop_size")
    shorter = size.get("shortest_edge") if isinstance(size, Mapping) else None
    share = processor.get("crop_pct")
    if shorter and share:
        warped = shorter >= CONVNEXT_WARPS_FROM
        facts |= {"fit": "stretch"} if warped else {"fit": "crop", "ratio": float(share)}
        return facts, (shorter, shorter)
    if crop and processor.get("do_center_crop", True):
        seen = _rows_columns(crop)
        whole = shorter or (min(_rows_columns(size)) if size else min(seen))
        facts |= {"fit": "crop", "ratio": min(1.0, min(seen) / whole)}
        return facts, seen
    if shorter:
        return facts | {"fit": "crop", "ratio": 1.0}, (shorter, shorter)
    return facts | {"fit": "stretch"}, _rows_columns(size) if size else None


def _rows_columns(size: Any) -> tuple[int, int]:
    if isinstance(size, Mapping):
        return int(size["height"]), int(size["width"])
    return (int(size), int(size)) if isinstance(size, int) else (int(size[0]), int(size[1]))
