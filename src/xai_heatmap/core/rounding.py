"""Bounds of rounding: how far a number computed in float32 may be from the exact one."""

OF_A_MEAN = 1e-6
"""Rounding error of a mean of float32 values, as a share of their size: a smaller mean is nothing
else."""
