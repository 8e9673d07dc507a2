"""The twelve classes, and the telling parts of each."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from xai_heatmap.scenes.animals import bear, cat, rabbit, tiger
from xai_heatmap.scenes.dice import Dice
from xai_heatmap.scenes.insects import beetle, ladybird
from xai_heatmap.scenes.patch import Patch
from xai_heatmap.scenes.swimmers import bird, fish
from xai_heatmap.scenes.vehicles import bus, truck
from xai_heatmap.scenes.vessels import mug, teapot

Draw = Callable[[Patch, Dice], None]

DRAWN: Mapping[str, Draw] = MappingProxyType(
    {
        "bear": bear,
        "beetle": beetle,
        "bird": bird,
        "bus": bus,
        "cat": cat,
        "fish": fish,
        "ladybird": ladybird,
        "mug": mug,
        "rabbit": rabbit,
        "teapot": teapot,
        "tiger": tiger,
        "truck": truck,
    }
)
"""Functions that draw the classes, by class."""

CLASSES = tuple(DRAWN)

TELLING: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "bear": ("ears",),
        "beetle": ("stripes",),
        "bird": ("beak", "wing"),
        "bus": ("windows",),
        "cat": ("ears",),
        "fish": ("tail", "fins"),
        "ladybird": ("spots",),
        "mug": ("handle",),
        "rabbit": ("ears",),
        "teapot": ("spout", "lid"),
        "tiger": ("stripes", "ears"),
        "truck": ("cab",),
    }
)
"""Parts that tell a class from the one that looks alike."""

TURNS = {"beetle": 0.5, "ladybird": 0.5, "fish": 0.09, "bird": 0.07, "bus": 0.04, "truck": 0.04}
"""Largest turn of each class to either side; of the others ``0.07``."""
