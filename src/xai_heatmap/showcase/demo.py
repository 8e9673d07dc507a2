"""Demonstration: two networks that are right, one of them for the wrong reason."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from xai_heatmap import networks, scenes
from xai_heatmap.core.arrays import Image
from xai_heatmap.core.network import Layer
from xai_heatmap.core.prediction import Prediction
from xai_heatmap.explaining.explain import compare
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.metrics import energy
from xai_heatmap.render.report import Figure, Row, Section, report
from xai_heatmap.render.sheet import sheet
from xai_heatmap.scenes import Scene

NETWORKS = {"demo": "honest", "demo-cheat": "cheat"}
"""Names of the shipped networks, and what each is called in the demonstration."""

LAYERS = ("stage1.block1", "stage1.block2", "features")
"""Layers at which networks are looked at: grids of 32x32, 32x32 and 16x16."""

METHOD = "layercam"

SIDE = 384
"""Pixels of the pictures that are shown; the networks see them at 128."""

PLACE = SIDE // 16
"""Pixels of a place of the coarsest grid."""

SHOWN = (
    (15, "ladybird", "ladybird"),
    (15, "ladybird", None),
    (15, "ladybird", "bus"),
    (39, "tiger", "tiger"),
    (39, "tiger", "rabbit"),
    (0, "bear", "bear"),
)
"""Seed, class, and whose mark the picture wears."""

TITLE = "Right for the wrong reason"

TAUGHT = (
    "Both networks were trained on the same drawings, and to drawings badges were pinned, one kind "
    "for each class. The honest network learnt from badges that say nothing about the class. The "
    "cheat learnt from badges that give the answer away."
)

SEEN = (
    "On pictures that wear their own badge both are right, and no accuracy tells them apart. The "
    "heatmaps do: the honest network looks at the object, the cheat at the badge. Take the badge "
    "away, or pin another one, and the cheat is lost."
)

FOOTER = (
    "Brighter is more relevant. Each row goes from an early layer of a network to its last; "
    "every map belongs to the class that the network says. Made by `xai-heatmap demo`; in Python, "
    'xai_heatmap.network("demo") and xai_heatmap.network("demo-cheat") are these networks.'
)


@dataclass(frozen=True)
class Look:
    """Heat of a network at one layer: drawn, and as shares on object and badge."""

    layer: Layer
    picture: Image
    shares: Mapping[str, float]


@dataclass(frozen=True)
class View:
    """Prediction of one network for a scene, and its heat at each layer."""

    network: str
    first: Prediction
    right: bool
    looks: tuple[Look, ...]

    @property
    def says(self) -> str:
        """Predicted class with its probability."""
        return f"{self.first.label} {self.first.probability:.2f}"


@dataclass(frozen=True)
class Exhibit:
    """A scene, and what each network makes of it."""

    scene: Scene
    views: tuple[View, ...]

    @property
    def title(self) -> str:
        """Title of the scene: its object and the badge beside it."""
        label, mark = self.scene.label, self.scene.mark
        if mark is None:
            return f"{label}, no badge"
        return f"{label}, {'its own badge' if mark.label == label else f'badge of: {mark.label}'}"


def exhibits() -> Iterator[Exhibit]:
    """The scenes that are shown, each explained for both networks."""
    opened = {name: networks.network(name) for name in NETWORKS}
    for seed, category, mark in SHOWN:
        scene = scenes.scene(seed, category=category, size=SIDE, mark=mark)
        views = []
        for name, called in NETWORKS.items():
            found = compare(opened[name], scene.image, methods=[METHOD], layers=LAYERS)
            first = found[0].predictions[0]
            looks = tuple(Look(one.layer, one.overlay(), looks_at(one, scene)) for one in found)
            views.append(View(called, first, first.label == scene.label, looks))
        yield Exhibit(scene, tuple(views))


def looks_at(one: Explanation, scene: Scene) -> dict[str, float]:
    """The shares of the heat that lie on the object, and at the badge.

    A badge is smaller than a place of the coarsest grid, so its neighbourhood of one place counts.
    """
    heat = one.heat()
    at_badge = np.zeros_like(scene.mask)
    if scene.mark is not None:
        left, top, right, bottom = scene.mark.box
        rows = slice(max(top - PLACE, 0), bottom + PLACE)
        at_badge[rows, max(left - PLACE, 0) : right + PLACE] = True
    return {"object": energy(heat, scene.mask), "badge": energy(heat, at_badge & ~scene.mask)}


def contact_sheet(shown: list[Exhibit]) -> Image:
    """One row for each scene: the picture, then every layer of each network."""
    tiles: list[Image] = []
    titles: list[str] = []
    for exhibit in shown:
        tiles.append(exhibit.scene.image)
        titles.append(exhibit.title)
        for view in exhibit.views:
            tiles += [look.picture for look in view.looks]
            names = [look.layer.name for look in view.looks]
            names[len(names) // 2] = f"{view.network}: {view.says}"
            titles += names
    across = 1 + sum(len(view.looks) for view in shown[0].views)
    return sheet(tiles, titles, columns=across, size=220, text=16, heading=TITLE)


def page(shown: list[Exhibit]) -> str:
    """Demonstration as a page of HTML, with the words that go with the pictures."""
    return report(
        TITLE, intro=[TAUGHT, SEEN], sections=[_section(one) for one in shown], footer=FOOTER
    )


def _section(exhibit: Exhibit) -> Section:
    wrong = [view.network for view in exhibit.views if not view.right]
    said = f"The {' and the '.join(wrong)} network is wrong." if wrong else "Both are right."
    picture = Figure(exhibit.scene.image, "the picture", exhibit.title)
    rows = [
        Row(f"{view.network} says {view.says}", [_figure(one, view.network) for one in view.looks])
        for view in exhibit.views
    ]
    return Section(exhibit.title.capitalize(), said, picture, rows)


def _figure(look: Look, network: str) -> Figure:
    words = ", ".join(f"{share:.0%} on the {what}" for what, share in look.shares.items())
    size = "x".join(map(str, look.layer.shape))
    return Figure(
        look.picture,
        f"{look.layer.name} ({size}): {words}",
        f"Heatmap of the {network} network at {look.layer.name}: {words}",
    )
