"""Evidence for metrics about one map: the map drawn out, the truth, and the network behind it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from xai_heatmap.core.arrays import Activation, DrawnOut, Map, Mask, Values
from xai_heatmap.core.errors import BadArray, BadOption, NonFiniteScores, UnknownTarget
from xai_heatmap.core.evidence import Head, Scored
from xai_heatmap.core.metric import Metric, MetricEvidence
from xai_heatmap.core.network import INPUT
from xai_heatmap.core.targets.answer import ROW
from xai_heatmap.core.targets.category import category
from xai_heatmap.core.targets.probability import probability
from xai_heatmap.core.targets.target import Target
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.explaining.forward_pass import check_masks
from xai_heatmap.explaining.question import Question
from xai_heatmap.render.heat import drawn_out


@dataclass
class Counted:
    """A network from pictures to numbers that counts its passes."""

    scored: Scored
    passes: int = 0

    def __call__(self, pictures: Iterable[Activation]) -> Values:
        found = self.scored(pictures)
        self.passes += len(found)
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
    count: Callable[[Counted], None] = lambda _: None,
) -> MetricEvidence:
    """Evidence of one map for one metric, as far as that metric needs it."""
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
            known["relevance"] = over_input(one.map, question)
        known |= {"image": question.given.x, "score": question.score}
        if "model" in needs:
            known["model"] = _counting(question, question.target, count)
        if needs & {"probability", "confidence"}:
            likely = probability_of(question, metric)
            known["probability"] = float(likely.value(question.recording.scores[:1])[0])
            known["confidence"] = _counting(question, likely, count)
    return MetricEvidence(**known)  # type: ignore[arg-type]


def over_input(map_: Map, question: Question) -> DrawnOut:
    """The map drawn out over the network's input, float32 (*image)."""
    return drawn_out(map_, question.given.x.shape[1:])


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


def _counting(question: Question, target: Target, count: Callable[[Counted], None]) -> Counted:
    counted = Counted(Head(question.recording, INPUT, 0, target))
    count(counted)
    return counted
