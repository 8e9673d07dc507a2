"""Cache of facts of a model, by shape of the input and across calls."""

import threading
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from xai_heatmap.core.boxes.spec import Boxes
from xai_heatmap.core.network import Survey
from xai_heatmap.core.targets.answer import Meaning
from xai_heatmap.networks.opening.attended import Attended
from xai_heatmap.networks.opening.axes_found import Settled
from xai_heatmap.networks.opening.head_check import Proof
from xai_heatmap.networks.opening.interfaces import Closing, ModelTrace, Undo
from xai_heatmap.networks.opening.recent import SIZES, Recent
from xai_heatmap.networks.opening.taps import Site


@dataclass(frozen=True)
class ShapePlan:
    """Plan of a network for inputs of one shape: survey, tap sites, final activation."""

    survey: Survey
    sites: Mapping[str, Site]
    closing: Closing | None
    undo: Undo
    boxes: Boxes | None = None
    names: tuple[str, ...] = ()
    scores: tuple[int, ...] = ()


@dataclass
class ModelCache:
    """Facts of one model, kept from call to call: surveys, proofs, meanings. Holds no reference to
    the model, so a cache is freed with its model.
    """

    surveys: dict[Any, tuple[ModelTrace, Survey]] = field(default_factory=Recent)
    proven: dict[Any, bool] = field(default_factory=lambda: Recent(4 * SIZES))
    meanings: dict[Any, Meaning] = field(default_factory=lambda: Recent(4 * SIZES))
    heads: dict[Any, Proof] = field(default_factory=lambda: Recent(64 * SIZES))
    attended: Attended = field(default_factory=Attended)
    kept: dict[Any, Any] = field(default_factory=dict)
    axes: dict[Any, Settled] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    parts: list[int] = field(default_factory=list)
    one_by_one: bool = False

    def know(self, parts: list[int]) -> None:
        """Clear the cache if the parts of the model have changed."""
        if self.parts and parts != self.parts:
            self.surveys.clear()
            self.axes.clear()
            self.proven.clear()
            self.meanings.clear()
            self.heads.clear()
            self.attended = Attended()
            self.one_by_one = False
            for own in ("overwritten", "layouts", "notes"):
                self.kept.get(own, {}).clear()
        self.parts = parts


_CACHES: "weakref.WeakKeyDictionary[Any, ModelCache]" = weakref.WeakKeyDictionary()


def cache_of(model: Any) -> ModelCache:
    """The cache of that very model, made on the first call."""
    return _CACHES.setdefault(model, ModelCache())
