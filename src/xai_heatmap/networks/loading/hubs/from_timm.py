"""``timm:NAME``: a model of timm with its data configuration and, for ImageNet, its classes."""

from collections.abc import Mapping
from typing import Any

from xai_heatmap.core.errors import ModelNotFound, did_you_mean
from xai_heatmap.core.network import Declared
from xai_heatmap.networks.loading.hubs.timm_settings import preprocess
from xai_heatmap.networks.loading.loaded import Loaded, first_line, unimportable


def load_timm(name: str, *, trained: bool) -> Loaded:
    """The model `name`, with its trained weights unless `trained` is False."""
    try:
        import timm
        import timm.data
    except (ImportError, RuntimeError, AttributeError) as error:
        raise unimportable(
            "timm", error, beside="torch torchvision", purpose=f"timm:{name}"
        ) from error
    remote = name.startswith(("hf_hub:", "hf-hub:"))
    if not remote and not timm.is_model(name):
        known = timm.list_models()
        raise ModelNotFound(
            f"timm has no model {name!r}.{did_you_mean(name, known)} It has {len(known)}: "
            "python -c 'import timm; print(timm.list_models())'"
        )
    try:
        model = timm.create_model(name, pretrained=trained)
    except Exception as error:  # a name without weights, no connection, a damaged download
        raise ModelNotFound(
            f"timm:{name} could not be loaded: {first_line(error)}. Try again with a connection, "
            "or give the weights yourself: --weights FILE"
        ) from error
    return Loaded(model, _declared(timm.data, model))


def _declared(data: Any, model: Any) -> Declared:
    config: Mapping[str, Any] = data.resolve_data_config({}, model=model)
    return Declared(tuple(config["input_size"]), preprocess(config), _labels(data, model))


def _labels(data: Any, model: Any) -> tuple[str, ...] | None:
    subset = data.infer_imagenet_subset(model)
    return tuple(data.ImageNetInfo(subset).label_descriptions()) if subset else None
