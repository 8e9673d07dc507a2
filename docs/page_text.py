"""What the pages of methods and of metrics are written with."""

from collections.abc import Mapping
from pathlib import Path


def linked(paper: str) -> str:
    """The address at the end of a citation as a link."""
    said, _, link = paper.rpartition(" ")
    return f"{said} <{link}>" if link.startswith("https://") else paper


def cell(text: str) -> str:
    """A cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|")


def write(folder: Path, told: Mapping[str, str]) -> None:
    """Write pages, and remove those in the same folder that are no longer made.

    Parameters
    ----------
    folder
        Made where it is not there.
    told
        By file name, a page's text.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in told.items():
        (folder / name).write_text(text, encoding="utf-8")
    for path in folder.glob("*.md"):
        if path.name not in told:
            path.unlink()
