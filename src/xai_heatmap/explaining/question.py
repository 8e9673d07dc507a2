"""One picture, one target, an opened network: what every map, verdict and figure is asked of."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType

import numpy as np

from xai_heatmap.core.arrays import Gradients, Input, Inputs, ScoreRow, Values
from xai_heatmap.core.backward import GRADIENT, BackwardRule
from xai_heatmap.core.evidence import Evidence
from xai_heatmap.core.network import INPUT, Network, Survey
from xai_heatmap.core.prediction import Prediction, predictions, unlikely
from xai_heatmap.core.reach import Terms, terms
from xai_heatmap.core.recording import Recording
from xai_heatmap.core.registry import Method, MethodResult
from xai_heatmap.core.targets.answer import Answer
from xai_heatmap.core.targets.target import Choices, Target
from xai_heatmap.core.verdict import Verdict, finite
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.explaining.forward_pass import ForwardPass, MethodRequest
from xai_heatmap.explaining.fusing import recorded
from xai_heatmap.explaining.judging import judged
from xai_heatmap.explaining.levels import at_level, levels, reason
from xai_heatmap.explaining.maps import compute_maps, recording_rule
from xai_heatmap.explaining.notes import of_the_class
from xai_heatmap.explaining.opening import heads_of, layer_reason, opened_at
from xai_heatmap.explaining.prepared_input import PreparedInput
from xai_heatmap.explaining.request import (
    OneTarget,
    answers_of,
    check,
    choice,
    seen_in,
    targets_in,
    whole,
)
from xai_heatmap.explaining.settling import numbers_of


@dataclass(frozen=True)
class Question:
    """Question about one number that one network gave for one picture.

    A question stays in the process that asked it; an `Explanation` is its answer in plain facts.

    Parameters
    ----------
    network, given
        What was opened, and the picture as the network took it.
    recording
        The forward pass, opened at the layers that can be asked about; its first row is the
        picture.
    answer, predictions
        What the network said of the picture.
    target
        Which number is explained.
    """

    network: Network
    given: PreparedInput
    recording: Recording
    answer: Answer
    predictions: tuple[Prediction, ...]
    target: Target

    @cached_property
    def survey(self) -> Survey:
        """The layers of the network, for pictures of this shape, when the question was asked."""
        return self.network.survey(self.given.x.shape)

    @property
    def scores(self) -> ScoreRow:
        """Scores of the picture, as one row."""
        return self.recording.scores[0]

    @cached_property
    def score(self) -> float:
        """The number that is explained."""
        return float(self.target.value(self.recording.scores[:1])[0])

    @cached_property
    def terms(self) -> Terms:
        """Terms of the explained number; a verdict measures a map against these terms."""
        return terms(self.target, self.recording.scores[:1])

    def values(self, pictures: Inputs) -> Values:
        """Explained number of other pictures, as the network takes these; one forward pass."""
        return self.target.value(self.network.record(pictures).scores)

    @cached_property
    def gradients(self) -> Mapping[str, Gradients]:
        """∂y/∂A of every row of the recording at every layer that is open; one backward pass, made
        when it is first asked for.
        """
        return self.recording.pullback(self.target.cotangent(self.recording.scores))

    def evidence(self, layer: str, needs: Collection[str]) -> Evidence:
        """Evidence that a method may ask for, at one layer that is open."""
        gradients = self.gradients if "gradient" in needs else {}
        return self.passed.evidence(needs, 0, layer, gradients)

    def explanations(
        self, asked: Sequence[MethodRequest], *, reasons: bool = False, among: Sequence[str] = ()
    ) -> list[Explanation]:
        """An explanation for each method and layer, in the order of layers; one backward pass.

        Parameters
        ----------
        asked
            Methods and layers; the recording has to be opened at these.
        reasons
            Whether the layers were chosen automatically, so that there is a reason to give.
        among
            The levels of a detector, of which the target's own is taken for ``auto``; the same
            backward pass finds it.
        """
        survey, opened, gradients = self.survey, self, None
        if among:
            (own,) = levels(self.recording, [self.target], survey)
            asked, gradients = at_level(asked, own.layer), own.gradients
            survey = replace(survey, auto=own.layer, reason=reason(survey, own.layer))
            needed = opened_at(asked, survey)
            if not set(needed) <= set(self.recording.activations):
                opened, gradients = self.of(self.given.x, needed, asked), None
        used = {name for ask in asked for name in ask.layers}
        options = {ask.method.name: ask.options for ask in asked}

        def answered(_: int, method: Method, found: MethodResult, known: Evidence) -> Explanation:
            return self.explanation(found, method, known, options=options[method.name])

        answers = compute_maps(opened.passed, asked, answered, gradients=gradients)
        return [  # layers that gave one and the same array share an answer, and not its name
            one.at(survey.layers[name], layer_reason(asked, one.method, survey) if reasons else "")
            for name in survey.layers
            if name in used
            for one in answers[name][0]
        ]

    def explanation(
        self,
        found: MethodResult,
        method: Method,
        known: Evidence,
        *,
        options: Mapping[str, object] = MappingProxyType({}),
        layer: str = INPUT,
    ) -> Explanation:
        """A map as the answer, with all facts that it came from and what it is worth."""
        worth = judged(found.map, method, known, self.terms, probability=self._likely)
        if found.figures:
            worth = replace(worth, figures=finite(found.figures))
        regions = zip(numbers_of(options), found.regions, strict=True) if found.regions else ()
        return self._facts(method, options, layer).but(
            map=found.map, verdict=worth, options=dict(options), regions=dict(regions)
        )

    @cached_property
    def _likely(self) -> bool:
        """Whether the explained number is a probability."""
        closed = self.recording.meaning == "probabilities" and self.target.index is not None
        return self.target.bounded or closed

    def _facts(self, method: Method, options: Mapping[str, object], layer: str) -> Explanation:
        """An explanation that lacks nothing but a map and what that is worth: the same for every
        map of a method, and kept for the next one.
        """
        known = self._known.get((method.name, layer))
        if known is not None and known[0] is method and known[1] is options:
            return known[2]
        target, given, answer = self.target, self.given, self.answer
        facts = Explanation(
            map=np.zeros(0, np.float32),
            image=given.image,
            name=given.name,
            geometry=given.geometry,
            method=method.name,
            options=options,
            signed=_signed(method, options),
            layer=self.survey.layers[layer],
            target=target.label,
            index=target.index,
            detection=target.detection,
            score=self.score,
            predictions=self.predictions,
            verdict=Verdict("no_positive_evidence", 0.0, ""),
            network=self.network.name,
            preprocess=given.prepared,
            meaning=answer.meaning,
            form=answer.form,
            array=given.array,
            said=(*self.network.declared.changes, *given.notes, *self._doubts),
        )
        self._known[method.name, layer] = method, options, facts
        return facts

    @cached_property
    def _doubts(self) -> tuple[str, ...]:
        """Note on a class by itself that the network does not see in the picture."""
        target, answer = self.target, self.answer
        if target.index is None or target.label != answer.label(target.index):
            return ()
        closing = "sigmoid" if answer.kind == "labels" else self.network.closing
        found = unlikely(answer, target.index, closing=closing)
        return tuple(of_the_class(target.label, found, len(answer.scores)))

    @cached_property
    def _known(self) -> dict[tuple[str, str], tuple[Method, Mapping[str, object], Explanation]]:
        return {}

    def of(self, x: Input, names: Sequence[str], asked: Sequence[MethodRequest]) -> "Question":
        """The same question of one more forward pass, of another input or at other layers."""
        inputs = np.ascontiguousarray(x[None], dtype=np.float32)
        rule, network = recording_rule(asked, names), self.network.for_heads(heads_of(asked))
        recording = network.record(inputs, names, rule=rule)
        return replace(self, given=replace(self.given, x=x), recording=recording)

    @cached_property
    def passed(self) -> ForwardPass:
        """The recording with what went in and what is explained."""
        inputs = np.ascontiguousarray(self.given.x[None], dtype=np.float32)
        return ForwardPass(self.recording, inputs, [self.target], self.network, self.survey)


def questions(
    network: Network,
    given: PreparedInput,
    targets: Sequence[OneTarget | Choices],
    *,
    at: Sequence[str] = (),
    labels: Sequence[str] | None = None,
    rule: BackwardRule = GRADIENT,
    heads: Sequence[str] = (),
    asked: Sequence[MethodRequest] = (),
) -> list[Question]:
    """A question for each target, all of one forward pass that is opened at the layers named.

    Parameters
    ----------
    labels
        Names of the classes; where there are none, those that the model declares.
    rule
        The way back of that pass; by `BIASES`, those behind the first of the layers are kept.
    heads
        Layers behind which the network will run again.
    asked
        What will be asked of every question.
    """
    inputs = np.ascontiguousarray(given.x[None], dtype=np.float32)
    if given.geometry is not None:
        check(targets, given.geometry, labels or network.declared.labels or ())
    own = network.for_heads(heads)
    chosen = [choice(one) for one in targets if not isinstance(one, Choices)]
    asked = asked if chosen and len(chosen) == len(targets) else ()
    recording = recorded(own, inputs, at, asked, chosen, labels, rule=rule, judged=True)
    return questions_of(network, given, recording, targets, labels=labels)


def questions_of(
    network: Network,
    given: PreparedInput,
    recording: Recording,
    targets: Sequence[OneTarget | Choices],
    *,
    labels: Sequence[str] | None = None,
) -> list[Question]:
    """Questions, one for each target, of a forward pass that was made already; its first row is the
    picture.
    """
    given = given.laid(recording.form, network)
    seen = (
        seen_in(given.geometry, recording.form)
        if given.geometry is not None
        else whole(given.x.shape[1:], recording.form)
    )
    answer = answers_of(recording, network, labels, seen)[0]
    chosen = [own for wanted in targets for own in targets_in(wanted, answer)]  # before any method
    closing = "sigmoid" if answer.kind == "labels" else network.closing
    likely = predictions(answer, closing=closing)
    return [Question(network, given, recording, answer, likely, target) for target in chosen]


def _signed(method: Method, options: Mapping[str, object]) -> bool:
    """Whether negative values are evidence against, by the method or by its options."""
    return method.signed or options.get("relu") is False or options.get("signed") is True
