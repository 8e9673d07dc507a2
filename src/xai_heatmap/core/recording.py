"""One forward pass through a network: scores, activations, gradients, heads to run again."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from xai_heatmap.core.affine import Step
from xai_heatmap.core.arrays import Activations, Scores
from xai_heatmap.core.attention import OTHERS, Block
from xai_heatmap.core.backward import BackwardRule
from xai_heatmap.core.errors import NoAttention, NoRule
from xai_heatmap.core.shapes import Float32
from xai_heatmap.core.targets.answer import ROW, Form, Meaning

UseGradients = Callable[[Sequence[str], Float32[np.ndarray, "n k *grid"]], None]
"""Callback for the gradients of layers that share one array: (layer names, gradients)."""

UseBias = Callable[[Float32[np.ndarray, "n 2 ..."]], None]
"""Callback for the contribution of one bias to each image, as `ForAndAgainst`."""


class Recording(ABC):
    """One forward pass of a batch: scores, activations, gradients on demand, heads to run again."""

    @property
    @abstractmethod
    def scores(self) -> Scores:
        """Before a closing softmax or sigmoid, whenever the model has one that can be undone."""

    @property
    @abstractmethod
    def meaning(self) -> Meaning:
        """Scale of the scores: logits, probabilities, log-probabilities, log-odds or values."""

    @property
    def form(self) -> Form:
        """Layout of a row of scores: one a class, or one a class and place."""
        return ROW

    @property
    @abstractmethod
    def activations(self) -> Mapping[str, Activations]:
        """Activations of every layer that was asked for, ``n k *grid``."""

    @abstractmethod
    def pullback(
        self, cotangent: Float32[np.ndarray, "n classes"]
    ) -> Mapping[str, Float32[np.ndarray, "n k *grid"]]:
        """∂⟨cotangent, scores⟩/∂A of every layer that was asked for, in one backward pass."""

    @abstractmethod
    def each_gradient(
        self,
        cotangent: Float32[np.ndarray, "n classes"],
        use: UseGradients,
        use_bias: UseBias | None = None,
    ) -> None:
        """Gradients as of `pullback`, each handed to ``use(layers, gradients)`` as soon as known
        and not kept: `layers` are those that gave one and the same array. What each bias
        contributed goes to `use_bias`, where biases were recorded.
        """

    @abstractmethod
    def replay(
        self, layer: str, activation: Float32[np.ndarray, "m k *grid"], *, row: int
    ) -> "Recording":
        """Run only the head: image `row` from `layer` on, with other activations in its place."""

    def affine(self, layer: str, *, row: int) -> Step | None:
        """Step of what `layer` said of image `row` and what it adds to the scores, if what lies
        behind the layer was proven to be affine, so that any other step adds its own; else None.
        """
        return None

    def attentions(self, cotangent: Float32[np.ndarray, "n classes"]) -> Sequence[Block]:
        """Attention of every block of a transformer, and ∂⟨cotangent, scores⟩ by that attention;
        one forward pass in which attention is written out, and one backward pass.

        Raises
        ------
        NoAttention
            If there is none among all tokens of an image, or it can't be seen.
        """
        raise NoAttention(f"Attention can't be seen in this kind of network. {OTHERS}")

    def by(self, rule: BackwardRule) -> "Recording":
        """Recording of the same pictures at the same layers, whose way back is that of another
        rule; one more forward pass.

        Raises
        ------
        NoRule
            If the network's framework does not carry the rule out.
        """
        raise NoRule(rule.refusal)

    def between(self, layer: str, rule: BackwardRule, *, row: int) -> "Recording":
        """Image `row` from `layer` on, with what the layer said and with 0 in its place: two rows.

        The way back of the first is that of a rule of slopes, such as DeepLIFT's: every derivative
        is the slope between the two rows, so that what it gives, times what the layer said, sums to
        the rise.

        Raises
        ------
        NoRule
            If the network's framework has no such way back, or an operation behind the layer.
        """
        raise NoRule(rule.refusal)


def for_and_against(
    contributions: Float32[np.ndarray, "n k ..."],
) -> Float32[np.ndarray, "n 2 ..."]:
    """Positive and negative contributions, each summed over feature maps."""
    return np.stack([np.maximum(contributions, 0).sum(1), np.minimum(contributions, 0).sum(1)], 1)
