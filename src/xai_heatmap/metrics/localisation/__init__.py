"""Metrics of a map against the truth: which pixels belong to the object."""
