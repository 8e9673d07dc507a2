"""Many pictures on the terminal: a line for each."""

import sys

from xai_heatmap.apps.cli.terminal import columns, elided, log, on_screen, print_lines
from xai_heatmap.jobs.job import Explain
from xai_heatmap.runners.local import Row
from xai_heatmap.sources.frames import titles

PICTURE, LABEL, VERDICT = 32, 28, 20
"""Letters of a column: a picture's on a screen, a class's, a verdict's."""

HEAD = ("picture", "explained", "p", "verdict", "file")
TESTED = 27
"""Letters of what a test came to."""


class Table:
    """Callback for the rows of many pictures, which shows each row as a line of one table.

    Parameters
    ----------
    job
        Whose pictures they are: the longest name is known before the first is explained.
    """

    def __init__(self, job: Explain) -> None:
        longest = max(map(len, (HEAD[0], *titles(job.images))))
        self.widths = [min(PICTURE, longest) if on_screen() else longest, LABEL, 5, VERDICT]
        self.head = [*map(str, HEAD)]
        if job.test or job.guard:
            self.widths.append(TESTED)
            self.head.insert(-1, "tested")
        self.begun = False

    def __call__(self, row: Row) -> None:
        """Show a picture; one with an error goes to stderr."""
        error_alone(row)
        lines = [] if self.begun or row.comparison is None else ["", self._line(*self.head)]
        for one, picture in zip(row.comparison or (), row.pictures, strict=True):
            sure = "" if one.probability is None else f"{one.probability:.3f}"
            said = [] if len(self.head) == len(HEAD) else [one.tested.short if one.tested else ""]
            cells = (one.name, one.target, sure, one.verdict.word, *said, str(picture))
            lines.append(self._line(*cells))
        if row.sheet is not None and row.comparison is not None:
            empty = [""] * (len(self.head) - 3)
            lines.append(self._line(row.comparison[0].name, "all of them", *empty, str(row.sheet)))
        self.begun = self.begun or bool(lines)
        print_lines(lines)
        sys.stdout.flush()

    def _line(self, *cells: str) -> str:
        """Line of the table: on a screen no longer than the screen, elsewhere whole."""
        first = [
            _kept(cell, width, screen=on_screen()).ljust(width)
            for cell, width in zip(cells, self.widths, strict=False)
        ]
        line = "  ".join([*first, cells[-1]]).rstrip()
        return elided(line, width=columns()) if on_screen() else line


def error_alone(row: Row) -> None:
    """Print the error of a picture, if there is one, on stderr."""
    if row.error is not None:
        said = str(row.error)
        log(f"error {row.error.code}: {said if row.image in said else f'{row.image}: {said}'}")


def _kept(cell: str, width: int, *, screen: bool) -> str:
    return elided(cell, width=width) if screen else cell
