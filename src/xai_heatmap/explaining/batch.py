"""Raw maps of a batch that is already preprocessed."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

import xai_heatmap.methods  # noqa: F401 - registers every method
from xai_heatmap import networks
from xai_heatmap.core.arrays import Inputs, Maps
from xai_heatmap.core.errors import BadArray
from xai_heatmap.core.geometry import stretched
from xai_heatmap.core.layers.selection import select, several
from xai_heatmap.core.listed import class_names
from xai_heatmap.core.memory import halved
from xai_heatmap.core.named import named
from xai_heatmap.core.network import Layers, Network
from xai_heatmap.core.registry import find_method
from xai_heatmap.core.targets.target import Choice
from xai_heatmap.explaining.batch_input import alone, array
from xai_heatmap.explaining.forward_pass import ForwardPass, MethodRequest
from xai_heatmap.explaining.fusing import recorded, remember
from xai_heatmap.explaining.leaving import of_those_reached
from xai_heatmap.explaining.levels import Level, at_level, candidates, levels, one_level
from xai_heatmap.explaining.maps import compute_maps, recording_rule
from xai_heatmap.explaining.opening import heads_of, opened_at
from xai_heatmap.explaining.request import (
    ClassNames,
    Held,
    OneLayer,
    OneTarget,
    answers_of,
    check,
    for_each,
    method_name,
    whole,
    with_options,
)
from xai_heatmap.explaining.rows import takes_rows
from xai_heatmap.explaining.rows import usual_method as usual_of_rows
from xai_heatmap.explaining.spoken import spoken


@spoken
def maps(
    network: Any,
    x: Any,
    *,
    method: str | None = None,
    layer: Layers | OneLayer = "auto",
    target: OneTarget | Sequence[OneTarget] = None,
    labels: ClassNames = None,
    options: Mapping[str, object] | None = None,
    held: Held = None,
    picture: str | int | None = None,
) -> Maps | dict[str, Maps]:
    """Raw maps of a batch that is already preprocessed: one forward pass and one backward pass.

    Where memory does not hold the batch, it halves itself and goes on.

    Parameters
    ----------
    network, method, labels, options
        As for `explain`.
    x
        (n, ...) in the network's own layout: (n, c, H, W) or (n, H, W, c); signals have one axis in
        place of H and W, volumes three. An array or tensor of floats, of which float32 is made.
    layer
        As for `explain`, or several: ``all``, a glob, a list. With ``channels="each"`` a layer that
        is named needs no grid: a map of its features is (n, features), or as it answers.
    target
        One for all images, or a list with one for each.
    held, picture
        As for `explain`; what is held may have one row for all images, or one for each.

    Returns
    -------
    float32 (n, *grid); a dict of them by layer name where `layer` names several.
    """
    opened = networks.network(network, held=held, picture=picture)
    native = alone(array(x), x, opened)
    question = _question(method, layer, target) if labels is None and options is None else None
    if question is not None and (known := opened.again(question, native)) is not None:
        return known[0]
    labels, layer = class_names(labels), named(opened, layer)
    method = _named(method, opened, native)
    _check(native)
    inputs = opened.channels_first(native)
    opened.check_held(len(inputs))
    survey = opened.survey(inputs.shape[1:])
    chosen = with_options(method_name(method, opened, survey), options, opened)
    each = chosen[1].get("channels") == "each"
    names = select(survey, layer, auto=chosen[0].auto, gridless=each)
    asked = [MethodRequest(*chosen, names)]
    wanted = for_each(target, len(inputs))
    _check_targets(wanted, inputs, labels or opened.declared.labels or ())
    among = candidates(survey, layer, asked)

    def mapped_at(asked: Sequence[MethodRequest]) -> dict[str, Maps]:
        found_at, rule = list[Level](), recording_rule(asked, asked[0].layers)

        def some(rows: Sequence[int]) -> dict[str, Maps]:
            x = inputs[rows[0] : rows[-1] + 1] if rows else inputs
            own = opened.of(rows) if rows else opened
            at, mine = opened_at(asked, survey, among), [wanted[row] for row in rows]
            passing = own.for_heads(heads_of(asked, among)), x, at, () if among else asked
            recording = recorded(*passing, mine, labels, rule=rule)
            answered = answers_of(recording, opened, labels, whole(x.shape[2:], recording.form))
            targets = [wanted[row](answer) for row, answer in zip(rows, answered, strict=True)]
            here = asked
            if among and rows:
                found_at.extend(levels(recording, targets, survey))
                here = at_level(asked, one_level(found_at))
                if not {*opened_at(here, survey)} <= {*recording.activations}:
                    recording = own.record(x, opened_at(here, survey), rule=rule)
            which = (rows, len(inputs)) if rows else None
            passed = ForwardPass(recording, x, targets, own, survey, among=which)
            found = compute_maps(passed, here, lambda _, __, answer, ___: answer.map)
            remember(opened, question, native, recording, wanted)
            at = zip(asked[0].layers, here[0].layers, strict=True)
            return {name: np.array([row[0] for row in found[level]]) for name, level in at}

        return _joined(halved(some, range(len(inputs))))

    stacked = of_those_reached(mapped_at, asked, layer)
    return stacked if several(layer) else next(iter(stacked.values()))


def _joined(portions: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Maps of a batch, from those of its portions."""
    if len(portions) == 1:
        return portions[0]
    return {name: np.concatenate([one[name] for one in portions]) for name in portions[0]}


def _check_targets(wanted: Sequence[Choice], inputs: Inputs, labels: Sequence[str]) -> None:
    if inputs.ndim == 4 and any(one.check is not None for one in wanted):
        size = inputs.shape[2:]
        check(wanted, stretched(size, size), labels)


def _question(method: object, layer: Any, target: object) -> Hashable | None:
    """Question by which one map is remembered; None of several, and of what is no plain word."""
    plain = (method is None or isinstance(method, str)) and type(layer) in (str, int)
    simple = target is None or type(target) in (str, int)
    return (method, layer, target) if plain and simple and not several(layer) else None


def _named(method: str | None, opened: Network, native: np.ndarray) -> str | None:
    """The method that was asked for or that rows of a table have; None where neither is so."""
    if method is None and takes_rows(opened, native.shape[1:]):
        return usual_of_rows(opened)
    return None if method is None else find_method(method).name


def _check(native: np.ndarray) -> None:
    """Refuse whatever is no batch of preprocessed images."""
    if native.ndim < 2 or native.dtype != np.float32:
        raise BadArray(
            f"maps() takes preprocessed images of floats (n, ...); received {native.dtype} of "
            f"shape {native.shape}. Write x.astype('float32') where the numbers are what the "
            "network takes; explain() takes pictures."
        )
