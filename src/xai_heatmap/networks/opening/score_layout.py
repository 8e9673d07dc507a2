"""Conversion of a model's own scores to one row per image, and back."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from xai_heatmap.core.arrays import Native, Scores
from xai_heatmap.core.errors import NoScores
from xai_heatmap.core.layers.layout import Layout, layout
from xai_heatmap.core.targets.answer import ROW, Form


@dataclass(frozen=True)
class Reading:
    """Layout of a model's own scores.

    Parameters
    ----------
    shape
        Of the scores of one image, as the model answers them.
    layout
        Where classes and places stand in it; None for one score a class.
    steps
        Whether the places are steps of a sequence, which lie nowhere on the picture.
    names
        Of the scores, where those of several outputs stand side by side.
    """

    shape: tuple[int, ...]
    layout: Layout | None
    steps: bool = False
    names: tuple[str, ...] = ()

    @property
    def form(self) -> Form:
        """Form of the rows of scores."""
        if self.layout is None:
            return replace(ROW, names=self.names) if self.names else ROW
        last = self.layout.kind == "channels_last"
        return Form(self.layout.grid, steps=self.steps, classes_last=last)

    def rows(self, native: Native) -> Scores:
        """Reorder the scores to one row per image: class by class, place by place."""
        if self.layout is None:
            return native
        return np.ascontiguousarray(self.layout.to_grid(native)).reshape(len(native), -1)

    def native(self, rows: Scores) -> Native:
        """Rows in the layout of the model's own scores."""
        if self.layout is None:
            return rows
        units = rows.shape[1] // self.form.places
        grids = rows.reshape(len(rows), units, *self.layout.grid)
        return self.layout.to_native(grids, like=np.empty((1, *self.shape), np.float32))


def reading(
    shape: Sequence[int],
    *,
    image: Sequence[int],
    channels_last: bool,
    grids: Collection[tuple[int, ...]] = (),
    like: Layout | None = None,
) -> Reading:
    """Layout of scores of `shape`, images first.

    Parameters
    ----------
    shape
        (n, classes), or (n, classes, *grid) in either order; (n, rows, columns) of one value a
        place, on a grid that the network has; (n, steps, classes) of a sequence.
    image
        Length of the picture's own axes.
    channels_last
        What to believe where the shape could be read either way.
    grids
        Those of the network's layers.
    like
        How the layer is read that answers the scores, where there is one.

    Raises
    ------
    NoScores
        For anything else.
    """
    own = tuple(shape[1:])
    if len(shape) == 2:
        return Reading(own, None)
    if len(image) == 1 and like is not None and len(shape) == 3 and like.grid[0] in own:
        return Reading(own, like)
    if len(shape) == len(image) + 1 > 2 and (own == tuple(image) or own in grids):
        return Reading(own, Layout("places", own))
    found = layout(shape, images=shape[0], image=image, channels_last=channels_last)
    if found is not None and found.kind != "tokens":
        return Reading(own, found)
    if len(shape) == 3:
        return Reading(own, Layout("channels_last", own[:1]), steps=True)
    raise NoScores(
        f"The model answers {said(own, image)}; one score a class was expected, (images, "
        "classes), or one a class and place, (images, classes, rows, columns). Wrap the model so "
        "that it answers the numbers to be explained, or name another output: "
        "xai_heatmap.network(model, output=KEY)."
    )


def said(own: Sequence[int], image: Sequence[int]) -> str:
    """Shapes of the scores and of the picture, in words."""
    return f"{'x'.join(map(str, own))} for each picture of {'x'.join(map(str, image))}"


def sum_to_one(scores: Scores, form: Form) -> bool:
    """Whether every place of every row reads as probabilities of classes that exclude each
    other.
    """
    units = form.classes(scores.shape[1])
    if units < 2 or not (scores >= 0).all():
        return False
    sums = scores.reshape(len(scores), units, -1).sum(axis=1)
    return bool(np.allclose(sums, 1, atol=1e-3))
