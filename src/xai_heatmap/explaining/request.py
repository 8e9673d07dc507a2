"""From arguments of a call to methods, options and targets."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from xai_heatmap import networks
from xai_heatmap.core.boxes.chosen import of_classes
from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadOption, NoRule, UnknownTarget, did_you_mean
from xai_heatmap.core.geometry import Geometry
from xai_heatmap.core.listed import listed
from xai_heatmap.core.network import Network, Survey
from xai_heatmap.core.registry import METHODS, Method, find_method
from xai_heatmap.core.targets.answer import Answer, Answering, Form, Kind, Meaning, Seen
from xai_heatmap.core.targets.category import category, top
from xai_heatmap.core.targets.classes import plain
from xai_heatmap.core.targets.place import of_tuple
from xai_heatmap.core.targets.target import Choice, Choices, Target
from xai_heatmap.core.targets.text import Texts
from xai_heatmap.core.targets.weighted import rows_of_weights, weighted

PASSES, MANY = ("samples", "steps"), 20_000
"""Options that count passes through a network, and how many are announced before they begin."""

OneTarget = Choice | int | str | Any | None
"""A choice, a class by number or name, what an argmax answers, (class, row, column) where places
are scored, a row of weights such as a one-hot, or None for the prediction."""

SeveralTargets = Sequence[OneTarget] | Choices
"""Targets one by one, or a choice of as many as are found in the picture."""

Held = Mapping[str | int, Any] | Texts | None
"""Values that a model takes beside the picture, by the names of its inputs, or texts."""

ClassNames = Sequence[str] | Mapping[int, str] | Any
"""Names of the classes in output order: a list, an array, a column, a table from numbers to names;
None for those that the model knows."""

OneLayer = str | int | Any
"""A name, a glob, an index, or the module or Keras layer itself."""

DEFAULT_METHOD = "gradcam"
"""Method where neither the user nor the model says one."""

METHOD_OF_BOXES = "layercam_product"
"""The same of a detector: what measures best on planted detectors (`python -m
benchmarks.detectors`)."""

NOTHING = "nothing"
"""The name of a detector's class for boxes with nothing in them."""


def for_each(wanted: OneTarget | Sequence[OneTarget], images: int) -> list[Choice]:
    """A choice for each image; one that is said alone is that of all. A tuple of as many as there
    are images is one for each, any other is (class, row, column) for all.

    Raises
    ------
    UnknownTarget
        For another number of them, and for what is no class.
    """
    said: Any = plain(wanted)
    if (rows := rows_of_weights(said)) is not None and len(rows) == images:
        said = rows
    if isinstance(said, tuple) and len(said) != images:
        return [choice(said)] * images
    if isinstance(said, str) or not isinstance(said, Sequence):
        return [choice(said)] * images
    if len(said) != images:
        raise UnknownTarget(
            "One target for all images or one for each was expected; received "
            f"{len(said)} for {counted(images, 'image')}."
        )
    return [choice(one) for one in said]


def opened_for(
    network: Any, wanted: Sequence[OneTarget | Choices], *, held: Held, picture: str | int | None
) -> tuple[Network, list[OneTarget | Choices]]:
    """The network, opened with the texts that targets are about where any are, and the targets as
    choices among these.

    Raises
    ------
    UnknownTarget
        For targets about different texts, which would be answers of different networks.
    """
    said = [one for one in wanted if isinstance(one, Texts)]
    if not said:
        return networks.network(network, held=held, picture=picture), list(wanted)
    if held is not None or any(one.texts != said[0].texts for one in said):
        raise UnknownTarget(
            "One list of texts is held against a picture, and each target says which of them: "
            'xai_heatmap.text(["a red car", "a bus"], "a bus"). Give the same list to all, and '
            "nothing else to hold."
        )
    chosen = [one.which if isinstance(one, Texts) else one for one in wanted]
    return networks.network(network, held=said[0], picture=picture), chosen


def answers_of(
    recording: Answering, network: Network, labels: Sequence[str] | None, seen: Seen | None
) -> list[Answer]:
    """Answers of the network, one for each image, as choices look at them."""
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
    rows = of_classes(
        recording.scores, recording.form, len(labels or network.declared.labels or ())
    )
    answers = [Answer(row, (), recording.form, kind, meaning, seen) for row in rows]
    names = _class_names(labels, network, answers[0]) if answers else ()
    return [replace(answer, labels=names) for answer in answers]


def seen_in(geometry: Geometry, form: Form) -> Seen | None:
    """Part of the picture that the places of a map of scores lie over, in pixels of the picture."""
    if len(form.grid) != 2 and form.boxes is None:
        return None
    return input_in(geometry)


def input_in(geometry: Geometry) -> Seen:
    """The network's input, in pixels of the picture that it was cut from."""
    left, top_, right, bottom = geometry.box
    return Seen(geometry.image_size, ((top_, bottom), (left, right)))


def whole(image: Sequence[int], form: Form) -> Seen | None:
    """Whole input of the network where places of a map of scores lie over it, else None."""
    return None if len(form.grid) != len(image) and form.boxes is None else all_of(image)


