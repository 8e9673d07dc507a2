"""One-line wording of an exception of another library."""


def first_line(error: Exception) -> str:
    """First line of the message of an error, or the class of an error without message."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
