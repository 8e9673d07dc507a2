"""How the two networks in ``xai_heatmap/networks/loading/demo`` were trained."""
