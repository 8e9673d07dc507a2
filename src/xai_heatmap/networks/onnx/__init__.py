"""ONNX files as networks, run by onnxruntime."""
