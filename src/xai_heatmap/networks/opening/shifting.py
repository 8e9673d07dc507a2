"""Operations that may move values from one place of a picture to another, by name and by the
shapes before and after.

Where none is in a network, its grids lie over the picture, and nobody has to look.
"""

from collections.abc import Sequence

RANK = 4
"""Axes of an array of images: with fewer it holds tokens, features, or a shape."""

CUTS = ("pad", "slice", "crop")
"""Parts of the names of operations that remove or add places at the sides."""

TURNS = (
    *("rev", "flip", "rot90", "roll", "transpose", "permute"),
    *("gather", "take", "sample", "transform", "cropandresize", "roialign"),
    *("while", "scan", "partitionedcall", "loop"),
)
"""Parts of the names of operations that may move places anywhere, or that contain operations."""

LITTLE, A_FEW, SHARE = 6, 2, 4
"""Limits of the padding for a kernel, in places of an axis, the last as a share 1 / `SHARE`."""

CUT_SHARE = 16
"""The same share for what is cut off: no kernel asks for that, but a crop does, of few places where
the picture is small.
"""


def may_shift(
    operation: str, before: Sequence[int | None] | None, after: Sequence[int | None] | None
) -> bool:
    """Whether an operation may move places, by name and by the shapes `before` and `after`, None
    where a shape is unknown.

    >>> may_shift("PadV2", (2, 224, 224, 3), (2, 230, 230, 3))
    False
    >>> may_shift("PadV2", (2, 224, 224, 3), (2, 224, 336, 3))
    True
    >>> may_shift("StridedSlice", (2, 24, 24, 3), (2, 20, 20, 3))
    True
    """
    said = operation.casefold().replace("_", "")
    if after is not None and len(after) < RANK:
        return False
    if any(word in said for word in TURNS):
        return True
    if not any(word in said for word in CUTS):
        return False
    if before is None or after is None or len(before) != len(after):
        return True
    share = SHARE if "pad" in said else CUT_SHARE
    return any(_much(*ends, share) for ends in zip(before[1:], after[1:], strict=True))


def _much(before: int | None, after: int | None, share: int) -> bool:
    """Whether an axis became longer or shorter by more than a kernel asks for."""
    if before is None or after is None:
        return True
    more = abs(after - before)
    return more > LITTLE or (more > A_FEW and more * share > before)
