"""Metrics: formulas that give a figure for how good one map of one picture is."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Literal, TypeVar

import numpy as np

from xai_heatmap.core.arrays import DrawnOut, Input, Map, Mask, Values
from xai_heatmap.core.errors import UnknownMetric, did_you_mean
from xai_heatmap.core.evidence import Scored
from xai_heatmap.core.formula import Described, checked, declaration
from xai_heatmap.core.options import Option
from xai_heatmap.core.shapes import Bool
from xai_heatmap.core.tested import Tested

Better = Literal["higher", "lower"]

OWN = "xai_heatmap.metrics."
"""Package of the metrics that come along, with a folder for each family."""

OTHER = "other"
"""The family of a metric that was declared elsewhere."""


Taken = Bool[np.ndarray, "sets *patches"]
"""Sets of patches that are taken away together."""

Without = Callable[[Taken, str], Values]
"""Function from what is taken away, and what stands in its place, to the explained number."""

Again = Callable[[Iterable[Input]], Iterator[DrawnOut]]
"""Function from other pictures to the map of each."""


@dataclass(frozen=True)
class MetricEvidence:
    """Everything that a metric may ask for, about one map of one picture; None where nobody asked.

    Parameters
    ----------
    heat
        The raw map drawn out over the original picture, float32 (H, W); 0 where the network did not
        look. Negative values are evidence against.
    attributions
        The raw map on its own grid, as the method gave it.
    mask
        The truth, bool (H, W): which pixels of the original picture belong to the object.
    relevance
        The raw map drawn out over the network's input, float32 (*image).
    image
        The picture x as the network takes it, float32 (c, *image).
    score
        y, the explained number.
    model
        From other pictures, as the network takes them, to y; one forward pass each.
    probability
        p, the probability of the explained class, in [0, 1].
    confidence
        From other pictures to p; one forward pass each.
    without
        From sets of patches that are taken away, and what stands in their place, to y without each
        set; what was asked of a picture once is not asked again, for whatever map.
    tested
        The result of the test of the map, whose passes all maps of a picture share.
    again
        From other pictures to the same method's map of each, of the same layer and target, drawn
        out over the network's input.
    """

    heat: DrawnOut | None = None
    attributions: Map | None = None
    mask: Mask | None = None
    relevance: DrawnOut | None = None
    image: Input | None = None
    score: float | None = None
    model: Scored | None = None
    probability: float | None = None
    confidence: Scored | None = None
    without: Without | None = None
    tested: Tested | None = None
    again: Again | None = None


OFFERED = frozenset(field.name for field in fields(MetricEvidence))

RUNS = frozenset({"model", "confidence", "without", "tested", "again"})
"""Fields that run the network."""

Figure = Callable[..., float]
Own = TypeVar("Own", bound=Figure)


@dataclass(frozen=True)
class Metric(Described):
    """A formula that judges a map, with what is known about it.

    Parameters
    ----------
    name
        What users type.
    formula
        A pure function from fields of `MetricEvidence` to one number.
    needs
        The fields it asks for; nothing else is computed.
    taken
        Its keyword-only parameters.
    better
        Whether a higher or a lower figure is better.
    cite
        Key of the paper in ``methods/references.bib``, or a whole BibTeX entry.
    use_when
        One line that helps to choose.
    passes
        Forward passes for one map, in words; empty where none is made.
    family
        What kind of metric it is, by the folder that it lies in.
    """

    name: str
    formula: Figure
    needs: frozenset[str]
    taken: Mapping[str, Option]
    better: Better
    cite: str
    use_when: str
    passes: str = ""
    family: str = OTHER

    @property
    def cost(self) -> str:
        """Forward passes for one map, in words."""
        return self.passes or "none"

    @property
    def questions(self) -> bool:
        """Whether the metric asks the network, and not only the map."""
        return not self.needs <= {"heat", "attributions", "mask"}

    def __call__(
        self, evidence: MetricEvidence, options: Mapping[str, object] = MappingProxyType({})
    ) -> float:
        """The figure of one map."""
        given = {name: getattr(evidence, name) for name in self.needs}
        return float(self.formula(**given, **options))

    def checked(self, options: Mapping[str, object]) -> dict[str, object]:
        """Options in the types of their defaults; text is read as the command line gives it.

        Raises
        ------
        BadOption
            For an option that the metric does not have, or a value that it does not take.
        """
        return checked(options, self.taken, self.name)


METRICS: dict[str, Metric] = {}
"""Every metric by name, in the order of registration."""


def metric(*, better: Better, cite: str, use_when: str, passes: str = "") -> Callable[[Own], Own]:
    """Register a formula as a metric under its own name, and give the formula back unchanged.

    Positional parameters are fields of `MetricEvidence`; keyword-only ones with defaults become
    options. A name that evidence does not have fails here, when the module is imported; so does a
    formula that runs the network without saying how often.

    Examples
    --------
    >>> @metric(better="lower", cite="x", use_when="the size of the map matters")
    ... def area(heat, *, above: float = 0.5):
    ...     '''Share of places above a part of the maximum.'''
    ...     return float((heat > above * heat.max()).mean())
    >>> METRICS.pop("area").options
    {'above': 0.5}
    """
    if better not in ("higher", "lower"):
        raise TypeError(f"better= is 'higher' or 'lower'; received {better!r}.")

    def register(formula: Own) -> Own:
        name = formula.__name__
        declares = declaration(formula, kind="a metric", offered=OFFERED)
        if (runs := declares.needs & RUNS) and not passes:
            raise TypeError(f"{name} runs {sorted(runs)}: say passes=...")
        family = formula.__module__.removeprefix(OWN).partition(".")
        own = formula.__module__.startswith(OWN) and family[1]
        METRICS[name] = Metric(
            name, formula, declares.needs, declares.options, better, cite, use_when, passes,
            family[0] if own else OTHER,
        )  # fmt: skip
        return formula

    return register


def all_metrics() -> dict[str, Metric]:
    """Every metric by name, those of other packages included (see `core.plugins`)."""
    from xai_heatmap.core.plugins import registered

    registered("metrics", (METRICS,))
    return METRICS


def find_metric(name: object) -> Metric:
    """The metric of that name.

    Raises
    ------
    UnknownMetric
        With the nearest name and the list of all.
    """
    if not isinstance(name, str):
        raise UnknownMetric(f"A metric is given by its name; received {name!r}.")
    if name not in METRICS and name not in all_metrics():
        raise UnknownMetric(
            f"There is no metric {name!r}.{did_you_mean(name, METRICS)} "
            f"Known: {', '.join(METRICS)}."
        )
    return METRICS[name]
