"""Keras models differentiated by PyTorch."""
