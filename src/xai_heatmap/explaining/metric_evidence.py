"""Evidence for metrics about one map: the map drawn out, the truth, and the network behind it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from xai_heatmap.core.arrays import Activation, DrawnOut, Input, Map, Mask, Values
from xai_heatmap.core.errors import BadArray, BadOption, NonFiniteScores, UnknownTarget
from xai_heatmap.core.evidence import Head, Scored
from xai_heatmap.core.layers.placing import Extent
from xai_heatmap.core.metric import Again, Metric, MetricEvidence, Taken
from xai_heatmap.core.network import INPUT
from xai_heatmap.core.targets.answer import ROW
from xai_heatmap.core.targets.category import category
from xai_heatmap.core.targets.probability import probability
from xai_heatmap.core.targets.target import Target
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.explaining.forward_pass import check_masks
from xai_heatmap.explaining.question import Question
from xai_heatmap.explaining.shared import Shared, again
from xai_heatmap.metrics.parts.imputation import Fill
from xai_heatmap.render.heat import drawn_out


@dataclass(kw_only=True)
class Passes:
    """Forward passes behind a figure; a map that is made anew counts as one."""

    passes: int = 0


@dataclass
class Counted(Passes):
    """A network from pictures to numbers that counts its passes."""

    scored: Scored

    def __call__(self, pictures: Iterable[Activation]) -> Values:
        found = self.scored(pictures)
        self.passes += len(found)
        return finite(found)


def finite(found: Values) -> Values:
    """The same numbers.

    Raises
    ------
    NonFiniteScores
        Where one of them is none.
    """
    if not np.isfinite(found).all():
        raise NonFiniteScores(
            "The network answers NaN or infinity to pictures with places taken away, so that "
            "nothing can be measured by them. Another fill= may help, such as 'blur'."
        )
    return found


def check(
    metric: Metric, one: Explanation, *, question: Question | None, mask: Mask | None
) -> None:
    """Refuse, before the network runs, what a metric can't be asked of.

    Raises
    ------
    BadOption, BadArray, NoGrid
        In words.
    """
    if "mask" in metric.needs:
        if mask is None:
            raise BadOption(
                f"{metric.name} is against the truth: mask=, a boolean array (H, W) of the "
                "picture's rows and columns, True on the object."
            )
        if one.geometry is None or one.array is not None:
            raise BadOption(
                f"{metric.name} is of maps over a picture; this one is over a signal or a volume."
            )
        if mask.shape != one.image.shape[:2]:
            raise BadArray(
                f"mask= has the picture's rows and columns, {one.image.shape[:2]}; received "
                f"{mask.shape}."
            )
    if metric.questions:
        if question is None:
            raise BadOption(
                f"{metric.name} asks the network, so it needs more than a map: "
                "xai_heatmap.measure(network, picture, metrics=[...])."
            )
        check_masks(one.layer.name, one.map.shape, question.given.x.shape[1:])


def evidence(
    one: Explanation,
    metric: Metric,
    *,
    question: Question | None = None,
    mask: Mask | None = None,
    shared: Shared | None = None,
    remade: Again | None = None,
    count: Callable[[Passes], None] = lambda _: None,
) -> MetricEvidence:
    """Evidence of one map for one metric, as far as that metric needs it.

    Parameters
    ----------
    one, metric, question, mask
        The map, what is measured, what the map answers, and the truth.
    shared
        What was asked for other maps of the same question.
    remade
        The map of other pictures; that of the explanation's method, if not given.
    count
        Takes what will count the passes that are behind the figure.
    """
    needs = metric.needs
    known: dict[str, object] = {}
    if "heat" in needs:
        known["heat"] = one.heat(scale="none")
    if "attributions" in needs:
        known["attributions"] = one.map
    if "mask" in needs:
        known["mask"] = mask
    if question is not None:
        if "relevance" in needs:
            known["relevance"] = over_input(one.map, question, one.extent)
        known |= {"image": question.given.x, "score": question.score}
        if "model" in needs:
            known["model"] = _counting(question, question.target, count)
        if needs & {"probability", "confidence"}:
            likely = probability_of(question, metric)
            known["probability"] = float(likely.value(question.recording.scores[:1])[0])
            known["confidence"] = _counting(question, likely, count)
        known |= _beyond(one, needs, question, shared or Shared(question), remade, count)
    return MetricEvidence(**known)  # type: ignore[arg-type]


def _beyond(
    one: Explanation,
    needs: frozenset[str],
    question: Question,
    shared: Shared,
    remade: Again | None,
    count: Callable[[Passes], None],
) -> dict[str, object]:
    """What metrics share, and maps of other pictures; passes that were made before count too."""
    known: dict[str, object] = {}
    passes = Passes()
    count(passes)
    if "without" in needs:

        def without(taken: Taken, fill: Fill) -> Values:
            passes.passes += len(taken)
            return finite(shared.without(taken, fill))

        known["without"] = without
    if "tested" in needs:
        tested = known["tested"] = shared.trial(one.map, extent=one.extent)
        passes.passes += tested.passes
    if "again" in needs:
        maps = again(one, question) if remade is None else remade

        def counted(pictures: Iterable[Input]) -> Iterator[DrawnOut]:
            for found in maps(pictures):
                passes.passes += 1
                yield found

        known["again"] = counted
    return known


def over_input(map_: Map, question: Question, extent: Extent | None = None) -> DrawnOut:
    """The map drawn out over the network's input, float32 (*image)."""
    return drawn_out(map_, question.given.x.shape[1:], extent=extent)


def probability_of(question: Question, metric: Metric) -> Target:
    """The probability of the class that is explained.

    Raises
    ------
    UnknownTarget
        Where not one class is explained, or a class has no probability.
    """
    target, answer = question.target, question.answer
    index = target.index
    if index is not None and answer.form == ROW and answer.kind != "values":
        if target.bounded:
            return target
        scores = question.recording.scores[:1]
        own = category(index)(answer)
        if np.array_equal(own.value(scores), target.value(scores)):
            return probability(index)(answer)
    raise UnknownTarget(
        f"{metric.name} is about the probability of one class; {target.label!r} has none. Explain "
        "a class, target=3 or target='dog', or choose another metric, such as 'deletion'."
    )


def _counting(question: Question, target: Target, count: Callable[[Passes], None]) -> Counted:
    counted = Counted(Head(question.recording, INPUT, 0, target))
    count(counted)
    return counted
