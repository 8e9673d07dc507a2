"""Bounds of rounding: how far a number computed in float32 may be from the exact one."""

OF_A_MEAN = 1e-6
"""Of a mean of float32 values, as a share of their size: below it, the mean is nothing else."""
