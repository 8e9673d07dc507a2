"""Planted scene: a picture, and the truth about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from xai_heatmap.core.arrays import Image
from xai_heatmap.core.errors import BadOption
from xai_heatmap.core.shapes import Bool

Mask = Bool[np.ndarray, "H W"]
"""Mask of a thing: True where the thing covers at least half of the pixel."""

Box = tuple[int, int, int, int]
"""Left, top, right, bottom; the last two are outside. (0, 0, 0, 0) where nothing is seen."""

NOTHING: Box = (0, 0, 0, 0)


@dataclass(frozen=True, eq=False)
class Planted:
    """One object of a class, as far as it is seen."""

    label: str
    category: int
    mask: Mask
    parts: Mapping[str, Mask]
    """Every named part; ``TELLING`` says which of them make the class."""
    telling: tuple[str, ...]

    @property
    def box(self) -> Box:
        """Box around the object's mask."""
        return box_of(self.mask)

    @property
    def boxes(self) -> Mapping[str, Box]:
        """Boxes around the object's parts."""
        return MappingProxyType({name: box_of(mask) for name, mask in self.parts.items()})

    @property
    def telling_mask(self) -> Mask:
        """The telling parts together."""
        return np.logical_or.reduce([self.parts[name] for name in self.telling])


@dataclass(frozen=True, eq=False)
class Mark:
    """A badge that stands for a class."""

    label: str
    category: int
    mask: Mask

    @property
    def box(self) -> Box:
        """Box around the mark's mask."""
        return box_of(self.mask)


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture with what was planted in it; nothing, one object, or two."""

    seed: int
    image: Image
    objects: tuple[Planted, ...]
    mark: Mark | None = None

    @property
    def label(self) -> str:
        """Class of the one object, by name."""
        return self._only.label

    @property
    def category(self) -> int:
        """Number of the one object's class among the ``CLASSES``."""
        return self._only.category

    @property
    def mask(self) -> Mask:
        """Mask of the one object, where it is seen."""
        return self._only.mask

    @property
    def parts(self) -> Mapping[str, Mask]:
        """Masks of the one object's parts, where these are seen."""
        return self._only.parts

    @property
    def box(self) -> Box:
        """Box around the one object."""
        return self._only.box

    @property
    def boxes(self) -> Mapping[str, Box]:
        """Boxes around the one object's parts."""
        return self._only.boxes

    @property
    def _only(self) -> Planted:
        if len(self.objects) != 1:
            raise BadOption(
                f"One object was asked for; this scene has {len(self.objects)}. "
                f"Take them from scene.objects."
            )
        return self.objects[0]


def box_of(mask: Mask) -> Box:
    """The smallest box around what is True."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return NOTHING
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
