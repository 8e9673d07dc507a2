"""The demonstration: two networks that are right, one of them for the wrong reason."""
