"""Write the notebooks of examples/notebooks from the plain files beside them, executed:
``python docs/notebooks.py [NAME...]``, which is ``make notebooks``.

A source is Python with cells, ``# %%`` and ``# %% [markdown]``, as editors know them. Each runs in
a process of its own, in one namespace, without a kernel. What a cell prints and what its last line
gives is kept: pictures as small JPEGs.
"""

import argparse
import ast
import base64
import contextlib
import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import PIL.Image

FOLDER = Path(__file__).resolve().parents[1] / "examples" / "notebooks"
MARK = re.compile(r"^# %%( \[markdown\])?\n", flags=re.MULTILINE)
WIDEST, QUALITY = 900, 82
"""Pixels of a kept picture's longer side, and its quality."""

SAID = (
    "*Written by `make notebooks` from [{name}.py]({name}.py), which is the file to change.{how}*"
)
ELSEWHERE = (
    " To run it elsewhere, for instance in Colab: upload it and begin with "
    '`%pip install "xai-heatmap[torch,keras,notebook]"`.'
)
CLONE = "from a clone"
"""Words of a first cell that needs more than the package."""


@dataclass(frozen=True)
class Cell:
    """A cell of a notebook: words, or code."""

    words: bool
    text: str


def cells(path: Path) -> list[Cell]:
    """The cells of a source."""
    text = path.read_text("utf-8")
    _, *parts = MARK.split(text)
    found = []
    for mark, part in zip(parts[::2], parts[1::2], strict=True):
        lines = part.strip("\n")
        if mark:
            lines = re.sub(r"^# ?", "", lines, flags=re.MULTILINE)
        found.append(Cell(bool(mark), lines))
    first, *rest = found
    how = "" if CLONE in first.text else ELSEWHERE
    told = SAID.format(name=path.stem, how=how)
    return [Cell(first.words, f"{first.text}\n\n{told}"), *rest]


def sources() -> list[Path]:
    """The notebooks' sources."""
    return sorted(FOLDER.glob("*.py"))


def run(path: Path) -> Iterator[tuple[Cell, list[dict[str, Any]]]]:
    """Each cell with its outputs, run in one namespace; what goes wrong says in which cell."""
    names: dict[str, Any] = {"__name__": "__main__"}
    count, heading = 0, path.stem
    for cell in cells(path):
        if cell.words:
            heading = (re.findall(r"^#+ (.*)", cell.text, flags=re.MULTILINE) or [heading])[-1]
            yield cell, []
            continue
        count += 1
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed):
                value = _last(cell.text, f"{path.name}[{count}]", names)
        except BaseException as error:
            error.add_note(f"in cell {count} of {path.name}:\n{cell.text}")
            raise
        outputs = []
        if printed.getvalue():
            outputs.append(
                {"output_type": "stream", "name": "stdout", "text": _lines(printed.getvalue())}
            )
        if value is not None:
            data = shown(value)
            alt = {kind: {"alt": heading} for kind in data if kind.startswith("image/")}
            outputs.append(
                {"output_type": "execute_result", "execution_count": count,
                 "metadata": alt, "data": data}
            )  # fmt: skip
        yield cell, outputs


def _last(code: str, name: str, names: dict[str, Any]) -> Any:
    """Run code, and give what its last line is worth, as a notebook does."""
    tree = ast.parse(code)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, name, "exec"), names)  # noqa: S102 - our own
    if last is None:
        return None
    return eval(compile(ast.Expression(last.value), name, "eval"), names)  # noqa: S307


def shown(value: Any) -> dict[str, Any]:
    """A value as a notebook keeps it: by its page, its picture, or its words."""
    page = getattr(value, "_repr_html_", lambda: None)()
    if page is not None:
        held = re.sub(
            r"data:image/png;base64,([A-Za-z0-9+/=]+)",
            lambda found: "data:image/jpeg;base64," + smaller(base64.b64decode(found[1])),
            page,
        )
        return {"text/html": _lines(held), "text/plain": [f"<{type(value).__name__}>"]}
    png = getattr(value, "_repr_png_", lambda: None)()
    if png is not None:
        return {"image/jpeg": smaller(png), "text/plain": [f"<{type(value).__name__}>"]}
    return {"text/plain": _lines(repr(value))}


def smaller(png: bytes) -> str:
    """A picture as a JPEG of at most `WIDEST` pixels, in base64."""
    with PIL.Image.open(io.BytesIO(png)) as opened:
        picture = opened.convert("RGB")
    picture.thumbnail((WIDEST, WIDEST), PIL.Image.Resampling.LANCZOS)
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=QUALITY, optimize=True)
    return base64.b64encode(written.getvalue()).decode()


def notebook(path: Path) -> dict[str, Any]:
    """The executed notebook of a source, as nbformat 4.5 has it."""
    made = []
    count = 0
    for number, (cell, outputs) in enumerate(run(path)):
        own: dict[str, Any] = {"id": f"cell-{number}", "metadata": {}, "source": _lines(cell.text)}
        if cell.words:
            made.append({"cell_type": "markdown", **own})
            continue
        count += 1
        made.append({"cell_type": "code", "execution_count": count, **own, "outputs": outputs})
    spec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    about = {"kernelspec": spec, "language_info": {"name": "python"}}
    return {"cells": made, "metadata": about, "nbformat": 4, "nbformat_minor": 5}


def stale(path: Path) -> str:
    """How the notebook beside a source differs from it, in words; nothing where it does not."""
    written = path.with_suffix(".ipynb")
    if not written.exists():
        return f"{written.name} is not there. Run: make notebooks"
    held = json.loads(written.read_text("utf-8"))["cells"]
    found = [Cell(one["cell_type"] == "markdown", "".join(one["source"])) for one in held]
    own = cells(path)
    for number, (one, other) in enumerate(zip(own, found, strict=False), 1):
        if one != other:
            return (
                f"cell {number} of {written.name} is not that of {path.name}. Run: make notebooks"
            )
    if len(own) != len(found):
        return f"{written.name} has {len(found)} cells, {path.name} {len(own)}. Run: make notebooks"
    return ""


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def write(path: Path) -> None:
    """Run a source and write its notebook beside it."""
    written = path.with_suffix(".ipynb")
    with contextlib.chdir(path.parent):
        text = json.dumps(notebook(path), ensure_ascii=False, indent=1)
    written.write_text(text + "\n", "utf-8")
    print(f"{written.name}: {len(text) / 1000:.0f} kB")


def main() -> None:
    """Write the notebooks that are named, or all."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("names", nargs="*", help="without .py; all where none is named")
    asked.add_argument("--here", action="store_true", help="in this process")
    given = asked.parse_args()
    known = {path.stem: path for path in sources()}
    unknown = sorted(set(given.names) - set(known))
    if unknown:
        asked.error(f"no notebook {', '.join(unknown)}; there are {', '.join(known)}")
    for name in given.names or known:
        if given.here:
            write(known[name])
        else:  # a framework's settings, such as Keras's backend, hold for a process
            subprocess.run([sys.executable, __file__, "--here", name], check=True)  # noqa: S603


if __name__ == "__main__":
    main()