def all_of(image: Sequence[int]) -> Seen:
    """Whole input as `Seen`, in pixels of the input."""
    return Seen(tuple(image), tuple((0.0, float(length)) for length in image))


def check(targets: Sequence[OneTarget], geometry: Geometry, labels: Sequence[str]) -> None:
    """Check of the targets against geometry and labels, before the network runs."""
    for wanted in targets:
        if isinstance(wanted, Choice | Choices) and wanted.check is not None:
            if geometry.matrix is not None:
                raise BadOption(
                    "The preprocessing flips or turns the picture, and a target names places of "
                    "it. Leave the flip out of the preprocessing, or hand over the input that is "
                    "ready and name the places there."
                )
            wanted.check(input_in(geometry), labels)


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
            "One name a class is needed, in the order of the outputs (a background class counts "
            f"too): {counted(classes, 'class')}; received {counted(len(labels), 'name')}."
        )
    declared = answer.form.names or network.declared.labels or ()
    return tuple(labels or (declared if len(declared) == classes else ()))


def choice(wanted: OneTarget) -> Choice:
    """Choice for a wanted target: the prediction, or the class that was named.

    Raises
    ------
    UnknownTarget
        For what is no class, before the network runs.
    """
    if isinstance(wanted, Choices):
        raise UnknownTarget(
            f"{wanted.label} means as many targets as are found, and one was expected here. "
            f"xai_heatmap.compare(..., targets=xai_heatmap.{wanted.label}) explains them all."
        )
    if wanted is None:
        return top(1)
    if isinstance(wanted, tuple):
        return of_tuple(wanted)
    if rows_of_weights(wanted) is not None:
        return weighted(wanted)
    return wanted if isinstance(wanted, Choice) else category(wanted)


def wishes(wanted: SeveralTargets) -> list[OneTarget | Choices]:
    """What was wanted as a list, target by target; of a choice of several that choice alone."""
    return [wanted] if isinstance(wanted, Choices) else listed(plain(wanted), name="targets")


def choices(wanted: SeveralTargets | Sequence[OneTarget | Choices]) -> list[Choice | Choices]:
    """A choice for each target that was wanted; of a choice of several that choice."""
    return [one if isinstance(one, Choices) else choice(one) for one in wishes(wanted)]


def targets_in(wanted: OneTarget | Choices, answer: Answer) -> Sequence[Target]:
    """The targets that are meant by one word, in what the network answered."""
    return wanted.pick(answer) if isinstance(wanted, Choices) else [choice(wanted)(answer)]


def method_name(wanted: str | None, network: Network, survey: Survey) -> str:
    """The method asked for, else the one that the model was exported with, else the usual one."""
    return usual_method(network, survey) if wanted is None else find_method(wanted).name


def usual_method(network: Network, survey: Survey) -> str:
    """Method where nobody says one: the model's own, or what measures best on such networks."""
    detects = network.declared.answers == "boxes" or survey.queries is not None
    return network.declared.method or (METHOD_OF_BOXES if detects else DEFAULT_METHOD)


def options_by_method(given: object) -> Mapping[str, Mapping[str, object]]:
    """The options of several methods; None is for none.

    Raises
    ------
    BadOption
        For what is no mapping.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise BadOption(
            f"Options of several methods come by their names; received {type(given).__name__}. "
            'Write options={"gradcam": {"relu": False}}.'
        )
    return cast("Mapping[str, Mapping[str, object]]", given)


def check_options(options: Mapping[str, object], methods: Sequence[str]) -> None:
    """Check that options are of methods that are asked for.

    Raises
    ------
    BadOption
        For those of another.
    """
    for name in options:
        if name not in methods:
            raise BadOption(
                f"Options were given for {name!r}, which is not among the methods: "
                f"{', '.join(methods)}.{did_you_mean(name, methods)}"
            )


def with_options(
    name: str, options: Mapping[str, object] | None, network: Network
) -> tuple[Method, Mapping[str, object]]:
    """A method with its options, both checked.

    Raises
    ------
    NoRule
        For a method of gradients on a network that has none.

    Warns
    -----
    UserWarning
        If an option asks for more than `MANY` passes.
    """
    method = find_method(name)
    if method.differentiates and not network.differentiable:
        others = [m.name for m in METHODS.values() if not m.differentiates]
        raise NoRule(
            f"{name} needs gradients, and {network.name} has none. Methods that work without: "
            f"{', '.join(others)}."
        )
    read = method.checked({} if options is None else options)
    _announce(method, read)
    return method, read


def _announce(method: Method, options: Mapping[str, object]) -> None:
    """Say before they begin that a map is asked to take very many passes."""
    for name in PASSES:
        number, option = options.get(name), method.taken.get(name)
        if option is None or not isinstance(number, int) or number <= MANY:
            continue
        warnings.warn(
            f"{method.name} with {name}={number} takes at least {number:,} passes through the "
            f"network for each map (the default is {option.default}). Interrupting it "
            "loses the map that is at work; what is saved stays.",
            stacklevel=3,
        )
