"""The kits of PyTorch, Keras and ONNX: what a backend brings to the conformance checks."""
