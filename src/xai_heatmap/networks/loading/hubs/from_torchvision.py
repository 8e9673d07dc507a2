"""``torchvision:NAME[/WEIGHTS]``: a model of torchvision, with the metadata of the weights."""

from typing import Any

from xai_heatmap.core.errors import ModelNotFound, did_you_mean
from xai_heatmap.core.network import Declared
from xai_heatmap.networks.loading.loaded import Loaded, first_line, unimportable


def load_torchvision(name: str, *, trained: bool) -> Loaded:
    """The model `name`, with the weights named after the slash or else torchvision's default."""
    try:
        from torchvision import models
    except (ImportError, RuntimeError, AttributeError) as error:
        raise unimportable(
            "torchvision", error, beside="torch", purpose=f"torchvision:{name}"
        ) from error
    architecture, _, wanted = name.partition("/")
    known = models.list_models()
    if architecture not in known:
        raise ModelNotFound(
            f"torchvision has no model {architecture!r}.{did_you_mean(architecture, known)} "
            f"It has {len(known)}: python -c 'import torchvision; "
            "print(torchvision.models.list_models())'"
        )
    if not trained:
        return Loaded(models.get_model(architecture, weights=None))
    weights = _weights(models.get_model_weights(architecture), architecture, wanted)
    try:
        model = models.get_model(architecture, weights=weights)
    except Exception as error:  # no connection, or a damaged download
        raise ModelNotFound(
            f"The weights of torchvision:{name} could not be downloaded and read: "
            f"{first_line(error)}. Try again with a connection, or give them yourself: "
            "--weights FILE"
        ) from error
    return Loaded(model, _declared(weights))


def _weights(offered: Any, architecture: str, wanted: str) -> Any:
    names = list(offered.__members__)
    if wanted and wanted not in names:
        raise ModelNotFound(
            f"torchvision has no weights {wanted!r} for {architecture}."
            f"{did_you_mean(wanted, names)} It has {', '.join(names)}."
        )
    return offered[wanted or "DEFAULT"]


def _declared(weights: Any) -> Declared:
    labels = weights.meta.get("categories")
    transforms = weights.transforms()
    if not hasattr(transforms, "crop_size"):  # detection and segmentation crop nothing
        return Declared(None, None, tuple(labels) if labels else None)
    crop, resize = transforms.crop_size[0], transforms.resize_size[0]
    return Declared(
        (3, crop, crop),
        {
            "mode": "imagenet",
            "mean": tuple(transforms.mean),
            "std": tuple(transforms.std),
            "ratio": crop / resize,
            "resampling": "bicubic" if "BICUBIC" in str(transforms.interpolation) else "bilinear",
        },
        tuple(labels) if labels else None,
    )
