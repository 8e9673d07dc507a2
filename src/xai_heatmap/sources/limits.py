"""Limits of how much a picture may hold. Importing this module imports no numpy."""

LIMIT = 200_000_000
"""Pixels; 600 MB of memory as RGB."""
