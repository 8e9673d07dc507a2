"""The line from a picture to its explanation: preprocess, record, choose, pull back, apply the
formula.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

import xai_heatmap.methods  # noqa: F401 - registers every method
from xai_heatmap.core.backward import GRADIENT
from xai_heatmap.core.errors import BadOption
from xai_heatmap.core.layers.selection import select, several
from xai_heatmap.core.listed import class_names, listed
from xai_heatmap.core.named import named
from xai_heatmap.core.network import Layers, Network, Survey
from xai_heatmap.core.registry import find_method
from xai_heatmap.core.targets.target import Choices
from xai_heatmap.core.tested import USUAL, check_passes
from xai_heatmap.explaining.comparison import Comparison
from xai_heatmap.explaining.forward_pass import MethodRequest
from xai_heatmap.explaining.guarding import testing_of
from xai_heatmap.explaining.inputs import prepare
from xai_heatmap.explaining.leaving import of_those_reached
from xai_heatmap.explaining.levels import candidates
from xai_heatmap.explaining.many import Explanations, check_given, is_many
from xai_heatmap.explaining.maps import recording_rule
from xai_heatmap.explaining.opening import heads_of, opened_at
from xai_heatmap.explaining.prepared_input import PreparedInput
from xai_heatmap.explaining.preparing import Preparing, prepared_by
from xai_heatmap.explaining.question import questions
from xai_heatmap.explaining.request import (
    ClassNames,
    Held,
    OneLayer,
    OneTarget,
    SeveralTargets,
    check_options,
    choice,
    choices,
    opened_for,
    options_by_method,
    usual_method,
    wishes,
    with_options,
)
from xai_heatmap.explaining.rows import feature_names, row_in
from xai_heatmap.explaining.rows import usual_method as usual_of_rows
from xai_heatmap.explaining.settling import over_picture
from xai_heatmap.explaining.spoken import spoken

UNSAID = ""
"""Name of the method that nobody said, until the network is known."""


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
    features: Sequence[str] | None = None,
    test: bool = False,
    passes: int = USUAL,
    guard: bool = False,
) -> Any:
    """Explanation of a network's score for a picture, as one map; of many pictures, an iterator.

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
        axis of channels where there is one. Or a row of a table, (features,). Or many of these: a
        list, a generator, a folder, a data loader, a data set.
    method
        A name that ``xai-heatmap methods`` lists; None for the one that the model's file was
        exported with, else Grad-CAM; of a detector's box `layercam_product`; of a row of features
        integrated gradients, or occlusion where there are no gradients.
    layer
        ``auto``, a name, an index among the layers with a grid, or the module or Keras layer
        itself: ``model.layer4[-1]``. ``input`` is the picture itself; methods that explain pixels
        take it for ``auto``.
    target
        None for the prediction, a class by number or name, or a choice such as ``contrast(3,
        against=5)``. `text` of a model that holds pictures against texts, such as CLIP.
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
        of the input, where that is not the whole photograph. Of a picture of bands also three of
        their numbers, counted from 1, that are drawn as red, green and blue: ``image=(4, 3, 2)``.
    features
        Names of the features, where `x` is a row of a table, (features,) or (1, features); a row of
        a data frame brings its own.
    test
        Whether the map is tested against what moves the score when halves of the picture are taken
        away; the result is its `tested`. What the test can't see: a shift by less than half a
        block (a sixteenth of a side), and what parts do only together.
    passes
        Forward passes of the test, at most: 32, 64 or 128. Where pass and fail lie within the
        spread of the figure, 128 are made.
    guard
        Whether a map that fails the test is shown beside the usual one, Grad-CAM at ``auto``, which
        is its `instead`. It costs the test, and no further pass.

    Returns
    -------
    `Explanation`; of many pictures `Explanations`, an iterator of them in order, each what that
    picture gets alone. A picture that can't be explained raises at its place, and the next follows.

    Raises
    ------
    XaiHeatmapError
        One of its kinds, before the first forward pass wherever that is possible.
    """
    opened, (target,) = opened_for(network, [target], held=held, picture=picture)
    layer, labels = named(opened, layer), class_names(labels)
    check_given(x)
    if is_many(x):
        if image is not None:
            raise BadOption(
                "image= is the photograph of one input; several were given. Explain them one by "
                "one: [xai_heatmap.explain(network, x, image=photo) for x, photo in pairs]."
            )
        one = partial(
            explain, opened, method=method, layer=layer, target=target,
            preprocess=prepared_by(preprocess, opened), labels=labels, options=options,
            features=features, test=test, passes=passes, guard=guard,
        )  # fmt: skip
        return Explanations(x, one)
    if several(layer):
        raise BadOption(
            f"explain() makes one map; layer={layer!r} means several. compare(..., "
            f"layers={layer!r}) makes them."
        )
    if isinstance(target, Choices):
        choice(target)  # refuses what is several
    row = row_in(x, opened) if image is None else None
    name = usual_of_rows(opened) if method is None and row is not None else method
    compared = compare(
        opened,
        x if row is None else row,
        methods=None if name is None else [name], layers=layer, targets=[target],
        preprocess=preprocess, white=white, labels=labels,
        options=None if options is None else {name or UNSAID: options}, image=image,
        test=test, passes=passes, guard=guard,
    )  # fmt: skip
    if row is None:
        return compared[0]
    return replace(compared[0], features=feature_names(features, x, len(row)))


@spoken
def compare(
    network: Any,
    x: Any = None,
    *,
    methods: Sequence[str] | None = None,
    layers: Layers | OneLayer = "auto",
    targets: SeveralTargets = (None,),
    preprocess: Preparing = None,
    white: int | float | None = None,
    labels: ClassNames = None,
    options: Mapping[str, Mapping[str, object]] | None = None,
    held: Held = None,
    picture: str | int | None = None,
    image: Any = None,
    test: bool = False,
    passes: int = USUAL,
    guard: bool = False,
) -> Comparison:
    """Several methods, layers and targets for one picture: one forward pass, a backward one each.

    Parameters are those of `explain`; `methods` None means the one that the model's file was
    exported with, else Grad-CAM, of a detector `layercam_product`. `layers` also takes ``all``, a
    glob or several of each, and `options` holds those of each method by its name; `targets` is a
    list, or what a detector found, ``xai_heatmap.boxes(min_score=0.25)``. Explanations come ordered
    by target, then layer, then method. With `test` or `guard` every map is tested, and all from one
    set of forward passes, `passes` at most.
    """
    x, image = (image, None) if x is None else (x, image)
    check_given(x)
    if is_many(x):
        raise BadOption(
            "compare() takes one picture; several were given. Compare them one by one: "
            "[xai_heatmap.compare(network, picture) for picture in pictures]; explain() takes many."
        )
    check_passes(passes)
    opened, wished = opened_for(network, wishes(targets), held=held, picture=picture)
    labels, layers = class_names(labels), named(opened, layers)
    asked_for = None if methods is None else listed(methods, name="methods")
    given = None if asked_for else prepare(x, preprocess, opened, over=image, white=white)
    methods = [find_method(one).name for one in asked_for or _usual(opened, given)]
    wanted_targets = choices(wished)
    options = _of_each(options_by_method(options), methods)
    chosen = [with_options(name, options.get(name, {}), opened) for name in methods]
    given = given or prepare(x, preprocess, opened, over=image, white=white)
    opened.check_held(1)
    survey = opened.survey(given.x.shape)

    def ready(x: Any) -> np.ndarray:
        return prepare(x, preprocess, opened, white=white).x

    wanted = [
        MethodRequest(
            m, over_picture(m, own, given.geometry, ready), select(survey, layers, auto=m.auto)
        )
        for m, own in chosen
    ]  # fmt: skip
    among = candidates(survey, layers, wanted)
    testing = testing_of(opened, survey, wanted, passes=passes if test or guard else 0, guard=guard)

    def made(asked: Sequence[MethodRequest]) -> Comparison:
        rule = recording_rule(asked, _in_order(asked, survey))
        here = testing if rule is GRADIENT and not among else replace(testing, usual=None)
        at = list(dict.fromkeys([*opened_at(asked, survey, among), *here.layers]))
        put = partial(questions, opened, given, at=at, labels=labels, rule=rule)
        own = put(wanted_targets, heads=heads_of(asked, among), asked=() if among else asked)
        return Comparison(here.answers(own, asked, reasons=layers == "auto", among=among))

    return of_those_reached(made, wanted, layers)


def _in_order(asked: Sequence[MethodRequest], survey: Survey) -> list[str]:
    """Layers that are asked for, in the order in which they run."""
    meant = {name for ask in asked for name in ask.layers}
    return [name for name in survey.layers if name in meant]


def _of_each(
    options: Mapping[str, Mapping[str, object]], methods: Sequence[str]
) -> dict[str, Mapping[str, object]]:
    """The options of each method by its name, those of the usual method by its own."""
    named = {methods[0] if name == UNSAID else name: own for name, own in options.items()}
    check_options(named, methods)
    return named


def _usual(network: Network, given: PreparedInput | None) -> list[str]:
    """The usual method of a network for such an input."""
    return [] if given is None else [usual_method(network, network.survey(given.x.shape))]
