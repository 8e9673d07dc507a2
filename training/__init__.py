"""How the two networks in ``xai_heatmap/backends/demo`` were trained."""
