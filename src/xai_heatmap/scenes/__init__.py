"""Planted scenes: pictures drawn from a seed, of which it is known what a network should see.

Twelve classes that need shape, texture and parts to tell apart, over textured grounds, among
clutter and partly covered; with the mask of the object and of its telling parts. A mark, one for
each class, is a shortcut that can be planted beside the object.

>>> from xai_heatmap import scenes
>>> scenes.scene(7, category="fish").label
'fish'
"""

from xai_heatmap.scenes.composing import batch, empty, index, marked, pair, scene
from xai_heatmap.scenes.objects import CLASSES, TELLING
from xai_heatmap.scenes.picture import Mark, Planted, Scene

__all__ = [
    "CLASSES",
    "TELLING",
    "Mark",
    "Planted",
    "Scene",
    "batch",
    "empty",
    "index",
    "marked",
    "pair",
    "scene",
]
