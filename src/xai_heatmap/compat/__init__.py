"""The API that this project grew from, on its engine: `XAIHeatmap` and its companions.

Pictures go in and come out as OpenCV has them: uint8, blue first. OpenCV itself is not needed.
"""

from xai_heatmap.compat.activations import Tiles, XAIActivations
from xai_heatmap.compat.drawer import Drawer
from xai_heatmap.compat.heatmap import XAIHeatmap
from xai_heatmap.compat.tool import XVisTool

__all__ = ["Drawer", "Tiles", "XAIActivations", "XAIHeatmap", "XVisTool"]
