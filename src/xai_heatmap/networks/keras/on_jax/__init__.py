"""Keras models differentiated by JAX."""
