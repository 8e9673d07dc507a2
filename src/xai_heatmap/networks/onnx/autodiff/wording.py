"""One-line wording of an exception of another library."""


def first_line(error: Exception) -> str:
    """The first line of what it says, or its class where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
