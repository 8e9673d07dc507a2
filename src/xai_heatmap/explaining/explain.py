"""The line from a picture to its explanation: preprocess, record, choose, pull back, apply the
formula.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

import xai_heatmap.methods  # noqa: F401 - registers every method
from xai_heatmap import networks
from xai_heatmap.core.arrays import Maps
from xai_heatmap.core.errors import (
    BadArray,
    BadOption,
    did_you_mean,
)
from xai_heatmap.core.geometry import stretched
from xai_heatmap.core.layers.selection import pyramid, select, several
from xai_heatmap.core.listed import class_names, listed
from xai_heatmap.core.memory import halved
from xai_heatmap.core.named import named
from xai_heatmap.core.network import INPUT, Layers, Survey
from xai_heatmap.core.registry import find_method
from xai_heatmap.core.targets.classes import plain
from xai_heatmap.explaining.explanation import Comparison
from xai_heatmap.explaining.inputs import array, taken
from xai_heatmap.explaining.leaving import of_those_reached
from xai_heatmap.explaining.levels import at_level, candidates, levels, one_level
from xai_heatmap.explaining.many import Explanations, is_many
from xai_heatmap.explaining.maps import Ask, Passed, mapped, with_biases
from xai_heatmap.explaining.preparing import Preparing, prepared_by
from xai_heatmap.explaining.question import opened_at, questions
from xai_heatmap.explaining.request import (
    OneTarget,
    answers_of,
    check,
    choice,
    for_each,
    method_name,
    options_by_method,
    whole,
    with_options,
)
from xai_heatmap.explaining.settling import over_picture
from xai_heatmap.explaining.spoken import spoken

Held = Mapping[str | int, Any] | None
"""What a model takes beside the picture, by the names of its inputs."""

ClassNames = Sequence[str] | Mapping[int, str] | Any
"""Names of the classes in output order: a list, an array, a column, a table from numbers to names;
None for those that the model knows."""

OneLayer = str | int | Any
"""A name, a glob, an index, or the module or Keras layer itself."""


@spoken
def explain(
    network: Any,
    x: Any = None,
    *,
    method: str | None = None,
    layer: OneLayer = "auto",
    target: OneTarget = None,
    preprocess: Preparing = None,
    white: int | float | None = None,
    labels: ClassNames = None,
    options: Mapping[str, object] | None = None,
    held: Held = None,
    picture: str | int | None = None,
    image: Any = None,
) -> Any:
    """Why the network gave a picture its score, as one map; of many pictures, an iterator of them.

    Parameters
    ----------
    network
        From `xai_heatmap.network`, or anything that it takes: a model, the path of one.
    x
        A picture: a path, a PIL image, or an array (H, W), (H, W, 1|3|4): uint8, uint16, or
        float in [0, 1]; for a network that takes other than 1 or 3 channels an array of so many
        bands, (c, H, W) or (H, W, c), of the network's own size.
        Or what the network eats, ready as it is: a float array or tensor of any framework
        in the network's own layout, (c, H, W) or (1, c, H, W). For a network that takes signals or
        volumes: an array of numbers, already preprocessed, in the network's own layout, such as
        (c, length) or (c, depth, height, width), or the path of a ``.npy`` file of it; without the
        axis of channels where there is one. Or many of these: a list, a generator, a folder, a
        data loader, a data set.
    method
        A name that ``xai-heatmap methods`` lists; None for the one that the model's file was
        exported with, else Grad-CAM.
    layer
        ``auto``, a name, an index among the layers with a grid, or the module or Keras layer
        itself: ``model.layer4[-1]``. ``input`` is the picture itself; methods that explain pixels
        take it for ``auto``.
    target
        None for the prediction, a class by number or name, or a choice such as ``contrast(3,
        against=5)``.
    preprocess
        How the model wants its pictures; asked for only where the model does not say: a preset's
        name, a `Preprocess`, or what the model came with: a transform of torchvision or timm, an
        image processor of transformers, a Keras ``preprocess_input``, any function of a PIL image
        or an array. Its geometry is measured. ``ready`` says of an array that it is the network's
        input. Signals and volumes are taken as they are, and so are floats of other bands than a
        photograph has.
    white
        Which value of the picture is white, where that is not the highest of its type: 4095 of 12
        bits in a file of 16.
    labels
        Names of the classes in output order: a list, an array, or a table ``{0: "cat"}``.
    options
        Of the method.
    held, picture
        What the model takes beside the picture, and which input that is, as for
        `xai_heatmap.network`: ``held={"metadata": array}``. It stays as it is while the picture is
        explained: what did it look at, given this?
    image
        The photograph that an input which is ready is drawn on; or a pair of it and the `Geometry`
        of the input, where that is not the whole photograph.

    Returns
    -------
    `Explanation`; of many pictures `Explanations`, an iterator of them in order, each what that
    picture gets alone. A picture that can't be explained raises at its place, and the next follows.

    Raises
    ------
    XaiHeatmapError
        One of its kinds, before the first forward pass wherever that is possible.
    """
    opened = networks.network(network, held=held, picture=picture)
    layer, labels = named(opened, layer), class_names(labels)
    if is_many(x):
        if image is not None:
            raise BadOption(
                "image= is the photograph of one input; several were given. Explain them one by "
                "one: [xai_heatmap.explain(network, x, image=photo) for x, photo in pairs]."
            )
        one = partial(
            explain,
            opened,
            method=method,
            layer=layer,
            target=target,
            preprocess=prepared_by(preprocess, opened),
            labels=labels,
            options=options,
        )
        return Explanations(x, one)
    if several(layer):
        raise BadOption(
            f"explain() makes one map; layer={layer!r} means several. compare(..., "
            f"layers={layer!r}) makes them."
        )
    name = method_name(method, opened)
    compared = compare(
        opened,
        x,
        methods=[name],
        layers=layer,
        targets=[target],
        preprocess=preprocess,
        white=white,
        labels=labels,
        options={name: {} if options is None else options},
        image=image,
    )
    return compared[0]


@spoken
def compare(
    network: Any,
    x: Any = None,
    *,
    methods: Sequence[str] | None = None,
    layers: Layers | OneLayer = "auto",
    targets: Sequence[OneTarget] = (None,),
    preprocess: Preparing = None,
    white: int | float | None = None,
    labels: ClassNames = None,
    options: Mapping[str, Mapping[str, object]] | None = None,
    held: Held = None,
    picture: str | int | None = None,
    image: Any = None,
) -> Comparison:
    """Several methods, layers and targets for one picture: one forward pass, one backward pass a
    target.

    Parameters are those of `explain`; `methods` None means the one that the model's file was
    exported with, else Grad-CAM. `layers` also takes ``all``, a glob or several of each, and
    `options` holds those of each method by its name. Explanations come ordered by target, then
    layer, then method.
    """
    x, image = (image, None) if x is None else (x, image)
    if is_many(x):
        raise BadOption(
            "compare() takes one picture; several were given. Compare them one by one: "
            "[xai_heatmap.compare(network, picture) for picture in pictures]; explain() takes many."
        )
    opened = networks.network(network, held=held, picture=picture)
    labels, layers = class_names(labels), named(opened, layers)
    asked_for = None if methods is None else listed(methods, name="methods")
    methods = [find_method(one).name for one in asked_for or [method_name(None, opened)]]
    targets = [choice(one) for one in listed(plain(targets), name="targets")]
    options = options_by_method(options)
    for name in options:
        if name not in methods:
            raise BadOption(
                f"Options were given for {name!r}, which is not among the methods: "
                f"{', '.join(methods)}.{did_you_mean(name, methods)}"
            )
    chosen = [with_options(name, options.get(name, {}), opened) for name in methods]
    given = taken(x, preprocess, opened, over=image, white=white)
    opened.check_held(1)
    survey = opened.survey(given.x.shape)
    wanted = [
        Ask(
            m,
            over_picture(
                m, own, given.geometry, lambda x: taken(x, preprocess, opened, white=white).x
            ),
            select(survey, layers, auto=m.auto),
        )
        for m, own in chosen
    ]
    among = candidates(survey, layers, wanted)

    def made(asked: Sequence[Ask]) -> Comparison:
        names = [name for name in survey.layers if any(name in ask.layers for ask in asked)]
        at, biases = opened_at(asked, survey, among), with_biases(asked, names)
        own = questions(opened, given, targets, at=at, labels=labels, biases=biases)
        found = [one.explanations(asked, reasons=layers == "auto", among=among) for one in own]
        return Comparison(tuple(each for one in found for each in one))

    return of_those_reached(made, wanted, layers)


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
    opened = networks.network(network, held=held, picture=picture)
    chosen = with_options(method_name(method, opened), options, opened)
    labels, layer = class_names(labels), named(opened, layer)
    native = array(x)
    if native.ndim < 2 or native.dtype != np.float32:
        raise BadArray(
            f"maps() takes preprocessed float32 images (n, ...); received {native.dtype} of shape "
            f"{native.shape}. "
            "explain() takes pictures."
        )
    inputs = opened.channels_first(native)
    opened.check_held(len(inputs))
    survey = opened.survey(inputs.shape[1:])
    asked = [Ask(*chosen, select(survey, layer, auto=chosen[0].auto))]
    joined = partial(pyramid, survey)
    wanted = for_each(target, len(inputs))
    if inputs.ndim == 4:
        check(
            wanted,
            stretched(inputs.shape[2:], inputs.shape[2:]),
            labels or opened.declared.labels or (),
        )
    among = candidates(survey, layer, asked)

    def mapped_at(asked: Sequence[Ask]) -> dict[str, Maps]:
        found_at, biases = list[str](), with_biases(asked, asked[0].layers)

        def some(rows: Sequence[int]) -> dict[str, Maps]:
            x = inputs[rows[0] : rows[-1] + 1] if rows else inputs
            own = opened.of(rows) if rows else opened
            recording = own.record(x, opened_at(asked, survey, among), biases=biases)
            answered = answers_of(recording, opened, labels, whole(x.shape[2:], recording.form))
            targets = [wanted[row](answer) for row, answer in zip(rows, answered, strict=True)]
            here = asked
            if among and rows:
                found_at.extend(levels(recording, targets, survey, among))
                here = at_level(asked, one_level(found_at))
            which = (rows, len(inputs)) if rows else None
            passed = Passed(recording, x, targets, own, joined, among=which)
            found = mapped(passed, here, lambda _, __, answer, ___: answer.map)
            at = zip(asked[0].layers, here[0].layers, strict=True)
            return {name: np.array([row[0] for row in found[level]]) for name, level in at}

        portions = halved(some, range(len(inputs)))
        return {name: np.concatenate([one[name] for one in portions]) for name in asked[0].layers}

    stacked = of_those_reached(mapped_at, asked, layer)
    return stacked if several(layer) else next(iter(stacked.values()))


__all__ = ["INPUT", "Survey", "compare", "explain", "maps"]
