"""Recording of one forward pass through an opened network, on the grids of the layers."""

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from xai_heatmap.core.affine import Step
from xai_heatmap.core.arrays import Activations, Native, Scores
from xai_heatmap.core.attention import OTHERS, Block
from xai_heatmap.core.backward import BackwardRule
from xai_heatmap.core.errors import NoAttention
from xai_heatmap.core.layers.layout import WHOLE, Layout
from xai_heatmap.core.network import Survey
from xai_heatmap.core.recording import Recording, UseBias, UseGradients
from xai_heatmap.core.shapes import Float32
from xai_heatmap.core.targets.answer import Form, Meaning
from xai_heatmap.networks.opening.bias_terms import contributions
from xai_heatmap.networks.opening.box_layout import BoxReading
from xai_heatmap.networks.opening.chosen_rows import ChosenReading
from xai_heatmap.networks.opening.interfaces import Recorded
from xai_heatmap.networks.opening.layout_reading import ELSEWHERE
from xai_heatmap.networks.opening.score_layout import Reading


@dataclass(frozen=True)
class ExtraPasses:
    """Extra passes of the recorded pictures, each made when first asked for.

    Parameters
    ----------
    network
        How the model calls itself.
    attend
        As of an engine; of what attends, what counts.
    attended
        From what attended and a cotangent, both of the scores and as the engine has it, to blocks.
    by
        From another rule to the same pass, with that rule's way back.
    between
        From a layer, an image's row and a rule to a pair of runs of the head, as of a `Head`.
    affine
        From a layer and an image's row to a step and its rise, as of a `Recording`.
    """

    network: str
    attend: Callable[[], Recorded]
    attended: Callable[[Recorded, Scores, Native], list[Block]]
    by: Callable[[BackwardRule], Recorded]
    between: Callable[[str, int, BackwardRule], Recorded]
    affine: Callable[[str, int], Step | None]


