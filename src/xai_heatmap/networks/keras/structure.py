"""Structure of a Keras model: layers, symbolic inputs, axes."""

from collections.abc import Mapping

import keras

from xai_heatmap.core.layers.layout import OPEN_AXIS


def layers_in(model: keras.Model) -> dict[str, keras.Layer]:
    """Every layer by its path, ``outer/inner``; a layer with several paths by the first."""
    found: dict[str, keras.Layer] = {}
    _collect(model, "", {id(model)}, found)
    return found


def _collect(
    layer: keras.Layer, prefix: str, seen: set[int], found: dict[str, keras.Layer]
) -> None:
    for part in _directly_in(layer):
        if id(part) in seen:
            continue
        seen.add(id(part))
        path = f"{prefix}{part.name}"
        times = 1
        while path in found:
            times += 1
            path = f"{prefix}{part.name}_{times}"
        found[path] = part
        if vars(part).get("_layers"):  # this runs on every call, and most layers hold no others
            _collect(part, f"{path}/", seen, found)


def _directly_in(layer: keras.Layer) -> list[keras.Layer]:
    if isinstance(layer, keras.Model):
        return layer.layers
    return layer._flatten_layers(include_self=False, recursive=False)  # noqa: SLF001 - only models list theirs in public


def symbolic_inputs(model: keras.Model) -> list[keras.KerasTensor]:
    """Symbolic inputs of a functional or of a built Sequential model."""
    functional = isinstance(model, keras.Function) or (
        isinstance(model, keras.Sequential) and model.built
    )
    return list(model.inputs) if functional else []


def input_shape_of(model: keras.Model, picture: str) -> tuple[int | None, ...] | None:
    """(n, ...) that the model was built for, None for an axis left open; None if unsaid."""
    if inputs := symbolic_inputs(model):
        return next((tuple(i.shape) for i in inputs if i.name == picture), None)
    config = model.get_build_config() if model.built else None
    shape = (config or {}).get("input_shape")
    if not isinstance(shape, tuple | list):
        return None
    return tuple(shape) if all(n is None or isinstance(n, int) for n in shape) else None


def channels_last_in(
    parts: Mapping[str, keras.Layer], shape: tuple[int | None, ...] | None
) -> bool:
    """Whether channels come last: by the first `data_format`, the shape, or Keras' setting."""
    said = (vars(part).get("data_format") for part in parts.values())
    first = next((word for word in said if word in {"channels_last", "channels_first"}), None)
    if first is None and shape is not None and len(shape) > 2:
        last, front = shape[-1] in {1, 3, 4}, shape[1] in {1, 3, 4}
        if last != front:
            return last
    return (first or keras.config.image_data_format()) == "channels_last"


def image_shape_in(
    shape: tuple[int | None, ...] | None, *, channels_last: bool
) -> tuple[int, ...] | None:
    """(c, *image) of one input, where the model has image axes and knows its channels."""
    if shape is None or len(shape) < 3:
        return None
    channels = shape[-1] if channels_last else shape[1]
    image = shape[1:-1] if channels_last else shape[2:]
    if channels is None or len(image) not in OPEN_AXIS:
        return None
    return (channels, *(n or OPEN_AXIS[len(image)] for n in image))
