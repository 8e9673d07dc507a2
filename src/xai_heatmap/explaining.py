"""The line from a picture to its explanation: preprocess, record, choose, pull back, apply the
formula.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import xai_heatmap.methods  # noqa: F401 - registers every method
from xai_heatmap import backends
from xai_heatmap.backends.inputs import check_input
from xai_heatmap.core.answer import Answer, Form, Kind, Meaning, Seen
from xai_heatmap.core.arrays import Gradient, Image, Input, Map, Maps
from xai_heatmap.core.errors import (
    BadArray,
    BadOption,
    NoRule,
    UnknownPreprocess,
    UnknownTarget,
    did_you_mean,
)
from xai_heatmap.core.evidence import Evidence
from xai_heatmap.core.geometry import Geometry
from xai_heatmap.core.listed import listed
from xai_heatmap.core.memory import halved
from xai_heatmap.core.network import INPUT, Layers, Network, Recording, Survey
from xai_heatmap.core.prediction import predictions
from xai_heatmap.core.registry import METHODS, Found, Method, find_method
from xai_heatmap.core.selection import pyramid, select, several
from xai_heatmap.core.target import Choice, Target, category, top
from xai_heatmap.core.verdict import Verdict, verdict
from xai_heatmap.explanation import Comparison, Explanation
from xai_heatmap.mapping import Ask, Finish, Joined, Passed, mapped, with_biases
from xai_heatmap.preprocess import PRESETS, Preprocess
from xai_heatmap.render.arrays import plain
from xai_heatmap.sources.array import KINDS, as_input, is_stored, kind_of, stored
from xai_heatmap.sources.image import read

OneTarget = Choice | int | str | None
"""A choice, a class by number or name, or None for the prediction."""

Held = Mapping[str | int, Any] | None
"""What a model takes beside the picture, by the names of its inputs."""

DEFAULT_METHOD = "gradcam"
"""Where neither the user nor the model says one."""

PIXELS = "the method explains the picture itself"
"""Why ``auto`` is the picture."""

FINEST = "the finest of the layers that the method joins, up to the one the network suggests"
"""Why ``auto`` is an early layer."""

NOTHING = "nothing"
"""The name of a detector's class for boxes with nothing in them."""

Preparing = (
    str | Preprocess | Mapping[str, object] | Callable[[Image], tuple[Input, Geometry]] | None
)
"""A preset's name, a preprocessing, its options, a function of one's own, or None: what the model
says of itself."""


def explain(
    network: Any,
    image: Any,
    *,
    method: str | None = None,
    layer: str | int = "auto",
    target: OneTarget = None,
    preprocess: Preparing = None,
    labels: Sequence[str] | None = None,
    options: Mapping[str, object] | None = None,
    held: Held = None,
    picture: str | int | None = None,
) -> Explanation:
    """Why the network gave a picture its score, as one map.

    Parameters
    ----------
    network
        From `xai_heatmap.network`, or anything that it takes: a model, the path of one.
    image
        Path, PIL image, or an array (H, W), (H, W, 1|3|4): uint8, or float in [0, 1]. For a network
        that takes signals or volumes: an array of numbers, already preprocessed, in the network's
        own layout, such as (c, length) or (c, depth, height, width), or the path of a ``.npy`` file
        of it; without the axis of channels where there is one.
    method
        A name that ``xai-heatmap methods`` lists; None for the one that the model's file was
        exported with, else Grad-CAM.
    layer
        ``auto``, a name, or an index among the layers with a grid. ``input`` is the picture itself;
        methods that explain pixels take it for ``auto``.
    target
        None for the prediction, a class by number or name, or a choice such as ``contrast(3,
        against=5)``.
    preprocess
        How the model wants its pictures; asked for only where the model does not say. Signals and
        volumes are taken as they are.
    labels
        Names of the classes in output order.
    options
        Of the method.
    held, picture
        What the model takes beside the picture, and which input that is, as for
        `xai_heatmap.network`: ``held={"metadata": array}``. It stays as it is while the picture is
        explained: what did it look at, given this?

    Raises
    ------
    XaiHeatmapError
        One of its kinds, before the first forward pass wherever that is possible.
    """
    if several(layer):
        raise BadOption(
            f"explain() makes one map; layer={layer!r} means several. compare(..., "
            f"layers={layer!r}) makes them."
        )
    opened = backends.network(network, held=held, picture=picture)
    name = _method_name(method, opened)
    compared = compare(
        opened,
        image,
        methods=[name],
        layers=layer,
        targets=[target],
        preprocess=preprocess,
        labels=labels,
        options={name: options or {}},
    )
    return compared[0]


