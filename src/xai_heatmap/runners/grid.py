"""Grid of methods, layers and targets of one picture, from as few forward passes as can be."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from xai_heatmap.core.backward import GRADIENT, BackwardRule
from xai_heatmap.core.layers.selection import select
from xai_heatmap.core.network import Network
from xai_heatmap.core.targets.target import Choice, Choices
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.explaining.forward_pass import MethodRequest
from xai_heatmap.explaining.grid import Place, Refusing
from xai_heatmap.explaining.levels import candidates
from xai_heatmap.explaining.maps import recording_rule
from xai_heatmap.explaining.opening import opened_at
from xai_heatmap.explaining.prepared_input import PreparedInput
from xai_heatmap.explaining.question import Question, questions, questions_of
from xai_heatmap.explaining.request import check, with_options

if TYPE_CHECKING:
    from xai_heatmap.explaining.testing import Trial


@dataclass(frozen=True)
class _Pass:
    """One forward pass: where it was opened, and its question for each target."""

    layers: Sequence[str]
    rule: BackwardRule
    questions: Sequence[Question]

    def serves(self, layers: Sequence[str], *, rule: BackwardRule) -> bool:
        """Whether the pass serves these layers by that rule; biases are counted from the first
        layer.
        """
        if GRADIENT is not rule or GRADIENT is not self.rule:
            return self.rule is rule and list(self.layers) == list(layers)
        return set(layers) <= set(self.layers)


@dataclass
class Grid:
    """One picture, and each forward pass that was made of it.

    Parameters
    ----------
    network, given, targets
        As of a `Question`.
    options
        Of each method.
    labels
        Names of the classes; None for those that the model declares.
    tell
        Is told the name of each method that is at work.
    passes
        Forward passes of the test that every map is put to; 0 for no test. All maps share them.
    """

    network: Network
    given: PreparedInput
    targets: Sequence[Choice | Choices]
    options: Mapping[str, Mapping[str, object]]
    labels: Sequence[str] | None = None
    tell: Callable[[str], None] = lambda _: None
    passes: int = 0
    _trial: "Trial | None" = None
    _passes: list[_Pass] = field(default_factory=list[_Pass])

    def opened(self, methods: Sequence[str], layers: Sequence[str]) -> Sequence[Question]:
        """The questions, opened where all is asked for at once; where that can't be, nowhere: what
        fails then is no method's fault.
        """
        try:
            asked = self._asked(methods, layers)
            plain = [ask for ask in asked if "biases" not in ask.method.needs]
            return self._of(plain or asked, self._among(layers, plain or asked))
        except Refusing:
            return self._pass([], rule=GRADIENT).questions

    def __call__(
        self, targets: Sequence[int], methods: Sequence[str], layers: Sequence[str]
    ) -> dict[Place, Explanation]:
        """The explanation of each target, method and layer, as `comparing.lines` asks for them."""
        self.tell(", ".join(methods))
        asked = self._asked(methods, layers)
        among = self._among(layers, asked)
        own = self._of(asked, among)
        found = {}
        for number in targets:
            for made in own[number].explanations(asked, among=among):
                one = self._tested(made, number, own)
                found[number, one.method, one.layer.name] = found[number, one.method, "auto"] = one
        return {(n, m, at): found[n, m, at] for n in targets for m in methods for at in layers}

    def about(self, targets: Sequence[Choice | Choices]) -> "Grid":
        """The same picture and the same forward passes, asked about other targets."""
        if self.given.geometry is not None:
            names = self.labels or self.network.declared.labels or ()
            check(targets, self.given.geometry, names)
        kept = [
            replace(
                made,
                questions=questions_of(
                    self.network,
                    self.given,
                    made.questions[0].recording,
                    targets,
                    labels=self.labels,
                ),
            )
            for made in self._passes
        ]
        return replace(self, targets=targets, _passes=kept, _trial=None)

    @property
    def held(self) -> int:
        """Bytes of the activations that its passes keep."""
        arrays = (
            array
            for made in self._passes
            for array in made.questions[0].recording.activations.values()
        )
        return sum({id(array): array.nbytes for array in arrays}.values())

    def _tested(self, one: Explanation, number: int, own: Sequence[Question]) -> Explanation:
        """The explanation with its test, if maps are tested; the first question asked is that whose
        passes all share.
        """
        if not self.passes:
            return one
        if self._trial is None:
            from xai_heatmap.explaining.testing import Trial  # the metrics, where maps are tested

            self._trial = Trial(own, self.passes)
        return self._trial.explanation(one, number)

    def _asked(self, methods: Sequence[str], layers: Sequence[str]) -> list[MethodRequest]:
        survey = self.network.survey(self.given.x.shape)
        chosen = [with_options(name, self.options[name], self.network) for name in methods]
        return [
            MethodRequest(m, own, select(survey, list(layers), auto=m.auto)) for m, own in chosen
        ]

    def _among(self, layers: Sequence[str], asked: Sequence[MethodRequest]) -> Sequence[str]:
        return candidates(self.network.survey(self.given.x.shape), list(layers), asked)

    def _of(self, asked: Sequence[MethodRequest], among: Sequence[str]) -> Sequence[Question]:
        survey = self.network.survey(self.given.x.shape)
        wanted = {name for ask in asked for name in ask.layers}
        names = [name for name in survey.layers if name in wanted]
        rule = recording_rule(asked, names)
        return self._pass(opened_at(asked, survey, among), rule=rule).questions

    def _pass(self, layers: Sequence[str], *, rule: BackwardRule) -> _Pass:
        """The forward pass that serves these layers, made if there is none yet."""
        for made in self._passes:
            if made.serves(layers, rule=rule):
                return made
        own = questions(
            self.network, self.given, self.targets, at=layers, labels=self.labels, rule=rule
        )
        self._passes.append(_Pass(layers, rule, own))
        return self._passes[-1]
