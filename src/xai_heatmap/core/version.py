"""Version of the package, as it is installed."""

from functools import cache


@cache
def installed_version() -> str:
    """The version that files are signed with; ``unknown`` where the package is not installed."""
    from importlib.metadata import PackageNotFoundError, version  # which reads as a mail does

    try:
        return version("xai-heatmap")
    except PackageNotFoundError:
        return "unknown"
