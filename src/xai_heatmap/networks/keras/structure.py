"""Structure of a Keras model: layers, variables, symbolic inputs, axes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, repeat
from operator import is_
from typing import Any, cast

import keras

from xai_heatmap.core.layers.layout import OPEN_AXIS
from xai_heatmap.networks.opening.taps import beneath

OF_VARIABLES = ("_trainable_variables", "_non_trainable_variables", "_seed_generators")
"""Attributes in which a layer lists what its variables come from."""


@dataclass(frozen=True)
class _Walked:
    """Layers of a model as they were found, with what shows whether they are still the same.

    Parameters
    ----------
    layers
        By path.
    facts
        Attributes of each, of which the names are `named`.
    holding
        The model and the layers that hold others, each with what its own are listed from.
    leaves
        Attributes of the layers that hold none.
    tracked
        The lists to which the model and the layers add their variables.
    """

    layers: Mapping[str, keras.Layer]
    facts: Sequence[dict[str, Any]]
    named: Sequence[Any]
    holding: Sequence[tuple[keras.Layer, Sequence[Any]]]
    leaves: Sequence[dict[str, Any]]
    tracked: Sequence[Sequence[Any]]

    def still(self) -> bool:
        """Whether no layer came, went, was replaced or was given another name."""
        return (
            _identical(_of_each(self.facts, "name"), self.named)
            and not any(map(dict.get, self.leaves, repeat("_layers")))
            and all(_identical(_parts_of(layer), own) for layer, own in self.holding)
        )


class Inventory:
    """Layers and variables of a model, listed again only where one came, went or was replaced.

    Every call asks for them, and walking hundreds of layers takes longer than the rest of what
    Python does for it; so what the lists are made of is compared as it stands, object by object.
    """

    def __init__(self, model: keras.Model) -> None:
        self._model = model
        self._walked: _Walked | None = None
        self._activations: tuple[_Walked, Sequence[Any], tuple[object, ...]] | None = None
        self._variables: tuple[Sequence[Any], list[keras.Variable]] | None = None

    def layers(self) -> Mapping[str, keras.Layer]:
        """As `layers_in`."""
        return self._now().layers

    def activations(self) -> tuple[object, ...]:
        """Every layer with its activation, by their identities."""
        walked, known = self._now(), self._activations
        own = _of_each(walked.facts, "activation")
        if known is None or known[0] is not walked or not _identical(own, known[1]):
            layers = walked.layers.values()
            found = tuple((id(layer), id(beneath(layer, "activation"))) for layer in layers)
            self._activations = known = walked, own, found
        return known[2]

    def variables(self) -> list[keras.Variable]:
        """All that the model reads and could write, random states too."""
        own, known = list(chain.from_iterable(self._now().tracked)), self._variables
        if known is None or not own or not _identical(own, known[0]):
            self._variables = known = own, self._model.variables
        return known[1]

    def _now(self) -> _Walked:
        walked = self._walked
        if walked is None or not walked.still():
            layers = layers_in(self._model)
            every = [self._model, *layers.values()]
            holding = [one for one in every if one is self._model or vars(one).get("_layers")]
            known = {id(one) for one in holding}
            facts: list[dict[str, Any]] = [one.__dict__ for one in layers.values()]
            self._walked = walked = _Walked(
                layers,
                facts,
                _of_each(facts, "name"),
                [(one, list(_parts_of(one))) for one in holding],
                [one.__dict__ for one in layers.values() if id(one) not in known],
                [vars(one).get(name, ()) for one in every for name in OF_VARIABLES],
            )
        return walked


def _of_each(facts: Iterable[dict[str, Any]], name: str) -> list[Any]:
    """An attribute of every object, None where an object has none of its own."""
    return list(map(dict.get, facts, repeat(name)))


def _identical(one: Sequence[Any], other: Sequence[Any]) -> bool:
    return len(one) == len(other) and all(map(is_, one, other))


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


def _parts_of(layer: keras.Layer) -> Sequence[Any]:
    """List of what is directly in a layer, as it stands: a functional model makes that of its
    layers anew, from its operations, whenever it is asked.
    """
    operations, kind = vars(layer).get("_operations"), cast("Any", type(layer))
    if type(operations) is list and _lists_operations(kind):
        return operations
    return _directly_in(layer)


@cache
def _lists_operations(kind: type) -> bool:
    """Whether a kind of model lists its layers as Keras's functional ones do."""
    owner = next((one for one in kind.__mro__ if "layers" in vars(one)), None)
    return owner is not None and owner.__module__ == "keras.src.models.functional"


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
