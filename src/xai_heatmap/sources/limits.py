"""Limits of how much a picture may hold. Importing this module imports no numpy."""

LIMIT = 200_000_000
"""Pixels; 600 MB of memory as RGB."""

TRUSTED = (
    "Make it smaller; if you trust it, say --max-pixels on the command line, or hand in its pixels "
    "as an array."
)
"""What to do about a picture that has more."""