def compare(
    network: Any,
    image: Any,
    *,
    methods: Sequence[str] | None = None,
    layers: Layers = "auto",
    targets: Sequence[OneTarget] = (None,),
    preprocess: Preparing = None,
    labels: Sequence[str] | None = None,
    options: Mapping[str, Mapping[str, object]] | None = None,
    held: Held = None,
    picture: str | int | None = None,
) -> Comparison:
    """Several methods, layers and targets for one picture: one forward pass, one backward pass a
    target.

    Parameters are those of `explain`; `methods` None means the one that the model's file was
    exported with, else Grad-CAM. `layers` also takes ``all``, a glob or several of each, and
    `options` holds those of each method by its name. Explanations come ordered by target, then
    layer, then method.
    """
    opened = backends.network(network, held=held, picture=picture)
    methods = [_method_name(None, opened)] if methods is None else listed(methods, name="methods")
    targets, options = listed(targets, name="targets"), options or {}
    for name in options:
        if name not in methods:
            raise BadOption(
                f"Options were given for {name!r}, which is not among the methods: "
                f"{', '.join(methods)}.{did_you_mean(name, methods)}"
            )
    chosen = [_with_options(name, options.get(name, {}), opened) for name in methods]
    taken = _taken(image, preprocess, opened)
    inputs = np.ascontiguousarray(taken.x[None], dtype=np.float32)
    opened.check_held(len(inputs))
    survey = opened.survey(inputs.shape[1:])
    asked = [Ask(m, own, select(survey, layers, auto=m.auto)) for m, own in chosen]
    names = [name for name in survey.layers if any(name in ask.layers for ask in asked)]
    joined = partial(pyramid, survey)
    if taken.geometry is not None:
        _check(targets, _input_in(taken.geometry), labels or opened.declared.labels or ())
    recording = opened.record(inputs, _opened(asked, joined), biases=with_biases(asked, names))
    seen = (
        _seen(taken.geometry, recording.form)
        if taken.geometry is not None
        else _whole(inputs.shape[2:], recording.form)
    )
    (answer,) = _answers(recording, opened, labels, seen)
    likely = predictions(
        recording.scores[0],
        meaning=recording.meaning,
        closing="sigmoid" if answer.kind == "labels" else opened.closing,
        labels=answer.labels,
        form=recording.form,
        kind=answer.kind,
        seen=answer.seen,
    )

    def explained(target: Target, layer: str, judged: _Judged) -> Explanation:
        return Explanation(
            map=judged.map,
            image=taken.image,
            name=taken.name,
            geometry=taken.geometry,
            method=judged.method.name,
            options=judged.options,
            signed=_signed(judged),
            layer=survey.layers[layer],
            layer_reason=_reason(judged.method, survey) if layers == "auto" else "",
            target=target.label,
            index=target.index,
            detection=target.detection,
            score=judged.score,
            predictions=likely,
            verdict=judged.verdict,
            network=opened.name,
            preprocess=taken.prepared,
            meaning=answer.meaning,
            form=answer.form,
            array=taken.array,
        )

    made = []
    for target in [_choice(wanted)(answer) for wanted in targets]:  # all, before any method runs
        passed = Passed(recording, inputs, [target], opened, joined)
        found = mapped(passed, asked, _judging(recording, [target], chosen))
        made += [explained(target, name, judged) for name in names for judged in found[name][0]]
    return Comparison(tuple(made))


