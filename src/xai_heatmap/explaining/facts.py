"""Facts of an explanation: the map, its origin and its worth."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from xai_heatmap.core.arrays import Image, Input, Map
from xai_heatmap.core.boxes.detections import Detection
from xai_heatmap.core.filling import plain_options
from xai_heatmap.core.geometry import Geometry
from xai_heatmap.core.layers.placing import Extent
from xai_heatmap.core.network import Layer
from xai_heatmap.core.prediction import Prediction
from xai_heatmap.core.targets.answer import ROW, Form, Meaning
from xai_heatmap.core.tested import Tested
from xai_heatmap.core.verdict import Verdict
from xai_heatmap.core.version import installed_version
from xai_heatmap.explaining.notes import (
    of_its_place,
    of_the_guard,
    of_the_map,
    of_the_scores,
    of_the_test,
    of_what_was_seen,
)
from xai_heatmap.sinks.folder import safe_stem
from xai_heatmap.sinks.identity import identity

FINE, TINY = 32 * 32, 64
"""Places of a grid beyond which an outline is more in the way than of help, and pixels of a side
below which it hides what it outlines.
"""


Same = TypeVar("Same", bound="Facts")

Retaken = Callable[[Any, Any, int], Any]
"""What is kept of a question so that its map can be tested later, in the same process: from the
explanation, a network and a number of passes to the explanation with its test."""


@dataclass(frozen=True)
class Facts:
    """The facts of an `Explanation`, which says what each is."""

    map: Map
    image: Image
    name: str
    geometry: Geometry | None
    method: str
    layer: Layer
    target: str
    score: float
    predictions: Sequence[Prediction]
    verdict: Verdict
    network: str
    index: int | None = None
    layer_reason: str = ""
    signed: bool = False
    options: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    preprocess: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    meaning: Meaning = "logits"
    form: Form = ROW
    detection: Detection | None = None
    array: Input | None = None
    regions: Mapping[int, float] = field(default_factory=lambda: MappingProxyType({}))
    features: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    tested: Tested | None = None
    instead: Any = None
    retake: Retaken | None = field(default=None, repr=False, compare=False)

    def at(self: Same, layer: Layer, reason: str) -> Same:
        """The same facts under the name of another layer, whose output is the same array."""
        return self.but(layer=layer, layer_reason=reason)

    def but(self: Same, **others: object) -> Same:
        """The same facts but for some; as `dataclasses.replace`, which asks every field again."""
        other = object.__new__(type(self))
        vars(other).update(vars(self), **others)
        return other

    @property
    def attributions(self) -> dict[str, float]:
        """Contribution of each feature of a table's row, by the feature's name, the strongest
        first.
        """
        pairs = zip(self.features, map(float, self.map), strict=False)
        return dict(sorted(pairs, key=lambda pair: -abs(pair[1])))

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes for a reader of the map, in sentences."""
        return (
            *self.said,
            *of_what_was_seen(self.geometry),
            *of_its_place(self.layer),
            *of_the_scores(self.meaning, self.form, self.detection),
            *of_the_map(self.verdict),
            *of_the_test(self.tested),
            *of_the_guard(self.instead),
        )

    @property
    def channels(self) -> tuple[Any, ...]:
        """Explanations of each channel of the input, where the map is (c, *grid) as the option
        ``channels="each"`` makes it; none of a map of all channels together.
        """
        if self.options.get("channels") != "each" or self.map.ndim != self.axes + 1:
            return ()
        own = {name: value for name, value in self.options.items() if name != "channels"}
        return tuple(replace(self, map=one, options=own) for one in self.map)

    @property
    def extent(self) -> Extent | None:
        """Between which places of the input the map's cells lie on each axis; None: from one end to
        the other, as do those of a map with another grid than its layer.
        """
        return self.layer.extent if self.map.shape[-self.axes :] == self.layer.grid else None

    @property
    def outlined(self) -> bool:
        """Whether an outline helps where nobody says: on coarse grids, of pictures that are not
        tiny.
        """
        return self.layer.places <= FINE and min(self.image.shape[:2]) >= TINY

    @property
    def axes(self) -> int:
        """Number of grid axes of what is explained: 1 of signals, 2 of pictures, 3 of volumes."""
        return 2 if self.array is None else self.array.ndim - 1

    @property
    def stem(self) -> str:
        """Stem of the names of saved files: picture, method, layer and target."""
        picture = Path(self.name).stem
        sides = [side.partition(",")[0] for side in self.target.split(" - ")]  # first synonyms
        target = "-".join(sides).replace(" ", "_")
        method = self.method.replace(":", "-")
        return safe_stem(f"{picture}.{method}.{self.layer.name}.{target}")

    @property
    def identity(self) -> str:
        """A digest of the picture and of what was asked, 16 hexadecimal digits.

        A saved result is replaced only by one with the same digest, so that other pictures of the
        same name, other options or other networks never overwrite it.
        """
        return identity(self.image if self.array is None else self.array, self.to_dict())

    @property
    def caption(self) -> str:
        """Layer, method and target in one line."""
        return f"{self.layer.name} · {self.method} · {self.target}"

    @property
    def probability(self) -> float | None:
        """Probability of what is explained, where that is a class among the likeliest or a box;
        else None.
        """
        if self.detection is not None:
            return self.detection.probability
        if self.form != ROW:  # predictions are shares of places
            return None
        own = (self.index, self.target)
        return next((p.probability for p in self.predictions if (p.index, p.label) == own), None)

    def to_dict(self) -> dict[str, object]:
        """Every fact but the arrays, as plain values; the map's own range is among them."""
        return {
            "image": self.name,
            "network": self.network,
            "layer": self.layer.name,
            "layer_shape": list(self.layer.shape),
            "layer_reason": self.layer_reason,
            "method": self.method,
            "options": plain_options(self.options),
            **({"attributions": self.attributions} if self.features else {}),
            **({"regions": dict(self.regions)} if self.regions else {}),
            "target": self.target,
            "target_index": self.index,
            **({} if self.detection is None else {"detection": vars(self.detection)}),
            "score": self.score,
            "meaning": self.meaning,
            "places": list(self.form.grid),
            "predictions": [vars(prediction) for prediction in self.predictions],
            "verdict": vars(self.verdict) | {"figures": dict(self.verdict.figures)},
            **({} if self.tested is None else {"tested": self.tested.to_dict()}),
            **({} if self.instead is None else {"instead": _briefly(self.instead)}),
            "notes": list(self.notes),
            "map_range": [float(self.map.min()), float(self.map.max())],
            "preprocess": dict(self.preprocess),
            "geometry": self.geometry.to_dict() if self.geometry else None,
            "input_shape": None if self.array is None else list(self.array.shape),
            "xai_heatmap": installed_version(),
        }


def _briefly(one: Facts) -> dict[str, object]:
    """Which map stands beside another, and the result of its test."""
    tested = None if one.tested is None else one.tested.to_dict()
    return {"method": one.method, "layer": one.layer.name, "tested": tested}
