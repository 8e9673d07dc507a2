"""What all metrics of all maps of one question share: its test, and the answers without patches."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from xai_heatmap.core.arrays import DrawnOut, Input, Values
from xai_heatmap.core.evidence import Head
from xai_heatmap.core.metric import Again, Taken
from xai_heatmap.core.network import INPUT
from xai_heatmap.core.registry import find_method
from xai_heatmap.explaining.disturbed import Disturbed, filled
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.explaining.forward_pass import MethodRequest
from xai_heatmap.explaining.opening import opened_at
from xai_heatmap.explaining.question import Question
from xai_heatmap.explaining.testing import Trial
from xai_heatmap.metrics.parts.blocks import blocks_of, over_places
from xai_heatmap.metrics.parts.imputation import Fill, imputation
from xai_heatmap.render.heat import drawn_out


@dataclass
class Shared:
    """Forward passes of one question that were made once for all of its maps and metrics.

    Parameters
    ----------
    question
        The input, and which number is explained.
    """

    question: Question
    _known: dict[tuple[Fill, bytes], float] = field(
        default_factory=dict[tuple[Fill, bytes], float], repr=False
    )

    @cached_property
    def trial(self) -> Trial:
        """The test of any map."""
        return Trial([self.question])

    def without(self, taken: Taken, fill: Fill) -> Values:
        """The explained number without each set of patches.

        Sets that were asked for before are not asked for again; halves that the test of maps takes
        away, filled in as there, come out of the test's own passes.
        """
        keys: list[tuple[Fill, bytes]] = [(fill, own.tobytes()) for own in taken]
        if fill == "linear" and any(key not in self._known for key in keys):
            self._known |= self._of_the_test({own for _, own in keys})
        missing = {key: own for key, own in zip(keys, taken, strict=True) if key not in self._known}
        if missing:
            run = Head(self.question.recording, INPUT, 0, self.question.target)
            values = run(self._pictures(np.stack(list(missing.values())), fill))
            self._known.update(zip(missing, map(float, values), strict=True))
        return np.array([self._known[key] for key in keys], np.float32)

    def _of_the_test(self, wanted: set[bytes]) -> dict[tuple[Fill, bytes], float]:
        """Answers of the test, if it takes away any of these sets."""
        disturbed = self.trial.disturbed
        if not isinstance(disturbed, Disturbed):
            return {}
        halves = disturbed.usual
        sets = [own.tobytes() for half in halves for own in (half, ~half)]
        if wanted.isdisjoint(sets):
            return {}
        values = disturbed.moved(0).halved.ravel()
        return {("linear", own): float(y) for own, y in zip(sets, values, strict=True)}

    def _pictures(self, taken: Taken, fill: Fill) -> Iterator[Input]:
        x = self.question.given.x
        blocks = blocks_of(x.shape[1:])
        if fill == "linear":
            return filled(x, taken, blocks)
        without = imputation(x, fill)
        return (without(over_places(own, blocks)) for own in taken)


def again(one: Explanation, question: Question) -> Again:
    """Function from other pictures to the map that the method of an explanation makes of each: with
    the same options, at the same layer, of the same number.
    """
    ask = MethodRequest(find_method(one.method), one.options, [one.layer.name])
    names = opened_at([ask], question.survey)

    def maps(pictures: Iterable[Input]) -> Iterator[DrawnOut]:
        for x in pictures:
            (found,) = question.of(x, names, [ask]).explanations([ask])
            yield drawn_out(found.map, x.shape[1:], extent=found.extent)

    return maps


def unmoved(map_: DrawnOut) -> Again:
    """The same for a map that looks at no picture."""
    return lambda pictures: (map_ for _ in pictures)
