"""Explanations of many pictures at once: one forward pass and one backward pass for all."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

import xai_heatmap.methods  # noqa: F401 - registers every method
from xai_heatmap.core.errors import BadOption
from xai_heatmap.core.evidence import Evidence
from xai_heatmap.core.layers.selection import select
from xai_heatmap.core.network import Network
from xai_heatmap.core.registry import Method, MethodResult
from xai_heatmap.core.row_recording import RowRecording
from xai_heatmap.core.targets.target import Choice
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.explaining.forward_pass import ForwardPass, MethodRequest
from xai_heatmap.explaining.levels import at_level, candidates, levels
from xai_heatmap.explaining.levels import reason as level_reason
from xai_heatmap.explaining.maps import compute_maps, recording_rule
from xai_heatmap.explaining.opening import layer_reason, opened_at
from xai_heatmap.explaining.prepared_input import PreparedInput
from xai_heatmap.explaining.question import Question, questions_of
from xai_heatmap.explaining.request import check


@dataclass(frozen=True)
class Ask:
    """Question that is asked of every picture of a batch: one method, one layer, one target.

    Parameters
    ----------
    network
        What is explained.
    method, options
        The method with its options, both checked.
    layer
        ``auto``, a name, or an index.
    target
        Which number of each picture, where the call does not say one for each.
    labels
        Names of the classes; None for those that the model declares.
    """

    network: Network
    method: Method
    options: dict[str, object]
    layer: str | int
    target: Choice
    labels: Sequence[str] | None = None

    def __call__(
        self, given: Sequence[PreparedInput], each: Sequence[Choice] | None = None
    ) -> list[Explanation]:
        """An explanation of each picture, in their order.

        Parameters
        ----------
        given
            Inputs of one shape, as `explaining.inputs.prepare` makes them.
        each
            A target for each picture; None is `target` for all.

        Raises
        ------
        BadOption
            For inputs of several shapes.
        XaiHeatmapError
            As `explain` does, where any one of the pictures can't be explained.
        """
        shapes = {one.x.shape for one in given}
        if len(shapes) != 1:
            raise BadOption(f"One batch has inputs of one shape; received {sorted(shapes)}.")
        survey = self.network.survey(given[0].x.shape)
        asked = [
            MethodRequest(
                self.method, self.options, select(survey, self.layer, auto=self.method.auto)
            )
        ]
        among = candidates(survey, self.layer, asked)
        names = self.labels or self.network.declared.labels or ()
        wanted = each or [self.target] * len(given)
        for one, its in zip(given, wanted, strict=True):
            if one.geometry is not None:
                check([its], one.geometry, names)
        x = np.stack([one.x for one in given]).astype(np.float32, copy=False)
        recording = self.network.record(
            x, opened_at(asked, survey, among), rule=recording_rule(asked, asked[0].layers)
        )
        rows = [RowRecording(recording, row) for row in range(len(x))]
        asked_of = [
            questions_of(self.network, one, row, [its], labels=self.labels)[0]
            for one, row, its in zip(given, rows, wanted, strict=True)
        ]
        targets = [one.target for one in asked_of]
        passed = ForwardPass(
            recording, x, targets, self.network, survey,
            among=([0] * len(x), 1),
        )  # fmt: skip
        found_at = levels(recording, targets, survey) if among else []
        at = [one.layer for one in found_at] if among else [None] * len(x)
        found: list[Explanation | None] = [None] * len(x)
        for level in dict.fromkeys(at):
            own = asked if level is None else at_level(asked, level)
            made = self._mapped(self._opened(passed, own), own, asked_of)
            for row, its in enumerate(at):
                if its == level:
                    found[row] = self._placed(made[row], own, asked_of[row], level)
        return [one for one in found if one is not None]

    def _opened(self, passed: ForwardPass, asked: Sequence[MethodRequest]) -> ForwardPass:
        """The forward pass itself, or one more where it was not opened at the layer asked for."""
        names = opened_at(asked, passed.survey)
        if set(names) <= set(passed.recording.activations):
            return passed
        rule = recording_rule(asked, asked[0].layers)
        return replace(passed, recording=self.network.record(passed.x, names, rule=rule))

    def _mapped(
        self, passed: ForwardPass, asked: Sequence[MethodRequest], asked_of: Sequence[Question]
    ) -> list[Explanation]:
        """Every picture's map at one layer, judged."""

        def judged(row: int, method: Method, found: MethodResult, known: Evidence) -> Explanation:
            return asked_of[row].explanation(found, method, known, options=self.options)

        (name,) = asked[0].layers
        return [row[0] for row in compute_maps(passed, asked, judged)[name]]

    def _placed(
        self,
        one: Explanation,
        asked: Sequence[MethodRequest],
        question: Question,
        level: str | None,
    ) -> Explanation:
        """The explanation with its layer, and why that one."""
        (name,) = asked[0].layers
        survey = question.survey
        if level is not None:
            survey = replace(survey, auto=level, reason=level_reason(survey, level))
        told = layer_reason(asked, self.method.name, survey) if self.layer == "auto" else ""
        return replace(one, layer=survey.layers[name], layer_reason=told)
