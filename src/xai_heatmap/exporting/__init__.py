"""A network and its heatmaps as one ONNX file."""
