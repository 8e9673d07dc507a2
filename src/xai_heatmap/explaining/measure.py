"""Metrics of a map, beside a constant map and a random map."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np

import xai_heatmap.metrics  # noqa: F401 - registers every metric
from xai_heatmap import networks
from xai_heatmap.core.arrays import Map, Mask
from xai_heatmap.core.errors import BadArray, BadOption
from xai_heatmap.core.listed import class_names, listed
from xai_heatmap.core.metric import Again, Better, find_metric
from xai_heatmap.core.network import Layers
from xai_heatmap.core.tensors import as_numpy
from xai_heatmap.explaining.comparison import Comparison
from xai_heatmap.explaining.explain import compare
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.explaining.inputs import prepare
from xai_heatmap.explaining.metric_evidence import Passes, check, evidence, over_input
from xai_heatmap.explaining.preparing import Preparing
from xai_heatmap.explaining.question import Question, questions
from xai_heatmap.explaining.request import (
    ClassNames,
    Held,
    OneLayer,
    SeveralTargets,
    choices,
    options_by_method,
)
from xai_heatmap.explaining.shared import Shared, unmoved
from xai_heatmap.explaining.spoken import spoken

NOTHING: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True)
class Measured:
    """One figure of one map, and what maps get that know nothing.

    Parameters
    ----------
    metric, options
        What was measured, and how.
    better
        Whether a higher or a lower figure is better.
    method, layer, target
        Which map it is.
    value
        The figure of the map.
    constant, random
        The figure of a map that is the same everywhere, and of one of random numbers on the same
        grid.
    passes
        Forward passes behind the figure of this map; the two others took about as many each. Those
        that all maps of a picture share were made once; a map made anew counts as one.
    """

    metric: str
    better: Better
    method: str
    layer: str
    target: str
    value: float
    constant: float
    random: float
    passes: int = 0
    options: Mapping[str, object] = field(default_factory=lambda: NOTHING)

    @property
    def better_than_nothing(self) -> bool:
        """Whether the map is better than both maps that know nothing."""
        others = self.constant, self.random
        return self.value > max(others) if self.better == "higher" else self.value < min(others)

    def to_dict(self) -> dict[str, object]:
        """Every fact as a plain value."""
        facts: dict[str, object] = {**vars(self), "options": dict(self.options)}
        return facts | {"better_than_nothing": self.better_than_nothing}


def measured(
    one: Explanation,
    metrics: Sequence[str],
    *,
    question: Question | None = None,
    shared: Shared | None = None,
    mask: Mask | None = None,
    options: Mapping[str, Mapping[str, object]] = MappingProxyType({}),
    seed: int = 0,
) -> list[Measured]:
    """Every metric of one map, beside a constant and a random map of the same grid.

    Parameters
    ----------
    one
        The map, with the picture it is of.
    metrics
        Names.
    question
        What the map answers; for metrics that ask the network.
    shared
        Passes of the same question that were made for other maps.
    mask
        The truth, bool of the original picture's rows and columns; for metrics against it.
    options
        Those of each metric, by its name.
    seed
        Of the random map.

    Raises
    ------
    BadOption
        If a metric needs what was not given.
    """
    chosen = [find_metric(name) for name in metrics]
    for name in options:
        if name not in metrics:
            raise BadOption(
                f"Options were given for {name!r}, which is not among the metrics: "
                f"{', '.join(metrics)}."
            )
    own = {metric.name: metric.checked(options.get(metric.name, {})) for metric in chosen}
    for metric in chosen:
        check(metric, one, question=question, mask=mask)
    maps = (
        one.map,
        np.ones_like(one.map),
        np.random.default_rng(seed).random(one.map.shape, np.float32),
    )
    if question is not None and shared is None:
        shared = Shared(question)
    found = []
    for metric in chosen:
        figures = list[float]()
        passes = list[int]()
        for place, map_ in enumerate(maps):
            counted: list[Passes] = []
            known = evidence(
                replace(one, map=map_),
                metric,
                question=question,
                mask=mask,
                shared=shared,
                remade=_unmoved(map_, question) if place else None,
                count=counted.append,
            )
            figures.append(metric(known, own[metric.name]))
            passes.append(sum(each.passes for each in counted))
        found.append(
            Measured(
                metric.name,
                metric.better,
                one.method,
                one.layer.name,
                one.target,
                *figures,
                passes=passes[0],
                options=own[metric.name],
            )
        )
    return found


def _unmoved(map_: Map, question: Question | None) -> Again | None:
    """What a map that knows nothing is of other pictures: the same."""
    return None if question is None else unmoved(over_input(map_, question))


@spoken
def measure(
    network: Any,
    x: Any = None,
    *,
    metrics: Sequence[str],
    methods: Sequence[str] | None = None,
    layers: Layers | OneLayer = "auto",
    targets: SeveralTargets = (None,),
    mask: Any = None,
    metric_options: Mapping[str, Mapping[str, object]] | None = None,
    seed: int = 0,
    preprocess: Preparing = None,
    white: int | float | None = None,
    labels: ClassNames = None,
    options: Mapping[str, Mapping[str, object]] | None = None,
    held: Held = None,
    picture: str | int | None = None,
    image: Any = None,
) -> list[Measured]:
    """Metrics of every map that `compare` makes of a picture, each beside a constant and a random
    map, which know nothing.

    Parameters
    ----------
    network, x
        As for `compare`. Or, in place of a network, an `Explanation` or a `Comparison` that was
        made before, for metrics that need no network.
    metrics
        Names that ``xai-heatmap metrics`` lists.
    methods, layers, targets, preprocess, white, labels, options, held, picture, image
        As for `compare`: which maps are measured.
    mask
        The truth for metrics against it, bool (H, W) of the original picture: True on the object.
    metric_options
        Options of each metric by its name: ``{"deletion": {"steps": 32}}``.
    seed
        Of the random map.

    Returns
    -------
    One `Measured` for each map and metric, maps in the order of `compare`. The network runs twice
    for the picture itself, and for each of the three maps as often as the metric says; passes that
    maps share (`sensitivity_n`, `infidelity`, `agreement`) are made once for all of them.

    Raises
    ------
    XaiHeatmapError
        One of its kinds; what a metric needs is checked before it runs.
    """
    names = [find_metric(name).name for name in listed(metrics, name="metrics")]
    truth = None if mask is None else _truth(mask)
    how = dict(options_by_method(metric_options))
    ask = partial(measured, metrics=names, mask=truth, options=how, seed=seed)
    if isinstance(network, Explanation | Comparison):
        made = [network] if isinstance(network, Explanation) else list(network)
        return [found for one in made for found in ask(one)]
    opened = networks.network(network, held=held, picture=picture)
    made = compare(
        opened, x, methods=methods, layers=layers, targets=targets, preprocess=preprocess,
        white=white, labels=labels, options=options, image=image,
    )  # fmt: skip
    if not any(find_metric(name).questions for name in names):
        return [found for one in made for found in ask(one)]
    x, image = (image, None) if x is None else (x, image)
    given = prepare(x, preprocess, opened, over=image, white=white)
    asked = questions(opened, given, choices(targets), labels=class_names(labels))
    each = len(made) // len(asked)
    shared = [Shared(question) for question in asked]
    return [
        found
        for place, one in enumerate(made)
        for found in ask(one, question=asked[place // each], shared=shared[place // each])
    ]


def _truth(mask: Any) -> Mask:
    """A mask as it was given: booleans, or numbers that are 0 and something else.

    Raises
    ------
    BadArray
        For what is no array of two axes.
    """
    found = as_numpy(mask) if as_numpy(mask) is not None else np.asarray(mask)
    if found is None or found.ndim != 2 or found.dtype.kind not in "bui":
        raise BadArray(
            "mask= is a boolean array (H, W) of the picture's rows and columns, True on the "
            f"object; received {type(mask).__name__} of shape {getattr(found, 'shape', ())}."
        )
    return found != 0
