"""Keras models differentiated by TensorFlow."""
