"""Which framework a kind of network or engine is of: each has a wing of `networks`."""

WINGS = "xai_heatmap.networks."
"""Package of the wings."""


def wing(kind: type) -> str:
    """Name of the wing that a class is of; of another package's class the package.

    >>> from xai_heatmap.core.wing import wing
    >>> wing(int)
    'builtins'
    """
    own = kind.__module__
    return own.removeprefix(WINGS).partition(".")[0]
