"""Recording of one picture out of a batch that went through a network together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from xai_heatmap.core.affine import Step
from xai_heatmap.core.arrays import Activations, Scores
from xai_heatmap.core.attention import Block
from xai_heatmap.core.backward import BackwardRule
from xai_heatmap.core.recording import Recording, UseBias, UseGradients
from xai_heatmap.core.shapes import Float32
from xai_heatmap.core.targets.answer import Form, Meaning


@dataclass(frozen=True)
class RowRecording(Recording):
    """View of one row of a recording, as if that picture had gone through alone.

    Parameters
    ----------
    inner
        The recording of the whole batch.
    row
        Which picture of it.
    """

    inner: Recording
    row: int

    @property
    def meaning(self) -> Meaning:
        """Meaning of the recording beneath."""
        return self.inner.meaning

    @property
    def form(self) -> Form:
        """Form of the recording beneath."""
        return self.inner.form

    @property
    def scores(self) -> Scores:
        """Scores of that picture, one row."""
        return self.inner.scores[self.row : self.row + 1]

    @property
    def activations(self) -> Mapping[str, Activations]:
        """Activations of that picture."""
        return {name: self._own(found) for name, found in self.inner.activations.items()}

    def pullback(
        self, cotangent: Float32[np.ndarray, "n classes"]
    ) -> Mapping[str, Float32[np.ndarray, "n k *grid"]]:
        """Gradients of that picture; the others are given a cotangent of 0."""
        found = self.inner.pullback(self._among_all(cotangent))
        return {name: self._own(gradient) for name, gradient in found.items()}

    def each_gradient(
        self,
        cotangent: Float32[np.ndarray, "n classes"],
        use: UseGradients,
        use_bias: UseBias | None = None,
    ) -> None:
        """As `pullback`, one by one."""

        def use_own(names: Sequence[str], found: np.ndarray) -> None:
            use(names, self._own(found))

        def use_own_bias(found: np.ndarray) -> None:
            if use_bias is not None:
                use_bias(self._own(found))

        biased = None if use_bias is None else use_own_bias
        self.inner.each_gradient(self._among_all(cotangent), use_own, biased)

    def replay(
        self, layer: str, activation: Float32[np.ndarray, "m k *grid"], *, row: int
    ) -> Recording:
        """The head of that picture."""
        del row  # there is one
        return self.inner.replay(layer, activation, row=self.row)

    def affine(self, layer: str, *, row: int) -> Step | None:
        """As of the recording beneath."""
        del row
        return self.inner.affine(layer, row=self.row)

    def attentions(self, cotangent: Float32[np.ndarray, "n classes"]) -> Sequence[Block]:
        """Attention of that picture's tokens."""
        return [
            replace(
                block,
                weights=self._own(block.weights),
                slopes=self._own(block.gradients),
                known=None if block.known is None else self._own(block.known),
            )
            for block in self.inner.attentions(self._among_all(cotangent))
        ]

    def by(self, rule: BackwardRule) -> Recording:
        """The same picture, whose way back is that of another rule."""
        return RowRecording(self.inner.by(rule), self.row)

    def between(self, layer: str, rule: BackwardRule, *, row: int) -> Recording:
        """Two rows of that picture."""
        del row
        return self.inner.between(layer, rule, row=self.row)

    def _own(self, found: np.ndarray) -> np.ndarray:
        return found[self.row : self.row + 1]

    def _among_all(self, cotangent: np.ndarray) -> np.ndarray:
        every = np.zeros((len(self.inner.scores), cotangent.shape[1]), np.float32)
        every[self.row] = cotangent[0]
        return every
