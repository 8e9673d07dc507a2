"""Explanations as the viewer's page holds them: pictures, maps in 256 levels, and facts."""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from xai_heatmap.core.arrays import Image, Input
from xai_heatmap.core.network import INPUT, Layer
from xai_heatmap.core.plain import plain
from xai_heatmap.core.registry import all_methods
from xai_heatmap.core.shapes import Float32
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.explaining.grid import Cell, Refusal
from xai_heatmap.explaining.upright import seen_of, upright
from xai_heatmap.render.viewer import picture_url
from xai_heatmap.sinks.store.levels import packed

Facts = dict[str, object]

LEVELS = {"ok": "good", "cancelled": "warning", "dead_gradient": "warning"}
"""How bad a verdict is; any other is worth a note."""

SLICES, SIDE = 128, 512
"""Most slices of a volume in a page, and pixels of their longer side."""

POINTS = 2000
"""Most values of a signal's channel in a page."""

KINDS = {1: "signal", 2: "image", 3: "volume"}

Signal = Float32[np.ndarray, "..."]


@dataclass
class Viewed:
    """One picture with all that is held of it.

    Parameters
    ----------
    picture
        Facts, and the picture itself as ``data:`` addresses.
    packets
        By method and target, the facts with the maps of all layers.
    layers, methods
        What the maps are of, by name.
    network, task
        Of the first map.
    """

    picture: Facts
    packets: dict[tuple[str, str], Facts] = field(default_factory=dict[tuple[str, str], Facts])
    layers: dict[str, Facts] = field(default_factory=dict[str, Facts])
    methods: dict[str, Facts] = field(default_factory=dict[str, Facts])
    network: str = ""
    task: str = "classes"

    def add(self, one: Explanation) -> None:
        """Hold one more map; a map for each channel is as many maps."""
        parts = one.channels
        for number, part in enumerate(parts):
            self._add(part, f"{one.method}, channel {number + 1}")
        if not parts:
            self._add(one, one.method)

    def _add(self, one: Explanation, method: str) -> None:
        own = self.packets.setdefault((method, _words(one)), _packet(one, method, self.picture))
        own["maps"] += [_map(one)]  # type: ignore[operator]
        self.layers.setdefault(one.layer.name, _layer(one.layer, reason=one.layer_reason))
        told = self.methods.setdefault(method, _method(method, one.method))
        if one.layer.name != INPUT:
            told["at"] = "layer"
        self.network = self.network or one.network
        self.task = "boxes" if one.detection is not None else self.task

    def refused(self, refusal: Refusal) -> None:
        """Hold why there is no map of a method at a layer, beside the maps that there are."""
        error = {"code": refusal.error.code, "message": str(refusal.error)}
        for (method, _), packet in self.packets.items():
            if method == refusal.method:
                packet["maps"] += [{"layer": refusal.layer, "error": error}]  # type: ignore[operator]


def viewed(cells: Iterable[Cell]) -> list[Viewed]:
    """Every picture with what is held of it, in the order in which they come."""
    found: dict[str, Viewed] = {}
    refusals: list[tuple[Viewed, Refusal]] = []
    digests: dict[tuple[int, str], tuple[Image, str]] = {}
    last: Viewed | None = None
    for cell in cells:
        if isinstance(cell, Refusal):
            if last is not None:
                refusals.append((last, cell))
            continue
        # The picture is kept beside its digest, so that its address is not another's later.
        place = id(cell.image), cell.name
        if place not in digests:
            digests[place] = cell.image, _digest(cell)
        key = digests[place][1]
        if key not in found:
            found[key] = Viewed(_picture(cell, key))
        last = found[key]
        last.add(cell)
    for one, refusal in refusals:
        one.refused(refusal)
    return list(found.values())


def held(title: str, shown: Iterable[Viewed], *, intro: Iterable[str] = ()) -> Facts:
    """What a page holds, in plain values.

    Parameters
    ----------
    title, intro
        Head of the page, and lines below it.
    shown
        At least one picture, with at least one map.
    """
    shown = list(shown)
    layers = {name: facts for one in shown for name, facts in one.layers.items()}
    methods: dict[str, Facts] = {}
    for one in shown:
        for name, facts in one.methods.items():
            methods[name] = {**facts, **({"at": "layer"} if "layer" in _at(methods, name) else {})}
    kept = {name: own for name, own in layers.items() if name != INPUT} or layers
    return plain(
        {
            "title": title,
            "intro": list(intro),
            "model": {"name": shown[0].network, "backend": "", "task": shown[0].task},
            "layers": list(kept.values()),
            "methods": list(methods.values()),
            "pictures": [one.picture for one in shown],
            "packets": [packet for one in shown for packet in one.packets.values()],
        }
    )


