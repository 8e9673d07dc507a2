"""Several outputs of a model, explained together: their numbers side by side in one row."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from xai_heatmap.core.boxes.spec import Boxes
from xai_heatmap.core.errors import BadOption
from xai_heatmap.networks.opening.outputs import scores_in

Key = str | int
"""Key, name or index of one output."""

NAMED = 100_000
"""Most numbers of a row that are given names; longer rows go by number."""


@dataclass(frozen=True)
class SideBySide:
    """Outputs of a model whose numbers make one row of scores, in the order of `keys`.

    Parameters
    ----------
    keys
        Of the outputs.
    shapes
        Shape of each output for one image, by its key, as the model last answered it.
    """

    keys: tuple[Key, ...]
    shapes: dict[Key, tuple[int, ...]] = field(
        default_factory=dict[Key, tuple[int, ...]], compare=False
    )

    def row(
        self,
        answered: Any,
        flat: Callable[[Any], Any],
        join: Callable[[list[Any]], Any],
        *,
        images: int | None = None,
    ) -> Any:
        """Numbers of all outputs, (n, numbers), as a tensor of the framework.

        Parameters
        ----------
        answered
            What the model answers.
        flat, join
            From an output to (n, numbers), and from those of all outputs to one row.
        images
            How many pictures went in, where that is known.
        """
        parts = [scores_in(answered, images=images, which=key) for key in self.keys]
        shapes = (tuple(part.shape[1:]) for part in parts)
        self.shapes.update(zip(self.keys, shapes, strict=True))
        return join([flat(part) for part in parts])

    @property
    def labels(self) -> tuple[str, ...]:
        """Name of each number: ``age``, where its output has no other, else ``breed[3]``.

        Empty where a shape is unknown, or there are more than `NAMED`.
        """
        shapes = [self.shapes.get(key) for key in self.keys]
        known = [shape for shape in shapes if shape is not None and None not in shape]
        if len(known) < len(shapes) or sum(map(math.prod, known)) > NAMED:
            return ()
        pairs = zip(self.keys, known, strict=True)
        return tuple(
            str(key) if math.prod(shape) == 1 else f"{key}[{','.join(map(str, place))}]"
            for key, shape in pairs
            for place in np.ndindex(*shape)
        )


Output = str | int | Boxes | SideBySide | None
"""Output of a model that is explained: one, a detector's boxes, several; None: the likeliest."""


def side_by_side(keys: Sequence[Key]) -> SideBySide:
    """Outputs of a model by their keys.

    Raises
    ------
    BadOption
        For no key, something else than keys, or a key that stands there twice.
    """
    fitting = all(isinstance(key, str | int) and not isinstance(key, bool) for key in keys)
    if not keys or not fitting or len(set(keys)) < len(keys):
        raise BadOption(
            "Several outputs are named by their keys or indices, each once, such as "
            f"output=['age', 'breed']; received {list(keys)!r}."
        )
    return SideBySide(tuple(keys))
