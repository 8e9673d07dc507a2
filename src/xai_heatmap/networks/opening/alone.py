"""Head that runs one activation at a time, for networks that mix the images of a batch."""

from collections.abc import Mapping

import numpy as np

from xai_heatmap.core.arrays import Native
from xai_heatmap.core.backward import BackwardRule
from xai_heatmap.networks.opening.interfaces import Head, Recorded


class Alone:
    """Another head, run once for each activation."""

    def __init__(self, head: Head) -> None:
        self._head = head
        self.output: Native = head.output

    def __call__(self, output: Native) -> Recorded:
        """Recording of the head for several outputs of the layer, with a separate run for each."""
        runs = [self._head(output[row : row + 1]) for row in range(len(output))]
        names = list(runs[0].outputs)

        def pullback(cotangent: Native) -> Mapping[str, Native]:
            rows = [run.pullback(cotangent[row : row + 1]) for row, run in enumerate(runs)]
            return {name: np.concatenate([own[name] for own in rows]) for name in names}

        outputs = {name: np.concatenate([run.outputs[name] for run in runs]) for name in names}
        return Recorded(np.concatenate([run.scores for run in runs]), outputs, pullback)

    def between(self, other: Native, rule: BackwardRule) -> Recorded:
        """Recording of two runs of the head, one after the other or side by side."""
        return self._head.between(other, rule)