def maps(
    network: Any,
    x: Any,
    *,
    method: str | None = None,
    layer: Layers = "auto",
    target: OneTarget | Sequence[OneTarget] = None,
    labels: Sequence[str] | None = None,
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
        float32 (n, ...) in the network's own layout: (n, c, H, W) or (n, H, W, c); signals have one
        axis in place of H and W, volumes three.
    layer
        As for `explain`, or several: ``all``, a glob, a list.
    target
        One for all images, or a list with one for each.
    held, picture
        As for `explain`; what is held may have one row for all images, or one for each.

    Returns
    -------
    float32 (n, *grid); a dict of them by layer name where `layer` names several.
    """
    opened = backends.network(network, held=held, picture=picture)
    chosen = _with_options(_method_name(method, opened), options or {}, opened)
    native = _array(x)
    if native.ndim < 3 or native.dtype != np.float32:
        raise BadArray(
            f"maps() takes preprocessed float32 images (n, ...); received {native.dtype} of shape "
            f"{native.shape}. "
            "explain() takes pictures."
        )
    inputs = np.moveaxis(native, -1, 1) if opened.channels_last else native
    opened.check_held(len(inputs))
    survey = opened.survey(inputs.shape[1:])
    names = select(survey, layer, auto=chosen[0].auto)
    asked = [Ask(*chosen, names)]
    joined, biases = partial(pyramid, survey), with_biases(asked, names)
    wanted = _for_each(target, len(inputs))
    if inputs.ndim == 4:
        _check(wanted, _all_of(inputs.shape[2:]), labels or opened.declared.labels or ())

    def some(rows: Sequence[int]) -> dict[str, Maps]:
        x = inputs[rows[0] : rows[-1] + 1] if rows else inputs
        own = opened.of(rows) if rows else opened
        recording = own.record(x, _opened(asked, joined), biases=biases)
        answered = _answers(recording, opened, labels, _whole(x.shape[2:], recording.form))
        targets = [_choice(wanted[row])(answer) for row, answer in zip(rows, answered, strict=True)]
        passed = Passed(recording, x, targets, own, joined)
        found = mapped(passed, asked, lambda _, __, answer, ___: answer.map)
        return {name: np.array([row[0] for row in found[name]]) for name in names}

    portions = halved(some, range(len(inputs)))
    stacked = {name: np.concatenate([portion[name] for portion in portions]) for name in names}
    return stacked if several(layer) else stacked[names[0]]


@dataclass(frozen=True)
class _Taken:
    """What is explained, as a person sees it and as the network takes it.

    Parameters
    ----------
    image, name
        The picture, or a drawing of what is none, and what it is called.
    x
        What the network takes, channels first.
    geometry
        Which part of the picture that is; None for what is no picture.
    prepared
        How the picture was prepared.
    array
        The signal or the volume; None for a picture.
    """

    image: Image
    name: str
    x: Input
    geometry: Geometry | None = None
    prepared: Mapping[str, object] = field(default_factory=dict[str, object])
    array: Input | None = None


def _taken(image: Any, preprocess: Preparing, network: Network) -> _Taken:
    """A picture prepared as the model wants it, or a signal or a volume as it is."""
    given = stored(image) if is_stored(image) else image
    name = Path(image).name if is_stored(image) else ""
    axes = network.declared.rank
    kind = kind_of(given, axes=axes) if isinstance(given, np.ndarray) else None
    if kind is None:
        if axes in KINDS:
            raise BadArray(
                f"{network.name} takes a {KINDS[axes]}: a numpy array of numbers, already "
                f"preprocessed, or the path of a .npy file; received {_said(image)}. If it takes "
                "pictures after all, say so: xai_heatmap.network(model, image_shape=(c, H, W))."
            )
        prepare = _preparation(preprocess, network)
        frame = read(given)
        x, geometry = prepare(frame.image)
        prepared = prepare.to_dict() if isinstance(prepare, Preprocess) else {}
        return _Taken(frame.image, name or frame.name, x, geometry, prepared)
    if preprocess is not None:
        raise BadOption(
            f"A {KINDS[kind]} is taken as it is, so preprocess={preprocess!r} has nothing to do. "
            "Leave it out, and give what the network was trained on."
        )
    shape = network.declared.input_shape
    x = as_input(
        given,
        axes=kind,
        channels=shape[0] if shape else None,
        channels_last=network.channels_last,
    )
    check_input(x[None])
    return _Taken(plain(x), name or KINDS[kind], x, array=x)


def _said(image: Any) -> str:
    """What was given, in a few words."""
    if isinstance(image, str | os.PathLike):
        return repr(os.fspath(image))
    return type(image).__name__


def _opened(asked: Sequence[Ask], joined: Joined) -> list[str]:
    """Every layer that is looked at, once."""
    names = [name for ask in asked for name in ask.layers]
    wanted = [ask for ask in asked if "pyramid" in ask.method.needs]
    return list(
        dict.fromkeys([*names, *(n for a in wanted for own in a.layers for n in joined(own))])
    )


def _array(x: Any) -> np.ndarray:
    try:
        return np.asarray(x)
    except (TypeError, ValueError, RuntimeError) as problem:
        raise BadArray(
            f"maps() takes what numpy can read; this {type(x).__name__} it can't: {problem}. "
            "A torch tensor becomes an array by `x.detach().cpu().numpy()`."
        ) from problem


@dataclass(frozen=True)
class _Judged:
    """A map with what it is worth."""

    method: Method
    options: Mapping[str, object]
    map: Map
    score: float
    verdict: Verdict


def _signed(judged: _Judged) -> bool:
    """Whether negative values are evidence against, by the method or by its options."""
    options = judged.options
    return judged.method.signed or options.get("relu") is False or options.get("signed") is True


def _judging(
    recording: Recording,
    targets: Sequence[Target],
    chosen: Sequence[tuple[Method, Mapping[str, object]]],
) -> Finish[_Judged]:
    """What becomes of a map that a person will look at."""
    options = {method.name: dict(own) for method, own in chosen}

    def judged(row: int, method: Method, found: Found, known: Evidence) -> _Judged:
        score = float(targets[row].value(recording.scores[row : row + 1])[0])
        closed = recording.meaning == "probabilities" and targets[row].index is not None
        worth = verdict(
            found.map,
            gradient=_slope(method, known),
            activation=known.activation if "activation" in method.needs else None,
            score=score,
            probability=targets[row].bounded or closed,
            directed=method.directed,
        )
        worth = replace(worth, figures=dict(found.figures))
        return _Judged(method, options[method.name], found.map, score, worth)

    return judged


def _slope(method: Method, known: Evidence) -> Gradient | None:
    """The gradient that a map was made from, if it was."""
    if "gradient" in method.needs:
        return known.gradient
    return known.balanced if "balanced" in method.needs else None


def _reason(method: Method, survey: Survey) -> str:
    """Why ``auto`` is the layer that it is."""
    return {"input": PIXELS, "finest": FINEST}.get(method.auto, survey.reason)


def _for_each(wanted: OneTarget | Sequence[OneTarget], images: int) -> list[OneTarget]:
    """One for each image."""
    if wanted is None or isinstance(wanted, Choice | int | str | np.integer):
        return [wanted] * images
    if len(wanted) != images:
        raise UnknownTarget(
            f"One target for all images or one for each was expected; received {len(wanted)} for "
            f"{images} images."
        )
    return list(wanted)


def _answers(
    recording: Recording, network: Network, labels: Sequence[str] | None, seen: Seen | None
) -> list[Answer]:
    """What the network said of each image, as choices look at it."""
    kind: Kind = network.declared.answers or (
        "labels" if network.closing == "sigmoid" else "classes"
    )
    if kind == "labels" and network.closing == "softmax":
        raise BadOption(
            f"answers='labels' says that several may hold of a picture, and {network.name} closes "
            "in a softmax, which leaves them one probability to share. Say answers='classes'."
        )
    kind = "boxes" if recording.form.boxes is not None else kind
    meaning: Meaning = "values" if kind == "values" else recording.meaning
    answers = [Answer(row, (), recording.form, kind, meaning, seen) for row in recording.scores]
    names = _class_names(labels, network, answers[0]) if answers else ()
    return [replace(answer, labels=names) for answer in answers]


def _seen(geometry: Geometry, form: Form) -> Seen | None:
    """What the places of a map of scores lie over, in pixels of the picture."""
    if len(form.grid) != 2 and form.boxes is None:
        return None
    return _input_in(geometry)


def _input_in(geometry: Geometry) -> Seen:
    left, top_, right, bottom = geometry.box
    return Seen(geometry.image_size, ((top_, bottom), (left, right)))


def _whole(image: Sequence[int], form: Form) -> Seen | None:
    """The same in pixels of the network's own input."""
    if len(form.grid) != len(image) and form.boxes is None:
        return None
    return _all_of(image)


def _all_of(image: Sequence[int]) -> Seen:
    return Seen(tuple(image), tuple((0.0, float(length)) for length in image))


def _check(targets: Sequence[OneTarget], seen: Seen, labels: Sequence[str]) -> None:
    """What can be found wrong with targets before the network runs."""
    for wanted in targets:
        if isinstance(wanted, Choice) and wanted.check is not None:
            wanted.check(seen, labels)


def _class_names(labels: Sequence[str] | None, network: Network, answer: Answer) -> tuple[str, ...]:
    """One name a class: as given, else as the model declares them, else none.

    A list that is one name too long would call every class by its neighbour's name. The class of
    a detector that means "nothing here" may go unnamed.
    """
    classes, background = answer.classes, answer.form.boxes and answer.form.boxes.background
    if background is not None and len(labels or network.declared.labels or ()) == classes - 1:
        names = list(labels or network.declared.labels or ())
        return (*names[:background], NOTHING, *names[background:])
    if labels and len(listed(labels, name="labels")) != classes:
        raise BadOption(
            f"The network tells {classes} classes apart; {len(labels)} names were given. Give one "
            "name a class, in the order of the outputs (a background class counts too)."
        )
    declared = network.declared.labels or ()
    return tuple(labels or (declared if len(declared) == classes else ()))


def _choice(wanted: OneTarget) -> Choice:
    if wanted is None:
        return top(1)
    return wanted if isinstance(wanted, Choice) else category(wanted)


def _method_name(wanted: str | None, network: Network) -> str:
    return wanted if wanted is not None else network.declared.method or DEFAULT_METHOD


def _with_options(
    name: str, options: Mapping[str, object], network: Network
) -> tuple[Method, Mapping[str, object]]:
    method = find_method(name)
    if method.differentiates and not network.differentiable:
        others = [m.name for m in METHODS.values() if not m.differentiates]
        raise NoRule(
            f"{name} needs gradients, and {network.name} has none. Methods that work without: "
            f"{', '.join(others)}."
        )
    return method, method.checked(options)


def _preparation(wanted: Preparing, network: Network) -> Callable[[Image], tuple[Input, Geometry]]:
    said = network.declared.preprocess if wanted is None else wanted
    if said is None:
        raise UnknownPreprocess(
            f"How {network.name} wants its pictures is not known, and a wrong guess would change "
            f"the map. "
            f"Say preprocess=... (on the command line: --preprocess): {', '.join(PRESETS)}, "
            "or a Preprocess with mean and std."
        )
    if isinstance(said, Preprocess):
        return said
    if callable(said):
        return partial(_prepared, said)
    if not isinstance(said, str | Mapping):
        raise BadOption(
            f"preprocess is a preset's name ({', '.join(PRESETS)}), a Preprocess, its options, or "
            f"a function; received {said!r}."
        )
    shape = network.declared.input_shape or (3, 224, 224)
    size = {"input_size": list(shape[1:]), "channels": shape[0]}
    return Preprocess.from_dict(size | ({"mode": said} if isinstance(said, str) else dict(said)))


def _prepared(
    own: Callable[[Image], tuple[Input, Geometry]], image: Image
) -> tuple[Input, Geometry]:
    """What a function of the user's own makes of a picture."""
    answer = own(image)
    if (
        not isinstance(answer, tuple)
        or len(answer) != 2
        or not isinstance(answer[0], np.ndarray)
        or not isinstance(answer[1], Geometry)
    ):
        raise BadOption(
            "A preprocessing function answers two things, the input as an array (c, H, W) and the "
            f"xai_heatmap.Geometry that leads back; this one answered a {type(answer).__name__}."
        )
    return answer


__all__ = ["INPUT", "Survey", "compare", "explain", "maps"]
