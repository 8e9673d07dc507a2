"""From a recording to maps: one backward pass a target, formulas applied as gradients arrive."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from xai_heatmap.core.arrays import Gradients
from xai_heatmap.core.backward import GRADIENT, BackwardRule
from xai_heatmap.core.errors import BadOption, NonFiniteScores
from xai_heatmap.core.evidence import Evidence
from xai_heatmap.core.finite import finite
from xai_heatmap.core.fused import ProgramRecording
from xai_heatmap.core.recording import Recording
from xai_heatmap.core.registry import Method, MethodResult
from xai_heatmap.explaining.forward_pass import (
    BACKWARD,
    ForwardPass,
    Gradual,
    MethodRequest,
    cotangents,
)
from xai_heatmap.explaining.glimpse import glimpse, programmed
from xai_heatmap.networks.rules import BIASES

Answer = TypeVar("Answer")

Finish = Callable[[int, Method, MethodResult, Evidence], Answer]
"""Function that makes an answer of a map: the image's row, the method, the map, all that was known
of the image."""

Here = tuple[Sequence[MethodRequest], str, frozenset[str]]
"""Requests at layers of one array, the layer that stands for all, and the fields they need."""

Plan = Callable[[Sequence[str]], Here]

COLLECTED = frozenset({
    *("head", "model", "again", "pyramid", "stages", "biases", "attentions", "balanced", "secant"),
})  # fmt: skip
"""The fields of evidence that can't have gradients as they come: they run the model, which its
backward pass forbids, hold several layers, or wait for the last bias."""


def recording_rule(asked: Sequence[MethodRequest], names: Sequence[str]) -> BackwardRule:
    """The rule of a recording opened at the layers named, the first of them first: the gradient, or
    that which keeps biases.

    Raises
    ------
    BadOption
        If a method that adds them up is asked for at another layer than the first: biases are
        counted from there on.
    """
    adding = [ask for ask in asked if "biases" in ask.method.needs]
    for ask in adding:
        if behind := [name for name in ask.layers if name != names[0]]:
            raise BadOption(
                f"{ask.method.name} adds up every bias behind one layer, here {names[0]!r}, and "
                f"was asked for at {behind[0]!r}. Ask for one layer at a time; "
                "layer='auto' is the picture."
            )
    return BIASES if adding else GRADIENT


def compute_maps(
    passed: ForwardPass,
    asked: Sequence[MethodRequest],
    finish: Finish[Answer],
    *,
    gradients: Mapping[str, Gradients] | None = None,
) -> dict[str, list[list[Answer]]]:
    """Every answer for one row of targets: by layer, then image, then what was asked of that
    layer; one backward pass.

    Parameters
    ----------
    passed
        One forward pass, opened at every layer that is asked for.
    asked
        Methods and their layers.
    finish
        Makes the answer from a map; gradients are gone after it.
    gradients
        Of every layer that was opened, where they are known already: no pass is made for them.
    """
    recording = passed.recording
    if gradients is None and isinstance(recording, ProgramRecording) and not recording.is_open:
        done = _programmed(passed, recording, asked, finish)
        if done is not None:
            return done
    return _by_passes(passed, asked, finish, gradients)


def _by_passes(
    passed: ForwardPass,
    asked: Sequence[MethodRequest],
    finish: Finish[Answer],
    gradients: Mapping[str, Gradients] | None,
) -> dict[str, list[list[Answer]]]:
    """As `compute_maps`, by the formulas of this package, from gradients as they come."""
    recording = passed.recording
    needs = _needs(asked)
    found: dict[str, list[list[Answer]]] = {}

    plan = plan_of(asked)

    def use(layers: Sequence[str], gradual: Gradual) -> None:
        here, own, wanted = plan(layers)
        gradients, biases = gradual
        answers = list[list[Answer]]()
        for row in range(len(passed.targets)):
            known = passed.evidence(wanted, row, own, gradients, biases[row])
            answers.append([answer(ask, known, row, own) for ask in here])
        found.update(_of_each_layer(answers, here, layers))

    def answer(ask: MethodRequest, known: Evidence, row: int, layer: str) -> Answer:
        options = passed.settled(ask, layer, row)
        return finish(row, ask.method, _finite(ask.method, known, options, layer), known)

    none = [()] * len(passed.targets)
    if BACKWARD.isdisjoint(needs):
        for layers in _sharing(recording):
            use(layers, ({}, none))
    elif gradients is not None and "biases" not in needs:
        for layers in _sharing(recording):
            use(layers, (gradients, none))
    elif COLLECTED.isdisjoint(needs):
        recording.each_gradient(
            cotangents(recording.scores, passed.targets),
            lambda layers, own: use(layers, (dict.fromkeys(layers, own), none)),
        )
    else:
        pulled = passed.pulled(needs)
        for layers in _sharing(recording):
            use(layers, pulled)
    return found


def _of_each_layer(
    answers: list[list[Answer]], here: Sequence[MethodRequest], layers: Sequence[str]
) -> dict[str, list[list[Answer]]]:
    """Answers of layers that share one array, each layer with those that it was asked for."""
    if len(layers) == 1:
        return {layers[0]: answers}
    places = {
        name: [place for place, ask in enumerate(here) if name in ask.among] for name in layers
    }
    return {
        name: [[row[place] for place in own] for row in answers] for name, own in places.items()
    }


def plan_of(asked: Sequence[MethodRequest]) -> Plan:
    """From layers that share one array to the requests there, the layer that stands for all, and
    what the methods need; what is asked of each layer is gone through once.
    """
    by_layer: dict[str, list[MethodRequest]] = {}
    for ask in asked:
        for name in ask.layers:
            by_layer.setdefault(name, []).append(ask)
    needs = {id(own): _needs(own) for own in by_layer.values()}

    def here(layers: Sequence[str]) -> Here:
        own = next((name for name in layers if name in by_layer), layers[0])
        if len(layers) == 1:
            requests = by_layer.get(own, [])
            return requests, own, needs.get(id(requests), frozenset())
        requests = [ask for ask in asked if not ask.among.isdisjoint(layers)]
        return requests, own, _needs(requests)

    return here


def _needs(asked: Sequence[MethodRequest]) -> frozenset[str]:
    return frozenset[str]().union(*(ask.method.needs for ask in asked))


def _programmed(
    passed: ForwardPass,
    recording: ProgramRecording,
    asked: Sequence[MethodRequest],
    finish: Finish[Answer],
) -> dict[str, list[list[Answer]]] | None:
    """Answers from the maps of a program; None where it was asked for others."""
    keys = [(name, ask.method.name) for ask in asked for name in ask.layers]
    if not all(map(programmed, asked)):
        return None
    fused = recording.pulled(cotangents(recording.scores, passed.targets))
    if fused is None or not all(key in fused.maps for key in keys):
        return None
    rows = range(len(passed.targets))
    found: dict[str, list[list[Answer]]] = {}
    made: dict[tuple[int, str], list[Answer]] = {}  # layers of one output share array and answers
    for ask in asked:
        for layer in ask.layers:
            own = fused.maps[layer, ask.method.name]
            one = id(own), ask.method.name
            if one not in made:
                _check_finite(own, ask.method, layer)
                glimpses = [glimpse(passed, fused, layer, ask.method, row) for row in rows]
                made[one] = [
                    finish(row, ask.method, MethodResult(own[row]), glimpses[row]) for row in rows
                ]
            each = found.setdefault(layer, [[] for _ in rows])
            for row in rows:
                each[row].append(made[one][row])
    return found


def _sharing(recording: Recording) -> list[list[str]]:
    """Names of layers, those together that gave one and the same array."""
    found: dict[int, list[str]] = {}
    for name, activation in recording.activations.items():
        found.setdefault(id(activation), []).append(name)
    return list(found.values())


def _finite(
    method: Method, known: Evidence, options: Mapping[str, object], layer: str
) -> MethodResult:
    """Map of a method, checked: a formula of matrices fails on what is no number."""
    try:
        with np.errstate(invalid="ignore", over="ignore"):
            found = method.found(known, options)
    except np.linalg.LinAlgError as problem:
        said = _no_number(method, layer)
        raise NonFiniteScores(said, layer=layer, method=method.name) from problem
    _check_finite(found.map, method, layer)
    return found


def _check_finite(map_: np.ndarray, method: Method, layer: str) -> None:
    if not finite(map_):
        raise NonFiniteScores(_no_number(method, layer), layer=layer, method=method.name)


def _no_number(method: Method, layer: str) -> str:
    return (
        f"{method.name} came out as NaN or infinity at layer {layer!r}: a gradient or activation "
        "overflowed. Half precision does so easily; try the model in float32."
    )
