"""Network of a model that answers in words: its layers up to the picture's tokens have a grid."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from xai_heatmap.core.network import Layer, Survey
from xai_heatmap.networks.loading.loaded import Declaring

AMONG_WORDS = "its places are tokens of pictures and of words, one after the other"
"""Reason that a layer of the language model has no grid."""

REASON = "the picture's tokens as the language model reads them"


@dataclass(frozen=True)
class SpeakingNetwork(Declaring):
    """Network completed by the declarations of its source, of a model that answers in words.

    Parameters
    ----------
    picture
        Layer of the picture's tokens; behind it they stand among the words, and no layer has a
        grid.
    """

    picture: str = "picture"

    @property
    def layers(self) -> Mapping[str, Layer]:
        """Every layer in order of execution."""
        return self._cut(self.inner.layers)

    def survey(self, shape: Sequence[int]) -> Survey:
        """Survey with the picture's tokens as the layer to look at first."""
        found = self.inner.survey(shape)
        layers = self._cut(found.layers)
        levels = (*(one for one in found.levels if layers[one].layout is not None), self.picture)
        return replace(
            found,
            layers=layers,
            auto=self.picture,
            reason=REASON,
            levels=tuple(dict.fromkeys(levels)),
            heads={},
        )

    def _cut(self, layers: Mapping[str, Layer]) -> dict[str, Layer]:
        cut, behind = dict[str, Layer](), False
        for name, own in layers.items():
            cut[name] = replace(own, layout=None, without=AMONG_WORDS) if behind else own
            behind = behind or name == self.picture
        return cut
