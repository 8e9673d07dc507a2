"""Guard: a map that fails its test is shown beside the one that is taken where nobody says."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from xai_heatmap.core.layers.selection import select
from xai_heatmap.core.network import Network, Survey
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.explaining.forward_pass import MethodRequest
from xai_heatmap.explaining.question import Question
from xai_heatmap.explaining.request import DEFAULT_METHOD, with_options
from xai_heatmap.explaining.retaking import Retake

if TYPE_CHECKING:
    from xai_heatmap.explaining.testing import Trial

FINER = 2
"""Grids so many times finer along each axis than that of ``auto`` are early layers."""


@dataclass(frozen=True)
class Testing:
    """What is wanted of tests, for one picture.

    Parameters
    ----------
    passes
        Forward passes, at most; 0 where no map is tested.
    usual
        What is asked where nobody says method and layer, to stand beside maps that fail; None
        where nothing is to.
    """

    passes: int = 0
    usual: MethodRequest | None = None

    @property
    def layers(self) -> Sequence[str]:
        """Layers that have to be open for the usual map."""
        return () if self.usual is None else self.usual.layers

    def answers(
        self,
        own: Sequence[Question],
        asked: Sequence[MethodRequest],
        *,
        reasons: bool,
        among: Sequence[str],
    ) -> tuple[Explanation, ...]:
        """Explanations of each question in turn, tested where that is wanted; a map that is asked
        for alone with as many passes as it takes.
        """
        found = [
            [kept(one, q) for one in q.explanations(asked, reasons=reasons, among=among)]
            for q in own
        ]
        if self.passes:
            from xai_heatmap.explaining.testing import Trial  # the metrics, where maps are tested

            trial = Trial(own, self.passes, more=sum(map(len, found)) == 1)
            found = tested(found, trial, self.usual)
        return tuple(one for each in found for one in each)


def testing_of(
    network: Network,
    survey: Survey,
    asked: Sequence[MethodRequest],
    *,
    passes: int,
    guard: bool,
) -> Testing:
    """What is wanted of tests; with a guard, Grad-CAM at an early layer is told of here."""
    if guard:
        warn_early(asked, survey)
    return Testing(passes, usual_request(network, survey) if guard else None)


def usual_request(network: Network, survey: Survey) -> MethodRequest | None:
    """What is asked of a network where nobody says method and layer; None of one without gradients
    or without a grid.
    """
    if not network.differentiable or survey.auto is None:
        return None
    method, options = with_options(DEFAULT_METHOD, None, network)
    return MethodRequest(method, options, select(survey, "auto", auto=method.auto))


def warn_early(asked: Sequence[MethodRequest], survey: Survey) -> None:
    """Say of Grad-CAM at an early layer, before it is drawn, that it tells no more than chance.

    Warns
    -----
    UserWarning
        Once for all such layers.
    """
    if survey.auto is None:
        return
    own = survey.layers[survey.auto].grid or ()
    early = [
        name
        for ask in asked
        if ask.method.name == DEFAULT_METHOD
        for name in ask.layers
        if (grid := survey.layers[name].grid or ())
        and len(grid) == len(own)
        and all(fine >= FINER * coarse for fine, coarse in zip(grid, own, strict=True))
    ]
    if early:
        also = f" and {len(early) - 1} more" if len(early) > 1 else ""
        warnings.warn(
            f"Grad-CAM at {early[0]!r}{also} averages gradients over a fine grid; on trained "
            "networks such maps did no better than chance. Choose layer='auto', or layercam or "
            "hirescam at this layer.",
            stacklevel=5,
        )


def kept(one: Explanation, question: Question) -> Explanation:
    """The explanation with what a later test of it goes by."""
    return one.but(retake=Retake(question.given.x, question.target))


def tested(
    found: Sequence[Sequence[Explanation]], trial: "Trial", usual: MethodRequest | None
) -> list[list[Explanation]]:
    """Explanations with their tests, those of each question in turn; beside each that failed the
    usual one, where there is a request for it and it is another.
    """
    return [
        _guarded([trial.explanation(one, number) for one in own], trial, number, usual)
        for number, own in enumerate(found)
    ]


def _guarded(
    own: list[Explanation], trial: "Trial", number: int, usual: MethodRequest | None
) -> list[Explanation]:
    def failed(one: Explanation) -> bool:
        return one.tested is not None and one.tested.failed and not _is(one, usual)

    if usual is None or not any(map(failed, own)):
        return own
    there = next((one for one in own if _is(one, usual)), None)
    if there is None:
        question = trial.questions[number]
        (made,) = question.explanations([usual])
        there = trial.explanation(kept(made, question), number)
    return [replace(one, instead=there) if failed(one) else one for one in own]


def _is(one: Explanation, usual: MethodRequest | None) -> bool:
    """Whether an explanation is the usual one."""
    if usual is None:
        return False
    return (one.method, one.layer.name, dict(one.options)) == (
        usual.method.name,
        usual.layers[0],
        dict(usual.options),
    )
