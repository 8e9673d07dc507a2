"""Plain Python functions as networks, without gradients."""