class OpenedRecording(Recording):
    """Recording of one forward pass through an opened network."""

    def __init__(
        self,
        recorded: Recorded,
        survey: Survey,
        lock: threading.RLock,
        head: Callable[[str, int], Callable[[Activations], Recording]],
        meaning: Meaning,
        reading: Reading | BoxReading | ChosenReading,
        apart: ExtraPasses | None = None,
    ) -> None:
        self._recorded = recorded
        self._survey = survey
        if isinstance(reading, ChosenReading):  # classes are those of this pass
            reading = replace(reading, answered=recorded.scores)
        self._reading = reading
        self._scores = reading.rows(recorded.scores)
        self._layouts = {name: layout_of(survey, name) for name in recorded.outputs}
        self._lock = lock
        self._head = head
        self._apart = apart
        self._heads: dict[tuple[str, int], Callable[[Activations], Recording]] = {}
        self._meaning: Meaning = meaning
        self._activations: Mapping[str, Activations] = self._to_grids(recorded.outputs)

    @property
    def scores(self) -> Scores:
        """Scores, one row per image."""
        return self._scores

    @property
    def form(self) -> Form:
        """Form of the rows: one score per class, or one per class and place."""
        return self._reading.form

    @property
    def meaning(self) -> Meaning:
        """Scale of the scores: logits, probabilities, log-probabilities, log-odds or values."""
        return self._meaning

    @property
    def activations(self) -> Mapping[str, Activations]:
        """Of every layer that was opened."""
        return self._activations

    def pullback(
        self, cotangent: Float32[np.ndarray, "n classes"]
    ) -> Mapping[str, Float32[np.ndarray, "n k *grid"]]:
        """∂⟨cotangent, scores⟩/∂A of every layer that was opened, in one backward pass."""
        with self._lock:
            pulled = self._recorded.pullback(self._reading.native(cotangent))
            return self._to_grids({name: pulled[name] for name in self._recorded.outputs})

    def each_gradient(
        self,
        cotangent: Float32[np.ndarray, "n classes"],
        use: UseGradients,
        use_bias: UseBias | None = None,
    ) -> None:
        """Pass each gradient of `pullback` to `use` once complete; none is kept."""
        biases, own = self._recorded.biases, self._reading.native(cotangent)

        def give(names: Sequence[str], native: Native) -> None:
            if names[0] not in biases:
                use(names, self._layouts[names[0]].to_grid(native))
            elif use_bias is not None:
                own = native, biases[names[0]]
                for part in contributions(*own, self._survey, images=len(self._scores)):
                    use_bias(part)

        with self._lock:
            if self._recorded.stream is not None:
                self._recorded.stream(own, give)
                return
            gradients = self._recorded.pullback(own)
            for names in [*_sharing(self._recorded.outputs), *([name] for name in biases)]:
                give(names, gradients[names[0]])

    def attentions(self, cotangent: Float32[np.ndarray, "n classes"]) -> Sequence[Block]:
        """Attention weights A of every block, tokens of no place first, and the gradients
        ∂⟨cotangent, scores⟩/∂A.
        """
        if self._apart is None:
            return super().attentions(cotangent)
        queries, name = self._survey.queries, self._apart.network
        layouts = [own.layout for own in self._survey.layers.values() if own.layout]
        if queries is not None and any(own.suffix for own in layouts):
            raise NoAttention(
                f"{name} attends to its boxes along with the patches, which these methods do not "
                f"tell apart. {OTHERS}"
            )
        with self._lock:
            seen = self._apart.attend()
            found = self._apart.attended(seen, cotangent, self._reading.native(cotangent))
        tokens = found[0].weights.shape[-1]
        if tokens == queries:
            raise NoAttention(
                f"What attends in {name} can't be told from its boxes, of which there are as "
                f"many. {OTHERS}"
            )
        behind = tokens_behind(self._survey, tokens, name)
        return [block.turned(behind) for block in found] if behind else found

    def by(self, rule: BackwardRule) -> Recording:
        """Recording of one more forward pass of the same pictures, with the rule `rule`."""
        if self._apart is None:
            return super().by(rule)
        with self._lock:
            recorded = self._apart.by(rule)
        own = self._survey, self._lock, self._head, self._meaning, self._reading, self._apart
        return OpenedRecording(recorded, *own)

    def replay(
        self, layer: str, activation: Float32[np.ndarray, "m k *grid"], *, row: int
    ) -> Recording:
        """Recording of the head behind `layer`, for image `row` and given activations."""
        if (layer, row) not in self._heads:
            self._heads[layer, row] = self._head(layer, row)
        return self._heads[layer, row](activation)

    def affine(self, layer: str, *, row: int) -> Step | None:
        """Step and rise of an affine head, which is proven by a few runs once a layer."""
        return None if self._apart is None else self._apart.affine(layer, row)

    def between(self, layer: str, rule: BackwardRule, *, row: int) -> Recording:
        """Recording of the head behind `layer`, for image `row`, at the layer output and at 0."""
        if self._apart is None:
            return super().between(layer, rule, row=row)
        with self._lock:
            pair = self._apart.between(layer, row, rule)
        return OpenedRecording(
            pair, self._survey, self._lock, self._head, self._meaning, self._reading
        )

    def _to_grids(self, outputs: Mapping[str, np.ndarray]) -> dict[str, Activations]:
        """Outputs on the grids of their layers; layers that share an array share one result."""
        shared = {
            name: self._layouts[names[0]].to_grid(outputs[names[0]])
            for names in _sharing(self._recorded.outputs)
            for name in names[:1]
        }
        owner = {name: names[0] for names in _sharing(self._recorded.outputs) for name in names}
        return {name: shared[owner[name]] for name in outputs}


def tokens_behind(survey: Survey, tokens: int, name: str) -> int:
    """How many of as many `tokens` stand behind the patches, as the layers show.

    Raises
    ------
    NoAttention
        If layers have as many tokens, and these lie in another order than the patches.
    """
    for own in survey.layers.values():
        laid = own.layout
        if laid and laid.kind == "tokens":
            if math.prod(laid.grid) + laid.prefix + laid.suffix == tokens:
                return laid.suffix
        elif laid is None and own.without == ELSEWHERE and own.shape[0] == tokens:
            raise NoAttention(
                f"Tokens that lie as the patches do are needed; those of {name} do not, as layer "
                f"{own.name!r} shows: {ELSEWHERE}. {OTHERS}"
            )
    return 0


def layout_of(survey: Survey, name: str) -> Layout:
    """Layout of the output of a layer; as it is where there is no grid."""
    return survey.layers[name].layout or WHOLE


def _sharing(outputs: Mapping[str, Native]) -> list[list[str]]:
    """Names of layers, grouped by shared output array."""
    found: dict[int, list[str]] = {}
    for name, output in outputs.items():
        found.setdefault(id(output), []).append(name)
    return list(found.values())
