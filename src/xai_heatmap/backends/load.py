"""Models by their names, under the name that this module had before."""

from xai_heatmap.networks.loading.load import load

__all__ = ["load"]
