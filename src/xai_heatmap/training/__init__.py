"""Heatmaps while a network trains: the same pictures after every few epochs, on one scale.

>>> from xai_heatmap.training import Heatmaps
>>> Heatmaps.__name__
'Heatmaps'
"""

from xai_heatmap.training.heatmaps import Heatmaps
from xai_heatmap.training.look import Look

__all__ = ["Heatmaps", "Look"]
