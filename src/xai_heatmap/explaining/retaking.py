"""Test of a map after it was made: the input is kept, and goes through the network again."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from xai_heatmap import networks
from xai_heatmap.core.arrays import Input
from xai_heatmap.core.errors import BadOption
from xai_heatmap.core.targets.target import Target
from xai_heatmap.core.tested import USUAL
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.explaining.prepared_input import PreparedInput
from xai_heatmap.explaining.question import Question
from xai_heatmap.explaining.request import answers_of

CLOSE = 1e-2
"""Part of its scale by which another run of the same network may answer differently."""


@dataclass(frozen=True, eq=False)
class Retake:
    """The input and the target of an explanation.

    Parameters
    ----------
    x
        The input as the network took it.
    target
        Which number was explained.
    """

    x: Input
    target: Target

    def __call__(self, one: Explanation, network: Any, passes: int = USUAL) -> Explanation:
        """The explanation with the result of its test.

        Raises
        ------
        BadOption
            If the network answers the input with another number.
        """
        from xai_heatmap.explaining.movement import scale_of  # the metrics, where maps are tested
        from xai_heatmap.explaining.testing import Trial

        opened = networks.network(network)
        recording = opened.record(np.ascontiguousarray(self.x[None], np.float32))
        (answer,) = answers_of(recording, opened, None, None)
        given = PreparedInput(one.image, one.name, self.x, one.geometry, array=one.array)
        question = Question(opened, given, recording, answer, tuple(one.predictions), self.target)
        if not abs(question.score - one.score) <= CLOSE * max(scale_of(question), abs(one.score)):
            raise BadOption(
                f"The network answers this input with {question.score:.4g}, and the explanation "
                f"is of {one.score:.4g}: it is of another network, or of one with other weights "
                "or other held values. Give the network that the explanation was made with."
            )
        return Trial([question], passes, more=True).explanation(one)

    def __reduce__(self) -> tuple[Any, tuple[()]]:
        """None: targets are functions, which belong to one process."""
        return type(None), ()