def _at(methods: Mapping[str, Facts], name: str) -> str:
    return str(methods.get(name, {}).get("at", ""))


def _digest(one: Explanation) -> str:
    shown = one.image if one.array is None else one.array
    made = hashlib.sha256(f"{one.name}\0{shown.shape}".encode())
    made.update(np.ascontiguousarray(shown).data)
    return made.hexdigest()[:12]


def _words(one: Explanation) -> str:
    number = None if one.detection is None else one.detection.number
    return one.target if number is None else f"{number} {one.target}"


def _picture(one: Explanation, key: str) -> Facts:
    rows, columns = one.image.shape[:2]
    facts: Facts = {"id": key, "name": one.name, "kind": KINDS.get(one.axes, "image")}
    if one.array is None:
        return facts | {"width": columns, "height": rows, "sources": [picture_url(one.image)]}
    if one.axes == 1:
        return facts | {"width": 1000, "height": 400, "sources": [], "curve": _curve(one.array)}
    if one.axes == 3:
        slices = _slices(one.array)
        rows, columns = one.array.shape[2:]
        size: Facts = {"width": columns, "height": rows, "slices": len(slices)}
        return facts | size | {"sources": slices}
    return facts | {"width": columns, "height": rows, "sources": [picture_url(one.image)]}


def _slices(volume: Input) -> list[str]:
    grey = volume.mean(axis=0)
    low, high = float(grey.min()), float(grey.max())
    levels = ((grey - low) * (255 / ((high - low) or 1))).round().astype(np.uint8)
    each = np.linspace(0, len(levels) - 1, min(len(levels), SLICES)).round().astype(int)
    return [picture_url(np.stack([levels[k]] * 3, -1), longest=SIDE) for k in each]


def _curve(signal: Input) -> Facts:
    names = [f"channel {k + 1}" if len(signal) > 1 else "" for k in range(len(signal))]
    pairs = zip(names, signal, strict=True)
    return {"channels": [{"name": name, "values": thinned(row)} for name, row in pairs]}


def thinned(row: Signal, most: int = POINTS) -> list[float]:
    """The values of a long row, of every stretch the least and the largest, in their order.

    >>> thinned(np.float32([0, 5, -1, 2, 3, 3, 9, 0]), most=4)
    [5.0, -1.0, 9.0, 0.0]
    """
    if len(row) <= most:
        return [float(f"{v:.5g}") for v in row]
    kept: list[float] = []
    for stretch in np.array_split(row, most // 2):
        ends = sorted((int(stretch.argmin()), int(stretch.argmax())))
        kept += [float(f"{stretch[k]:.5g}") for k in ends]
    return kept


def _layer(layer: Layer, *, reason: str) -> Facts:
    return {
        "name": layer.name,
        "short": layer.name,
        "operation": layer.kind,
        "stage": "x".join(map(str, layer.grid or ())),
        "shape": list(layer.shape),
        "explainable": True,
        "reason": None,
        "auto": bool(reason),
    }


def _method(title: str, name: str) -> Facts:
    own = all_methods().get(name)
    return {
        "name": title,
        "title": title,
        "at": "pixels",
        "sighted": own.directed if own else True,
        "cost": own.cost if own else "",
        "dear": False,
        "options": None,
    }


def _packet(one: Explanation, method: str, picture: Facts) -> Facts:
    box = one.detection
    words = _words(one)
    target = {
        "words": words, "index": one.index, "label": words, "score": one.score,
        "probability": one.probability,
    }  # fmt: skip
    boxes = [{"number": box.number or 1, "box": list(box.box), "label": box.label,
              "score": box.probability}] if box else None  # fmt: skip
    predictions = [
        {"index": p.index, "label": p.label, "score": p.score, "probability": p.probability}
        for p in one.predictions
    ]
    return {
        "picture": picture["id"], "model": one.network, "method": method, "target": target,
        "predictions": predictions, "boxes": boxes, "seconds": 0, "maps": [],
    }  # fmt: skip


def _map(one: Explanation) -> Facts:
    drawn, box = upright(one)
    kept = packed(drawn)
    said = [] if one.tested is None else [f"tested: {one.tested.short}"]
    return {
        "layer": one.layer.name, "shape": list(drawn.shape), "lo": kept.low, "hi": kept.high,
        "signed": one.signed, "box": box, "seen": seen_of(one), "notes": [*one.notes, *said],
        "verdict": {"kind": one.verdict.word, "words": one.verdict.because,
                    "level": LEVELS.get(one.verdict.word, "note")},
        "data": base64.b64encode(kept.data).decode(),
    }  # fmt: skip
