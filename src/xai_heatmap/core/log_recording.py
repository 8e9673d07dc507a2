"""Recording of probabilities that is read as a recording of log-probabilities."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from xai_heatmap.core.arrays import Activations, ScoreRow, Scores
from xai_heatmap.core.attention import Block
from xai_heatmap.core.backward import BackwardRule
from xai_heatmap.core.recording import Recording, UseBias, UseGradients, for_and_against
from xai_heatmap.core.shapes import Float32
from xai_heatmap.core.targets.answer import Form, Meaning


def logarithmic_mean(a: ScoreRow, b: ScoreRow) -> ScoreRow:
    """(a - b) / (log a - log b), as ½ (a + b) tanh z / z with z half of that difference."""
    half = (np.log(a) - np.log(b)) / 2
    same = half == 0
    return (a + b) / 2 * np.where(same, 1, np.tanh(half) / np.where(same, 1, half))


@dataclass(frozen=True)
class LogRecording(Recording):
    """Wraps a recording whose scores are probabilities; exposes log-probabilities.

    Stands in where a closing softmax can't be undone: log p_c = z_c - log Σ exp(z), so differences
    between classes are those of the logits, and nothing saturates.
    """

    inner: Recording
    paired: bool = False

    @property
    def meaning(self) -> Meaning:
        """Natural logarithms of probabilities."""
        return "log-probabilities"

    @property
    def form(self) -> Form:
        """Form of the recording beneath."""
        return self.inner.form

    @property
    def scores(self) -> Scores:
        """Natural logarithm of the probabilities."""
        return np.log(self._probabilities())

    @property
    def activations(self) -> Mapping[str, Activations]:
        """Activations of the recording beneath."""
        return self.inner.activations

    def pullback(
        self, cotangent: Float32[np.ndarray, "n classes"]
    ) -> Mapping[str, Float32[np.ndarray, "n k *grid"]]:
        """∂⟨c, log p⟩/∂A = ∂⟨c/p, p⟩/∂A; between two rows p is their logarithmic mean."""
        p = self._probabilities()
        return self.inner.pullback(cotangent / (logarithmic_mean(*p) if self.paired else p))

    def each_gradient(
        self,
        cotangent: Float32[np.ndarray, "n classes"],
        use: UseGradients,
        use_bias: UseBias | None = None,
    ) -> None:
        """As `pullback`, one by one; the bias of a logarithm is log p - 1."""
        self.inner.each_gradient(cotangent / self._probabilities(), use, use_bias)
        if use_bias is not None:
            use_bias(for_and_against(cotangent * (self.scores - 1)))

    def replay(
        self, layer: str, activation: Float32[np.ndarray, "m k *grid"], *, row: int
    ) -> Recording:
        """The head, read in the same way; a head that reads itself so stays as it is."""
        found = self.inner.replay(layer, activation, row=row)
        return found if isinstance(found, LogRecording) else LogRecording(found)

    def attentions(self, cotangent: Float32[np.ndarray, "n classes"]) -> Sequence[Block]:
        """Attention of the recording beneath, for ∂⟨c/p, p⟩."""
        return self.inner.attentions(cotangent / self._probabilities())

    def by(self, rule: BackwardRule) -> "LogRecording":
        """Log-probabilities of the recording beneath, by another rule."""
        return LogRecording(self.inner.by(rule))

    def between(self, layer: str, rule: BackwardRule, *, row: int) -> "LogRecording":
        """Log-probabilities of the recording beneath, between two runs."""
        return LogRecording(self.inner.between(layer, rule, row=row), paired=True)

    def _probabilities(self) -> Scores:
        return np.maximum(self.inner.scores, np.finfo(np.float32).tiny)
