"""Keras 3 models, on each of the backends of Keras."""
